"""Endpoints over time: states, updates, rollback, retained properties, deletion; and invocations."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sandbox.control_plane import ControlPlane
from support.sandbox.requests_aws import ALARM, SERVERLESS, VARIANT, canary

Client = Any
WATCHED = canary(10) | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "watch"}]}}


@pytest.fixture
def client(plane: ControlPlane, world: dict[str, str]) -> Client:
    """Make an endpoint in service, another configuration to go to, and time that stands still until `hurry`."""
    assert world
    sagemaker = plane.client("sagemaker")
    plane.admin("POST", "latency", {"seconds": 3600})
    sagemaker.create_endpoint_config(EndpointConfigName="current", ProductionVariants=[VARIANT])
    sagemaker.create_endpoint_config(
        EndpointConfigName="next", ProductionVariants=[VARIANT | {"InitialInstanceCount": 2}]
    )
    sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="current")
    assert describe(sagemaker)["EndpointStatus"] == "Creating"
    plane.admin("POST", "hurry")
    assert describe(sagemaker)["EndpointStatus"] == "InService"
    return sagemaker


def describe(sagemaker: Client) -> dict[str, Any]:
    found: dict[str, Any] = sagemaker.describe_endpoint(EndpointName="live")
    return found


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        call(**params)
    return str(refusal.value)


def test_an_update_passes_through_updating(plane: ControlPlane, client: Client) -> None:
    client.update_endpoint(EndpointName="live", EndpointConfigName="next", DeploymentConfig=canary(10))
    moving = describe(client)
    assert moving["EndpointStatus"] == "Updating"
    assert moving["EndpointConfigName"] == "current"
    assert moving["PendingDeploymentSummary"]["EndpointConfigName"] == "next"
    plane.admin("POST", "hurry")
    settled = describe(client)
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "next")
    assert settled["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert settled["LastDeploymentConfig"] == canary(10)
    assert "PendingDeploymentSummary" not in settled


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("update_endpoint", {"EndpointName": "live", "EndpointConfigName": "next"}),
        ("delete_endpoint", {"EndpointName": "live"}),
        ("delete_endpoint_config", {"EndpointConfigName": "next"}),
        ("delete_endpoint_config", {"EndpointConfigName": "current"}),
    ],
)
def test_nothing_disturbs_an_update(client: Client, operation: str, params: dict[str, str]) -> None:
    client.update_endpoint(EndpointName="live", EndpointConfigName="next")
    assert "Updating" in refused(getattr(client, operation), **params)


def test_an_alarm_rolls_an_update_back(plane: ControlPlane, client: Client) -> None:
    cloudwatch = plane.client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM | {"AlarmName": "watch"})
    client.update_endpoint(EndpointName="live", EndpointConfigName="next", DeploymentConfig=WATCHED)
    cloudwatch.set_alarm_state(AlarmName="watch", StateValue="ALARM", StateReason="errors")
    plane.admin("POST", "hurry")
    assert describe(client)["EndpointStatus"] == "RollingBack"
    plane.admin("POST", "hurry")
    back = describe(client)
    assert (back["EndpointStatus"], back["EndpointConfigName"]) == ("InService", "current")
    assert back["ProductionVariants"][0]["CurrentInstanceCount"] == 4
    assert "watch" in back["FailureReason"]


@pytest.mark.parametrize(
    ("retained", "excluded", "count", "weight"),
    [
        (False, None, 2, 1.0),
        (True, None, 7, 3.0),
        (True, ["DesiredWeight"], 7, 1.0),
        (True, ["DesiredInstanceCount"], 2, 3.0),
    ],
)
def test_what_autoscaling_did_is_kept_if_asked(
    plane: ControlPlane, client: Client, *, retained: bool, excluded: list[str] | None, count: int, weight: float
) -> None:
    wanted = [{"VariantName": "a", "DesiredInstanceCount": 7, "DesiredWeight": 3.0}]
    client.update_endpoint_weights_and_capacities(EndpointName="live", DesiredWeightsAndCapacities=wanted)
    plane.admin("POST", "hurry")
    more: dict[str, Any] = {"RetainAllVariantProperties": retained}
    if excluded:
        more["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": name} for name in excluded]
    client.update_endpoint(EndpointName="live", EndpointConfigName="next", **more)
    plane.admin("POST", "hurry")
    variant = describe(client)["ProductionVariants"][0]
    assert (variant["DesiredInstanceCount"], variant["DesiredWeight"]) == (count, weight)


def test_the_last_deployment_config_is_used_again_if_asked(plane: ControlPlane, client: Client) -> None:
    client.update_endpoint(EndpointName="live", EndpointConfigName="next", DeploymentConfig=canary(10))
    plane.admin("POST", "hurry")
    client.update_endpoint(EndpointName="live", EndpointConfigName="current", RetainDeploymentConfig=True)
    plane.admin("POST", "hurry")
    assert describe(client)["LastDeploymentConfig"] == canary(10)
    client.update_endpoint(EndpointName="live", EndpointConfigName="next")
    plane.admin("POST", "hurry")
    assert "LastDeploymentConfig" not in describe(client)


def test_a_serverless_endpoint_takes_no_deployment_config(plane: ControlPlane, client: Client) -> None:
    client.create_endpoint_config(EndpointConfigName="lambda-like", ProductionVariants=[SERVERLESS])
    params = {"EndpointName": "live", "EndpointConfigName": "lambda-like"}
    assert "serverless" in refused(client.update_endpoint, **params, DeploymentConfig=canary(10))
    client.update_endpoint(**params)
    plane.admin("POST", "hurry")
    assert describe(client)["ProductionVariants"][0]["CurrentServerlessConfig"]["MemorySizeInMB"] == 2048


def test_deletion_passes_through_deleting(plane: ControlPlane, client: Client) -> None:
    client.delete_endpoint(EndpointName="live")
    assert describe(client)["EndpointStatus"] == "Deleting"
    plane.admin("POST", "hurry")
    assert "Could not find endpoint" in refused(client.describe_endpoint, EndpointName="live")
    client.delete_endpoint_config(EndpointConfigName="current")


def test_a_creation_fails_where_that_was_planned(plane: ControlPlane, client: Client) -> None:
    """Of a failed endpoint AWS takes a deletion only."""
    plane.admin("POST", "faults", {"service": "sagemaker", "operation": "EndpointCreation", "message": "unhealthy"})
    client.create_endpoint(EndpointName="ill", EndpointConfigName="current")
    plane.admin("POST", "hurry")
    found = client.describe_endpoint(EndpointName="ill")
    assert (found["EndpointStatus"], found["FailureReason"]) == ("Failed", "unhealthy")
    assert "status Failed" in refused(client.update_endpoint, EndpointName="ill", EndpointConfigName="next")
    client.delete_endpoint(EndpointName="ill")


def test_waiters_of_boto3_work(plane: ControlPlane, world: dict[str, str]) -> None:
    assert world
    sagemaker = plane.client("sagemaker")
    sagemaker.create_endpoint_config(EndpointConfigName="current", ProductionVariants=[VARIANT])
    sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="current")
    plane.admin("POST", "hurry")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="live", WaiterConfig={"Delay": 1, "MaxAttempts": 5})


def test_only_an_endpoint_in_service_answers(plane: ControlPlane, client: Client) -> None:
    runtime = plane.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="live", Body=b"1,2", ContentType="text/csv")
    assert answer["InvokedProductionVariant"] == "a"
    assert b"live" in answer["Body"].read()
    client.delete_endpoint(EndpointName="live")
    assert "not found" in refused(runtime.invoke_endpoint, EndpointName="live", Body=b"1")


def test_tags(client: Client) -> None:
    arn = describe(client)["EndpointArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "a"}, {"Key": "stage", "Value": "dev"}])
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "b"}])
    client.delete_tags(ResourceArn=arn, TagKeys=["stage"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "b"}]
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    assert "ResourceLimitExceeded" in refused(client.add_tags, ResourceArn=arn, Tags=many)


def test_lists_filter_sort_and_page(client: Client) -> None:
    for name in ("b-one", "b-two", "b-three"):
        client.create_endpoint(EndpointName=name, EndpointConfigName="next")
    listed = client.list_endpoints(NameContains="b-", SortBy="Name", SortOrder="Ascending", MaxResults=2)
    assert [entry["EndpointName"] for entry in listed["Endpoints"]] == ["b-one", "b-three"]
    rest = client.list_endpoints(
        NameContains="b-", SortBy="Name", SortOrder="Ascending", MaxResults=2, NextToken=listed["NextToken"]
    )
    assert [entry["EndpointName"] for entry in rest["Endpoints"]] == ["b-two"]
    assert len(client.list_endpoints(StatusEquals="Creating")["Endpoints"]) == 3


def test_a_variant_that_is_scaled_keeps_its_machines_until_it_is_deregistered(
    plane: ControlPlane, client: Client
) -> None:
    scaling = plane.client("application-autoscaling")
    where = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/live/variant/a",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(MinCapacity=1, MaxCapacity=3, **where)
    client.create_endpoint_config(
        EndpointConfigName="larger", ProductionVariants=[VARIANT | {"InstanceType": "ml.m5.4xlarge"}]
    )
    said = refused(client.update_endpoint, EndpointName="live", EndpointConfigName="larger")
    assert "must be deregistered as scalable target with AutoScaling" in said
    client.update_endpoint(EndpointName="live", EndpointConfigName="next")
    plane.admin("POST", "hurry")
    scaling.deregister_scalable_target(**where)
    client.update_endpoint(EndpointName="live", EndpointConfigName="larger")
