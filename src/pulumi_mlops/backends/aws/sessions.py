"""Clients of boto3 that have the provider's own settings: what is looked up is what the provider will change.

The settings are those of ``aws:`` in the stack's configuration. A provider that a program gives in ``opts`` takes none
of these: its own profile or keys are read. The roles that it assumes cannot be read, and so the accounts are compared.
"""

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pulumi

from pulumi_mlops.core import private

if TYPE_CHECKING:
    import boto3
    import botocore.loaders

PACKAGE = "aws"
_OBJECTS = ("assumeRoles", "assumeRoleWithWebIdentity", "endpoints", "sharedConfigFiles", "sharedCredentialsFiles")
_FLAGS = ("insecure", "useFipsEndpoint", "useDualstackEndpoint", "s3UsePathStyle")
_TEXTS = ("profile", "accessKey", "secretKey", "token", "customCaBundle", "httpProxy", "httpsProxy", "stsRegion")
_OWN = {"profile": "profile", "access_key": "accessKey", "secret_key": "secretKey", "token": "token"}
"""Whose a provider's credentials are, as far as a program can read it."""
OURS: "WeakSet[pulumi.ProviderResource]" = WeakSet()
"""The providers that the library made, which have the stack's settings."""
_SESSION = "pulumi-mlops"
AT_ONCE = 16
"""Connections of a client of data."""
_CONNECT_SECONDS = 10.0


def configured(key: str, kind: str = "str") -> Any:
    """Read a setting of the provider from the stack's configuration; one that is kept as a secret stays one."""
    config = pulumi.Config(PACKAGE)
    secret = "_secret" if private.config_secret(f"{PACKAGE}:{key}") else ""
    return getattr(config, f"get{secret}{'' if kind == 'str' else f'_{kind}'}")(key)


def client(
    given: pulumi.ProviderResource | None, service: str, region: str | None, seconds: float | None = None
) -> Any:
    """Return a client for a region, with the settings of a provider; of the default one where none is given.

    :param seconds: for a client that sends each request once, how long it waits for an answer.
    """
    settings = _settings(given)
    return _client(service, region, json.dumps(settings, sort_keys=True), seconds)


def _settings(given: pulumi.ProviderResource | None) -> dict[str, Any]:
    return private.once(f"settings {id(given)}", lambda: _configured() if given in (None, *OURS) else _own(given))


def _configured() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for names, kind in ((_TEXTS, "str"), (_OBJECTS, "object"), (_FLAGS, "bool")):
        for name in names:
            value = configured(name, kind)
            value = private.resolve(value.future()) if isinstance(value, pulumi.Output) else value
            if value is not None:
                found[name] = value
    return found


def _own(given: pulumi.ProviderResource | None) -> dict[str, Any]:
    """Read what a provider was made with: it takes nothing of the stack's configuration."""
    found: dict[str, Any] = {key: known for name, key in _OWN.items() if (known := known_of(given, name))}
    if endpoints := known_of(given, "endpoints"):
        found["endpoints"] = json.loads(endpoints)
    return found


def known_of(given: pulumi.ProviderResource | None, key: str) -> str | None:
    """Return a setting of a provider, as far as it is known already."""
    value = getattr(given, key, None)
    known = private.resolve(value.future()) if isinstance(value, pulumi.Output) else value
    return known if isinstance(known, str) else None


@functools.cache
def loader(places: str | None) -> "botocore.loaders.Loader":
    """Return what reads botocore's descriptions: one for all, since it keeps what it has read, and they are large."""
    import botocore.loaders  # noqa: PLC0415 (not free to import)

    return botocore.loaders.create_loader(places)


@functools.cache
def _session(region: str | None, profile: str | None, config: str | None, credentials: str | None) -> "boto3.Session":
    import boto3  # noqa: PLC0415 (only programs that ask pay for it)
    import botocore.session  # noqa: PLC0415 (as above)

    core = botocore.session.Session(profile=profile)
    for name, path in (("config_file", config), ("credentials_file", credentials)):
        if path is not None:
            core.set_config_variable(name, path)
    core.register_component("data_loader", loader(core.get_config_variable("data_path")))
    return boto3.Session(region_name=region, botocore_session=core)


def _options(settings: Mapping[str, Any], service: str, seconds: float | None = None) -> dict[str, Any]:
    """Say what a client of a service is made with, credentials apart."""
    from botocore.config import Config  # noqa: PLC0415 (as above)

    proxies = {kind: settings[f"{kind}Proxy"] for kind in ("http", "https") if f"{kind}Proxy" in settings}
    waits: dict[str, Any] = {"retries": {"mode": "adaptive", "max_attempts": 8}}
    if seconds is not None:
        waits = {"retries": {"mode": "standard", "total_max_attempts": 1}, "read_timeout": seconds}
        waits |= {"connect_timeout": min(seconds, _CONNECT_SECONDS), "max_pool_connections": AT_ONCE}
    config = Config(
        **waits,
        proxies=proxies or None,
        use_fips_endpoint=settings.get("useFipsEndpoint"),
        use_dualstack_endpoint=settings.get("useDualstackEndpoint"),
        s3={"addressing_style": "path"} if settings.get("s3UsePathStyle") else None,
    )
    verify = False if settings.get("insecure") else settings.get("customCaBundle")
    named = [one[service] for one in settings.get("endpoints", []) if one.get(service)]
    return {
        "config": config,
        **({} if verify is None else {"verify": verify}),
        **({"endpoint_url": named[0]} if named else {}),
    }


@functools.cache
def _client(service: str, region: str | None, written: str, seconds: float | None) -> Any:
    settings: dict[str, Any] = json.loads(written)
    files = [next(iter(settings.get(name, [])), None) for name in ("sharedConfigFiles", "sharedCredentialsFiles")]
    session: Any = _session(region, settings.get("profile"), *files)  # the name of a service is not a literal here
    keys = {
        name: settings[key]
        for name, key in (
            ("aws_access_key_id", "accessKey"),
            ("aws_secret_access_key", "secretKey"),
            ("aws_session_token", "token"),
        )
        if key in settings
    }
    sts = functools.partial(
        session.client, "sts", **_options(settings, "sts"), region_name=settings.get("stsRegion") or region
    )
    if web := settings.get("assumeRoleWithWebIdentity"):
        keys = _keys(
            sts(**keys).assume_role_with_web_identity(
                RoleArn=web["roleArn"],
                RoleSessionName=web.get("sessionName") or _SESSION,
                WebIdentityToken=web.get("webIdentityToken") or _file(web["webIdentityTokenFile"]),
            )
        )
    for role in settings.get("assumeRoles", []):
        extra = {"ExternalId": role["externalId"]} if role.get("externalId") else {}
        keys = _keys(
            sts(**keys).assume_role(
                RoleArn=role["roleArn"], RoleSessionName=role.get("sessionName") or _SESSION, **extra
            )
        )
    return session.client(service, **_options(settings, service, seconds), **keys)


def _file(path: str) -> str:
    from pathlib import Path  # noqa: PLC0415 (only here)

    return Path(path).expanduser().read_text(encoding="utf-8").strip()


def _keys(answer: Mapping[str, Any]) -> dict[str, str]:
    given = answer["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
