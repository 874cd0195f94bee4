"""Training on GPUs that are joined by a fast network, recorded in Weights & Biases: machines, terms and a pipeline.

What differs between the backends stands in Pulumi.<backend>.yaml. SageMaker brings machines with each job; `persistent`
makes a HyperPod cluster of them, to which jobs are given by hand. Azure gives idle machines back. On Kubernetes a
second cluster uses what the first one leaves idle. The key: `pulumi config set --secret wandb_api_key …`.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform(
    "vision",
    backend=config.require("backend"),
    network={"private": {}} if config.get_bool("private") else None,
    existing=config.get_object("existing", {}),
)
compute: mlops.Compute = {"accelerator": config.require("accelerator")}
gpus = mlops.TrainingCluster(
    "gpus",
    platform=platform,
    compute=compute,
    nodes={"min": config.get_int("least") or 0, "max": config.require_int("machines")},
    **config.get_object("terms", {}),
)
pulumi.export("gpus", gpus.ref.export())
if config.get_bool("spare"):
    spare = mlops.TrainingCluster(
        "spare", platform=platform, compute=compute, nodes={"max": 1}, priority="low", shares=gpus
    )
    pulumi.export("spare", spare.ref.export())
if run := config.get_object("run"):
    key = config.require_secret("wandb_api_key")
    runs = mlops.ExperimentTracker(
        "runs", platform=platform, wandb={"entity": "acme", "project": "vision", "api_key": key}
    )
    # A machine that is taken away comes back to its checkpoints; torchrun joins the processes of all machines.
    fit = mlops.train(
        image=config.require("image"),
        command=["python", "train.py", "--resume", "$(MLOPS_CHECKPOINTS)"],
        metrics=["map"],
        tracker=runs,
        cluster=gpus,
        checkpoints=True,
        **run,
    )
    mlops.Pipeline("retrain", platform=platform, steps={"fit": fit})
