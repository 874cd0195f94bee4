"""What becomes of what is deleted: some of it is kept for a while, and blocks its name."""

import time
from dataclasses import asdict
from typing import Any

from pulumi_mlops_sandbox.azure.call import Tenant
from pulumi_mlops_sandbox.azure.store import Record

DAY = 86400
WORKSPACE_DAYS = 14
VAULT_DAYS = 90
WORKSPACES = "microsoft.machinelearningservices/workspaces"
VAULTS = "microsoft.keyvault/vaults"
# What of a workspace is still there when it is recovered; the rest goes at once.
KEPT = ("models", "data", "environments", "components", "datastores", "codes", "featuresets", "featurestoreentities")


def remove(tenant: Tenant, record: Record) -> None:
    """Remove a resource with all that lies in it."""
    for one in [record, *tenant.store.below(record.id)]:
        if one.type.lower() in {WORKSPACES, VAULTS} and not one.made.get("purge"):
            tenant.store.deleted[one.key] = _kept(tenant, one)
    tenant.store.remove(record.id)


def recover(tenant: Tenant, key: str) -> None:
    """Bring back what lay in a resource that was deleted softly."""
    for part in tenant.store.deleted.pop(key)["parts"]:
        tenant.store.put(Record(**part))


def forget(tenant: Tenant, *, now: float | None = None) -> None:
    """Drop what was kept long enough."""
    moment = time.time() if now is None else now
    for key in [key for key, one in tenant.store.deleted.items() if one["until"] <= moment]:
        del tenant.store.deleted[key]


def _kept(tenant: Tenant, record: Record) -> dict[str, Any]:
    workspace = record.type.lower() == WORKSPACES
    days = WORKSPACE_DAYS if workspace else int(record.properties.get("softDeleteRetentionInDays", VAULT_DAYS))
    parts = [
        asdict(part)
        for part in tenant.store.below(record.id)
        if not workspace or part.key.removeprefix(f"{record.key}/").split("/")[0] in KEPT
    ]
    return {"at": time.time(), "until": time.time() + days * DAY, "record": asdict(record), "parts": parts}
