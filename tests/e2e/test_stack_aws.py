"""`stacks/aws` as a user runs it: up, unchanged, each edit with just its steps, down without a trace.

It is deployed by a role that has docs/rights/aws for its nouns (`support.e2e.deploying`).
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.stack import Stack
from support.e2e.finders import find
from support.e2e.outside import Cloud, resources, shown, succeeded, taken_down

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]

REPLACED = ["create-replacement", "replace", "delete-replaced"]
STATEFUL = {
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:sagemaker/featureGroup:FeatureGroup",
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
    "aws:ecr/repository:Repository",
    "aws:glue/catalogDatabase:CatalogDatabase",
    "aws:ec2/vpc:Vpc",
    "aws:cloudcontrol/resource:Resource",
}
SERVER = "churn-dev-score-endpoint"
"""The role of what serves."""
SCALING = ("Target score-main-scaling", "Policy score-main-follows-load")
"""Registered again when the machines of what is served change: AWS changes none that is registered."""


def released(*parts: str) -> list[str]:
    """List the steps of a release: what is new beside the old, the endpoint moved in place, the old away."""
    swapped = [f"{op} {kind} {name}" for kind, name in (part.split() for part in parts) for op in REPLACED]
    return sorted([*swapped, "update Resource score-endpoint"])


@pytest.mark.long
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stack_lives_and_dies(stage: str, stack_of: StackOf, cloud: Cloud) -> None:
    stack, before = stack_of("stacks/aws", stage), cloud.everything()

    assert set(succeeded(stack.up()).counts) == {"create"}
    package = cloud.register(stage, stack.outputs()["platform"]["artifacts"])
    waiting = stack.preview_and_up("--refresh")
    assert shown(waiting) == []
    assert "waits for the first approved version of churn" in waiting.output
    assert stack.outputs()["status"] == "waiting"

    cloud.approve(package)
    assert message_for_ci(cloud)["detail"]["ModelApprovalStatus"] == "Approved"
    assert set(succeeded(stack.up()).counts) == {"create", "update"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_all_found(stack, cloud)

    if stage == "dev":
        each_edit_has_its_steps(stack, cloud)
    stack.configure(tags=json.dumps({"team": "growth"}))
    tagged = succeeded(stack.up())
    assert set(tagged.counts) == {"update"}
    assert {step.type for step in tagged.changes} >= STATEFUL - {"aws:ec2/vpc:Vpc"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []

    cloud.forget_versions(stage)
    taken_down(stack)
    assert cloud.everything() == before | pending(cloud)


def each_edit_has_its_steps(stack: Stack, cloud: Cloud) -> None:
    """Edit by edit, the steps are just these: what an edit left to be done would be among those of the next."""
    stack.configure(cpus="8", memory_gb="16")
    assert not {step.type for step in stack.preview().changes if step.op == "replace"} & STATEFUL
    assert shown(stack.up()) == sorted(
        [*released("EndpointConfiguration score-configuration", *SCALING), "update Endpoint score"]
    )
    assert cloud.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")[
        "ScalableTargets"
    ]

    stack.configure(canary_percent="25")
    assert shown(stack.preview()) == ["update Endpoint score", "update Resource score-endpoint"]
    assert shown(stack.up()) == ["update Endpoint score", "update Resource score-endpoint"]

    cloud.approve(cloud.register(stack.name, stack.outputs()["platform"]["artifacts"]))
    assert shown(stack.up()) == sorted(
        [
            *released("Model score-main", "EndpointConfiguration score-configuration"),
            *("update Endpoint score", "update BatchInference nightly", "update Pipeline nightly-pipeline"),
        ]
    )

    for kind in ("float", "string"):
        retyping_is_refused(kind, stack, cloud)
    row = a_row_is_served(cloud)
    stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
    assert shown(stack.up()) == ["update FeatureGroup profile"]
    assert "visits_7d" in features(cloud, stack.name)
    assert read(cloud) == row


def retyping_is_refused(kind: str, stack: Stack, cloud: Cloud) -> None:
    stack.configure(more_features=json.dumps({"age": kind}))
    refused = stack.preview()
    assert refused.code != 0
    assert f"features.age: cannot become '{kind}'" in refused.output
    assert "make a new FeatureGroup of another name" in refused.output
    assert "Traceback" not in refused.output
    assert features(cloud, "dev") == ["customer_id", "updated_at", "age", "spend_30d"]


def a_row_is_served(cloud: Cloud) -> dict[str, str]:
    """Write a row as somebody outside the stack does, and read it as the endpoint: it may not write."""
    # Of now: the stack's online store forgets a row after three days.
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    row = {"customer_id": "c-1", "updated_at": now, "age": "41", "spend_30d": "12.5"}
    record = [{"FeatureName": name, "ValueAsString": value} for name, value in row.items()]
    where: dict[str, Any] = {"FeatureGroupName": "churn-dev-profile", "Record": record}
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:PutRecord"):
        cloud.acting_as(SERVER, "sagemaker-featurestore-runtime").put_record(**where)
    cloud.client("sagemaker-featurestore-runtime").put_record(**where)
    assert read(cloud) == row
    return row


def read(cloud: Cloud) -> dict[str, str]:
    """Read the row of a customer with the rights of the endpoint's role."""
    rows = cloud.acting_as(SERVER, "sagemaker-featurestore-runtime")
    got = rows.get_record(FeatureGroupName="churn-dev-profile", RecordIdentifierValueAsString="c-1")["Record"]
    return {value["FeatureName"]: value["ValueAsString"] for value in got}


def test_a_noun_whose_rights_are_missing_is_not_made(stack_of: StackOf) -> None:
    refused = stack_of("stacks/aws", without="featuregroup").up()
    assert refused.code != 0
    assert "not authorized to perform: sagemaker:DescribeFeatureGroup" in refused.output


def features(cloud: Cloud, stage: str) -> list[str]:
    """List the features that the group has."""
    group = cloud.client("sagemaker").describe_feature_group(FeatureGroupName=f"churn-{stage}-profile")
    return [definition["FeatureName"] for definition in group["FeatureDefinitions"]]


def message_for_ci(cloud: Cloud) -> dict[str, Any]:
    """Take the message that the approval put into the stack's queue."""
    sqs = cloud.client("sqs")
    (queue,) = sqs.list_queues(QueueNamePrefix="approvals")["QueueUrls"]
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    event: dict[str, Any] = json.loads(message["Body"])
    return event


def assert_all_found(stack: Stack, cloud: Cloud) -> None:
    """Look up every resource of the state by its own service's API."""
    for resource in resources(stack):
        if resource.get("custom") and resource["type"].startswith("aws:"):
            find(cloud, resource["type"], resource["id"], resource["outputs"])


def pending(cloud: Cloud) -> dict[str, list[str]]:
    """List what AWS itself keeps for a while: deleted keys and secrets that can still be brought back."""
    return {kind: ids for kind, ids in cloud.everything().items() if "pending" in kind.lower()}
