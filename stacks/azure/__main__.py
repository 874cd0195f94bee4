"""One platform on Azure, from features and labels to a trained and served model.

Copy this folder and change it. It goes to the subscription of `az account show`, or of `pulumi config set
azure-native:subscriptionId ID`. What differs between stages is in Pulumi.dev.yaml and Pulumi.prod.yaml:
`pulumi config set cpus 8 -s prod` is all it takes to resize the endpoint, and the release is a canary.
"""

from typing import Any

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
stage = config.require("stage")

# The hub: storage, vault, image repository, workspace, logs, alerts, budget, and a private network where the stage asks
# for one. A token that the model needs at run time is a secret from `pulumi config set --secret hub_token` onwards.
hub_token = config.get_secret("hub_token")
platform = mlops.Platform(
    "churn",
    backend="azure",
    stage=stage,
    owner=config.get("owner"),
    tags=config.get_object("tags") or {},
    alerts=config.require_object("alerts"),
    monthly_budget=config.require_float("monthly_budget"),
    images=["churn", "drift"],
    network=config.get_object("network"),
    secrets={"hub-token": hub_token} if hub_token else {},
)

# Features: typed, with a key and a time. Adding one later makes the next version of the set; the one before stays.
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup(
    "profile",
    store=store,
    keys=["customer_id"],
    event_time="updated_at",
    features={
        "customer_id": "string",
        "updated_at": "timestamp",
        "age": "integer",
        "spend_30d": "float",
        **(config.get_object("more_features") or {}),
    },
)

# Versions come from training; approving one is told to this address, for CI to run `pulumi up`.
registry = mlops.ModelRegistry("models", platform=platform, events={"deploy": {"to": config.require("approvals")}})
churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"}, description="Probability that a customer leaves")

# The newest approved version behind an address. Until the first approval this waits, and the preview says so.
score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    compute={"cpus": config.require_int("cpus"), "memory_gb": config.require_int("memory_gb")},
    scaling={
        "min": config.require_int("replicas_min"),
        "max": config.require_int("replicas_max"),
        "requests_per_replica": 400,
    },
    release={"canary": {"percent": config.require_int("canary_percent"), "bake_minutes": 15}},
    secrets={"HUB_TOKEN": platform.secret("hub-token")} if hub_token else {},
    capture_percent=20,
)

pulumi.export("url", score.url)
pulumi.export("status", score.status)
# What other stacks build on: mlops.Platform.from_stack("organization/churn-azure/prod")
pulumi.export("platform", platform.ref.export())

# How a version comes to be. Runs are recorded by the backend's own tracker, or in Weights & Biases where the stage says
# which project; its key is a secret from `pulumi config set --secret wandb_api_key` onwards, and only what records
# reads it.
project: Any = config.get_object("wandb")
wandb: Any = {**project, "api_key": config.require_secret("wandb_api_key")} if project else None
runs = mlops.ExperimentTracker(
    "runs",
    platform=platform,
    wandb=wandb,
)
mlops.Identity("notebooks", platform=platform, records=[runs], trusts=config.require_object("notebooks"))
machines = mlops.TrainingCluster(
    "machines",
    platform=platform,
    compute={"cpus": config.require_int("training_cpus"), "memory_gb": config.require_int("training_memory_gb")},
    nodes={"max": config.require_int("training_machines")},
    max_hours=12,
)
labels = mlops.Dataset(
    "labels",
    platform=platform,
    format="parquet",
    partition="day",
    columns={"customer_id": "string", "churned": "boolean"},
    retention_days=400,
)

# Every week: the best of several trainings, calibrated and judged on rows that none of them saw. A version that is good
# enough is registered, and waits for its approval.
image = platform.image("churn", config.require("code"))
rows = mlops.prepare(
    image=image,
    command=["churn", "split"],
    inputs={"labels": labels.latest(), "profile": profile.as_of(days=90)},
    outputs=["seen", "unseen"],
)
fit = mlops.train(
    image=image,
    command=["churn", "fit"],
    inputs={"rows": rows.out("seen")},
    tracker=runs,
    cluster=machines,
    max_hours=6,
)
best = mlops.tune(
    fit,
    maximize="auc",
    trials=20,
    parallel=4,
    over={"lr": {"log_uniform": [0.001, 0.3]}, "depth": {"choice": [4, 6, 8]}},
)
model = mlops.train(
    image=image,
    command=["churn", "calibrate"],
    inputs={"model": best.out("model"), "rows": rows.out("seen")},
    outputs=["model", "baseline"],
)
judge = mlops.evaluate(
    image=image,
    command=["churn", "judge"],
    inputs={"model": model.out("model"), "rows": rows.out("unseen")},
    metrics=["auc"],
)
good = judge.metric("auc") >= mlops.parameter("least")
retrain = mlops.Pipeline(
    "retrain",
    platform=platform,
    parameters={"least": 0.9},
    schedule={"cron": config.require("retrain"), "timezone": "UTC"},
    steps={
        "rows": rows,
        "tune": best,
        "calibrate": model,
        "judge": judge,
        "register": mlops.register(churn, model.out("model"), image=image, when=good),
    },
)

# Every hour: what was asked in the last day, beside what the version that answers was made with. Alarms tell of drift,
# and a training begins, at most once a day. It waits as long as the endpoint does.
drift = mlops.Monitor(
    "drift",
    endpoint=score,
    baseline=model.out("baseline"),
    signals=[
        {"kind": "data_drift", "threshold": 0.2},
        {"kind": "prediction_drift", "threshold": 0.2},
    ],
    on_breach={"run": retrain, "cooldown_hours": 24},
)

# Every night: the newest rows, scored by the version that is approved. The scores of a night are a version of theirs.
scores = mlops.Dataset("scores", platform=platform, format="parquet", partition="day", retention_days=90)
nightly = mlops.BatchInference(
    "nightly",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    image=image,
    command=["churn", "score"],
    input=labels.latest(),
    output=scores,
    keep=["customer_id"],
    schedule={"cron": "0 4 * * *", "timezone": "UTC"},
    overlap="skip",
)

# What `pulumi-mlops run` and `pulumi-mlops lineage` find by name.
pulumi.export("retrain", retrain.ref.export())
pulumi.export("churn", churn.ref.export())
pulumi.export("score", score.ref.export())
pulumi.export("drift", drift.ref.export())
pulumi.export("nightly", nightly.ref.export())
