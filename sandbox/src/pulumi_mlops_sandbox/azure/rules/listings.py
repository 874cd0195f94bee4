"""Lists and questions that are answered from tables: role definitions, sizes, regions, free names, used quota."""

import re
from typing import Any

from pulumi_mlops_sandbox.azure import facts, roles
from pulumi_mlops_sandbox.azure.actions import action, lists, table
from pulumi_mlops_sandbox.azure.call import Answer, Call
from pulumi_mlops_sandbox.azure.errors import ArmError, not_found
from pulumi_mlops_sandbox.azure.resources import many
from pulumi_mlops_sandbox.azure.rules.names import GLOBAL, NAMES, taken_elsewhere
from pulumi_mlops_sandbox.azure.rules.outputs import secret
from pulumi_mlops_sandbox.azure.view import stamp

DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
REGIONAL = "Microsoft.MachineLearningServices/locations"


def definition(scope: str, name: str, role: roles.Role) -> dict[str, Any]:
    """Write a built-in role as Azure shows it."""
    permissions = {
        "actions": role.actions,
        "notActions": role.excluded,
        "dataActions": role.data,
        "notDataActions": role.data_excluded,
    }
    subscription = "/".join(scope.split("/")[:3])
    return {
        "id": f"{subscription}/providers/{DEFINITIONS}/{name}",
        "name": name,
        "type": DEFINITIONS,
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "assignableScopes": ["/"],
            "permissions": [permissions],
        },
    }


@table(DEFINITIONS)
def built_in(call: Call) -> Answer:
    """Show one built-in role."""
    role = roles.BUILT_IN.get(call.address.name.lower())
    if role is None:
        raise not_found(call.address)
    return Answer(200, definition(call.address.scope, call.address.name.lower(), role))


@lists(DEFINITIONS)
def role_definitions(call: Call) -> Answer:
    """List the built-in roles, and those that somebody defined."""
    told = call.query.get("$filter", "")
    wanted = told.partition("'")[2].rpartition("'")[0].lower() if "rolename eq" in told.lower() else None
    built_in = [
        definition(call.address.scope, name, role)
        for name, role in roles.BUILT_IN.items()
        if wanted is None or role.name.lower() == wanted
    ]
    return Answer(200, {"value": [*built_in, *many(call).body["value"]]})


@lists("Microsoft.Resources/locations")
def locations(call: Call) -> Answer:
    """List the regions."""
    rows = [
        {"id": f"{call.address.scope}/locations/{name}", "name": name, "displayName": said, "regionalDisplayName": said}
        for name, (said, _pair) in facts.REGIONS.items()
    ]
    return Answer(200, {"value": rows})


@lists(f"{REGIONAL}/vmSizes")
def sizes(call: Call) -> Answer:
    """List the sizes of machines."""
    _region(call)
    rows = [
        {
            "name": name,
            "family": facts.family(name),
            "vCPUs": cpus,
            "memoryGB": memory,
            "gpus": gpus,
            "premiumIO": True,
            "lowPriorityCapable": True,
        }
        for name, (cpus, memory, gpus) in facts.SIZES.items()
    ]
    return Answer(200, {"value": rows})


@lists(f"{REGIONAL}/usages")
def usages(call: Call) -> Answer:
    """List how many CPUs of each family there may be, and how many there are."""
    where = _region(call)
    used: dict[str, int] = {}
    for one in call.store.of_type("Microsoft.MachineLearningServices/workspaces/computes"):
        said = one.properties.get("properties") or {}
        size = facts.size(str(said.get("vmSize", "")))
        if size is not None and one.properties.get("computeType") == "AmlCompute":
            low = said.get("vmPriority") == "LowPriority"
            name = facts.LOW_PRIORITY if low else facts.family(str(said["vmSize"]))
            used[name] = used.get(name, 0) + size[0] * int((said.get("scaleSettings") or {}).get("minNodeCount") or 0)
    rows = [
        {
            "id": f"{call.address.scope}/providers/Microsoft.MachineLearningServices/locations/{where}/usages/{name}",
            "type": "Microsoft.MachineLearningServices/usages",
            "unit": "Count",
            "currentValue": used.get(name, 0),
            "limit": most,
            "name": {"value": name, "localizedValue": name},
        }
        for name, most in facts.quotas().items()
    ]
    return Answer(200, {"value": rows})


def _region(call: Call) -> str:
    where = facts.region(call.address.names[0])
    if where not in facts.REGIONS:
        raise ArmError("InvalidLocation", f"There is no region '{where}'.", 404)
    return where


@lists("Microsoft.KeyVault/deletedVaults")
def deleted_vaults(call: Call) -> Answer:
    """List the vaults that are kept after their deletion."""
    rows = []
    for kept in call.store.deleted.values():
        record = kept["record"]
        if record["type"] != "Microsoft.KeyVault/vaults":
            continue
        where = facts.region(record["body"]["location"])
        identity = f"{call.address.scope}/providers/Microsoft.KeyVault/locations/{where}/deletedVaults/{record['name']}"
        properties = {
            "vaultId": record["id"],
            "location": where,
            "deletionDate": stamp(kept["at"]),
            "scheduledPurgeDate": stamp(kept["until"]),
            "purgeProtectionEnabled": bool(record["body"]["properties"].get("enablePurgeProtection")),
        }
        rows.append(
            {
                "id": identity,
                "name": record["name"],
                "type": "Microsoft.KeyVault/deletedVaults",
                "properties": properties,
            }
        )
    return Answer(200, {"value": rows})


def _free(call: Call) -> Answer:
    """Say whether a name is free in all of Azure."""
    name, kind = str(call.body.get("name", "")), str(call.body.get("type", ""))
    own = {one.lower(): one for one in GLOBAL}
    if kind.lower() not in own:
        raise ArmError("InvalidParameter", f"'{kind}' is none of {', '.join(GLOBAL)}.", target="type")
    rule = NAMES[own[kind.lower()]]
    if not re.fullmatch(rule.pattern, name):
        return Answer(200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": rule.said})
    here = any(one.name.lower() == name.lower() for one in call.store.of_type(kind))
    if here or taken_elsewhere(call, kind.lower(), name.lower()):
        return Answer(
            200, {"nameAvailable": False, "reason": "AlreadyExists", "message": f"'{name}' is already in use."}
        )
    return Answer(200, {"nameAvailable": True})


for _kind in ("Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.ContainerRegistry"):
    action(f"{_kind}/names", "checkNameAvailability")(_free)


@action("Microsoft.Storage/storageAccounts", "listKeys")
def account_keys(call: Call) -> Answer:
    """Tell the keys of an account, where it permits keys."""
    if call.existing is None:
        raise ArmError("ResourceNotFound", f"There is no storage account '{call.address.id}'.", 404)
    rows = [{"keyName": name, "value": secret(call.existing, name), "permissions": "FULL"} for name in ("key1", "key2")]
    return Answer(200, {"keys": rows})


@action("Microsoft.MachineLearningServices/workspaces/datastores", "listSecrets")
def datastore_secrets(call: Call) -> Answer:
    """Tell what a datastore logs in with."""
    if call.existing is None:
        raise ArmError("ResourceNotFound", f"There is no datastore '{call.address.id}'.", 404)
    kind = call.existing.at("properties.credentials.credentialsType", "None")
    if kind == "None":
        raise ArmError("UserError", f"The datastore '{call.address.name}' has no credentials: it uses identities.")
    account = str(call.existing.properties.get("accountName", ""))
    storage = next(
        (one for one in call.store.of_type("Microsoft.Storage/storageAccounts") if one.name == account), None
    )
    if storage is None:
        raise ArmError("ResourceNotFound", f"There is no storage account '{account}'.", 404)
    kept = call.existing.at("properties.credentials.secrets") or {}
    return Answer(200, {"secretsType": kind, "key": secret(storage, "key1")} | kept)
