"""Schedules of Model Monitor over time: states, updates, deletion; what is refused, and what may be done to them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sandbox.acting import acting, allow, give
from support.sandbox.control_plane import ControlPlane

Client = Any
VARIANT = {"VariantName": "main", "ModelName": "churn", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 20,
    "DestinationS3Uri": "s3://artifacts-1/captured/",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
ARN = "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule/looks"


@pytest.fixture
def client(plane: ControlPlane, world: dict[str, str]) -> Client:
    """Have an endpoint that captures; from then on let time stand still until `hurry`."""
    assert world
    sagemaker = plane.client("sagemaker")
    sagemaker.create_endpoint_config(
        EndpointConfigName="current", ProductionVariants=[VARIANT], DataCaptureConfig=CAPTURE
    )
    sagemaker.create_endpoint_config(EndpointConfigName="silent", ProductionVariants=[VARIANT])
    for name, config in (("live", "current"), ("quiet", "silent")):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    plane.admin("POST", "latency", {"seconds": 3600})
    return sagemaker


def definition(world: dict[str, str], **more: Any) -> dict[str, Any]:
    output = {"S3Output": {"S3Uri": "s3://artifacts-1/looks/", "LocalPath": "/opt/ml/processing/output"}}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    return {
        "JobDefinitionName": "quality",
        "RoleArn": world["role"],
        "DataQualityAppSpecification": {"ImageUri": world["image"]},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": "live", "LocalPath": "/opt/ml/processing/input"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [output]},
        "JobResources": {"ClusterConfig": cluster},
        **more,
    }


def schedule(expression: str = "cron(0 * ? * * *)", **more: Any) -> dict[str, Any]:
    config = {
        "MonitoringJobDefinitionName": "quality",
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": expression},
    }
    return {"MonitoringScheduleName": "looks", "MonitoringScheduleConfig": {**config, **more}}


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        call(**params)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_schedule_is_created_updated_and_deleted(plane: ControlPlane, client: Client, world: dict[str, str]) -> None:
    client.create_data_quality_job_definition(**definition(world))
    made = client.create_monitoring_schedule(**schedule(), Tags=[{"Key": "team", "Value": "growth"}])
    assert made["MonitoringScheduleArn"] == ARN
    assert refused(client.delete_monitoring_schedule, MonitoringScheduleName="looks")[0] == "ValidationException"
    plane.admin("POST", "hurry")
    found = client.describe_monitoring_schedule(MonitoringScheduleName="looks")
    assert (found["MonitoringScheduleStatus"], found["MonitoringType"]) == ("Scheduled", "DataQuality")
    assert found["MonitoringScheduleConfig"] == schedule()["MonitoringScheduleConfig"]
    assert client.list_tags(ResourceArn=ARN)["Tags"] == [{"Key": "team", "Value": "growth"}]
    client.update_monitoring_schedule(**schedule("cron(0 6 ? * * *)"))
    plane.admin("POST", "hurry")
    (listed,) = client.list_monitoring_schedules(StatusEquals="Scheduled")["MonitoringScheduleSummaries"]
    assert listed["MonitoringScheduleArn"] == ARN
    client.stop_monitoring_schedule(MonitoringScheduleName="looks")
    plane.admin("POST", "hurry")
    assert client.describe_monitoring_schedule(MonitoringScheduleName="looks")["MonitoringScheduleStatus"] == "Stopped"
    client.delete_monitoring_schedule(MonitoringScheduleName="looks")
    plane.admin("POST", "hurry")
    assert refused(client.describe_monitoring_schedule, MonitoringScheduleName="looks")[0] == "ResourceNotFound"


def test_what_cannot_be_looked_at_is_refused(client: Client, world: dict[str, str]) -> None:
    create = client.create_data_quality_job_definition
    quiet = {"EndpointInput": {"EndpointName": "quiet", "LocalPath": "/opt/ml/processing/input"}}
    assert "Data capture is not enabled" in refused(create, **definition(world, DataQualityJobInput=quiet))[1]
    none = {"EndpointInput": {"EndpointName": "none", "LocalPath": "/opt/ml/processing/input"}}
    assert "Could not find endpoint" in refused(create, **definition(world, DataQualityJobInput=none))[1]
    baseline = {"StatisticsResource": {"S3Uri": "s3://not-there/statistics.json"}}
    assert "S3 bucket" in refused(create, **definition(world, DataQualityBaselineConfig=baseline))[1]
    assert "Could not assume role" in refused(create, **definition(world, RoleArn=world["stranger"]))[1]


def test_times_and_definitions_that_are_none_are_refused(client: Client, world: dict[str, str]) -> None:
    create = client.create_monitoring_schedule
    assert refused(create, **schedule())[0] == "ResourceNotFound"
    client.create_data_quality_job_definition(**definition(world))
    assert "neither hourly" in refused(create, **schedule("cron(30 6 ? * MON *)"))[1]
    both = schedule(MonitoringJobDefinition={})["MonitoringScheduleConfig"]
    del both["MonitoringJobDefinitionName"], both["MonitoringJobDefinition"]
    assert "Exactly one" in refused(create, MonitoringScheduleName="looks", MonitoringScheduleConfig=both)[1]


def test_a_schedule_fails_where_that_was_planned(plane: ControlPlane, client: Client, world: dict[str, str]) -> None:
    plane.admin("POST", "faults", {"service": "sagemaker", "operation": "MonitoringSchedule", "message": "closed"})
    client.create_data_quality_job_definition(**definition(world))
    client.create_monitoring_schedule(**schedule())
    plane.admin("POST", "hurry")
    found = client.describe_monitoring_schedule(MonitoringScheduleName="looks")
    assert (found["MonitoringScheduleStatus"], found["FailureReason"]) == ("Failed", "closed")


def test_rights_name_one_schedule(plane: ControlPlane, client: Client, world: dict[str, str]) -> None:
    client.create_data_quality_job_definition(**definition(world))
    client.create_monitoring_schedule(**schedule())
    give(plane, allow("sagemaker:DescribeMonitoringSchedule", ARN))
    somebody = acting(plane, "sagemaker", world["role"])
    assert somebody.describe_monitoring_schedule(MonitoringScheduleName="looks")["MonitoringScheduleArn"] == ARN
    assert refused(somebody.stop_monitoring_schedule, MonitoringScheduleName="looks")[0] == "AccessDeniedException"
