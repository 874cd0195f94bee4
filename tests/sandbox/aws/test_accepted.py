"""Valid requests near the borders, as AWS documents them, that the control plane accepts."""

import json
import re
from typing import Any

import pytest

from support.sandbox.control_plane import ControlPlane, furnish, trust
from support.sandbox.requests_aws import (
    ACTUAL,
    ALARM,
    API,
    BUDGET,
    CAPTURE,
    FEATURES,
    GROUP,
    SERVERLESS,
    SM,
    STATE,
    TARGET,
    VARIANT,
    canary,
    config,
    deploy,
    document,
    email,
    filled,
    linear,
    method,
    rolling,
)

OFFLINE = {"S3Uri": "s3://artifacts-1/fs", "KmsKeyId": "$key"}
PROVISIONED = {"ThroughputMode": "Provisioned", "ProvisionedReadCapacityUnits": 9, "ProvisionedWriteCapacityUnits": 9}
VECTOR = {"CollectionType": "Vector", "CollectionConfig": {"VectorConfig": {"Dimension": 8}}}
ASYNC = {
    "OutputConfig": {"S3OutputPath": "s3://artifacts-1/out"},
    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
}
ONLY_TLS = {"Bool": {"aws:SecureTransport": "false"}}
OWN_ROOT = {"AWS": "arn:aws:iam::123456789012:root"}

# Service, operation, parameters, and the page that allows it.
ACCEPTED: list[tuple[str, str, STATE, str]] = [
    ("sagemaker", "CreateFeatureGroup", GROUP | {"FeatureGroupName": "x" * 64}, f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP | {"OnlineStoreConfig": {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Hours", "Value": 72}}},
     f"{SM}TtlDuration.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP | {"OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "InMemory"},
      "FeatureDefinitions": [*FEATURES, {"FeatureName": "v", "FeatureType": "Fractional"} | VECTOR]},
     f"{SM}FeatureDefinition.html"),
    ("sagemaker", "CreateFeatureGroup",
     {name: value for name, value in GROUP.items() if name != "OnlineStoreConfig"} |
      {"OfflineStoreConfig": {"S3StorageConfig": OFFLINE, "TableFormat": "Iceberg"}},
     f"{SM}OfflineStoreConfig.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP |
      {"ThroughputConfig": PROVISIONED},
     f"{SM}ThroughputConfig.html"),
    ("sagemaker", "UpdateFeatureGroup",
     {"FeatureGroupName": "stored", "FeatureAdditions": [{"FeatureName": "x", "FeatureType": "Integral"}]},
     f"{SM}UpdateFeatureGroup.html"),
    ("sagemaker", "UpdateFeatureGroup",
     {"FeatureGroupName": "stored", "OnlineStoreConfig": {"TtlDuration": {"Unit": "Days", "Value": 1}}},
     f"{SM}UpdateFeatureGroup.html"),
    ("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": "models", "ModelApprovalStatus": "Approved"},
     f"{SM}CreateModelPackage.html"),
    ("sagemaker", "CreateModel", {"ModelName": "bare"} | {"Containers": [{"Image": "$image"}] * 3},
     f"{SM}CreateModel.html"),
    ("sagemaker", "CreateModel",
     {"ModelName": "private", "ExecutionRoleArn": "$role",
      "PrimaryContainer": {"Image": "$image", "ModelDataUrl": "s3://artifacts-1/model.tar.gz"},
      "VpcConfig": {"Subnets": ["$subnet"], "SecurityGroupIds": ["$group"]}, "EnableNetworkIsolation": True},
     f"{SM}VpcConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT | {"InstanceType": "ml.g6.xlarge"}),
     f"{SM}ProductionVariant.html"),
    ("sagemaker", "CreateEndpointConfig", config(SERVERLESS), f"{SM}ProductionVariantServerlessConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT, ShadowProductionVariants=[VARIANT | {"VariantName": "b"}]),
     f"{SM}CreateEndpointConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT, AsyncInferenceConfig=ASYNC),
     f"{SM}AsyncInferenceConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT, KmsKeyId="$key", DataCaptureConfig=CAPTURE),
     f"{SM}DataCaptureConfig.html"),
    ("sagemaker", "CreateEndpointConfig",
     config({name: value for name, value in VARIANT.items() if name != "ModelName"}, ExecutionRoleArn="$role"),
     f"{SM}CreateEndpointConfig.html"),
    ("sagemaker", "UpdateEndpoint", deploy(canary(50)),
     f"{API}/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html"),
    ("sagemaker", "UpdateEndpoint", deploy(linear(10)),
     f"{API}/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html"),
    ("sagemaker", "UpdateEndpoint", deploy(rolling(5)),
     f"{API}/sagemaker/latest/dg/deployment-guardrails-rolling.html"),
    ("sagemaker", "UpdateEndpoint",
     deploy(canary(10) | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "watch"}]}},
      RetainAllVariantProperties=True),
     f"{SM}UpdateEndpoint.html"),
    ("s3", "CreateBucket", {"Bucket": "a-1"}, f"{API}/AmazonS3/latest/userguide/bucketnamingrules.html"),
    ("s3", "PutBucketPolicy",
     {"Bucket": "$bucket",
      "Policy": document(Effect="Deny", Action="s3:*", Resource="arn:aws:s3:::artifacts-1/*", Condition=ONLY_TLS)},
     f"{API}/AmazonS3/latest/userguide/access-control-block-public-access.html"),
    ("kms", "CreateKey", {"Policy": document(Principal=OWN_ROOT, Action="kms:*")},
     f"{API}/kms/latest/developerguide/key-policies.html"),
    ("iam", "CreateRole", {"RoleName": "r" * 64, "AssumeRolePolicyDocument": trust("ec2.amazonaws.com")},
     f"{API}/IAM/latest/APIReference/API_CreateRole.html"),
    ("logs", "PutRetentionPolicy", {"logGroupName": "/jobs", "retentionInDays": 30},
     f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"),
    ("cloudwatch", "PutMetricAlarm", ALARM | {"Period": 10, "TreatMissingData": "notBreaching"},
     f"{API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),
    ("events", "PutTargets",
     {"Rule": "approved",
      "Targets": [{"Id": "1", "Arn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/retrain", "RoleArn": "$role"}]},
     f"{API}/eventbridge/latest/APIReference/API_Target.html"),
    ("sns", "Subscribe", {"TopicArn": "$topic", "Protocol": "email", "Endpoint": "someone@example.com"},
     f"{API}/sns/latest/api/API_Subscribe.html"),
    ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"VisibilityTimeout": "43200"}},
     f"{API}/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"),
    ("budgets", "CreateBudget",
     {"AccountId": "123456789012", "Budget": BUDGET,
      "NotificationsWithSubscribers": [{"Notification": ACTUAL, "Subscribers": [email("a@example.com")]}]},
     f"{API}/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html"),
    ("ec2", "CreateVpcEndpoint",
     {"VpcId": "$vpc", "ServiceName": "com.amazonaws.us-east-1.sagemaker.runtime", "VpcEndpointType": "Interface",
      "SubnetIds": ["$subnet"]},
     f"{API}/vpc/latest/privatelink/aws-services-privatelink-support.html"),
    ("ec2", "CreateVpcEndpoint", {"VpcId": "$vpc", "ServiceName": "com.amazonaws.us-east-1.s3"},
     f"{API}/vpc/latest/privatelink/gateway-endpoints.html"),
    ("application-autoscaling", "RegisterScalableTarget", TARGET | {"MinCapacity": 0, "MaxCapacity": 20},
     f"{API}/autoscaling/application/APIReference/API_RegisterScalableTarget.html"),
    ("application-autoscaling", "RegisterScalableTarget",
     {"ServiceNamespace": "sagemaker", "ResourceId": "inference-component/part",
      "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount", "MinCapacity": 0, "MaxCapacity": 2},
     f"{API}/autoscaling/application/APIReference/API_RegisterScalableTarget.html"),
    ("application-autoscaling", "PutScheduledAction",
     TARGET | {"ScheduledActionName": "n", "Schedule": "cron(0 3 ? * MON *)", "Timezone": "Europe/Zurich",
      "ScalableTargetAction": {"MinCapacity": 1}},
     f"{API}/autoscaling/application/APIReference/API_PutScheduledAction.html"),
    ("cloudcontrol", "CreateResource",
     {"TypeName": "AWS::SageMaker::Endpoint", "DesiredState": json.dumps({"EndpointConfigName": "current"})},
     f"{API}/cloudcontrolapi/latest/APIReference/API_CreateResource.html"),
]  # fmt: skip


@pytest.fixture
def account(plane: ControlPlane) -> dict[str, str]:
    names = furnish(plane)
    sagemaker = plane.client("sagemaker")
    sagemaker.create_feature_group(**filled(GROUP | {"FeatureGroupName": "stored"}, names))
    sagemaker.create_model_package_group(ModelPackageGroupName="models")
    for name, variant in {"current": VARIANT, "next": VARIANT}.items():
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="current")
    plane.admin("POST", "hurry")
    plane.client("application-autoscaling").register_scalable_target(MinCapacity=1, MaxCapacity=3, **TARGET)
    plane.client("logs").create_log_group(logGroupName="/jobs")
    plane.client("cloudwatch").put_metric_alarm(**ALARM | {"AlarmName": "watch"})
    plane.client("events").put_rule(Name="approved", EventPattern='{"source": ["aws.sagemaker"]}')
    return names | {"topic": plane.client("sns").create_topic(Name="alerts")["TopicArn"]}


@pytest.mark.parametrize(
    ("service", "operation", "params", "page"),
    [pytest.param(*line, id=f"{number:02}-{line[0]}-{line[1]}") for number, line in enumerate(ACCEPTED, start=1)],
)
def test_accepted(
    plane: ControlPlane, account: dict[str, str], *, service: str, operation: str, params: STATE, page: str
) -> None:
    response: dict[str, Any] = getattr(plane.client(service, validate=True), method(operation))(
        **filled(params, account)
    )
    assert response["ResponseMetadata"]["HTTPStatusCode"] < 300
    assert re.match(r"https://docs\.aws\.amazon\.com/", page)


def test_the_table_is_long_enough() -> None:
    assert len(ACCEPTED) >= 25
