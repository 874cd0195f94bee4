"""What Azure does as somebody's identity: without the right of that identity it fails, as it would there.

A system-assigned identity is given its roles by Azure itself, where whoever creates it may assign roles; for one that
the user assigned nobody does that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_mlops_sandbox.azure import access, blobs
from pulumi_mlops_sandbox.azure.call import Call, dig, outcome, rule
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.rules import assets
from pulumi_mlops_sandbox.azure.rules.keys import assigned_to, by_client, principal_of
from pulumi_mlops_sandbox.azure.rules.workspaces import MODES, STRICTEST, principals, workspace_of
from pulumi_mlops_sandbox.azure.store import Record

ML = "Microsoft.MachineLearningServices"
WORKSPACES = f"{ML}/workspaces"
STORAGE, VAULT = "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"
REGISTRY = "Microsoft.ContainerRegistry/registries"
CONTAINERS = f"{STORAGE}/blobServices/containers"
READ, WRITE = f"{CONTAINERS}/blobs/read", f"{CONTAINERS}/blobs/write"
FILES = f"{STORAGE}/fileServices/fileshares/files"
PULL = f"{REGISTRY}/pull/read"


Wanted = tuple[str, str, bool, str]
"""Action, scope, whether it is one on data, and a role that has it."""


@dataclass(frozen=True)
class Need:
    """What a workspace does with something that it stands on."""

    property: str
    action: str
    data: bool
    role: str
    """A role that has it."""


# https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication, "Workspace with user
# assigned managed identity": Contributor on each, and what holds data by its data role.
OF_WORKSPACES = (
    Need("storageAccount", f"{STORAGE}/write", False, "Contributor"),
    Need("storageAccount", WRITE, True, "Storage Blob Data Contributor"),
    Need("storageAccount", f"{FILES}/write", True, "Storage File Data Privileged Contributor"),
    Need("keyVault", f"{VAULT}/write", False, "Contributor"),
    Need("keyVault", f"{VAULT}/secrets/setSecret/action", True, "Key Vault Administrator"),
    Need("containerRegistry", f"{REGISTRY}/write", False, "Contributor"),
    Need("containerRegistry", f"{REGISTRY}/push/write", False, "Contributor, or AcrPush,"),
    Need("applicationInsights", "Microsoft.Insights/components/write", False, "Contributor"),
)
APPROVED = {
    "storageAccount": f"{STORAGE}/privateEndpointConnectionsApproval/action",
    "keyVault": f"{VAULT}/privateEndpointConnectionsApproval/action",
    "containerRegistry": f"{REGISTRY}/privateEndpointConnectionsApproval/action",
}


def denied(identity: str, action: str, scope: str, role: str, code: str = "AuthorizationFailed") -> ArmError:
    """Say which right an identity lacks, and which role has it."""
    return ArmError(
        code,
        f"The identity '{identity}' does not have authorization to perform action '{action}' over scope '{scope}'. "
        f"Assign it {role} there, and wait for that assignment.",
        403 if code == "AuthorizationFailed" else 400,
    )


def may(call: Call, identity: str, action: str, scope: str, *, data: bool = False) -> bool:
    """Ask for a right; what follows a `#` in a scope is the path of an object."""
    place, _, path = scope.partition("#")
    about = access.at_path(action, path)
    return access.allowed(call.tenant, principal_of(call, identity), action, place, data=data, about=about)


@rule(WORKSPACES)
def workspace(call: Call) -> None:
    """Refuse a workspace whose own identity may not use what it stands on."""
    identity = call.properties.get("primaryUserAssignedIdentity")
    if not identity or call.store.get(str(identity)) is None:
        return
    for need in OF_WORKSPACES:
        scope = str(call.properties.get(need.property) or "")
        record = call.store.get(scope) if scope else None
        if record is None or (
            need.data and need.property == "keyVault" and not record.at("properties.enableRbacAuthorization")
        ):
            continue
        keys = call.properties.get("systemDatastoresAuthMode") in {None, "AccessKey"}
        if need.property == "storageAccount" and need.data and keys:
            continue  # it logs in with a key of the account
        if not may(call, str(identity), need.action, record.id, data=need.data):
            raise denied(str(identity), need.action, record.id, need.role)
    _approving(call, str(identity))


def _approving(call: Call, identity: str) -> None:
    """Refuse an identity that cannot approve the private endpoints that a managed network makes."""
    mode = call.at("properties.managedNetwork.isolationMode", MODES[0])
    for name, action in APPROVED.items():
        record = call.store.get(str(call.properties.get(name) or "")) if call.properties.get(name) else None
        if record is None or mode == MODES[0]:
            continue
        private = record.properties.get("publicNetworkAccess") == "Disabled"
        if (private or mode == STRICTEST) and not may(call, identity, action, record.id):
            raise denied(identity, action, record.id, "Azure AI Enterprise Network Connection Approver")


@outcome(f"{WORKSPACES}/onlineEndpoints/deployments")
def online(call: Call, record: Record) -> ArmError | None:
    """Fail a deployment whose endpoint may not fetch its image or its model, or store what it collects."""
    identities = acts_as(call, record)
    for action, scope, data, role in fetched(call, record) if identities else ():
        if not any(may(call, one, action, scope, data=data) for one in identities):
            return denied(identities[0], action, scope, role, "BadArgument")
    return None


def acts_as(call: Call, record: Record) -> list[str]:
    """List the user-assigned identities as any of which the containers of a deployment act."""
    endpoint = call.store.get(call.address.parent)
    if endpoint is None or record.properties.get("endpointComputeType") != "Managed":
        return []
    own = "systemassigned" in str(endpoint.at("identity.type", "")).lower()
    return [] if own else principals(endpoint)


def fetched(call: Call, record: Record) -> Iterator[Wanted]:
    """List what a deployment needs to start: its image, its files, and where it keeps calls."""
    space = workspace_of(call)
    if space is not None:
        yield from image(call, space, record.properties.get("environmentId"))
        yield from _files(call, space, record.properties)
        for scope in _collected(call, space, record):
            yield WRITE, scope, True, "Storage Blob Data Contributor"


def _collected(call: Call, space: Record, record: Record) -> Iterator[str]:
    """Find where calls are kept: where the data asset of a collection is, else in the storage of the workspace."""
    collections = dig(record.body, "properties.dataCollector.collections") or {}
    for one in collections.values():
        if (one or {}).get("dataCollectionMode") != "Enabled":
            continue
        found = assets.asset(call, str(one["dataId"])) if one.get("dataId") else None
        if isinstance(found, Record):
            yield from storage_of(call, space, str(found.properties.get("dataUri", "")))
        else:
            yield from _own_storage(call, space)


def image(call: Call, space: Record, environment: Any) -> Iterator[Wanted]:
    """List what fetching an image needs: one that is built lies in the registry of the workspace."""
    found = assets.asset(call, str(environment)) if environment else None
    if not isinstance(found, Record):
        return
    image, built = (
        str(found.properties.get("image") or ""),
        found.properties.get("build") or found.properties.get("condaFile"),
    )
    host = image.split("/", 1)[0].lower()
    for registry in call.store.of_type(REGISTRY):
        own = built and str(space.properties.get("containerRegistry", "")).lower() == registry.key
        if own or registry.at("properties.loginServer") == host:
            yield PULL, registry.id, False, "AcrPull"


def _files(call: Call, space: Record, asked: dict[str, Any]) -> Iterator[Wanted]:
    """List what fetching model and code needs."""
    for uri, field in ((asked.get("model"), "modelUri"), (dig(asked, "codeConfiguration.codeId"), "codeUri")):
        found = assets.asset(call, str(uri)) if uri else None
        if not isinstance(found, Record):
            continue
        if found.type.startswith(f"{ML}/registries"):
            scope = "/".join(found.id.split("/")[:9])
            yield f"{ML}/registries/assets/read", scope, False, "AzureML Registry User"
        else:
            for scope in storage_of(call, space, str(found.properties.get(field, ""))):
                yield READ, scope, True, "Storage Blob Data Reader"


def storage_of(call: Call, space: Record, uri: str) -> Iterator[str]:
    """Find the container and the path that a URI of data leads to: by a datastore, or by the address of an account."""
    if "/datastores/" in uri.lower():
        tail = uri[uri.lower().index("/datastores/") + len("/datastores/") :]
        name, _, path = tail.partition("/")
        path = path.removeprefix("paths/")
        store = call.store.get(f"{space.id}/datastores/{name}")
        if store is None:
            return
        account = str(store.properties.get("accountName", ""))
        container = str(store.properties.get("containerName") or store.properties.get("filesystem") or "")
    elif uri.startswith(("https://", "abfss://", "wasbs://")) and ".core.windows.net" in uri:
        account = blobs.account_of(uri)
        rest = uri.split("://", 1)[1]
        container = rest.split("@", 1)[0] if "@" in rest else rest.split("/", 2)[1]
        path = rest.split("/", 1)[-1] if "@" in rest else "/".join(rest.split("/")[2:])
    else:
        return
    for record in call.store.of_type(STORAGE):
        if record.name.lower() == account.lower():
            yield f"{record.id}/blobServices/default/containers/{container}#{path}"


def _own_storage(call: Call, space: Record) -> Iterator[str]:
    yield from storage_of(call, space, "azureml://datastores/workspaceblobstore/paths/x")


@rule(f"{WORKSPACES}/jobs")
def job(call: Call) -> None:
    """Refuse a job whose identity may not read its data, or write its results."""
    _job(call, call.properties)


@rule(f"{WORKSPACES}/schedules")
def schedule(call: Call) -> None:
    """Judge the job, or the monitor, that a schedule will start."""
    action = call.properties.get("action") or {}
    if action.get("actionType") == "CreateJob":
        _job(call, action.get("jobDefinition") or {})
    elif action.get("actionType") == "CreateMonitor":
        _monitor(call, action.get("monitorDefinition") or {})


def _job(call: Call, asked: dict[str, Any]) -> None:
    space, identity = workspace_of(call), _acting(call, asked)
    if space is None or identity is None:
        return
    for field, action, role in (
        ("inputs", READ, "Storage Blob Data Reader"),
        ("outputs", WRITE, "Storage Blob Data Contributor"),
    ):
        for one in (asked.get(field) or {}).values():
            for scope in _data(call, space, str((one or {}).get("uri") or "")):
                if not may(call, identity, action, scope, data=True):
                    raise denied(identity, action, scope, role)
    for action, scope, data, role in image(call, space, asked.get("environmentId")):
        if not may(call, identity, action, scope, data=data):
            raise denied(identity, action, scope, role)


def _data(call: Call, space: Record, uri: str) -> Iterator[str]:
    """Follow the URI of an input, which may be that of a version of data."""
    found = assets.asset(call, uri) if uri.startswith(("azureml:", "/")) else None
    if isinstance(found, Record):
        uri = str(found.properties.get("dataUri") or found.properties.get("modelUri") or "")
    yield from storage_of(call, space, uri)


def _acting(call: Call, asked: dict[str, Any]) -> str | None:
    """Find the user-assigned identity as which a job runs: its own, or that of its machines."""
    said = asked.get("identity") or {}
    if said.get("identityType") == "Managed":
        if said.get("resourceId"):
            return str(said["resourceId"])
        if said.get("clientId"):
            record = by_client(call, str(said["clientId"]))
            return record.id if record is not None else None
    machines = call.store.get(str(asked.get("computeId", ""))) if asked.get("computeId") else None
    given = assigned_to(machines) if machines is not None else []
    return given[0] if said.get("identityType") == "Managed" and given else None


def _monitor(call: Call, definition: dict[str, Any]) -> None:
    space = workspace_of(call)
    said = dig(definition, "computeConfiguration.computeIdentity") or {}
    given = list((dig(said, "identity.userAssignedIdentities") or {}).keys())
    if space is None or said.get("computeIdentityType") != "ManagedIdentity":
        return
    for identity in given or principals(space):
        for scope in _own_storage(call, space):
            if not may(call, identity, WRITE, scope, data=True):
                raise denied(identity, WRITE, scope, "Storage Blob Data Contributor")


@outcome(f"{WORKSPACES}/featuresets/versions")
def features(call: Call, record: Record) -> ArmError | None:
    """Fail a feature set that is to be materialised by an identity without the right to write it."""
    for identity, (action, scope, data, role) in materialized(call, record):
        if not may(call, identity, action, scope, data=data):
            return denied(identity, action, scope, role)
    return None


def materialized(call: Call, record: Record) -> Iterator[tuple[str, Wanted]]:
    """List what bringing rows into the offline store needs, and as whom it is done."""
    space = workspace_of(call)
    if space is None or record.at("properties.materializationSettings.storeType", "None") == "None":
        return
    for connection in call.store.of_type(f"{WORKSPACES}/connections", space.id):
        if not connection.name.startswith("OfflineStoreConnectionName"):
            continue
        identity = str(connection.at("properties.credentials.resourceId") or "")
        target = str(connection.properties.get("target", ""))
        if call.store.get(identity) is None:
            continue
        if call.store.get(target) is not None:
            yield identity, (WRITE, target, True, "Storage Blob Data Contributor")
        yield identity, (f"{WORKSPACES}/featuresets/write", space.id, False, "AzureML Data Scientist")
