"""Changes on Kubernetes, each with the line of docs/updates/kubernetes.toml that it is about.

The provider makes a new object where a field of a built-in kind cannot change, and sends everything else as an update.
"""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops import TrainingClusterRef
from pulumi_mlops_sandbox.kubernetes.provider import diff, objects
from support.changes import batch
from support.changes.common import CANARY, COMMON, DAILY, MANAGED, SCALED, WANDB, beside, engine, scaled
from support.changes.loops import LOOPS
from support.changes.monitors import MONITORS
from support.changes.pipelines import AFTER_ANOTHER, CLUSTERED, PIPELINES, PUBLISHED, TRACKED, whole
from support.facts.kubernetes import hub
from support.mocks import Registration

HOOK = "https://ci.example.com/hooks"
TOKENS = {"issuer": "https://login.example.com/", "audiences": ["ml"], "keys": "https://login.example.com/keys"}
GATEWAY = {"name": "gateways/public", "domain": "ml.example.com"}
METRICS = "http://prometheus.monitoring.svc:9090"
LOGIN = {"address": "registry.example.com/ml", "username": "puller", "password": "one"}
STORE = {"url": "https://s3.example.com", "bucket": "models", "access_key": "key", "secret_key": "secret"}
READER = {"reader_access_key": "reader", "reader_secret_key": "secret"}
DATABASE = {"host": "db.example.com", "username": "ml", "password": "secret"}
QUOTA = {"cpus": 64, "memory_gb": 256}
HOURLY = {"cron": "15 * * * *", "timezone": "UTC"}

GPUS = TrainingClusterRef(
    name="gpus",
    backend="kubernetes",
    platform=hub("hub", stage="prod"),
    cpus=4,
    memory_gb=16,
    nodes_max=4,
    address={"queue": "gpus", "cohort": "hub-prod.gpus", "flavor": "hub-prod.gpus", "runtime": "gpus"},
)
BASE: dict[str, dict[str, Any]] = {
    # In prod, where what holds data is protected: no change may take it away unless the table says so.
    "Platform": {
        "stage": "prod",
        "alerts": ["ml@example.com"],
        "quota": QUOTA,
        "existing": {"gateway": GATEWAY, "metrics": METRICS},
    },
    "FeatureStore": {"materialize": HOURLY},
    "FeatureGroup": {
        "keys": ["id"],
        "event_time": "at",
        "features": {"id": "string", "at": "timestamp"},
        "online": {"ttl_hours": 24},
    },
    "Dataset": DAILY,
    "ExperimentTracker": {"wandb": WANDB},
    "ModelRegistry": {"events": {"deploy": {"to": HOOK}}},
    "Model": {},
    "TrainingCluster": {},
    "BatchInference": {},
    "Pipeline": {},
    "Monitor": {},
    "Loop": {},
    "Endpoint": {
        "model": {"image": "example/churn:1", "artifact": "s3://models/1"},
        "compute": {"cpus": 2},
        "isolated": False,
    },
}
SHADOWED = {"shadow": {"model": {"image": "example/churn:2"}}}
TWO = {
    "model": None,
    "variants": [
        {"name": "a", "model": {"image": "example/churn:1"}},
        {"name": "b", "model": {"image": "example/churn:2"}},
    ],
}


def first_variant(**change: Any) -> dict[str, Any]:
    return {**TWO, "variants": [{**TWO["variants"][0], **change}, TWO["variants"][1]]}  # type: ignore[index]


def parts(**change: Any) -> dict[str, Any]:
    return {"existing": {"gateway": GATEWAY, "metrics": METRICS, **change}}


OUTSIDE = parts(cidrs=["192.0.2.0/24"])  # a private platform names where the receiver of approvals is
STORED = parts(object_store={**STORE, **READER})
ON_A_SERVER = parts(database=DATABASE)
PULLED = parts(images=LOGIN)


# Which entry of the table, on which noun, its arguments before, and after.
CHANGES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("Platform.stage", "Platform", {}, {"stage": "staging"}),
    (
        "Platform.profile",
        "Platform",
        {"stage": "blue", "profile": "dev"},
        {"stage": "blue", "profile": "staging"},
    ),
    ("Platform.account", "Platform", {"account": "one"}, {"account": "two"}),
    ("Platform.owner", "Platform", {}, {"owner": "ml-team"}),
    ("Platform.tags", "Platform", {}, {"tags": {"cost-center": "4711"}}),
    ("Platform.tag_prefix", "Platform", {"owner": "ml"}, {"owner": "ml", "tag_prefix": "mlops-"}),
    ("Platform.tags", "Platform", {}, {"tags": {"contact": "ml@example.com"}}),
    ("Platform.alerts", "Platform", {}, {"alerts": ["ml@example.com", "on-call@example.com"]}),
    ("Platform.alerts", "Platform", {}, {"alerts": []}),
    ("Platform.quota", "Platform", {}, {"quota": None}),
    ("Quota.cpus", "Platform", {}, {"quota": {**QUOTA, "cpus": 128}}),
    ("Quota.memory_gb", "Platform", {}, {"quota": {**QUOTA, "memory_gb": 512}}),
    ("Quota.accelerators", "Platform", {}, {"quota": {**QUOTA, "accelerators": 2}}),
    ("Quota.storage_gb", "Platform", {}, {"quota": {**QUOTA, "storage_gb": 5000}}),
    ("Platform.addons", "Platform", {}, {"addons": ["keda"]}),
    ("Platform.budget_thresholds", "Platform", {}, {"budget_thresholds": [90]}),
    ("Platform.images", "Platform", PULLED, {"images": ["churn"]}),
    ("Platform.secrets", "Platform", {}, {"secrets": {"token": "1"}}),
    ("Platform.secrets", "Platform", {"secrets": {"token": "1"}}, {"secrets": {"token": "2"}}),
    ("Platform.network", "Platform", OUTSIDE, {**OUTSIDE, "network": {"private": {}}}),
    ("Network.private", "Platform", {**OUTSIDE, "network": {"private": {}}}, {**OUTSIDE, "network": None}),
    ("Platform.consumers", "Platform", {}, {"consumers": [{"namespace": "search"}]}),
    (
        "Platform.consumers",
        "Platform",
        {"consumers": [{"namespace": "search"}]},
        {"consumers": [{"namespace": "ranking"}]},
    ),
    ("ExistingParts.object_store", "Platform", {}, STORED),
    ("ObjectStore.url", "Platform", STORED, parts(object_store={**STORE, **READER, "url": "https://s4.example.com"})),
    ("ObjectStore.bucket", "Platform", STORED, parts(object_store={**STORE, **READER, "bucket": "others"})),
    ("ObjectStore.region", "Platform", STORED, parts(object_store={**STORE, **READER, "region": "eu-1"})),
    ("ObjectStore.access_key", "Platform", STORED, parts(object_store={**STORE, **READER, "access_key": "other"})),
    ("ObjectStore.secret_key", "Platform", STORED, parts(object_store={**STORE, **READER, "secret_key": "other"})),
    ("ObjectStore.reader_access_key", "Platform", STORED, parts(object_store=STORE)),
    (
        "ObjectStore.reader_secret_key",
        "Platform",
        STORED,
        parts(object_store={**STORE, **READER, "reader_secret_key": "other"}),
    ),
    ("ExistingParts.database", "Platform", {}, ON_A_SERVER),
    ("Database.host", "Platform", ON_A_SERVER, parts(database={**DATABASE, "host": "db2.example.com"})),
    ("Database.port", "Platform", ON_A_SERVER, parts(database={**DATABASE, "port": 5433})),
    ("Database.username", "Platform", ON_A_SERVER, parts(database={**DATABASE, "username": "other"})),
    ("Database.password", "Platform", ON_A_SERVER, parts(database={**DATABASE, "password": "other"})),
    ("Database.tls", "Platform", ON_A_SERVER, parts(database={**DATABASE, "tls": "verify-full"})),
    ("ExistingParts.images", "Platform", {}, PULLED),
    ("ImageRegistry.address", "Platform", PULLED, parts(images={**LOGIN, "address": "other.example.com/ml"})),
    ("ImageRegistry.username", "Platform", PULLED, parts(images={"address": LOGIN["address"]})),
    ("ImageRegistry.password", "Platform", PULLED, parts(images={**LOGIN, "password": "two"})),
    ("ExistingParts.gateway", "Platform", parts(gateway=None), parts()),
    (
        "ObjectStore.path_style",
        "Platform",
        parts(object_store=STORE),
        parts(object_store={**STORE, "path_style": False}),
    ),
    (
        "ObjectStore.ca",
        "Platform",
        parts(object_store=STORE),
        parts(object_store={**STORE, "ca": "-----BEGIN CERTIFICATE-----"}),
    ),
    ("Database.ca", "Platform", ON_A_SERVER, parts(database={**DATABASE, "ca": "-----BEGIN CERTIFICATE-----"})),
    (
        "ExistingParts.cidrs",
        "Platform",
        parts(object_store=STORE, cidrs=["192.0.2.0/24"]),
        parts(object_store=STORE, cidrs=["198.51.100.0/24"]),
    ),
    ("Gateway.name", "Platform", {}, parts(gateway={**GATEWAY, "name": "others/public"})),
    ("Gateway.domain", "Platform", {}, parts(gateway={**GATEWAY, "domain": "ai.example.com"})),
    ("Gateway.tls", "Platform", {}, parts(gateway={**GATEWAY, "tls": False})),
    ("Gateway.listener", "Platform", {}, parts(gateway={**GATEWAY, "listener": "internal"})),
    ("Gateway.tokens", "Platform", {}, parts(gateway={**GATEWAY, "tokens": TOKENS})),
    *(
        (
            f"Tokens.{field}",
            "Platform",
            parts(gateway={**GATEWAY, "tokens": TOKENS}),
            parts(gateway={**GATEWAY, "tokens": {**TOKENS, field: value}}),
        )
        for field, value in {
            "issuer": "https://other.example.com/",
            "audiences": ["other"],
            "keys": "https://other.example.com/keys",
        }.items()
    ),
    ("ExistingParts.metrics", "Platform", {}, parts(metrics="http://prometheus.watching.svc:9090")),
    ("ExistingParts.alerts", "Platform", {}, parts(alerts="https://pager.example.com/hook")),
    ("FeatureStore.materialize", "FeatureStore", {}, {"materialize": None}),
    ("FeatureStore.tags", "FeatureStore", {}, {"tags": {"team": "search"}}),
    ("Schedule.cron", "FeatureStore", {}, {"materialize": {**HOURLY, "cron": "45 * * * *"}}),
    ("FeatureGroup.features", "FeatureGroup", {}, {"features": {"id": "string", "at": "timestamp", "age": "integer"}}),
    ("FeatureGroup.description", "FeatureGroup", {}, {"description": "What a customer did"}),
    ("FeatureGroup.protect", "FeatureGroup", {}, {"protect": False}),
    ("FeatureGroup.tags", "FeatureGroup", {}, {"tags": {"team": "search"}}),
    ("ModelRegistry.approvers", "ModelRegistry", {}, {"approvers": [{"user": "lead"}]}),
    (
        "ModelRegistry.approvers",
        "ModelRegistry",
        {"approvers": [{"user": "lead"}]},
        {"approvers": [{"user": "lead"}, {"user": "second"}]},
    ),
    ("ModelRegistry.consumers", "ModelRegistry", {}, {"consumers": [{"namespace": "search"}]}),
    ("ModelRegistry.events", "ModelRegistry", {}, {"events": {}}),
    ("ModelRegistry.published", "ModelRegistry", {}, {"published": True}),
    ("ModelRegistry.tags", "ModelRegistry", {}, {"tags": {"team": "search"}}),
    ("Notice.to", "ModelRegistry", {}, {"events": {"deploy": {"to": f"{HOOK}/2"}}}),
    ("Model.gate", "Model", {}, {"gate": {"auc": ">=0.9"}}),
    ("Model.description", "Model", {}, {"description": "Who leaves"}),
    ("Model.protect", "Model", {}, {"protect": False}),
    ("Endpoint.model", "Endpoint", {}, {"model": {"image": "example/churn:2"}}),
    ("Endpoint.serve", "Endpoint", {}, {"serve": {"startup_minutes": 40}}),
    ("Serve.command", "Endpoint", {}, {"serve": {"command": ["serve"]}}),
    ("Serve.port", "Endpoint", {}, {"serve": {"port": 8000}}),
    ("Serve.health", "Endpoint", {}, {"serve": {"health": "/health"}}),
    ("Serve.startup_minutes", "Endpoint", {}, {"serve": {"startup_minutes": 40}}),
    ("Serve.timeout_seconds", "Endpoint", {}, {"serve": {"timeout_seconds": 300}}),
    ("Serve.shared_memory_gb", "Endpoint", {}, {"serve": {"shared_memory_gb": 1}}),
    ("Endpoint.compute", "Endpoint", {}, {"compute": {"cpus": 16}}),
    ("Compute.cpus", "Endpoint", {}, {"compute": {"cpus": 16}}),
    ("Compute.memory_gb", "Endpoint", {}, {"compute": {"cpus": 2, "memory_gb": 16}}),
    (
        "Compute.accelerator",
        "Endpoint",
        {"compute": {"cpus": 4, "memory_gb": 16}},
        {"compute": {"pin": {"kubernetes": "a=b"}}},
    ),
    ("Compute.pin", "Endpoint", {}, {"compute": {"cpus": 2, "pin": {"kubernetes": "pool=models"}}}),
    ("Endpoint.environment", "Endpoint", {}, {"environment": {"LOG_LEVEL": "debug"}}),
    ("Endpoint.capture_percent", "Endpoint", {}, {"capture_percent": 100}),
    ("Endpoint.invokers", "Endpoint", {}, {"invokers": [{"namespace": "web"}]}),
    (
        "Endpoint.invokers",
        "Endpoint",
        {"invokers": [{"namespace": "web"}]},
        {"invokers": [{"namespace": "web"}, {"namespace": "batch"}]},
    ),
    ("Endpoint.isolated", "Endpoint", {}, {"isolated": True}),
    ("Endpoint.tags", "Endpoint", {}, {"tags": {"team": "search"}}),
    ("Endpoint.variants", "Endpoint", {}, TWO),
    ("Variant.model", "Endpoint", TWO, first_variant(model={"image": "example/churn:3"})),
    ("Variant.weight", "Endpoint", TWO, first_variant(weight=3)),
    ("Variant.compute", "Endpoint", TWO, first_variant(compute={"cpus": 16})),
    ("Endpoint.shadow", "Endpoint", {}, SHADOWED),
    ("Shadow.model", "Endpoint", SHADOWED, {"shadow": {"model": {"image": "example/churn:3"}}}),
    ("Shadow.percent", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "percent": 50}}),
    ("Shadow.compute", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "compute": {"cpus": 16}}}),
    ("Scaling.min", "Endpoint", {}, {"scaling": {"min": 2, "max": 2}}),
    ("Scaling.min", "Endpoint", SCALED, scaled(min=2)),
    ("Scaling.max", "Endpoint", SCALED, scaled(max=8)),
    ("Canary.percent", "Endpoint", CANARY, {"release": {"canary": {"percent": 20}}}),
    ("Canary.bake_minutes", "Endpoint", CANARY, {"release": {"canary": {"percent": 10, "bake_minutes": 20}}}),
    ("TrainingCluster.priority", "TrainingCluster", {}, {"priority": "low"}),
    ("TrainingCluster.interconnect", "TrainingCluster", {"nodes": {"max": 4}}, {"interconnect": True}),
    ("TrainingCluster.shares", "TrainingCluster", {}, {"shares": GPUS}),
    ("Compute.pin", "TrainingCluster", {}, {"compute": {"cpus": 4, "pin": {"kubernetes": "pool=training"}}}),
    *COMMON,
    *beside(hub("hub", stage="prod"), "s3://artifacts/raw/"),
    *PIPELINES,
    *MONITORS,
    *LOOPS,
    *TRACKED,
    *PUBLISHED,
    *batch.changes("kubernetes"),
    *CLUSTERED,
    *AFTER_ANOTHER,
    whole("overlap", "allow", "skip"),
    ("Managed.published", "ExperimentTracker", MANAGED, engine(managed={"published": True})),
]

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("Managed.size", "ExperimentTracker", engine(managed={"size": "small"})),
    ("Monitor.managed", "Monitor", {"managed": True}),
    ("Platform.region", "Platform", {"region": "eu-west-1"}),
    ("Nodes.min", "TrainingCluster", {"nodes": {"min": 1, "max": 2}}),
    ("TrainingCluster.persistent", "TrainingCluster", {"nodes": {"min": 2, "max": 2}, "persistent": {}}),
    ("Persistent.setup", "TrainingCluster", {"nodes": {"min": 2, "max": 2}, "persistent": {"setup": "#!/bin/sh"}}),
    ("TrainingCluster.warm_minutes", "TrainingCluster", {"warm_minutes": 30}),
    ("TrainingCluster.idle_minutes", "TrainingCluster", {"nodes": {"max": 2}, "idle_minutes": 30}),
    ("Platform.monthly_budget", "Platform", {"monthly_budget": 100}),
    ("Platform.log_days", "Platform", {"log_days": 30}),
    ("ExistingParts.group", "Platform", {"existing": {"group": "rg"}}),
    ("ExistingParts.workspace", "Platform", {"existing": {"workspace": "theirs"}}),
    ("Network.existing", "Platform", {"network": {"existing": {"subnets": ["a"], "security_groups": ["b"]}}}),
    ("PrivateNetwork.cidr", "Platform", {"network": {"private": {"cidr": "10.32.0.0/16"}}}),
    ("PrivateNetwork.zones", "Platform", {"network": {"private": {"zones": 3}}}),
    ("PrivateNetwork.zone_names", "Platform", {"network": {"private": {"zone_names": ["a"]}}}),
    ("ExistingParts.artifacts", "Platform", parts(artifacts="theirs")),
    ("ExistingParts.key", "Platform", parts(key="theirs")),
    ("Offline.format", "FeatureGroup", {"offline": {"format": "iceberg"}}),
    ("Mode.serverless", "Endpoint", {"mode": {"serverless": {}}, "isolated": False}),
    ("Mode.asynchronous", "Endpoint", {"mode": {"asynchronous": {}}}),
    ("Scaling.schedules", "Endpoint", scaled(schedules=[{"name": "night", "cron": "0 22 * * *", "min": 1, "max": 2}])),
    ("Release.owner", "Endpoint", {"release": {"owner": "registry"}}),
]
"""What Kubernetes takes from nobody, whatever was there before."""

BESIDE = {"Platform.account"}  # the provider's configuration
"""Changes that are in no object's fields."""
_OF_A_REVISION = ("InferenceService", "ServingRuntime", "ScaledObject")
_RUN_AGAIN = ("Job", "ConfigMap")
_MUTABLE = frozenset({"ConfigMap", "Secret"})  # as the platform's provider is told


def effects(
    before: dict[tuple[str, str], Registration], after: dict[tuple[str, str], Registration]
) -> Iterator[tuple[str, str]]:
    """Say what happens to each object that is touched: its name and the word of the table."""
    for token, name in before.keys() ^ after.keys():
        yield name, _comes_or_goes(token, name)
    for token, name in before.keys() & after.keys():
        old, new = before[token, name], after[token, name]
        if token.startswith("random:"):
            if old.inputs != new.inputs:
                yield name, "replace"  # another value
            continue
        gvk, ignored = objects.gvk_of(token), tuple(new.ignore_changes)
        found = diff.compare(dict(old.inputs), dict(new.inputs), built_in=gvk.built_in)
        changes = [change for change in found if not diff.ignored(change, ignored)]
        forcing = diff.rules(gvk, (old.inputs, new.inputs), _MUTABLE)
        if any(diff.replaces(change, forcing) for change in changes):
            # A name after the content: what was applied once is applied again.
            yield name, "update" if gvk.kind in _RUN_AGAIN and not old.protect else "replace"
        elif changes or old.protect != new.protect:
            yield name, "update"


def _comes_or_goes(token: str, name: str) -> str:
    """Call a revision that gets traffic, or the Job that gives it, a release, and everything else a part."""
    kind = token.rpartition(":")[2]
    released = kind in _OF_A_REVISION and "-shadow-" not in name
    return "release" if released or (kind == "Job" and "-release-" in name) else "part"
