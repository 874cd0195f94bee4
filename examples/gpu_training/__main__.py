"""Machines for training: GPUs that are joined by a fast network, and what runs may take of them.

What differs between the backends stands in Pulumi.<backend>.yaml. SageMaker brings machines with each job, so that the
terms are all that there is before one; `persistent` makes a HyperPod cluster of them. Azure gives idle machines back.
On Kubernetes a second cluster uses what the first one leaves idle, and gives way to it.
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
gpus = mlops.TrainingCluster(
    "gpus",
    platform=platform,
    compute={"accelerator": config.require("accelerator")},
    nodes={"min": config.get_int("least") or 0, "max": config.require_int("machines")},
    **config.get_object("terms", {}),
)
pulumi.export("gpus", gpus.ref.export())
if config.get_bool("spare"):
    spare = mlops.TrainingCluster(
        "spare",
        platform=platform,
        compute={"accelerator": config.require("accelerator")},
        nodes={"max": 1},
        priority="low",
        shares=gpus,
    )
    pulumi.export("spare", spare.ref.export())
