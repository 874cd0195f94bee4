"""The small client of Azure Resource Manager that look-ups use, with the provider's own settings.

The settings are those of ``azure-native:`` in the stack's configuration, or the provider's variables ``ARM_…``. Where
neither names a secret or a token, azure-identity finds the credentials, as for any of Microsoft's own programs. Against
an emulator ``PULUMI_MLOPS_ARM_ENDPOINT`` and ``PULUMI_MLOPS_ARM_TOKEN`` say where it is, and who asks.
"""

import base64
import functools
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

import pulumi

from pulumi_mlops.core import private

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential

PACKAGE = "azure-native"
OURS: "WeakSet[pulumi.ProviderResource]" = WeakSet()
"""The providers that the library made, which have the stack's settings."""
_VARIABLES = {
    "subscriptionId": "ARM_SUBSCRIPTION_ID",
    "tenantId": "ARM_TENANT_ID",
    "clientId": "ARM_CLIENT_ID",
    "clientSecret": "ARM_CLIENT_SECRET",
    "oidcToken": "ARM_OIDC_TOKEN",
    "oidcTokenFilePath": "ARM_OIDC_TOKEN_FILE_PATH",
    "location": "ARM_LOCATION_NAME",
}
"""The settings that are read here, and the variable by which the provider takes each."""
_OWN = {
    "subscription_id": "subscriptionId",
    "tenant_id": "tenantId",
    "client_id": "clientId",
    "client_secret": "clientSecret",
    "location": "location",
}
"""What a program can read of a provider; the SDK's class tells its region only, and the cloud its subscription."""
ENDPOINT, TOKEN = "PULUMI_MLOPS_ARM_ENDPOINT", "PULUMI_MLOPS_ARM_TOKEN"
_PUBLIC = "https://management.azure.com"
_AGENT = "pulumi-mlops"
_RETRIES = 4


def configured(key: str, kind: str = "str") -> Any:
    """Read a setting of the provider from the stack's configuration; one that is kept as a secret stays one."""
    config = pulumi.Config(PACKAGE)
    secret = "_secret" if private.config_secret(f"{PACKAGE}:{key}") else ""
    return getattr(config, f"get{secret}{'' if kind == 'str' else f'_{kind}'}")(key)


def setting(given: pulumi.ProviderResource | None, key: str) -> str | None:
    """Return a setting of a provider, of the default one where none is given; nothing where it is not known yet."""
    return _settings(given).get(key)


def _settings(given: pulumi.ProviderResource | None) -> Mapping[str, str]:
    return private.once(f"settings {id(given)}", lambda: _of_stack() if given is None else _own(given))


def _of_stack() -> dict[str, str]:
    found: dict[str, str] = {}
    for key, variable in _VARIABLES.items():
        value = configured(key)
        value = private.resolve(value.future()) if isinstance(value, pulumi.Output) else value
        if value := value or os.environ.get(variable):
            found[key] = value
    return found


def _own(given: pulumi.ProviderResource) -> dict[str, str]:
    """Read what a provider was made with; one of ours has the stack's settings beside its own."""
    own = {key: known for name, key in _OWN.items() if (known := _known(given, name))}
    return {**(_of_stack() if given in OURS else {}), **own}


def _known(given: pulumi.ProviderResource, key: str) -> str | None:
    value = getattr(given, key, None)
    known = private.resolve(value.future()) if isinstance(value, pulumi.Output) else value
    return known if isinstance(known, str) else None


class Answer(NamedTuple):
    """What Azure Resource Manager answered."""

    status: int
    body: dict[str, Any]


def ask(
    given: pulumi.ProviderResource | None,
    method: str,
    path: str,
    version: str,
    *,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
    audience: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request, and return what came back, whatever its status.

    :param path: what comes after the host, or a whole address that an answer names.
    :param version: of the API; empty for one that has none.
    :param audience: whom the token is for, where that is not Azure Resource Manager.
    """
    from azure.core.rest import HttpRequest  # noqa: PLC0415 (only programs that ask pay for it)

    client = _client(_endpoint(), json.dumps(_settings(given), sort_keys=True), audience or _endpoint())
    wanted = {**({"api-version": version} if version and "api-version=" not in path else {}), **(query or {})}
    where = f"{_endpoint()}{path}" if path.startswith("/") else path
    content = dict(body) if body is not None else None
    request = HttpRequest(method, where, params=wanted, json=content, headers=dict(headers or {}))
    response = client.send_request(request)
    return Answer(response.status_code, read(response.text()))


def read(text: str | bytes) -> dict[str, Any]:
    """Read what was answered, which should be JSON."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        told = text.decode(errors="replace") if isinstance(text, bytes) else text
        found = {"error": {"code": "NotJson", "message": told[:200]}}
    return found if isinstance(found, dict) else {"value": found}


def bearer(given: pulumi.ProviderResource | None, audience: str) -> str:
    """Return a token for what is no part of Azure Resource Manager."""
    if token := os.environ.get(TOKEN):
        return token
    return str(_known_credential(json.dumps(_settings(given), sort_keys=True)).get_token(f"{audience}/.default").token)


def caller(given: pulumi.ProviderResource | None) -> str:
    """Return as whom Azure knows who asks: by the name that a token has, else by an id."""
    parts = bearer(given, _endpoint()).split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        claims = {}  # of the sandbox, whose tokens are plain words
    named = next((claims[key] for key in ("upn", "unique_name", "appid", "oid") if claims.get(key)), None)
    return str(named or _settings(given).get("clientId") or "unknown")


def emulated() -> str | None:
    """Return the address of the emulator that stands for Azure, where there is one."""
    return os.environ.get(ENDPOINT, "").rstrip("/") or None


def _endpoint() -> str:
    return os.environ.get(ENDPOINT, _PUBLIC).rstrip("/")


@functools.cache
def _client(endpoint: str, written: str, audience: str) -> "PipelineClient[Any, Any]":
    from azure.core import PipelineClient  # noqa: PLC0415 (as above)
    from azure.core.pipeline import policies  # noqa: PLC0415 (as above)

    settings: dict[str, str] = json.loads(written)
    return PipelineClient(
        endpoint,
        policies=[
            policies.UserAgentPolicy(_AGENT),
            policies.HeadersPolicy({"Accept": "application/json"}),
            policies.RetryPolicy(retry_total=_RETRIES, retry_backoff_factor=0.5),
            _login(audience, settings),
        ],
    )


def _login(audience: str, settings: Mapping[str, str]) -> Any:
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, HeadersPolicy  # noqa: PLC0415 (as above)

    if token := os.environ.get(TOKEN):
        return HeadersPolicy({"Authorization": f"Bearer {token}"})
    return BearerTokenCredentialPolicy(_credential(settings), f"{audience}/.default")


@functools.cache
def _known_credential(written: str) -> "TokenCredential":
    """Make a credential once, which keeps its tokens."""
    return _credential(json.loads(written))


def _credential(settings: Mapping[str, str]) -> "TokenCredential":
    from azure import identity  # noqa: PLC0415 (as above)

    tenant, client = settings.get("tenantId"), settings.get("clientId")
    if tenant and client and (secret := settings.get("clientSecret")):
        return identity.ClientSecretCredential(tenant, client, secret)
    if tenant and client and (settings.get("oidcToken") or settings.get("oidcTokenFilePath")):
        return identity.ClientAssertionCredential(tenant, client, functools.partial(_assertion, settings))
    return identity.DefaultAzureCredential(exclude_interactive_browser_credential=True)


def _assertion(settings: Mapping[str, str]) -> str:
    from pathlib import Path  # noqa: PLC0415 (only here)

    if token := settings.get("oidcToken"):
        return token
    return Path(settings["oidcTokenFilePath"]).read_text(encoding="utf-8").strip()
