"""How an outside client finds each kind of resource by its own service's API."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Client(Protocol):
    """Whatever makes boto3 clients."""

    def client(self, service: str) -> Any:
        """Return a client."""
        ...


Find = Callable[[Client, str, Mapping[str, Any]], Any]


def _bucket(operation: str) -> Find:
    return lambda cloud, _id, outputs: getattr(cloud.client("s3"), operation)(Bucket=outputs["bucket"])


def _scaling(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"ServiceNamespace": "sagemaker", "ResourceId": outputs["resourceId"]}


def _one(found: list[Any]) -> Any:
    assert len(found) == 1
    return found[0]


def _rule(cloud: Client, name: str, _outputs: Mapping[str, Any]) -> Any:
    return _one(cloud.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[name])["SecurityGroupRules"])


def _routed(cloud: Client, name: str, outputs: Mapping[str, Any]) -> Any:
    table = _one(cloud.client("ec2").describe_route_tables(RouteTableIds=[outputs["routeTableId"]])["RouteTables"])
    return _one([each for each in table["Associations"] if each["RouteTableAssociationId"] == name])


def _endpoint(cloud: Client, name: str, _outputs: Mapping[str, Any]) -> Any:
    found = cloud.client("sagemaker").describe_endpoint(EndpointName=name.rsplit("/", 1)[-1])
    assert found["EndpointStatus"] == "InService"
    return found


FINDERS: dict[str, Find] = {
    "aws:s3/bucket:Bucket": lambda cloud, name, _: cloud.client("s3").head_bucket(Bucket=name),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket("get_bucket_ownership_controls"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket("get_public_access_block"),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket("get_bucket_versioning"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket(
        "get_bucket_encryption"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket("get_bucket_lifecycle_configuration"),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket("get_bucket_policy"),
    "aws:s3/bucketNotification:BucketNotification": _bucket("get_bucket_notification_configuration"),
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda cloud, _, outputs: cloud.client("s3").head_object(
        Bucket=outputs["bucket"], Key=outputs["key"]
    ),
    "aws:kms/key:Key": lambda cloud, name, _: cloud.client("kms").describe_key(KeyId=name),
    "aws:kms/alias:Alias": lambda cloud, name, _: cloud.client("kms").describe_key(KeyId=name),
    "aws:iam/role:Role": lambda cloud, name, _: cloud.client("iam").get_role(RoleName=name),
    "aws:iam/rolePolicy:RolePolicy": lambda cloud, _, outputs: cloud.client("iam").get_role_policy(
        RoleName=outputs["role"], PolicyName=outputs["name"]
    ),
    "aws:iam/policy:Policy": lambda cloud, name, _: cloud.client("iam").get_policy(PolicyArn=name),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda cloud, _, outputs: _one(
        [
            one
            for one in cloud.client("iam").list_attached_role_policies(RoleName=outputs["role"])["AttachedPolicies"]
            if one["PolicyArn"] == outputs["policyArn"]
        ]
    ),
    "aws:ecr/repository:Repository": lambda cloud, name, _: cloud.client("ecr").describe_repositories(
        repositoryNames=[name]
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lambda cloud, name, _: cloud.client("ecr").get_lifecycle_policy(
        repositoryName=name
    ),
    "aws:cloudwatch/logGroup:LogGroup": lambda cloud, name, _: _one(
        cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda cloud, name, _: _one(
        cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    ),
    "aws:cloudwatch/eventRule:EventRule": lambda cloud, name, _: cloud.client("events").describe_rule(
        Name=name.rsplit("/", 1)[-1]
    ),
    "aws:cloudwatch/eventTarget:EventTarget": lambda cloud, _, outputs: _one(
        cloud.client("events").list_targets_by_rule(Rule=outputs["rule"])["Targets"]
    ),
    "aws:sns/topic:Topic": lambda cloud, name, _: cloud.client("sns").get_topic_attributes(TopicArn=name),
    "aws:sns/topicPolicy:TopicPolicy": lambda cloud, name, _: cloud.client("sns").get_topic_attributes(TopicArn=name),
    "aws:sns/topicSubscription:TopicSubscription": lambda cloud, name, _: cloud.client(
        "sns"
    ).get_subscription_attributes(SubscriptionArn=name),
    "aws:sqs/queue:Queue": lambda cloud, name, _: cloud.client("sqs").get_queue_attributes(QueueUrl=name),
    "aws:sqs/queuePolicy:QueuePolicy": lambda cloud, _, outputs: cloud.client("sqs").get_queue_attributes(
        QueueUrl=outputs["queueUrl"], AttributeNames=["Policy"]
    )["Attributes"]["Policy"],
    "aws:budgets/budget:Budget": lambda cloud, _, outputs: cloud.client("budgets").describe_budget(
        AccountId="123456789012", BudgetName=outputs["name"]
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": lambda cloud, _, outputs: cloud.client("glue").get_database(
        Name=outputs["name"]
    ),
    "aws:glue/catalogTable:CatalogTable": lambda cloud, _, outputs: cloud.client("glue").get_table(
        DatabaseName=outputs["databaseName"], Name=outputs["name"]
    ),
    "aws:secretsmanager/secret:Secret": lambda cloud, name, _: cloud.client("secretsmanager").describe_secret(
        SecretId=name
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": lambda cloud, _, outputs: cloud.client(
        "secretsmanager"
    ).get_secret_value(SecretId=outputs["secretId"], VersionId=outputs["versionId"]),
    "aws:ec2/vpc:Vpc": lambda cloud, name, _: _one(cloud.client("ec2").describe_vpcs(VpcIds=[name])["Vpcs"]),
    "aws:ec2/subnet:Subnet": lambda cloud, name, _: _one(
        cloud.client("ec2").describe_subnets(SubnetIds=[name])["Subnets"]
    ),
    "aws:ec2/routeTable:RouteTable": lambda cloud, name, _: _one(
        cloud.client("ec2").describe_route_tables(RouteTableIds=[name])["RouteTables"]
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _routed,
    "aws:ec2/securityGroup:SecurityGroup": lambda cloud, name, _: _one(
        cloud.client("ec2").describe_security_groups(GroupIds=[name])["SecurityGroups"]
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": lambda cloud, name, _: _one(
        cloud.client("ec2").describe_security_groups(GroupIds=[name])["SecurityGroups"]
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda cloud, name, _: _one(
        cloud.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
    ),
    "aws:ec2/flowLog:FlowLog": lambda cloud, name, _: _one(
        cloud.client("ec2").describe_flow_logs(FlowLogIds=[name])["FlowLogs"]
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule,
    "aws:sagemaker/featureGroup:FeatureGroup": lambda cloud, name, _: cloud.client("sagemaker").describe_feature_group(
        FeatureGroupName=name
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": lambda cloud, name, _: cloud.client(
        "sagemaker"
    ).describe_model_package_group(ModelPackageGroupName=name),
    "aws:sagemaker/model:Model": lambda cloud, name, _: cloud.client("sagemaker").describe_model(ModelName=name),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": lambda cloud, name, _: cloud.client(
        "sagemaker"
    ).describe_endpoint_config(EndpointConfigName=name),
    "aws:sagemaker/mlflowApp:MlflowApp": lambda cloud, name, _: cloud.client("sagemaker").describe_mlflow_app(Arn=name),
    "aws:sagemaker/pipeline:Pipeline": lambda cloud, name, _: cloud.client("sagemaker").describe_pipeline(
        PipelineName=name
    ),
    "aws:sfn/stateMachine:StateMachine": lambda cloud, name, _: cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=name
    ),
    "aws:scheduler/schedule:Schedule": lambda cloud, _, outputs: cloud.client("scheduler").get_schedule(
        GroupName=outputs["groupName"], Name=outputs["name"]
    ),
    "aws:cloudcontrol/resource:Resource": _endpoint,
    "aws:appautoscaling/target:Target": lambda cloud, _, outputs: _one(
        cloud.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[outputs["resourceId"]]
        )["ScalableTargets"]
    ),
    "aws:appautoscaling/policy:Policy": lambda cloud, _, outputs: _one(
        cloud.client("application-autoscaling").describe_scaling_policies(**_scaling(outputs))["ScalingPolicies"]
    ),
}


def find(cloud: Client, kind: str, name: str, outputs: Mapping[str, Any]) -> Any:
    """Find a resource, or fail."""
    found = FINDERS[kind](cloud, name, outputs)
    assert found
    return found
