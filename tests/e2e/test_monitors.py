"""Monitors in the sandbox, once round: trained, served, asked otherwise than trained for, told, and trained anew."""

import csv
import datetime as dt
import io
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import Cloud, shown, succeeded
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
    on_breach={{"run": retrain, "cooldown_hours": 0.05, "parameters": {{"days": 30}}}},
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
COOLDOWN_SECONDS = 0.05 * 3600
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


def lives(stack: Stack) -> None:
    succeeded(stack.up())
    assert stack.outputs()["status"] == "live"
    assert shown(stack.up()) == []


def looked(results: Callable[[], list[dict[str, Any]]]) -> dict[str, Any]:
    """Return what the last look found."""
    return max(results(), key=lambda one: str(one["window"]["to"]))


class TestAws:
    def test_a_drift_is_seen_and_training_starts_once(self, empty_sandbox: Sandbox, project: Any) -> None:
        sandbox, cloud = empty_sandbox, Cloud(empty_sandbox)
        stack = Stack(sandbox, project(program("aws", "us-east-1"), name="whole"))
        waits(stack)
        ran(sandbox, stack, "retrain")
        began = time.monotonic()
        sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
        (version,) = sagemaker.list_model_packages(ModelPackageGroupName="whole-dev-models-churn")[
            "ModelPackageSummaryList"
        ]
        sagemaker.update_model_package(ModelPackageArn=version["ModelPackageArn"], ModelApprovalStatus="Approved")
        lives(stack)
        bucket = stack.outputs()["platform"]["artifacts"].removeprefix("s3://").rstrip("/")

        def capture(asked: list[Row], name: str, ago: int = 0) -> None:
            at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=ago)
            lines = [
                {
                    "captureData": {
                        "endpointInput": _part("INPUT", ",".join(str(row[key]) for key in ("age", "spend"))),
                        "endpointOutput": _part("OUTPUT", str(row["prediction"])),
                    },
                    "eventMetadata": {
                        "eventId": f"{name}-{number}",
                        "inferenceTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    },
                    "eventVersion": "0",
                }
                for number, row in enumerate(asked)
            ]
            key = f"captured/score/whole-dev-score/main/{at:%Y/%m/%d/%H}/{name}.jsonl"
            s3.put_object(Bucket=bucket, Key=key, Body="\n".join(map(json.dumps, lines)).encode())

        def results() -> list[dict[str, Any]]:
            found = s3.list_objects_v2(Bucket=bucket, Prefix="pipelines/drift-monitor/").get("Contents", [])
            keys = [one["Key"] for one in found if one["Key"].endswith("result.json")]
            return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]

        def trained() -> int:
            listed = sagemaker.list_pipeline_executions(PipelineName="whole-dev-retrain")
            return len(listed["PipelineExecutionSummaries"])

        def alarm(name: str) -> str:
            found = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
            return str(next(one["StateValue"] for one in found if name in one["AlarmName"]))

        capture(rows(300, shifted=60, seed=9), "before", ago=48)
        ran(sandbox, stack, "look")
        first = looked(results)
        assert (first["status"], first["rows"], first["breached"]) == ("insufficient", 0, False)
        capture(rows(300, shifted=0, seed=2), "usual", ago=1)
        ran(sandbox, stack, "look")
        second = looked(results)
        assert (second["status"], second["rows"], second["breached"]) == ("judged", 300, False), second
        assert trained() == 1
        assert alarm("data-drift") == "OK"
        capture(rows(900, shifted=25, seed=3), "shifted")
        ran(sandbox, stack, "look")
        assert looked(results)["breached"]
        assert trained() == 1, "a version was trained just now"
        until(lambda: time.monotonic() > began + COOLDOWN_SECONDS, "the cooldown is over")
        for _ in range(2):
            ran(sandbox, stack, "look")
            found = looked(results)
            assert (found["status"], found["rows"], found["breached"]) == ("judged", 1200, True), found
            assert trained() == 2, "once, and not twice"
        assert alarm("data-drift") == "ALARM"
        started = sagemaker.list_pipeline_executions(PipelineName="whole-dev-retrain")["PipelineExecutionSummaries"]
        given = sagemaker.list_pipeline_parameters_for_execution(
            PipelineExecutionArn=started[0]["PipelineExecutionArn"]
        )["PipelineParameters"]
        assert {one["Name"]: one["Value"] for one in given}["days"] == "30"
        succeeded(stack.destroy())


def _part(mode: str, data: str) -> dict[str, str]:
    return {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}
