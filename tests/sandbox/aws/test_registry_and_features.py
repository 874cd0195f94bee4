"""The model registry with its events, and feature groups with their online store."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.sandbox.control_plane import ControlPlane
from support.sandbox.requests_aws import FEATURES, GROUP, filled

EVENT = "SageMaker Model Package State Change"


def test_an_approval_reaches_a_queue(plane: ControlPlane) -> None:
    sqs, events, sagemaker = plane.client("sqs"), plane.client("events"), plane.client("sagemaker")
    url = sqs.create_queue(QueueName="approved")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": [EVENT], "detail": {"ModelApprovalStatus": ["Approved"]}}
    events.put_rule(Name="approved", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="approved", Targets=[{"Id": "queue", "Arn": arn}])
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    package = sagemaker.create_model_package(ModelPackageGroupName="churn")["ModelPackageArn"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.sagemaker", EVENT, [package])
    assert event["detail"]["ModelPackageGroupName"] == "churn"
    assert event["detail"]["ModelPackageVersion"] == 1


def test_one_target_does_not_keep_an_event_from_the_others(plane: ControlPlane, world: dict[str, str]) -> None:
    sqs, events, sagemaker, sns = (plane.client(name) for name in ("sqs", "events", "sagemaker", "sns"))
    sagemaker.create_pipeline(
        PipelineName="retrain", PipelineDefinition="{}", RoleArn=world["role"], ClientRequestToken="x" * 32
    )
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:told")
    arns = {
        "function": "arn:aws:lambda:us-east-1:123456789012:function:absent",
        "pipeline": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/retrain",
        "topic": topic,
    }
    targets = [{"Id": name, "Arn": arn} for name, arn in arns.items()]
    targets[1]["RoleArn"] = world["role"]
    for name, state in {"on": "ENABLED", "off": "DISABLED"}.items():
        events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": [EVENT]}), State=state)
        events.put_targets(Rule=name, Targets=targets)
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    sagemaker.create_model_package(ModelPackageGroupName="churn")
    assert len(sagemaker.list_pipeline_executions(PipelineName="retrain")["PipelineExecutionSummaries"]) == 1
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(json.loads(message["Body"])["Message"])["detail-type"] == EVENT


def test_versions_count_up_and_numbers_do_not_return(plane: ControlPlane) -> None:
    sagemaker = plane.client("sagemaker")
    group = sagemaker.create_model_package_group(ModelPackageGroupName="churn")["ModelPackageGroupArn"]

    def create(**more: Any) -> str:
        arn: str = sagemaker.create_model_package(ModelPackageGroupName=group, **more)["ModelPackageArn"]
        return arn

    first, second = create(), create(ModelApprovalStatus="Approved")
    assert [first[-8:], second[-8:]] == ["/churn/1", "/churn/2"]
    listed = sagemaker.list_model_packages(ModelPackageGroupName="churn", ModelApprovalStatus="Approved")
    assert [entry["ModelPackageVersion"] for entry in listed["ModelPackageSummaryList"]] == [2]
    stage = {"Stage": "Production", "StageStatus": "Approved"}
    sagemaker.update_model_package(
        ModelPackageArn=first, ModelLifeCycle=stage, CustomerMetadataProperties={"auc": "0.9"}
    )
    described = sagemaker.describe_model_package(ModelPackageName=first)
    assert described["ModelLifeCycle"] == stage
    assert described["CustomerMetadataProperties"] == {"auc": "0.9"}
    sagemaker.delete_model_package(ModelPackageName=second)
    assert create()[-8:] == "/churn/3"
    newest = sagemaker.list_model_packages(
        ModelPackageGroupName="churn", SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )
    assert newest["ModelPackageSummaryList"][0]["ModelPackageVersion"] == 3


def test_the_policy_of_a_group(plane: ControlPlane) -> None:
    sagemaker = plane.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "sagemaker:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="churn", ResourcePolicy=policy)
    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName="churn")["ResourcePolicy"] == policy
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName="churn")
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="churn")


def test_a_model_needs_an_approved_package(plane: ControlPlane, world: dict[str, str]) -> None:
    sagemaker = plane.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    arn = sagemaker.create_model_package(ModelPackageGroupName="churn")["ModelPackageArn"]
    params: dict[str, Any] = {
        "ModelName": "m",
        "ExecutionRoleArn": world["role"],
        "Containers": [{"ModelPackageName": arn}],
    }
    with pytest.raises(ClientError, match="PendingManualApproval"):
        sagemaker.create_model(**params)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**params, EnableNetworkIsolation=True)
    assert sagemaker.describe_model(ModelName="m")["EnableNetworkIsolation"] is True


@pytest.fixture
def group(plane: ControlPlane, world: dict[str, str]) -> str:
    offline = {"S3StorageConfig": {"S3Uri": "s3://artifacts-1/store"}}
    score = {"FeatureName": "score", "FeatureType": "Fractional"}
    wanted = GROUP | {"FeatureDefinitions": [*FEATURES, score], "OfflineStoreConfig": offline}
    plane.client("sagemaker").create_feature_group(**filled(wanted, world))
    plane.admin("POST", "hurry")
    return "profile"


def record(**values: str) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": value} for name, value in values.items()]


def test_the_table_of_a_group_outlives_it(plane: ControlPlane, group: str, world: dict[str, str]) -> None:
    sagemaker, glue = plane.client("sagemaker"), plane.client("glue")
    catalog = sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreConfig"]["DataCatalogConfig"]
    where = {"DatabaseName": catalog["Database"], "Name": catalog["TableName"]}
    columns = glue.get_table(**where)["Table"]["StorageDescriptor"]["Columns"]
    assert {"Name": "score", "Type": "double"} in columns
    sagemaker.delete_feature_group(FeatureGroupName=group)
    plane.admin("POST", "hurry")
    assert glue.get_table(**where)

    offline = {"S3StorageConfig": {"S3Uri": "s3://artifacts-1/store"}, "DataCatalogConfig": catalog}
    sagemaker.create_feature_group(**filled(GROUP | {"OfflineStoreConfig": offline}, world))
    plane.admin("POST", "hurry")
    failed = sagemaker.describe_feature_group(FeatureGroupName=group)
    assert failed["FeatureGroupStatus"] == "CreateFailed"
    assert "exists already" in failed["FailureReason"]


def test_features_are_added_in_place(plane: ControlPlane, group: str) -> None:
    sagemaker = plane.client("sagemaker")
    before = sagemaker.describe_feature_group(FeatureGroupName=group)
    assert before["FeatureGroupStatus"] == "Created"
    assert before["OfflineStoreConfig"]["DataCatalogConfig"]["Database"] == "sagemaker_featurestore"
    plane.admin("POST", "latency", {"seconds": 3600})
    more = [{"FeatureName": "extra", "FeatureType": "String"}]
    sagemaker.update_feature_group(FeatureGroupName=group, FeatureAdditions=more)
    busy = sagemaker.describe_feature_group(FeatureGroupName=group)
    assert busy["LastUpdateStatus"]["Status"] == "InProgress"
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.update_feature_group(FeatureGroupName=group, FeatureAdditions=more)
    plane.admin("POST", "hurry")
    after = sagemaker.describe_feature_group(FeatureGroupName=group)
    assert after["LastUpdateStatus"]["Status"] == "Successful"
    assert after["FeatureDefinitions"] == [*before["FeatureDefinitions"], *more]
    assert after["CreationTime"] == before["CreationTime"]


def test_records_are_put_read_and_deleted(plane: ControlPlane, group: str) -> None:
    runtime = plane.client("sagemaker-featurestore-runtime")
    key = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "1"}
    new = record(id="1", at="2026-02-01T00:00:00Z", score="0.5")
    runtime.put_record(FeatureGroupName=group, Record=new)
    runtime.put_record(FeatureGroupName=group, Record=record(id="1", at="2026-01-01T00:00:00Z", score="0.1"))
    assert runtime.get_record(**key)["Record"] == new  # the older one did not win
    assert runtime.get_record(**key, FeatureNames=["score"])["Record"] == record(score="0.5")
    wanted = [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": ["1", "2"]}]
    assert [found["Record"] for found in runtime.batch_get_record(Identifiers=wanted)["Records"]] == [new]
    runtime.delete_record(**key, EventTime="2026-03-01T00:00:00Z")
    assert "Record" not in runtime.get_record(**key)


@pytest.mark.parametrize(
    "values",
    [
        {"id": "1", "at": "2026-01-01T00:00:00Z", "score": "high"},
        {"id": "1", "at": "yesterday"},
        {"id": "1", "at": "2026-01-01T00:00:00"},
        {"at": "2026-01-01T00:00:00Z"},
    ],
)
def test_wrong_records_are_refused(plane: ControlPlane, group: str, values: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        plane.client("sagemaker-featurestore-runtime").put_record(FeatureGroupName=group, Record=record(**values))


def test_an_expired_record_is_gone(plane: ControlPlane, group: str) -> None:
    runtime = plane.client("sagemaker-featurestore-runtime")
    old = record(id="1", at="2020-01-01T00:00:00Z")
    runtime.put_record(FeatureGroupName=group, Record=old, TtlDuration={"Unit": "Days", "Value": 1})
    assert "Record" not in runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="1")
