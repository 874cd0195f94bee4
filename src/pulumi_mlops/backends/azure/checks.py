"""What only Azure can judge, before anything is registered: its limits, its names, and what is there already."""

import re
from collections.abc import Iterator, Mapping

from pulumi import ProviderResource

from pulumi_mlops.backends.azure import leftovers, live, names, providers, workspace
from pulumi_mlops.backends.azure.access import principal_problems
from pulumi_mlops.backends.azure.noun_checks import noun_problems
from pulumi_mlops.backends.azure.parts import SHORTEST_LOGS
from pulumi_mlops.components.identity import IdentitySpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.component import anchor
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec, is_deferred, nearest
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.stages import PROFILES, treated
from pulumi_mlops.core.tags import OWN

_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_REGION = re.compile(r"[a-z]+[0-9]?")
_GROUP = re.compile(r"[\w.()-]{0,89}[\w()-]")
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}")
_ARM = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
_IDS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "artifacts": (
        re.compile(rf"{_ARM}Microsoft\.Storage/storageAccounts/[^/]+/blobServices/default/containers/[^/]+"),
        "a container, …/storageAccounts/<account>/blobServices/default/containers/<name>",
    ),
    "key": (re.compile(rf"{_ARM}Microsoft\.KeyVault/vaults/[^/]+/keys/[^/]+"), "a key, …/vaults/<vault>/keys/<name>"),
    "alerts": (
        re.compile(rf"{_ARM}Microsoft\.Insights/actionGroups/[^/]+", re.IGNORECASE),
        "an action group, …/Microsoft.Insights/actionGroups/<name>",
    ),
}
_LONGEST_LOGS = 730
_NOTICES = 5  # of one budget
_SECRET = 25_600
_ALL = 100
# https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
_TAGS, _TAG_KEY, _TAG_VALUE, _TAG_CHARACTERS = 50, 128, 256, "<>%&\\?/"
_RESERVED = ("microsoft", "azure", "windows")
_TRUST, _ISSUER = 600, 600
"""Characters of subject and issuer of a federated credential."""


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge a spec."""
    yield from _tags(spec)
    yield from noun_problems(name, spec)
    if isinstance(spec, PlatformSpec):
        yield from _platform(spec)
    elif isinstance(spec, IdentitySpec):
        yield from _identity(spec)


def misplaced(name: str, spec: Spec, given: ProviderResource | None) -> Iterator[Problem]:
    """Judge a platform beside the provider that leads to it, and what is there already where it is to be."""
    yield from providers.misplaced(name, spec, given)
    if not isinstance(spec, PlatformSpec):
        return
    location, theirs = spec.region or live.default_location(given), spec.existing.workspace is not None
    if not location and not theirs:
        told = "is required; write region='westeurope', or run: pulumi config set azure-native:location westeurope"
        yield Problem("region", told)
    subscription = spec.account or providers.subscription_of(given)
    if not subscription:
        yield Problem(
            "account",
            "is required: no subscription is known; write account='…', or run: pulumi config set "
            "azure-native:subscriptionId ID (see: az account list)",
        )
    if not subscription or private.mocked():
        return
    if theirs:  # whoever deploys may have rights in its resource group alone
        yield from workspace.problems(given, name, spec, subscription)
        return
    if not location:
        return
    if live.subscription(given, subscription) is None:
        told = f"{subscription} is not a subscription that these credentials see; look at: az account list"
        yield Problem("account", told)
        return
    location = live.normal(location)
    if location not in (known := live.locations(given, subscription)):
        told = f"{location!r} is not a region of subscription {subscription}{nearest(location, known)}"
        yield Problem("region", told)
        return
    group = spec.existing.group or names.group(name, spec.stage, location)
    at = leftovers.Where(subscription, name, spec.stage, location, group)
    yield from _group(name, spec, given, at)
    yield from leftovers.vault_problems(given, at, protect=PROFILES[spec.profile or treated(spec.stage)].protect)
    yield from _taken(spec, given, at)
    yield from _opened(spec, given, at)
    yield from _subnets(spec, given, location)


def _group(name: str, spec: PlatformSpec, given: ProviderResource | None, at: leftovers.Where) -> Iterator[Problem]:
    """Refuse a group that is somebody else's, which this platform would take over, and one that is to be there."""
    found = live.get(given, f"resource group {at.group!r}", at.path, live.GROUPS)
    if spec.existing.group is not None:
        if found is None:
            told = f"there is no resource group {at.group!r} in subscription {at.subscription}"
            yield Problem("existing.group", told)
        return
    tags = (found or {}).get("tags") or {}
    if found is not None and tags.get(f"{spec.tag_prefix}component") != f"Platform/{name}":
        yield Problem(
            "name",
            f"resource group {at.group!r} is there and is not one of ours; take another name or stage, use that "
            "platform with Platform.from_stack(…), or put the platform into it: existing={'group': …}",
        )


_GLOBAL: Mapping[str, tuple[str, str, int, str]] = {
    "storage account": ("Microsoft.Storage", "storageAccounts", names.STORAGE, "2024-01-01"),
    "key vault": ("Microsoft.KeyVault", "vaults", names.VAULT, live.VAULTS),
    "container registry": ("Microsoft.ContainerRegistry", "registries", names.REGISTRY, live.REGISTRIES),
}
"""What is named once in the whole cloud."""


def _taken(spec: PlatformSpec, given: ProviderResource | None, at: leftovers.Where) -> Iterator[Problem]:
    """Refuse names that somebody else has: the creation would fail in the middle."""
    here, life = leftovers.there(given, at), leftovers.life(given, at)
    for what, (space, kind, limit, version) in _GLOBAL.items():
        named = at.everywhere(limit, life)
        ours = (f"{space}/{kind}".lower(), named) in here
        if ours or (kind == "storageAccounts" and spec.existing.artifacts is not None):
            continue
        where = f"/subscriptions/{at.subscription}/providers/{space}/checkNameAvailability"
        told = live.post(given, f"the name {named!r}", where, version, {"name": named, "type": f"{space}/{kind}"})
        if told.get("nameAvailable") is False:
            why = str(told.get("message") or told.get("reason") or "no reason given").rstrip(".")
            yield Problem("name", f"{what} {named!r} is taken in Azure ({why}); take another name or stage")


def _subnets(spec: PlatformSpec, given: ProviderResource | None, location: str) -> Iterator[Problem]:
    """Refuse a subnet that is not there, or is in another region: a private endpoint is where its network is."""
    theirs = spec.network.existing if spec.network else None
    for subnet in theirs.subnets if theirs else ():
        if is_deferred(subnet):
            continue
        path, _, name = str(subnet).rpartition("/subnets/")
        found = live.get(given, f"network of subnet {name!r}", path, _NETWORKS)
        if found is None or live.get(given, f"subnet {name!r}", str(subnet), _NETWORKS) is None:
            told = f"there is no {subnet}, or these credentials do not see it"
            yield Problem("network.existing.subnets", told)
        elif live.normal(str(found["location"])) != location:
            told = f"is in {live.normal(str(found['location']))}, and the platform is in {location}; write one there"
            yield Problem("network.existing.subnets", told)


_NETWORKS = "2024-05-01"
_MODES = ("Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound")
"""Of a managed network, from open to closed: Azure takes no step back."""


def _opened(spec: PlatformSpec, given: ProviderResource | None, at: leftovers.Where) -> Iterator[Problem]:
    """Refuse to open a workspace's managed network again."""
    workspace = physical(at.project, at.stage, leftovers.life(given, at), limit=names.WORKSPACE)
    path = f"{at.path}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
    found = live.get(given, f"workspace {workspace!r}", path, live.ML) or {}
    mode = ((found.get("properties") or {}).get("managedNetwork") or {}).get("isolationMode", _MODES[0])
    if spec.network is None and mode == _MODES[-1]:
        yield Problem(
            "network",
            "cannot be taken away: Azure does not open the managed network of a workspace again; keep "
            "network={'private': {}}, or make another platform",
        )


def _platform(spec: PlatformSpec) -> Iterator[Problem]:
    yield from principal_problems("consumers", spec.consumers)
    if spec.account and not _SUBSCRIPTION.fullmatch(spec.account):
        yield Problem("account", f"{spec.account!r} is not the id of a subscription; see: az account list")
    if spec.region and not _REGION.fullmatch(live.normal(spec.region)):
        yield Problem("region", f"{spec.region!r} is not a region of Azure; write one such as 'westeurope'")
    if spec.log_days and not SHORTEST_LOGS <= spec.log_days <= _LONGEST_LOGS:
        yield Problem(
            "log_days",
            f"{spec.log_days} is not a retention that Log Analytics has; write {SHORTEST_LOGS} to {_LONGEST_LOGS}",
        )
    yield from _network(spec)
    notices = len(spec.budget_thresholds) + (_ALL in spec.budget_thresholds)
    if spec.monthly_budget and notices > _NOTICES:
        told = f"{notices} messages, one for the forecast among them: Azure takes {_NOTICES} a budget; take fewer"
        yield Problem("budget_thresholds", told)
    for short, value in spec.secrets.items():
        if not is_deferred(value) and len(str(value).encode()) > _SECRET:
            yield Problem(f"secrets.{short}", f"is longer than the {_SECRET} bytes that Key Vault takes")
    yield from _existing(spec)


def _network(spec: PlatformSpec) -> Iterator[Problem]:
    theirs = spec.network.existing if spec.network else None
    if theirs and len(theirs.subnets) > 1:
        yield Problem("network.existing.subnets", "private endpoints are in one subnet; write one")
    for subnet in theirs.subnets if theirs else ():
        if not is_deferred(subnet) and not _SUBNET.fullmatch(str(subnet)):
            told = f"{subnet!r} is not the id of a subnet; see: az network vnet subnet show --query id"
            yield Problem("network.existing.subnets", told)
    net = spec.network.private if spec.network else None
    for field in ("zones", "zone_names"):
        if net and field in net.model_fields_set:
            yield Problem(f"network.private.{field}", "a subnet of Azure is in every zone of its region; leave it out")


def _existing(spec: PlatformSpec) -> Iterator[Problem]:
    if spec.existing.group is not None and not _GROUP.fullmatch(spec.existing.group):
        yield Problem("existing.group", f"{spec.existing.group!r} is not the name of a resource group")
    if (called := spec.existing.workspace) is not None and not (
        _WORKSPACE.fullmatch(called) or workspace.ID.fullmatch(called)
    ):
        yield Problem(
            "existing.workspace",
            f"{called!r} is neither the name of a workspace nor its id; see: az ml workspace show --query id",
        )
    for field, (form, what) in _IDS.items():
        value = getattr(spec.existing, field)
        if value is not None and not is_deferred(value) and not form.fullmatch(str(value)):
            shown = "" if field == "alerts" else f"{value!r} "
            yield Problem(f"existing.{field}", f"{shown}is not the id of {what}; see: az resource show … --query id")


def _identity(spec: IdentitySpec) -> Iterator[Problem]:
    token = spec.trusts.token
    if token and len(token.issuer) > _ISSUER:
        yield Problem("trusts.token.issuer", f"{len(token.issuer)} characters: Entra ID takes at most {_ISSUER}")
    if token and len(token.subject) > _TRUST:
        yield Problem("trusts.token.subject", f"{len(token.subject)} characters: Entra ID takes at most {_TRUST}")


def _tags(spec: Spec) -> Iterator[Problem]:
    """Judge the tags that a component has, by what the strictest of its services takes, which is Storage."""
    hub = anchor(spec)
    given: Mapping[str, str] = getattr(spec, "tags", {})
    count = len(OWN) + len(given) + (len(hub.tags) if hub else 0)
    if count > _TAGS:
        yield Problem("tags", f"{count} tags with the library's own: Azure takes at most {_TAGS}; leave some out")
    for key, value in given.items():
        yield from _key(f"tags.{key[:40]}", key)
        if len(value) > _TAG_VALUE:
            yield Problem(f"tags.{key[:40]}", f"{len(value)} characters: Azure takes at most {_TAG_VALUE}; shorten it")
    if isinstance(spec, PlatformSpec):
        if spec.owner and len(spec.owner) > _TAG_VALUE:
            yield Problem("owner", f"{len(spec.owner)} characters: Azure takes at most {_TAG_VALUE}; shorten it")
        if spec.tag_prefix:
            yield from _key("tag_prefix", spec.tag_prefix)


def _key(field: str, key: str) -> Iterator[Problem]:
    if len(key) > _TAG_KEY:
        yield Problem(field, f"a key of {len(key)} characters: Azure Storage takes at most {_TAG_KEY}; shorten it")
    if wrong := sorted(set(key) & set(_TAG_CHARACTERS)):
        yield Problem(field, f"{', '.join(map(repr, wrong))} is not taken in a tag's name by Azure; take another key")
    if key.casefold().startswith(_RESERVED):
        yield Problem(field, f"names that begin with {', '.join(map(repr, _RESERVED))} are Azure's own; take another")
