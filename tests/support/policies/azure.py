"""A good platform on Azure, of plain resources, and each way to break it."""

from typing import Any

from support.policies import Bad, Edit, edited, lost, made, unprotected, with_one, without

TAGS = {"owner": "ml", "project": "churn"}
GROUP = "/subscriptions/1/resourceGroups/ml"
AT = {"location": "westeurope", "resourceGroupName": "ml", "tags": TAGS}
ROLES = "/subscriptions/1/providers/Microsoft.Authorization/roleDefinitions"
ML = "azure-native:machinelearningservices"
IMAGE = "acme.azurecr.io/churn@sha256:" + "a" * 64
DOORS = {
    "files": "Microsoft.Storage/storageAccounts/acmefiles",
    "vault": "Microsoft.KeyVault/vaults/acmevault",
    "images": "Microsoft.ContainerRegistry/registries/acme",
    "workspace": "Microsoft.MachineLearningServices/workspaces/ml",
}
COLLECTED = {"collections": {"model_inputs": {"dataCollectionMode": "Enabled"}}}
MONITOR = {
    "actionType": "CreateMonitor",
    "monitorDefinition": {"monitoringTarget": {"deploymentId": "azureml:score:blue"}},
}

GOOD = made(
    ("azure-native:resources:ResourceGroup", "group", {**AT, "resourceGroupName": "ml"}),
    ("azure-native:storage:StorageAccount", "files", {**AT, "accountName": "acmefiles", "publicNetworkAccess": "Disabled", "enableHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False, "allowSharedKeyAccess": False, "encryption": {"keySource": "Microsoft.Keyvault", "services": {"blob": {"enabled": True}}}}),
    ("azure-native:storage:BlobServiceProperties", "versions", {"accountName": "acmefiles", "isVersioningEnabled": True, "deleteRetentionPolicy": {"enabled": True, "days": 30}}),
    ("azure-native:storage:ManagementPolicy", "lifecycle", {"accountName": "acmefiles", "policy": {"rules": []}}),
    ("azure-native:storage:BlobContainer", "container", {"accountName": "acmefiles", "publicAccess": "None"}),
    ("azure-native:keyvault:Vault", "vault", {**AT, "vaultName": "acmevault", "properties": {"publicNetworkAccess": "Disabled", "enableSoftDelete": True, "enablePurgeProtection": True}}),
    ("azure-native:keyvault:Key", "key", {"keyName": "key", "properties": {"rotationPolicy": {"lifetimeActions": []}}}),
    ("azure-native:containerregistry:Registry", "images", {**AT, "registryName": "acme", "publicNetworkAccess": "Disabled", "adminUserEnabled": False, "encryption": {"status": "enabled"}}),
    (f"{ML}:Workspace", "workspace", {**AT, "workspaceName": "ml", "publicNetworkAccess": "Disabled", "encryption": {"status": "Enabled"}, "identity": {"type": "UserAssigned"}, "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}),
    *(("azure-native:network:PrivateEndpoint", f"door-{name}", {**AT, "privateLinkServiceConnections": [{"privateLinkServiceId": f"{GROUP}/providers/{path}"}]}) for name, path in DOORS.items()),
    *(("azure-native:monitor:DiagnosticSetting", f"audit-{name}", {"resourceUri": f"{GROUP}/providers/{DOORS[name]}"}) for name in ("vault", "workspace")),
    (f"{ML}:Compute", "machines", {**AT, "workspaceName": "ml", "properties": {"computeType": "AmlCompute", "disableLocalAuth": True, "properties": {"vmSize": "Standard_DS3_v2", "enableNodePublicIp": False, "remoteLoginPortPublicAccess": "Disabled", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4}}}}),
    (f"{ML}:Compute", "notebook", {**AT, "workspaceName": "ml", "properties": {"computeType": "ComputeInstance", "disableLocalAuth": True, "properties": {"vmSize": "Standard_DS3_v2", "enableNodePublicIp": False, "idleTimeBeforeShutdown": "PT30M", "sshSettings": {"sshPublicAccess": "Disabled"}}}}),
    (f"{ML}:OnlineEndpoint", "endpoint", {**AT, "workspaceName": "ml", "endpointName": "score", "properties": {"authMode": "AADToken", "publicNetworkAccess": "Disabled"}}),
    (f"{ML}:OnlineDeployment", "blue", {**AT, "workspaceName": "ml", "endpointName": "score", "sku": {"name": "Default", "capacity": 2}, "properties": {"endpointComputeType": "Managed", "model": "azureml:churn:3", "instanceType": "Standard_DS3_v2", "egressPublicNetworkAccess": "Disabled", "dataCollector": COLLECTED, "readinessProbe": {"period": "PT10S"}, "environmentVariables": {"LEVEL": "info"}}}),
    (f"{ML}:Schedule", "monitor", {"workspaceName": "ml", "properties": {"action": MONITOR}}),
    ("azure-native:monitor:MetricAlert", "alert", {**AT, "scopes": [f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ml/onlineEndpoints/score"], "actions": [{"actionGroupId": "g"}]}),
    (f"{ML}:EnvironmentVersion", "environment", {"workspaceName": "ml", "properties": {"image": IMAGE}}),
    (f"{ML}:ModelContainer", "model", {"workspaceName": "ml", "properties": {"description": "Who leaves"}}),
    (f"{ML}:ModelVersion", "version", {"workspaceName": "ml", "properties": {"modelUri": "azureml://x"}}),
    ("azure-native:consumption:Budget", "budget", {"amount": 500, "notifications": {"Actual80": {"contactEmails": ["ml@example.com"]}}}),
    ("azure-native:network:NetworkSecurityGroup", "rules", {**AT, "networkSecurityGroupName": "rules", "securityRules": [{"access": "Allow", "direction": "Inbound", "sourceAddressPrefix": "VirtualNetwork"}]}),
    ("azure-native:network:Subnet", "subnet", {"subnetName": "ml", "networkSecurityGroup": {"id": "rules"}}),
    ("azure-native:authorization:RoleAssignment", "reads", {"scope": f"{GROUP}/providers/Microsoft.KeyVault/vaults/acmevault", "roleDefinitionId": f"{ROLES}/4633458b-17de-408a-b874-0445c86b69e6"}),
    ("azure-native:authorization:RoleDefinition", "trainer", {"permissions": [{"actions": ["Microsoft.MachineLearningServices/workspaces/read"], "dataActions": []}]}),
    ("azure-native:managedidentity:FederatedIdentityCredential", "ci", {"subject": "repo:acme/ml:ref:refs/heads/main"}),
    ("azure-native:operationalinsights:Workspace", "logs", {**AT, "retentionInDays": 90}),
    ("azure-native:redis:Redis", "online", {**AT, "enableNonSslPort": False, "minimumTlsVersion": "1.2"}),
    ("azure-native:dbforpostgresql:Server", "database", {**AT, "backup": {"backupRetentionDays": 14}}),
    protected=("files", "vault", "workspace", "online", "database"),
)  # fmt: skip


def bad(rule: str, edit: Edit, on: str) -> Bad:
    return Bad(rule, "azure", edit, on)


def changed(rule: str, on: str, path: str, *value: Any) -> Bad:
    return bad(rule, edited(on, path, *value), on)


OWNER = f"{ROLES}/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
BAD = (
    changed("encryption.artifact-store", "files", "encryption/services/blob/enabled", False),
    changed("encryption.customer-key", "workspace", "encryption"),
    changed("encryption.customer-key", "files", "encryption/keySource", "Microsoft.Storage"),
    changed("encryption.feature-store", "online", "enableNonSslPort", True),
    changed("encryption.in-transit", "files", "minimumTlsVersion", "TLS1_0"),
    changed("encryption.in-transit", "files", "enableHttpsTrafficOnly", False),
    changed("encryption.images", "images", "encryption"),
    changed("encryption.key-rotates", "key", "properties/rotationPolicy"),
    changed("encryption.key-can-come-back", "vault", "properties/enableSoftDelete", False),
    changed("secrets.no-plain-values", "blue", "properties/environmentVariables/API_KEY", "abc"),
    changed("network.notebook-without-internet", "notebook", "properties/properties/enableNodePublicIp", True),
    bad("network.notebook-in-network", edited("workspace", "managedNetwork/isolationMode", "Disabled"), "machines"),
    changed("network.workspace-private", "workspace", "publicNetworkAccess", "Enabled"),
    changed("network.storage-private", "files", "publicNetworkAccess", "Enabled"),
    changed("network.storage-private", "vault", "properties/publicNetworkAccess", "Enabled"),
    bad("network.private-way", without("door-workspace"), "workspace"),
    changed("network.endpoint-private", "endpoint", "properties/publicNetworkAccess", "Enabled"),
    changed("network.model-isolated", "blue", "properties/egressPublicNetworkAccess"),
    changed("network.default-deny", "subnet", "networkSecurityGroup"),
    changed("network.no-open-door", "rules", "securityRules/0/sourceAddressPrefix", "*"),
    changed("network.outbound-approved", "workspace", "managedNetwork/isolationMode", "AllowInternetOutbound"),
    changed("access.no-wildcard", "trainer", "permissions/0/actions", ["*"]),
    changed("access.no-administrator", "reads", "roleDefinitionId", OWNER),
    bad("access.no-administrator", with_one("azure-native:authorization:RoleAssignment", "all", {"scope": GROUP, "roleDefinitionId": f"{ROLES}/b24988ac-6180-42a0-ab88-20f7382dd24c"}), "all"),
    changed("access.trust-named", "ci", "subject", "repo:acme/*"),
    changed("access.nothing-public", "container", "publicAccess", "Blob"),
    changed("access.no-lasting-keys", "machines", "properties/disableLocalAuth", False),
    changed("access.no-lasting-keys", "images", "adminUserEnabled", True),
    changed("access.no-lasting-keys", "files", "allowSharedKeyAccess"),
    changed("access.own-identity", "workspace", "identity/type", "SystemAssigned"),
    changed("access.secrets-by-name", "reads", "scope", GROUP),
    changed("host.no-remote-login", "machines", "properties/properties/remoteLoginPortPublicAccess", "Enabled"),
    bad("data.stateful-protected", unprotected("workspace"), "workspace"),
    bad("data.replacement-named", lost("workspace", "replace"), "workspace"),
    bad("data.replacement-named", lost("files", "delete"), "files"),
    bad("data.versioned", edited("versions", "isVersioningEnabled", False), "files"),
    changed("data.no-public-access", "files", "allowBlobPublicAccess", True),
    changed("data.no-force-destroy", "vault", "properties/enablePurgeProtection"),
    bad("data.deleted-comes-back", edited("versions", "deleteRetentionPolicy"), "files"),
    changed("data.backed-up", "database", "backup/backupRetentionDays", 1),
    changed("data.logs-kept", "logs", "retentionInDays", 7),
    bad("data.lifecycle", without("lifecycle"), "files"),
    changed("supply.image-version", "environment", "properties/image", "acme.azurecr.io/churn"),
    changed("supply.image-by-digest", "environment", "properties/image", "acme.azurecr.io/churn:3"),
    changed("supply.image-from-allowed", "environment", "properties/image", "docker.io/somebody/churn:3"),
    changed("serving.capture-enabled", "blue", "properties/dataCollector"),
    bad("serving.monitored", without("monitor"), "endpoint"),
    bad("serving.alarmed", without("alert"), "endpoint"),
    changed("serving.rollback-configured", "blue", "properties/readinessProbe"),
    changed("serving.redundant", "blue", "sku/capacity", 1),
    changed("serving.version-pinned", "blue", "properties/model", "azureml:churn@latest"),
    changed("registry.approval-required", "version", "properties/stage", "Production"),
    bad("cost.budget-present", without("budget"), "workspace"),
    changed("cost.budget-heard", "budget", "notifications", {}),
    changed("cost.budget-ceiling", "budget", "amount", 5000),
    changed("cost.ceiling", "blue", "sku/capacity", 200),
    changed("cost.priced", "blue", "properties/instanceType", "Standard_ND96isr_H200_v5"),
    changed("cost.idle-compute-stops", "notebook", "properties/properties/idleTimeBeforeShutdown"),
    changed("cost.idle-compute-stops", "machines", "properties/properties/scaleSettings/minNodeCount", 1),
    changed("cost.machines-allowed", "machines", "properties/properties/vmSize", "Standard_ND96isr_H100_v5"),
    changed("governance.tags-required", "workspace", "tags", {}),
    changed("governance.regions-allowed", "files", "location", "eastasia"),
    bad("governance.audit-logs", without("audit-vault"), "vault"),
    changed("governance.models-described", "model", "properties/description", ""),
)  # fmt: skip
