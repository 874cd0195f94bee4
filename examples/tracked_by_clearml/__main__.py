"""Runs are recorded in ClearML, by the same program on each backend: Pulumi.<backend>.yaml says where, and who records.

Its credentials have two halves, which were made in the web application; each is a secret of the platform, which only
`trainer` reads. The three addresses are those of ClearML's own service unless told, and are called at preview.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("search", backend=config.require("backend"))
runs = mlops.ExperimentTracker(
    "runs",
    platform=platform,
    clearml={
        "project": "search/ranking",
        "api": config.get("api") or "https://api.clear.ml",
        "web": config.get("web") or "https://app.clear.ml",
        "files": config.get("files") or "https://files.clear.ml",
        "access_key": config.require_secret("access_key"),
        "secret_key": config.require_secret("secret_key"),
    },
)
trainer = mlops.Identity("trainer", platform=platform, records=[runs], trusts=config.require_object("jobs"))

pulumi.export("runs", runs.url)
pulumi.export("tracker", runs.ref.export())
pulumi.export("trainer", trainer.principal)
