"""Which provider instance leads to a platform: the stack's own settings, with the platform's region and subscription.

A provider that is made inherits nothing from the default one, so every setting of ``azure-native:`` in the stack's
configuration is handed on to it: tenant, client, tokens, environment.
"""

import contextlib
import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi_azure_native as azure
from pulumi import Input, InvokeOptions, ProviderResource, ResourceOptions
from pulumi_azure_native import authorization

from pulumi_mlops.backends.azure import live, sessions
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.bridges import Difference
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import InvalidArgs, MlopsError, Problem
from pulumi_mlops.core.inputs import Spec, is_deferred
from pulumi_mlops.core.refs import HubRef

PACKAGE = sessions.PACKAGE
_SET_HERE = ("location", "subscription_id")
_NO_SETTINGS = (*_SET_HERE, "self", "__self__", "resource_name", "opts", "__props__")


@functools.cache
def _known() -> Mapping[str, str]:
    """Return the provider's settings, and of each the kind of value that it takes."""
    init = azure.Provider._internal_init  # noqa: SLF001 (the public __init__ hides the names)
    made = inspect.signature(init).parameters
    return {name: _kind(str(one.annotation)) for name, one in made.items() if name not in _NO_SETTINGS}


def _kind(hint: str) -> str:
    return "object" if "Sequence" in hint else "bool" if "bool" in hint else "str"


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def settings() -> dict[str, Any]:
    """Return what the stack's configuration says of the provider, but for region and subscription."""
    found = {name: sessions.configured(_camel(name), kind) for name, kind in _known().items()}
    return {name: value for name, value in found.items() if value is not None}


def make(name: str, location: str | None, subscription: Input[str] | None, opts: ResourceOptions | None) -> Any:
    """Make a provider that differs from the stack's own in its region, or in its subscription."""
    made = azure.Provider(
        name,
        location=location or live.default_location(),
        subscription_id=subscription if subscription is not None else live.default_subscription(),
        opts=opts,
        **settings(),
    )
    sessions.OURS.add(made)
    return made


def reach(hub: HubRef, given: ProviderResource | None) -> Sequence[ProviderResource]:
    """Return the provider for a platform that another stack owns; none where the stack's default one leads there.

    :param given: the provider that the component's own options name; it wins, and is compared.
    :raises InvalidArgs: the provider leads to another subscription.
    """
    subscription = _plain(PlatformAddress.of(hub).subscription)
    if given is not None:
        there = subscription_of(given)
        if subscription and there not in (None, subscription):
            told = (
                f"is in subscription {subscription}, and the provider in opts is of {there}; give a provider of "
                f"{subscription}, or leave it out"
            )
            raise InvalidArgs(type(hub).__name__.removesuffix("Ref"), hub.name, [Problem("platform", told)])
        return ()
    if subscription in (None, subscription_of(None)):
        return ()
    if (problem := _unreachable(subscription)) is not None:
        raise InvalidArgs(type(hub).__name__.removesuffix("Ref"), hub.name, [problem])
    name = "-".join(part for part in (hub.name, hub.stage, PACKAGE, subscription) if part)
    location = hub.region if isinstance(hub, PlatformRef) else None
    return (private.once(f"provider {name}", lambda: make(name, location, subscription, None)),)


def _unreachable(subscription: str) -> Problem | None:
    """Refuse a subscription of which these credentials see nothing."""
    try:
        there = live.subscription(None, subscription)
    except MlopsError as error:
        return Problem("platform", f"is in subscription {subscription}, and {error}")
    if there is None and not private.mocked():
        return Problem(
            "platform",
            f"is in subscription {subscription}, which the credentials of this stack do not see; log in as somebody "
            "who does, or give a provider of it in opts",
        )
    return None


def apart(here: HubRef, there: HubRef) -> Sequence[Difference]:
    """Tell whether two platforms are in different regions or subscriptions, as far as that is known yet."""
    one, other = PlatformAddress.of(here), PlatformAddress.of(there)
    found: dict[Difference, bool] = {
        "place": _differ(_region(here), _region(there)),
        "account": _differ(_plain(one.subscription), _plain(other.subscription)),
    }
    return [difference for difference, there_is in found.items() if there_is]


def _differ(one: str | None, other: str | None) -> bool:
    return bool(one and other and one != other)


def _region(hub: HubRef) -> str | None:
    return (hub.region if isinstance(hub, PlatformRef) else None) or _plain(PlatformAddress.of(hub).location)


def _plain(value: Input[str]) -> str | None:
    return None if is_deferred(value) else str(value)


def subscription_of(provider: ProviderResource | None) -> str | None:
    """Return the subscription that a provider deploys to; nothing where that is not known yet."""
    return sessions.setting(provider, "subscriptionId") or _of_client(provider, "subscription_id")


def tenant_of(provider: ProviderResource | None) -> str | None:
    """Return the tenant of a provider's credentials; nothing where that is not known yet."""
    return sessions.setting(provider, "tenantId") or _of_client(provider, "tenant_id")


def caller_of(provider: ProviderResource | None) -> str | None:
    """Return the object id of whoever deploys; nothing where that is not known yet."""
    return _of_client(provider, "object_id")


def _of_client(provider: ProviderResource | None, fact: str) -> str | None:
    def ask() -> str | None:
        with _mocks_need_no_answer():
            answer = authorization.get_client_config(opts=InvokeOptions(provider=provider))
            found = getattr(answer, fact, None)
            return found if isinstance(found, str) and found else None
        return None

    return private.once(f"azure client {id(provider)} {fact}", ask)


@contextlib.contextmanager
def _mocks_need_no_answer() -> Iterator[None]:
    """Let a program under mocks that answer no such call go on: there is no subscription to be compared."""
    try:
        yield
    except Exception as error:
        if not private.mocked():
            told = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            raise MlopsError(
                f"Azure was not asked who deploys: {told}. Log in with: az login; name a subscription with: pulumi "
                "config set azure-native:subscriptionId ID"
            ) from error


def misplaced(name: str, spec: Spec, given: ProviderResource | None) -> Iterator[Problem]:
    """Refuse a platform's region, or its subscription, beside a provider of another one."""
    del name  # every engine's function is given it
    if not isinstance(spec, PlatformSpec) or given is None:
        return
    there = sessions.setting(given, "location")
    if spec.region and there and live.normal(there) != live.normal(spec.region):
        yield Problem(
            "region",
            f"{spec.region!r} is not the region of the provider in opts, {there!r}; leave region out, or give a "
            f"provider of {spec.region}",
        )
    if spec.account and (owned := subscription_of(given)) not in (None, spec.account):
        yield Problem(
            "account",
            f"{spec.account!r} is not the subscription of the provider in opts, {owned!r}; leave account out, or give "
            f"a provider of {spec.account}",
        )
