"""A whole program, as the documentation would write it."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("churn", backend="aws", stage="prod", secrets={"token": config.require_secret("token")})
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup(
    "profile",
    store=store,
    keys=["customer_id"],
    event_time="updated_at",
    features={"customer_id": "string", "updated_at": "timestamp", "age": "integer"},
    online={"ttl_hours": 72},
)
registry = mlops.ModelRegistry("models", platform=platform.ref)
churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.92"})
endpoint = mlops.Endpoint(
    "churn",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    reads=[profile.online],
    compute=mlops.Compute(cpus=4, memory_gb=8),
    scaling={"min": 2, "max": 20, "requests_per_replica": 400},
    release={"canary": {"percent": 10, "bake_minutes": 15}},
    secrets={"TOKEN": platform.secret("token")},
    opts=pulumi.ResourceOptions(protect=True),
)
raw = mlops.Dataset.existing("raw", platform=platform, location="s3://acme-raw/", format="jsonl")
rows = mlops.Dataset(
    "rows",
    platform=platform,
    format="parquet",
    partition="day",
    columns={"customer_id": "string", "spend": "float"},
    retention_days=400,
    parents=[raw],
)
theirs = mlops.FeatureGroup.existing("theirs", platform=platform, called="Profile-2024", keys=["customer_id"])
bought = mlops.Model.existing("bought", registry=registry, files="s3://models/bought/", gate={"auc": ">=0.9"})
second = mlops.Endpoint("second", platform=platform, model=bought.version(3), reads=[theirs.online])
mlops.Identity(
    "job",
    platform=platform,
    reads=[profile.online, rows.at("2026-11-01"), raw],
    writes=[theirs, rows],
    deploys=[bought],
    invokes=[second, mlops.Endpoint.existing("first", platform=platform)],
    trusts={"account": {"id": "444455556666"}},
)
rows, scores = (mlops.Dataset(name, platform=platform, format="csv") for name in ("rows", "scores"))
mlops.BatchInference(
    "nightly",
    platform=platform,
    model={"image": "registry.example.com/churn:1", "artifact": "s3://models/churn/1/"},
    command=["score"],
    input=rows.latest(),
    output=scores.ref,
    keep=["id"],
    tolerate_percent=0.5,
    schedule={"cron": "0 3 * * *"},
)
gpus = mlops.TrainingCluster(
    "gpus",
    platform=platform,
    compute={"accelerator": "A100:8"},
    nodes={"min": 0, "max": 4},
    spot={"max_wait_hours": 6},
    max_hours=12,
    interconnect=True,
)
mlops.TrainingCluster("spare", platform=platform, nodes=mlops.Nodes(max=2), shares=gpus, priority="low")
admins = mlops.TrainingCluster.existing("theirs", platform=platform, compute={"cpus": 8}, nodes={"max": 3})
drift = mlops.Monitor(
    "drift",
    endpoint=second,
    baseline=rows.latest(),
    signals=[{"kind": "data_drift", "threshold": 0.2}, mlops.MonitorSignal(kind="bias", group="region")],
    schedule={"cron": "0 * * * *"},
    image=platform.image("drift", "1"),
)
seen = mlops.prepare(image="i", command=["c"], outputs=["o"], inputs={"seen": second.requests(hours=6)})
fit = mlops.train(image="i", command=["c"], outputs=["model", "baseline"], metrics=["auc"])
loop = mlops.Loop(
    "loop",
    platform=platform,
    steps={"fit": fit},
    files=fit.out("model"),
    baseline=fit.out("baseline"),
    gate={"auc": ">=0.9"},
    registry=registry,
    signals=[mlops.MonitorSignal(kind="data_drift"), {"kind": "data_quality", "threshold": 0.1}],
    release={"canary": {"percent": 20, "bake_minutes": 30}},
)
pulumi.export("loop", [loop.status, loop.pipeline.name, loop.monitor.status if loop.monitor else None])
pulumi.export("drift", [drift.status, drift.ref.pipeline, seen.out("o").label])
pulumi.export("machines", [gpus.ref.accelerators, admins.nodes_max])
pulumi.export("url", endpoint.url)
