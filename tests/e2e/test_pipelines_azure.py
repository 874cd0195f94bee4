"""Pipelines in the Azure of the sandbox, from `up` to `destroy`.

A run needs each right that its identity has, an approval starts one, a changed step is another version beside the old
ones, and wrong components are refused.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import succeeded
from support.e2e.tenant import Tenant
from support.e2e.uses import RIGHTS, VERSIONS, World

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

hub = mlops.Platform("whole", backend="azure", region="westeurope", images=["train"], secrets={"token": "t"})
store = mlops.FeatureStore("features", platform=hub)
profile = mlops.FeatureGroup(
    "profile", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "timestamp"}
)
registry = mlops.ModelRegistry("models", platform=hub)
churn, demand = mlops.Model("churn", registry=registry), mlops.Model("demand", registry=registry)
gpus = mlops.TrainingCluster("gpus", platform=hub, nodes={"max": 2})
image, said = hub.image("train", "1"), pulumi.Config()
rows = mlops.prepare(
    image=image, command=["rows"], inputs={"profile": profile.as_of(days=90)}, outputs=["x"],
    parameters={"days": mlops.parameter("days")},
)
fit = mlops.train(
    image=image, command=["train", said.get("more") or "-"], inputs={"x": rows.out("x")}, checkpoints=True,
    secrets={"token": hub.secret("token")},
)
best = mlops.tune(fit, maximize="auc", trials=4, parallel=2, over={"lr": {"log_uniform": [1e-5, 1e-2]}})
judge = mlops.evaluate(image=image, command=["judge"], inputs={"model": best.out("model")}, metrics=["auc"])
mlops.Pipeline(
    "retrain",
    platform=hub,
    parameters={"days": 90},
    schedule={"cron": said.get("cron") or "0 3 * * MON"},
    triggers=[{"approval": demand}],
    steps={
        "rows": rows,
        "tune": best,
        "judge": judge,
        "register": mlops.register(churn, best.out("model"), when=judge.metric("auc") >= 0.9),
    },
)
for name in ("one", "two"):
    far = mlops.train(image=image, command=["far"], cluster=gpus, nodes=2, launcher="torchrun")
    mlops.Pipeline(name, platform=hub, steps={"far": far}, alerts=False)
pulumi.export("platform", hub.ref.export())
"""
MODEL = "models-demand"


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


@pytest.fixture
def world(empty_sandbox: Sandbox, project: Any) -> Iterator[World]:
    tenant, stack = Tenant(empty_sandbox), Stack(empty_sandbox, project(PROGRAM, name="whole"))
    succeeded(stack.up())
    tenant.admin("latency", {"seconds": 0})
    yield World(tenant, stack)
    tenant.admin("latency", {"seconds": 0.3})


def start(world: World, pipeline: str, job: str) -> str:
    """Start a pipeline by hand, as docs/azure.md says; return the job."""
    component = newest(world, pipeline)
    space = component.partition("/components/")[0]
    body = {
        "jobType": "Pipeline",
        "componentId": component,
        "experimentName": f"whole-dev-{pipeline}",
        "settings": {"_source": "REMOTE.WORKSPACE.JOB"},
    }
    status, said = world.ask(DEPLOYER, "PUT", f"{space}/jobs/{job}", {"properties": body})
    assert status < 300, said
    return f"{space}/jobs/{job}"


def newest(world: World, pipeline: str) -> str:
    found = world.all(":ComponentVersion")
    whole = [one for name, one in found.items() if re.fullmatch(rf"{pipeline}-component-[0-9a-f]{{8}}", name)]
    assert len(whole) == 1
    return str(whole[0]["id"])


def test_a_pipeline_lives(world: World) -> None:
    stack, tenant = world.stack, world.tenant
    again = succeeded(stack.up())
    assert again.changes == []
    jobs = [start(world, name, f"run-{name}") for name in ("retrain", "one", "two")]
    for job in jobs:
        said = tenant.run(job, 0)
        assert said["status"] == "Succeeded", [one for one in said["actions"] if one["status"] != "Succeeded"]
    done = {one["name"].rpartition("/")[0].rpartition("/")[2] for one in tenant.run(jobs[0], 0)["actions"]}
    assert {"pull", "blobs", "versions"} <= done, "images, files and the model"
    _every_right_is_needed(world, jobs)
    _an_approval_starts_one_run(world)
    _wrong_ones_are_refused(world)

    stack.configure(more="--longer")
    changed = [step for step in succeeded(stack.up()).changes if not step.type.startswith("pulumi-mlops:")]
    made = {re.sub(r"-[0-9a-f]{8}$", "", str(one)) for one in changed}
    assert made == {
        "create ComponentVersion retrain-component-tune",
        "create ComponentVersion retrain-component",
        "delete ComponentVersion retrain-component-tune",
        "delete ComponentVersion retrain-component",
        "create Schedule retrain-schedule",
        "delete Schedule retrain-schedule",
        "update Workflow retrain-trigger-demand",
    }
    kept = tenant.done("GET", newest(world, "retrain").rpartition("/")[0])["value"]
    assert len(kept) == 2, "runs that have begun go on by the version of before"
    stack.configure(cron="0 4 * * *")
    (change,) = [step for step in succeeded(stack.up()).changes if not step.type.startswith("pulumi-mlops:")]
    assert str(change).startswith("update Schedule retrain-schedule")
    assert succeeded(stack.refresh()).changes == []
    succeeded(stack.destroy())


def _every_right_is_needed(world: World, jobs: list[str]) -> None:
    ours = {name: one for name, one in world.all(RIGHTS).items() if re.match(r"(retrain|one|two)-(right|on)-", name)}
    assert len(ours) > 10
    for name, one in ours.items():
        version = VERSIONS["authorization"]
        shown = world.ask(DEPLOYER, "GET", one["id"], version=version)[1]["properties"]
        assert world.may(DEPLOYER, "DELETE", one["id"], version=version)
        ended = [world.tenant.run(job, 0)["status"] for job in jobs]
        fields = ("roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion")
        given = {key: value for key, value in shown.items() if key in fields}
        assert world.may(DEPLOYER, "PUT", one["id"], {"properties": given}, version)
        # What a cluster of ours pulls anyway, and what two pipelines on one cluster both bring.
        if not re.search("-on-gpus-pipeline-steps-(images|logs)", name):
            assert "Failed" in ended, f"{name} is needed"
    assert all(world.tenant.run(job, 0)["status"] == "Succeeded" for job in jobs)


def _an_approval_starts_one_run(world: World) -> None:
    workspace = world.tenant.workspace(world.stack)
    flow = world.id(":Workflow", "retrain-trigger-demand")
    workspace.approve(MODEL, workspace.register(MODEL, "train", auc=0.94))
    space = newest(world, "retrain").partition("/components/")[0]

    def started() -> list[str]:
        found = world.tenant.done("GET", f"{space}/jobs")["value"]
        return [one["name"] for one in found if one["name"].startswith("retrain-demand-1-")]

    assert world.tenant.run(flow, 0)["status"] == "Succeeded"
    assert len(started()) == 1
    assert world.tenant.run(flow, 0)["status"] == "Succeeded"
    assert len(started()) == 1, "it was seen twice"


def _put(world: World, id_: str, change: Callable[[dict[str, Any]], None]) -> tuple[int, str]:
    shown = copy.deepcopy(world.ask(DEPLOYER, "GET", id_)[1]["properties"])
    spec = shown["componentSpec"]
    spec["version"] = "wrong"
    change(spec)
    status, said = world.ask(
        DEPLOYER, "PUT", f"{id_.rpartition('/')[0]}/wrong", {"properties": {"componentSpec": spec}}
    )
    return status, str(said)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        *way, last = path.split("/")
        for part in way:
            spec = spec[part]
        if value is None:
            del spec[last]
        else:
            spec[last] = value

    return change


_LITERAL = {"job_input_type": "literal"}
WHOLE: dict[str, tuple[str, Any]] = {
    "leads to nothing": ("jobs/judge/inputs/input_model", {**_LITERAL, "value": "${{parent.jobs.tune.outputs.other}}"}),
    "no step there": ("jobs/judge/inputs/input_model", {**_LITERAL, "value": "${{parent.jobs.nobody.outputs.state}}"}),
    "no parameter": ("jobs/rows/inputs/parameter_days", {**_LITERAL, "value": "${{parent.inputs.weeks}}"}),
    "another type": ("jobs/rows/inputs/parameter_days", {**_LITERAL, "value": "${{parent.jobs.tune.outputs.state}}"}),
    "nothing given": ("jobs/judge/inputs/input_model", None),
    "what nobody takes": ("jobs/judge/inputs/more", {**_LITERAL, "value": "1"}),
    "an output of nobody": ("jobs/judge/outputs/more", {"job_output_type": "uri_folder"}),
    "no component": ("jobs/judge/componentId", "/subscriptions/s/none"),
    "no machines": ("jobs/judge/computeId", "/subscriptions/s/none"),
    "another identity": ("jobs/judge/identity/client_id", "00000000-0000-4000-8000-000000000001"),
    "a time that is none": ("jobs/judge/limits/timeout", "1 hour"),
    "another kind of node": ("jobs/judge/type", "if_else"),
    "no metric": ("jobs/tune/objective", {"goal": "most", "primary_metric": "auc"}),
    "an unknown search": ("jobs/tune/search_space/parameter_lr", {"type": "bayes"}),
    "bounds the wrong way": (
        "jobs/tune/search_space/parameter_lr",
        {"type": "uniform", "min_value": 2, "max_value": 1},
    ),
    "more at a time than in all": ("jobs/tune/limits/max_concurrent_trials", 9),
    "sampling": ("jobs/tune/sampling_algorithm", "clever"),
    "a cycle": ("jobs/rows/inputs/parameter_days", {**_LITERAL, "value": "${{parent.jobs.judge.outputs.state}}"}),
    "no steps": ("jobs", {}),
    "another field": ("schedule", "0 3 * * *"),
    "another name": ("name", "somebody_elses"),
}
STEP: dict[str, tuple[str, Any]] = {
    "no command": ("command", ""),
    "an input that is none": ("command", "echo ${{inputs.none}}"),
    "what is nothing": ("command", "echo ${{secrets.token}}"),
    "no image": ("environment", "azureml:none:1"),
    "no code": ("code", "azureml:none:1"),
    "half a machine": ("resources", {"instance_count": 0.5}),
    "another launcher": ("distribution", {"type": "slurm"}),
    "a type of input": ("inputs/before_tune", {"type": "folder"}),
    "a type of output": ("outputs/state", {"type": "string"}),
    "a kind of component": ("type", "shell"),
}


def _wrong_ones_are_refused(world: World) -> None:
    step = next(one["id"] for name, one in world.all(":ComponentVersion").items() if "component-judge" in name)
    status, said = _put(world, newest(world, "retrain"), lambda _: None)
    assert status < 300, said
    for id_, table in ((newest(world, "retrain"), WHOLE), (step, STEP)):
        for name, (path, value) in table.items():
            status, said = _put(world, id_, _set(path, value))
            assert status == 400, f"{name}: {status} {said}"
    status, said = _put(world, newest(world, "retrain"), _set("display_name", "other"))
    assert status >= 400, "what is there cannot become another"
    assert world.may(DEPLOYER, "DELETE", f"{newest(world, 'retrain').rpartition('/')[0]}/wrong")
