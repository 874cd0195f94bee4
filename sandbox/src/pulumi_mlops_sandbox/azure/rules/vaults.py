"""Key vaults: what is kept after a deletion, and what cannot be taken back."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.actions import action
from pulumi_mlops_sandbox.azure.call import Answer, Call, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.facts import REGIONS, TENANT, region
from pulumi_mlops_sandbox.azure.view import stamp

VAULTS = "Microsoft.KeyVault/vaults"
DELETED = "Microsoft.KeyVault/locations/deletedVaults"
DAYS = (7, 90)


@rule(VAULTS)
def vault(call: Call) -> Iterator[Problem]:
    """Refuse another tenant, retention that there is not, and what would take protection away."""
    asked = call.properties
    if str(asked.get("tenantId", "")).lower() != TENANT:
        yield Problem(
            "properties.tenantId", f"'{asked.get('tenantId')}' is not the tenant of the subscription, {TENANT}"
        )
    days = asked.get("softDeleteRetentionInDays")
    if days is not None and not DAYS[0] <= days <= DAYS[1]:
        yield Problem("properties.softDeleteRetentionInDays", f"{days} is not between {DAYS[0]} and {DAYS[1]}")
    if asked.get("enableSoftDelete") is False:
        yield Problem("properties.enableSoftDelete", "cannot be turned off: all vaults have it")
    protected = call.was("properties.enablePurgeProtection")
    if asked.get("enablePurgeProtection") is False or (protected and asked.get("enablePurgeProtection") is None):
        yield Problem(
            "properties.enablePurgeProtection",
            "cannot be set to false: leave it out, or set it to true, which is irreversible",
        )
    if (
        not asked.get("enableRbacAuthorization")
        and asked.get("accessPolicies") is None
        and asked.get("createMode") != "recover"
    ):
        yield Problem("properties.accessPolicies", "is required where enableRbacAuthorization is not set")


@rule(VAULTS)
def in_the_way(call: Call) -> None:
    """Refuse the name of a vault that is kept after its deletion, unless it is to be recovered."""
    recover = str(call.properties.get("createMode", "")).lower() == "recover"
    if call.existing is not None:
        return
    for key, kept in call.store.deleted.items():
        record = kept["record"]
        if record["type"] == VAULTS and record["name"].lower() == call.address.name.lower():
            if recover and key == call.address.key:
                call.body["properties"] = {
                    name: value
                    for name, value in (record["body"]["properties"] | call.properties).items()
                    if name != "createMode"
                }
                return
            raise ArmError(
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either recover or purge "
                "existing key "
                f"vault '{record['name']}': az keyvault recover --name {record['name']}, or az keyvault purge --name "
                f"{record['name']}. It is kept until {stamp(kept['until'])}.",
                409,
                target="name",
            )
    if recover:
        raise ArmError("VaultNotFound", f"There is no deleted vault '{call.address.name}' to recover.", 404)


@action(DELETED, "purge")
def purge(call: Call) -> Answer:
    """Forget a vault for good."""
    kept = _deleted(call)
    if kept["record"]["body"]["properties"].get("enablePurgeProtection"):
        raise ArmError(
            "MethodNotAllowed",
            f"Operation 'DeletedVaultPurge' is not allowed: purge protection is enabled for '{call.address.name}'. "
            f"It goes on {stamp(kept['until'])}.",
            405,
        )
    del call.store.deleted[str(kept["record"]["id"]).lower()]
    return Answer(200)


def _deleted(call: Call) -> dict[str, Any]:
    where = region(call.address.names[0])
    if where not in REGIONS:
        raise ArmError("InvalidLocation", f"There is no region '{call.address.names[0]}'.", 404)
    for kept in call.store.deleted.values():
        record = kept["record"]
        if (
            record["type"] == VAULTS
            and record["name"].lower() == call.address.name.lower()
            and region(record["body"]["location"]) == where
            and ids.parse(record["id"]).subscription == call.address.subscription
        ):
            return kept
    raise ArmError("VaultNotFound", f"There is no deleted vault '{call.address.name}' in {where}.", 404)
