"""What monitors found: results and pages as the drift program leaves them, read out of each platform's store."""

import dataclasses
import datetime as dt
import json
from typing import Any

import pytest

from pulumi_mlops import MonitorRef, NotFound, PipelineRef, Run, Unsupported
from pulumi_mlops.backends.aws import client as aws_client
from pulumi_mlops.backends.aws import known
from pulumi_mlops.clients import backend, monitors
from pulumi_mlops.engines import drift
from support.day_two.worlds import World, keep

T0 = dt.datetime(2026, 11, 30, 3, 0, tzinfo=dt.UTC)
DATA = {
    "name": "data_drift",
    "kind": "data_drift",
    "metric": "share",
    "threshold": 0.2,
    "above": True,
    "status": "judged",
    "value": 0.5,
    "chance": 0.01,
    "breached": True,
    "reason": "",
    "features": {"age": {"value": 0.4, "drifted": True}},
}
QUALITY = {**DATA, "name": "model_quality", "kind": "model_quality", "metric": "accuracy", "threshold": 0.8}
QUALITY |= {"status": "insufficient", "value": None, "breached": False, "reason": "3 rows have a label", "features": {}}
RESULT = {
    "form": 1,
    "monitor": "drift",
    "endpoint": "score",
    "status": "judged",
    "reason": "",
    "breached": True,
    "rows": 240,
    "window": {"from": "2026-11-29T03:00:00Z", "to": "2026-11-30T03:00:00Z", "hours": 24},
    "signals": [DATA, QUALITY],
    "started": {"run": None, "reason": "it runs, or has just run"},
}
FEW = {
    **RESULT,
    "started": {},
    "status": "insufficient",
    "breached": False,
    "rows": 7,
    "reason": "7 rows are too few",
    "signals": [],
}


@pytest.fixture
def monitor(world: World, monkeypatch: pytest.MonkeyPatch) -> MonitorRef:
    """Have four runs, the newest of which goes on, and the oldest left nothing."""
    runs = keep(world, "pipelines/drift-monitor/", "").replace("//", "/").replace(":/", "://")
    pipeline = PipelineRef(
        name="drift-monitor",
        backend=world.backend,
        platform=world.model.platform,
        runs=runs,
        address={"name": "p", "arn": "arn:p", "id": "i", "experiment": "e", "client": "c", "template": "t"},
    )
    for run, result in (("r2", FEW), ("r3", RESULT)):
        folder = keep(world, f"pipelines/drift-monitor/{run}/look/report/result.json", json.dumps(result))
        keep(world, f"pipelines/drift-monitor/{run}/look/report/report.html", f"<html>{run}</html>")
        record = json.dumps({"form": 1, "folders": {"report": folder.removesuffix("result.json")}})
        place = "mlops.metrics/facts.json" if world.backend == "aws" else "facts.json"
        keep(world, f"pipelines/drift-monitor/{run}/look/{place}", record)
        if world.backend == "kubernetes":
            path = "/apis/argoproj.io/v1alpha1/namespaces/churn-dev/workflows"
            labels = {"pulumi-mlops/pipeline": "drift-monitor"}
            found = {"metadata": {"name": f"drift-monitor-{run}", "uid": run, "labels": labels}}
            world.parts["cluster"].objects[f"{path}/drift-monitor-{run}"] = found

    def one(run: str, state: Any, reason: str = "") -> Run:
        named = f"drift-monitor-{run}" if world.backend == "kubernetes" else run
        return Run(id=named, pipeline="drift-monitor", state=state, began=T0, reason=reason)

    listed = [one("r4", "running"), one("r3", "succeeded"), one("r2", "succeeded"), one("r1", "failed", "no memory")]
    monkeypatch.setattr(type(backend.load(world.backend)), "runs", lambda _, __, most: listed[:most])
    return MonitorRef(
        name="drift",
        backend=world.backend,
        platform=world.model.platform,
        endpoint="score",
        status="live",
        signals=["data_drift", "model_quality"],
        pipeline=pipeline,
    )


def test_results_are_read_the_newest_first(world: World, monitor: MonitorRef) -> None:
    goes_on, breached, few, failed = world.client.reports(monitor)
    assert (goes_on.state, goes_on.reason, goes_on.signals) == ("running", "it is running", ())
    assert (breached.rows, breached.breached, breached.insufficient) == (240, True, False)
    assert breached.until == T0
    assert (breached.started, breached.unstarted) == (None, "it runs, or has just run")
    assert (few.started, few.unstarted) == (None, "")
    drifted, unjudged = breached.signals
    assert (drifted.name, drifted.value, drifted.threshold, drifted.breached) == ("data_drift", 0.5, 0.2, True)
    assert drifted.features["age"]["drifted"]
    assert (unjudged.value, unjudged.breached, unjudged.reason) == (None, False, "3 rows have a label")
    assert breached.page
    assert breached.page.endswith("r3/look/report/report.html")
    assert (few.insufficient, few.breached, few.reason) == (True, False, "7 rows are too few")
    assert (failed.state, failed.reason) == ("failed", "no memory")
    assert json.loads(json.dumps(breached.plain()))["signals"][0]["name"] == "data_drift"
    assert len(world.client.reports(monitor, last=2)) == 2


def test_the_page_for_people_is_read(world: World, monitor: MonitorRef) -> None:
    assert world.client.report_page(monitor) == "<html>r3</html>"
    second = world.client.reports(monitor)[2].run
    assert world.client.report_page(monitor, second) == "<html>r2</html>"
    with pytest.raises(NotFound, match="none of its last 50 runs called 'r9' has left a report"):
        world.client.report_page(monitor, "r9")


@pytest.mark.parametrize("world", ["kubernetes"], indirect=True)
def test_who_has_not_looked_says_so(world: World, monitor: MonitorRef) -> None:
    with pytest.raises(NotFound, match="it waits as endpoint 'score' does"):
        world.client.reports(dataclasses.replace(monitor, status="waiting", pipeline=None))
    with pytest.raises(Unsupported, match="is of the cloud's own"):
        world.client.reports(dataclasses.replace(monitor, pipeline=None))


def test_the_engine_has_the_same_words() -> None:
    assert (monitors.STEP, monitors.OUTPUT) == (drift.STEP, drift.REPORT)
    assert f"{known.MEASURED}/{known.FACTS}" == aws_client.RECORD
