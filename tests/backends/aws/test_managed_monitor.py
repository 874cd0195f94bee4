"""Monitors by SageMaker Model Monitor: what is declared, by which rights, and what it cannot do is refused."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.backends.aws.managed_monitor import DIMENSIONS, METRIC, NAMESPACE
from support import rights
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud

SCORE = mlops.EndpointRef(
    name="score",
    backend="aws",
    platform=aws.HUB,
    status="live",
    captured="s3://artifacts/captured/score",
    capture_percent=20,
    address={"name": "churn-dev-score"},
)
ROWS = mlops.DatasetRef(name="rows", backend="aws", platform=aws.HUB, location="s3://artifacts/datasets/rows/")
AGE = {"kind": "data_drift", "features": ["age"], "threshold": 0.1}
MANAGED: dict[str, Any] = {
    "endpoint": SCORE,
    "baseline": ROWS.latest(),
    "signals": [AGE],
    "window_hours": 1,
    "managed": True,
}


def monitor(cloud: Cloud, **args: Any) -> None:
    def program() -> Any:
        made = mlops.Monitor("drift", **(MANAGED | args))
        return {"alarms": dict(made.ref.alarms), "reports": made.reports}

    cloud.run(program)


def test_a_schedule_looks_at_the_endpoint_beside_the_baseline(cloud: Cloud) -> None:
    monitor(cloud)
    definition = cloud.one("sagemaker/dataQualityJobDefinition").inputs
    assert definition["dataQualityJobInput"]["endpointInput"]["endpointName"] == "churn-dev-score"
    baseline = definition["dataQualityBaselineConfig"]
    assert baseline["statisticsResource"]["s3Uri"] == "s3://artifacts/datasets/rows/statistics.json"
    assert baseline["constraintsResource"]["s3Uri"] == "s3://artifacts/datasets/rows/constraints.json"
    image = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    assert definition["dataQualityAppSpecification"]["imageUri"] == image
    assert definition["dataQualityJobOutputConfig"]["kmsKeyId"] == aws.KEY
    config = cloud.one("sagemaker/monitoringSchedule").inputs["monitoringScheduleConfig"]
    assert config["scheduleConfig"] == {"scheduleExpression": "cron(0 * ? * * *)"}
    assert config["monitoringType"] == "DataQuality"


def test_the_alarm_of_a_feature_reads_what_model_monitor_writes(cloud: Cloud) -> None:
    monitor(cloud, signals=[AGE, {"kind": "data_drift", "features": ["income"]}], alerts=False)
    alarms = [item.inputs for item in cloud.registered if item.type.startswith("aws:cloudwatch/metricAlarm:")]
    assert {one["metricName"]: one["threshold"] for one in alarms} == {
        METRIC.format("age"): 0.1,
        METRIC.format("income"): 0.2,
    }
    for one in alarms:
        assert one["namespace"] == NAMESPACE
        assert set(one["dimensions"]) == set(DIMENSIONS)
        assert one["dimensions"]["Endpoint"] == "churn-dev-score"
        assert not one.get("alarmActions")
    told = Cloud()
    monitor(told)
    assert told.one("cloudwatch/metricAlarm").inputs["alarmActions"] == [aws.TOPIC]


def test_its_role_reads_what_it_compares_and_writes_reports(cloud: Cloud) -> None:
    monitor(cloud)
    may = rights.of(cloud, "drift-rights")
    assert may("s3:GetObject", "arn:aws:s3:::artifacts/captured/score/main/1.jsonl")
    assert may("s3:GetObject", "arn:aws:s3:::artifacts/datasets/rows/statistics.json")
    assert may("s3:PutObject", "arn:aws:s3:::artifacts/monitors/drift/violations.json")
    assert not may("s3:PutObject", "arn:aws:s3:::artifacts/datasets/rows/statistics.json")
    assert not may("s3:GetObject", "arn:aws:s3:::artifacts/models/churn/1")


def test_a_private_platform_keeps_it_in_its_network(cloud: Cloud) -> None:
    hub = aws.hub(private=True)
    there = {"platform": hub, "backend": "aws"}
    score = mlops.EndpointRef(
        name="score", status="live", captured="s3://artifacts/captured/score/", address={"name": "score"}, **there
    )
    rows = mlops.DatasetRef(name="rows", location="s3://artifacts/datasets/rows/", **there)
    monitor(cloud, endpoint=score, baseline=rows.latest())
    network = cloud.one("sagemaker/dataQualityJobDefinition").inputs["networkConfig"]
    assert network["vpcConfig"] == {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1", "subnet-2"]}


FIT = mlops.train(image=aws.IMAGE, command=["fit"], outputs=["baseline"])
RETRAIN = mlops.PipelineRef(
    name="retrain", backend="aws", platform=aws.HUB, runs="s3://a/", address={"name": "retrain", "arn": "arn:1"}
)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"signals": [{"kind": "data_quality"}]}, r"signals\[0\]\.kind: Model Monitor measures data_drift here"),
        ({"signals": [AGE | {"metric": "psi"}]}, r"signals\[0\]\.metric: .*largest difference"),
        ({"signals": [{"kind": "data_drift"}]}, r"signals\[0\]\.features: .*a signal for each"),
        ({"signals": [AGE | {"features": ["age", "sex"]}]}, r"signals\[0\]\.features: .*a signal for each"),
        ({"baseline": FIT.out("baseline")}, r"baseline: is the folder with statistics\.json"),
        ({"schedule": {"cron": "30 3 * * *"}}, "schedule: Model Monitor looks every hour"),
        ({"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, "window_hours": 24}, "schedule: .*of UTC"),
        ({"window_hours": 24}, "write window_hours=1"),
        ({"schedule": {"cron": "0 3 * * *"}}, "write window_hours=24"),
        ({"minimum_rows": 100}, "minimum_rows: Model Monitor judges however few"),
        ({"on_breach": {"run": RETRAIN}}, "on_breach: Model Monitor starts nothing; write Pipeline"),
        ({"compute": {"cpus": 9000, "memory_gb": 1}}, "compute"),
    ],
)
def test_what_model_monitor_does_not_do_is_refused(args: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgs, match=told):
        monitor(Cloud(), **args)


@pytest.mark.parametrize("facts", [azure, kubernetes], ids=["azure", "kubernetes"])
def test_elsewhere_there_is_none(facts: Any) -> None:
    there = {"platform": facts.HUB, "backend": facts.HUB.backend}
    score = mlops.EndpointRef(name="score", status="live", captured="x://y/", address={"name": "s", "id": "s"}, **there)
    rows = mlops.DatasetRef(name="rows", location="x://y/rows/", **there)
    with pytest.raises((InvalidArgs, Unsupported), match="leave managed out"):
        monitor(Cloud(), endpoint=score, baseline=rows.latest(), image=None)
