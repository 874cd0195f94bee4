"""Bodies that Azure takes, as Microsoft's documentation writes them: one of each resource, in the order of making."""

from dataclasses import dataclass
from typing import Any

from pulumi_mlops_sandbox.azure.facts import TENANT
from support.sandbox.arm import GROUP, ROOT

P = f"{GROUP}/providers"
ML = f"{P}/Microsoft.MachineLearningServices"
HERE = {"location": "eastus"}
WORKSPACE, STORE = f"{ML}/workspaces/churn", f"{ML}/workspaces/churn-features"
STORAGE = f"{P}/Microsoft.Storage/storageAccounts/churnfiles"
VAULT = f"{P}/Microsoft.KeyVault/vaults/churn-vault"
REGISTRY = f"{P}/Microsoft.ContainerRegistry/registries/churnimages"
LOGS = f"{P}/Microsoft.OperationalInsights/workspaces/churn-logs"
INSIGHTS = f"{P}/Microsoft.Insights/components/churn-insights"
IDENTITY = f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/workspace"
SERVING = f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/serving"
NETWORK = f"{P}/Microsoft.Network/virtualNetworks/net"
ALARM = f"{P}/Microsoft.Insights/actionGroups/team"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/churn-live"
DEPLOYMENT = f"{ENDPOINT}/deployments/blue"
MODEL = f"{WORKSPACE}/models/churn"
SERVER = f"{WORKSPACE}/environments/server"
ENTITY, FEATURES = f"{STORE}/featurestoreEntities/customer", f"{STORE}/featuresets/usage"
ROLES = {
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "AzureML Metrics Writer (preview)": "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
}


@dataclass(frozen=True)
class Good:
    """A resource."""

    id: str
    body: dict[str, Any]
    version: str = "2025-12-01"


def role(scope: str, name: str, number: int, principal: str) -> Good:
    """Give a role; the principal is an identity by its id, whose principal is known when it is there."""
    definition = f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[name]}"
    properties = {"principalId": principal, "roleDefinitionId": definition, "principalType": "ServicePrincipal"}
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-{number:012d}"
    return Good(path, {"properties": properties}, "2022-04-01")


def acts_as(*identities: str) -> dict[str, Any]:
    """Act as user-assigned identities."""
    return {"type": "UserAssigned", "userAssignedIdentities": {one: {} for one in identities}}


def _workspace(kind: str, **more: Any) -> dict[str, Any]:
    return HERE | {
        "kind": kind,
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": acts_as(IDENTITY),
        "properties": {
            "friendlyName": "churn",
            "storageAccount": STORAGE,
            "keyVault": VAULT,
            "containerRegistry": REGISTRY,
            "applicationInsights": INSIGHTS,
            "primaryUserAssignedIdentity": IDENTITY,
            "systemDatastoresAuthMode": "Identity",
            "publicNetworkAccess": "Enabled",
            "managedNetwork": {"isolationMode": "AllowInternetOutbound"},
            "provisionNetworkNow": True,
            "v1LegacyMode": False,
            "hbiWorkspace": False,
            **more,
        },
    }


_ROUTES = {
    name: {"path": path, "port": 8080}
    for name, path in (("livenessRoute", "/health"), ("readinessRoute", "/health"), ("scoringRoute", "/score"))
}
_PROBE = {"initialDelay": "PT10S", "period": "PT10S", "timeout": "PT2S", "failureThreshold": 30, "successThreshold": 1}
_SIGNAL = {
    "signalType": "DataDrift",
    "productionData": {
        "inputDataType": "Rolling",
        "jobInputType": "uri_folder",
        "uri": "azureml:collected:1",
        "windowSize": "P1D",
        "windowOffset": "P0D",
        "dataContext": "model_inputs",
    },
    "referenceData": {
        "inputDataType": "Fixed",
        "jobInputType": "uri_folder",
        "uri": "azureml:training:1",
        "dataContext": "training",
    },
    "metricThresholds": [
        {"dataType": "Numerical", "metric": "JensenShannonDistance", "threshold": {"value": 0.1}},
    ],
}
GOOD: dict[str, Good] = {
    "group": Good(GROUP, HERE | {"tags": {"team": "ml"}}, "2024-03-01"),
    "identity": Good(IDENTITY, HERE, "2023-01-31"),
    "serving": Good(SERVING, HERE, "2023-01-31"),
    "trust": Good(
        f"{SERVING}/federatedIdentityCredentials/github",
        {
            "properties": {
                "issuer": "https://token.actions.githubusercontent.com",
                "subject": "repo:acme/churn:ref:refs/heads/main",
                "audiences": ["api://AzureADTokenExchange"],
            }
        },
        "2023-01-31",
    ),
    "network": Good(
        NETWORK, HERE | {"properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}, "2024-05-01"
    ),
    "subnet": Good(f"{NETWORK}/subnets/private", {"properties": {"addressPrefix": "10.0.1.0/24"}}, "2024-05-01"),
    "storage": Good(
        STORAGE,
        HERE
        | {
            "sku": {"name": "Standard_ZRS"},
            "kind": "StorageV2",
            "properties": {
                "allowSharedKeyAccess": False,
                "allowBlobPublicAccess": False,
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": True,
                "publicNetworkAccess": "Enabled",
                "networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"},
            },
        },
        "2024-01-01",
    ),
    "blobs": Good(
        f"{STORAGE}/blobServices/default",
        {"properties": {"isVersioningEnabled": True, "deleteRetentionPolicy": {"enabled": True, "days": 7}}},
        "2024-01-01",
    ),
    "container": Good(
        f"{STORAGE}/blobServices/default/containers/artifacts", {"properties": {"publicAccess": "None"}}, "2024-01-01"
    ),
    "lifecycle": Good(
        f"{STORAGE}/managementPolicies/default",
        {
            "properties": {
                "policy": {
                    "rules": [
                        {
                            "name": "old-versions",
                            "enabled": True,
                            "type": "Lifecycle",
                            "definition": {
                                "filters": {"blobTypes": ["blockBlob"]},
                                "actions": {"version": {"delete": {"daysAfterCreationGreaterThan": 90}}},
                            },
                        }
                    ]
                }
            }
        },
        "2024-01-01",
    ),
    "vault": Good(
        VAULT,
        HERE
        | {
            "properties": {
                "tenantId": TENANT,
                "sku": {"family": "A", "name": "standard"},
                "enableRbacAuthorization": True,
                "enablePurgeProtection": True,
                "softDeleteRetentionInDays": 7,
                "publicNetworkAccess": "Enabled",
            }
        },
        "2024-11-01",
    ),
    "secret": Good(f"{VAULT}/secrets/token", {"properties": {"value": "hunter2"}}, "2024-11-01"),
    "key": Good(f"{VAULT}/keys/disk", {"properties": {"kty": "RSA", "keySize": 3072}}, "2024-11-01"),
    "registry": Good(
        REGISTRY,
        HERE
        | {"sku": {"name": "Premium"}, "properties": {"adminUserEnabled": False, "publicNetworkAccess": "Enabled"}},
        "2023-01-01-preview",
    ),
    "logs": Good(LOGS, HERE | {"properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}, "2023-09-01"),
    "insights": Good(
        INSIGHTS,
        HERE | {"kind": "web", "properties": {"Application_Type": "web", "WorkspaceResourceId": LOGS}},
        "2020-02-02",
    ),
    "role-storage": role(STORAGE, "Contributor", 1, IDENTITY),
    "role-blobs": role(STORAGE, "Storage Blob Data Contributor", 2, IDENTITY),
    "role-shares": role(STORAGE, "Storage File Data Privileged Contributor", 3, IDENTITY),
    "role-vault": role(VAULT, "Contributor", 4, IDENTITY),
    "role-secrets": role(VAULT, "Key Vault Administrator", 5, IDENTITY),
    "role-registry": role(REGISTRY, "Contributor", 6, IDENTITY),
    "role-insights": role(INSIGHTS, "Contributor", 7, IDENTITY),
    "role-pull": role(REGISTRY, "AcrPull", 8, SERVING),
    "role-models": role(STORAGE, "Storage Blob Data Reader", 9, SERVING),
    "role-collected": role(STORAGE, "Storage Blob Data Contributor", 10, SERVING),
    "role-own": Good(
        f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-000000000040",
        {
            "properties": {
                "roleName": "churn reader",
                "type": "CustomRole",
                "assignableScopes": [GROUP],
                "permissions": [
                    {
                        "actions": ["Microsoft.MachineLearningServices/workspaces/models/read"],
                        "dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
                    }
                ],
            }
        },
        "2022-05-01-preview",
    ),
    "workspace": Good(WORKSPACE, _workspace("Default")),
    "diagnostics": Good(
        f"{WORKSPACE}/providers/Microsoft.Insights/diagnosticSettings/platform",
        {"properties": {"workspaceId": LOGS, "logs": [{"categoryGroup": "allLogs", "enabled": True}]}},
        "2021-05-01-preview",
    ),
    "private": Good(
        f"{P}/Microsoft.Network/privateEndpoints/vault",
        HERE
        | {
            "properties": {
                "subnet": {"id": f"{NETWORK}/subnets/private"},
                "privateLinkServiceConnections": [
                    {"name": "vault", "properties": {"privateLinkServiceId": VAULT, "groupIds": ["vault"]}}
                ],
            }
        },
        "2024-05-01",
    ),
    "zone": Good(
        f"{P}/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net", {"location": "global"}, "2024-06-01"
    ),
    "compute": Good(
        f"{WORKSPACE}/computes/cpu",
        HERE
        | {
            "identity": acts_as(SERVING),
            "properties": {
                "computeType": "AmlCompute",
                "disableLocalAuth": True,
                "properties": {
                    "vmSize": "Standard_DS3_v2",
                    "vmPriority": "Dedicated",
                    "enableNodePublicIp": False,
                    "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT5M"},
                },
            },
        },
    ),
    "datastore": Good(
        f"{WORKSPACE}/datastores/artifacts",
        {
            "properties": {
                "datastoreType": "AzureBlob",
                "accountName": "churnfiles",
                "containerName": "artifacts",
                "credentials": {"credentialsType": "None"},
                "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity",
            }
        },
    ),
    "data": Good(f"{WORKSPACE}/data/training", {"properties": {"dataType": "uri_folder"}}),
    "data-version": Good(
        f"{WORKSPACE}/data/training/versions/1",
        {"properties": {"dataType": "uri_folder", "dataUri": "azureml://datastores/artifacts/paths/training/"}},
    ),
    "environment": Good(SERVER, {"properties": {"description": "answers requests"}}),
    "environment-version": Good(
        f"{SERVER}/versions/1",
        {"properties": {"image": "churnimages.azurecr.io/server:1", "inferenceConfig": _ROUTES, "osType": "Linux"}},
    ),
    "model": Good(MODEL, {"properties": {"description": "who leaves", "tags": {"stage": "dev"}}}),
    "model-version": Good(
        f"{MODEL}/versions/1",
        {
            "properties": {
                "modelUri": "azureml://datastores/workspaceblobstore/paths/models/churn/1/",
                "modelType": "custom_model",
                "stage": "Production",
            }
        },
    ),
    "endpoint": Good(
        ENDPOINT,
        HERE
        | {
            "identity": acts_as(SERVING),
            "properties": {"authMode": "AADToken", "publicNetworkAccess": "Enabled", "description": "who leaves"},
        },
    ),
    "deployment": Good(
        DEPLOYMENT,
        HERE
        | {
            "sku": {"name": "Default", "capacity": 1},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": "Standard_DS3_v2",
                "model": f"{MODEL}/versions/1",
                "environmentId": f"{SERVER}/versions/1",
                "livenessProbe": _PROBE,
                "readinessProbe": _PROBE,
                "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 4},
                "scaleSettings": {"scaleType": "Default"},
                "egressPublicNetworkAccess": "Enabled",
                "dataCollector": {
                    "collections": {"model_inputs": {"dataCollectionMode": "Enabled", "samplingRate": 0.5}},
                    "rollingRate": "Hour",
                },
            },
        },
    ),
    "autoscale": Good(
        f"{P}/Microsoft.Insights/autoscalesettings/blue",
        HERE
        | {
            "properties": {
                "targetResourceUri": DEPLOYMENT,
                "enabled": True,
                "profiles": [
                    {
                        "name": "load",
                        "capacity": {"minimum": "1", "maximum": "4", "default": "2"},
                        "rules": [
                            {
                                "metricTrigger": {
                                    "metricName": "CpuUtilizationPercentage",
                                    "metricResourceUri": DEPLOYMENT,
                                    "timeGrain": "PT1M",
                                    "statistic": "Average",
                                    "timeWindow": "PT5M",
                                    "timeAggregation": "Average",
                                    "operator": "GreaterThan",
                                    "threshold": 70,
                                },
                                "scaleAction": {
                                    "direction": "Increase",
                                    "type": "ChangeCount",
                                    "value": "1",
                                    "cooldown": "PT5M",
                                },
                            }
                        ],
                    }
                ],
            }
        },
        "2021-05-01-preview",
    ),
    "team": Good(
        ALARM,
        {
            "location": "Global",
            "properties": {
                "groupShortName": "churn-team",
                "enabled": True,
                "emailReceivers": [{"name": "team", "emailAddress": "ml@example.com", "useCommonAlertSchema": True}],
            },
        },
        "2024-10-01-preview",
    ),
    "alert": Good(
        f"{P}/Microsoft.Insights/metricAlerts/slow",
        {
            "location": "global",
            "properties": {
                "severity": 2,
                "enabled": True,
                "scopes": [ENDPOINT],
                "evaluationFrequency": "PT1M",
                "windowSize": "PT5M",
                "criteria": {
                    "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
                    "allOf": [
                        {
                            "criterionType": "StaticThresholdCriterion",
                            "name": "latency",
                            "metricName": "RequestLatency_P99",
                            "metricNamespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
                            "operator": "GreaterThan",
                            "threshold": 500,
                            "timeAggregation": "Average",
                        }
                    ],
                },
                "actions": [{"actionGroupId": ALARM}],
            },
        },
        "2018-03-01",
    ),
    "budget": Good(
        f"{GROUP}/providers/Microsoft.Consumption/budgets/churn",
        {
            "properties": {
                "category": "Cost",
                "amount": 100,
                "timeGrain": "Monthly",
                "timePeriod": {"startDate": "2026-11-01T00:00:00Z"},
                "notifications": {
                    "most": {
                        "enabled": True,
                        "operator": "GreaterThan",
                        "threshold": 80,
                        "contactEmails": ["ml@example.com"],
                    }
                },
            }
        },
        "2024-08-01",
    ),
    "topic": Good(
        f"{P}/Microsoft.EventGrid/systemTopics/churn",
        HERE | {"properties": {"source": WORKSPACE, "topicType": "Microsoft.MachineLearningServices.Workspaces"}},
        "2025-02-15",
    ),
    "event": Good(
        f"{P}/Microsoft.EventGrid/systemTopics/churn/eventSubscriptions/registered",
        {
            "properties": {
                "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "https://example.com/hook"}},
                "filter": {"includedEventTypes": ["Microsoft.MachineLearningServices.ModelRegistered"]},
            }
        },
        "2025-02-15",
    ),
    "workflow": Good(
        f"{P}/Microsoft.Logic/workflows/promote",
        HERE
        | {
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "state": "Enabled",
                "definition": {
                    "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
                    "workflowdefinition.json#",
                    "contentVersion": "1.0.0.0",
                    "triggers": {"every": {"type": "Recurrence", "recurrence": {"frequency": "Minute", "interval": 5}}},
                    "actions": {"look": {"type": "Http", "inputs": {"method": "GET", "uri": "https://example.com"}}},
                },
            },
        },
        "2019-05-01",
    ),
    "monitor": Good(
        f"{WORKSPACE}/schedules/drift",
        {
            "properties": {
                "isEnabled": True,
                "trigger": {"triggerType": "Cron", "expression": "0 6 * * 1", "timeZone": "UTC"},
                "action": {
                    "actionType": "CreateMonitor",
                    "monitorDefinition": {
                        "computeConfiguration": {
                            "computeType": "ServerlessSpark",
                            "runtimeVersion": "3.4",
                            "instanceType": "Standard_E4s_v3",
                            "computeIdentity": {"computeIdentityType": "ManagedIdentity"},
                        },
                        "monitoringTarget": {
                            "taskType": "Classification",
                            "deploymentId": "azureml:churn-live:blue",
                        },
                        "signals": {"drift": _SIGNAL},
                        "alertNotificationSettings": {"emailNotificationSettings": {"emails": ["ml@example.com"]}},
                    },
                },
            }
        },
    ),
    "job": Good(
        f"{WORKSPACE}/jobs/train-1",
        {
            "properties": {
                "jobType": "Command",
                "command": "python train.py",
                "environmentId": f"{SERVER}/versions/1",
                "computeId": f"{WORKSPACE}/computes/cpu",
                "experimentName": "churn",
                "identity": {"identityType": "Managed", "resourceId": SERVING},
                "inputs": {"rows": {"jobInputType": "uri_folder", "uri": "azureml:training:1"}},
                "limits": {"jobLimitsType": "Command", "timeout": "PT1H"},
            }
        },
    ),
    "store": Good(
        STORE, _workspace("FeatureStore", featureStoreSettings={"computeRuntime": {"sparkRuntimeVersion": "3.4"}})
    ),
    "entity": Good(ENTITY, {"properties": {"description": "who pays"}}),
    "entity-version": Good(
        f"{ENTITY}/versions/1",
        {"properties": {"indexColumns": [{"columnName": "customer_id", "dataType": "String"}], "stage": "Development"}},
    ),
    "features": Good(FEATURES, {"properties": {"description": "how much"}}),
    "features-version": Good(
        f"{FEATURES}/versions/1",
        {
            "properties": {
                "entities": ["azureml:customer:1"],
                "specification": {"path": "azureml://datastores/workspaceblobstore/paths/usage/1/"},
                "stage": "Development",
            }
        },
    ),
    "registry-ml": Good(
        f"{ML}/registries/shared",
        HERE
        | {
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "publicNetworkAccess": "Enabled",
                "regionDetails": [
                    {
                        "location": "eastus",
                        "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
                        "storageAccountDetails": [
                            {
                                "systemCreatedStorageAccount": {
                                    "storageAccountType": "Standard_LRS",
                                    "storageAccountHnsEnabled": False,
                                }
                            }
                        ],
                    }
                ],
            },
        },
    ),
}
