"""HyperPod clusters through Cloud Control, judged by CloudFormation's schema and by SageMaker, and its quotas."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sandbox.control_plane import ControlPlane

KIND = "AWS::SageMaker::Cluster"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:cluster/pod"
SETUP = {"SourceS3Uri": "s3://artifacts-1/setup", "OnInitComplete": "setup.sh"}


@pytest.fixture
def role(plane: ControlPlane, world: dict[str, str]) -> str:
    assert plane
    return world["role"]


def groups(role: str, count: int = 2, machine: str = "ml.p4d.24xlarge", **more: Any) -> list[dict[str, Any]]:
    controller = {
        "InstanceGroupName": "controller",
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": 1,
        "ExecutionRole": role,
        "SlurmConfig": {"NodeType": "Controller"},
    }
    nodes = {
        **controller,
        "InstanceGroupName": "nodes",
        "InstanceType": machine,
        "InstanceCount": count,
        "SlurmConfig": {"NodeType": "Compute", "PartitionNames": ["training"]},
        **more,
    }
    return [controller, nodes]


def settled(plane: ControlPlane, response: dict[str, Any]) -> dict[str, Any]:
    client, token = plane.client("cloudcontrol"), response["ProgressEvent"]["RequestToken"]
    for _ in range(10):
        event: dict[str, Any] = client.get_resource_request_status(RequestToken=token)["ProgressEvent"]
        if event["OperationStatus"] != "IN_PROGRESS":
            return event
        plane.admin("POST", "hurry")
    pytest.fail("the request did not settle")


def create(plane: ControlPlane, instances: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    state = {"ClusterName": "pod", "InstanceGroups": instances, "Orchestrator": {"Slurm": {}}, **more}
    desired = json.dumps({name: value for name, value in state.items() if value is not None})
    return settled(plane, plane.client("cloudcontrol").create_resource(TypeName=KIND, DesiredState=desired))


def patch(plane: ControlPlane, path: str, value: Any) -> dict[str, Any]:
    document = json.dumps([{"op": "replace", "path": path, "value": value}])
    client = plane.client("cloudcontrol")
    return settled(plane, client.update_resource(TypeName=KIND, Identifier=ARN, PatchDocument=document))


def test_a_cluster_lives_and_grows_and_dies(plane: ControlPlane, role: str) -> None:
    plane.admin("POST", "latency", {"seconds": 3600})
    assert create(plane, groups(role, LifeCycleConfig=SETUP))["OperationStatus"] == "SUCCESS"
    assert patch(plane, "/InstanceGroups/1/InstanceCount", 4)["OperationStatus"] == "SUCCESS"
    sagemaker = plane.client("sagemaker")
    found = sagemaker.describe_cluster(ClusterName="pod")
    assert [group["CurrentCount"] for group in found["InstanceGroups"]] == [1, 4]
    (listed,) = sagemaker.list_clusters()["ClusterSummaries"]
    assert listed["ClusterName"] == "pod"
    client = plane.client("cloudcontrol")
    assert settled(plane, client.delete_resource(TypeName=KIND, Identifier=ARN))["OperationStatus"] == "SUCCESS"
    assert sagemaker.list_clusters()["ClusterSummaries"] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"InstanceGroups": lambda role: groups(role)[1:]}, "exactly one group of NodeType Controller"),
        ({"InstanceGroups": lambda role: [groups(role)[0]] * 2}, "must be unique"),
        ({"InstanceGroups": lambda _: groups("arn:aws:iam::123456789012:role/nobody")}, "Could not assume role"),
        ({"InstanceGroups": lambda role: groups(role, MinInstanceCount=9)}, "less than or equal to InstanceCount"),
        ({"InstanceGroups": lambda role: groups(role, machine="ml.p9.large")}, "ml.p9.large"),
        ({"InstanceGroups": lambda role: groups(role, LifeCycleConfig={"SourceS3Uri": "s3://nobody/x"})}, "nobody"),
        ({"Orchestrator": lambda _: None}, "SlurmConfig needs Orchestrator.Slurm"),
        ({"VpcConfig": lambda _: {"SecurityGroupIds": ["sg-9"], "Subnets": ["subnet-9"]}}, "does not exist"),
    ],
)
def test_a_cluster_that_sagemaker_refuses(plane: ControlPlane, role: str, wrong: dict[str, Any], said: str) -> None:
    more = {name: make(role) for name, make in wrong.items()}
    event = create(plane, more.pop("InstanceGroups", groups(role)), **more)
    assert event["OperationStatus"] == "FAILED"
    assert said in event["StatusMessage"]


def test_a_cluster_that_the_schema_refuses(plane: ControlPlane, role: str) -> None:
    for state in (
        {"ClusterName": "-pod"},
        {"ClusterName": "pod", "Nodes": 1},
        {"ClusterName": "pod", "ClusterArn": ARN},
    ):
        with pytest.raises(ClientError, match="ValidationException"):
            create(plane, groups(role), **state)


def test_a_group_keeps_its_machine_and_a_cluster_its_network(plane: ControlPlane, role: str) -> None:
    create(plane, groups(role))
    event = patch(plane, "/InstanceGroups/1/InstanceType", "ml.p5.48xlarge")
    assert event["OperationStatus"] == "FAILED"
    assert "InstanceType of instance group nodes cannot be changed" in event["StatusMessage"]
    document = json.dumps([{"op": "add", "path": "/VpcConfig", "value": {"SecurityGroupIds": ["a"], "Subnets": ["b"]}}])
    with pytest.raises(ClientError, match="NotUpdatableException"):
        plane.client("cloudcontrol").update_resource(TypeName=KIND, Identifier=ARN, PatchDocument=document)


def test_quotas_of_machines_are_told_page_by_page(plane: ControlPlane) -> None:
    pages = plane.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    found = [one for page in pages for one in page["Quotas"]]
    named = {one["QuotaName"]: one["Value"] for one in found}
    assert len(found) == len(named) > 500
    assert named["ml.g5.xlarge for training job usage"] > named["ml.p4d.24xlarge for spot training job usage"] > 0
