"""Changes on Azure, each with the line of docs/updates/azure.toml that it is about, judged as the provider judges."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.provider.contract import Traits
from pulumi_mlops_sandbox.provider.diff import bare, compare
from support.mocks import SUBSCRIPTION, Registration

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers"
CONTAINER = f"{GROUP}/Microsoft.Storage/storageAccounts/mine/blobServices/default/containers/artifacts"
SOMEBODY, ANOTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "1f8fad5b-d9cb-469f-a165-70867728950e"
WANDB = {"entity": "acme", "project": "churn", "api_key": "one"}
STORE = {"url": "https://s3.example.com", "bucket": "b", "access_key": "a", "secret_key": "s"}
DATABASE = {"host": "db.example.com", "username": "ml", "password": "p"}
BRANCH = {"github": {"repository": "acme/churn", "branch": "main"}}
CLUSTER = {"issuer": "https://oidc.example.com/cluster", "subject": "system:serviceaccount:ranking:web"}
PRIVATE = {"network": {"private": {}}}

BASE: dict[str, dict[str, Any]] = {
    # In prod, where what holds data is protected: no change may take it away unless the table says so.
    "Platform": {"stage": "prod", "alerts": ["ml@example.com"], "monthly_budget": 100, "images": ["churn"]},
    "ExperimentTracker": {"wandb": WANDB},
    "Identity": {"trusts": BRANCH},
    "FeatureStore": {},
    "FeatureGroup": {"features": {"id": "string", "at": "timestamp"}, "keys": ["id"], "event_time": "at"},
    "ModelRegistry": {},
    "Model": {},
    "Endpoint": {"model": {"image": "models.azurecr.io/churn:1"}},
}

# Which entry of the table, on which noun, its arguments before, and after.
CHANGES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("Platform.stage", "Platform", {}, {"stage": "staging"}),
    ("Platform.profile", "Platform", {"stage": "blue", "profile": "dev"}, {"stage": "blue", "profile": "staging"}),
    ("Platform.profile", "Platform", {"stage": "blue", "profile": "dev"}, {"stage": "blue", "profile": "prod"}),
    ("Platform.region", "Platform", {}, {"region": "northeurope"}),
    ("Platform.owner", "Platform", {}, {"owner": "ml-team"}),
    ("Platform.tags", "Platform", {}, {"tags": {"cost-center": "4711"}}),
    ("Platform.tag_prefix", "Platform", {}, {"tag_prefix": "mlops-"}),
    ("Platform.alerts", "Platform", {}, {"alerts": ["ml@example.com", "on-call@example.com"]}),
    ("Platform.monthly_budget", "Platform", {}, {"monthly_budget": 200}),
    ("Platform.monthly_budget", "Platform", {}, {"monthly_budget": None}),
    ("Platform.budget_thresholds", "Platform", {}, {"budget_thresholds": [90]}),
    ("Platform.images", "Platform", {}, {"images": ["churn", "ranker"]}),
    ("Platform.secrets", "Platform", {}, {"secrets": {"token": "1"}}),
    ("Platform.secrets", "Platform", {"secrets": {"token": "1"}}, {"secrets": {"token": "2"}}),
    ("Platform.network", "Platform", {}, PRIVATE),
    ("PrivateNetwork.cidr", "Platform", PRIVATE, {"network": {"private": {"cidr": "10.32.0.0/16"}}}),
    ("ExistingParts.group", "Platform", {}, {"existing": {"group": "theirs"}}),
    ("ExistingParts.artifacts", "Platform", {}, {"existing": {"artifacts": CONTAINER}}),
    ("ExistingParts.key", "Platform", {}, {"existing": {"key": f"{GROUP}/Microsoft.KeyVault/vaults/mine/keys/k"}}),
    ("ExistingParts.alerts", "Platform", {}, {"existing": {"alerts": f"{GROUP}/Microsoft.Insights/actionGroups/mine"}}),
    ("Platform.consumers", "Platform", {}, {"consumers": [{"group": SOMEBODY}]}),
    ("Principal.group", "Platform", {"consumers": [{"group": SOMEBODY}]}, {"consumers": [{"group": ANOTHER}]}),
    ("Principal.application", "Platform", {}, {"consumers": [{"application": SOMEBODY}]}),
    ("Platform.log_days", "Platform", {}, {"log_days": 90}),
    ("ExperimentTracker.tags", "ExperimentTracker", {}, {"tags": {"tier": "gold"}}),
    ("Wandb.entity", "ExperimentTracker", {}, {"wandb": {**WANDB, "entity": "other"}}),
    ("Wandb.project", "ExperimentTracker", {}, {"wandb": {**WANDB, "project": "other"}}),
    ("Wandb.api_key", "ExperimentTracker", {}, {"wandb": {**WANDB, "api_key": "two"}}),
    ("Wandb.base_url", "ExperimentTracker", {}, {"wandb": {**WANDB, "base_url": "https://wandb.example.com"}}),
    ("Identity.tags", "Identity", {}, {"tags": {"tier": "gold"}}),
    ("Identity.trusts", "Identity", {}, {"trusts": {**BRANCH, "token": CLUSTER}}),
    ("Trusts.token", "Identity", {}, {"trusts": {**BRANCH, "token": CLUSTER}}),
    (
        "GithubTrust.branch",
        "Identity",
        {},
        {"trusts": {"github": {"repository": "acme/churn", "branch": "release"}}},
    ),
    (
        "TokenTrust.subject",
        "Identity",
        {"trusts": {"token": CLUSTER}},
        {"trusts": {"token": {**CLUSTER, "subject": "system:serviceaccount:ranking:batch"}}},
    ),
]

BESIDE: set[str] = set()
"""Changes that are in no resource's inputs."""

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("Platform.quota", "Platform", {"quota": {"cpus": 8, "memory_gb": 16}}),
    ("Platform.addons", "Platform", {"addons": ["keda"]}),
    ("PrivateNetwork.zones", "Platform", {"network": {"private": {"zones": 3}}}),
    ("PrivateNetwork.zone_names", "Platform", {"network": {"private": {"zone_names": ["1"]}}}),
    ("Network.existing", "Platform", {"network": {"existing": {"subnets": ["a"], "security_groups": ["b"]}}}),
    ("ExistingParts.object_store", "Platform", {"existing": {"object_store": STORE}}),
    ("ExistingParts.database", "Platform", {"existing": {"database": DATABASE}}),
    ("ExistingParts.images", "Platform", {"existing": {"images": {"address": "registry.example.com"}}}),
    ("ExistingParts.gateway", "Platform", {"existing": {"gateway": {"name": "a/b", "domain": "ml.example.com"}}}),
    ("ExistingParts.cidrs", "Platform", {"existing": {"cidrs": ["192.0.2.0/24"]}}),
    ("ExistingParts.metrics", "Platform", {"existing": {"metrics": "http://prometheus.example.com"}}),
]
"""What Azure takes from nobody, whatever was there before."""

_PATHS = frozenset(
    {
        "resourceGroupName",
        "accountName",
        "containerName",
        "vaultName",
        "secretName",
        "registryName",
        "workspaceName",
        "resourceName",
        "federatedIdentityCredentialResourceName",
        "roleAssignmentName",
        "actionGroupName",
        "budgetName",
        "virtualNetworkName",
        "subnetName",
        "networkSecurityGroupName",
        "privateEndpointName",
        "privateZoneName",
        "resourceUri",
        "scope",
        "endpointName",
        "deploymentName",
        "location",
    }
)
"""The inputs that are in the path of a resource, which the provider makes again where one of them changes."""
_FURTHER = {
    "authorization:RoleAssignment": {"principalId"},
    "storage:StorageAccount": {"isHnsEnabled"},
    "network:PrivateEndpoint": {"subnet"},
}
"""What the provider's own list adds."""
_PARTS = ("authorization:RoleAssignment", "network:PrivateEndpoint", "network:PrivateDnsZoneGroup")


def effects(
    before: dict[tuple[str, str], Registration], after: dict[tuple[str, str], Registration]
) -> Iterator[tuple[str, str]]:
    """Say what happens to each resource that is touched: its name and the word of the table."""
    for token, name in before.keys() ^ after.keys():
        # A template that is sent changes the endpoint in place, and is a record of that.
        yield name, "update" if token == "azure-native:resources:Deployment" else "part"
    for token, name in before.keys() & after.keys():
        old, new, short = before[token, name], after[token, name], token.partition(":")[2]
        paths = compare(old.inputs, new.inputs, Traits({}, {}), [*new.ignore_changes]).paths()
        if any(bare(path).split(".")[0] in _PATHS | _FURTHER.get(short, set()) for path in paths):
            yield name, "part" if short in _PARTS else "replace"
        elif paths or old.protect != new.protect:
            yield name, "update"
