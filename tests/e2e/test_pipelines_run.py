"""Pipelines of a stack run in the sandbox: the library's own programs, rights and triggers, with steps as processes."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import dataset
from pulumi_mlops_sandbox.azure.facts import DEPLOYER
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.firing import fire
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import Cloud, succeeded
from support.e2e.tenant import Tenant
from support.e2e.uses import World
from support.sandbox.arm_good import ROLES as GIVEN

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

backend, region = {which}
hub = mlops.Platform("whole", backend=backend, region=region, images=["train"], secrets={{"token": "t0ken"}})
churn = mlops.Model("churn", registry=mlops.ModelRegistry("models", platform=hub))
image = hub.image("train", "1")
table = mlops.Dataset("table", platform=hub, format="csv")
runs = mlops.ExperimentTracker(
    "runs", platform=hub, wandb={{"entity": "acme", "project": "churn", "api_key": pulumi.Output.secret("k3y")}}
)
read = {reads}
rows = mlops.prepare(
    image=image, command=["sh", "rows.sh"], outputs=["x"], parameters={{"days": mlops.parameter("days")}},
    inputs={{"table": table.latest()}} if read else {{}}, tracker=runs,
)
fit = mlops.train(
    image=image, command=["sh", "fit.sh"], inputs={{"x": rows.out("x")}}, checkpoints=True,
    secrets={{"token": hub.secret("token")}},
)
best = mlops.tune(fit, maximize="auc", trials=3, parallel=2, over={{"depth": {{"choice": [4, 6, 8]}}}})
judge = mlops.evaluate(image=image, command=["sh", "judge.sh"], inputs={{"model": best.out("model")}}, metrics=["auc"])
retrain = mlops.Pipeline(
    "retrain",
    platform=hub,
    parameters={{"days": 90, "least": 0.5}},
    schedule={{"cron": "0 3 * * MON"}},
    steps={{
        "rows": rows,
        "tune": best,
        "judge": judge,
        "register": mlops.register(
            churn, best.out("model"), image=image, when=judge.metric("auc") >= mlops.parameter("least")
        ),
    }},
)
look = mlops.prepare(image=image, command=["sh", "rows.sh"], outputs=["x"], parameters={{"days": 1}})
mlops.Pipeline("after", platform=hub, triggers=[{{"approval": churn}}], overlap="skip",
    steps={{"look": look}}, alerts=False)
pulumi.export("table", table.location)
pulumi.export("retrain", retrain.ref.export())
pulumi.export("churn", churn.ref.export())
pulumi.export("platform", hub.ref.export())
"""
STEPS = {
    "rows.sh": """
test -z "$MLOPS_INPUT_TABLE" || cat "$MLOPS_INPUT_TABLE/1.csv" || exit 1
test -z "$MLOPS_TRACKER" || test "$WANDB_API_KEY" = k3y || exit 1
echo "$MLOPS_PARAMETER_DAYS days" > "$MLOPS_OUTPUT_X/rows"
""",
    "fit.sh": """
python3 secret.py || exit 1
grep -q days "$MLOPS_INPUT_X/rows" || exit 1
echo "$MLOPS_PARAMETER_DEPTH" > "$MLOPS_OUTPUT_MODEL/depth"
echo "{\\"auc\\": 0.$MLOPS_PARAMETER_DEPTH}" > "$MLOPS_METRICS"
""",
    "judge.sh": 'echo "{\\"auc\\": 0.$(cat "$MLOPS_INPUT_MODEL/depth")}" > "$MLOPS_METRICS"',
    "secret.py": """
import json, os, urllib.request
address = os.environ["MLOPS_SECRET_TOKEN"]
if address.startswith("arn:"):
    import boto3
    value = boto3.client("secretsmanager").get_secret_value(SecretId=address)["SecretString"]
else:
    asked = os.environ["MSI_ENDPOINT"] + "?api-version=2017-09-01&resource=https://vault.azure.net"
    asked += "&clientid=" + os.environ["AZURE_CLIENT_ID"]
    request = urllib.request.Request(asked, headers={"secret": os.environ["MSI_SECRET"]})
    token = json.load(urllib.request.urlopen(request))["access_token"]
    request = urllib.request.Request(address + "?api-version=7.4", headers={"Authorization": "Bearer " + token})
    value = json.load(urllib.request.urlopen(request))["value"]
assert value == "t0ken"
""",
}


@pytest.fixture(autouse=True)
def image(tmp_path: Path, empty_sandbox: Sandbox) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    for name, text in STEPS.items():
        (folder / name).write_text(text)
    starts = ["python3", "/opt/ml/input/data/mlops.program/step.py"]
    Images(empty_sandbox.home).put("*/train:1", str(folder), starts)


def ran(sandbox: Sandbox, stack: Stack, *more: str, code: int = 0) -> dict[str, Any]:
    """Start the pipeline by the command, follow it to its end, and return what it printed."""
    command = ["pulumi-mlops", "run", "dev", "retrain", "--cwd", str(stack.folder), "--output", "json", *more]
    done = sandbox.run(command, cwd=stack.folder)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def traced(sandbox: Sandbox, stack: Stack) -> str:
    done = sandbox.run(["pulumi-mlops", "lineage", "dev", "churn", "--cwd", str(stack.folder)], cwd=stack.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true"
    return found


def states(run: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in run["steps"]}


def judged(sandbox: Sandbox, stack: Stack) -> None:
    """Run it so that it registers, and so that it does not, and walk back from what it registered."""
    run = ran(sandbox, stack, "--parameter", "days=7")
    assert states(run) == dict.fromkeys(("rows", "tune", "judge", "register"), "succeeded"), run
    told = traced(sandbox, stack)
    for part in ("version 1", "auc=0.8", "days=7", "depth=8", run["id"], "train:1"):
        assert part in told, told
    skipped = ran(sandbox, stack, "--parameter", "least=0.9", code=3)
    assert states(skipped)["register"] == "skipped"


class TestAws:
    def test_a_pipeline_runs_from_its_schedule_to_its_triggers(self, empty_sandbox: Sandbox, project: Any) -> None:
        which = ("aws", "us-east-1")
        stack = Stack(empty_sandbox, project(PROGRAM.format(which=which, reads=True), name="whole"))
        succeeded(stack.up())
        cloud = Cloud(empty_sandbox)
        bucket = stack.outputs()["table"].removeprefix("s3://").rstrip("/")
        cloud.client("s3").put_object(Bucket=bucket, Key="1.csv", Body=b"id")
        published = empty_sandbox.run(
            [sys.executable, dataset.__file__, "publish", f"s3://{bucket}/"], cwd=stack.folder
        )
        assert published.returncode == 0, published.stderr
        judged(empty_sandbox, stack)
        assert "dataset table, version 1 (asked for latest), read by rows" in traced(empty_sandbox, stack)
        sagemaker = cloud.client("sagemaker")
        (schedule,) = cloud.everything()["scheduler:Schedule"]
        (execution,) = fire(empty_sandbox, schedule)

        def state(arn: str) -> str:
            found: str = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
            return found

        until(lambda: state(execution) != "Executing")
        assert state(execution) == "Succeeded"
        group = "whole-dev-models-churn"
        versions = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
        assert len(versions) == 2

        def started() -> list[Any]:
            found: list[Any] = sagemaker.list_pipeline_executions(PipelineName="whole-dev-after")[
                "PipelineExecutionSummaries"
            ]
            return found

        assert not started()
        sagemaker.update_model_package(ModelPackageArn=versions[0]["ModelPackageArn"], ModelApprovalStatus="Approved")
        (other,) = until(started)
        until(lambda: state(other["PipelineExecutionArn"]) != "Executing")
        assert state(other["PipelineExecutionArn"]) == "Succeeded"
        for version in versions:
            sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])
        succeeded(stack.destroy())


class TestAzure:
    @pytest.fixture
    def planes(self) -> tuple[str, ...]:
        return ("azure",)

    def test_a_pipeline_runs_from_its_schedule_to_its_triggers(self, empty_sandbox: Sandbox, project: Any) -> None:
        which = ("azure", "westeurope")
        stack = Stack(empty_sandbox, project(PROGRAM.format(which=which, reads=False), name="whole"))
        succeeded(stack.up())
        tenant = Tenant(empty_sandbox)
        world = World(tenant, stack)
        reader = GIVEN["Storage Blob Data Reader"]  # who owns an account reads no records of steps by that
        tenant.give(stack.outputs()["platform"]["address"]["storage_id"], reader, DEPLOYER, 1)
        judged(empty_sandbox, stack)
        kind = "Microsoft.MachineLearningServices/workspaces"
        (schedule,) = tenant.everything()[f"{kind}/schedules"]
        (job,) = fire(empty_sandbox, schedule)

        def state(id_: str) -> str:
            found: str = tenant.done("GET", id_)["properties"]["status"]
            return found

        until(lambda: state(job) in {"Completed", "Failed"})
        assert state(job) == "Completed"
        tenant.workspace(stack).approve("models-churn", 1)
        assert world.tenant.run(world.id(":Workflow", "after-trigger-churn"), 0)["status"] == "Succeeded"
        space = job.partition("/jobs/")[0]
        listed = world.ask(DEPLOYER, "GET", f"{space}/jobs")[1]["value"]
        (other,) = [one["id"] for one in listed if one["name"].startswith("after-churn-1-")]
        until(lambda: state(other) in {"Completed", "Failed"})
        assert state(other) == "Completed"
        succeeded(stack.destroy())
