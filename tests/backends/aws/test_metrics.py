"""What is measured of an endpoint on AWS: alarms look at what the program sends, and a step may send nothing else."""

import json
from typing import Any

import boto3
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws.metrics import DIMENSIONS, LOOKS_BACK_HOURS
from pulumi_mlops.jobs import measure
from support import rights
from support.facts.aws import HUB, IMAGE, TOPIC
from support.mocks import REGION, Cloud
from support.watching import AT, DRIFT, sending, watched

ENDPOINT = mlops.EndpointRef(
    name="score", backend="aws", platform=HUB, status="live", address={"name": "churn-dev-score"}
)
ALARM = "cloudwatch/metricAlarm"


def declare(cloud: Cloud, **args: Any) -> dict[str, Any]:
    def program() -> Any:
        ref = watched(HUB, ENDPOINT, **args)
        steps = {"drift": sending(ref, IMAGE)}
        mlops.Pipeline("drift-runs", platform=HUB, steps=steps)
        return {"address": ref.address, "alarms": dict(ref.alarms), "stale": ref.stale}

    found: dict[str, Any] = cloud.run(program)
    return found


class Put:
    """What plays the client of CloudWatch."""

    def __init__(self) -> None:
        self.region, self.sent = "", dict[str, Any]()

    def client(self, service: str, region_name: str) -> "Put":
        assert service == "cloudwatch"
        self.region = region_name
        return self

    def put_metric_data(self, **sent: Any) -> None:
        self.sent = sent


def sent(monkeypatch: pytest.MonkeyPatch, address: str, **values: float) -> dict[str, tuple[str, dict[str, str]]]:
    """Return namespace and dimensions of what the program sends to an address, by metric."""
    put = Put()
    monkeypatch.setattr(boto3, "client", put.client)
    measure.put(address, values, AT)
    assert put.region == REGION
    marks = [
        (one["MetricName"], {name["Name"]: name["Value"] for name in one["Dimensions"]})
        for one in put.sent["MetricData"]
    ]
    return {name: (put.sent["Namespace"], found) for name, found in marks}


def test_alarms_and_dashboard_look_at_what_is_sent(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    found = declare(cloud, stale_after_hours=3)
    taken = sent(monkeypatch, found["address"], data_drift=0.3, model_quality=0.9, rows=7)
    for name in ("data-drift", "model-quality", "stale"):
        alarm = cloud.one(ALARM, f"drift-watch-{name}").inputs
        assert taken[alarm["metricName"]] == (alarm["namespace"], alarm["dimensions"])
    body = cloud.one("cloudwatch/dashboard").document("dashboardBody")
    drawn = [one["properties"] for one in body["widgets"] if one["type"] == "metric"]
    for properties in drawn:
        ((namespace, name, *marks),) = properties["metrics"]
        assert taken[name] == (namespace, dict(zip(marks[::2], marks[1::2], strict=True)))
    assert [one["title"] for one in drawn] == ["data_drift", "model_quality", "rows"]
    assert drawn[0]["annotations"]["horizontal"] == [{"label": "bound", "value": DRIFT.threshold}]
    assert "annotations" not in drawn[2]
    assert tuple(taken["rows"][1]) == DIMENSIONS


def test_bounds_are_alarms_that_are_told(cloud: Cloud) -> None:
    found = declare(cloud)
    drift, accuracy = (cloud.one(ALARM, f"drift-watch-{one}").inputs for one in ("data-drift", "model-quality"))
    assert (drift["comparisonOperator"], drift["statistic"], drift["threshold"]) == (
        "GreaterThanThreshold",
        "Maximum",
        0.2,
    )
    assert (accuracy["comparisonOperator"], accuracy["statistic"]) == ("LessThanThreshold", "Minimum")
    assert drift["alarmActions"] == accuracy["alarmActions"] == [TOPIC]
    assert drift["treatMissingData"] == "ignore", "what was measured last counts until something else is"
    assert found["alarms"] == {"data_drift": drift["name"], "model_quality": accuracy["name"]}
    assert found["stale"] is None


def test_nobody_is_told_where_nobody_wants_to_be(cloud: Cloud) -> None:
    declare(cloud, alerts=False, stale_after_hours=2.5)
    assert [one.inputs["alarmActions"] for one in cloud.all(ALARM)] == [[], [], []]


def test_what_is_not_measured_is_an_alarm(cloud: Cloud) -> None:
    found = declare(cloud, stale_after_hours=2.5)
    stale = cloud.one(ALARM, "drift-watch-stale").inputs
    assert (stale["period"], stale["evaluationPeriods"], stale["treatMissingData"]) == (3600, 3, "breaching")
    assert (stale["statistic"], stale["comparisonOperator"], stale["threshold"]) == (
        "SampleCount",
        "LessThanThreshold",
        1,
    )
    assert found["stale"] == stale["name"]


def test_cloudwatch_looks_back_a_week() -> None:
    cloud = Cloud(preview=True)
    declare(cloud, stale_after_hours=LOOKS_BACK_HOURS)
    assert cloud.one(ALARM, "drift-watch-stale").inputs["evaluationPeriods"] == LOOKS_BACK_HOURS
    cloud = Cloud(preview=True)
    assert declare(cloud, stale_after_hours=LOOKS_BACK_HOURS + 1)["stale"] is None
    assert any("looks back 168 hours, not 169" in one for one in cloud.infos)


def test_a_step_sends_there_and_nowhere_else(cloud: Cloud) -> None:
    found = declare(cloud)
    allowed = rights.of(cloud, "drift-runs-rights")
    namespace = cloud.one(ALARM, "drift-watch-data-drift").inputs["namespace"]
    puts = [one for one in allowed.statements if "cloudwatch:PutMetricData" in one["Action"]]
    assert allowed("cloudwatch:PutMetricData", **{"cloudwatch:namespace": namespace})
    for other in ("mlops-monitors/churn-dev/other", "AWS/SageMaker", f"{namespace}/x"):
        assert not allowed("cloudwatch:PutMetricData", **{"cloudwatch:namespace": other}), other
    assert len(puts) == 1
    definition = json.loads(cloud.one("sagemaker/pipeline").inputs["pipelineDefinition"])
    (step,) = definition["Steps"]
    assert step["Arguments"]["Environment"]["MLOPS_WATCH"] == found["address"]
