"""Runs and versions of data are in ClearML, by the same program on each backend: Pulumi.<backend>.yaml says where.

Its credentials have two halves, which were made in the web application; each is a secret of the platform, which only
those read who record. The three addresses are those of ClearML's own service unless told, and are called at preview.
The files of `clicks` are the platform's: whoever writes them publishes each version in both places, as `etl`,
`python start.py python dataset.py publish LOCATION --clearml clicks` (docs/workload.md).
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
clicks = mlops.Dataset("clicks", platform=platform, format="parquet", partition="day", clearml=runs)
jobs: mlops.Trusts = config.require_object("jobs")
etl = mlops.Identity("etl", platform=platform, writes=[clicks], trusts=jobs)
trainer = mlops.Identity("trainer", platform=platform, reads=[clicks.latest()], records=[runs], trusts=jobs)

pulumi.export("runs", runs.url)
pulumi.export("tracker", runs.ref.export())
pulumi.export("clicks", clicks.location)
pulumi.export("etl", etl.principal)
pulumi.export("trainer", trainer.principal)
