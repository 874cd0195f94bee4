"""Which types the sandbox judges by, and in which version: that which is sent, or the nearest that there is."""

MODULE = "github.com/Azure/terraform-provider-azapi"
VERSION = "1.15.0"
FOLDER = "internal/azure/generated"
ML = "2024-07-01-preview"
"""The newest of Machine Learning in that module; `patch.json` has what 2025-12-01 added and took away."""

_ASSETS = ("codes", "components", "data", "environments", "models")
_WORKSPACE = (
    "",
    "/computes",
    "/datastores",
    "/jobs",
    "/schedules",
    "/connections",
    "/outboundRules",
    "/privateEndpointConnections",
    "/serverlessEndpoints",
    "/marketplaceSubscriptions",
    "/onlineEndpoints",
    "/onlineEndpoints/deployments",
    "/batchEndpoints",
    "/batchEndpoints/deployments",
    *(f"/{name}{below}" for name in (*_ASSETS, "featuresets", "featurestoreEntities") for below in ("", "/versions")),
)
_REGISTRY = ("", *(f"/{name}{below}" for name in _ASSETS for below in ("", "/versions")))
_OTHERS = {
    "2024-03-01": ("Microsoft.Resources/resourceGroups", "Microsoft.Resources/deployments"),
    "2023-05-01": (
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/storageAccounts/managementPolicies",
        "Microsoft.Storage/storageAccounts/blobServices",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/fileServices",
        "Microsoft.Storage/storageAccounts/fileServices/shares",
    ),
    "2024-04-01-preview": (
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/vaults/keys",
        "Microsoft.KeyVault/vaults/secrets",
    ),
    "2023-01-01-preview": ("Microsoft.ContainerRegistry/registries",),
    "2023-09-01": ("Microsoft.OperationalInsights/workspaces",),
    "2020-02-02": ("Microsoft.Insights/components",),
    "2023-09-01-preview": ("Microsoft.Insights/actionGroups",),
    "2018-03-01": ("Microsoft.Insights/metricAlerts",),
    "2023-06-01": ("Microsoft.Insights/workbooks",),
    "2021-05-01-preview": ("Microsoft.Insights/diagnosticSettings", "Microsoft.Insights/autoscalesettings"),
    "2023-12-01": ("Microsoft.Insights/scheduledQueryRules",),
    "2020-10-01": ("Microsoft.Insights/activityLogAlerts",),
    "2023-01-31": (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    ),
    "2022-04-01": ("Microsoft.Authorization/roleAssignments",),
    "2022-05-01-preview": ("Microsoft.Authorization/roleDefinitions",),
    "2020-05-01": ("Microsoft.Authorization/locks",),
    "2024-01-01": (
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    ),
    "2024-06-01": ("Microsoft.Network/privateDnsZones", "Microsoft.Network/privateDnsZones/virtualNetworkLinks"),
    "2023-11-01": ("Microsoft.Consumption/budgets",),
    "2024-06-01-preview": (
        "Microsoft.EventGrid/topics",
        "Microsoft.EventGrid/eventSubscriptions",
        "Microsoft.EventGrid/systemTopics",
        "Microsoft.EventGrid/systemTopics/eventSubscriptions",
    ),
    "2019-05-01": ("Microsoft.Logic/workflows",),
}
WANTED: dict[str, str] = {
    **{kind: version for version, kinds in _OTHERS.items() for kind in kinds},
    **{f"Microsoft.MachineLearningServices/workspaces{below}": ML for below in _WORKSPACE},
    **{f"Microsoft.MachineLearningServices/registries{below}": ML for below in _REGISTRY},
}
