"""A workspace that is there already: what it stands on, asked of it, and what a platform does not get of it.

Its settings, and those of its parts, are its owner's. A platform adds a container, a datastore over it, and what its
nouns need: endpoints, models, roles on what they read. Under Pulumi's mocks its parts are called as it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Output
from pulumi_azure_native import storage

from pulumi_mlops.backends.azure import access, live, names, secrets
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.parts import Place, existing_store
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import nearest

ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/(?P<name>[^/]+)",
    re.IGNORECASE,
)
"""The id of a workspace."""
_SPACE = "providers/Microsoft.MachineLearningServices/workspaces"
_CONTAINER = 63
_ALIVE = ("Succeeded", "Updating", "")
_STORAGE = "2024-01-01"
_OURS = "platform"
"""In the metadata of a container: the platform that made it."""
_SYSTEM = "WorkspaceSystemAssignedIdentity"


@dataclass(frozen=True)
class Workspace:
    """What a platform has to know of a workspace."""

    id: str
    location: str
    storage: str
    """Id of its storage account; those of its vault, its registry and Application Insights follow."""
    vault: str
    registry: str | None
    insights: str | None
    principal: str
    """Object id of its identity."""
    own_identity: bool
    """Whether that identity is the workspace's own, and was assigned by nobody."""
    closed: bool
    """Whether it has no public address."""
    vault_roles: bool
    """Whether roles open its vault."""
    tracking: str | None
    """Where clients of MLflow find it."""

    @property
    def group(self) -> str:
        """Name of its resource group."""
        return group_of(self.id)


def group_of(id_: str) -> str:
    """Return the resource group of an id."""
    return id_.split("/")[4]


def _paths(given: pulumi.ProviderResource | None, spec: PlatformSpec, subscription: str) -> list[str]:
    """Return the ids that the workspace may have: one where it is told, else all of its name in the subscription."""
    called, group = spec.existing.workspace or "", spec.existing.group
    if ID.fullmatch(called):
        return [called]
    if group is not None:
        return [f"/subscriptions/{subscription}/resourceGroups/{group}/{_SPACE}/{called}"]
    return [one for one in _known(given, subscription) if one.rpartition("/")[2].lower() == called.lower()]


def _known(given: pulumi.ProviderResource | None, subscription: str) -> list[str]:
    """List the ids of the workspaces of a subscription."""

    def ask() -> list[str]:
        found = live.listed(given, "the workspaces", f"/subscriptions/{subscription}/{_SPACE}", live.ML)
        return [str(one["id"]) for one in found]

    return private.once(f"azure workspaces of {subscription}", ask)


def _record(given: pulumi.ProviderResource | None, path: str) -> Mapping[str, Any] | None:
    name = path.rpartition("/")[2]
    return private.once(f"azure {path.lower()}", lambda: live.get(given, f"workspace {name!r}", path, live.ML))


def _by_roles(given: pulumi.ProviderResource | None, vault: str) -> bool:
    name = vault.rpartition("/")[2]
    found = private.once(f"azure {vault.lower()}", lambda: live.get(given, f"vault {name!r}", vault, live.VAULTS))
    return bool(((found or {}).get("properties") or {}).get("enableRbacAuthorization"))


def problems(
    given: pulumi.ProviderResource | None, name: str, spec: PlatformSpec, subscription: str
) -> Iterator[Problem]:
    """Refuse a workspace that is not there, and what this one cannot give."""
    field, called = "existing.workspace", spec.existing.workspace or ""
    told = ID.fullmatch(called)
    if told and told["subscription"].lower() != subscription.lower():
        there = told["subscription"]
        yield Problem(
            field, f"is in {there}, and the platform is of subscription {subscription}; write account={there!r}"
        )
        return
    if told and spec.existing.group is not None and spec.existing.group.lower() != told["group"].lower():
        yield Problem("existing.group", f"the workspace is in {told['group']!r}, and so is the platform; leave it out")
        return
    paths = _paths(given, spec, subscription)
    if len(paths) > 1:
        groups = ", ".join(repr(group_of(one)) for one in paths)
        yield Problem(field, f"{called!r} is in the groups {groups}; name one beside it: existing={{'group': …}}")
        return
    record = _record(given, paths[0]) if paths else None
    if record is None:
        names_ = [one.rpartition("/")[2] for one in _known(given, subscription)]
        where = f"{paths[0]}" if paths else f"workspace {called!r} in subscription {subscription}"
        yield Problem(field, f"there is no {where}, or these credentials do not see it{nearest(called, names_)}")
        return
    yield from _unfit(spec, paths[0], record)
    yield from _held(given, name, spec, record.get("properties") or {})
    if not (record.get("properties") or {}).get("keyVault"):
        return
    if spec.secrets and not _by_roles(given, record["properties"]["keyVault"]):
        yield Problem("secrets", secrets.no_roles(record["properties"]["keyVault"].rpartition("/")[2]))


def _held(
    given: pulumi.ProviderResource | None, name: str, spec: PlatformSpec, asked: Mapping[str, Any]
) -> Iterator[Problem]:
    """Refuse a container of the platform's name that somebody else made: what is in it would be taken over."""
    called = names.inside(name, spec.stage, limit=_CONTAINER)
    if spec.existing.artifacts is not None or not asked.get("storageAccount"):
        return
    path = f"{asked['storageAccount']}/blobServices/default/containers/{called}"
    found = live.get(given, f"container {called!r}", path, _STORAGE)
    carried = ((found or {}).get("properties") or {}).get("metadata") or {}
    if found is not None and carried.get(_OURS) != name:
        yield Problem(
            "name",
            f"container {called!r} is in the workspace's storage account and is not one of ours; take another name or "
            f"stage, or use it: existing={{'artifacts': '{path}'}}",
        )


def _unfit(spec: PlatformSpec, path: str, record: Mapping[str, Any]) -> Iterator[Problem]:
    """Compare what is asked for with what the workspace is."""
    asked = record.get("properties") or {}
    name, kind = path.rpartition("/")[2], record.get("kind") or "Default"
    where = live.normal(str(record.get("location", "")))
    if kind != "Default":
        advice = "; use it with FeatureStore.existing(…)" if kind == "FeatureStore" else ""
        told = f"{name!r} is of kind {kind!r}, and endpoints and models are in one of kind 'Default'{advice}"
        yield Problem("existing.workspace", told)
        return
    if (state := asked.get("provisioningState") or "") not in _ALIVE:
        yield Problem("existing.workspace", f"{name!r} is {state} now; have its owner look at it")
    if asked.get("v1LegacyMode"):
        yield Problem(
            "existing.workspace",
            f"{name!r} is in the mode of Azure's first version (v1LegacyMode), which has no managed endpoints; its "
            "owner ends that with: az ml workspace update --set v1_legacy_mode=false",
        )
    if spec.region and live.normal(spec.region) != where:
        yield Problem("region", f"{spec.region!r} is not the workspace's, {where!r}; leave it out, or write that")
    if spec.network is not None:
        how = "has no public address" if _closed(record) else "answers on public addresses"
        yield Problem(
            "network",
            f"workspace {name!r} {how}, and its network stays as its owner set it; leave network out, or have its "
            "owner change that",
        )
    if spec.existing.key is not None and spec.existing.artifacts is None:
        told = "artifacts are in the workspace's storage account, whose key is its owner's business; leave key out"
        yield Problem("existing.key", told)
    if spec.images and not asked.get("containerRegistry"):
        yield Problem(
            "images",
            f"workspace {name!r} has no container registry yet; have its owner give it one: az ml workspace update "
            "--container-registry …",
        )


def _closed(record: Mapping[str, Any]) -> bool:
    return (record.get("properties") or {}).get("publicNetworkAccess") == "Disabled"


def taken_over(
    given: pulumi.ProviderResource | None, name: str, spec: PlatformSpec, subscription: str
) -> Workspace | None:
    """Return what the workspace that the user has stands on; nothing where the platform makes its own."""
    called = spec.existing.workspace
    if called is None:
        return None
    if private.mocked():
        return _believed(name, spec, called, subscription)
    (path,) = _paths(given, spec, subscription)
    record = _record(given, path) or {}
    asked, identity = record["properties"], record.get("identity") or {}
    primary = str(asked.get("primaryUserAssignedIdentity") or "").lower()
    given_ones = {key.lower(): value for key, value in (identity.get("userAssignedIdentities") or {}).items()}
    own = primary not in given_ones
    return Workspace(
        id=path,
        location=live.normal(record["location"]),
        storage=asked["storageAccount"],
        vault=asked["keyVault"],
        registry=asked.get("containerRegistry") or None,
        insights=asked.get("applicationInsights") or None,
        principal=str(identity.get("principalId") if own else given_ones[primary]["principalId"]),
        own_identity=own,
        closed=_closed(record),
        vault_roles=_by_roles(given, asked["keyVault"]),
        tracking=asked.get("mlFlowTrackingUri"),
    )


def _believed(name: str, spec: PlatformSpec, called: str, subscription: str) -> Workspace:
    """Put a workspace together of what is said of it."""
    location = live.normal(spec.region or live.default_location() or "")
    group = spec.existing.group or names.group(name, spec.stage, location)
    path = called if ID.fullmatch(called) else f"/subscriptions/{subscription}/resourceGroups/{group}/{_SPACE}/{called}"
    root, word = path.partition("/Microsoft.MachineLearningServices")[0], path.rpartition("/")[2]
    return Workspace(
        id=path,
        location=location,
        storage=f"{root}/Microsoft.Storage/storageAccounts/{word}",
        vault=f"{root}/Microsoft.KeyVault/vaults/{word}",
        registry=f"{root}/Microsoft.ContainerRegistry/registries/{word}",
        insights=f"{root}/Microsoft.Insights/components/{word}",
        principal=f"{word}-principal",
        own_identity=False,
        closed=False,
        vault_roles=True,
        tracking=None,
    )


def stand_on(
    scope: Scope,
    spec: PlatformSpec,
    place: Place,
    theirs: Workspace,
    native: dict[str, pulumi.Resource],
) -> dict[str, Any]:
    """Make the container of the platform's artifacts, and return the address of its parts, which are the workspace's.

    A container of the user's may be in an account that the workspace does not know: its identity is let into it.
    """
    within = names.inside(scope.project, scope.stage, limit=_CONTAINER)
    found: dict[str, Any] = {
        "workspace": Output.from_input(theirs.id.rpartition("/")[2]),
        "workspace_id": theirs.id,
        "vault": theirs.vault.rpartition("/")[2],
        "vault_id": theirs.vault,
        "vault_group": group_of(theirs.vault),
        "vault_roles": theirs.vault_roles,
        "registry": theirs.registry and theirs.registry.rpartition("/")[2],
        "registry_id": theirs.registry,
        "insights": theirs.insights,
        "principal": theirs.principal,
        "tracking": theirs.tracking,
        "within": within,
        "service_identity": _SYSTEM if theirs.own_identity else PlatformAddress.service_identity,
    }
    if spec.existing.artifacts is not None:
        store = existing_store(spec.existing.artifacts)
        right = Right("Storage Blob Data Contributor", Output.from_input(spec.existing.artifacts), "artifacts")
        assigned = access.assign(scope, theirs.principal, place.subscription, [right], part="workspace")
        return found | {
            "workspace": access.after(found["workspace"], assigned),
            "storage": store.name,
            "storage_id": store.id,
            "storage_group": store.id.apply(group_of),
            "container": store.container,
        }
    account = theirs.storage.rpartition("/")[2]
    container = storage.BlobContainer(
        scope.child("artifacts-container"),
        resource_group_name=group_of(theirs.storage),
        account_name=account,
        container_name=within,
        public_access=storage.PublicAccess.NONE,
        metadata={_OURS: scope.project},
        opts=scope.guarded(),
    )
    native["artifacts"] = container
    return found | {
        "storage": account,
        "storage_id": theirs.storage,
        "storage_group": group_of(theirs.storage),
        "container": container.name,
    }
