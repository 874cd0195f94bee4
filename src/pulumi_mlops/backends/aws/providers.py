"""Which provider instance leads to a platform: the stack's own settings, with the platform's region and account.

A provider that is made inherits nothing from the default one, so every setting of ``aws:`` in the stack's configuration
is handed on to it: profile, assumed roles, default tags, endpoints.
"""

import contextlib
import functools
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, InvokeOptions, ProviderResource, ResourceOptions

from pulumi_mlops.backends.aws import leftovers, live, sessions
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.backends.aws.network import zone_problems
from pulumi_mlops.bridges import Difference
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import Spec, is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.refs import HubRef

PACKAGE = sessions.PACKAGE
_SET_HERE = ("region", "allowed_account_ids", "forbidden_account_ids")
_NO_SETTINGS = (*_SET_HERE, "self", "__self__", "resource_name", "opts", "__props__")


@functools.cache
def _known() -> Mapping[str, str]:
    """Return the provider's settings, and of each the kind of value that it takes."""
    made = inspect.signature(aws.Provider._internal_init).parameters  # noqa: SLF001 (the public __init__ hides the names)
    return {name: _kind(str(one.annotation)) for name, one in made.items() if name not in _NO_SETTINGS}


def _kind(hint: str) -> str:
    if "Sequence" in hint or "Args" in hint:
        return "object"
    return next((word for word in ("bool", "int") if re.search(rf"\b{word}\b", hint)), "str")


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def settings() -> dict[str, Any]:
    """Return what the stack's configuration says of the provider, but for region and accounts."""
    found = {name: sessions.configured(_camel(name), kind) for name, kind in _known().items()}
    return {name: value for name, value in found.items() if value is not None}


def make(name: str, region: str | None, account: Input[str] | None, opts: ResourceOptions | None) -> aws.Provider:
    """Make a provider that differs from the stack's own in its region, and in the account that it may use."""
    allowed = [account] if account is not None else pulumi.Config(PACKAGE).get_object("allowedAccountIds")
    forbidden = pulumi.Config(PACKAGE).get_object("forbiddenAccountIds")
    made = aws.Provider(
        name,
        region=region,
        allowed_account_ids=allowed,
        forbidden_account_ids=None if allowed else forbidden,
        opts=opts,
        **settings(),
    )
    sessions.OURS.add(made)
    return made


def reach(hub: HubRef, given: ProviderResource | None) -> Sequence[ProviderResource]:
    """Return the provider for a platform that another stack owns; none where the stack's default one leads there.

    :param given: the provider that the component's own options name; it wins, and is compared.
    :raises InvalidArgs: the credentials are those of another account, or the given provider has another region.
    """
    address = PlatformAddress.of(hub)
    region = _plain(address.region) or (hub.region if isinstance(hub, PlatformRef) else None)
    account = _plain(address.account)
    if given is not None:
        _compare(hub, account, region, given)
        return ()
    if region in (None, live.default_region()):
        _compare(hub, account, None, None)
        return ()
    name = "-".join(part for part in (hub.name, hub.stage, PACKAGE, account, region) if part)
    made = private.once(f"provider {name}", lambda: make(name, region, address.account, None))
    _compare(hub, account, None, made)
    return (made,)


def apart(here: HubRef, there: HubRef) -> Sequence[Difference]:
    """Tell whether two platforms are in different regions or accounts, as far as that is known yet."""
    one, other = _account(here), _account(there)
    found: dict[Difference, bool] = {"place": far(here, there), "account": bool(one and other and one != other)}
    return [difference for difference, there_is in found.items() if there_is]


def far(here: HubRef, there: HubRef) -> bool:
    """Tell whether two platforms are in different regions, as far as that is known yet."""
    one, other = _region(here), _region(there)
    return bool(one and other and one != other)


def _region(hub: HubRef) -> str | None:
    return (hub.region if isinstance(hub, PlatformRef) else None) or _plain(PlatformAddress.of(hub).region)


def _account(hub: HubRef) -> str | None:
    return _plain(PlatformAddress.of(hub).account) or caller_account(next(iter(hub.providers), None))


def looked_up_elsewhere(hub: HubRef) -> Iterator[Problem]:
    """Refuse a platform whose provider leads to another account than the one that is looked up in."""
    given = next(iter(hub.providers), None)
    if given is None or given in sessions.OURS or not isinstance(hub, PlatformRef):
        return
    there, here = caller_account(given), live.account(hub)
    if there and here and there != here:
        yield Problem(
            "platform",
            f"is in account {there} by its provider in opts, and what is there already would be looked up in account "
            f"{here}: the roles that a provider assumes cannot be read; set aws:profile or aws:assumeRoles to "
            f"credentials of {there} and leave the provider out, or give it a profile instead of roles",
        )


def _plain(value: Input[str]) -> str | None:
    return None if is_deferred(value) else str(value)


def _compare(hub: HubRef, account: str | None, region: str | None, provider: ProviderResource | None) -> None:
    """Refuse a provider that leads to another account or region than the platform's."""
    problems: list[Problem] = []
    if account and (caller := caller_account(provider)) not in (None, account):
        whose = "the provider in opts" if region else "the credentials of this stack"
        problems.append(
            Problem(
                "platform",
                f"is in account {account}, and {whose} lead{'s' if region else ''} to account {caller}; set "
                f"aws:profile or aws:assumeRoles to credentials of {account}, or give a provider of it in opts",
            )
        )
    if region and (there := region_of(provider)) not in (None, region):
        problems.append(
            Problem("platform", f"is in region {region}, and the provider in opts is of {there}; give one of {region}")
        )
    if problems:
        raise InvalidArgs(type(hub).__name__.removesuffix("Ref"), hub.name, problems)


def caller_account(provider: ProviderResource | None) -> str | None:
    """Return the account of a provider's credentials; nothing where that is not known yet."""
    with _mocks_need_no_answer():
        answer = aws.get_caller_identity(opts=InvokeOptions(provider=provider))
        return answer.account_id if isinstance(answer.account_id, str) and answer.account_id else None
    return None


def region_of(provider: ProviderResource | None) -> str | None:
    """Return the region that a provider deploys to; nothing where that is not known yet."""
    with _mocks_need_no_answer():
        named = getattr(provider, "region", None)
        if isinstance(named, pulumi.Output) and isinstance(known := private.resolve(named.future()), str):
            return known
        if provider is None:
            return live.default_region()
        answer = aws.get_region(opts=InvokeOptions(provider=provider))
        return answer.region if isinstance(answer.region, str) and answer.region else None
    return None


@contextlib.contextmanager
def _mocks_need_no_answer() -> Iterator[None]:
    """Let a program under mocks that answer no such call go on: there is no account to be compared."""
    try:
        yield
    except Exception:
        if not private.mocked():
            raise


def misplaced(name: str, spec: Spec, given: ProviderResource | None) -> Iterator[Problem]:
    """Refuse a platform's region, or its account, beside a provider of another one, and names that are taken there."""
    if not isinstance(spec, PlatformSpec):
        return
    made = spec.network.private if spec.network else None
    region = spec.region or (region_of(given) if given else live.default_region())
    if made is not None and region:
        yield from zone_problems(made, region, live.zones(given, region), live.service_names(given, region))
    paths = {f"secrets.{short}": short for short in spec.secrets}
    yield from leftovers.deleted(given, region, physical(name, spec.stage), paths)
    if given is None:
        return
    if spec.region and (there := region_of(given)) not in (None, spec.region):
        yield Problem(
            "region",
            f"{spec.region!r} is not the region of the provider in opts, {there!r}; leave region out, or give a "
            f"provider of {spec.region}",
        )
    if spec.account and (caller := caller_account(given)) not in (None, spec.account):
        yield Problem(
            "account",
            f"{spec.account!r} is not the account of the provider in opts, {caller!r}; leave account out, or give a "
            f"provider of {spec.account}",
        )
