"""What bodies refer to has to exist, and to be of the right kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_mlops_sandbox.azure import access, ids
from pulumi_mlops_sandbox.azure.call import Call, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.kinds import KINDS

ML = "Microsoft.MachineLearningServices"
ANY = ""
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
MISSING = "LinkedInvalidPropertyId"


@dataclass(frozen=True)
class Reference:
    """A place in a body that holds an id; ``[]`` goes through a list."""

    path: str
    kind: str = ANY


REFERENCES: dict[str, tuple[Reference, ...]] = {
    f"{ML}/workspaces": (
        Reference("properties.storageAccount", "Microsoft.Storage/storageAccounts"),
        Reference("properties.keyVault", "Microsoft.KeyVault/vaults"),
        Reference("properties.applicationInsights", "Microsoft.Insights/components"),
        Reference("properties.containerRegistry", "Microsoft.ContainerRegistry/registries"),
        Reference("properties.hubResourceId", f"{ML}/workspaces"),
        Reference("properties.primaryUserAssignedIdentity", IDENTITY),
    ),
    f"{ML}/workspaces/computes": (
        Reference("properties.properties.subnet.id", "Microsoft.Network/virtualNetworks/subnets"),
    ),
    "Microsoft.Insights/components": (
        Reference("properties.WorkspaceResourceId", "Microsoft.OperationalInsights/workspaces"),
    ),
    "Microsoft.Insights/diagnosticSettings": (
        Reference("properties.workspaceId", "Microsoft.OperationalInsights/workspaces"),
        Reference("properties.storageAccountId", "Microsoft.Storage/storageAccounts"),
    ),
    "Microsoft.Insights/metricAlerts": (
        Reference("properties.scopes[]"),
        Reference("properties.actions[].actionGroupId", "Microsoft.Insights/actionGroups"),
    ),
    "Microsoft.Insights/scheduledQueryRules": (
        Reference("properties.scopes[]"),
        Reference("properties.actions.actionGroups[]", "Microsoft.Insights/actionGroups"),
    ),
    "Microsoft.Insights/activityLogAlerts": (
        Reference("properties.scopes[]"),
        Reference("properties.actions.actionGroups[].actionGroupId", "Microsoft.Insights/actionGroups"),
    ),
    "Microsoft.Insights/autoscalesettings": (
        Reference("properties.targetResourceUri"),
        Reference("properties.profiles[].rules[].metricTrigger.metricResourceUri"),
    ),
    "Microsoft.Consumption/budgets": (
        Reference("properties.notifications.*.contactGroups[]", "Microsoft.Insights/actionGroups"),
    ),
    "Microsoft.Network/virtualNetworks/subnets": (
        Reference("properties.networkSecurityGroup.id", "Microsoft.Network/networkSecurityGroups"),
    ),
    "Microsoft.Network/virtualNetworks": (
        Reference("properties.subnets[].properties.networkSecurityGroup.id", "Microsoft.Network/networkSecurityGroups"),
    ),
    "Microsoft.Network/privateEndpoints": (
        Reference("properties.subnet.id", "Microsoft.Network/virtualNetworks/subnets"),
        Reference("properties.privateLinkServiceConnections[].properties.privateLinkServiceId"),
        Reference("properties.manualPrivateLinkServiceConnections[].properties.privateLinkServiceId"),
    ),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": (
        Reference(
            "properties.privateDnsZoneConfigs[].properties.privateDnsZoneId", "Microsoft.Network/privateDnsZones"
        ),
    ),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        Reference("properties.virtualNetwork.id", "Microsoft.Network/virtualNetworks"),
    ),
    "Microsoft.EventGrid/systemTopics": (Reference("properties.source"),),
}


@rule(*REFERENCES)
def referred(call: Call) -> Iterator[Problem]:
    """Refuse ids that lead nowhere."""
    for reference in REFERENCES[call.kind.type]:
        for place, value in found(call.body, reference.path):
            said = _wrong(call, value, reference.kind)
            if said:
                yield Problem(place, said, MISSING)


def found(tree: Any, path: str, place: str = "") -> Iterator[tuple[str, Any]]:
    """Find all values at a path."""
    head, _, rest = path.partition(".")
    name, many = (head[:-2], True) if head.endswith("[]") else (head, False)
    if not isinstance(tree, dict):
        return
    names = list(tree) if name == "*" else [name]
    for one in names:
        value = tree.get(one)
        if value is None:
            continue
        here = f"{place}.{one}" if place else one
        inner = enumerate(value) if many and isinstance(value, list) else [(None, value)]
        for number, member in inner:
            spot = here if number is None else f"{here}[{number}]"
            if rest:
                yield from found(member, rest, spot)
            else:
                yield spot, member


def _wrong(call: Call, value: Any, kind: str) -> str:
    try:
        address = ids.parse(str(value))
    except ArmError:
        return f"'{value}' is no resource id"
    if not str(value).startswith("/") or address.collection:
        return f"'{value}' is no resource id"
    if kind and address.type.lower() != kind.lower():
        return f"'{value}' is a {address.type}, wanted is a {kind}"
    known = KINDS.get(address.type.lower())
    if known is not None and known.implicit:
        return _wrong(call, address.parent, ANY)
    record = call.store.get(str(value))
    return "" if record is not None and record.state != "Deleting" else f"'{value}' does not exist: create it first"


@rule("*")
def given_identities(call: Call) -> Iterator[Problem]:
    """Refuse identities that do not exist, a kind that does not fit them, and those that the caller may not give."""
    asked = call.body.get("identity")
    if not isinstance(asked, dict):
        return
    given, kind = asked.get("userAssignedIdentities"), str(asked.get("type", "")).lower()
    if "userassigned" in kind and not given:
        yield Problem("identity.userAssignedIdentities", "is required where identity.type has UserAssigned")
    if given and "userassigned" not in kind:
        yield Problem("identity.type", f"has to have UserAssigned where identities are given, is '{asked.get('type')}'")
    for identity in given if isinstance(given, dict) else ():
        said = _wrong(call, identity, IDENTITY)
        if said:
            yield Problem("identity.userAssignedIdentities", said, "FailedIdentityOperation")
        elif not access.allowed(call.tenant, call.principal, f"{IDENTITY}/assign/action", identity):
            raise ArmError(
                "LinkedAuthorizationFailed",
                f"The client '{call.principal}' has permission to perform action '{call.kind.type}/write' on scope "
                f"'{call.address.id}'; however, it does not have permission to perform action "
                f"'{IDENTITY}/assign/action' on the linked scope '{identity}'.",
                403,
            )
