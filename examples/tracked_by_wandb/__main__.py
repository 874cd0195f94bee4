"""Runs of a team's training on AWS are recorded in Weights & Biases, and a second tracker is the cloud's own.

The key is a secret of the platform: `pulumi config set --secret wandb_api_key …`. Only `trainer` reads it, by its
address, when a job starts: `python start.py train` (docs/workload.md). Another key is set in the same way, and
`pulumi up` rotates it in place.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("vision", backend="aws", images=["train"])
runs = mlops.ExperimentTracker(
    "runs",
    platform=platform,
    wandb={
        "entity": "acme",
        "project": "defects",
        "api_key": config.require_secret("wandb_api_key"),
        "base_url": config.get("wandb_url"),
    },
)
# Nobody outside of the account: SageMaker's MLflow, which is reached by whoever has rights.
audits = mlops.ExperimentTracker("audits", platform=platform, managed={"experiment": "defects"})

ci: mlops.Trusts = {"github": {"repository": "acme/vision", "branch": "main"}}
trainer = mlops.Identity("trainer", platform=platform, records=[runs], trusts=ci)
auditor = mlops.Identity("auditor", platform=platform, records=[audits], trusts=ci)

pulumi.export("runs", runs.url)
pulumi.export("tracker", runs.ref.export())
pulumi.export("audits", audits.ref.export())
pulumi.export("trainer", trainer.principal)
pulumi.export("auditor", auditor.principal)
