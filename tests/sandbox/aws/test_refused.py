"""Requests that AWS documents as invalid, and that the control plane refuses with AWS's code."""

import json

import pytest
from botocore.exceptions import ClientError

from support.sandbox.control_plane import ControlPlane, furnish, trust
from support.sandbox.requests_aws import (
    ACTUAL,
    ALARM,
    API,
    BUDGET,
    CAPTURE,
    FEATURES,
    FUNCTION,
    GROUP,
    PIPELINE,
    SERVERLESS,
    SM,
    SMALL,
    STATE,
    TARGET,
    VARIANT,
    blue_green,
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

# Service, operation, parameters, AWS's error code, and the page that says so.
REFUSED: list[tuple[str, str, STATE, str, str]] = [
    # Feature groups
    ("sagemaker", "CreateFeatureGroup", GROUP | {"FeatureGroupName": "-x"},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"FeatureGroupName": "x" * 65},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"EventTimeFeatureName": "when"},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"RecordIdentifierFeatureName": "key"},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP | {"FeatureDefinitions": [FEATURES[0], {"FeatureName": "at", "FeatureType": "Integral"}]},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP | {"FeatureDefinitions": [*FEATURES, {"FeatureName": "x", "FeatureType": "Integer"}]},
     "ValidationException", f"{SM}FeatureDefinition.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP | {"FeatureDefinitions": [*FEATURES, {"FeatureName": "write_time", "FeatureType": "String"}]},
     "ValidationException", f"{SM}FeatureDefinition.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"FeatureDefinitions": [*FEATURES, FEATURES[0]]},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"OnlineStoreConfig": {"EnableOnlineStore": False}},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"RoleArn": "$stranger"},
     "ValidationException", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "CreateFeatureGroup",
     GROUP | {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://nowhere-1/store"}}},
     "ValidationException", f"{SM}S3StorageConfig.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"ThroughputConfig": {"ThroughputMode": "Provisioned"}},
     "ValidationException", f"{SM}ThroughputConfig.html"),
    ("sagemaker", "CreateFeatureGroup", GROUP | {"FeatureGroupName": "stored"},
     "ResourceInUse", f"{SM}CreateFeatureGroup.html"),
    ("sagemaker", "DescribeFeatureGroup", {"FeatureGroupName": "absent"},
     "ResourceNotFound", f"{SM}DescribeFeatureGroup.html"),
    ("sagemaker", "DeleteFeatureGroup", {"FeatureGroupName": "absent"},
     "ResourceNotFound", f"{SM}DeleteFeatureGroup.html"),
    ("sagemaker", "UpdateFeatureGroup",
     {"FeatureGroupName": "stored", "FeatureAdditions": [{"FeatureName": "x", "FeatureType": "String"}],
      "OnlineStoreConfig": {"TtlDuration": {"Unit": "Days", "Value": 3}}},
     "ValidationException", f"{SM}UpdateFeatureGroup.html"),
    ("sagemaker", "UpdateFeatureGroup", {"FeatureGroupName": "stored", "FeatureAdditions": []},
     "ValidationException", f"{SM}UpdateFeatureGroup.html"),
    # The registry
    ("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": "models"},
     "ValidationException", f"{SM}CreateModelPackageGroup.html"),
    ("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": "a_b"},
     "ValidationException", f"{SM}CreateModelPackageGroup.html"),
    ("sagemaker", "DeleteModelPackageGroup", {"ModelPackageGroupName": "models"},
     "ConflictException", f"{SM}DeleteModelPackageGroup.html"),
    ("sagemaker", "DescribeModelPackageGroup", {"ModelPackageGroupName": "absent"},
     "ValidationException", f"{SM}DescribeModelPackageGroup.html"),
    ("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": "absent"},
     "ValidationException", f"{SM}CreateModelPackage.html"),
    ("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": "models", "ModelPackageName": "own"},
     "ValidationException", f"{SM}CreateModelPackage.html"),
    ("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": "models", "ModelApprovalStatus": "Fine"},
     "ValidationException", f"{SM}CreateModelPackage.html"),
    # Models
    ("sagemaker", "CreateModel", {"ModelName": "churn", "PrimaryContainer": {"Image": "$image"}},
     "ValidationException", f"{SM}CreateModel.html"),
    ("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": "$role",
      "PrimaryContainer": {"Image": "763104351884.dkr.ecr.eu-west-1.amazonaws.com/sklearn:1"}},
     "ValidationException", f"{SM}ContainerDefinition.html"),
    ("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": "$role"},
     "ValidationException", f"{SM}CreateModel.html"),
    ("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": "$role", "PrimaryContainer": {}},
     "ValidationException", f"{SM}ContainerDefinition.html"),
    ("sagemaker", "CreateModel",
     {"ModelName": "m", "ExecutionRoleArn": "$stranger", "PrimaryContainer": {"Image": "$image"}},
     "ValidationException", f"{SM}CreateModel.html"),
    ("sagemaker", "CreateModel",
     {"ModelName": "m", "PrimaryContainer": {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/absent:1"}},
     "ValidationException", f"{SM}ContainerDefinition.html"),
    ("sagemaker", "CreateModel",
     {"ModelName": "m", "PrimaryContainer": {"Image": "$image"},
      "VpcConfig": {"Subnets": ["subnet-0"], "SecurityGroupIds": ["$group"]}},
     "ValidationException", f"{SM}VpcConfig.html"),
    ("sagemaker", "DeleteModel", {"ModelName": "absent"}, "ValidationException", f"{SM}DeleteModel.html"),
    # Endpoint configurations
    ("sagemaker", "CreateEndpointConfig", config(VARIANT | {"ModelName": "absent"}),
     "ValidationException", f"{SM}CreateEndpointConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT | {"InstanceType": "ml.m5.tiny"}),
     "ValidationException", f"{SM}ProductionVariant.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT, VARIANT),
     "ValidationException", f"{SM}ProductionVariant.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT | {"InitialInstanceCount": 0}),
     "ValidationException", f"{SM}ProductionVariant.html"),
    ("sagemaker", "CreateEndpointConfig",
     config(VARIANT, VARIANT | {"VariantName": "b"}, ShadowProductionVariants=[VARIANT | {"VariantName": "c"}]),
     "ValidationException", f"{SM}CreateEndpointConfig.html"),
    ("sagemaker", "CreateEndpointConfig",
     config(SERVERLESS | {"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 5}}),
     "ValidationException", f"{SM}ProductionVariantServerlessConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(SERVERLESS | {"InstanceType": "ml.m5.large"}),
     "ValidationException", f"{API}/sagemaker/latest/dg/serverless-endpoints.html"),
    ("sagemaker", "CreateEndpointConfig", config(SERVERLESS, DataCaptureConfig=CAPTURE),
     "ValidationException", f"{API}/sagemaker/latest/dg/serverless-endpoints.html"),
    ("sagemaker", "CreateEndpointConfig",
     config(SERVERLESS | {"ServerlessConfig": SMALL | {"ProvisionedConcurrency": 9}}),
     "ValidationException", f"{SM}ProductionVariantServerlessConfig.html"),
    ("sagemaker", "CreateEndpointConfig",
     config(VARIANT, DataCaptureConfig=CAPTURE | {"InitialSamplingPercentage": 101}),
     "ValidationException", f"{SM}DataCaptureConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT | {"InstanceType": "ml.g5.xlarge"}, KmsKeyId="$key"),
     "ValidationException", f"{SM}CreateEndpointConfig.html"),
    ("sagemaker", "CreateEndpointConfig", config(VARIANT, KmsKeyId="alias/absent"),
     "ValidationException", f"{SM}CreateEndpointConfig.html"),
    # Endpoints
    ("sagemaker", "CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "absent"},
     "ValidationException", f"{SM}CreateEndpoint.html"),
    ("sagemaker", "CreateEndpoint", {"EndpointName": "live", "EndpointConfigName": "current"},
     "ValidationException", f"{SM}CreateEndpoint.html"),
    ("sagemaker", "DescribeEndpoint", {"EndpointName": "absent"}, "ValidationException", f"{SM}DescribeEndpoint.html"),
    ("sagemaker", "UpdateEndpoint", deploy(canary(90)),
     "ValidationException", f"{API}/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html"),
    ("sagemaker", "UpdateEndpoint", deploy(linear(5)),
     "ValidationException", f"{API}/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html"),
    ("sagemaker", "UpdateEndpoint", deploy(rolling(60)),
     "ValidationException", f"{API}/sagemaker/latest/dg/deployment-guardrails-rolling.html"),
    ("sagemaker", "UpdateEndpoint", deploy(canary(10) | rolling(10)),
     "ValidationException", f"{SM}DeploymentConfig.html"),
    ("sagemaker", "UpdateEndpoint", deploy(blue_green({"Type": "CANARY", "WaitIntervalInSeconds": 60})),
     "ValidationException", f"{SM}TrafficRoutingConfig.html"),
    ("sagemaker", "UpdateEndpoint", deploy(canary(10), "renamed"),
     "ValidationException", f"{API}/sagemaker/latest/dg/deployment-guardrails-exclusions.html"),
    ("sagemaker", "UpdateEndpoint", deploy(rolling(10), "double"),
     "ValidationException", f"{API}/sagemaker/latest/dg/deployment-guardrails-exclusions.html"),
    ("sagemaker", "UpdateEndpoint",
     deploy(canary(10) | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "absent"}]}}),
     "ValidationException", f"{API}/sagemaker/latest/dg/deployment-guardrails-configuration.html"),
    ("sagemaker", "UpdateEndpoint",
     {"EndpointName": "live", "EndpointConfigName": "next",
      "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}]},
     "ValidationException", f"{SM}UpdateEndpoint.html"),
    ("sagemaker", "UpdateEndpointWeightsAndCapacities",
     {"EndpointName": "live", "DesiredWeightsAndCapacities": [{"VariantName": "z", "DesiredWeight": 1}]},
     "ValidationException", f"{SM}UpdateEndpointWeightsAndCapacities.html"),
    ("sagemaker", "AddTags",
     {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/live",
      "Tags": [{"Key": "aws:x", "Value": "1"}]},
     "ValidationException", f"{SM}Tag.html"),
    ("sagemaker", "CreatePipeline", PIPELINE | {"PipelineDefinition": "not json"}, "ValidationException",
     f"{SM}CreatePipeline.html"),
    ("sagemaker", "CreatePipeline", PIPELINE | {"RoleArn": "$stranger"}, "ValidationException",
     f"{SM}CreatePipeline.html"),
    # Cloud Control
    ("cloudcontrol", "CreateResource", {"TypeName": "AWS::SageMaker::Nothing", "DesiredState": "{}"},
     "TypeNotFoundException", f"{API}/cloudcontrolapi/latest/APIReference/API_CreateResource.html"),
    ("cloudcontrol", "CreateResource", {"TypeName": "AWS::SageMaker::Endpoint", "DesiredState": "[]"},
     "InvalidRequestException", f"{API}/cloudcontrolapi/latest/APIReference/API_CreateResource.html"),
    ("cloudcontrol", "GetResource", {"TypeName": "AWS::SageMaker::FeatureGroup", "Identifier": "absent"},
     "ResourceNotFoundException", f"{API}/cloudcontrolapi/latest/APIReference/API_GetResource.html"),
    ("cloudcontrol", "UpdateResource",
     {"TypeName": "AWS::SageMaker::FeatureGroup", "Identifier": "stored",
      "PatchDocument": json.dumps([{"op": "replace", "path": "/EventTimeFeatureName", "value": "id"}])},
     "NotUpdatableException", f"{API}/cloudcontrolapi/latest/APIReference/API_UpdateResource.html"),
    # Other services
    ("s3", "CreateBucket", {"Bucket": "Upper-Case"},
     "InvalidBucketName", f"{API}/AmazonS3/latest/userguide/bucketnamingrules.html"),
    ("s3", "CreateBucket", {"Bucket": "192.168.5.4"},
     "InvalidBucketName", f"{API}/AmazonS3/latest/userguide/bucketnamingrules.html"),
    ("s3", "PutBucketPolicy", {"Bucket": "$bucket", "Policy": "{"},
     "MalformedPolicy", f"{API}/AmazonS3/latest/API/ErrorResponses.html"),
    ("s3", "PutBucketPolicy", {"Bucket": "$bucket", "Policy": document(Resource="arn:aws:s3:::other/*")},
     "MalformedPolicy", f"{API}/AmazonS3/latest/API/ErrorResponses.html"),
    ("s3", "PutBucketPolicy",
     {"Bucket": "$bucket", "Policy": document(Action="s3:GetObject", Resource="arn:aws:s3:::artifacts-1/*")},
     "AccessDenied", f"{API}/AmazonS3/latest/userguide/access-control-block-public-access.html"),
    ("s3", "PutBucketAcl", {"Bucket": "$bucket", "ACL": "public-read"},
     "AccessControlListNotSupported", f"{API}/AmazonS3/latest/userguide/about-object-ownership.html"),
    ("kms", "CreateKey", {"Policy": "not json"},
     "MalformedPolicyDocumentException", f"{API}/kms/latest/APIReference/API_CreateKey.html"),
    ("kms", "PutKeyPolicy",
     {"KeyId": "$key_id", "Policy": document(Principal={"AWS": "arn:aws:iam::111122223333:root"}, Action="kms:*")},
     "MalformedPolicyDocumentException", f"{API}/kms/latest/APIReference/API_PutKeyPolicy.html"),
    ("kms", "ScheduleKeyDeletion", {"KeyId": "$key_id", "PendingWindowInDays": 3},
     "ValidationException", f"{API}/kms/latest/APIReference/API_ScheduleKeyDeletion.html"),
    ("iam", "CreateRole", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": trust("ec2.amazonaws.com")},
     "ValidationError", f"{API}/IAM/latest/APIReference/API_CreateRole.html"),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": document(Action="sts:AssumeRole")},
     "MalformedPolicyDocument", f"{API}/IAM/latest/APIReference/API_CreateRole.html"),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}"},
     "MalformedPolicyDocument", f"{API}/IAM/latest/APIReference/API_CreateRole.html"),
    ("logs", "PutRetentionPolicy", {"logGroupName": "/jobs", "retentionInDays": 31},
     "InvalidParameterException", f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"),
    ("logs", "AssociateKmsKey", {"logGroupName": "/jobs", "kmsKeyId": "$key"},
     "InvalidParameterException", f"{API}/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"),
    ("cloudwatch", "PutMetricAlarm", ALARM | {"ComparisonOperator": "Above"},
     "ValidationError", f"{API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),
    ("cloudwatch", "PutMetricAlarm", ALARM | {"Period": 45},
     "ValidationError", f"{API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),
    ("cloudwatch", "PutMetricAlarm", ALARM | {"TreatMissingData": "fine"},
     "ValidationError", f"{API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),
    ("events", "PutTargets",
     {"Rule": "approved", "Targets": [{"Id": "1", "Arn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/retrain"}]},
     "ValidationException", f"{API}/eventbridge/latest/userguide/eb-use-identity-based.html"),
    ("events", "PutRule", {"Name": "nightly", "ScheduleExpression": "every night"},
     "ValidationException", f"{API}/eventbridge/latest/APIReference/API_PutRule.html"),
    ("sns", "Subscribe", {"TopicArn": "$topic", "Protocol": "pigeon", "Endpoint": "x"},
     "InvalidParameter", f"{API}/sns/latest/api/API_Subscribe.html"),
    ("sns", "Subscribe", {"TopicArn": "$topic", "Protocol": "email", "Endpoint": "nobody"},
     "InvalidParameter", f"{API}/sns/latest/api/API_Subscribe.html"),
    ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"VisibilityTimeout": "43201"}},
     "InvalidAttributeValue", f"{API}/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"),
    ("ecr", "CreateRepository", {"repositoryName": "Upper"},
     "InvalidParameterException", f"{API}/AmazonECR/latest/APIReference/API_CreateRepository.html"),
    ("budgets", "CreateBudget", {"AccountId": "123456789012", "Budget": BUDGET | {"BudgetType": "MONEY"}},
     "InvalidParameterException", f"{API}/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html"),
    ("budgets", "CreateBudget",
     {"AccountId": "123456789012", "Budget": BUDGET,
      "NotificationsWithSubscribers": [{"Notification": ACTUAL, "Subscribers": [email("nobody")]}]},
     "InvalidParameterException", f"{API}/aws-cost-management/latest/APIReference/API_budgets_Subscriber.html"),
    ("budgets", "UpdateBudget", {"AccountId": "123456789012", "NewBudget": BUDGET},
     "NotFoundException", f"{API}/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html"),
    ("ec2", "CreateVpcEndpoint", {"VpcId": "$vpc", "ServiceName": "com.amazonaws.us-east-1.nothing"},
     "InvalidServiceName", f"{API}/vpc/latest/privatelink/aws-services-privatelink-support.html"),
    ("ec2", "CreateVpcEndpoint", {"VpcId": "$vpc", "ServiceName": "com.amazonaws.us-east-1.kms"},
     "InvalidParameter", f"{API}/vpc/latest/privatelink/gateway-endpoints.html"),
    ("ec2", "CreateSubnet", {"VpcId": "$vpc", "CidrBlock": "10.0.1.0/24"},
     "InvalidSubnet.Conflict", f"{API}/AWSEC2/latest/APIReference/errors-overview.html"),
    ("lambda", "CreateFunction", FUNCTION | {"Runtime": "python1.0"},
     "InvalidParameterValueException", f"{API}/lambda/latest/api/API_CreateFunction.html"),
    ("lambda", "CreateFunction", FUNCTION | {"Role": "$stranger"},
     "InvalidParameterValueException", f"{API}/lambda/latest/api/API_CreateFunction.html"),
    ("application-autoscaling", "RegisterScalableTarget", TARGET | {"MinCapacity": 5, "MaxCapacity": 2},
     "ValidationException", f"{API}/autoscaling/application/APIReference/API_RegisterScalableTarget.html"),
    ("application-autoscaling", "RegisterScalableTarget",
     TARGET | {"ResourceId": "endpoint/absent/variant/a", "MinCapacity": 1, "MaxCapacity": 2},
     "ValidationException", f"{API}/autoscaling/application/APIReference/API_RegisterScalableTarget.html"),
    ("application-autoscaling", "PutScalingPolicy",
     TARGET | {"ResourceId": "endpoint/absent/variant/a", "PolicyName": "p", "PolicyType": "TargetTrackingScaling"},
     "ObjectNotFoundException", f"{API}/autoscaling/application/APIReference/API_PutScalingPolicy.html"),
    ("application-autoscaling", "PutScheduledAction",
     TARGET | {"ScheduledActionName": "n", "Schedule": "rate(5 minutes)", "Timezone": "Mars/Base",
      "ScalableTargetAction": {"MinCapacity": 1}},
     "ValidationException", f"{API}/autoscaling/application/APIReference/API_PutScheduledAction.html"),
    ("application-autoscaling", "PutScheduledAction",
     TARGET | {"ScheduledActionName": "n", "Schedule": "cron(0 3 * * MON *)",
      "ScalableTargetAction": {"MinCapacity": 1}},
     "ValidationException", f"{API}/autoscaling/application/APIReference/API_PutScheduledAction.html"),
    # The online store
    ("sagemaker-featurestore-runtime", "PutRecord",
     {"FeatureGroupName": "stored", "Record": [{"FeatureName": "id", "ValueAsString": "1"}]},
     "ValidationError", f"{SM}feature_store_PutRecord.html"),
    ("sagemaker-featurestore-runtime", "PutRecord",
     {"FeatureGroupName": "stored",
      "Record": [{"FeatureName": name, "ValueAsString": "2026-01-01T00:00:00Z"} for name in ("id", "at", "more")]},
     "ValidationError", f"{SM}feature_store_PutRecord.html"),
    ("sagemaker-featurestore-runtime", "GetRecord",
     {"FeatureGroupName": "absent", "RecordIdentifierValueAsString": "1"},
     "ResourceNotFound", f"{SM}feature_store_GetRecord.html"),
    ("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "absent", "Body": b"1"},
     "ValidationError", f"{SM}runtime_InvokeEndpoint.html"),
]  # fmt: skip


@pytest.fixture(scope="module")
def account(server: ControlPlane) -> dict[str, str]:
    """Make an account with something to offend against; a refusal changes nothing, so one account serves all lines."""
    server.admin("POST", "reset")
    names = furnish(server)
    sagemaker = server.client("sagemaker")
    sagemaker.create_feature_group(**filled(GROUP | {"FeatureGroupName": "stored"}, names))
    sagemaker.create_model_package_group(ModelPackageGroupName="models")
    sagemaker.create_model_package(ModelPackageGroupName="models")
    second = VARIANT | {"VariantName": "b"}
    for name, variants in {
        "current": [VARIANT],
        "next": [VARIANT],
        "renamed": [second],
        "double": [VARIANT, second],
    }.items():
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="current")
    server.admin("POST", "hurry")
    scaling = server.client("application-autoscaling")
    scaling.register_scalable_target(MinCapacity=1, MaxCapacity=3, **TARGET)
    server.client("logs").create_log_group(logGroupName="/jobs")
    server.client("events").put_rule(Name="approved", EventPattern='{"source": ["aws.sagemaker"]}')
    return names | {"topic": server.client("sns").create_topic(Name="alerts")["TopicArn"]}


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "page"),
    [pytest.param(*line, id=f"{number:02}-{line[0]}-{line[1]}") for number, line in enumerate(REFUSED, start=1)],
)
def test_refused(
    server: ControlPlane, account: dict[str, str], *, service: str, operation: str, params: STATE, code: str, page: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(server.client(service), method(operation))(**filled(params, account))
    assert refusal.value.response["Error"]["Code"] == code, refusal.value
    assert refusal.value.response["Error"]["Message"]
    assert page.startswith("https://docs.aws.amazon.com/")


def test_a_refusal_changes_nothing(server: ControlPlane, account: dict[str, str]) -> None:
    before = server.admin("GET", "inventory")
    client = server.client("sagemaker")
    with pytest.raises(ClientError):
        client.create_endpoint_config(**filled(config(VARIANT | {"ModelName": "absent"}), account))
    assert server.admin("GET", "inventory") == before


def test_the_table_is_long_enough() -> None:
    assert len(REFUSED) >= 55
