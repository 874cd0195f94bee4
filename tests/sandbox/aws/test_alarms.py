"""Alarms of CloudWatch: data puts them off, missing data as they say, and whoever they name is told."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops.jobs import measure
from support.sandbox.acting import acting, allow, give
from support.sandbox.control_plane import ControlPlane
from support.sandbox.executions_aws import ACCOUNT, STATEMENTS, Here

SPACE = "mlops-monitors/churn-dev/drift"
DASHBOARDS = "arn:aws:cloudwatch::123456789012:dashboard"
ADDRESS = f"cloudwatch://us-east-1/{SPACE}?Endpoint=score&Monitor=drift"
MARKS = [{"Name": "Endpoint", "Value": "score"}, {"Name": "Monitor", "Value": "drift"}]
ALARM: dict[str, Any] = {
    "AlarmName": "drift",
    "Namespace": SPACE,
    "MetricName": "data_drift",
    "Dimensions": MARKS,
    "Statistic": "Maximum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 0.2,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
}
STALE = ALARM | {
    "AlarmName": "stale",
    "MetricName": measure.MEASURED,
    "Statistic": "SampleCount",
    "Period": 3600,
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "breaching",
}


@pytest.fixture
def cloudwatch(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Offer the client, and have the program that measures find the same account."""
    for name, value in {
        "AWS_ENDPOINT_URL": plane.url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
    }.items():
        monkeypatch.setenv(name, value)
    return plane.client("cloudwatch")


def state(cloudwatch: Any, name: str = "drift") -> str:
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(alarm["StateValue"])


def put(value: float, hours_ago: float = 0) -> None:
    measure.put(ADDRESS, {"data_drift": value}, dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago))


def test_data_beyond_the_bound_is_an_alarm_until_there_is_other(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**ALARM)
    cloudwatch.put_metric_alarm(**ALARM | {"AlarmName": "other", "Dimensions": MARKS[:1]})
    assert state(cloudwatch) == "INSUFFICIENT_DATA"
    put(0.1)
    assert state(cloudwatch) == "OK"
    put(0.3)
    assert state(cloudwatch) == "ALARM"
    assert state(cloudwatch, "other") == "INSUFFICIENT_DATA", "its dimensions are others"


def test_what_was_measured_last_counts_where_missing_data_is_ignored(cloudwatch: Any) -> None:
    for name, missing in (("drift", "ignore"), ("forgets", "notBreaching")):
        cloudwatch.put_metric_alarm(**ALARM | {"AlarmName": name, "TreatMissingData": missing})
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="measured")
    put(0.1, hours_ago=2)
    assert (state(cloudwatch), state(cloudwatch, "forgets")) == ("ALARM", "OK"), "data that late is seen by neither"


def test_nothing_measured_is_an_alarm(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**STALE)
    assert state(cloudwatch, "stale") == "ALARM", "nothing was ever measured"
    put(0.1, hours_ago=2)
    assert state(cloudwatch, "stale") == "OK"
    cloudwatch.put_metric_alarm(**STALE | {"EvaluationPeriods": 1})
    assert state(cloudwatch, "stale") == "ALARM", "an hour is the longest now"


def test_an_alarm_starts_a_pipeline_once_and_tells_its_topic(here: Here, cloudwatch: Any) -> None:
    here.pipeline(here.processing("count", ["true"]))
    sns, sqs, events = (here.plane.client(one) for one in ("sns", "sqs", "events"))
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:told")
    ringing = {"alarmName": ["drift"], "state": {"value": ["ALARM"]}}
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": ringing}
    events.put_rule(Name="drifted", EventPattern=json.dumps(pattern))
    target = {"Id": "it", "Arn": f"{ACCOUNT}:pipeline/retrain", "RoleArn": here.role}
    events.put_targets(Rule="drifted", Targets=[target])
    cloudwatch.put_metric_alarm(**ALARM, AlarmActions=[topic])
    for value in (0.3, 0.4):
        put(value)
    (execution,) = here.sagemaker.list_pipeline_executions(PipelineName="retrain")["PipelineExecutionSummaries"]
    here.ended(execution["PipelineExecutionArn"])
    (message,) = here.plane.until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"]) == ("drift", "ALARM")
    assert "Messages" not in sqs.receive_message(QueueUrl=url), "it was an alarm already"


def test_a_job_measures_by_the_right_of_its_role(here: Here, cloudwatch: Any) -> None:
    here.program("measure.py", Path(measure.__file__).read_text())
    here.program(
        "send.py",
        "import datetime as dt, measure\n"
        f"measure.put({ADDRESS!r}, {{'data_drift': 0.3}}, dt.datetime.now(dt.timezone.utc))\n",
    )
    here.pipeline(here.processing("send", ["python3", "send.py"], outputs=[]))
    cloudwatch.put_metric_alarm(**ALARM)
    assert here.failed()
    assert state(cloudwatch) == "INSUFFICIENT_DATA", "the right is missing"
    bound = {"StringEquals": {"cloudwatch:namespace": SPACE}}
    right = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": bound}
    here.allow([*STATEMENTS, right])
    here.ran()
    assert state(cloudwatch) == "ALARM"


def test_metrics_go_into_the_namespace_of_the_right_alone(plane: ControlPlane, world: dict[str, str]) -> None:
    give(plane, allow("cloudwatch:PutMetricData", StringEquals={"cloudwatch:namespace": SPACE}))
    client = acting(plane, "cloudwatch", world["role"])
    datum = {"MetricName": "rows", "Value": 1.0, "Timestamp": dt.datetime.now(dt.UTC)}
    client.put_metric_data(Namespace=SPACE, MetricData=[datum])
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_metric_data(Namespace="mlops-monitors/churn-dev/other", MetricData=[datum])


def test_a_dashboard_is_made_and_deleted_by_its_name_alone(plane: ControlPlane, world: dict[str, str]) -> None:
    give(plane, allow(["cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"], f"{DASHBOARDS}/drift"))
    client = acting(plane, "cloudwatch", world["role"])
    client.put_dashboard(DashboardName="drift", DashboardBody='{"widgets": []}')
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_dashboard(DashboardName="other", DashboardBody='{"widgets": []}')
    client.delete_dashboards(DashboardNames=["drift"])
