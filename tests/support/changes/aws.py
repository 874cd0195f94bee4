"""Changes on AWS, each with the line of docs/updates/aws.toml that it is about, judged as AWS's provider judges."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops import ModelVersionRef
from pulumi_mlops_sandbox.aws.provider.cloud import Aws
from pulumi_mlops_sandbox.provider.diff import bare, compare
from support.changes import batch
from support.changes.common import COMMON, DAILY, MANAGED, SCHEDULED, WANDB, beside, engine, shared
from support.changes.loops import LOOPS
from support.changes.monitors import DRIFT, MONITORS
from support.changes.pipelines import AFTER_ANOTHER, CLUSTERED, PIPELINES, PUBLISHED, TRACKED, whole
from support.facts.aws import hub
from support.mocks import Registration

AWS = Aws()
RELEASED = ("sagemaker/model", "sagemaker/endpointConfiguration")
PARTS = ("sns/topicSubscription", "secretsmanager/secretVersion", "iam/rolePolicyAttachment")
QUEUE = "arn:aws:sqs:us-east-1:111122223333:approvals"
STORE = {"url": "https://s3.example.com", "bucket": "b", "access_key": "a", "secret_key": "s"}
DATABASE = {"host": "db.example.com", "username": "ml", "password": "p"}

BASE: dict[str, dict[str, Any]] = {
    # In prod, where what holds data is protected: no change may take it away unless the table says so.
    "Platform": {"stage": "prod", "alerts": ["ml@example.com"], "monthly_budget": 100, "images": ["churn"]},
    "FeatureStore": {},
    "FeatureGroup": {
        "keys": ["id"],
        "event_time": "at",
        "features": {"id": "string", "at": "timestamp"},
        "online": {"ttl_hours": 24},
    },
    "Dataset": DAILY,
    "ExperimentTracker": {"wandb": WANDB},
    "ModelRegistry": {"events": {"deploy": {"to": QUEUE}}},
    "Model": {},
    "TrainingCluster": {},
    "BatchInference": {},
    "Pipeline": {},
    "Monitor": {},
    "Loop": {},
    "Endpoint": {"model": {"image": "example/churn:1", "artifact": "s3://models/1.tar.gz"}, "compute": {"cpus": 2}},
}
VERSION = ModelVersionRef(
    name="churn",
    backend="aws",
    platform=hub("hub", stage="prod"),
    version=3,
    address={"arn": "arn", "group": "g", "files": ["s3://models/3/"]},
)
QUEUED = {"mode": {"asynchronous": {"max_concurrency": 2}}}
BARE = {"mode": {"serverless": {"max_concurrency": 5}}, "compute": {"memory_gb": 2}, "isolated": False}
SHADOWED = {"shadow": {"model": {"image": "example/churn:2"}}}
TWO = {
    "model": None,
    "variants": [
        {"name": "a", "model": {"image": "example/churn:1"}},
        {"name": "b", "model": {"image": "example/churn:2"}},
    ],
}
STAY: dict[str, Any] = {"nodes": {"min": 2, "max": 2}, "persistent": {}}
EIGHT = {"compute": {"accelerator": "A100:8"}}
PRIVATE = {"network": {"private": {"zones": 2}}}
EXISTING = {"network": {"existing": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}}}


def first_variant(**change: Any) -> dict[str, Any]:
    return {**TWO, "variants": [{**TWO["variants"][0], **change}, TWO["variants"][1]]}


# Which entry of the table, on which noun, its arguments before, and after.
CHANGES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("Platform.stage", "Platform", {}, {"stage": "staging"}),
    (
        "Platform.profile",
        "Platform",
        {"stage": "blue", "profile": "dev"},
        {"stage": "blue", "profile": "staging"},
    ),
    ("Platform.account", "Platform", {"account": "111122223333"}, {"account": "444455556666"}),
    ("Platform.owner", "Platform", {}, {"owner": "ml-team"}),
    ("Platform.tags", "Platform", {}, {"tags": {"cost-center": "4711"}}),
    ("Platform.tag_prefix", "Platform", {}, {"tag_prefix": "mlops-"}),
    ("Platform.alerts", "Platform", {}, {"alerts": ["ml@example.com", "on-call@example.com"]}),
    ("Platform.alerts", "Platform", {}, {"alerts": ["other@example.com"]}),
    ("Platform.monthly_budget", "Platform", {}, {"monthly_budget": 200}),
    ("Platform.monthly_budget", "Platform", {}, {"monthly_budget": None}),
    ("Platform.budget_thresholds", "Platform", {}, {"budget_thresholds": [90]}),
    ("Platform.images", "Platform", {}, {"images": ["churn", "ranker"]}),
    ("Platform.secrets", "Platform", {}, {"secrets": {"token": "1"}}),
    ("Platform.secrets", "Platform", {"secrets": {"token": "1"}}, {"secrets": {"token": "2"}}),
    ("Platform.network", "Platform", {}, PRIVATE),
    ("PrivateNetwork.cidr", "Platform", PRIVATE, {"network": {"private": {"cidr": "10.32.0.0/16"}}}),
    ("PrivateNetwork.zones", "Platform", PRIVATE, {"network": {"private": {"zones": 3}}}),
    (
        "PrivateNetwork.zone_names",
        "Platform",
        PRIVATE,
        {"network": {"private": {"zone_names": ["us-east-1a", "us-east-1d", "us-east-1f"]}}},
    ),
    (
        "ExistingNetwork.subnets",
        "Platform",
        EXISTING,
        {"network": {"existing": {"subnets": ["subnet-2"], "security_groups": ["sg-1"]}}},
    ),
    (
        "ExistingNetwork.security_groups",
        "Platform",
        EXISTING,
        {"network": {"existing": {"subnets": ["subnet-1"], "security_groups": ["sg-2"]}}},
    ),
    ("ExistingParts.artifacts", "Platform", {}, {"existing": {"artifacts": "theirs"}}),
    ("ExistingParts.key", "Platform", {}, {"existing": {"key": "arn:aws:kms:us-east-1:111122223333:key/1"}}),
    ("ExistingParts.alerts", "Platform", {}, {"existing": {"alerts": "arn:aws:sns:us-east-1:111122223333:theirs"}}),
    ("Platform.consumers", "Platform", {}, {"consumers": [{"account": "444455556666"}]}),
    (
        "Platform.consumers",
        "Platform",
        {"consumers": [{"account": "444455556666"}]},
        {"consumers": [{"account": "777788889999"}]},
    ),
    ("Platform.log_days", "Platform", {}, {"log_days": 90}),
    ("FeatureGroup.features", "FeatureGroup", {}, {"features": {"id": "string", "at": "timestamp", "age": "integer"}}),
    ("Online.ttl_hours", "FeatureGroup", {}, {"online": {"ttl_hours": 48}}),
    (
        "ModelRegistry.approvers",
        "ModelRegistry",
        {"approvers": [{"role": "lead"}]},
        {"approvers": [{"role": "lead"}, {"role": "second"}]},
    ),
    ("ModelRegistry.approvers", "ModelRegistry", {}, {"approvers": [{"role": "lead"}]}),
    ("ModelRegistry.consumers", "ModelRegistry", {}, {"consumers": [{"account": "444455556666"}]}),
    ("ModelRegistry.events", "ModelRegistry", {}, {"events": {}}),
    ("Notice.to", "ModelRegistry", {}, {"events": {"deploy": {"to": f"{QUEUE}-2"}}}),
    ("Notice.on", "ModelRegistry", {}, {"events": {"deploy": {"to": QUEUE, "on": ["rejected"]}}}),
    ("ModelFiles.image", "Endpoint", {}, {"model": {"image": "example/churn:2", "artifact": "s3://models/1.tar.gz"}}),
    (
        "ModelFiles.artifact",
        "Endpoint",
        {},
        {"model": {"image": "example/churn:1", "artifact": "s3://models/2.tar.gz"}},
    ),
    ("Endpoint.serve", "Endpoint", {}, {"serve": {"startup_minutes": 40}}),
    ("Serve.image", "Endpoint", {"model": VERSION}, {"serve": {"image": "example/serve:2"}}),
    ("Serve.startup_minutes", "Endpoint", {}, {"serve": {"startup_minutes": 40}}),
    ("Endpoint.compute", "Endpoint", {}, {"compute": {"cpus": 16}}),
    ("Compute.cpus", "Endpoint", {}, {"compute": {"cpus": 16}}),
    ("Compute.memory_gb", "Endpoint", {}, {"compute": {"cpus": 2, "memory_gb": 16}}),
    ("Compute.accelerator", "Endpoint", {}, {"compute": {"accelerator": "A10G:1"}}),
    ("Compute.pin", "Endpoint", {}, {"compute": {"pin": {"aws": "ml.m5.4xlarge"}}}),
    (
        "Endpoint.invokers",
        "Endpoint",
        {"invokers": [{"role": "web"}]},
        {"invokers": [{"role": "web"}, {"role": "batch"}]},
    ),
    ("Endpoint.isolated", "Endpoint", {}, {"isolated": False}),
    ("Variant.model", "Endpoint", TWO, first_variant(model={"image": "example/churn:3"})),
    ("Variant.weight", "Endpoint", TWO, first_variant(weight=3)),
    ("Variant.compute", "Endpoint", TWO, first_variant(compute={"cpus": 16})),
    ("Endpoint.shadow", "Endpoint", {}, SHADOWED),
    ("Shadow.model", "Endpoint", SHADOWED, {"shadow": {"model": {"image": "example/churn:3"}}}),
    ("Shadow.percent", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "percent": 50}}),
    ("Shadow.compute", "Endpoint", SHADOWED, {"shadow": {**SHADOWED["shadow"], "compute": {"cpus": 16}}}),
    ("Serverless.max_concurrency", "Endpoint", BARE, {**BARE, "mode": {"serverless": {"max_concurrency": 9}}}),
    (
        "Serverless.provisioned",
        "Endpoint",
        BARE,
        {**BARE, "mode": {"serverless": {"max_concurrency": 5, "provisioned": 2}}},
    ),
    ("Asynchronous.max_concurrency", "Endpoint", QUEUED, {"mode": {"asynchronous": {"max_concurrency": 4}}}),
    (
        "Asynchronous.notify",
        "Endpoint",
        QUEUED,
        {"mode": {"asynchronous": {"max_concurrency": 2, "notify": "arn:aws:sns:us-east-1:111122223333:done"}}},
    ),
    ("Release.rollback_alarms", "Endpoint", {}, {"release": {"rollback_alarms": ["revenue"]}}),
    ("Release.owner", "Endpoint", {}, {"release": {"owner": "registry"}}),
    ("TrainingCluster.warm_minutes", "TrainingCluster", {}, {"warm_minutes": 30}),
    ("TrainingCluster.persistent", "TrainingCluster", {"nodes": {"max": 2}}, STAY),
    ("TrainingCluster.compute", "TrainingCluster", STAY, {"compute": {"cpus": 32}}),
    ("TrainingCluster.nodes", "TrainingCluster", STAY, {"nodes": {"min": 3, "max": 3}}),
    ("Nodes.min", "TrainingCluster", STAY, {"nodes": {"min": 3, "max": 3}}),
    ("Persistent.setup", "TrainingCluster", STAY, {"persistent": {"setup": "#!/bin/bash\ntrue\n"}}),
    ("TrainingCluster.interconnect", "TrainingCluster", {**STAY, **EIGHT}, {"interconnect": True}),
    ("TrainingCluster.interconnect", "TrainingCluster", {**EIGHT, "nodes": {"max": 4}}, {"interconnect": True}),
    ("TrainingCluster.tags", "TrainingCluster", STAY, {"tags": {"team": "search"}}),
    *COMMON,
    *beside(hub("hub", stage="prod"), "s3://theirs/raw/"),
    *PIPELINES,
    *MONITORS,
    ("Monitor.managed", "Monitor", {"signals": [{**DRIFT, "features": ["age"]}], "window_hours": 1}, {"managed": True}),
    *LOOPS,
    whole("overlap", "allow", "skip"),
    *TRACKED,
    *PUBLISHED,
    *batch.changes("aws"),
    *CLUSTERED,
    *AFTER_ANOTHER,
    ("Managed.size", "ExperimentTracker", MANAGED, engine(managed={"size": "small"})),
    ("Managed.size", "ExperimentTracker", engine(managed={"size": "small"}), engine(managed={"size": "large"})),
    *SCHEDULED,
]


BESIDE = {
    "Platform.account",  # the provider's configuration
    "FeatureGroup.features",  # added by the program, through the API
}
"""Changes that are in no resource's inputs."""

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("Managed.published", "ExperimentTracker", engine(managed={"published": True})),
    ("Platform.quota", "Platform", {"quota": {"cpus": 8, "memory_gb": 16}}),
    ("Platform.addons", "Platform", {"addons": ["keda"]}),
    ("ExistingParts.group", "Platform", {"existing": {"group": "rg"}}),
    ("ExistingParts.workspace", "Platform", {"existing": {"workspace": "theirs"}}),
    ("ExistingParts.object_store", "Platform", {"existing": {"object_store": STORE}}),
    ("ExistingParts.database", "Platform", {"existing": {"database": DATABASE}}),
    ("ExistingParts.images", "Platform", {"existing": {"images": {"address": "registry.example.com"}}}),
    ("ExistingParts.gateway", "Platform", {"existing": {"gateway": {"name": "a/b", "domain": "ml.example.com"}}}),
    ("ExistingParts.cidrs", "Platform", {"existing": {"cidrs": ["192.0.2.0/24"]}}),
    ("ExistingParts.metrics", "Platform", {"existing": {"metrics": "http://prometheus.example.com"}}),
    ("FeatureStore.materialize", "FeatureStore", {"materialize": {"cron": "0 * * * *"}}),
    ("Release.unmeasured", "Endpoint", {"release": {"unmeasured": "promote"}}),
    ("TrainingCluster.idle_minutes", "TrainingCluster", {"idle_minutes": 20}),
    ("TrainingCluster.priority", "TrainingCluster", {"priority": "low"}),
    ("TrainingCluster.shares", "TrainingCluster", {"shares": shared(hub("hub", stage="prod"))}),
]
"""What AWS takes from nobody, whatever was there before."""


def effects(
    before: dict[tuple[str, str], Registration], after: dict[tuple[str, str], Registration]
) -> Iterator[tuple[str, str]]:
    """Say what happens to each resource that is touched: its name and the word of the table."""
    for _, name in before.keys() ^ after.keys():
        yield name, "part"
    for token, name in before.keys() & after.keys():
        old, new = before[token, name], after[token, name]
        kind, ignored = AWS.kind(token), [*new.ignore_changes]
        paths = compare(old.inputs, new.inputs, kind.traits, ignored).paths()
        if None not in (old.replacement_trigger, new.replacement_trigger) and (
            old.replacement_trigger != new.replacement_trigger
        ):
            yield name, "replace"
            continue
        if not paths:
            if old.protect != new.protect:
                yield name, "update"
            continue
        beyond = kind.changed_beyond(dict(old.inputs), dict(new.inputs)) or {}
        short = token.split(":")[1]
        if not any(kind.traits.forces_replacement(bare(path)) or beyond.get(path) for path in paths):
            yield name, "update"
        else:
            yield name, "release" if short in RELEASED else "part" if short in PARTS else "replace"
