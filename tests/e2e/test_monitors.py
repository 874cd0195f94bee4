"""Monitors in the sandbox, once round: trained, served, asked otherwise than trained for, told, and trained anew."""

import csv
import datetime as dt
import io
import json
import random
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER, TOKEN
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import Cloud, shown, succeeded
from support.e2e.tenant import Tenant
from support.e2e.uses import World
from support.sandbox.arm_good import ROLES as GIVEN
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

hub = mlops.Platform("whole", backend={backend!r}, region={region!r}, images=["train", "drift"])
churn = mlops.Model("churn", registry=mlops.ModelRegistry("models", platform=hub))
image = hub.image("train", "1")
labels = mlops.Dataset("labels", platform=hub, format="csv")
fit = mlops.train(image=image, command=["sh", "fit.sh"], outputs=["model", "baseline"])
retrain = mlops.Pipeline(
    "retrain",
    platform=hub,
    parameters={{"days": 90}},
    steps={{
        "fit": fit,
        "judge": mlops.evaluate(image=image, command=["sh", "judge.sh"], metrics=["days"],
            parameters={{"days": mlops.parameter("days")}}),
        "register": mlops.register(churn, fit.out("model"), image=image),
    }},
)
score = mlops.Endpoint("score", platform=hub, model=churn.approved(otherwise="wait"), serve={serve},
    compute={{"cpus": 2, "memory_gb": 8}}, capture_percent=100)
drift = mlops.Monitor(
    "drift", endpoint=score, baseline=fit.out("baseline"), minimum_rows=100, window_hours=6,
    signals=[{{"kind": "data_drift", "threshold": 0.2}}, {{"kind": "prediction_drift", "threshold": 0.2}}],
    schedule={{"cron": "*/2 * * * *"}},
    on_breach={{
        "run": retrain,
        "cooldown_hours": pulumi.Config().get_float("cooldown") or 0.04,
        "parameters": {{"days": 30}},
    }},
)
pulumi.export("retrain", retrain.ref.export())
pulumi.export("status", drift.status)
pulumi.export("reports", drift.reports)
if drift.ref.pipeline is not None:
    pulumi.export("look", drift.ref.pipeline.export())
pulumi.export("platform", hub.ref.export())
"""
FIT = """
cp baseline.csv "$MLOPS_OUTPUT_BASELINE/rows.csv" || exit 1
echo model > "$MLOPS_OUTPUT_MODEL/weights"
"""
JUDGE = 'echo "{\\"days\\": $MLOPS_PARAMETER_DAYS}" > "$MLOPS_METRICS"'
COOLDOWN_SECONDS = 0.04 * 3600
Row = dict[str, float]


def rows(count: int, *, shifted: float, seed: int) -> list[Row]:
    """Make rows of two features, with the answer that the model gives."""
    chance = random.Random(seed)  # noqa: S311 (rows of a test)
    found = [{"age": chance.gauss(40 + shifted, 8), "spend": chance.gauss(100, 20)} for _ in range(count)]
    return [{**row, "prediction": float(row["age"] > 40)} for row in found]


@pytest.fixture(autouse=True)
def image(tmp_path: Path, empty_sandbox: Sandbox) -> None:
    """Have an image that trains, and leaves what it was trained with."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "fit.sh").write_text(FIT)
    (folder / "judge.sh").write_text(JUDGE)
    text = io.StringIO()
    writer = csv.DictWriter(text, ["age", "spend", "prediction"])
    writer.writeheader()
    writer.writerows(rows(2000, shifted=0, seed=1))
    (folder / "baseline.csv").write_text(text.getvalue())
    Images(empty_sandbox.home).put("*/train:1", str(folder), ["python3", "/opt/ml/input/data/mlops.program/step.py"])


def ran(sandbox: Sandbox, stack: Stack, pipeline: str) -> dict[str, Any]:
    """Start a pipeline by the command, and follow it to its end."""
    command = ["pulumi-mlops", "run", "dev", pipeline, "--cwd", str(stack.folder), "--output", "json"]
    done = sandbox.run(command, cwd=stack.folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def program(backend: str, region: str, serve: str = "{}") -> str:
    return PROGRAM.format(backend=backend, region=region, serve=serve)


def waits(stack: Stack) -> None:
    """See that nothing is there of a monitor whose endpoint waits, and that it is said as that of the endpoint is."""
    said = stack.preview().output
    assert said.count("waits as endpoint score does") == said.count("waits for the first approved version") > 0
    made = succeeded(stack.up())
    assert not [one for one in made.changes if one.name.startswith("drift-")]
    assert stack.outputs()["status"] == "waiting"
    assert shown(stack.up()) == []


class Around(Protocol):
    """What is around a stack: its store, its registry, and what runs."""

    def approve(self) -> None:
        """Approve the version that was registered."""

    def forget(self) -> None:
        """Wait for what goes on, and delete what no program has made and nothing else deletes."""

    def capture(self, asked: list[Row], name: str, at: dt.datetime) -> None:
        """Write what the endpoint was asked and answered, as the service does."""

    def results(self) -> list[dict[str, Any]]:
        """Read what each look has found."""

    def trained(self) -> list[str]:
        """List the runs of the training."""

    def given(self, run: str) -> Mapping[str, str]:
        """Return the parameters of a run."""

    def alarmed(self) -> bool:
        """Tell whether the alarm of the first signal has gone off."""


def once_round(sandbox: Sandbox, stack: Stack, around: Around) -> None:
    """Train, serve, be asked as usual and otherwise, and train anew once."""
    ran(sandbox, stack, "retrain")
    began = time.monotonic()
    around.approve()
    succeeded(stack.up())
    assert stack.outputs()["status"] == "live"
    assert shown(stack.up()) == []
    now = dt.datetime.now(dt.UTC)
    around.capture(rows(300, shifted=60, seed=9), "long-ago", now - dt.timedelta(hours=48))
    found = looked(sandbox, stack, around)
    assert (found["status"], found["rows"], found["breached"]) == ("insufficient", 0, False), found
    around.capture(rows(300, shifted=0, seed=2), "usual", now - dt.timedelta(hours=1))
    found = looked(sandbox, stack, around)
    assert (found["status"], found["rows"], found["breached"]) == ("judged", 300, False), found
    assert len(around.trained()) == 1
    assert not around.alarmed()
    around.capture(rows(900, shifted=25, seed=3), "shifted", now)
    until(lambda: time.monotonic() > began + COOLDOWN_SECONDS, "the cooldown is over")
    found = looked(sandbox, stack, around)
    assert (found["status"], found["rows"], found["breached"]) == ("judged", 1200, True), found
    assert around.alarmed()
    assert len(around.trained()) == 2, "nothing has been trained within the cooldown"
    stack.configure(cooldown="24")
    succeeded(stack.up())
    assert looked(sandbox, stack, around)["breached"]
    assert len(around.trained()) == 2, "once, and not twice"
    assert [around.given(run).get("days") for run in around.trained()].count("30") == 1
    around.forget()
    succeeded(stack.destroy())


def looked(sandbox: Sandbox, stack: Stack, around: Around) -> dict[str, Any]:
    """Have it look, and return what it found."""
    ran(sandbox, stack, "look")
    return max(around.results(), key=lambda one: str(one["window"]["to"]))


class Aws:
    """What is around a stack on AWS."""

    def __init__(self, sandbox: Sandbox, stack: Stack) -> None:
        self.cloud, self.stack = Cloud(sandbox), stack
        self.sagemaker, self.s3 = self.cloud.client("sagemaker"), self.cloud.client("s3")

    @property
    def bucket(self) -> str:
        """The artifact store."""
        found: str = self.stack.outputs()["platform"]["artifacts"].removeprefix("s3://").rstrip("/")
        return found

    def approve(self) -> None:
        """Approve the one version."""
        group = "whole-dev-models-churn"
        (version,) = self.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
        arn = version["ModelPackageArn"]
        self.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    def forget(self) -> None:
        """Delete the versions: a group that has some stays."""

        def going() -> bool:
            states = (self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=one) for one in self.trained())
            return any(one["PipelineExecutionStatus"] == "Executing" for one in states)

        until(lambda: not going(), "runs are over")
        group = "whole-dev-models-churn"
        for one in self.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]:
            self.sagemaker.delete_model_package(ModelPackageName=one["ModelPackageArn"])

    def capture(self, asked: list[Row], name: str, at: dt.datetime) -> None:
        """Write lines below the hour."""

        def half(mode: str, data: str) -> dict[str, str]:
            return {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}

        lines = [
            {
                "captureData": {
                    "endpointInput": half("INPUT", f"{row['age']},{row['spend']}"),
                    "endpointOutput": half("OUTPUT", str(row["prediction"])),
                },
                "eventMetadata": {"eventId": f"{name}-{number}", "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
                "eventVersion": "0",
            }
            for number, row in enumerate(asked)
        ]
        key = f"captured/score/whole-dev-score/main/{at:%Y/%m/%d/%H}/{name}.jsonl"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body="\n".join(map(json.dumps, lines)).encode())

    def results(self) -> list[dict[str, Any]]:
        """Read the results below the folder that the monitor names."""
        folder = self.stack.outputs()["reports"].removeprefix(f"s3://{self.bucket}/")
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=folder).get("Contents", [])
        keys = [one["Key"] for one in found if one["Key"].endswith("result.json")]
        return [json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()) for key in keys]

    def trained(self) -> list[str]:
        """List the executions."""
        listed = self.sagemaker.list_pipeline_executions(PipelineName="whole-dev-retrain")
        return [one["PipelineExecutionArn"] for one in listed["PipelineExecutionSummaries"]]

    def given(self, run: str) -> Mapping[str, str]:
        """Return the parameters of an execution."""
        found = self.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=run)
        return {one["Name"]: one["Value"] for one in found["PipelineParameters"]}

    def alarmed(self) -> bool:
        """Look at the alarm."""
        found = self.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
        (state,) = [one["StateValue"] for one in found if "data-drift" in one["AlarmName"]]
        return bool(state == "ALARM")


class Azure:
    """What is around a stack on Azure."""

    def __init__(self, sandbox: Sandbox, stack: Stack) -> None:
        self.tenant, self.stack = Tenant(sandbox), stack
        self.world = World(self.tenant, stack)

    @property
    def files(self) -> str:
        """Where blobs are in the sandbox."""
        at = self.stack.outputs()["platform"]["address"]
        return f"/blob/{at['storage']}/{at['container']}"

    @property
    def below(self) -> str:
        """What the address of the artifact store adds to that of its container."""
        found: str = self.stack.outputs()["platform"]["artifacts"].partition(".net/")[2].partition("/")[2]
        return found

    def approve(self) -> None:
        """Approve the one version; and let who looks read and write blobs, which no owner of an account may by that."""
        self.tenant.workspace(self.stack).approve("models-churn", 1)
        store = self.stack.outputs()["platform"]["address"]["storage_id"]
        self.tenant.give(store, GIVEN["Storage Blob Data Contributor"], DEPLOYER, 1)

    def forget(self) -> None:
        """Wait until jobs are over."""

        def going() -> bool:
            jobs = (self.tenant.done("GET", one)["properties"] for one in self.trained())
            return any(one["status"] not in ("Completed", "Failed") for one in jobs)

        until(lambda: not going(), "jobs are over")

    def capture(self, asked: list[Row], name: str, at: dt.datetime) -> None:
        """Write lines of both collections below the hour."""
        for kind in ("request", "response"):
            lines = [
                {
                    "specversion": "1.0",
                    "id": f"{kind}-{name}-{number}",
                    "source": "/subscriptions/0/onlineEndpoints/score/deployments/main-1",
                    "type": f"azureml.inference.{kind}",
                    "datacontenttype": "application/json",
                    "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                    "data": [{key: row[key] for key in ("age", "spend")}] if kind == "request" else [row["prediction"]],
                    "correlationid": f"{name}-{number}",
                }
                for number, row in enumerate(asked)
            ]
            path = f"{self.files}/{self.below}captured/score/{kind}/score/main-1/{kind}/{at:%Y/%m/%d/%H}/{name}.jsonl"
            status, said = self.world.ask(DEPLOYER, "PUT", path, "\n".join(map(json.dumps, lines)).encode())
            assert status == 201, said

    def results(self) -> list[dict[str, Any]]:
        """Read the results of all looks."""
        paths = [one.partition("/containers/")[2].partition("/")[2] for one in self.tenant.everything()["blobs"]]
        return [self._read(path) for path in paths if path.endswith("/result.json")]

    def _read(self, path: str) -> Any:
        request = urllib.request.Request(f"{self.tenant.url}{self.files}/{path}")
        request.add_header("Authorization", f"Bearer {TOKEN}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def trained(self) -> list[str]:
        """List the jobs."""
        found = self.tenant.workspace(self.stack).get("jobs")["value"]
        return [one["id"] for one in found if one["properties"].get("experimentName") == "whole-dev-retrain"]

    def given(self, run: str) -> Mapping[str, str]:
        """Return the inputs of a job."""
        inputs = self.tenant.done("GET", run)["properties"].get("inputs") or {}
        return {name: one["value"] for name, one in inputs.items()}

    def alarmed(self) -> bool:
        """Look at the newest number of the first signal beside its bound."""
        numbers = [one for found in self.results() for one in found["signals"] if one["name"] == "data_drift"]
        return any(one["breached"] for one in numbers)


class TestAws:
    def test_a_drift_is_seen_and_training_starts_once(self, empty_sandbox: Sandbox, project: Any) -> None:
        stack = Stack(empty_sandbox, project(program("aws", "us-east-1"), name="whole"))
        waits(stack)
        once_round(empty_sandbox, stack, Aws(empty_sandbox, stack))


class TestAzure:
    @pytest.fixture
    def planes(self) -> tuple[str, ...]:
        return ("azure",)

    def test_a_drift_is_seen_and_training_starts_once(self, empty_sandbox: Sandbox, project: Any) -> None:
        own = program("azure", "westeurope", "{'image': image}")
        stack = Stack(empty_sandbox, project(own, name="whole"))
        waits(stack)
        once_round(empty_sandbox, stack, Azure(empty_sandbox, stack))
