"""Customers are scored each night by the newest approved version of a model; scores are the next version of a dataset.

The image is built of program/Dockerfile: its program reads rows and writes one score a row. The library joins the kept
columns, counts rows that fail, and publishes. Until a version is approved, nothing is made: `status` is `waiting`.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("churn", backend=config.require("backend"), stage=config.get("stage") or "dev")
registry = mlops.ModelRegistry("models", platform=platform)
leaves = mlops.Model("leaves", registry=registry)
customers = mlops.Dataset(
    "customers", platform=platform, format="csv", columns={"customer_id": "string", "visits": "integer"}
)
scores = mlops.Dataset(
    "scores",
    platform=platform,
    format="csv",
    partition="day",
    columns={"customer_id": "string", "leaves": "float"},
    retention_days=400,
)
nightly = mlops.BatchInference(
    "nightly",
    platform=platform,
    model=leaves.approved(otherwise="wait"),
    image=config.require("image"),
    command=["score-leaves"],
    input=customers.latest(),
    output=scores,
    keep=["customer_id"],
    tolerate_percent=10,
    schedule={"cron": "0 3 * * *"},
    overlap="skip",
    max_hours=2,
)
pulumi.export("status", nightly.status)
pulumi.export("scores", scores.location)
if nightly.ref.pipeline:
    pulumi.export("nightly", nightly.ref.pipeline.export())
