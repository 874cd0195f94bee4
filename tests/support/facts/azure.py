"""Refs of a platform on Azure, as another stack would export them: a test starts at the noun that it is about."""

from typing import Any

from pulumi_mlops import FeatureGroupRef, FeatureStoreRef, ModelRef, ModelRegistryRef, PlatformRef
from support.mocks import AZURE, SUBSCRIPTION, TENANT

GROUP_PATH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/churn-dev-westeurope"
WORKSPACE = f"{GROUP_PATH}/providers/Microsoft.MachineLearningServices/workspaces/churn-dev"
STORAGE = f"{GROUP_PATH}/providers/Microsoft.Storage/storageAccounts/churndev1"
VAULT = f"{GROUP_PATH}/providers/Microsoft.KeyVault/vaults/churndev1"
REGISTRY_ID = f"{GROUP_PATH}/providers/Microsoft.ContainerRegistry/registries/churndev1"
IMAGE = "churndev1.azurecr.io/churn-dev/serve:1"
SETTINGS = AZURE
"""What a stack's configuration says to the provider, as ``Cloud.run`` takes it."""


def hub(name: str = "churn", **facts: Any) -> PlatformRef:
    """Return a platform; keywords that are facts of its address replace those, others are the ref's own."""
    address: dict[str, Any] = {
        "subscription": SUBSCRIPTION,
        "tenant": TENANT,
        "group": "churn-dev-westeurope",
        "location": "westeurope",
        "workspace": "churn-dev",
        "workspace_id": WORKSPACE,
        "storage": "churndev1",
        "storage_id": STORAGE,
        "container": "artifacts",
        "vault": "churndev1",
        "vault_id": VAULT,
        "registry": "churndev1",
        "registry_id": REGISTRY_ID,
        "logs": f"{GROUP_PATH}/providers/Microsoft.OperationalInsights/workspaces/churn-dev-logs",
        "log_days": 30,
        "insights": f"{GROUP_PATH}/providers/Microsoft.Insights/components/churn-dev-insights",
        "alerts": f"{GROUP_PATH}/providers/Microsoft.Insights/actionGroups/churn-dev-alerts",
        "principal": "00000000-0000-4000-8000-0000000000e0",
        "network": None,
        "subnets": [],
        "vault_roles": True,
        "storage_group": None,
    }
    address |= {key: facts.pop(key) for key in list(facts) if key in address}
    files = f"https://{address['storage']}.blob.core.windows.net/artifacts/"
    known: dict[str, Any] = {"stage": "dev", "artifacts": files, "tags": {"team": "growth"}, "region": "westeurope"}
    return PlatformRef(name=name, backend="azure", address=address, **(known | facts))


HUB = hub()
STORE = FeatureStoreRef(name="features", backend="azure", platform=HUB, address={})
GROUP = FeatureGroupRef(
    name="profile",
    backend="azure",
    platform=HUB,
    keys=["id"],
    event_time="at",
    features={"id": "string", "at": "timestamp"},
    has_online=False,
    has_offline=True,
    address={},
)
REGISTRY = ModelRegistryRef(name="models", backend="azure", platform=HUB, address={})
MODEL = ModelRef(name="churn", backend="azure", platform=HUB, address={})
