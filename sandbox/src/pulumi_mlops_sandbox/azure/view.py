"""How a resource is shown: what was asked for without what is never shown, and what the service added."""

import datetime as dt
from typing import Any

from pulumi_mlops_sandbox.azure.facts import CLIENT, DEPLOYER
from pulumi_mlops_sandbox.azure.store import Record

# Shown without a provisioningState of its own.
STATELESS = frozenset(
    {
        "microsoft.authorization/roleassignments",
        "microsoft.authorization/roledefinitions",
        "microsoft.authorization/locks",
        "microsoft.consumption/budgets",
        "microsoft.insights/diagnosticsettings",
        "microsoft.insights/metricalerts",
        "microsoft.insights/activitylogalerts",
        "microsoft.insights/actiongroups",
        "microsoft.insights/autoscalesettings",
        "microsoft.insights/scheduledqueryrules",
        "microsoft.managedidentity/userassignedidentities",
        "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
        "microsoft.storage/storageaccounts/managementpolicies",
        "microsoft.storage/storageaccounts/blobservices",
        "microsoft.storage/storageaccounts/blobservices/containers",
        "microsoft.storage/storageaccounts/fileservices",
        "microsoft.storage/storageaccounts/fileservices/shares",
        "microsoft.keyvault/vaults/secrets",
        "microsoft.keyvault/vaults/keys",
        "microsoft.machinelearningservices/workspaces/jobs",
        "microsoft.machinelearningservices/workspaces/datastores",
        "microsoft.machinelearningservices/workspaces/connections",
        "microsoft.resources/subscriptions",
    }
)


def stamp(seconds: float) -> str:
    """Write a time as Azure does."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def merged(base: Any, over: Any) -> Any:
    """Lay one tree over another."""
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: merged(base.get(key), value) for key, value in over.items()}
    return over


def _without_secure(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out the values of parameters that are declared as secret."""
    properties = body.get("properties") or {}
    declared = (properties.get("definition") or {}).get("parameters") or {}
    given = {
        name: {} if str((declared.get(name) or {}).get("type", "")).lower().startswith("secure") else value
        for name, value in (properties.get("parameters") or {}).items()
    }
    return {**body, "properties": {**properties, **({"parameters": given} if given else {})}}


def shown(record: Record, hide: Any) -> dict[str, Any]:
    """Write a resource as a GET answers, which `hide` relieves of what is write-only."""
    body = hide(record.type, record.body)
    body = {key: value for key, value in body.items() if key not in {"id", "name", "type", "apiVersion"}}
    if record.type == "Microsoft.Logic/workflows":
        body = _without_secure(body)
    view: dict[str, Any] = {"id": record.id, "name": record.name, "type": record.type}
    view |= merged(body, {key: value for key, value in record.made.items() if key not in {"keys", "purge"}})
    if record.type.lower() not in STATELESS:
        view["properties"] = {**view.get("properties", {}), "provisioningState": record.state}
    if record.type.startswith(("Microsoft.MachineLearningServices", "Microsoft.KeyVault", "Microsoft.EventGrid")):
        kind = "Application" if record.by in {DEPLOYER, CLIENT} else "ManagedIdentity"
        view["systemData"] = {
            "createdAt": stamp(record.created),
            "createdBy": record.by,
            "createdByType": kind,
            "lastModifiedAt": stamp(record.changed),
            "lastModifiedBy": record.by,
            "lastModifiedByType": kind,
        }
    return view
