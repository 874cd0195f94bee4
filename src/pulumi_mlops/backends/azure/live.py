"""What is in the subscription now, asked of Azure Resource Manager while the program runs.

Pulumi's provider has functions for some of these, which fail where there is nothing; and some answers decide what a
program declares. The provider's settings are used (see ``sessions``). Under Pulumi's mocks nothing is asked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from pulumi_mlops.backends.azure import sessions
from pulumi_mlops.backends.azure.addresses import ModelAddress, PlatformAddress
from pulumi_mlops.backends.azure.asking import NO_SUBSCRIPTION, asking, refused
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.inputs import is_deferred

ML = "2025-12-01"
"""The version of the API of Azure Machine Learning."""
GROUPS, VAULTS, NAMES, SUBSCRIPTIONS = "2024-03-01", "2024-11-01", "2024-01-01", "2022-12-01"
REGISTRIES, IDENTITIES = "2023-07-01", "2023-01-31"
_ABSENT = (404, 204)
_FORBIDDEN = 403
_FINE = range(200, 300)


def default_location(given: pulumi.ProviderResource | None = None) -> str | None:
    """Return the region that the provider would take by itself."""
    found = sessions.setting(given, "location")
    return normal(found) if found else None


def default_subscription(given: pulumi.ProviderResource | None = None) -> str | None:
    """Return the subscription that the provider's settings name."""
    return sessions.setting(given, "subscriptionId")


def normal(location: str) -> str:
    """Return a region's name as Azure keeps it: ``West Europe`` is ``westeurope``."""
    return location.replace(" ", "").lower()


def get(
    given: pulumi.ProviderResource | None, what: str, path: str, version: str, **query: str
) -> dict[str, Any] | None:
    """Read one thing; nothing where it is not there, and under mocks.

    :param what: what is asked for, for people.
    """
    if private.mocked():
        return None
    with asking(what):
        answer = sessions.ask(given, "GET", path, version, query=query)
    if answer.status in _ABSENT and (answer.body.get("error") or {}).get("code") not in NO_SUBSCRIPTION:
        return None
    if answer.status not in _FINE:
        raise refused(what, answer)
    return answer.body


def listed(
    given: pulumi.ProviderResource | None, what: str, path: str, version: str, **query: str
) -> Iterator[dict[str, Any]]:
    """Read a list page by page; nothing where what holds it is not there, and under mocks."""
    page = get(given, what, path, version, **query)
    while page is not None:
        yield from page.get("value", [])
        page = get(given, what, page["nextLink"], version) if page.get("nextLink") else None


def post(
    given: pulumi.ProviderResource | None, what: str, path: str, version: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask a question that has a body."""
    with asking(what):
        answer = sessions.ask(given, "POST", path, version, body=body)
    if answer.status not in _FINE:
        raise refused(what, answer)
    return answer.body


def provider_of(platform: PlatformRef) -> pulumi.ProviderResource | None:
    """Return the provider that travels with a platform."""
    return next(iter(platform.providers), None)


def of_workspace(platform: PlatformRef, what: str, path: str, **query: str) -> dict[str, Any] | None:
    """Read a thing of the platform's workspace, such as ``onlineEndpoints/score``; nothing where it is not there.

    Nothing either where the workspace itself is still to be made.
    """
    where = workspace_path(platform)
    return None if where is None else get(provider_of(platform), what, f"{where}/{path}".rstrip("/"), ML, **query)


def all_of_workspace(platform: PlatformRef, what: str, path: str, **query: str) -> Iterator[dict[str, Any]]:
    """Read a list of the platform's workspace."""
    where = workspace_path(platform)
    if where is not None:
        yield from listed(provider_of(platform), what, f"{where}/{path}", ML, **query)


def workspace_path(platform: PlatformRef) -> str | None:
    """Return the path of the platform's workspace, as far as it is known; nothing under mocks."""
    if private.mocked():
        return None
    address = PlatformAddress.of(platform)
    if is_deferred(address.workspace_id):
        return planned(platform)
    return str(address.workspace_id)


def planned(platform: PlatformRef) -> str | None:
    """Return the path of a workspace that this very program declares: its names are known before it is there."""
    return _declared().get((platform.name, platform.stage))


def declare(name: str, stage: str, path: str) -> None:
    """Remember the path of a workspace that this program declares."""
    _declared()[name, stage] = path


def _declared() -> dict[tuple[str, str], str]:
    return private.once("azure workspaces", dict[tuple[str, str], str])


def subscription(given: pulumi.ProviderResource | None, name: str) -> dict[str, Any] | None:
    """Read a subscription; nothing where the credentials do not see it."""
    return _seen(given, f"subscription {name}", f"/subscriptions/{name}", SUBSCRIPTIONS)


def _seen(given: pulumi.ProviderResource | None, what: str, path: str, version: str) -> dict[str, Any] | None:
    """Read what some credentials do not see; nothing where they do not, and under mocks."""
    if private.mocked():
        return None
    with asking(what):
        answer = sessions.ask(given, "GET", path, version)
    if answer.status in (*_ABSENT, _FORBIDDEN) or (answer.body.get("error") or {}).get("code") in NO_SUBSCRIPTION:
        return None
    if answer.status not in _FINE:
        raise refused(what, answer)
    return answer.body


def locations(given: pulumi.ProviderResource | None, name: str) -> list[str]:
    """Name the regions that a subscription has; none under mocks."""
    found = listed(given, f"the regions of subscription {name}", f"/subscriptions/{name}/locations", SUBSCRIPTIONS)
    return sorted(one["name"] for one in found)


def sizes(platform: PlatformRef) -> frozenset[str]:
    """Name the sizes of machines in the platform's region, in lower case; none where that is not seen, and under mocks.

    https://learn.microsoft.com/rest/api/azureml/virtual-machine-sizes/list
    """
    rows = _regional(platform, "vmSizes", "the sizes of machines")
    return frozenset(one["name"].lower() for one in rows)


def _regional(platform: PlatformRef, kind: str, what: str) -> list[dict[str, Any]]:
    """List what Azure Machine Learning says of the platform's region; nothing where that is not seen, and under mocks.

    :param kind: such as ``vmSizes``.
    """
    given, where = provider_of(platform), PlatformAddress.of(platform).subscription
    subscription = default_subscription(given) if is_deferred(where) else str(where)
    if private.mocked() or platform.region is None or subscription is None:
        return []
    region = normal(platform.region)
    path = f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{region}/{kind}"

    def ask() -> list[dict[str, Any]]:
        found = _seen(given, f"{what} in {region}", path, ML) or {}
        return list(found.get("value", ()))

    return private.once(f"azure {path}", ask)


def quota(platform: PlatformRef, size: str, *, low_priority: bool) -> tuple[str, int] | None:
    """Return the family of a size, for people, and how many CPUs of it there may be in the platform's region.

    https://learn.microsoft.com/rest/api/azureml/usages/list
    """
    rows = _regional(platform, "vmSizes", "the sizes of machines")
    family = next((str(one.get("family", "")) for one in rows if one["name"].lower() == size.lower()), "")
    wanted = _LOW_PRIORITY if low_priority else family.lower()
    for one in _regional(platform, "usages", "the quotas of machines") if wanted else ():
        name = one.get("name") or {}
        if str(name.get("value", "")).lower() == wanted:
            return str(name.get("localizedValue") or family), int(one["limit"])
    return None


_LOW_PRIORITY = "lowprioritycores"


def named(platform: PlatformRef, what: str, kind: str, name: str) -> str | None:
    """Find the id of a thing of the platform's subscription by its name, which is its own in the whole cloud."""
    given, where = provider_of(platform), PlatformAddress.of(platform).subscription
    subscription = default_subscription(given) if is_deferred(where) else str(where)
    if private.mocked() or subscription is None:
        return None

    def ask() -> dict[str, str]:
        wanted = f"resourceType eq '{kind}'"
        path = f"/subscriptions/{subscription}/resources"
        found = listed(given, f"{what} {name!r}", path, GROUPS, **{"$filter": wanted})
        return {one["name"].lower(): one["id"] for one in found}

    return private.once(f"azure {kind} of {subscription}", ask).get(name.lower())


def endpoint(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Read an endpoint, or nothing."""
    return of_workspace(platform, f"endpoint {name!r}", f"onlineEndpoints/{name}")


def compute(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Read a compute, or nothing."""
    return of_workspace(platform, f"compute {name!r}", f"computes/{name}")


def deployments(platform: PlatformRef, name: str) -> list[dict[str, Any]]:
    """Read the deployments of an endpoint."""
    return list(all_of_workspace(platform, f"deployments of {name!r}", f"onlineEndpoints/{name}/deployments"))


def has_environment(platform: PlatformRef, name: str, version: str) -> bool:
    """Tell whether a version of an environment is there."""
    path = f"environments/{name}/versions/{version}"
    return of_workspace(platform, f"environment {name!r}", path) is not None


def container_of(platform: PlatformRef, datastore: str) -> tuple[str, str] | None:
    """Return the account and the container of a datastore; nothing where none is there, or it is over no container."""
    found = of_workspace(platform, f"datastore {datastore!r}", f"datastores/{datastore}")
    said = (found or {}).get("properties") or {}
    account, container = said.get("accountName"), said.get("containerName") or said.get("filesystem")
    return (str(account), str(container)) if account and container else None


def of_model(model: ModelRef, below: str = "") -> dict[str, Any] | None:
    """Read a model, or what is below it; nothing where it is not there."""
    where = _model_path(model)
    what = f"model {ModelAddress.of(model).called!r}"
    return None if where is None else get(provider_of(model.platform), what, where + below, ML)


def versions_of_model(model: ModelRef) -> list[dict[str, Any]]:
    """Read the versions of a model."""
    where = _model_path(model)
    what = f"versions of model {ModelAddress.of(model).called!r}"
    return [] if where is None else list(listed(provider_of(model.platform), what, f"{where}/versions", ML))


def _model_path(model: ModelRef) -> str | None:
    """Return the path of a model; nothing under mocks, and where its workspace is not known yet."""
    if private.mocked():
        return None
    address = ModelAddress.of(model)
    root = address.root or workspace_path(model.platform)
    return root and f"{root}/models/{address.called}"


def versions_of_features(platform: PlatformRef, path: str, name: str) -> list[dict[str, Any]]:
    """Read the versions of a feature set, the newest first."""
    found = listed(provider_of(platform), f"feature set {name!r}", f"{path}/versions", ML)
    return sorted(found, key=lambda one: str((one.get("systemData") or {}).get("createdAt", "")), reverse=True)


def feature_set(platform: PlatformRef, store: str | None, name: str) -> dict[str, Any] | None:
    """Read the newest version of a feature set, or nothing.

    :param store: id of the workspace that it is in, where that is known.
    """
    if store is None or private.mocked():
        return None
    return next(iter(versions_of_features(platform, f"{store}/featuresets/{name}", name)), None)


def registry_path(platform: PlatformRef, name: str) -> str | None:
    """Return the path of a registry of the platform's resource group, as far as it is known."""
    own = workspace_path(platform)
    return own and f"{own.rpartition('/workspaces/')[0]}/registries/{name}"


def beside_workspace(platform: PlatformRef, name: str) -> str | None:
    """Return the path of another workspace of the platform's resource group, as far as it is known."""
    own = workspace_path(platform)
    return own and f"{own.rpartition('/')[0]}/{name}"
