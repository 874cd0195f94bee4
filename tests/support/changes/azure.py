"""Changes on Azure, each with the line of docs/updates/azure.toml that it is about, judged as the provider judges."""

import re
from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.provider.contract import Traits
from pulumi_mlops_sandbox.provider.diff import bare, compare
from support.changes import batch
from support.changes.common import COMMON, DAILY, SCALED, SCHEDULED, WANDB, beside, engine, scaled, shared
from support.changes.loops import LOOPS
from support.changes.monitors import MONITORS
from support.changes.pipelines import AFTER_ANOTHER, CLUSTERED, PIPELINES, PUBLISHED, TRACKED, refused, whole
from support.facts.azure import hub
from support.mocks import SUBSCRIPTION, Registration

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers"
CONTAINER = f"{GROUP}/Microsoft.Storage/storageAccounts/mine/blobServices/default/containers/artifacts"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/ours/subnets/private"
SOMEBODY, ANOTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "1f8fad5b-d9cb-469f-a165-70867728950e"
STORE = {"url": "https://s3.example.com", "bucket": "b", "access_key": "a", "secret_key": "s"}
DATABASE = {"host": "db.example.com", "username": "ml", "password": "p"}
BRANCH = {"github": {"repository": "acme/churn", "branch": "main"}}
CLUSTER = {"issuer": "https://oidc.example.com/cluster", "subject": "system:serviceaccount:ranking:web"}
PRIVATE = {"network": {"private": {}}}
IMAGE = "models.azurecr.io/churn"
FILES = "https://mine.blob.core.windows.net/artifacts/churn/1/"
HOURLY = {"materialize": {"cron": "0 * * * *"}}
DEPLOY = {"to": "https://ci.example.com/hook"}
SHADOWED = {"shadow": {"model": {"image": f"{IMAGE}:2"}, "percent": 20}}
ALARM = f"{GROUP}/Microsoft.Insights/metricAlerts/revenue"
TWO = {
    "model": None,
    "variants": [{"name": "a", "model": {"image": f"{IMAGE}:1"}}, {"name": "b", "model": {"image": f"{IMAGE}:2"}}],
}


def first_variant(**change: Any) -> dict[str, Any]:
    """Change one of two variants."""
    one, two = TWO["variants"] or ()
    return {"model": None, "variants": [{**one, **change}, two]}


BASE: dict[str, dict[str, Any]] = {
    # In prod, where what holds data is protected: no change may take it away unless the table says so.
    "Platform": {"stage": "prod", "alerts": ["ml@example.com"], "monthly_budget": 100, "images": ["churn"]},
    "Dataset": DAILY,
    "ExperimentTracker": {"wandb": WANDB},
    "Identity": {"trusts": BRANCH},
    "FeatureStore": {},
    "FeatureGroup": {"features": {"id": "string", "at": "timestamp"}, "keys": ["id"], "event_time": "at"},
    "ModelRegistry": {"events": {"deploy": DEPLOY}},
    "Model": {},
    "TrainingCluster": {},
    "BatchInference": {},
    "Pipeline": {},
    "Monitor": {},
    "Loop": {},
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
    ("Network.existing", "Platform", {}, {"network": {"existing": {"subnets": [SUBNET]}}}),
    (
        "ExistingNetwork.subnets",
        "Platform",
        {"network": {"existing": {"subnets": [SUBNET]}}},
        {"network": {"existing": {"subnets": [f"{SUBNET}2"]}}},
    ),
    ("ExistingParts.group", "Platform", {}, {"existing": {"group": "theirs"}}),
    ("ExistingParts.workspace", "Platform", {}, {"existing": {"workspace": "theirs"}}),
    ("ExistingParts.artifacts", "Platform", {}, {"existing": {"artifacts": CONTAINER}}),
    ("ExistingParts.key", "Platform", {}, {"existing": {"key": f"{GROUP}/Microsoft.KeyVault/vaults/mine/keys/k"}}),
    ("ExistingParts.alerts", "Platform", {}, {"existing": {"alerts": f"{GROUP}/Microsoft.Insights/actionGroups/mine"}}),
    ("Platform.consumers", "Platform", {}, {"consumers": [{"group": SOMEBODY}]}),
    ("Principal.group", "Platform", {"consumers": [{"group": SOMEBODY}]}, {"consumers": [{"group": ANOTHER}]}),
    ("Principal.application", "Platform", {}, {"consumers": [{"application": SOMEBODY}]}),
    ("Platform.log_days", "Platform", {}, {"log_days": 90}),
    ("FeatureStore.materialize", "FeatureStore", {}, {"materialize": {"cron": "0 * * * *"}}),
    ("Schedule.cron", "FeatureStore", HOURLY, {"materialize": {"cron": "0 3 * * *"}}),
    ("Schedule.timezone", "FeatureStore", HOURLY, {"materialize": {"cron": "0 * * * *", "timezone": "Europe/Berlin"}}),
    ("FeatureGroup.features", "FeatureGroup", {}, {"features": {"id": "string", "at": "timestamp", "age": "integer"}}),
    ("FeatureGroup.description", "FeatureGroup", {}, {"description": "Who buys what."}),
    ("ModelRegistry.approvers", "ModelRegistry", {}, {"approvers": [{"user": SOMEBODY}]}),
    ("ModelRegistry.consumers", "ModelRegistry", {}, {"consumers": [{"user": SOMEBODY}]}),
    ("ModelRegistry.events", "ModelRegistry", {}, {"events": {}}),
    ("Notice.to", "ModelRegistry", {}, {"events": {"deploy": {"to": "https://ci.example.com/other"}}}),
    ("Notice.on", "ModelRegistry", {}, {"events": {"deploy": {**DEPLOY, "on": ["rejected"]}}}),
    ("Model.description", "Model", {}, {"description": "Who leaves."}),
    ("Endpoint.model", "Endpoint", {}, {"model": {"image": f"{IMAGE}:2"}}),
    ("Endpoint.variants", "Endpoint", {}, TWO),
    ("ModelFiles.image", "Endpoint", {}, {"model": {"image": f"{IMAGE}:2"}}),
    (
        "ModelFiles.artifact",
        "Endpoint",
        {"model": {"image": f"{IMAGE}:1", "artifact": FILES}},
        {"model": {"image": f"{IMAGE}:1", "artifact": FILES.replace("/1/", "/2/")}},
    ),
    ("Endpoint.serve", "Endpoint", {}, {"serve": {"startup_minutes": 10}}),
    ("Serve.port", "Endpoint", {}, {"serve": {"port": 9000}}),
    ("Serve.health", "Endpoint", {}, {"serve": {"health": "/alive"}}),
    ("Serve.startup_minutes", "Endpoint", {}, {"serve": {"startup_minutes": 10}}),
    ("Serve.timeout_seconds", "Endpoint", {}, {"serve": {"timeout_seconds": 90}}),
    ("Endpoint.compute", "Endpoint", {}, {"compute": {"cpus": 16}}),
    ("Compute.cpus", "Endpoint", {}, {"compute": {"cpus": 16}}),
    ("Compute.memory_gb", "Endpoint", {}, {"compute": {"memory_gb": 60}}),
    ("Compute.accelerator", "Endpoint", {}, {"compute": {"accelerator": "T4:1"}}),
    ("Compute.pin", "Endpoint", {}, {"compute": {"pin": {"azure": "Standard_NC24ads_A100_v4"}}}),
    ("Endpoint.invokers", "Endpoint", {}, {"invokers": [{"user": SOMEBODY}]}),
    ("Variant.model", "Endpoint", TWO, first_variant(model={"image": f"{IMAGE}:3"})),
    ("Variant.name", "Endpoint", TWO, first_variant(name="c")),
    ("Variant.weight", "Endpoint", TWO, first_variant(weight=3)),
    ("Variant.compute", "Endpoint", TWO, first_variant(compute={"cpus": 16})),
    ("Endpoint.shadow", "Endpoint", {}, SHADOWED),
    ("Shadow.model", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "model": {"image": f"{IMAGE}:3"}}}),
    ("Shadow.percent", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "percent": 50}}),
    ("Shadow.compute", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "compute": {"cpus": 16}}}),
    ("Endpoint.scaling", "Endpoint", SCALED, scaled(max=8)),
    ("Scaling.min", "Endpoint", {}, {"scaling": {"min": 2}}),
    ("Release.rollback_alarms", "Endpoint", {}, {"release": {"rollback_alarms": [ALARM]}}),
    ("ModelRegistry.regions", "ModelRegistry", {}, {"regions": ["northeurope"]}),
    ("ModelRegistry.regions", "ModelRegistry", {"regions": ["northeurope"]}, {"regions": ["uksouth", "northeurope"]}),
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
    ("TrainingCluster.warm_minutes", "TrainingCluster", {"nodes": {"max": 4}}, {"warm_minutes": 30}),
    ("TrainingCluster.idle_minutes", "TrainingCluster", {"nodes": {"max": 4}}, {"idle_minutes": 30}),
    ("Nodes.min", "TrainingCluster", {"nodes": {"max": 4}}, {"nodes": {"min": 1, "max": 4}}),
    ("TrainingCluster.interconnect", "TrainingCluster", {"nodes": {"max": 4}}, {"interconnect": True}),
    *COMMON,
    *beside(hub("hub", stage="prod"), "https://mine.blob.core.windows.net/theirs/raw/"),
    *PIPELINES,
    *MONITORS,
    *(change for change in LOOPS if change[0] != "Loop.reads"),
    whole("overlap", "allow", "skip"),
    *TRACKED,
    *PUBLISHED,
    *batch.changes("azure"),
    *CLUSTERED,
    *SCHEDULED,
]

BESIDE: set[str] = set()
"""Changes that are in no resource's inputs."""

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    *refused(AFTER_ANOTHER),
    ("Loop.reads", "Loop", {"reading": True}),
    ("Managed.published", "ExperimentTracker", engine(managed={"published": True})),
    ("Managed.size", "ExperimentTracker", engine(managed={"size": "small"})),
    ("Monitor.managed", "Monitor", {"managed": True}),
    ("Platform.quota", "Platform", {"quota": {"cpus": 8, "memory_gb": 16}}),
    ("TrainingCluster.persistent", "TrainingCluster", {"nodes": {"min": 2, "max": 2}, "persistent": {}}),
    ("Persistent.setup", "TrainingCluster", {"nodes": {"min": 2, "max": 2}, "persistent": {"setup": "#!/bin/sh"}}),
    ("TrainingCluster.priority", "TrainingCluster", {"priority": "low"}),
    ("TrainingCluster.shares", "TrainingCluster", {"shares": shared(hub("hub", stage="prod"))}),
    ("Platform.addons", "Platform", {"addons": ["keda"]}),
    ("PrivateNetwork.zones", "Platform", {"network": {"private": {"zones": 3}}}),
    ("PrivateNetwork.zone_names", "Platform", {"network": {"private": {"zone_names": ["1"]}}}),
    (
        "ExistingNetwork.security_groups",
        "Platform",
        {"network": {"existing": {"subnets": [SUBNET], "security_groups": ["b"]}}},
    ),
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
        "computeName",
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
_GOES_AND_COMES = {
    # A template that is sent changes the endpoint in place, and is a record of that.
    "resources:Deployment": "update",
    "machinelearningservices:OnlineDeployment": "release",
    # Versions of what stays; those of before are let go of, and are there for the runs that have begun.
    "machinelearningservices:ComponentVersion": "update",
    "machinelearningservices:EnvironmentVersion": "update",
}
"""What it is called that another one is made of these."""
_MARK = re.compile("-[0-9a-f]{8}$")
"""What a name ends in that follows from its content."""
_ONE_FOR_ANOTHER = ("machinelearningservices:Schedule",)
"""What Azure changes by another one in its place."""
_PARTS = ("authorization:RoleAssignment", "network:PrivateEndpoint", "network:PrivateDnsZoneGroup")


def effects(
    before: dict[tuple[str, str], Registration], after: dict[tuple[str, str], Registration]
) -> Iterator[tuple[str, str]]:
    """Say what happens to each resource that is touched: its name and the word of the table."""
    came, gone = after.keys() - before.keys(), before.keys() - after.keys()
    both = {(token, _MARK.sub("", name)) for token, name in came} & {
        (token, _MARK.sub("", name)) for token, name in gone
    }
    for token, name in came | gone:
        short = token.partition(":")[2]
        if short in _ONE_FOR_ANOTHER and (token, _MARK.sub("", name)) in both:
            yield name, "update"
        else:
            yield name, "part" if "-shadow-" in name else _GOES_AND_COMES.get(short, "part")
    for token, name in before.keys() & after.keys():
        old, new, short = before[token, name], after[token, name], token.partition(":")[2]
        paths = compare(old.inputs, new.inputs, Traits({}, {}), [*new.ignore_changes]).paths()
        if any(bare(path).split(".")[0] in _PATHS | _FURTHER.get(short, set()) for path in paths):
            yield name, "part" if short in _PARTS else "replace"
        elif paths or old.protect != new.protect:
            yield name, "update"
