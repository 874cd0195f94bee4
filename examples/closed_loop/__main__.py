"""A model is trained each week, approved by people, released, watched each hour, and trained anew when requests drift.

Loop is a tracker, a registry, a model, a pipeline, an endpoint and a monitor. What watches is the library's own, in the
platform's repository `drift`: `pulumi-mlops image drift` prints it. Until somebody approves a version, nothing is
served. docs/loop.md goes on from here.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
image = config.require("image")
platform = mlops.Platform(
    "churn", backend=config.require("backend"), images=["drift"], existing=config.get_object("existing", {})
)
labels = mlops.Dataset(
    "labels", platform=platform, format="parquet", columns={"customer_id": "string", "churned": "boolean"}
)
fit = mlops.train(
    image=image, command=["churn", "fit"], inputs={"rows": labels.latest()}, outputs=["model", "baseline"]
)
judge = mlops.evaluate(image=image, command=["churn", "judge"], inputs={"model": fit.out("model")}, metrics=["auc"])
churn = mlops.Loop(
    "churn",
    platform=platform,
    steps={"fit": fit, "judge": judge},
    files=fit.out("model"),
    baseline=fit.out("baseline"),
    schedule={"cron": config.get("retrain") or "0 3 * * MON"},
    gate={"auc": ">=0.9"},
    image=image,
    # What was right is known later: the share of right answers is measured as well, beside drift.
    signals=[
        {"kind": "data_drift", "threshold": 0.2},
        {"kind": "data_quality"},
        {"kind": "model_quality", "metric": "accuracy", "threshold": 0.85},
    ],
    ground_truth={"dataset": labels.latest(), "join": "customer_id", "label": "churned"},
    cooldown_hours=config.get_float("cooldown_hours") or 24,
)
pulumi.export("platform", platform.ref.export())
pulumi.export("churn", churn.ref.export())
