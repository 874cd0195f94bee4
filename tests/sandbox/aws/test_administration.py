"""What /_sandbox offers, what survives a restart, and how the server behaves as a server."""

import io
import json
import urllib.error
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws import server
from pulumi_mlops_sandbox.serving import LICENCE
from support.sandbox.control_plane import ControlPlane, furnish
from support.sandbox.requests_aws import ACTUAL, ALARM, BUDGET, GROUP, TARGET, VARIANT, filled


def populate(plane: ControlPlane) -> dict[str, str]:
    """Make one of everything that the library uses."""
    names = furnish(plane)
    bucket, key, role = names["bucket"], names["key"], names["role"]
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"}],
        }
    )
    s3, iam, ec2 = plane.client("s3"), plane.client("iam"), plane.client("ec2")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=b"weights")
    plane.client("kms").create_alias(AliasName="alias/platform", TargetKeyId=names["key_id"])
    iam.put_role_policy(RoleName="platform", PolicyName="read", PolicyDocument=document)
    policy = iam.create_policy(PolicyName="shared", PolicyDocument=document)["Policy"]["Arn"]
    for arn in (policy, "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"):
        iam.attach_role_policy(RoleName="platform", PolicyArn=arn)
    plane.client("ecr").create_repository(repositoryName="churn", imageTagMutability="IMMUTABLE")
    plane.client("logs").create_log_group(logGroupName="/jobs")
    plane.client("cloudwatch").put_metric_alarm(**ALARM)
    queue = plane.client("sqs").create_queue(QueueName="approved")["QueueUrl"]
    events = plane.client("events")
    events.put_rule(Name="approved", EventPattern='{"source": ["aws.sagemaker"]}')
    events.put_targets(Rule="approved", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:approved"}])
    topic = plane.client("sns").create_topic(Name="alerts")["TopicArn"]
    plane.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="someone@example.com")
    notification = {"Notification": ACTUAL, "Subscribers": [{"SubscriptionType": "SNS", "Address": topic}]}
    plane.client("budgets").create_budget(
        AccountId="123456789012", Budget=BUDGET, NotificationsWithSubscribers=[notification]
    )
    plane.client("glue").create_database(DatabaseInput={"Name": "features"})
    plane.client("secretsmanager").create_secret(Name="token", SecretString="s", KmsKeyId=key)
    table = ec2.create_route_table(VpcId=names["vpc"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=names["subnet"])
    ec2.create_vpc_endpoint(VpcId=names["vpc"], ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])
    ec2.create_flow_logs(
        ResourceIds=[names["vpc"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=f"arn:aws:s3:::{bucket}/flow",
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("job.py", "def run(event, context): return 1")
    plane.client("lambda").create_function(
        FunctionName="job", Runtime="python3.12", Handler="job.run", Role=role, Code={"ZipFile": code.getvalue()}
    )
    sagemaker = plane.client("sagemaker")
    sagemaker.create_feature_group(**filled(GROUP, names))
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    sagemaker.create_model_package(ModelPackageGroupName="churn")
    sagemaker.create_endpoint_config(EndpointConfigName="current", ProductionVariants=[VARIANT])
    sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="current")
    definition = '{"Version": "2020-12-01", "Steps": []}'
    sagemaker.create_pipeline(
        PipelineName="retrain", PipelineDefinition=definition, RoleArn=role, ClientRequestToken="x" * 32
    )
    plane.admin("POST", "hurry")
    scaling = plane.client("application-autoscaling")
    scaling.register_scalable_target(MinCapacity=1, MaxCapacity=3, **TARGET)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    tracking = {"TargetValue": 70, "PredefinedMetricSpecification": metric}
    scaling.put_scaling_policy(
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
        **TARGET,
    )
    scaling.put_scheduled_action(
        ScheduledActionName="night", Schedule="rate(1 day)", ScalableTargetAction={"MinCapacity": 1}, **TARGET
    )
    online = [
        {"FeatureName": "id", "ValueAsString": "1"},
        {"FeatureName": "at", "ValueAsString": "2026-01-01T00:00:00Z"},
    ]
    plane.client("sagemaker-featurestore-runtime").put_record(FeatureGroupName="profile", Record=online)
    return names | {"queue": queue}


def picture(plane: ControlPlane, names: dict[str, str]) -> dict[str, Any]:
    """Read back through boto3 what a restart must not change."""
    answers = {
        "bucket": plane.client("s3").get_bucket_versioning(Bucket=names["bucket"]),
        "object": plane.client("s3").head_object(Bucket=names["bucket"], Key="model.tar.gz"),
        "key": plane.client("kms").describe_key(KeyId="alias/platform"),
        "role": plane.client("iam").get_role(RoleName="platform"),
        "attached": plane.client("iam").list_attached_role_policies(RoleName="platform"),
        "repository": plane.client("ecr").describe_repositories(),
        "alarm": plane.client("cloudwatch").describe_alarms(),
        "targets": plane.client("events").list_targets_by_rule(Rule="approved"),
        "queue": plane.client("sqs").get_queue_attributes(QueueUrl=names["queue"], AttributeNames=["All"]),
        "subscriptions": plane.client("sns").list_subscriptions(),
        "budget": plane.client("budgets").describe_budget(AccountId="123456789012", BudgetName="monthly"),
        "secret": plane.client("secretsmanager").get_secret_value(SecretId="token"),
        "subnets": plane.client("ec2").describe_subnets(),
        "function": plane.client("lambda").get_function_configuration(FunctionName="job"),
        "group": plane.client("sagemaker").describe_feature_group(FeatureGroupName="profile"),
        "endpoint": plane.client("sagemaker").describe_endpoint(EndpointName="live"),
        "policies": plane.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker"),
        "record": plane.client("sagemaker-featurestore-runtime").get_record(
            FeatureGroupName="profile", RecordIdentifierValueAsString="1"
        ),
    }
    for answer in answers.values():
        del answer["ResponseMetadata"]
    return answers | {"inventory": plane.admin("GET", "inventory")}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ControlPlane]:
    """Run a control plane of one's own, to stop and to kill."""
    plane = ControlPlane(tmp_path)
    plane.start()
    yield plane
    plane.stop()


def test_what_requests_need_is_kept_and_forgotten(plane: ControlPlane) -> None:
    plane.admin("DELETE", "needs")
    plane.client("sqs").create_queue(QueueName="approved")
    assert plane.admin("GET", "needs") == [["sqs:CreateQueue", "arn:aws:sqs:us-east-1:123456789012:approved"]]
    plane.admin("DELETE", "needs")
    assert plane.admin("GET", "needs") == []


def test_a_restart_loses_nothing(own: ControlPlane) -> None:
    names = populate(own)
    before = picture(own, names)
    assert own.stop() == 0
    assert not (own.home / server.READY).exists()
    own.start()
    assert picture(own, names) == before
    own.client("kms").encrypt(KeyId="alias/platform", Plaintext=b"x")  # the key material is there as well
    own.client("s3").put_object(Bucket=names["bucket"], Key="another", Body=b"x")


def test_a_kill_loses_at_most_the_last_instant(own: ControlPlane) -> None:
    own.client("s3").create_bucket(Bucket="artifacts-1")
    own.client("sagemaker").create_model_package_group(ModelPackageGroupName="churn")
    own.admin("POST", "save")
    own.kill()
    own.start()
    assert own.admin("GET", "inventory") == {"s3:Bucket": ["artifacts-1"], "sagemaker:ModelPackageGroup": ["churn"]}


def test_changes_are_saved_by_themselves(own: ControlPlane) -> None:
    own.client("s3").create_bucket(Bucket="artifacts-1")
    state = own.home / "aws-state.pickle"
    assert own.until(lambda: state.exists() and b"artifacts-1" in state.read_bytes())
    assert oct(state.stat().st_mode)[-3:] == "600"


def test_a_new_account_is_empty_and_a_reset_one_too(plane: ControlPlane) -> None:
    for service, operation in {
        "ec2": "describe_vpcs",
        "kms": "list_keys",
        "events": "list_rules",
        "iam": "list_roles",
    }.items():
        getattr(plane.client(service), operation)()
    assert plane.admin("GET", "inventory") == {}
    populate(plane)
    found = plane.admin("GET", "inventory")
    assert found["sagemaker:Endpoint"] == ["live"]
    assert len(found) > 30, sorted(found)
    plane.admin("POST", "reset")
    assert plane.admin("GET", "inventory") == {}


def test_a_key_that_waits_for_its_deletion_is_listed_apart(plane: ControlPlane) -> None:
    kms = plane.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert plane.admin("GET", "inventory") == {"kms:Key": [key]}
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert plane.admin("GET", "inventory") == {"kms:KeyPendingDeletion": [key]}


def test_faults_hit_the_next_calls_and_then_stop(plane: ControlPlane) -> None:
    sagemaker = plane.client("sagemaker")
    plane.admin(
        "POST",
        "faults",
        {"service": "sagemaker", "operation": "ListModels", "error": "ThrottlingException", "count": 2},
    )
    for _ in range(2):
        with pytest.raises(ClientError, match="Rate exceeded"):
            sagemaker.list_models()
    assert sagemaker.list_models()["Models"] == []


def test_a_client_that_retries_survives_throttling(plane: ControlPlane) -> None:
    plane.admin("POST", "faults", {"service": "sqs", "operation": "*", "error": "ThrottlingException", "count": 1})
    assert plane.client("sqs", attempts=3).list_queues()["ResponseMetadata"]["RetryAttempts"] == 1


@pytest.mark.parametrize(
    ("service", "operation", "error"),
    [("sagemaker", "list_models", "ExpiredTokenException"), ("iam", "list_roles", "ExpiredToken")],
)
def test_expired_credentials(plane: ControlPlane, service: str, operation: str, error: str) -> None:
    plane.admin("POST", "faults", {"error": error, "count": None})
    with pytest.raises(ClientError, match=error):
        getattr(plane.client(service), operation)()
    plane.admin("DELETE", "faults")
    getattr(plane.client(service), operation)()


def test_a_wrong_fault_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(urllib.error.HTTPError):
        plane.admin("POST", "faults", {"colour": "red"})


def test_recent_requests_are_listed_without_their_bodies(plane: ControlPlane) -> None:
    plane.client("secretsmanager").create_secret(Name="token", SecretString="do-not-tell")
    requests = plane.admin("GET", "requests")
    assert (requests[-1]["service"], requests[-1]["operation"], requests[-1]["status"]) == (
        "secretsmanager",
        "CreateSecret",
        200,
    )
    assert "do-not-tell" not in json.dumps(requests)


def test_what_nobody_implements_is_named(plane: ControlPlane) -> None:
    with pytest.raises(ClientError) as refusal:
        plane.client("sagemaker").list_spaces()
    assert refusal.value.response["Error"]["Code"] == "SandboxNotImplemented"
    assert "ListSpaces" in str(refusal.value)


def test_it_runs_in_a_sandbox_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(LICENCE, raising=False)
    with pytest.raises(SystemExit):
        server.main([])
    assert LICENCE in capsys.readouterr().err


def test_a_state_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LICENCE, str(tmp_path))
    (tmp_path / "aws-state.pickle").write_bytes(b"not a pickle")
    assert server.main([]) == 1
    assert "aws-state.pickle cannot be read" in capsys.readouterr().err


def test_the_head_of_an_object_tells_its_length(plane: ControlPlane) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="artifacts-1")
    s3.put_object(Bucket="artifacts-1", Key="dir/model.tar.gz", Body=b"weights", Metadata={"auc": "0.9"})
    head = s3.head_object(Bucket="artifacts-1", Key="dir/model.tar.gz")
    assert (head["ContentLength"], head["Metadata"]) == (7, {"auc": "0.9"})
    assert s3.get_object(Bucket="artifacts-1", Key="dir/model.tar.gz")["Body"].read() == b"weights"
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="artifacts-1", Key="absent")


def test_a_new_bucket_has_the_defaults_of_aws(plane: ControlPlane) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="artifacts-1")
    (rule,) = s3.get_bucket_encryption(Bucket="artifacts-1")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(Bucket="artifacts-1")["PublicAccessBlockConfiguration"].values())
    controls = s3.get_bucket_ownership_controls(Bucket="artifacts-1")["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_a_policy_of_scaling_has_its_alarms_and_takes_them_along(plane: ControlPlane) -> None:
    populate(plane)
    scaling, cloudwatch = plane.client("application-autoscaling"), plane.client("cloudwatch")
    alarms = [
        alarm["AlarmName"] for alarm in cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking")["MetricAlarms"]
    ]
    assert len(alarms) == 2
    scaling.deregister_scalable_target(**TARGET)
    assert cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking")["MetricAlarms"] == []
    assert "application-autoscaling:ScalingPolicy" not in plane.admin("GET", "inventory")


def test_budgets_are_updated_tagged_and_have_subscribers(plane: ControlPlane) -> None:
    populate(plane)
    budgets = plane.client("budgets")
    named = {"AccountId": "123456789012", "BudgetName": "monthly"}
    budgets.update_budget(AccountId="123456789012", NewBudget=BUDGET | {"BudgetLimit": {"Amount": "20", "Unit": "USD"}})
    assert budgets.describe_budget(**named)["Budget"]["BudgetLimit"]["Amount"] == "20"
    email = {"SubscriptionType": "EMAIL", "Address": "a@example.com"}
    budgets.create_subscriber(**named, Notification=ACTUAL, Subscriber=email)
    assert email in budgets.describe_subscribers_for_notification(**named, Notification=ACTUAL)["Subscribers"]
    arn = "arn:aws:budgets::123456789012:budget/monthly"
    budgets.tag_resource(ResourceARN=arn, ResourceTags=[{"Key": "stage", "Value": "dev"}])
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == [{"Key": "stage", "Value": "dev"}]
