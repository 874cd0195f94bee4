"""One of each resource that the stand-in provider carries."""

import json

import pulumi
import pulumi_aws as aws

EDITION = pulumi.Config().get("edition") or "1"
FIRST = EDITION == "1"
TAGS = {"edition": EDITION}
ACCOUNT = aws.get_caller_identity().account_id
ZONE = aws.get_availability_zones(state="available").names[0]
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.0"


def policy(actions: list[str], resource: object = None, **more: object) -> pulumi.Output[str]:
    """Write a policy of one statement."""
    statement = {"Effect": "Allow", "Action": actions, **({"Resource": resource} if resource else {}), **more}
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]})


def service(*names: str) -> dict[str, object]:
    """Name services as a principal."""
    return {"Service": [f"{name}.amazonaws.com" for name in names]}


# Keys, identities, secrets
key = aws.kms.Key(
    "key", description=f"edition {EDITION}", enable_key_rotation=True, deletion_window_in_days=7, tags=TAGS
)
aws.kms.Alias("alias", target_key_id=key.key_id)
trust = policy(["sts:AssumeRole"], Principal=service("sagemaker", "lambda", "vpc-flow-logs"))
role = aws.iam.Role("role", assume_role_policy=trust, description=EDITION, tags=TAGS)
grant = aws.iam.RolePolicy("grant", role=role.name, policy=policy(["s3:GetObject"], f"arn:aws:s3:::{EDITION}/*"))
managed = aws.iam.Policy("managed", policy=policy(["s3:PutObject"], f"arn:aws:s3:::{EDITION}/*"), tags=TAGS)
# What writes and starts with the role is judged by its policies.
services = ("s3", "kms", "glue", "ecr", "logs", "ec2", "lambda", "cloudwatch")
works = aws.iam.RolePolicy("works", role=role.name, policy=policy([f"{name}:*" for name in services], "*"))
able = pulumi.Output.all(role.arn, works.id).apply(lambda known: str(known[0]))
aws.iam.RolePolicyAttachment("attachment", role=role.name, policy_arn=managed.arn)
secret = aws.secretsmanager.Secret("secret", recovery_window_in_days=0, description=EDITION, tags=TAGS)
aws.secretsmanager.SecretVersion("value", secret_id=secret.id, secret_string=pulumi.Output.secret("hunter2hunter2"))

# Storage
bucket = aws.s3.Bucket("Artifacts", force_destroy=True, tags=TAGS)
aws.s3.BucketVersioning("versioning", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
aws.s3.BucketServerSideEncryptionConfiguration(
    "encryption",
    bucket=bucket.id,
    rules=[
        {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn},
            "bucket_key_enabled": True,
        }
    ],
)
aws.s3.BucketObjectv2("object", bucket=bucket.id, key="setup/start.sh", content=EDITION)
aws.s3.BucketPublicAccessBlock(
    "block",
    bucket=bucket.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
aws.s3.BucketOwnershipControls("owner", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"})
aws.s3.BucketLifecycleConfiguration(
    "lifecycle",
    bucket=bucket.id,
    rules=[
        {"id": "tmp", "status": "Enabled", "filter": {"prefix": "tmp/"}, "expiration": {"days": 7 if FIRST else 8}},
        {
            "id": "old",
            "status": "Enabled",
            "filter": {},
            "noncurrent_version_expiration": {"noncurrent_days": 30},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        },
    ],
)
aws.s3.ObjectCopy(
    "copy",
    bucket=bucket.bucket,
    key="copied/model.tar.gz",
    source="source-of-copies/model.tar.gz",  # the test has put it there
    server_side_encryption="aws:kms",
    kms_key_id=key.arn,
    tagging_directive="REPLACE",
)
aws.s3.BucketObjectv2(
    "text",
    bucket=bucket.bucket,
    key="texts/setup.sh",
    content=f"#!/bin/sh\necho {EDITION}\n",
    content_type="text/x-shellscript",
    server_side_encryption="aws:kms",
    kms_key_id=key.arn,
)
aws.s3.BucketNotification("events", bucket=bucket.id, eventbridge=True)
aws.s3.BucketPolicy(
    "tls",
    bucket=bucket.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": f"Edition{EDITION}",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": ["s3:*"],
                    "Resource": [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    ),
)
images = aws.ecr.Repository(
    "Images",
    image_tag_mutability="IMMUTABLE" if FIRST else "MUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
    tags=TAGS,
)
selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
aws.ecr.LifecyclePolicy(
    "untagged",
    repository=images.name,
    policy=json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}),
)
owner = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
aws.ecr.RepositoryPolicy("pull", repository=images.name, policy=policy(["ecr:BatchGetImage"], Principal=owner))
catalogue = aws.glue.CatalogDatabase("database", name="everything", description=EDITION, tags=TAGS)
aws.glue.CatalogTable(
    "table",
    name="rows",
    database_name=catalogue.name,
    description=EDITION,
    table_type="EXTERNAL_TABLE",
    parameters={
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"NOW-{30 if FIRST else 60}DAYS,NOW",
        "storage.location.template": pulumi.Output.format("s3://{0}/dt=${{dt}}/", bucket.id),
    },
    partition_keys=[{"name": "dt", "type": "string"}],
    storage_descriptor={
        "location": pulumi.Output.format("s3://{0}/", bucket.id),
        "columns": [{"name": "id", "type": "string" if FIRST else "bigint"}],
        "input_format": "org.apache.hadoop.mapred.TextInputFormat",
        "output_format": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "ser_de_info": {"serialization_library": "org.openx.data.jsonserde.JsonSerDe"},
    },
)

# Messages, logs, alarms, cost
topic = aws.sns.Topic("topic", kms_master_key_id=key.id, display_name=EDITION, tags=TAGS)
aws.sns.TopicPolicy("publish", arn=topic.arn, policy=policy(["sns:Publish"], topic.arn, Principal=service("events")))
queue = aws.sqs.Queue("queue", visibility_timeout_seconds=30 if FIRST else 45, tags=TAGS)
sending = policy(["sqs:SendMessage"], queue.arn, Principal=service("events"))
aws.sqs.QueuePolicy("send", queue_url=queue.url, policy=sending)
aws.sns.TopicSubscription("subscription", topic=topic.arn, protocol="sqs", endpoint=queue.arn)
logs = aws.cloudwatch.LogGroup("logs", retention_in_days=30 if FIRST else 60, tags=TAGS)
aws.cloudwatch.MetricAlarm(
    "alarm",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=2,
    metric_name="Invocation5XXErrors",
    namespace="AWS/SageMaker",
    period=60,
    statistic="Sum",
    threshold=1 if FIRST else 2,
    dimensions={"EndpointName": "x", "VariantName": "main"},
    alarm_actions=[topic.arn],
    treat_missing_data="notBreaching",
    tags=TAGS,
)
aws.cloudwatch.Dashboard("dashboard", dashboard_name="drift", dashboard_body=json.dumps({"widgets": [], "x": EDITION}))
pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"]}
rule = aws.cloudwatch.EventRule("rule", description=EDITION, event_pattern=json.dumps(pattern), tags=TAGS)
aws.cloudwatch.EventTarget(
    "target",
    rule=rule.name,
    arn=queue.arn,
    retry_policy={"maximum_retry_attempts": 3 if FIRST else 4, "maximum_event_age_in_seconds": 300},
)
trusted = aws.iam.Role(
    "starts", assume_role_policy=policy(["sts:AssumeRole"], Principal=service("scheduler")), tags=TAGS
)
looks = aws.iam.Role("looks", assume_role_policy=policy(["sts:AssumeRole"], Principal=service("states")), tags=TAGS)
aws.sfn.StateMachine(
    "machine",
    definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed" if FIRST else "Fail"}}}),
    role_arn=looks.arn,
    tags=TAGS,
)
aws.scheduler.Schedule(
    "schedule",
    schedule_expression="cron(0 3 ? * MON *)" if FIRST else "cron(0 4 ? * MON *)",
    schedule_expression_timezone="Europe/Berlin",
    flexible_time_window={"mode": "OFF"},
    kms_key_arn=key.arn,
    target={"arn": queue.arn, "role_arn": trusted.arn},
)
aws.budgets.Budget(
    "budget",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="200" if FIRST else "300",
    limit_unit="USD",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": "ACTUAL",
            "threshold": 80 if FIRST else 90,
            "threshold_type": "PERCENTAGE",
            "subscriber_email_addresses": ["a@example.com"],
        }
    ],
    cost_filters=[{"name": "TagKeyValue", "values": ["user:project$churn"]}],
    tags=TAGS,
)

# Network
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags=TAGS)
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.1.0/24", availability_zone=ZONE, tags=TAGS)
table = aws.ec2.RouteTable("routes", vpc_id=vpc.id, tags=TAGS)
aws.ec2.RouteTableAssociation("association", route_table_id=table.id, subnet_id=subnet.id)
aws.ec2.DefaultSecurityGroup("default", vpc_id=vpc.id, tags=TAGS)
group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description="own rules", tags=TAGS)
https = {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/16"]}
inline = aws.ec2.SecurityGroup("inline", vpc_id=vpc.id, description="rules inside", ingress=[https])
aws.vpc.SecurityGroupIngressRule(
    "ingress",
    security_group_id=group.id,
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    cidr_ipv4="10.0.0.0/16",
    description=EDITION,
    tags=TAGS,
)
aws.vpc.SecurityGroupEgressRule(
    "egress", security_group_id=group.id, ip_protocol="-1", referenced_security_group_id=inline.id
)
aws.ec2.VpcEndpoint(
    "gateway", vpc_id=vpc.id, service_name="com.amazonaws.us-east-1.s3", route_table_ids=[table.id], tags=TAGS
)
aws.ec2.VpcEndpoint(
    "interface",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.sagemaker.runtime",
    vpc_endpoint_type="Interface",
    subnet_ids=[subnet.id],
    security_group_ids=[group.id] if FIRST else [group.id, inline.id],
    private_dns_enabled=True,
    tags=TAGS,
)
aws.ec2.FlowLog("flow", vpc_id=vpc.id, traffic_type="ALL", log_destination=logs.arn, iam_role_arn=able, tags=TAGS)

# Functions
function = aws.lambda_.Function(
    "function",
    role=able,
    runtime="python3.12",
    handler="main.handle",
    code=pulumi.AssetArchive({"main.py": pulumi.StringAsset(f"def handle(event, context):\n    return {EDITION}\n")}),
    environment={"variables": {"EDITION": EDITION}},
    timeout=30,
    tags=TAGS,
)
aws.lambda_.Permission(
    "invoke",
    action="lambda:InvokeFunction",
    function=function.name,
    principal="events.amazonaws.com",
    source_arn=rule.arn,
)

# SageMaker
models = aws.sagemaker.ModelPackageGroup("models", model_package_group_name="everything", tags=TAGS)
aws.sagemaker.ModelPackageGroupPolicy(
    "consumers",
    model_package_group_name=models.model_package_group_name,
    resource_policy=policy(["sagemaker:DescribeModelPackageGroup"], models.arn, Principal=owner, Sid=f"E{EDITION}"),
)
keeper = aws.iam.Role("keeper", assume_role_policy=trust, tags=TAGS)
aws.sagemaker.MlflowApp(
    "runs",
    name=f"everything-{EDITION}",
    artifact_store_uri=pulumi.Output.concat("s3://", bucket.bucket, f"/{EDITION}/"),
    role_arn=keeper.arn,
    tags=TAGS,
)
aws.sagemaker.MlflowTrackingServer(
    "large-runs",
    tracking_server_name="everything",
    tracking_server_size="Small" if FIRST else "Large",
    artifact_store_uri=pulumi.Output.concat("s3://", bucket.bucket, "/runs/"),
    role_arn=keeper.arn,
    tags=TAGS,
)
aws.sagemaker.Pipeline(
    "pipeline",
    pipeline_name="everything",
    pipeline_display_name="everything",
    pipeline_definition=json.dumps({"Version": "2020-12-01", "Metadata": {"edition": EDITION}, "Steps": []}),
    role_arn=able,
    parallelism_configuration={"max_parallel_execution_steps": 2 if FIRST else 3},
    tags=TAGS,
    opts=pulumi.ResourceOptions(depends_on=[grant]),
)
model = aws.sagemaker.Model(
    "model",
    execution_role_arn=able,
    primary_container={"image": IMAGE, "environment": {"A": "b"}},
    tags=TAGS,
    opts=pulumi.ResourceOptions(depends_on=[grant]),
)
configuration = aws.sagemaker.EndpointConfiguration(
    "configuration",
    production_variants=[
        {
            "variant_name": "main",
            "model_name": model.name,
            "initial_instance_count": 1 if FIRST else 2,
            "instance_type": "ml.m5.large",
            "initial_variant_weight": 1.0,
        }
    ],
    data_capture_config={
        "enable_capture": True,
        "initial_sampling_percentage": 20,
        "destination_s3_uri": pulumi.Output.concat("s3://", bucket.bucket, "/captured"),
        "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
    },
)
asked = aws.sagemaker.Endpoint(
    "endpoint",
    endpoint_config_name=configuration.name,
    deployment_config={
        "blue_green_update_policy": {
            "traffic_routing_configuration": {"type": "ALL_AT_ONCE", "wait_interval_in_seconds": 0}
        }
    },
    tags=TAGS,
)
quality = aws.sagemaker.DataQualityJobDefinition(
    "quality",
    data_quality_app_specification={"image_uri": IMAGE},
    data_quality_baseline_config={
        "constraints_resource": {"s3_uri": pulumi.Output.concat("s3://", bucket.bucket, "/constraints.json")}
    },
    data_quality_job_input={"endpoint_input": {"endpoint_name": asked.name, "local_path": "/opt/ml/processing/in"}},
    data_quality_job_output_config={
        "kms_key_id": key.arn,
        "monitoring_outputs": {
            "s3_output": {
                "s3_uri": pulumi.Output.concat("s3://", bucket.bucket, "/looks"),
                "local_path": "/opt/ml/processing/out",
            }
        },
    },
    job_resources={"cluster_config": {"instance_count": 1, "instance_type": "ml.m5.large", "volume_size_in_gb": 20}},
    role_arn=able,
    tags=TAGS,
)
aws.sagemaker.MonitoringSchedule(
    "looks",
    monitoring_schedule_config={
        "monitoring_job_definition_name": quality.name,
        "monitoring_type": "DataQuality",
        "schedule_config": {"schedule_expression": "cron(0 * ? * * *)" if FIRST else "cron(0 6 ? * * *)"},
    },
    tags=TAGS,
)
state = {
    "EndpointName": "everything",
    "EndpointConfigName": configuration.name,
    "RetainAllVariantProperties": True,
    "Tags": [{"Key": "edition", "Value": EDITION}],
}
controlled = aws.cloudcontrol.Resource(
    "controlled", type_name="AWS::SageMaker::Endpoint", desired_state=pulumi.Output.json_dumps(state)
)
aws.sagemaker.FeatureGroup(
    "profile",
    feature_group_name="everything",
    record_identifier_feature_name="id",
    event_time_feature_name="t",
    role_arn=able,
    feature_definitions=[
        {"feature_name": "id", "feature_type": "String"},
        {"feature_name": "t", "feature_type": "String"},
    ],
    online_store_config={
        "enable_online_store": True,
        "ttl_duration": {"unit": "Hours", "value": 72 if FIRST else 48},
    },
    offline_store_config={
        "s3_storage_config": {"s3_uri": pulumi.Output.concat("s3://", bucket.bucket, "/features")},
        # In a database of its own, with which its table goes.
        "data_catalog_config": {"catalog": "AwsDataCatalog", "database": catalogue.name, "table_name": "everything"},
    },
    tags=TAGS,
)

# Scaling
target = aws.appautoscaling.Target(
    "scaled",
    service_namespace="sagemaker",
    scalable_dimension="sagemaker:variant:DesiredInstanceCount",
    resource_id="endpoint/everything/variant/main",
    min_capacity=1,
    max_capacity=3 if FIRST else 4,
    tags=TAGS,
    opts=pulumi.ResourceOptions(depends_on=[controlled]),
)
where = {
    "service_namespace": target.service_namespace,
    "scalable_dimension": target.scalable_dimension,
    "resource_id": target.resource_id,
}
aws.appautoscaling.Policy(
    "load",
    policy_type="TargetTrackingScaling",
    target_tracking_scaling_policy_configuration={
        "target_value": 100 if FIRST else 200,
        "predefined_metric_specification": {"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"},
        "scale_in_cooldown": 300,
    },
    **where,
)
aws.appautoscaling.ScheduledAction(
    "morning",
    schedule="cron(0 8 * * ? *)" if FIRST else "cron(0 9 * * ? *)",
    scalable_target_action={"min_capacity": 1, "max_capacity": 2},
    **where,
)

pulumi.export("secretArn", secret.arn)
