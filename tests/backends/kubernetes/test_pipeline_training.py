"""Trainings of a pipeline on Kubernetes: which are TrainJobs, what their machines run, and what who leads them may."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, TrainingClusterRef
from support.facts.kubernetes import HUB, hub
from support.mocks import Cloud

IMAGE = "registry.example.com/churn/train:1"
GPUS = TrainingClusterRef(
    name="gpus",
    backend="kubernetes",
    platform=HUB,
    cpus=8,
    memory_gb=32,
    accelerator="A10G",
    accelerators=2,
    nodes_max=4,
    spot_wait_hours=6,
    max_hours=3,
    address={
        "queue": "gpus",
        "cohort": "churn-dev.gpus",
        "flavor": "churn-dev.gpus",
        "runtime": "gpus",
        "priority": "churn-dev.gpus",
        "resources": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"},
        "placement": {"nodeSelector": {"pool": "gpus"}},
    },
)
QUEUE = TrainingClusterRef(
    name="shared",
    backend="kubernetes",
    platform=HUB,
    cpus=2,
    memory_gb=4,
    nodes_max=2,
    address={"queue": "team", "runtime": "torch-distributed", "runtime_kind": "ClusterTrainingRuntime"},
)
Steps = dict[str, mlops.Step]


def fit(**args: Any) -> mlops.TrainStep:
    return mlops.train(**({"image": IMAGE, "command": ["train", "$(MLOPS_INPUT_X)"]} | args))


def made(build: Callable[[], Steps], **args: Any) -> Cloud:
    cloud = Cloud()
    least: Any = {"platform": HUB, "alerts": False} | args

    def program() -> Any:
        return mlops.Pipeline("retrain", steps=build(), **least).ref.export()

    cloud.run(program)
    return cloud


def template(cloud: Cloud, name: str) -> dict[str, Any]:
    (found,) = [one for one in cloud.one("WorkflowTemplate").inputs["spec"]["templates"] if one["name"] == name]
    return dict(found)


def told(cloud: Cloud, name: str = "step-fit") -> dict[str, Any]:
    env = {one["name"]: one.get("value", "") for one in template(cloud, name)["container"]["env"]}
    return dict(json.loads(env["MLOPS_LEAD"]))


def machine(cloud: Cloud) -> dict[str, Any]:
    (job,) = cloud.one("TrainingRuntime").inputs["spec"]["template"]["spec"]["replicatedJobs"]
    return dict(job["template"]["spec"])


def rows(**args: Any) -> Steps:
    first = mlops.prepare(image=IMAGE, command=["select"], outputs=["rows"])
    return {"rows": first, "fit": fit(inputs={"x": first.out("rows")}, **args)}


def test_a_training_on_a_cluster_is_queued_with_its_priority_and_its_bounds() -> None:
    cloud = made(lambda: rows(cluster=GPUS, max_hours=10))
    found = told(cloud)
    assert found["labels"] == {
        "pulumi-mlops/pipeline": "retrain",
        "kueue.x-k8s.io/queue-name": "gpus",
        "kueue.x-k8s.io/priority-class": "churn-dev.gpus",
    }
    assert found["wait_seconds"] == 6 * 3600
    assert found["run_seconds"] == 3 * 3600
    assert found["nodes"] == 1
    assert found["owner"] == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "name": "{{workflow.name}}",
        "uid": "{{workflow.uid}}",
    }
    pod = machine(cloud)["template"]
    assert pod["metadata"]["labels"]["pulumi-mlops/training-cluster"] == "gpus"
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["requests"] == GPUS.address["resources"]
    assert pod["spec"]["nodeSelector"] == {"pool": "gpus"}


def test_a_queue_of_an_admins_holds_for_as_long_as_it_takes() -> None:
    found = told(made(lambda: {"fit": fit(cluster=QUEUE)}))
    assert found["labels"] == {"pulumi-mlops/pipeline": "retrain", "kueue.x-k8s.io/queue-name": "team"}
    assert found["wait_seconds"] is None
    assert found["run_seconds"] == 24 * 3600


def test_several_machines_without_a_cluster_wait_as_long_as_they_may_run() -> None:
    cloud = made(lambda: {"fit": fit(nodes=3, max_hours=2, launcher="torchrun")})
    found = told(cloud)
    assert found["labels"] == {"pulumi-mlops/pipeline": "retrain"}
    assert (found["nodes"], found["wait_seconds"]) == (3, 7200)
    runtime = cloud.one("TrainingRuntime").inputs["spec"]
    assert runtime["mlPolicy"] == {"numNodes": 3, "torch": {}}
    assert found["runtime"] == cloud.one("TrainingRuntime").inputs["metadata"]["name"]
    (container,) = machine(cloud)["template"]["spec"]["containers"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    assert json.loads(str(env["MLOPS_STEP"]))["launcher"] == "torchrun"
    assert "MLOPS_NODES" not in env


def test_machines_that_are_taken_away_have_not_failed() -> None:
    alone = machine(made(lambda: {"fit": fit(cluster=GPUS)}))
    assert alone["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
    cloud = made(lambda: {"fit": fit(cluster=GPUS, nodes=2)})
    assert machine(cloud)["podFailurePolicy"]["rules"][0]["action"] == "FailJob"
    (rule,) = cloud.one("TrainingRuntime").inputs["spec"]["template"]["spec"]["failurePolicy"]["rules"]
    assert rule["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    assert rule["onJobFailureReasons"] == ["PodFailurePolicy"]


def test_files_come_from_who_leads_and_go_there() -> None:
    cloud = made(lambda: rows(cluster=GPUS, metrics=["auc"]))
    found = told(cloud)
    leads = template(cloud, "step-fit")
    (brought,) = leads["inputs"]["artifacts"]
    left, record = leads["outputs"]["artifacts"]
    assert found["given"] == {"MLOPS_INPUT_X": brought["path"]}
    measured = leads["outputs"]["parameters"][0]["valueFrom"]["path"]
    assert found["taken"] == {
        "MLOPS_OUTPUT_MODEL": left["path"],
        "MLOPS_METRICS": measured,
        "MLOPS_FACTS": record["path"],
    }
    (container,) = machine(cloud)["template"]["spec"]["containers"]
    assert container["command"][2:] == ["/etc/mlops/follow.py", "python3", "/etc/mlops/step.py"]
    assert container["args"] == ["train", "$(MLOPS_INPUT_X)"]
    programs = cloud.one("ConfigMap", "retrain-programs").inputs["data"]
    assert {"lead.py", "follow.py", "cluster.py", "release.py", "step.py"} <= set(programs)
    mounted = {one["mountPath"] for one in container["volumeMounts"]}
    assert {"/mnt/inputs", "/mnt/outputs", "/etc/mlops"} <= mounted


def test_what_is_known_when_a_run_goes_on_is_handed_over() -> None:
    over: Any = {"lr": {"log_uniform": [1e-5, 1e-2]}}

    def steps() -> Steps:
        parameters = {"days": mlops.parameter("days"), "deep": True}
        return {"best": mlops.tune(fit(cluster=GPUS, parameters=parameters), maximize="auc", trials=4, over=over)}

    cloud = made(steps, parameters={"days": 30})
    found = told(cloud, "try-best")
    assert found["handed"] == [
        "MLOPS_FACTS_AT",
        "MLOPS_KEPT_MODEL",
        "MLOPS_PARAMETER_DAYS",
        "MLOPS_PARAMETER_LR",
        "MLOPS_RUN",
        "MLOPS_TRIAL",
    ]
    env = {one["name"]: one.get("value") for one in template(cloud, "try-best")["container"]["env"]}
    assert env["MLOPS_PARAMETER_DAYS"] == "{{workflow.parameters.days}}"
    assert env["MLOPS_PARAMETER_LR"] == "{{inputs.parameters.set-lr}}"
    (container,) = machine(cloud)["template"]["spec"]["containers"]
    own = {one["name"]: one.get("value") for one in container["env"]}
    assert own["MLOPS_PARAMETER_DEEP"] == "true"
    assert "{{" not in json.dumps(container)


def test_checkpoints_are_the_volume_of_the_run_and_trials_keep_theirs_apart() -> None:
    cloud = made(lambda: {"fit": fit(cluster=GPUS, checkpoints=True)})
    (claim,) = cloud.one("WorkflowTemplate").inputs["spec"]["volumeClaimTemplates"]
    name = claim["metadata"]["name"]
    assert told(cloud)["claim"] == {"volume": name, "name": f"{{{{workflow.name}}}}-{name}"}
    over: Any = {"lr": {"uniform": [0, 1]}}
    tuned = made(lambda: {"fit": mlops.tune(fit(cluster=GPUS, checkpoints=True), maximize="auc", trials=2, over=over)})
    (container,) = machine(tuned)["template"]["spec"]["containers"]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == name]
    assert mount == {"name": name, "mountPath": "/mnt/checkpoints", "subPathExpr": "trial-$(MLOPS_TRIAL)"}


def test_no_machine_has_a_token_or_the_key_of_the_store_and_who_leads_has_its_own() -> None:
    cloud = made(lambda: rows(cluster=GPUS))
    pod = machine(cloud)["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert "serviceAccountName" not in pod
    kept = {one["secret"]["secretName"] for one in pod["volumes"] if "secret" in one}
    assert kept == {"retrain-lead"}
    leads = template(cloud, "step-fit")
    assert leads["serviceAccountName"] == "retrain-lead"
    tokens = [one for one in leads["volumes"] if "projected" in one]
    assert [source for one in tokens for source in one["projected"]["sources"] if "serviceAccountToken" in source]
    assert "executor" not in leads
    word = cloud.one("RandomPassword").inputs
    assert word["length"] == 32
    assert "key" not in json.dumps(told(cloud)).replace('"key": "/var/run/secrets/mlops-lead/key"', "")


def test_who_leads_may_make_trainjobs_of_its_runtimes_alone() -> None:
    cloud = made(lambda: rows(cluster=GPUS))
    (rule,) = cloud.one("Role", "retrain-role-lead").inputs["rules"]
    assert (rule["resources"], rule["verbs"]) == (["trainjobs"], ["create", "get", "delete"])
    policy = cloud.one("ValidatingAdmissionPolicy").inputs["spec"]
    assert policy["failurePolicy"] == "Fail"
    (whose,) = policy["matchConditions"]
    assert whose["expression"].endswith("'system:serviceaccount:churn-dev:retrain-lead'")
    assert "['retrain-fit-run']" in policy["validations"][0]["expression"]
    binding = cloud.one("ValidatingAdmissionPolicyBinding").inputs["spec"]
    assert binding["validationActions"] == ["Deny"]


def test_machines_reach_each_other_and_who_leads_and_nobody_else_reaches_that() -> None:
    cloud = made(lambda: rows(cluster=GPUS), platform=hub(private=True))
    machines = cloud.one("NetworkPolicy", "retrain-net-machines").inputs["spec"]
    assert machines["podSelector"] == {"matchLabels": {"pulumi-mlops/trains-for": "retrain"}}
    door = cloud.one("NetworkPolicy", "retrain-net-lead").inputs["spec"]
    assert door["podSelector"] == {"matchLabels": template(cloud, "step-fit")["metadata"]["labels"]}
    (ingress,) = door["ingress"]
    assert ingress["from"] == [{"podSelector": machines["podSelector"]}]
    assert [one["port"] for one in ingress["ports"]] == [told(cloud)["port"]]


def test_a_training_on_one_machine_without_a_cluster_is_a_pod_of_argos() -> None:
    cloud = made(lambda: {"fit": fit()})
    assert template(cloud, "step-fit")["container"]["image"] == IMAGE
    kinds = {one.type.rpartition(":")[2] for one in cloud.registered}
    assert not kinds & {"TrainingRuntime", "ValidatingAdmissionPolicy", "RandomPassword"}


ELSEWHERE = TrainingClusterRef(
    name="gpus", backend="kubernetes", platform=hub("other"), nodes_max=4, cpus=1, memory_gb=1
)


@pytest.mark.parametrize(
    ("steps", "args", "said"),
    [
        (lambda: {"fit": fit(cluster=ELSEWHERE)}, {}, "steps.fit.cluster: 'gpus' is of platform 'other'"),
        (
            lambda: {"fit": fit(nodes=2, environment={"PET_NNODES": "3"})},
            {},
            "steps.fit.environment: 'PET_NNODES': Kubeflow Trainer sets",
        ),
        (
            lambda: {"fit": fit(cluster=GPUS, nodes=4)},
            {"platform": hub(quota={"cpus": 16, "memory_gb": 640, "accelerators": 8})},
            "steps.fit.nodes: needs 32 cpus, and the platform's quota is 16",
        ),
    ],
)
def test_what_could_not_run_is_refused(steps: Callable[[], Steps], args: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        made(steps, **args)
    assert said in str(caught.value)
