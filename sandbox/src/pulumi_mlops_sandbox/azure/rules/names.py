"""What resources may be called, and which names only one in the world may have."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops_sandbox.azure.call import Call, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.facts import SUBSCRIPTION, TAKEN, region

ML = "Microsoft.MachineLearningServices"
_ASSET = r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}"
_SERVED = r"[a-zA-Z](?:[a-zA-Z0-9]|-(?=[a-zA-Z0-9])){2,31}"
_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True)
class Name:
    """How a name is made."""

    pattern: str
    said: str
    code: str = "InvalidResourceName"


NAMES: dict[str, Name] = {
    "Microsoft.Resources/resourceGroups": Name(
        r"[\w().-]{0,89}[\w()-]", "1 to 90 letters, digits, ( ) . _ -, without a dot at the end", "InvalidResourceGroup"
    ),
    "Microsoft.Storage/storageAccounts": Name(
        r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits", "AccountNameInvalid"
    ),
    "Microsoft.Storage/storageAccounts/blobServices": Name("default", "'default'"),
    "Microsoft.Storage/storageAccounts/fileServices": Name("default", "'default'"),
    "Microsoft.Storage/storageAccounts/managementPolicies": Name("default", "'default'"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": Name(
        r"\$?[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}",
        "3 to 63 lower-case letters, digits and single hyphens",
    ),
    "Microsoft.Storage/storageAccounts/fileServices/shares": Name(
        r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}", "3 to 63 lower-case letters, digits and single hyphens"
    ),
    "Microsoft.KeyVault/vaults": Name(
        r"[a-zA-Z](?:[a-zA-Z0-9]|-(?=[a-zA-Z0-9])){2,23}",
        "3 to 24 letters, digits and single hyphens, beginning with a letter",
        "VaultNameNotValid",
    ),
    "Microsoft.KeyVault/vaults/secrets": Name(r"[a-zA-Z0-9-]{1,127}", "1 to 127 letters, digits and hyphens"),
    "Microsoft.KeyVault/vaults/keys": Name(r"[a-zA-Z0-9-]{1,127}", "1 to 127 letters, digits and hyphens"),
    "Microsoft.ContainerRegistry/registries": Name(r"[a-zA-Z0-9]{5,50}", "5 to 50 letters and digits"),
    "Microsoft.OperationalInsights/workspaces": Name(
        r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]", "4 to 63 letters, digits and hyphens"
    ),
    "Microsoft.Insights/components": Name(r"[^%&\\?/]{0,259}[^%&\\?/. ]", "1 to 260 characters without % & \\ ? /"),
    "Microsoft.Insights/actionGroups": Name(r"[^:<>+/&%\\?]{1,260}", "1 to 260 characters without : < > + / & % \\ ?"),
    "Microsoft.Insights/metricAlerts": Name(
        r"[^*#&+:<>?@%{}\\/]{1,260}", "1 to 260 characters without * # & + : < > ? @ %"
    ),
    "Microsoft.Insights/autoscalesettings": Name(r"[^:<>%&#?/]{1,260}", "1 to 260 characters without : < > % & # ? /"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": Name(
        r"[a-zA-Z0-9][\w-]{2,127}", "3 to 128 letters, digits, _ and -"
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": Name(
        r"[a-zA-Z0-9][\w-]{2,119}", "3 to 120 letters, digits, _ and -"
    ),
    "Microsoft.Insights/workbooks": Name(_UUID, "a UUID"),
    "Microsoft.Authorization/roleAssignments": Name(_UUID, "a UUID", "InvalidRoleAssignmentId"),
    "Microsoft.Authorization/roleDefinitions": Name(_UUID, "a UUID", "InvalidRoleDefinitionId"),
    "Microsoft.Network/virtualNetworks": Name(r"[a-zA-Z0-9][\w.-]{1,63}", "2 to 64 letters, digits, . _ -"),
    "Microsoft.Network/virtualNetworks/subnets": Name(r"[a-zA-Z0-9][\w.-]{0,79}", "1 to 80 letters, digits, . _ -"),
    "Microsoft.Network/networkSecurityGroups": Name(r"[a-zA-Z0-9][\w.-]{0,79}", "1 to 80 letters, digits, . _ -"),
    "Microsoft.Network/privateEndpoints": Name(r"[a-zA-Z0-9][\w.-]{1,63}", "2 to 64 letters, digits, . _ -"),
    "Microsoft.Network/privateDnsZones": Name(
        r"(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63}){1,33}", "a domain of 2 to 34 labels"
    ),
    "Microsoft.Consumption/budgets": Name(r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -"),
    "Microsoft.EventGrid/systemTopics": Name(r"[a-zA-Z0-9-]{3,128}", "3 to 128 letters, digits and hyphens"),
    "Microsoft.EventGrid/topics": Name(r"[a-zA-Z0-9-]{3,50}", "3 to 50 letters, digits and hyphens"),
    "Microsoft.EventGrid/eventSubscriptions": Name(r"[a-zA-Z0-9-]{3,64}", "3 to 64 letters, digits and hyphens"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": Name(
        r"[a-zA-Z0-9-]{3,64}", "3 to 64 letters, digits and hyphens"
    ),
    "Microsoft.Logic/workflows": Name(r"[\w().-]{1,80}", "1 to 80 letters, digits, ( ) . _ -"),
    "Microsoft.Resources/deployments": Name(
        r"[\w().-]{1,64}", "1 to 64 letters, digits, ( ) . _ -", "InvalidDeploymentName"
    ),
    f"{ML}/workspaces": Name(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}", "3 to 33 letters, digits, _ and -"),
    f"{ML}/registries": Name(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}", "3 to 33 letters, digits, _ and -"),
    f"{ML}/workspaces/computes": Name(
        r"[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
        "3 to 24 letters, digits and hyphens, beginning with a letter, and not ending with a hyphen and a number",
    ),
    f"{ML}/workspaces/datastores": Name(r"[a-zA-Z0-9_]{1,255}", "1 to 255 letters, digits and _"),
    **{
        f"{ML}/workspaces/{kind}": Name(
            _SERVED, "3 to 32 letters, digits and single hyphens, beginning with a letter and not ending with a hyphen"
        )
        for kind in ("onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints", "batchEndpoints/deployments")
    },
    **{
        f"{ML}/{scope}/{kind}{below}": Name(_ASSET, "1 to 255 letters, digits, . _ -, beginning with a letter or digit")
        for scope in ("workspaces", "registries")
        for kind in ("codes", "components", "data", "environments", "models", "featuresets", "featurestoreEntities")
        for below in ("", "/versions")
    },
    **{
        f"{ML}/workspaces/{kind}": Name(_ASSET, "1 to 255 letters, digits, . _ -, beginning with a letter or digit")
        for kind in ("jobs", "schedules", "connections")
    },
}


@rule(*NAMES)
def judge_name(call: Call) -> Iterator[Problem]:
    """Refuse a name that is made in another way."""
    name = NAMES[call.kind.type]
    if call.existing is None and not re.fullmatch(name.pattern, call.address.name):
        yield Problem(
            "name",
            f"'{call.address.name}' ({len(call.address.name)} characters) is no valid name: {name.said}",
            name.code,
        )


# Type -> the code where the name is the caller's own already, and where it is somebody else's.
GLOBAL = {
    "Microsoft.Storage/storageAccounts": ("StorageAccountAlreadyExists", "StorageAccountAlreadyTaken"),
    "Microsoft.KeyVault/vaults": ("VaultAlreadyExists", "VaultAlreadyExists"),
    "Microsoft.ContainerRegistry/registries": ("AlreadyInUse", "AlreadyInUse"),
}


@rule(*GLOBAL)
def taken(call: Call) -> None:
    """Refuse a name that somebody has, wherever that is."""
    if call.existing is not None:
        return
    own, foreign = GLOBAL[call.kind.type]
    name, kind = call.address.name.lower(), call.kind.type.lower()
    for record in call.store.of_type(kind):
        if record.name.lower() == name:
            raise ArmError(
                own,
                f"The name '{call.address.name}' is taken already, by {record.id}. Choose another name.",
                409,
                target="name",
            )
    if taken_elsewhere(call, kind, name):
        raise ArmError(
            foreign,
            f"The name '{call.address.name}' is already taken, in a subscription that you cannot see: such names are "
            "unique in all of Azure. Choose another name.",
            409,
            target="name",
        )


def taken_elsewhere(call: Call, kind: str, name: str) -> bool:
    """Say whether somebody in another subscription has a name."""
    if call.address.subscription.lower() != SUBSCRIPTION:
        return False
    return name in TAKEN.get(kind, ()) or [kind, name] in call.store.taken


# Unique within a region, in all workspaces.
REGIONAL = (f"{ML}/workspaces/onlineEndpoints", f"{ML}/workspaces/batchEndpoints")


@rule(*REGIONAL)
def taken_in_region(call: Call) -> None:
    """Refuse the name of an endpoint that another workspace of the region has: it is part of a domain."""
    if call.existing is not None:
        return
    where = region(str(call.body.get("location", "")))
    for kind in REGIONAL:
        for record in call.store.of_type(kind):
            if record.name.lower() == call.address.name.lower() and region(str(record.body.get("location"))) == where:
                raise ArmError(
                    "Conflict",
                    f"There is an endpoint '{call.address.name}' in {where} already ({record.id}): names of "
                    "endpoints are unique in a region. Choose another name.",
                    409,
                    target="name",
                )
