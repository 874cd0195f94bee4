"""Bodies that Azure refuses: what is changed in a good one, and the code and the field of the refusal."""

import copy
from dataclasses import dataclass, field
from typing import Any

from support.sandbox.arm_good import (
    ENDPOINT,
    GOOD,
    GROUP,
    IDENTITY,
    ML,
    MODEL,
    NETWORK,
    ROOT,
    SERVER,
    SERVING,
    STORAGE,
    STORE,
    WORKSPACE,
    P,
    acts_as,
)

GONE = object()
"""Stands for a field that is left out."""


@dataclass(frozen=True)
class Bad:
    """One refusal."""

    kind: str
    of: str
    """The good body that is changed."""
    code: str
    target: str
    """What the refusal names."""
    change: dict[str, Any] = field(default_factory=dict)
    """Path -> value."""
    at: str = ""
    """Another id than that of the good one."""
    method: str = "PUT"
    body: Any = None
    """All of the body, where it is no change of the good one's."""

    @property
    def id(self) -> str:
        """Where it is sent to."""
        return self.at or GOOD[self.of].id

    def made(self, sent: dict[str, Any]) -> Any:
        """Make the body out of the good one that was sent."""
        if self.body is not None:
            return self.body
        made = copy.deepcopy(sent)
        for path, value in self.change.items():
            _set(made, path.split("."), value)
        return made


def _set(tree: Any, path: list[str], value: Any) -> None:
    key: Any = int(path[0]) if path[0].isdigit() else path[0].replace("·", ".")
    if len(path) > 1:
        if isinstance(tree, dict) and key not in tree:
            tree[key] = {}
        _set(tree[key], path[1:], value)
    elif value is GONE:
        del tree[key]
    else:
        tree[key] = value


VALIDATION, REQUEST = "ValidationError", "InvalidRequestPropertyValue"
PR = "properties."
NEW_WORKSPACE = f"{ML}/workspaces/another"
NEW_DEPLOYMENT = f"{ENDPOINT}/deployments/green"
TAKEN = f"{P}/Microsoft.Storage/storageAccounts/takenelsewhere"
LONG = "a" * 40
OTHER_ROLE = "00000000-0000-4000-8000-000000000041"
DEFINITIONS = f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions"
BAD: tuple[Bad, ...] = (
    # Values of enumerations
    Bad("enum", "storage", REQUEST, "sku.name", {"sku.name": "Standard_LRX"}),
    Bad("enum", "storage", REQUEST, "minimumTlsVersion", {PR + "minimumTlsVersion": "TLS1_9"}),
    Bad("enum", "workspace", VALIDATION, "systemDatastoresAuthMode", {PR + "systemDatastoresAuthMode": "identity"}),
    Bad("enum", "workspace", VALIDATION, "isolationMode", {PR + "managedNetwork.isolationMode": "Everything"}),
    Bad("enum", "workspace", VALIDATION, "kind", {"kind": "Big"}, at=NEW_WORKSPACE),
    Bad("enum", "endpoint", VALIDATION, "authMode", {PR + "authMode": "aadtoken"}),
    Bad("enum", "deployment", VALIDATION, "rollingRate", {PR + "dataCollector.rollingRate": "Weekly"}),
    Bad("enum", "deployment", VALIDATION, "endpointComputeType", {PR + "endpointComputeType": "Serverless"}),
    Bad("enum", "compute", VALIDATION, "vmPriority", {PR + "properties.vmPriority": "Spot"}),
    Bad("enum", "registry", "InvalidParameter", "sku.name", {"sku.name": "Gold"}),
    Bad("enum", "entity-version", VALIDATION, "dataType", {PR + "indexColumns.0.dataType": "text"}),
    Bad(
        "enum",
        "monitor",
        VALIDATION,
        "metric",
        {PR + "action.monitorDefinition.signals.drift.metricThresholds.0.metric": "Guessing"},
    ),
    # Required
    Bad("required", "storage", REQUEST, "kind", {"kind": GONE}),
    Bad("required", "vault", "BadRequest", "sku", {PR + "sku": GONE}),
    Bad("required", "endpoint", VALIDATION, "authMode", {PR + "authMode": GONE}),
    Bad("required", "deployment", VALIDATION, "endpointComputeType", {PR + "endpointComputeType": GONE}),
    Bad("required", "data-version", VALIDATION, "dataUri", {PR + "dataUri": GONE}),
    Bad("required", "job", VALIDATION, "command", {PR + "command": GONE}),
    Bad("required", "workspace", "LocationRequired", "location", {"location": GONE}),
    Bad("required", "workspace", VALIDATION, "identity", {"identity": GONE}, at=NEW_WORKSPACE),
    Bad("required", "workspace", VALIDATION, "keyVault", {PR + "keyVault": GONE}, at=NEW_WORKSPACE),
    Bad("required", "alert", "BadRequest", "windowSize", {PR + "windowSize": GONE}),
    # Types
    Bad("type", "storage", REQUEST, "allowSharedKeyAccess", {PR + "allowSharedKeyAccess": "no"}),
    Bad("type", "endpoint", VALIDATION, "traffic.blue", {PR + "traffic": {"blue": "100"}}),
    Bad("type", "endpoint", VALIDATION, "traffic.blue", {PR + "traffic": {"blue": 99.5}}),
    Bad("type", "deployment", VALIDATION, "failureThreshold", {PR + "livenessProbe.failureThreshold": "30"}),
    Bad("type", "deployment", VALIDATION, "requestTimeout", {PR + "requestSettings.requestTimeout": "5s"}),
    Bad("type", "job", VALIDATION, "timeout", {PR + "limits.timeout": "one hour"}),
    Bad(
        "type",
        "network",
        "InvalidRequestFormat",
        "addressPrefixes",
        {PR + "addressSpace.addressPrefixes": "10.0.0.0/16"},
    ),
    Bad("type", "budget", "400", "amount", {PR + "amount": "much"}),
    Bad("type", "model", VALIDATION, "tags", {PR + "tags": ["stage"]}),
    Bad("type", "workspace", VALIDATION, "provisionNetworkNow", {PR + "provisionNetworkNow": "yes"}),
    # Unknown
    Bad("unknown", "storage", REQUEST, "allowBlobPublicAcess", {PR + "allowBlobPublicAcess": False}),
    Bad("unknown", "workspace", VALIDATION, "keyvault", {PR + "keyvault": "x"}),
    Bad("unknown", "workspace", VALIDATION, "softDeleteRetentionInDays", {PR + "softDeleteRetentionInDays": 14}),
    Bad("unknown", "deployment", VALIDATION, "instanceCount", {PR + "instanceCount": 2}),
    Bad("unknown", "compute", VALIDATION, "idleTime", {PR + "properties.scaleSettings.idleTime": "PT1M"}),
    Bad("unknown", "team", "BadRequest", "emails", {PR + "emails": []}),
    # Read-only
    Bad("read-only", "identity", "BadRequest", "properties", {PR + "principalId": "x"}),
    Bad("read-only", "endpoint", VALIDATION, "scoringUri", {PR + "scoringUri": "https://example.com"}),
    Bad("read-only", "workspace", VALIDATION, "workspaceId", {PR + "workspaceId": "x"}),
    Bad("read-only", "storage", REQUEST, "primaryEndpoints", {PR + "primaryEndpoints": {}}),
    Bad("read-only", "model", VALIDATION, "latestVersion", {PR + "latestVersion": "7"}),
    # Names
    Bad("name", "workspace", "InvalidResourceName", "40 characters", at=f"{ML}/workspaces/{LONG}"),
    Bad(
        "name", "storage", "AccountNameInvalid", "Churn-Files", at=f"{P}/Microsoft.Storage/storageAccounts/Churn-Files"
    ),
    Bad("name", "vault", "VaultNameNotValid", "vault--x", at=f"{P}/Microsoft.KeyVault/vaults/vault--x"),
    Bad("name", "endpoint", "InvalidResourceName", "1st", at=f"{WORKSPACE}/onlineEndpoints/1st"),
    Bad("name", "deployment", "InvalidResourceName", "a_b", at=f"{ENDPOINT}/deployments/a_b"),
    Bad("name", "compute", "InvalidResourceName", "cpu-1", at=f"{WORKSPACE}/computes/cpu-1"),
    Bad("name", "container", "InvalidResourceName", "A", at=f"{STORAGE}/blobServices/default/containers/A"),
    Bad(
        "name",
        "role-pull",
        "InvalidRoleAssignmentId",
        "pull",
        at=f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments/pull",
    ),
    Bad("name", "storage", "StorageAccountAlreadyTaken", "already taken", at=TAKEN),
    Bad(
        "name",
        "registry",
        "AlreadyInUse",
        "already taken",
        at=f"{P}/Microsoft.ContainerRegistry/registries/takenelsewhere",
    ),
    # Patterns
    Bad("pattern", "environment-version", VALIDATION, "path", {PR + "inferenceConfig.scoringRoute.path": "/"}),
    Bad("pattern", "job", VALIDATION, "command", {PR + "command": ""}),
    Bad("pattern", "data-version", VALIDATION, "dataUri", {PR + "dataUri": ""}),
    Bad(
        "pattern",
        "monitor",
        VALIDATION,
        "runtimeVersion",
        {PR + "action.monitorDefinition.computeConfiguration.runtimeVersion": "three"},
    ),
    Bad("pattern", "vault", "BadRequest", "tenantId", {PR + "tenantId": "contoso"}),
    Bad("pattern", "monitor", VALIDATION, "expression", {PR + "trigger.expression": "every monday"}),
    Bad("pattern", "subnet", "InvalidCIDRNotation", "addressPrefix", {PR + "addressPrefix": "10.0.1.0/33"}),
    # Parents and references
    Bad(
        "parent",
        "deployment",
        "ParentResourceNotFound",
        "nothing",
        at=f"{WORKSPACE}/onlineEndpoints/nothing/deployments/blue",
    ),
    Bad("parent", "storage", "ResourceGroupNotFound", "other", at=STORAGE.replace("/rg/", "/other/")),
    Bad("parent", "model-version", "ParentResourceNotFound", "nothing", at=f"{WORKSPACE}/models/nothing/versions/1"),
    Bad(
        "parent",
        "workspace",
        "LinkedInvalidPropertyId",
        "storageAccount",
        {PR + "storageAccount": f"{STORAGE}x"},
        at=NEW_WORKSPACE,
    ),
    Bad("parent", "workspace", "LinkedInvalidPropertyId", "keyVault", {PR + "keyVault": STORAGE}, at=NEW_WORKSPACE),
    Bad("parent", "deployment", "BadArgument", "model", {PR + "model": f"{MODEL}/versions/9"}, at=NEW_DEPLOYMENT),
    Bad(
        "parent",
        "deployment",
        "BadArgument",
        "environmentId",
        {PR + "environmentId": f"{SERVER}/versions/9"},
        at=NEW_DEPLOYMENT,
    ),
    Bad(
        "parent",
        "endpoint",
        "FailedIdentityOperation",
        "userAssignedIdentities",
        {"identity": acts_as(f"{SERVING}x")},
        at=f"{WORKSPACE}/onlineEndpoints/another",
    ),
    Bad(
        "parent",
        "features-version",
        VALIDATION,
        "entities",
        {PR + "entities": ["azureml:nobody:1"]},
        at=f"{STORE}/featuresets/usage/versions/2",
    ),
    Bad("parent", "features", VALIDATION, "feature store", at=f"{WORKSPACE}/featuresets/usage"),
    Bad(
        "parent",
        "private",
        "InvalidGroupId",
        "groupIds",
        {PR + "privateLinkServiceConnections.0.properties.groupIds": ["blob"]},
    ),
    Bad(
        "parent",
        "data-version",
        VALIDATION,
        "no datastore 'nowhere'",
        {PR + "dataUri": "azureml://datastores/nowhere/paths/x/"},
        at=f"{WORKSPACE}/data/training/versions/2",
    ),
    # What is fixed for life
    Bad("immutable", "endpoint", "PropertyChangeNotAllowed", "identity", {"identity": acts_as(IDENTITY)}),
    Bad("immutable", "group", "InvalidResourceGroupLocation", "location", {"location": "westeurope"}),
    Bad("immutable", "storage", "InvalidResourceLocation", "westeurope", {"location": "westeurope"}),
    Bad("immutable", "workspace", "PropertyChangeNotAllowed", "kind", {"kind": "FeatureStore"}),
    Bad(
        "immutable", "deployment", "PropertyChangeNotAllowed", "instanceType", {PR + "instanceType": "Standard_DS4_v2"}
    ),
    Bad("immutable", "compute", "PropertyChangeNotAllowed", "vmSize", {PR + "properties.vmSize": "Standard_DS4_v2"}),
    Bad(
        "immutable", "compute", "PropertyChangeNotAllowed", "vmPriority", {PR + "properties.vmPriority": "LowPriority"}
    ),
    Bad(
        "immutable",
        "model-version",
        "PropertyChangeNotAllowed",
        "modelUri",
        {PR + "modelUri": "azureml://datastores/artifacts/paths/x"},
    ),
    Bad(
        "immutable",
        "environment-version",
        "PropertyChangeNotAllowed",
        "image",
        {PR + "image": "churnimages.azurecr.io/server:2"},
    ),
    Bad(
        "immutable",
        "entity-version",
        "PropertyChangeNotAllowed",
        "indexColumns",
        {PR + "indexColumns.0.columnName": "user_id"},
    ),
    Bad(
        "immutable",
        "monitor",
        "PropertyChangeNotAllowed",
        "monitorDefinition",
        {PR + "action.monitorDefinition.signals.drift.metricThresholds.0.threshold.value": 0.2},
    ),
    Bad("immutable", "role-pull", "RoleAssignmentUpdateNotPermitted", "principalId", {PR + "principalId": "x"}),
    Bad("immutable", "vault", "BadRequest", "enablePurgeProtection", {PR + "enablePurgeProtection": False}),
    Bad("immutable", "workspace", "BadRequest", "isolationMode", {PR + "managedNetwork.isolationMode": "Disabled"}),
    # Traffic
    Bad("traffic", "endpoint", VALIDATION, "110", {PR + "traffic": {"blue": 110}}),
    Bad("traffic", "endpoint", VALIDATION, "adds up to 60", {PR + "traffic": {"blue": 60}}),
    Bad("traffic", "endpoint", "BadArgument", "green", {PR + "traffic": {"green": 100}}),
    Bad(
        "traffic",
        "endpoint",
        "BadArgument",
        "blue",
        {PR + "traffic": {"blue": 100}},
        at=f"{WORKSPACE}/onlineEndpoints/another",
    ),
    Bad("traffic", "endpoint", VALIDATION, "mirrorTraffic.blue", {PR + "mirrorTraffic": {"blue": 60}}),
    # Ranges and sizes
    Bad(
        "range",
        "deployment",
        VALIDATION,
        "samplingRate",
        {PR + "dataCollector.collections.model_inputs.samplingRate": 2.0},
    ),
    Bad("range", "deployment", "BadArgument", "sku.capacity", {"sku.capacity": 0}),
    Bad("range", "deployment", VALIDATION, "requestTimeout", {PR + "requestSettings.requestTimeout": "PT5M"}),
    Bad(
        "range",
        "deployment",
        "BadArgument",
        "Standard_DS3_v9",
        {PR + "instanceType": "Standard_DS3_v9"},
        at=NEW_DEPLOYMENT,
    ),
    Bad(
        "range", "compute", "InvalidVmSize", "Huge", {PR + "properties.vmSize": "Huge"}, at=f"{WORKSPACE}/computes/gpu"
    ),
    Bad("range", "compute", VALIDATION, "scaleSettings", {PR + "properties.scaleSettings.minNodeCount": 3}),
    Bad(
        "range",
        "compute",
        VALIDATION,
        "subnet",
        {PR + "properties.subnet": {"id": f"{NETWORK}/subnets/private"}},
        at=f"{WORKSPACE}/computes/gpu",
    ),
    Bad(
        "range",
        "vault",
        "BadRequest",
        "softDeleteRetentionInDays",
        {PR + "softDeleteRetentionInDays": 3},
        at=f"{P}/Microsoft.KeyVault/vaults/another-vault",
    ),
    Bad("range", "blobs", REQUEST, "deleteRetentionPolicy", {PR + "deleteRetentionPolicy.days": 400}),
    Bad("range", "alert", "BadRequest", "severity", {PR + "severity": 9}),
    Bad("range", "budget", "400", "startDate", {PR + "timePeriod.startDate": "2026-11-15T00:00:00Z"}),
    Bad("range", "autoscale", "BadRequest", "minimum", {PR + "profiles.0.capacity.minimum": "0"}),
    Bad("range", "team", "BadRequest", "groupShortName", {PR + "groupShortName": "much-too-long-a-name"}),
    Bad("range", "subnet", "NetcfgInvalidSubnet", "10.9.0.0/24", {PR + "addressPrefix": "10.9.0.0/24"}),
    Bad("range", "workspace", "LocationNotAvailableForResourceType", "atlantis", {"location": "atlantis"}),
    # Methods that carry less
    Bad("patch", "endpoint", VALIDATION, "properties", method="PATCH", body={"properties": {"traffic": {"blue": 100}}}),
    Bad("patch", "model-version", "HttpMethodNotSupported", "PATCH", method="PATCH", body={"tags": {}}),
    # What stands in the way elsewhere
    Bad(
        "elsewhere",
        "workspace",
        "KeyBasedAuthenticationNotPermitted",
        "systemDatastoresAuthMode",
        {PR + "systemDatastoresAuthMode": "AccessKey"},
        at=NEW_WORKSPACE,
    ),
    Bad(
        "elsewhere",
        "registry",
        "FeatureNotSupportedForSku",
        "publicNetworkAccess",
        {"sku.name": "Basic", PR + "publicNetworkAccess": "Disabled"},
    ),
    # Rights
    Bad(
        "right",
        "role-pull",
        "RoleAssignmentExists",
        "already exists",
        at=GOOD["role-pull"].id.replace("000000000008", "000000000099"),
    ),
    Bad(
        "right",
        "role-pull",
        "RoleDefinitionDoesNotExist",
        "role definition",
        {
            PR + "roleDefinitionId": f"{DEFINITIONS}/00000000-0000-4000-8000-00000000dead",
        },
        at=GOOD["role-pull"].id.replace("000000000008", "000000000098"),
    ),
    Bad(
        "right",
        "role-pull",
        "PrincipalNotFound",
        "Principal",
        {PR + "principalType": GONE, PR + "principalId": "11111111-0000-4000-8000-000000000000"},
        at=GOOD["role-pull"].id.replace("000000000008", "000000000097"),
    ),
    Bad(
        "right",
        "workspace",
        "AuthorizationFailed",
        "Contributor",
        {"identity": acts_as(SERVING), PR + "primaryUserAssignedIdentity": SERVING},
        at=NEW_WORKSPACE,
    ),
    Bad(
        "right",
        "job",
        "AuthorizationFailed",
        "Storage Blob Data",
        {PR + "identity.resourceId": f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/nobody"},
        at=f"{WORKSPACE}/jobs/train-2",
    ),
    Bad("right", "role-own", "RoleDefinitionWithSameNameExists", "churn reader", at=f"{DEFINITIONS}/{OTHER_ROLE}"),
    Bad(
        "right",
        "role-own",
        "InvalidCreateRoleAssignmentRequest",
        "assignableScopes",
        {PR + "roleName": "elsewhere", PR + "assignableScopes": [STORAGE]},
        at=f"{DEFINITIONS}/{OTHER_ROLE}",
    ),
    Bad(
        "right",
        "role-own",
        "InvalidActionOrNotAction",
        "blobs/read",
        {
            PR + "roleName": "mixed up",
            PR + "permissions": [{"actions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"]}],
        },
        at=f"{DEFINITIONS}/{OTHER_ROLE}",
    ),
    Bad(
        "right",
        "role-pull",
        "RoleDefinitionDoesNotExist",
        "role definition",
        {PR + "roleDefinitionId": GOOD["role-own"].id},
        at=f"{ROOT}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000096",
    ),
    # What is in the way of a deletion
    Bad("deletion", "registry", "RegistryInUse", "churnimages", method="DELETE"),
    Bad("deletion", "subnet", "InUseSubnetCannotBeDeleted", "private", method="DELETE"),
    Bad("deletion", "model", "HttpMethodNotSupported", "approve", method="POST", at=f"{MODEL}/approve", body={}),
)
