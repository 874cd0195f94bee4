"""What services add to what they are given: ids, addresses, keys, identities."""

import base64
import hashlib
import uuid
from typing import Any

from pulumi_mlops_sandbox.azure import facts, ids
from pulumi_mlops_sandbox.azure.call import Call, makes
from pulumi_mlops_sandbox.azure.facts import TENANT, region
from pulumi_mlops_sandbox.azure.store import Record, Store
from pulumi_mlops_sandbox.azure.view import stamp

SPACE = uuid.UUID("5bcd32c7-5c2f-4c8e-9f0e-8d9b6b0d3a11")
ML = "Microsoft.MachineLearningServices"


def fixed(record: Record, what: str) -> str:
    """Make an id that a resource has for its life: another resource of the same name has another."""
    return str(uuid.uuid5(SPACE, f"{record.key} {record.created} {what}"))


def secret(record: Record, what: str) -> str:
    """Make a key that a resource has for its life."""
    return base64.b64encode(hashlib.sha512(f"{fixed(record, what)}".encode()).digest()).decode()


@makes("*")
def identities(call: Call, record: Record) -> dict[str, Any]:
    """Give a resource the principal that it is, and show those that it was given."""
    asked = record.body.get("identity")
    if not isinstance(asked, dict) or record.type.lower() == "microsoft.managedidentity/userassignedidentities":
        return {}
    made: dict[str, Any] = {}
    if "systemassigned" in str(asked.get("type", "")).lower():
        before = record.made.get("identity", {}).get("principalId")
        made |= {"principalId": before or fixed(record, "principal"), "tenantId": TENANT}
    given = asked.get("userAssignedIdentities")
    if isinstance(given, dict):
        made["userAssignedIdentities"] = {one: _identity(call.store, one) for one in given}
    return {"identity": made} if made else {}


def _identity(store: Store, identity: str) -> dict[str, Any]:
    found = store.get(identity)
    if found is None:
        return {}
    return {name: found.at(f"properties.{name}") for name in ("principalId", "clientId")}


@makes("Microsoft.ManagedIdentity/userAssignedIdentities")
def user_assigned(_call: Call, record: Record) -> dict[str, Any]:
    """Make a principal."""
    return {
        "properties": {
            "principalId": fixed(record, "principal"),
            "clientId": fixed(record, "client"),
            "tenantId": TENANT,
        }
    }


@makes("Microsoft.Storage/storageAccounts")
def storage(_call: Call, record: Record) -> dict[str, Any]:
    """Give an account its addresses."""
    services = ("blob", "file", "queue", "table", "dfs", "web")
    where = region(str(record.body.get("location", "")))
    endpoints = {name: f"https://{record.name}.{name}.core.windows.net/" for name in services}
    made = {
        "primaryEndpoints": endpoints,
        "primaryLocation": where,
        "statusOfPrimary": "available",
        "creationTime": _time(record),
    }
    if str(record.at("sku.name", "")).startswith(
        ("Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS")
    ):
        made |= {"secondaryLocation": facts.REGIONS[where][1], "statusOfSecondary": "available"}
    return {"properties": made, "sku": {"tier": str(record.at("sku.name", "Standard_LRS")).split("_")[0]}}


@makes("Microsoft.Storage/storageAccounts/blobServices/containers")
def container(_call: Call, _record: Record) -> dict[str, Any]:
    """Say what holds for a new container."""
    return {"properties": {"leaseStatus": "Unlocked", "leaseState": "Available", "deleted": False}}


@makes("Microsoft.KeyVault/vaults")
def vault(_call: Call, record: Record) -> dict[str, Any]:
    """Give a vault its address."""
    return {"properties": {"vaultUri": f"https://{record.name.lower()}.vault.azure.net/"}}


@makes("Microsoft.KeyVault/vaults/secrets", "Microsoft.KeyVault/vaults/keys")
def in_vault(_call: Call, record: Record) -> dict[str, Any]:
    """Give a secret or a key its address, and a new version with each change."""
    address = ids.parse(record.id)
    kind = address.types[-1]
    uri = f"https://{address.names[0].lower()}.vault.azure.net/{kind}/{record.name}"
    version = hashlib.md5(f"{record.key}{record.version}".encode(), usedforsecurity=False).hexdigest()
    names = ("secretUri", "secretUriWithVersion") if kind == "secrets" else ("keyUri", "keyUriWithVersion")
    return {"properties": {names[0]: uri, names[1]: f"{uri}/{version}"}}


@makes("Microsoft.ContainerRegistry/registries")
def registry(_call: Call, record: Record) -> dict[str, Any]:
    """Give a registry its address."""
    return {
        "properties": {"loginServer": f"{record.name.lower()}.azurecr.io", "creationDate": _time(record)},
        "sku": {"tier": record.at("sku.name")},
    }


@makes("Microsoft.OperationalInsights/workspaces")
def logs(_call: Call, record: Record) -> dict[str, Any]:
    """Give a workspace of logs the id that agents know it by."""
    return {"properties": {"customerId": fixed(record, "customer"), "createdDate": _time(record)}}


@makes("Microsoft.Insights/components")
def insights(_call: Call, record: Record) -> dict[str, Any]:
    """Give a component its keys."""
    key, app = fixed(record, "instrumentation"), fixed(record, "app")
    where = region(str(record.body.get("location", "")))
    connection = (
        f"InstrumentationKey={key};IngestionEndpoint=https://{where}-0.in.applicationinsights.azure.com/;"
        f"ApplicationId={app}"
    )
    return {
        "properties": {
            "AppId": app,
            "ApplicationId": record.name,
            "InstrumentationKey": key,
            "ConnectionString": connection,
            "CreationDate": _time(record),
            "Name": record.name,
            "TenantId": TENANT,
        }
    }


@makes(f"{ML}/workspaces")
def workspace(_call: Call, record: Record) -> dict[str, Any]:
    """Give a workspace its ids and addresses."""
    where = region(str(record.body.get("location", "")))
    made: dict[str, Any] = {
        "workspaceId": fixed(record, "workspace"),
        "tenantId": TENANT,
        "discoveryUrl": f"https://{where}.api.azureml.ms/discovery",
        "mlFlowTrackingUri": f"azureml://{where}.api.azureml.ms/mlflow/v1.0{record.id}",
        "storageHnsEnabled": False,
        "privateLinkCount": 0,
        "notebookInfo": {
            "fqdn": f"ml-{record.name.lower()}-{where}.notebooks.azure.net",
            "isPrivateLinkEnabled": False,
        },
        "serviceProvisionedResourceGroup": "",
    }
    return {"properties": made}


@makes(f"{ML}/registries")
def ml_registry(_call: Call, record: Record) -> dict[str, Any]:
    """Give a registry its addresses."""
    where = region(str(record.body.get("location", "")))
    return {
        "properties": {
            "discoveryUrl": f"https://{where}.api.azureml.ms/registrymanagement/v1.0/registries/{record.name}/discovery",
            "mlFlowRegistryUri": f"azureml://{where}.api.azureml.ms/mlflow/v1.0{record.id}",
        }
    }


@makes(f"{ML}/workspaces/onlineEndpoints", f"{ML}/workspaces/batchEndpoints")
def endpoint(_call: Call, record: Record) -> dict[str, Any]:
    """Give an endpoint its addresses."""
    where = region(str(record.body.get("location", "")))
    host = f"https://{record.name.lower()}.{where}.inference.ml.azure.com"
    if record.type.endswith("batchEndpoints"):
        return {"properties": {"scoringUri": f"{host}/jobs", "swaggerUri": f"{host}/swagger.json"}}
    made: dict[str, Any] = {"scoringUri": f"{host}/score", "swaggerUri": f"{host}/swagger.json"}
    for name in ("properties", "traffic", "mirrorTraffic"):
        if record.properties.get(name) is None:
            made[name] = {}
    return {"properties": made} | ({"keys": record.made["keys"]} if "keys" in record.made else {})


@makes(f"{ML}/workspaces/jobs")
def job(_call: Call, _record: Record) -> dict[str, Any]:
    """Show a job that was accepted; nothing runs it."""
    return {"properties": {"status": "NotStarted", "services": {}}}


# What an asset has where nobody said anything: clients read it.
ASSET_DEFAULTS: dict[str, Any] = {"isArchived": False, "properties": {}, "tags": {}}
VERSION_DEFAULTS: dict[str, Any] = ASSET_DEFAULTS | {"isAnonymous": False}
ASSETS = ("codes", "components", "data", "environments", "models", "featuresets", "featurestoreEntities")


@makes(
    *(
        f"{ML}/{scope}/{kind}{below}"
        for scope in ("workspaces", "registries")
        for kind in ASSETS
        for below in ("", "/versions")
    )
)
def asset(_call: Call, record: Record) -> dict[str, Any]:
    """Say what holds where nothing was said."""
    defaults = VERSION_DEFAULTS if record.type.endswith("/versions") else ASSET_DEFAULTS
    if record.type.endswith("models/versions"):
        defaults = defaults | {"flavors": {}}
    return {"properties": {name: value for name, value in defaults.items() if record.properties.get(name) is None}}


@makes("Microsoft.EventGrid/systemTopics", "Microsoft.EventGrid/topics")
def topic(_call: Call, record: Record) -> dict[str, Any]:
    """Give a topic its address."""
    where = region(str(record.body.get("location", "")))
    name = "endpoint" if record.type.endswith("/topics") else "metricResourceId"
    value = (
        f"https://{record.name}.{where}-1.eventgrid.azure.net/api/events" if name == "endpoint" else fixed(record, "m")
    )
    return {"properties": {name: value}}


@makes("Microsoft.Logic/workflows")
def workflow(_call: Call, record: Record) -> dict[str, Any]:
    """Give a workflow its address."""
    where = region(str(record.body.get("location", "")))
    return {
        "properties": {
            "accessEndpoint": f"https://prod-01.{where}.logic.azure.com:443/workflows/{fixed(record, 'flow')}",
            "createdTime": _time(record),
            "version": f"{record.version:020d}",
        }
    }


@makes("Microsoft.Authorization/roleAssignments")
def assignment(_call: Call, record: Record) -> dict[str, Any]:
    """Say where it holds."""
    return {"properties": {"scope": ids.parse(record.id).scope or "/", "createdBy": record.by}}


@makes("Microsoft.Authorization/roleDefinitions")
def definition(_call: Call, record: Record) -> dict[str, Any]:
    """Say that it is not built in."""
    return {"properties": {"type": record.properties.get("type") or "CustomRole"}}


@makes("Microsoft.Network/privateEndpoints")
def private_endpoint(call: Call, record: Record) -> dict[str, Any]:
    """Give it a network interface, and approve its connections."""
    state = {"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}
    made: dict[str, Any] = {
        "networkInterfaces": [
            {"id": f"{call.address.group_id}/providers/Microsoft.Network/networkInterfaces/{record.name}.nic"}
        ]
    }
    for name in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
        asked = record.properties.get(name)
        if isinstance(asked, list):
            made[name] = [
                one
                | {"id": f"{record.id}/{name}/{one.get('name')}"}
                | {
                    "properties": {
                        **one.get("properties", {}),
                        "provisioningState": "Succeeded",
                        "privateLinkServiceConnectionState": state,
                    }
                }
                for one in asked
                if isinstance(one, dict)
            ]
    return {"properties": made}


@makes("Microsoft.Network/virtualNetworks", "Microsoft.Network/networkSecurityGroups")
def network(_call: Call, record: Record) -> dict[str, Any]:
    """Give a network the id that flow logs know it by."""
    return {"properties": {"resourceGuid": fixed(record, "network")}}


def _time(record: Record) -> str:
    return stamp(record.created)
