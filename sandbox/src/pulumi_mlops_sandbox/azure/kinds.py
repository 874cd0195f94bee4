"""The resource types that there are, and how Resource Manager treats each."""

from dataclasses import dataclass

NOTHING = ""
BOTH = "put delete"
DELETE = "delete"


@dataclass(frozen=True)
class Kind:
    """One resource type."""

    type: str
    later: str = NOTHING
    """Which of ``put`` and ``delete`` are asynchronous."""
    located: str = ""
    """``region``: needs a location, one of the regions; ``global``: that or ``global``; else it has none."""
    patch: tuple[str, ...] | None = None
    """What a PATCH may carry where it may not carry everything; an empty one where there is no PATCH."""
    implicit: bool = False
    """A part of its parent, which is there without having been put."""
    hangs: bool = False
    """An extension, on a resource of any type."""
    quiet: bool = False
    """Answers a PUT with 202 and no body: its ``Location`` has the resource once it is there."""

    again: bool = False
    """Is done again where the same is asked for once more."""

    @property
    def namespace(self) -> str:
        """The provider's."""
        return self.type.split("/", 1)[0]


_ML = "Microsoft.MachineLearningServices"
_SKU_AND_TAGS = ("sku", "tags")
_ASSETS = ("codes", "components", "data", "environments", "models")
_FEATURES = ("featuresets", "featurestoreEntities")


def _ml() -> list[Kind]:
    workspace, registry = f"{_ML}/workspaces", f"{_ML}/registries"
    kinds = [
        Kind(workspace, BOTH, "region"),
        Kind(registry, BOTH, "region"),
        Kind(f"{workspace}/computes", BOTH, patch=("properties",)),
        Kind(f"{workspace}/datastores", patch=()),
        Kind(f"{workspace}/jobs", DELETE, patch=()),
        Kind(f"{workspace}/schedules", BOTH, patch=()),
        Kind(f"{workspace}/connections"),
        Kind(f"{workspace}/outboundRules", BOTH, patch=()),
        Kind(f"{workspace}/privateEndpointConnections", patch=()),
        Kind(f"{workspace}/serverlessEndpoints", BOTH, "region", patch=("identity", *_SKU_AND_TAGS)),
        Kind(f"{workspace}/marketplaceSubscriptions", BOTH, patch=()),
        Kind(f"{workspace}/capabilityHosts", BOTH, patch=()),
        Kind(f"{workspace}/onlineEndpoints", BOTH, "region", patch=("identity", "tags")),
        Kind(f"{workspace}/onlineEndpoints/deployments", BOTH, "region", patch=_SKU_AND_TAGS),
        Kind(f"{workspace}/batchEndpoints", BOTH, "region", patch=("identity", "tags")),
        Kind(f"{workspace}/batchEndpoints/deployments", BOTH, "region", patch=("properties.description", "tags")),
    ]
    for collection in _ASSETS:
        for scope, later in ((workspace, NOTHING), (registry, BOTH)):
            kinds += [Kind(f"{scope}/{collection}", later, patch=())]
            kinds += [Kind(f"{scope}/{collection}/versions", later, patch=())]
    for collection in _FEATURES:
        kinds += [Kind(f"{workspace}/{collection}", BOTH, patch=())]
        kinds += [Kind(f"{workspace}/{collection}/versions", BOTH, patch=())]
    return kinds


_ALL = (
    Kind("Microsoft.Resources/subscriptions"),
    Kind("Microsoft.Resources/resourceGroups", DELETE, "region"),
    Kind("Microsoft.Resources/deployments", BOTH, again=True),
    Kind("Microsoft.Storage/storageAccounts", "put", "region", quiet=True),
    Kind("Microsoft.Storage/storageAccounts/managementPolicies"),
    Kind("Microsoft.Storage/storageAccounts/blobServices", implicit=True),
    Kind("Microsoft.Storage/storageAccounts/blobServices/containers"),
    Kind("Microsoft.Storage/storageAccounts/fileServices", implicit=True),
    Kind("Microsoft.Storage/storageAccounts/fileServices/shares"),
    Kind("Microsoft.KeyVault/vaults", located="region"),
    Kind("Microsoft.KeyVault/vaults/secrets"),
    Kind("Microsoft.KeyVault/vaults/keys"),
    Kind("Microsoft.KeyVault/locations/deletedVaults"),
    Kind("Microsoft.ContainerRegistry/registries", BOTH, "region"),
    Kind("Microsoft.OperationalInsights/workspaces", BOTH, "region"),
    Kind("Microsoft.Insights/components", located="region"),
    Kind("Microsoft.Insights/actionGroups", located="global"),
    Kind("Microsoft.Insights/metricAlerts", located="global"),
    Kind("Microsoft.Insights/metricAlerts/status"),
    Kind("Microsoft.Insights/workbooks", located="region"),
    Kind("Microsoft.AlertsManagement/alerts"),
    Kind("Microsoft.Resources/locations"),
    Kind("Microsoft.KeyVault/deletedVaults"),
    Kind(f"{_ML}/locations/vmSizes"),
    Kind(f"{_ML}/locations/usages"),
    *(Kind(f"{name}/names") for name in ("Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.ContainerRegistry")),
    Kind("Microsoft.Insights/activityLogAlerts", located="global"),
    Kind("Microsoft.Insights/scheduledQueryRules", located="region"),
    Kind("Microsoft.Insights/autoscalesettings", located="region"),
    Kind("Microsoft.Insights/diagnosticSettings", hangs=True),
    Kind("Microsoft.Insights/metrics", hangs=True),
    Kind("Microsoft.ManagedIdentity/userAssignedIdentities", located="region"),
    Kind("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"),
    Kind("Microsoft.Authorization/roleAssignments", hangs=True, patch=()),
    Kind("Microsoft.Authorization/roleDefinitions", hangs=True, patch=()),
    Kind("Microsoft.Authorization/locks", hangs=True, patch=()),
    Kind("Microsoft.Network/networkSecurityGroups", BOTH, "region"),
    Kind("Microsoft.Network/virtualNetworks", BOTH, "region"),
    Kind("Microsoft.Network/virtualNetworks/subnets", BOTH),
    Kind("Microsoft.Network/privateEndpoints", BOTH, "region"),
    Kind("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", BOTH),
    Kind("Microsoft.Network/privateDnsZones", BOTH, "global"),
    Kind("Microsoft.Network/privateDnsZones/virtualNetworkLinks", BOTH, "global"),
    Kind("Microsoft.Consumption/budgets", hangs=True),
    Kind("Microsoft.EventGrid/topics", BOTH, "region"),
    Kind("Microsoft.EventGrid/eventSubscriptions", BOTH, hangs=True),
    Kind("Microsoft.EventGrid/systemTopics", BOTH, "global"),
    Kind("Microsoft.EventGrid/systemTopics/eventSubscriptions", BOTH),
    Kind("Microsoft.Logic/workflows", located="region"),
    *_ml(),
)
KINDS = {kind.type.lower(): kind for kind in _ALL}
NAMESPACES = {kind.namespace.lower(): kind.namespace for kind in _ALL}
