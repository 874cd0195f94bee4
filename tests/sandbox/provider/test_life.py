"""The AWS table before the control plane, with boto3 as the second opinion."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from pulumi_mlops_sandbox.aws.provider.cloud import Aws
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret, receive, send
from support.engine_calls import Engine, init_failed
from support.sandbox.fake_cloud import serving

NONE = provider_pb2.DiffResponse.DIFF_NONE


@pytest.fixture
def aws(in_sandbox: Sandbox, tmp_path: Path) -> Iterator[Engine]:
    cloud = Aws()
    for engine in serving(cloud, tmp_path / "creates"):
        engine.stub.Configure(provider_pb2.ConfigureRequest(args=send({"region": "us-east-1"})))
        yield engine


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:dev::p::aws:{token}::{name}"


def policy(*, service: str = "sagemaker.amazonaws.com", action: str = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def made(
    aws: Engine, token: str, inputs: dict[str, Any], name: str = "it"
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    checked, failures = aws.check(inputs, urn=urn(token, name))
    assert failures == {}
    object_id, state = aws.create(checked, urn(token, name))
    return object_id, state, checked


# Each: token, inputs, the inputs after an edit that must be an update in place.
LIVES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "kms/key:Key",
        {"description": "a", "enableKeyRotation": True, "tags": {"a": "b"}},
        {"description": "b", "enableKeyRotation": False},
    ),
    (
        "s3/bucket:Bucket",
        {"forceDestroy": True, "tags": {"a": "b"}},
        {"forceDestroy": True, "tags": {"a": "c", "d": "e"}},
    ),
    (
        "iam/role:Role",
        {"assumeRolePolicy": policy(), "tags": {"a": "b"}},
        {"assumeRolePolicy": policy(service="lambda.amazonaws.com"), "description": "d"},
    ),
    (
        "iam/policy:Policy",
        {
            "policy": policy(action="s3:GetObject", Resource="arn:aws:s3:::a/*").replace(
                '"Principal": {"Service": "sagemaker.amazonaws.com"}, ', ""
            )
        },
        {
            "policy": policy(action="s3:PutObject", Resource="arn:aws:s3:::a/*").replace(
                '"Principal": {"Service": "sagemaker.amazonaws.com"}, ', ""
            )
        },
    ),
    (
        "ecr/repository:Repository",
        {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
        {"imageTagMutability": "MUTABLE", "tags": {"a": "b"}},
    ),
    ("cloudwatch/logGroup:LogGroup", {"retentionInDays": 30}, {"retentionInDays": 60, "tags": {"a": "b"}}),
    (
        "cloudwatch/eventRule:EventRule",
        {"eventPattern": '{"source": ["aws.sagemaker"]}'},
        {"eventPattern": '{"source": ["aws.s3"]}', "description": "d"},
    ),
    (
        "cloudwatch/dashboard:Dashboard",
        {"dashboardName": "drift", "dashboardBody": '{"widgets": []}'},
        {"dashboardName": "drift", "dashboardBody": '{"widgets": [{"type": "text"}]}'},
    ),
    (
        "cloudwatch/metricAlarm:MetricAlarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "metricName": "m",
            "namespace": "n",
            "period": 60,
            "statistic": "Sum",
            "threshold": 1,
            "dimensions": {"A": "b"},
        },
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "metricName": "m",
            "namespace": "n",
            "period": 60,
            "statistic": "Sum",
            "threshold": 2,
            "dimensions": {"A": "b"},
        },
    ),
    ("sns/topic:Topic", {"displayName": "a"}, {"displayName": "b", "tags": {"a": "b"}}),
    (
        "sqs/queue:Queue",
        {"visibilityTimeoutSeconds": 30, "sqsManagedSseEnabled": True},
        {"visibilityTimeoutSeconds": 45, "tags": {"a": "b"}},
    ),
    ("glue/catalogDatabase:CatalogDatabase", {"description": "a"}, {"description": "b", "tags": {"a": "b"}}),
    (
        "budgets/budget:Budget",
        {
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "10",
            "limitUnit": "USD",
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "notificationType": "ACTUAL",
                    "threshold": 80,
                    "thresholdType": "PERCENTAGE",
                    "subscriberEmailAddresses": ["a@example.com"],
                }
            ],
        },
        {
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "20",
            "limitUnit": "USD",
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "notificationType": "ACTUAL",
                    "threshold": 90,
                    "thresholdType": "PERCENTAGE",
                    "subscriberEmailAddresses": ["a@example.com"],
                }
            ],
        },
    ),
    (
        "secretsmanager/secret:Secret",
        {"description": "a", "recoveryWindowInDays": 0},
        {"description": "b", "recoveryWindowInDays": 0, "tags": {"a": "b"}},
    ),
    (
        "ec2/vpc:Vpc",
        {"cidrBlock": "10.9.0.0/16", "enableDnsHostnames": True},
        {"cidrBlock": "10.9.0.0/16", "enableDnsHostnames": False, "tags": {"a": "b"}},
    ),
    (
        "sagemaker/modelPackageGroup:ModelPackageGroup",
        {"modelPackageGroupName": "life"},
        {"modelPackageGroupName": "life", "tags": {"a": "b"}},
    ),
]


@pytest.mark.parametrize(("token", "inputs", "edited"), LIVES, ids=[token.split(":")[1] for token, _, _ in LIVES])
def test_a_life(aws: Engine, token: str, inputs: dict[str, Any], edited: dict[str, Any]) -> None:
    """Create, unchanged, refresh, import, update in place, delete, gone."""
    place = urn(token)
    object_id, state, checked = made(aws, token, inputs)
    assert object_id
    again, _ = aws.check(inputs, checked, place)
    assert aws.diff(checked, again, object_id, place).changes == NONE
    refreshed = aws.read(object_id, checked, state, place)
    assert receive(refreshed.inputs) == checked, "refresh finds no drift"
    assert receive(refreshed.properties) == state, "nor other outputs"

    imported = receive(aws.read(object_id, urn=place).inputs)
    name = {key: item for key, item in checked.items() if key in {"name", "bucket"}}
    program, _ = aws.check({**inputs, **name}, imported, place)
    provider_only = {"forceDestroy", "recoveryWindowInDays"}  # no API returns them
    found = aws.diff(imported, program, object_id, place)
    assert set(found.diffs) <= provider_only, "an import changes nothing"

    wanted, failures = aws.check(edited, checked, place)
    assert failures == {}
    change = aws.diff(checked, wanted, object_id, place)
    assert change.changes != NONE
    assert list(change.replaces) == []
    updated = aws.update(object_id, checked, wanted, place)
    assert receive(aws.read(object_id, wanted, updated, place).inputs) == wanted, "the edit has arrived"

    aws.delete(object_id, wanted, place)
    assert aws.read(object_id, wanted, urn=place).id == ""
    aws.delete(object_id, wanted, place)


class TestWithBoto3:
    def test_a_bucket_and_what_is_set_on_it(self, aws: Engine) -> None:
        s3 = boto3.client("s3")
        name, state, _ = made(aws, "s3/bucket:Bucket", {"tags": {"team": "ml"}}, "Artifacts")
        assert name.startswith("artifacts-"), "lower case, as S3 wants"
        assert state["arn"] == f"arn:aws:s3:::{name}"
        assert state["bucketRegionalDomainName"] == f"{name}.s3.us-east-1.amazonaws.com"
        rule = {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/aws/s3"},
            "bucketKeyEnabled": True,
        }
        made(
            aws,
            "s3/bucketVersioning:BucketVersioning",
            {"bucket": name, "versioningConfiguration": {"status": "Enabled"}},
        )
        made(
            aws,
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            {"bucket": name, "rules": [rule]},
        )
        made(aws, "s3/bucketNotification:BucketNotification", {"bucket": name, "eventbridge": True})
        assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "ml"}]
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        found = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        assert found["ApplyServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": "alias/aws/s3",
        }
        assert s3.get_bucket_notification_configuration(Bucket=name)["EventBridgeConfiguration"] == {}

    def test_a_full_bucket_goes_only_by_force(self, aws: Engine) -> None:
        name, _, checked = made(aws, "s3/bucket:Bucket", {}, "full")
        boto3.client("s3").put_object(Bucket=name, Key="k", Body=b"v")
        with pytest.raises(grpc.RpcError, match="sandbox aws: BucketNotEmpty"):
            aws.delete(name, checked, urn("s3/bucket:Bucket", "full"))
        aws.delete(name, {**checked, "forceDestroy": True}, urn("s3/bucket:Bucket", "full"))

    def test_drift_made_by_another_client_is_found(self, aws: Engine) -> None:
        name, state, checked = made(
            aws, "sqs/queue:Queue", {"visibilityTimeoutSeconds": 30, "tags": {"a": "b"}}, "drift"
        )
        sqs = boto3.client("sqs")
        sqs.set_queue_attributes(QueueUrl=name, Attributes={"VisibilityTimeout": "99"})
        sqs.tag_queue(QueueUrl=name, Tags={"by": "hand"})
        found = receive(aws.read(name, checked, state, urn("sqs/queue:Queue", "drift")).inputs)
        assert found == {**checked, "visibilityTimeoutSeconds": 99, "tags": {"a": "b", "by": "hand"}}

    def test_a_secret_is_nowhere_in_the_clear(self, aws: Engine) -> None:
        secret, _, _ = made(aws, "secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}, "token")
        _, state, _ = made(
            aws,
            "secretsmanager/secretVersion:SecretVersion",
            {"secretId": secret, "secretString": Secret("hunter2hunter2")},
        )
        assert state["secretString"] == Secret("hunter2hunter2")
        assert boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "hunter2hunter2"

    def test_default_tags_are_under_the_resources_own(self, in_sandbox: Sandbox, tmp_path: Path) -> None:
        config = {"region": "us-east-1", "defaultTags": json.dumps({"tags": {"project": "churn", "stage": "dev"}})}
        for engine in serving(Aws(), tmp_path / "tagged"):
            engine.stub.Configure(provider_pb2.ConfigureRequest(args=send(config)))
            place = urn("sns/topic:Topic", "tagged")
            checked, _ = engine.check({"tags": {"stage": "prod"}}, urn=place)
            arn, state = engine.create(checked, place)
            assert state["tags"] == {"stage": "prod"}
            assert state["tagsAll"] == {"project": "churn", "stage": "prod"}
            found = boto3.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
            assert {item["Key"]: item["Value"] for item in found} == {"project": "churn", "stage": "prod"}
            assert receive(engine.read(arn, checked, state, place).inputs) == checked


class TestErrors:
    def test_an_account_that_is_not_allowed(self, in_sandbox: Sandbox, tmp_path: Path) -> None:
        for engine in serving(Aws(), tmp_path):
            with pytest.raises(
                grpc.RpcError, match=r"sandbox aws: account 123456789012 is not among allowedAccountIds"
            ):
                engine.stub.Configure(
                    provider_pb2.ConfigureRequest(args=send({"allowedAccountIds": '["999999999999"]'}))
                )

    def test_the_control_plane_is_down(
        self, in_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        for engine in serving(Aws(), tmp_path):
            with pytest.raises(grpc.RpcError, match=r"does not answer; start it with `pulumi-mlops sandbox up`"):
                engine.create({"name": "x"}, urn("sns/topic:Topic"))

    def test_an_unknown_resource_is_named_with_the_nearest(self, aws: Engine) -> None:
        with pytest.raises(
            grpc.RpcError, match="no resource 'aws:s3/buckett:Buckett'; did you mean 'aws:s3/bucket:Bucket'"
        ):
            aws.check({}, urn=urn("s3/buckett:Buckett"))

    def test_a_refused_property_is_named(self, aws: Engine) -> None:
        _, failures = aws.check({"acl": "private"}, urn=urn("s3/bucket:Bucket"))
        assert "does not carry 'acl'" in failures["acl"]

    def test_throttling_and_expired_credentials(self, aws: Engine, in_sandbox: Sandbox) -> None:
        fault(in_sandbox, "sns", "CreateTopic", "ThrottlingException", 3)
        assert made(aws, "sns/topic:Topic", {}, "slow")[0], "tried again"
        fault(in_sandbox, "sns", "CreateTopic", "ExpiredToken", 1)
        with pytest.raises(grpc.RpcError, match=r"sandbox aws: ExpiredToken: .*renew"):
            made(aws, "sns/topic:Topic", {}, "late")


def fault(sandbox: Sandbox, service: str, operation: str, code: str, times: int) -> None:
    body = json.dumps({"service": service, "operation": operation, "error": code, "count": times}).encode()
    address = f"{sandbox.env()['AWS_ENDPOINT_URL']}/_sandbox/faults"
    urllib.request.urlopen(
        urllib.request.Request(address, body, {"Content-Type": "application/json"}), timeout=10
    ).close()


class TestCloudControl:
    TOKEN = "cloudcontrol/resource:Resource"

    def test_what_can_only_be_set_at_creation_replaces(self, aws: Engine) -> None:
        def inputs(**state: Any) -> dict[str, Any]:
            return {"typeName": "AWS::SageMaker::FeatureGroup", "desiredState": json.dumps(state)}

        old = inputs(FeatureGroupName="a", Description="x", FeatureDefinitions=[1])
        added = aws.diff(
            old, inputs(FeatureGroupName="a", Description="x", FeatureDefinitions=[1, 2]), "a", urn(self.TOKEN)
        )
        assert list(added.replaces) == []
        renamed = aws.diff(
            old, inputs(FeatureGroupName="b", Description="x", FeatureDefinitions=[1]), "a", urn(self.TOKEN)
        )
        assert list(renamed.replaces) == ["desiredState"]
        spaced = {**old, "desiredState": old["desiredState"].replace(":", " : ")}
        assert aws.diff(old, spaced, "a", urn(self.TOKEN)).changes == NONE

    def test_an_unknown_state_is_an_update(self, aws: Engine) -> None:
        old = {"typeName": "AWS::SageMaker::Endpoint", "desiredState": "{}"}
        assert list(aws.diff(old, {**old, "desiredState": UNKNOWN}, "a", urn(self.TOKEN)).replaces) == []

    def test_a_failed_request_tells_why(self, aws: Engine) -> None:
        state = json.dumps({"EndpointName": "x", "EndpointConfigName": "there-is-none"})
        with pytest.raises(grpc.RpcError, match=r"sandbox aws: AWS::SageMaker::Endpoint: create_resource FAILED: "):
            aws.create({"typeName": "AWS::SageMaker::Endpoint", "desiredState": state}, urn(self.TOKEN))

    def test_a_failed_update_is_recorded_and_only_a_difference_is_sent(self, aws: Engine, in_sandbox: Sandbox) -> None:
        role, state, _ = made(aws, "iam/role:Role", {"assumeRolePolicy": policy()}, "controlled")
        assert role

        def inputs(hours: int) -> dict[str, Any]:
            ttl = {"Unit": "Hours", "Value": hours}
            features = [{"FeatureName": name, "FeatureType": "String"} for name in ("id", "t")]
            desired = {
                "FeatureGroupName": "controlled",
                "RecordIdentifierFeatureName": "id",
                "EventTimeFeatureName": "t",
                "FeatureDefinitions": features,
                "RoleArn": state["arn"],
                "OnlineStoreConfig": {"EnableOnlineStore": True, "TtlDuration": ttl},
            }
            return {"typeName": "AWS::SageMaker::FeatureGroup", "desiredState": json.dumps(desired)}

        place = urn(self.TOKEN)
        object_id, created = aws.create(inputs(72), place)
        assert json.loads(created["properties"])["OnlineStoreConfig"]["TtlDuration"]["Value"] == 72
        fault(in_sandbox, "cloudcontrol", "UpdateResource", "GeneralServiceException", 1)
        with pytest.raises(grpc.RpcError, match="GeneralServiceException") as caught:
            aws.update(object_id, inputs(72), inputs(48), place)
        assert init_failed(caught.value).id == object_id
        again = aws.update(object_id, inputs(48), inputs(48), place)  # as the real provider: nothing differs
        assert json.loads(again["properties"])["OnlineStoreConfig"]["TtlDuration"]["Value"] == 72
        other = aws.update(object_id, inputs(48), inputs(24), place)
        assert json.loads(other["properties"])["OnlineStoreConfig"]["TtlDuration"]["Value"] == 24
        aws.delete(object_id, inputs(24), place)
        assert aws.read(object_id, inputs(24), urn=place).id == ""
