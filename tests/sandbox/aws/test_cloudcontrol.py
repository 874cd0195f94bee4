"""Cloud Control: progress events, patches, idempotency, and updates that AWS rolled back."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sandbox.control_plane import ControlPlane
from support.sandbox.requests_aws import ALARM, GROUP, VARIANT, canary, filled

ENDPOINT, FEATURES = "AWS::SageMaker::Endpoint", "AWS::SageMaker::FeatureGroup"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/live"
WATCHED = canary(10) | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "watch"}]}}


@pytest.fixture
def client(plane: ControlPlane, world: dict[str, str]) -> Any:
    assert world
    sagemaker = plane.client("sagemaker")
    plane.admin("POST", "latency", {"seconds": 3600})
    for name, count in {"current": 4, "next": 2}.items():
        variants = [VARIANT | {"InitialInstanceCount": count}]
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    return plane.client("cloudcontrol")


def create(plane: ControlPlane, client: Any, **more: Any) -> dict[str, Any]:
    state = {"EndpointName": "live", "EndpointConfigName": "current", "Tags": [{"Key": "a", "Value": "1"}]} | more
    return settled(plane, client, client.create_resource(TypeName=ENDPOINT, DesiredState=json.dumps(state)))


def patch(
    client: Any, *operations: tuple[str, str, Any], kind: str = ENDPOINT, identifier: str = ARN, **more: Any
) -> Any:
    document = [{"op": operation, "path": path, "value": value} for operation, path, value in operations]
    return client.update_resource(TypeName=kind, Identifier=identifier, PatchDocument=json.dumps(document), **more)


def status(client: Any, response: dict[str, Any]) -> dict[str, Any]:
    token = response["ProgressEvent"]["RequestToken"]
    event: dict[str, Any] = client.get_resource_request_status(RequestToken=token)["ProgressEvent"]
    return event


def settled(plane: ControlPlane, client: Any, response: dict[str, Any]) -> dict[str, Any]:
    for _ in range(10):
        event = status(client, response)
        if event["OperationStatus"] != "IN_PROGRESS":
            return event
        plane.admin("POST", "hurry")
    pytest.fail("the request did not settle")


def properties(client: Any, kind: str = ENDPOINT, identifier: str = ARN) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        client.get_resource(TypeName=kind, Identifier=identifier)["ResourceDescription"]["Properties"]
    )
    return read


def test_a_creation_is_in_progress_until_the_endpoint_serves(plane: ControlPlane, client: Any) -> None:
    state = json.dumps({"EndpointName": "live", "EndpointConfigName": "current"})
    response = client.create_resource(TypeName=ENDPOINT, DesiredState=state)
    assert response["ProgressEvent"]["Identifier"] == ARN
    assert status(client, response)["OperationStatus"] == "IN_PROGRESS"
    plane.admin("POST", "hurry")
    assert status(client, response)["OperationStatus"] == "SUCCESS"
    assert properties(client) == {"EndpointArn": ARN, "EndpointName": "live", "EndpointConfigName": "current"}
    (listed,) = client.list_resources(TypeName=ENDPOINT)["ResourceDescriptions"]
    assert listed["Identifier"] == ARN


def test_failures_have_the_handlers_code(plane: ControlPlane, client: Any) -> None:
    assert create(plane, client)["OperationStatus"] == "SUCCESS"
    assert create(plane, client)["ErrorCode"] == "AlreadyExists"
    assert create(plane, client, EndpointName="other", EndpointConfigName="absent")["ErrorCode"] == "InvalidRequest"
    gone = client.delete_resource(TypeName=ENDPOINT, Identifier=f"{ARN}-absent")
    assert status(client, gone)["ErrorCode"] == "NotFound"


def test_an_update_keeps_the_scaled_count(plane: ControlPlane, client: Any) -> None:
    create(plane, client)
    sagemaker = plane.client("sagemaker")
    wanted = [{"VariantName": "a", "DesiredInstanceCount": 7}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="live", DesiredWeightsAndCapacities=wanted)
    plane.admin("POST", "hurry")
    response = patch(
        client,
        ("replace", "/EndpointConfigName", "next"),
        ("add", "/DeploymentConfig", canary(10)),
        ("add", "/RetainAllVariantProperties", True),
        ("add", "/Tags/-", {"Key": "b", "Value": "2"}),
    )
    assert settled(plane, client, response)["OperationStatus"] == "SUCCESS"
    assert sagemaker.describe_endpoint(EndpointName="live")["ProductionVariants"][0]["DesiredInstanceCount"] == 7
    read = properties(client)
    assert (read["EndpointConfigName"], read["DeploymentConfig"]) == ("next", canary(10))
    assert [tag["Key"] for tag in read["Tags"]] == ["a", "b"]
    assert "RetainAllVariantProperties" not in read  # it can be written only


def test_a_rolled_back_update_has_failed(plane: ControlPlane, client: Any) -> None:
    create(plane, client)
    plane.client("cloudwatch").put_metric_alarm(**ALARM | {"AlarmName": "watch"})
    response = patch(client, ("replace", "/EndpointConfigName", "next"), ("add", "/DeploymentConfig", WATCHED))
    plane.client("cloudwatch").set_alarm_state(AlarmName="watch", StateValue="ALARM", StateReason="errors")
    event = settled(plane, client, response)
    assert (event["OperationStatus"], event["ErrorCode"]) == ("FAILED", "NotStabilized")
    assert "watch" in event["StatusMessage"]
    assert properties(client)["EndpointConfigName"] == "current"


def test_a_name_cannot_be_updated(plane: ControlPlane, client: Any) -> None:
    create(plane, client)
    with pytest.raises(ClientError, match="NotUpdatableException"):
        patch(client, ("replace", "/EndpointName", "other"))
    with pytest.raises(ClientError, match="ValidationException"):
        patch(client, ("add", "/Nonsense", 1))
    with pytest.raises(ClientError, match="InvalidRequestException"):
        patch(client, ("replace", "/Nowhere/Deep", 1))


def test_one_operation_at_a_time(plane: ControlPlane, client: Any) -> None:
    create(plane, client)
    response = patch(client, ("replace", "/EndpointConfigName", "next"))
    with pytest.raises(ClientError, match="ConcurrentOperationException"):
        patch(client, ("replace", "/EndpointConfigName", "current"))
    cancelled = client.cancel_resource_request(RequestToken=response["ProgressEvent"]["RequestToken"])
    assert cancelled["ProgressEvent"]["OperationStatus"] == "CANCEL_COMPLETE"


def test_a_client_token_makes_a_request_idempotent(client: Any) -> None:
    state = json.dumps({"EndpointName": "live", "EndpointConfigName": "current"})
    first, again = (client.create_resource(TypeName=ENDPOINT, DesiredState=state, ClientToken="t-1") for _ in range(2))
    assert first["ProgressEvent"]["RequestToken"] == again["ProgressEvent"]["RequestToken"]
    with pytest.raises(ClientError, match="ClientTokenConflictException"):
        client.create_resource(TypeName=ENDPOINT, DesiredState="{}" + " ", ClientToken="t-1")


def test_a_deletion_ends_when_it_is_gone(plane: ControlPlane, client: Any) -> None:
    create(plane, client)
    response = client.delete_resource(TypeName=ENDPOINT, Identifier=ARN)
    assert status(client, response)["OperationStatus"] == "IN_PROGRESS"
    assert settled(plane, client, response)["OperationStatus"] == "SUCCESS"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        properties(client)


def test_a_feature_group_takes_several_changes_in_turn(plane: ControlPlane, client: Any, world: dict[str, str]) -> None:
    state = json.dumps(filled(GROUP, world))
    settled(plane, client, client.create_resource(TypeName=FEATURES, DesiredState=state))
    more = {"FeatureName": "extra", "FeatureType": "String"}
    ttl = {"Unit": "Days", "Value": 3}
    operations = (("add", "/FeatureDefinitions/-", more), ("add", "/OnlineStoreConfig/TtlDuration", ttl))
    response = patch(client, *operations, kind=FEATURES, identifier="profile")
    assert settled(plane, client, response)["OperationStatus"] == "SUCCESS"
    read = properties(client, FEATURES, "profile")
    assert read["FeatureDefinitions"][-1] == more
    assert read["OnlineStoreConfig"]["TtlDuration"] == ttl
    with pytest.raises(ClientError, match="only be added"):
        patch(client, ("remove", "/FeatureDefinitions/2", None), kind=FEATURES, identifier="profile")
