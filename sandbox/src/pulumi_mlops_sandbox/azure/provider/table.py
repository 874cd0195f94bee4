"""The table: one row a resource.

To add a resource, write its id with the SDK's arguments as parameters. The test of the table says what the row has not
answered yet: for each property, the place in Azure's own types that takes it.
"""

from collections.abc import Iterator, Mapping

from pulumi_mlops_sandbox.azure.provider.blob import BlobKind
from pulumi_mlops_sandbox.azure.provider.row import Row

_SUBSCRIPTION = "/subscriptions/{subscriptionId}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{resourceGroupName}}"
_ACCOUNT = "Microsoft.Storage/storageAccounts/{accountName}"
_NESTED = ("etag", "id", "name", "type")
"""What stands beside the properties of a resource of the network inside another one."""
_PART_OF_ANOTHER = "it says which part of another resource this is; give the name"


def _in(provider: str) -> str:
    return f"{_GROUP}/providers/{provider}"


def _ml() -> Iterator[Row]:
    """List what Azure Machine Learning has: below a workspace or a registry, with ``properties`` kept."""
    module, provider = "azure-native:machinelearningservices", "Microsoft.MachineLearningServices"
    workspace = _in(f"{provider}/workspaces/{{workspaceName}}")
    registry = _in(f"{provider}/registries/{{registryName}}")
    yield Row(f"{module}:Workspace", workspace, inner={"sharedPrivateLinkResources": ("name",)})
    yield Row(
        f"{module}:Registry",
        registry,
        inner={"registryPrivateEndpointConnections": ("id", "location")},
    )
    yield Row(
        f"{module}:Datastore",
        f"{workspace}/datastores/{{name}}",
        kept=True,
        query=frozenset({"skipValidation"}),
    )
    yield Row(f"{module}:OnlineEndpoint", f"{workspace}/onlineEndpoints/{{endpointName}}", kept=True)
    yield Row(f"{module}:BatchEndpoint", f"{workspace}/batchEndpoints/{{endpointName}}", kept=True)
    yield Row(
        f"{module}:WorkspaceConnection",
        f"{workspace}/connections/{{connectionName}}",
        kept=True,
    )
    kept = {
        "Compute": "computes/{computeName}",
        "OnlineDeployment": "onlineEndpoints/{endpointName}/deployments/{deploymentName}",
        "BatchDeployment": "batchEndpoints/{endpointName}/deployments/{deploymentName}",
        "Schedule": "schedules/{name}",
        "ManagedNetworkSettingsRule": "outboundRules/{ruleName}",
        "FeaturesetContainerEntity": "featuresets/{name}",
        "FeaturesetVersion": "featuresets/{name}/versions/{version}",
        "FeaturestoreEntityContainerEntity": "featurestoreEntities/{name}",
        "FeaturestoreEntityVersion": "featurestoreEntities/{name}/versions/{version}",
    }
    for name, path in kept.items():
        yield Row(f"{module}:{name}", f"{workspace}/{path}", kept=True)
    for name, collection in (
        ("Code", "codes"),
        ("Component", "components"),
        ("Data", "data"),
        ("Environment", "environments"),
        ("Model", "models"),
    ):
        own = "name"
        yield Row(f"{module}:{name}Container", f"{workspace}/{collection}/{{{own}}}", kept=True)
        yield Row(f"{module}:{name}Version", f"{workspace}/{collection}/{{{own}}}/versions/{{version}}", kept=True)
        own = "name" if name == "Data" else f"{name.lower()}Name"
        yield Row(f"{module}:Registry{name}Container", f"{registry}/{collection}/{{{own}}}", kept=True)
        yield Row(
            f"{module}:Registry{name}Version", f"{registry}/{collection}/{{{own}}}/versions/{{version}}", kept=True
        )


def _platform() -> Iterator[Row]:
    """List groups, identities, roles, storage, keys and images."""
    yield Row("azure-native:resources:ResourceGroup", _GROUP, bare=True, beside=frozenset({"managedBy"}))
    yield Row(
        "azure-native:resources:Deployment",
        _in("Microsoft.Resources/deployments/{deploymentName}"),
        kept=True,
    )
    yield Row(
        "azure-native:storage:StorageAccount",
        _in(_ACCOUNT),
        renames={
            "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
            "networkRuleSet": "networkAcls",
            "enableNfsV3": "isNfsV3Enabled",
            "encryption.encryptionIdentity": "identity",
            "encryption.encryptionIdentity.encryptionUserAssignedIdentity": "userAssignedIdentity",
            "encryption.encryptionIdentity.encryptionFederatedIdentityClientId": "federatedIdentityClientId",
            "encryption.keyVaultProperties": "keyvaultproperties",
            "encryption.keyVaultProperties.keyName": "keyname",
            "encryption.keyVaultProperties.keyVersion": "keyversion",
            "encryption.keyVaultProperties.keyVaultUri": "keyvaulturi",
            "networkRuleSet.ipRules.iPAddressOrRange": "value",
            "networkRuleSet.virtualNetworkRules.virtualNetworkResourceId": "id",
        },
        replace=("isHnsEnabled",),
    )
    default = f"{_in(_ACCOUNT)}/blobServices/default"
    yield Row("azure-native:storage:BlobContainer", f"{default}/containers/{{containerName}}")
    yield Row(
        "azure-native:storage:FileShare",
        f"{_in(_ACCOUNT)}/fileServices/default/shares/{{shareName}}",
        refused={"expand": "it asks for more in an answer, which the stand-in reads whole"},
    )
    yield Row(
        "azure-native:storage:BlobServiceProperties",
        f"{_in(_ACCOUNT)}/blobServices/{{blobServicesName}}",
        reset={"properties": {"deleteRetentionPolicy": {"enabled": False}, "isVersioningEnabled": False}},
    )
    yield Row(
        "azure-native:storage:FileServiceProperties",
        f"{_in(_ACCOUNT)}/fileServices/{{fileServicesName}}",
        reset={"properties": {"shareDeleteRetentionPolicy": {"enabled": False}}},
    )
    yield Row("azure-native:storage:ManagementPolicy", f"{_in(_ACCOUNT)}/managementPolicies/{{managementPolicyName}}")
    yield Row(
        "azure-native:storage:Blob",
        f"{default}/containers/{{containerName}}/blobs/{{blobName}}",
        replace=("contentMd5", "source", "type"),
        kind=BlobKind,
    )
    vault = _in("Microsoft.KeyVault/vaults/{vaultName}")
    dates = {"properties.attributes.expires": "exp", "properties.attributes.notBefore": "nbf"}
    yield Row(
        "azure-native:keyvault:Vault",
        vault,
        kept=True,
        maintained={"properties.accessPolicies": []},
    )
    yield Row(
        "azure-native:keyvault:Secret",
        f"{vault}/secrets/{{secretName}}",
        kept=True,
        renames=dates,
    )
    yield Row(
        "azure-native:keyvault:Key",
        f"{vault}/keys/{{keyName}}",
        kept=True,
        renames={**dates, "properties.releasePolicy": "release_policy"},
    )
    yield Row(
        "azure-native:containerregistry:Registry",
        _in("Microsoft.ContainerRegistry/registries/{registryName}"),
        renames={"networkRuleSet.ipRules.iPAddressOrRange": "value"},
    )
    identity = _in("Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}")
    yield Row("azure-native:managedidentity:UserAssignedIdentity", identity)
    yield Row(
        "azure-native:managedidentity:FederatedIdentityCredential",
        f"{identity}/federatedIdentityCredentials/{{federatedIdentityCredentialResourceName}}",
    )
    yield Row(
        "azure-native:authorization:RoleAssignment",
        "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        replace=("principalId",),
    )
    yield Row(
        "azure-native:authorization:RoleDefinition",
        "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
        renames={"roleType": "type"},
    )
    yield Row(
        "azure-native:authorization:ManagementLockByScope",
        "/{scope}/providers/Microsoft.Authorization/locks/{lockName}",
    )


def _watching() -> Iterator[Row]:
    """List logs, alerts, budgets, events and workflows."""
    yield Row(
        "azure-native:operationalinsights:Workspace",
        _in("Microsoft.OperationalInsights/workspaces/{workspaceName}"),
        inside=frozenset({"sku"}),
    )
    yield Row(
        "azure-native:applicationinsights:Component",
        _in("Microsoft.Insights/components/{resourceName}"),
        renames={
            "applicationType": "Application_Type",
            "flowType": "Flow_Type",
            "requestSource": "Request_Source",
            "disableIpMasking": "DisableIpMasking",
            "disableLocalAuth": "DisableLocalAuth",
            "forceCustomerStorageForProfiler": "ForceCustomerStorageForProfiler",
            "hockeyAppId": "HockeyAppId",
            "immediatePurgeDataOn30Days": "ImmediatePurgeDataOn30Days",
            "ingestionMode": "IngestionMode",
            "retentionInDays": "RetentionInDays",
            "samplingPercentage": "SamplingPercentage",
            "workspaceResourceId": "WorkspaceResourceId",
            "appId": "AppId",
            "applicationId": "ApplicationId",
            "connectionString": "ConnectionString",
            "creationDate": "CreationDate",
            "hockeyAppToken": "HockeyAppToken",
            "instrumentationKey": "InstrumentationKey",
            "laMigrationDate": "LaMigrationDate",
            "privateLinkScopedResources": "PrivateLinkScopedResources",
            "tenantId": "TenantId",
        },
    )
    alert = {"*.odataType": "odata.type"}
    yield Row("azure-native:monitor:ActionGroup", _in("Microsoft.Insights/actionGroups/{actionGroupName}"))
    yield Row("azure-native:monitor:MetricAlert", _in("Microsoft.Insights/metricAlerts/{ruleName}"), renames=alert)
    yield Row(
        "azure-native:monitor:AutoscaleSetting",
        _in("Microsoft.Insights/autoscalesettings/{autoscaleSettingName}"),
        renames={
            f"profiles.rules.metricTrigger.dimensions.{name}": f"{name[0].upper()}{name[1:]}"
            for name in ("dimensionName", "operator", "values")
        },
    )
    yield Row(
        "azure-native:monitor:DiagnosticSetting",
        "/{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
    )
    yield Row("azure-native:applicationinsights:Workbook", _in("Microsoft.Insights/workbooks/{resourceName}"))
    yield Row("azure-native:monitor:ScheduledQueryRule", _in("Microsoft.Insights/scheduledQueryRules/{ruleName}"))
    yield Row(
        "azure-native:monitor:ActivityLogAlert",
        _in("Microsoft.Insights/activityLogAlerts/{activityLogAlertName}"),
    )
    yield Row("azure-native:consumption:Budget", "/{scope}/providers/Microsoft.Consumption/budgets/{budgetName}")
    inner = {
        "destination": ("endpointType",),
        "deadLetterDestination": ("endpointType",),
        "deliveryWithResourceIdentity.destination": ("endpointType",),
        "deadLetterWithResourceIdentity.deadLetterDestination": ("endpointType",),
        "destination.deliveryAttributeMappings": ("name", "type"),
        "deliveryWithResourceIdentity.destination.deliveryAttributeMappings": ("name", "type"),
    }
    topic = _in("Microsoft.EventGrid/systemTopics/{systemTopicName}")
    subscription = "eventSubscriptions/{eventSubscriptionName}"
    yield Row(
        "azure-native:eventgrid:Topic",
        _in("Microsoft.EventGrid/topics/{topicName}"),
        inner={"inputSchemaMapping": ("inputSchemaMappingType",)},
    )
    yield Row("azure-native:eventgrid:SystemTopic", topic)
    yield Row("azure-native:eventgrid:SystemTopicEventSubscription", f"{topic}/{subscription}", inner=inner)
    yield Row(
        "azure-native:eventgrid:EventSubscription",
        f"/{{scope}}/providers/Microsoft.EventGrid/{subscription}",
        inner=inner,
    )
    yield Row("azure-native:logic:Workflow", _in("Microsoft.Logic/workflows/{workflowName}"))


def _network() -> Iterator[Row]:
    """List networks and private endpoints."""
    own_id = {"id": _PART_OF_ANOTHER}
    network = _in("Microsoft.Network/virtualNetworks/{virtualNetworkName}")
    yield Row(
        "azure-native:network:VirtualNetwork",
        network,
        inner={
            "subnets": _NESTED,
            "subnets.delegations": _NESTED,
            "virtualNetworkPeerings": _NESTED,
        },
        maintained={"properties.subnets": None},
        refused=own_id,
    )
    yield Row(
        "azure-native:network:Subnet",
        f"{network}/subnets/{{subnetName}}",
        inner={"delegations": _NESTED},
        refused={**own_id, "name": _PART_OF_ANOTHER, "type": _PART_OF_ANOTHER},
    )
    yield Row(
        "azure-native:network:NetworkSecurityGroup",
        _in("Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}"),
        inner={"securityRules": _NESTED},
        maintained={"properties.securityRules": None},
        refused=own_id,
    )
    endpoint = _in("Microsoft.Network/privateEndpoints/{privateEndpointName}")
    yield Row(
        "azure-native:network:PrivateEndpoint",
        endpoint,
        inner={
            "privateLinkServiceConnections": ("id", "name"),
            "manualPrivateLinkServiceConnections": ("id", "name"),
            "ipConfigurations": ("name",),
        },
        replace=("subnet",),
        refused=own_id,
    )
    yield Row(
        "azure-native:network:PrivateDnsZoneGroup",
        f"{endpoint}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}",
        inner={"privateDnsZoneConfigs": ("name",)},
        refused={**own_id, "name": _PART_OF_ANOTHER},
    )
    zone = _in("Microsoft.Network/privateDnsZones/{privateZoneName}")
    yield Row("azure-native:privatedns:PrivateZone", zone)
    yield Row("azure-native:privatedns:VirtualNetworkLink", f"{zone}/virtualNetworkLinks/{{virtualNetworkLinkName}}")


ROWS: Mapping[str, Row] = {row.resource: row for family in (_platform, _watching, _network, _ml) for row in family()}
