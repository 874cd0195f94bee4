"""What this backend writes for Kubeflow Trainer is turned into a JobSet by Trainer's own code.

Not a part of `make test`, since building it takes some minutes: `make operators`.
"""

import functools
import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from support.admission import whole
from support.facts.kubernetes import HUB
from support.leading import RUN, trainjob
from support.mocks import Cloud
from support.operators import trainer

pytestmark = [pytest.mark.operators, pytest.mark.timeout(1800)]

IMAGE = "registry.example.com/churn/train:1"
GPUS = mlops.TrainingClusterRef(
    name="gpus",
    backend="kubernetes",
    platform=HUB,
    cpus=8,
    memory_gb=32,
    nodes_max=4,
    address={
        "queue": "gpus",
        "runtime": "gpus",
        "priority": "churn-dev.gpus",
        "resources": {"cpu": "8", "memory": "32Gi"},
        "placement": {"nodeSelector": {"pool": "gpus"}},
    },
)


@functools.cache
def made(nodes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the runtime and the TrainJob of a search on the cluster."""
    cloud = Cloud()

    def program() -> Any:
        fit = mlops.train(
            image=IMAGE,
            command=["train"],
            cluster=GPUS,
            nodes=nodes,
            checkpoints=True,
            launcher="torchrun",
            environment={"LEVEL": "3"},
        )
        over: Any = {"lr": {"log_uniform": [1e-5, 1e-2]}}
        best = mlops.tune(fit, maximize="auc", trials=4, parallel=2, over=over)
        return mlops.Pipeline("retrain", platform=HUB, steps={"best": best}, alerts=False).ref.export()

    cloud.run(program)
    runtime = whole(dict(cloud.one("TrainingRuntime").inputs))
    job = trainjob(cloud.one("WorkflowTemplate").inputs["spec"]["templates"], "try-best")
    job["metadata"]["namespace"] = runtime["metadata"]["namespace"]
    return runtime, whole(job)


def jobset(nodes: int) -> dict[str, Any]:
    runtime, job = made(nodes)
    took, said = trainer.made([runtime, job])
    assert took == "ok", took
    (found,) = [one for one in json.loads(said) if one["kind"] == "JobSet"]
    return dict(found)


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_jobset_has_what_the_runtime_says_and_what_the_run_hands_over(nodes: int) -> None:
    found = jobset(nodes)
    (replicated,) = found["spec"]["replicatedJobs"]
    job = replicated["template"]["spec"]
    assert (job["parallelism"], job["completions"]) == (nodes, nodes)
    assert job["backoffLimit"] == 0
    assert job["podFailurePolicy"]["rules"][0]["action"] == ("Ignore" if nodes == 1 else "FailJob")
    pod = job["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "gpus"}
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    assert env["LEVEL"] == "3"
    assert (env["MLOPS_LEAD"], env["MLOPS_PARAMETER_LR"], env["MLOPS_TRIAL"]) == ("http://10.0.0.1:8100", "1", "1")
    assert env["PET_NNODES"] == str(nodes)
    assert str(env["PET_MASTER_ADDR"]).startswith(f"{found['metadata']['name']}-node-0-0.")
    assert container["image"] == IMAGE
    assert container["resources"]["requests"]["cpu"] == "8"
    mounted = {one["name"]: one for one in container["volumeMounts"]}
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert set(mounted) <= set(volumes)
    claim = volumes["checkpoints-best"]["persistentVolumeClaim"]["claimName"]
    assert claim == f"{RUN['{{workflow.name}}']}-checkpoints-best"
    assert mounted["checkpoints-best"]["subPathExpr"] == "trial-$(MLOPS_TRIAL)"


def test_several_machines_begin_again_together() -> None:
    policy = jobset(2)["spec"]["failurePolicy"]
    assert policy.get("maxRestarts", 0) == 0
    assert policy["rules"][0]["action"] == "RestartJobSetAndIgnoreMaxRestarts"


def test_a_job_that_would_set_what_trainer_sets_is_refused() -> None:
    runtime, job = made(2)
    spoilt = json.loads(json.dumps(job))
    spoilt["spec"]["trainer"]["env"].append({"name": "PET_NNODES", "value": "9"})
    assert "must not have reserved envs" in trainer.made([runtime, spoilt])[1]
