"""Workspaces: what they stand on, the network that only gets stricter, and the name that stays after a deletion."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.actions import action
from pulumi_mlops_sandbox.azure.call import Answer, Call, effect, makes, on_delete, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.rules.keys import assigned_to, may_wrap, same
from pulumi_mlops_sandbox.azure.rules.outputs import secret
from pulumi_mlops_sandbox.azure.store import Record

ML = "Microsoft.MachineLearningServices"
WORKSPACES = f"{ML}/workspaces"
KINDS = ("Default", "Hub", "FeatureStore", "Project")
MODES = ("Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound")
STRICTEST = MODES[2]
NEEDED = ("storageAccount", "keyVault")


@rule(WORKSPACES)
def kept(call: Call) -> None:
    """Refuse the name of a workspace that is kept after its deletion."""
    if call.existing is None and call.address.key in call.store.deleted:
        raise ArmError(
            "BadRequest",
            f"Soft-deleted workspace exists. Please purge or recover it: '{call.address.name}' was deleted and "
            "blocks its name "
            f"for 14 days. Purge it: az ml workspace delete --name {call.address.name} --permanently-delete",
            target="name",
        )


@rule(WORKSPACES)
def workspace(call: Call) -> Iterator[Problem]:
    """Refuse a workspace that lacks what its kind stands on."""
    kind, asked = str(call.body.get("kind") or "Default"), call.properties
    if kind not in KINDS:
        yield Problem("kind", f"'{kind}' is none of {', '.join(KINDS)}")
    if not isinstance(call.body.get("identity"), dict) or call.at("identity.type", "None") == "None":
        yield Problem("identity", "is required: a workspace acts as its identity")
    if kind == "Project":
        if not asked.get("hubResourceId"):
            yield Problem("properties.hubResourceId", "is required where kind is 'Project'")
    else:
        for name in NEEDED:
            if not asked.get(name):
                yield Problem(f"properties.{name}", "is required and missing")
    if asked.get("featureStoreSettings") is not None and kind != "FeatureStore":
        yield Problem("properties.featureStoreSettings", f"is for workspaces of kind 'FeatureStore', not '{kind}'")


@rule(WORKSPACES)
def acting(call: Call) -> Iterator[Problem]:
    """Refuse an identity that the workspace was not given, or that cannot use its key."""
    primary = call.properties.get("primaryUserAssignedIdentity")
    given = list((call.at("identity.userAssignedIdentities") or {}).keys())
    if call.at("identity.type") == "UserAssigned" and not primary:
        yield Problem("properties.primaryUserAssignedIdentity", "is required where the identity is UserAssigned")
    if primary and not any(same(primary, one) for one in given):
        yield Problem("properties.primaryUserAssignedIdentity", "is not one of identity.userAssignedIdentities")
    key = call.at("properties.encryption.keyVaultProperties")
    if isinstance(key, dict):
        path = "properties.encryption.keyVaultProperties.keyIdentifier"
        holder = call.at("properties.encryption.identity.userAssignedIdentity") or primary
        yield from may_wrap(call, holder, key.get("keyIdentifier"), path)


@rule(WORKSPACES)
def standing(call: Call) -> Iterator[Problem]:
    """Judge what a workspace stands on."""
    asked = call.properties
    storage = call.store.get(str(asked.get("storageAccount", "")))
    if storage is not None:
        if storage.properties.get("isHnsEnabled") and call.body.get("kind") != "FeatureStore":
            yield Problem(
                "properties.storageAccount", f"'{storage.name}' has a hierarchical namespace: use one without"
            )
        if str(storage.at("sku.name", "")).startswith("Premium"):
            yield Problem("properties.storageAccount", f"'{storage.name}' is of a Premium kind: use a Standard one")
        keyless = storage.properties.get("allowSharedKeyAccess") is False
        if keyless and asked.get("systemDatastoresAuthMode") not in {"Identity", "UserDelegationSAS"}:
            yield Problem(
                "properties.systemDatastoresAuthMode",
                f"has to be 'Identity': the storage account '{storage.name}' permits no keys (allowSharedKeyAccess)",
                "KeyBasedAuthenticationNotPermitted",
            )
    for name in (*NEEDED, "applicationInsights", "containerRegistry"):
        value = str(asked.get(name) or "")
        if value.startswith("/") and ids.parse(value).subscription.lower() != call.address.subscription.lower():
            yield Problem(f"properties.{name}", "is in another subscription than the workspace")


@rule(WORKSPACES)
def network(call: Call) -> Iterator[Problem]:
    """Refuse a step back in the managed network, and rules that do not fit its mode."""
    before = str(call.was("properties.managedNetwork.isolationMode") or MODES[0])
    now = str(call.at("properties.managedNetwork.isolationMode") or MODES[0])
    if before in MODES and now in MODES and MODES.index(now) < MODES.index(before):
        yield Problem(
            "properties.managedNetwork.isolationMode",
            f"cannot go back from '{before}' to '{now}': the way is {' → '.join(MODES)}. Make another workspace",
            "BadRequest",
        )
    for name, one in (call.at("properties.managedNetwork.outboundRules") or {}).items():
        yield from fitting(one, now, f"properties.managedNetwork.outboundRules.{name}")


def fitting(one: dict[str, Any], mode: str, path: str) -> Iterator[Problem]:
    """Refuse an outbound rule that the mode of the network does not take."""
    if mode == MODES[0]:
        yield Problem(path, f"needs a managed network: isolationMode is '{mode}'")
    elif one.get("type") in {"FQDN", "ServiceTag"} and mode != STRICTEST:
        yield Problem(path, f"a rule of type {one.get('type')} needs isolationMode '{STRICTEST}', not '{mode}'")


@rule(f"{WORKSPACES}/outboundRules")
def outbound(call: Call) -> Iterator[Problem]:
    """Refuse an outbound rule that the network of the workspace does not take."""
    owner = call.store.get(call.address.parent)
    mode = str(owner.at("properties.managedNetwork.isolationMode", MODES[0])) if owner else MODES[0]
    yield from fitting(call.properties, mode, "properties")


@makes(WORKSPACES)
def network_state(call: Call, record: Record) -> dict[str, Any]:
    """Say whether the managed network is there yet: with the first compute, or at once where that was asked for."""
    mode = record.at("properties.managedNetwork.isolationMode", MODES[0])
    if mode == MODES[0]:
        return {}
    before = call.existing.at("properties.managedNetwork.status.status") if call.existing else None
    active = bool(record.properties.get("provisionNetworkNow")) or before == "Active"
    return {
        "properties": {
            "managedNetwork": {
                "networkId": record.at("properties.workspaceId"),
                "status": {"status": "Active" if active else "Inactive", "sparkReady": active},
            }
        }
    }


@effect(WORKSPACES)
def datastores(call: Call, record: Record) -> None:
    """Have the datastores that every workspace has, and their containers."""
    storage = call.store.get(str(record.properties.get("storageAccount", "")))
    if call.existing is not None or storage is None:
        return
    identity = str(record.at("properties.workspaceId"))
    keyless = record.properties.get("systemDatastoresAuthMode") == "Identity"
    credentials = {"credentialsType": "None" if keyless else "AccountKey"}
    blob, share = f"azureml-blobstore-{identity}", f"azureml-filestore-{identity[:8]}"
    common: dict[str, Any] = {
        "accountName": storage.name,
        "credentials": credentials,
        "endpoint": "core.windows.net",
        "protocol": "https",
        "isDefault": False,
        "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity" if keyless else "None",
    }
    rows: dict[str, dict[str, Any]] = {
        "workspaceblobstore": {"datastoreType": "AzureBlob", "containerName": blob, "isDefault": True},
        "workspaceartifactstore": {"datastoreType": "AzureBlob", "containerName": "azureml"},
        "workspacefilestore": {"datastoreType": "AzureFile", "fileShareName": share},
        "workspaceworkingdirectory": {"datastoreType": "AzureFile", "fileShareName": share},
    }
    for name, row in rows.items():
        kind = f"{WORKSPACES}/datastores"
        call.store.put(Record(f"{record.id}/datastores/{name}", kind, name, {"properties": common | row}, own=True))
        container = row.get("containerName")
        path = f"{storage.id}/blobServices/default/containers/{container}"
        if container and call.store.get(path) is None:
            what = "Microsoft.Storage/storageAccounts/blobServices/containers"
            call.store.put(Record(path, what, str(container), {"properties": {}}, own=True))


@on_delete(WORKSPACES)
def hub(call: Call) -> None:
    """Refuse to delete a hub that has projects."""
    for other in call.store.of_type(WORKSPACES):
        if same(other.properties.get("hubResourceId", ""), call.address.id) and other.state != "Deleting":
            raise ArmError("Conflict", f"The hub has the project '{other.id}'. Delete that first.", 409)


@on_delete(f"{ML}/registries")
def registry_in_use(call: Call) -> None:
    """Refuse to delete a registry from which something is served."""
    prefix = f"azureml://registries/{call.address.name}/".lower()
    for record in call.store.of_type(f"{WORKSPACES}/onlineEndpoints/deployments"):
        held = [str(record.properties.get("model", "")), str(record.properties.get("environmentId", ""))]
        if any(one.lower().startswith(prefix) or ids.within(one, call.address.id) for one in held if one):
            raise ArmError(
                "RegistryInUse",
                f"The registry '{call.address.name}' cannot be deleted: '{record.id}' serves from it. Delete that "
                "first.",
                409,
            )


@action(WORKSPACES, "listKeys")
def keys(call: Call) -> Answer:
    """Tell the keys of what a workspace stands on."""
    record = _there(call)
    insights = call.store.get(str(record.properties.get("applicationInsights", "")))
    told: dict[str, Any] = {"userStorageResourceId": record.properties.get("storageAccount")}
    if insights is not None:
        told["appInsightsInstrumentationKey"] = insights.at("properties.InstrumentationKey")
    storage = call.store.get(str(record.properties.get("storageAccount", "")))
    if storage is not None and storage.properties.get("allowSharedKeyAccess") is not False:
        told["userStorageKey"] = secret(storage, "key1")
    return Answer(200, told)


@action(WORKSPACES, "diagnose")
def diagnose(call: Call) -> Answer:
    """Say which of what a workspace stands on is missing."""
    record = _there(call)
    results: dict[str, list[dict[str, str]]] = {}
    for name in (*NEEDED, "applicationInsights", "containerRegistry"):
        value = record.properties.get(name)
        found = [] if not value or call.store.get(str(value)) else [{"code": "ResourceNotFound", "level": "Error"}]
        results[f"{name}Results"] = found
    return Answer(200, {"value": results})


@action(WORKSPACES, "provisionManagedNetwork")
def provision(call: Call) -> Answer:
    """Make the managed network now."""
    record = _there(call)
    mode = record.at("properties.managedNetwork.isolationMode", MODES[0])
    if mode == MODES[0]:
        raise ArmError("BadRequest", f"The workspace has no managed network: isolationMode is '{mode}'.")
    status = {"status": "Active", "sparkReady": True}
    record.made["properties"].setdefault("managedNetwork", {})["status"] = status
    return Answer(200, status)


def _there(call: Call) -> Record:
    if call.existing is None:
        raise ArmError("ResourceNotFound", f"There is no workspace '{call.address.id}'.", 404)
    return call.existing


def workspace_of(call: Call) -> Record | None:
    """Find the workspace in which something is."""
    identity = call.address.id
    return call.store.get("/".join(identity.split("/")[:9]))


def unprovisioned(record: Record | None) -> bool:
    """Say whether a workspace waits for its managed network: Spark that Azure runs does not make it."""
    if record is None or record.at("properties.managedNetwork.isolationMode", MODES[0]) == MODES[0]:
        return False
    return bool(record.at("properties.managedNetwork.status.status") != "Active")


def principals(record: Record | None) -> list[str]:
    """List the identities by id that a resource acts as, its primary one first."""
    if record is None:
        return []
    primary = record.properties.get("primaryUserAssignedIdentity")
    return [str(primary)] if primary else assigned_to(record)
