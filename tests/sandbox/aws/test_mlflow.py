"""SageMaker's MLflow over time: states, updates, stops, deletion; what is refused, and who may call it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws.evaluation import allowed
from support.sandbox.acting import acting, allow, give
from support.sandbox.control_plane import ControlPlane

Client = Any
FILES = "s3://artifacts-1/mlflow/runs/"
ABSENT = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-NONE"


@pytest.fixture
def client(plane: ControlPlane, world: dict[str, str]) -> Client:
    """Let time stand still until `hurry`."""
    assert world
    plane.admin("POST", "latency", {"seconds": 3600})
    return plane.client("sagemaker")


@pytest.fixture
def app(client: Client, world: dict[str, str]) -> str:
    made = client.create_mlflow_app(Name="runs", ArtifactStoreUri=FILES, RoleArn=world["role"], Tags=[TEAM])
    return str(made["Arn"])


@pytest.fixture
def machines(client: Client, world: dict[str, str]) -> str:
    made = client.create_mlflow_tracking_server(
        TrackingServerName="runs", ArtifactStoreUri=FILES, RoleArn=world["role"], Tags=[TEAM]
    )
    return str(made["TrackingServerArn"])


TEAM = {"Key": "team", "Value": "growth"}


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        call(**params)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_app_is_created_updated_and_deleted(plane: ControlPlane, client: Client, app: str) -> None:
    found = client.describe_mlflow_app(Arn=app)
    assert (found["Status"], found["Name"], found["Arn"]) == ("Creating", "runs", app)
    assert app.startswith("arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-")
    assert refused(client.update_mlflow_app, Arn=app, Name="others")[0] == "ConflictException"
    assert refused(client.delete_mlflow_app, Arn=app)[0] == "ConflictException"
    plane.admin("POST", "hurry")
    assert client.describe_mlflow_app(Arn=app)["Status"] == "Created"
    client.update_mlflow_app(Arn=app, Name="others")
    assert client.describe_mlflow_app(Arn=app)["Status"] == "Updating"
    plane.admin("POST", "hurry")
    found = client.describe_mlflow_app(Arn=app)
    assert (found["Status"], found["Name"]) == ("Updated", "others")
    assert client.list_tags(ResourceArn=app)["Tags"] == [TEAM]
    assert [one["Arn"] for one in client.list_mlflow_apps(Status="Updated")["Summaries"]] == [app]
    assert not client.list_mlflow_apps(Status="Creating")["Summaries"]
    client.delete_mlflow_app(Arn=app)
    assert client.describe_mlflow_app(Arn=app)["Status"] == "Deleting"
    plane.admin("POST", "hurry")
    assert refused(client.describe_mlflow_app, Arn=app)[0] == "ResourceNotFound"


def test_a_server_also_stops_and_starts(plane: ControlPlane, client: Client, machines: str) -> None:
    def status() -> tuple[str, str]:
        found = client.describe_mlflow_tracking_server(TrackingServerName="runs")
        return found["TrackingServerStatus"], found["IsActive"]

    assert status() == ("Creating", "Inactive")
    plane.admin("POST", "hurry")
    assert status() == ("Created", "Active")
    client.update_mlflow_tracking_server(TrackingServerName="runs", TrackingServerSize="Large")
    assert refused(client.stop_mlflow_tracking_server, TrackingServerName="runs")[0] == "ConflictException"
    plane.admin("POST", "hurry")
    client.stop_mlflow_tracking_server(TrackingServerName="runs")
    plane.admin("POST", "hurry")
    assert status() == ("Stopped", "Inactive")
    assert refused(client.stop_mlflow_tracking_server, TrackingServerName="runs")[0] == "ConflictException"
    client.start_mlflow_tracking_server(TrackingServerName="runs")
    plane.admin("POST", "hurry")
    assert status() == ("Started", "Active")
    found = client.describe_mlflow_tracking_server(TrackingServerName="runs")
    assert (found["TrackingServerSize"], found["TrackingServerArn"]) == ("Large", machines)
    client.delete_mlflow_tracking_server(TrackingServerName="runs")
    plane.admin("POST", "hurry")
    assert refused(client.describe_mlflow_tracking_server, TrackingServerName="runs")[0] == "ResourceNotFound"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"RoleArn": "arn:aws:iam::123456789012:role/absent"}, "Could not assume role"),
        ({"ArtifactStoreUri": "s3://absent/runs/"}, "The S3 bucket of s3://absent/runs/ does not exist"),
        ({"ArtifactStoreUri": "artifacts-1/runs/"}, "failed to satisfy constraint"),
        ({"Name": "-runs"}, "failed to satisfy constraint"),
        ({"KmsKeyId": "not a key!"}, "failed to satisfy constraint"),
        ({"ModelRegistrationMode": "Enabled"}, "failed to satisfy constraint"),
        ({"WeeklyMaintenanceWindowStart": "Mon:25:00"}, "failed to satisfy constraint"),
    ],
)
def test_an_app_that_aws_refuses(client: Client, world: dict[str, str], change: dict[str, str], said: str) -> None:
    good = {"Name": "runs", "ArtifactStoreUri": FILES, "RoleArn": world["role"]}
    code, message = refused(client.create_mlflow_app, **(good | change))
    assert (code, said in message) == ("ValidationException", True), message


def test_what_is_not_there(client: Client) -> None:
    for call in (client.update_mlflow_app, client.delete_mlflow_app, client.create_presigned_mlflow_app_url):
        assert refused(call, Arn=ABSENT)[0] == "ResourceNotFound"
    for call in (client.delete_mlflow_tracking_server, client.start_mlflow_tracking_server):
        assert refused(call, TrackingServerName="absent")[0] == "ResourceNotFound"


def test_a_name_that_is_taken(client: Client, machines: str, world: dict[str, str]) -> None:
    assert machines
    again = {"TrackingServerName": "runs", "ArtifactStoreUri": FILES, "RoleArn": world["role"]}
    assert refused(client.create_mlflow_tracking_server, **again)[0] == "ValidationException"


def test_a_creation_that_was_planned_to_fail(plane: ControlPlane, client: Client, world: dict[str, str]) -> None:
    plane.admin("POST", "faults", {"service": "sagemaker", "operation": "MlflowAppCreation", "message": "no capacity"})
    made = client.create_mlflow_app(Name="runs", ArtifactStoreUri=FILES, RoleArn=world["role"])["Arn"]
    plane.admin("POST", "hurry")
    assert client.describe_mlflow_app(Arn=made)["Status"] == "CreateFailed"


def test_its_role_must_keep_files(plane: ControlPlane, client: Client, world: dict[str, str]) -> None:
    good = {"Name": "runs", "ArtifactStoreUri": FILES, "RoleArn": world["role"]}
    give(plane, allow("s3:PutObject", "arn:aws:s3:::artifacts-1/mlflow/others/*"))
    code, message = refused(client.create_mlflow_app, **good)
    assert (code, "s3:PutObject" in message) == ("ValidationException", True)
    give(plane, allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::artifacts-1/mlflow/runs/*"))
    assert "s3:ListBucket" in refused(client.create_mlflow_app, **good)[1]
    give(
        plane,
        allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::artifacts-1/mlflow/runs/*"),
        allow("s3:ListBucket", "arn:aws:s3:::artifacts-1"),
    )
    assert client.create_mlflow_app(**good)["Arn"]


def test_a_caller_needs_the_right_on_this_app(plane: ControlPlane, app: str, world: dict[str, str]) -> None:
    give(plane, allow("sagemaker:DescribeMlflowApp", app))
    theirs = acting(plane, "sagemaker", world["role"])
    assert theirs.describe_mlflow_app(Arn=app)["Arn"] == app
    assert refused(theirs.describe_mlflow_app, Arn=ABSENT)[0] == "AccessDeniedException"
    assert refused(theirs.delete_mlflow_app, Arn=app)[0] == "AccessDeniedException"
    good = {"Name": "more", "ArtifactStoreUri": FILES, "RoleArn": world["role"]}
    code, message = refused(theirs.create_mlflow_app, **good)
    assert (code, "mlflow-app/app-NEW" in message) == ("AccessDeniedException", True)
    assert allowed([allow("sagemaker:CreateMlflowApp", f"{ABSENT.rpartition('/')[0]}/*")], *_creating())


def _creating() -> tuple[str, str, dict[str, Any]]:
    return "sagemaker:CreateMlflowApp", ABSENT.replace("NONE", "NEW"), {}
