"""A monitor of AWS's own in the sandbox: declared, unchanged, changed, and gone; what its alarm reads puts it off."""

from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.backends.aws.managed_monitor import DIMENSIONS, METRIC, NAMESPACE
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import Cloud, shown, succeeded, taken_down
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

hub = mlops.Platform("whole", backend="aws", region="us-east-1", images=["serve"])
rows = mlops.Dataset("rows", platform=hub, format="csv")
score = mlops.Endpoint("score", platform=hub, model={{"image": hub.image("serve", "1")}},
    compute={{"cpus": 2, "memory_gb": 8}}, capture_percent=100)
drift = mlops.Monitor(
    "drift", endpoint=score, baseline=rows.latest(), managed=True, window_hours={hours}, schedule={{"cron": {cron!r}}},
    signals=[{{"kind": "data_drift", "features": ["age"], "threshold": 0.1}}],
)
pulumi.export("alarm", drift.ref.alarms["data_drift"])
"""
HOURLY, DAILY = PROGRAM.format(hours=1, cron="0 * * * *"), PROGRAM.format(hours=24, cron="0 6 * * *")


def test_it_lives(empty_sandbox: Sandbox, project: Any) -> None:
    cloud, folder = Cloud(empty_sandbox), Path(project(HOURLY, name="whole"))
    stack = Stack(empty_sandbox, folder)
    succeeded(stack.up())
    assert shown(stack.up()) == []
    sagemaker = cloud.client("sagemaker")
    (schedule,) = sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    assert schedule["MonitoringScheduleStatus"] == "Scheduled"
    name, alarm = schedule["MonitoringScheduleName"], stack.outputs()["alarm"]
    assert stack.outputs()["alarm"]

    cloudwatch = cloud.client("cloudwatch")
    (endpoint,) = sagemaker.list_endpoints()["Endpoints"]
    values = dict(zip(DIMENSIONS, (endpoint["EndpointName"], name), strict=True))
    measured = {
        "MetricName": METRIC.format("age"),
        "Value": 0.4,
        "Dimensions": [{"Name": key, "Value": value} for key, value in values.items()],
    }
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[measured])

    def state() -> bool:
        (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return bool(found["StateValue"] == "ALARM")

    until(state, "the alarm goes off", within=60)

    (folder / "__main__.py").write_text(DAILY)
    changed = shown(stack.up())
    assert [line for line in changed if "drift" in line] == changed, changed
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)["MonitoringScheduleConfig"]
    assert described["ScheduleConfig"]["ScheduleExpression"] == "cron(0 6 ? * * *)"
    taken_down(stack)
    assert not sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
