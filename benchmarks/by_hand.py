"""The yardstick: what `serving.py` declares in stage dev, written by hand in plain pulumi-aws.

The same resources with the same inputs, which `run.py` checks, and nothing of this library. It is a program as an
engineer writes it who knows the account and both services: functions where something is repeated, no components.
The version to deploy is pinned in the configuration; with `look_up` it is asked for, as the library does.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

PROJECT, STAGE = "churn", "dev"
GROUP = f"{PROJECT}-{STAGE}-models-churn"
WORD = "49e53f"
"""What keeps names apart that a region has once; the library works it out of platform and stage."""
SERVICES = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com"]

config = pulumi.Config()
account = aws.get_caller_identity_output().account_id
region = aws.get_region_output().region
partition = aws.get_partition_output().partition
own_account = {"StringEquals": {"aws:SourceAccount": account}}


def tags(component: str) -> dict[str, str]:
    """Say what a resource belongs to."""
    return {
        "project": PROJECT,
        "stage": STAGE,
        "component": component,
        "managed-by": "pulumi-mlops",
        "owner": config.require("owner"),
    }


def allow(actions: list[str], resource: Any, condition: Any = None, **more: Any) -> dict[str, Any]:
    """Write a statement."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource, **more}
    return {**statement, "Condition": condition} if condition else statement


def policy(*statements: dict[str, Any]) -> Output[str]:
    """Write a policy."""
    return Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Hub:
    """What everything else builds on."""

    key: Output[str]
    bucket: Output[str]
    repository: Output[str]
    topic: Output[str]
    log_days: Output[int | None]


def hub() -> Hub:
    """Declare key, bucket, repository, logs, alerts and budget."""
    owned = tags(f"Platform/{PROJECT}")
    key = aws.kms.Key(
        "churn-key",
        description="Everything of platform churn (dev)",
        policy=policy(
            allow(
                ["kms:*"],
                "*",
                Sid="IamDecides",
                Principal={"AWS": Output.format("arn:{0}:iam::{1}:root", partition, account)},
            ),
            allow(
                ["kms:Decrypt", "kms:GenerateDataKey*", "kms:Encrypt", "kms:ReEncrypt*", "kms:DescribeKey"],
                "*",
                {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": Output.format(
                            "arn:{0}:logs:{1}:{2}:*", partition, region, account
                        )
                    }
                },
                Sid="Logs",
                Principal={"Service": Output.format("logs.{0}.amazonaws.com", region)},
            ),
            allow(
                ["kms:Decrypt", "kms:GenerateDataKey*"], "*", own_account, Sid="Alerts", Principal={"Service": SERVICES}
            ),
        ),
        enable_key_rotation=True,
        deletion_window_in_days=7,
        tags=owned,
    )
    aws.kms.Alias("churn-alias", name="alias/churn-dev", target_key_id=key.key_id)
    bucket = artifacts(key.arn, owned)
    repository = aws.ecr.Repository(
        "churn-image-churn",
        name="churn-dev/churn",
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration={"scan_on_push": True},
        encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
        force_delete=True,
        tags=owned,
    )
    aws.ecr.LifecyclePolicy(
        "churn-image-churn-lifecycle",
        repository=repository.name,
        policy=json.dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "description": "Layers that no tag holds",
                        "selection": {
                            "tagStatus": "untagged",
                            "countType": "sinceImagePushed",
                            "countUnit": "days",
                            "countNumber": 7,
                        },
                        "action": {"type": "expire"},
                    }
                ]
            }
        ),
    )
    logs = aws.cloudwatch.LogGroup(
        "churn-logs", name="/mlops/churn-dev", retention_in_days=14, kms_key_id=key.arn, tags=owned
    )
    topic = alerts(key.arn, owned)
    return Hub(key.arn, bucket, repository.arn, topic, logs.retention_in_days)


def artifacts(key: Output[str], owned: dict[str, str]) -> Output[str]:
    """Declare the bucket and everything about it."""
    bucket = aws.s3.Bucket(
        "churn-artifacts",
        bucket=Output.format("churn-dev-artifacts-{0}-{1}", account, region),
        force_destroy=True,
        tags=owned,
    )
    aws.s3.BucketOwnershipControls(
        "churn-owner", bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}
    )
    closed = aws.s3.BucketPublicAccessBlock(
        "churn-closed",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    versions = aws.s3.BucketVersioning(
        "churn-versions", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        "churn-encryption",
        bucket=bucket.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
                "bucket_key_enabled": True,
            }
        ],
    )
    aws.s3.BucketLifecycleConfiguration(
        "churn-lifecycle",
        bucket=bucket.bucket,
        rules=[
            {
                "id": "superseded",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrent_version_expiration": {"noncurrent_days": 7},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            }
        ],
        opts=ResourceOptions(depends_on=[versions]),
    )
    aws.s3.BucketPolicy(
        "churn-policy",
        bucket=bucket.bucket,
        policy=policy(
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket.arn, Output.format("{0}/*", bucket.arn)],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ),
        opts=ResourceOptions(depends_on=[closed]),
    )
    return bucket.bucket


def alerts(key: Output[str], owned: dict[str, str]) -> Output[str]:
    """Declare the topic, who hears it, and the budget that speaks on it."""
    topic = aws.sns.Topic("churn-alerts", name=f"churn-dev-alerts-{WORD}", kms_master_key_id=key, tags=owned)
    aws.sns.TopicPolicy(
        "churn-alerts-policy",
        arn=topic.arn,
        policy=policy(allow(["sns:Publish"], topic.arn, own_account, Sid="OwnAlarms", Principal={"Service": SERVICES})),
    )
    for email in config.require_object("alerts"):
        mark = hashlib.sha256(email.encode()).hexdigest()[:6]
        aws.sns.TopicSubscription(f"churn-alerts-{mark}", topic=topic.arn, protocol="email", endpoint=email)
    aws.budgets.Budget(
        "churn-budget",
        name="churn-dev",
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=config.require("monthly_budget"),
        limit_unit="USD",
        cost_filters=[{"name": "TagKeyValue", "values": [f"user:project${PROJECT}"]}],
        notifications=[
            {
                "comparison_operator": "GREATER_THAN",
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "notification_type": kind,
                "subscriber_sns_topic_arns": [topic.arn],
            }
            for percent, kind in ((50, "ACTUAL"), (80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED"))
        ],
        tags=owned,
    )
    return topic.arn


def role(part: str, description: str, name: str, owned: dict[str, str], rights: list[dict[str, Any]]) -> Output[str]:
    """Declare a role for SageMaker and return its ARN, once its rights are attached."""
    made = aws.iam.Role(
        f"{part}-role",
        name=name,
        assume_role_policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": own_account,
            }
        ),
        description=description,
        tags=owned,
    )
    attached = aws.iam.RolePolicy(f"{part}-rights", name="rights", role=made.name, policy=policy(*rights))
    return Output.all(made.arn, attached.id).apply(lambda known: str(known[0]))


def by_way_of(*services: str) -> dict[str, Any]:
    """Let a key be used by way of some services alone."""
    return {"kms:ViaService": [Output.format("{0}.{1}.amazonaws.com", service, region) for service in services]}


def serves(at: Hub) -> list[dict[str, Any]]:
    """Let a role serve: its metrics, the key of its disks, its image."""
    namespaces = ["/aws/sagemaker/*", "aws/sagemaker/*", f"mlops/{PROJECT}/*"]
    machines = by_way_of("sagemaker")
    granted = {"Bool": {"kms:GrantIsForAWSResource": "true"}, "StringEquals": machines}
    return [
        allow(["cloudwatch:PutMetricData"], "*", {"StringLike": {"cloudwatch:namespace": namespaces}}),
        allow(["kms:DescribeKey"], at.key, {"StringEquals": machines}),
        allow(["kms:CreateGrant"], at.key, granted),
        allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"], [at.repository]),
        allow(["ecr:GetAuthorizationToken"], "*"),
    ]


def bucket_of(at: Hub) -> Output[str]:
    """Name the bucket as policies do."""
    return Output.format("arn:{0}:s3:::{1}", partition, at.bucket)


def lists(at: Hub, *prefixes: str) -> list[dict[str, Any]]:
    """Let a role list what is below some prefixes."""
    listed = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    return [allow(["s3:ListBucket"], bucket_of(at), listed), allow(["s3:GetBucketLocation"], bucket_of(at))]


def reads(at: Hub, prefix: str) -> dict[str, Any]:
    """Let a role read below a prefix."""
    return allow(["s3:GetObject"], Output.format("{0}/{1}*", bucket_of(at), prefix))


def writes(at: Hub, prefix: str) -> dict[str, Any]:
    """Let a role write below a prefix."""
    return allow(["s3:PutObject", "s3:AbortMultipartUpload"], Output.format("{0}/{1}*", bucket_of(at), prefix))


def encrypts(at: Hub) -> dict[str, Any]:
    """Let a role use the key for what it writes."""
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], at.key, {"StringEquals": by_way_of("s3")})


def own_logs(name: str) -> list[dict[str, Any]]:
    """Let a role write to its endpoint's logs."""
    group = Output.format(
        "arn:{0}:logs:{1}:{2}:log-group:/aws/sagemaker/Endpoints/{3}", partition, region, account, name
    )
    return [
        allow(["logs:DescribeLogStreams"], [group, Output.format("{0}:*", group)]),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], Output.format("{0}:log-stream:*", group)),
    ]


def features(at: Hub) -> aws.sagemaker.FeatureGroup:
    """Declare the catalogue, the role that writes, and the group."""
    owned = tags("FeatureStore/features")
    database = aws.glue.CatalogDatabase(
        "features-catalog", name="churn_dev_features", description="Features of churn (dev)", tags=owned
    )
    catalogue = [
        Output.format("arn:{0}:glue:{1}:{2}:{3}", partition, region, account, part)
        for part in ("catalog", "database/churn_dev_features", "table/churn_dev_features/*")
    ]
    tables = ["glue:GetTable", "glue:CreateTable", "glue:UpdateTable", "glue:GetPartitions"]
    writer = role(
        "features",
        "FeatureStore features of churn (dev)",
        "churn-dev-features-features",
        owned,
        [
            writes(at, "features/features/"),
            *lists(at, "features/features/"),
            encrypts(at),
            allow(["glue:GetDatabase", *tables], catalogue),
            allow(["s3:PutObjectAcl"], Output.format("{0}/features/features/*", bucket_of(at))),
            allow(["s3:GetBucketAcl"], bucket_of(at)),
            allow(["s3:GetObject"], Output.format("{0}/features/features/*/metadata/*", bucket_of(at))),
        ],
    )
    return aws.sagemaker.FeatureGroup(
        "profile-group",
        feature_group_name="churn-dev-profile",
        record_identifier_feature_name="customer_id",
        event_time_feature_name="updated_at",
        feature_definitions=[
            {"feature_name": "customer_id", "feature_type": "String"},
            {"feature_name": "updated_at", "feature_type": "String"},
            {"feature_name": "age", "feature_type": "Integral"},
            {"feature_name": "spend_30d", "feature_type": "Fractional"},
        ],
        online_store_config={
            "enable_online_store": True,
            "security_config": {"kms_key_id": at.key},
            "ttl_duration": {"unit": "Hours", "value": 72},
        },
        offline_store_config={
            "s3_storage_config": {
                "s3_uri": Output.format("s3://{0}/features/features/", at.bucket),
                "kms_key_id": at.key,
            },
            "table_format": "Glue",
            "data_catalog_config": {
                "catalog": "AwsDataCatalog",
                "database": database.name,
                "table_name": "churn_dev_profile",
            },
        },
        role_arn=writer,
        tags=tags("FeatureGroup/profile"),
        opts=ResourceOptions(ignore_changes=["featureDefinitions"]),
    )


def approvals() -> None:
    """Declare the queue that hears of approvals."""
    queue = aws.sqs.Queue("approvals", sqs_managed_sse_enabled=True)
    aws.sqs.QueuePolicy(
        "approvals",
        queue_url=queue.url,
        policy=Output.json_dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue.arn,
                    "Condition": own_account,
                },
            }
        ),
    )
    rule = aws.cloudwatch.EventRule(
        "models-event-deploy",
        name=f"churn-dev-models-deploy-{WORD}",
        description="Approvals in registry models for deploy",
        event_pattern=json.dumps(
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [{"prefix": "churn-dev-models-"}],
                    "ModelApprovalStatus": ["Approved"],
                },
            }
        ),
        tags=tags("ModelRegistry/models"),
    )
    aws.cloudwatch.EventTarget("models-event-deploy-target", rule=rule.name, target_id="deploy", arn=queue.arn)


def group() -> aws.sagemaker.ModelPackageGroup:
    """Declare the model's group."""
    return aws.sagemaker.ModelPackageGroup(
        "churn-group",
        model_package_group_name=GROUP,
        model_package_group_description="Probability that a customer leaves",
        tags={**tags("Model/churn"), "mlops-registry": f"{PROJECT}-{STAGE}-models"},
    )


def newest_approved() -> str | None:
    """Ask for the newest approved version, as the library does."""
    import boto3  # noqa: PLC0415 (only a program that asks pays for it)

    sagemaker = boto3.client("sagemaker")
    versions = sagemaker.list_model_packages(
        ModelPackageGroupName=GROUP, ModelApprovalStatus="Approved", SortBy="CreationTime", SortOrder="Descending"
    )["ModelPackageSummaryList"]
    return versions[0]["ModelPackageArn"] if versions else None


def endpoint(at: Hub, name: str, package: pulumi.Input[str], features: aws.sagemaker.FeatureGroup) -> None:
    """Declare role, logs, model, configuration, alarm, endpoint and scaling of one endpoint."""
    owned, served = tags(f"Endpoint/{name}"), f"churn-dev-{name}"
    runner = role(
        name,
        f"Endpoint {name} of churn (dev)",
        f"{served}-endpoint",
        owned,
        [
            *serves(at),
            reads(at, f"models/{GROUP}/"),
            *lists(at, f"models/{GROUP}/", f"captured/{name}/"),
            allow(["kms:Decrypt"], at.key, {"StringEquals": by_way_of("s3", "sagemaker")}),
            allow(["sagemaker:GetRecord", "sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup"], features.arn),
            *own_logs(served),
            writes(at, f"captured/{name}/"),
            encrypts(at),
        ],
    )
    logs = aws.cloudwatch.LogGroup(
        f"{name}-logs",
        name=f"/aws/sagemaker/Endpoints/{served}",
        retention_in_days=at.log_days,
        kms_key_id=at.key,
        tags=owned,
    )
    model = aws.sagemaker.Model(
        f"{name}-main",
        execution_role_arn=runner,
        primary_container={
            "model_package_name": package,
            "environment": {
                "MLOPS_FEATURES_PROFILE": features.feature_group_name,
                "MLOPS_FEATURE_SERVER_PROFILE": Output.format(
                    "https://featurestore-runtime.sagemaker.{0}.amazonaws.com", region
                ),
            },
        },
        enable_network_isolation=False,
        tags=owned,
    )
    configuration = aws.sagemaker.EndpointConfiguration(
        f"{name}-configuration",
        production_variants=[
            {
                "variant_name": "main",
                "model_name": model.name,
                "initial_variant_weight": 1,
                "instance_type": "ml.c5.large",
                "initial_instance_count": config.require_int("replicas_min"),
            }
        ],
        kms_key_arn=at.key,
        data_capture_config={
            "enable_capture": True,
            "initial_sampling_percentage": 20,
            "destination_s3_uri": Output.format("s3://{0}/captured/{1}/", at.bucket, name),
            "kms_key_id": at.key,
            "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
            "capture_content_type_header": {
                "json_content_types": ["application/json"],
                "csv_content_types": ["text/csv"],
            },
        },
        tags={**owned, "mlops-release": "1", "mlops-attempt": "first"},
    )
    errors = aws.cloudwatch.MetricAlarm(
        f"{name}-main-errors",
        name=f"{served}-main-errors-{WORD}",
        namespace="AWS/SageMaker",
        metric_name="Invocation5XXErrors",
        dimensions={"EndpointName": served, "VariantName": "main"},
        statistic="Average",
        comparison_operator="GreaterThanThreshold",
        threshold=0.05,
        period=60,
        evaluation_periods=2,
        treat_missing_data="notBreaching",
        alarm_actions=[at.topic],
        tags=owned,
    )
    live = aws.cloudcontrol.Resource(
        f"{name}-endpoint",
        type_name="AWS::SageMaker::Endpoint",
        desired_state=Output.json_dumps(
            {
                "EndpointName": served,
                "EndpointConfigName": configuration.name,
                "Tags": [{"Key": key, "Value": value} for key, value in sorted(owned.items())],
                "DeploymentConfig": {
                    "BlueGreenUpdatePolicy": {
                        "TrafficRoutingConfiguration": {
                            "Type": "CANARY",
                            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": config.require_int("canary_percent")},
                            "WaitIntervalInSeconds": 900,
                        },
                        "TerminationWaitInSeconds": 120,
                        "MaximumExecutionTimeoutInSeconds": 2700,
                    },
                    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": errors.name}]},
                },
            }
        ),
        opts=ResourceOptions(depends_on=[logs]),
    )
    target = aws.appautoscaling.Target(
        f"{name}-main-scaling",
        service_namespace="sagemaker",
        resource_id=live.properties.apply(lambda _: f"endpoint/{served}/variant/main"),
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        min_capacity=config.require_int("replicas_min"),
        max_capacity=config.require_int("replicas_max"),
        tags=owned,
    )
    aws.appautoscaling.Policy(
        f"{name}-main-follows-load",
        name=f"{served}-main-load-{WORD}",
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        resource_id=target.resource_id,
        scalable_dimension=target.scalable_dimension,
        target_tracking_scaling_policy_configuration={
            "target_value": 400,
            "scale_in_cooldown": 300,
            "scale_out_cooldown": 60,
            "predefined_metric_specification": {"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"},
        },
    )
    pulumi.export("url", Output.format("https://runtime.sagemaker.{0}.amazonaws.com/endpoints/{1}", region, served))


def main() -> None:
    """Declare the stack."""
    at = hub()
    profile = features(at)
    approvals()
    group()
    version = newest_approved() if config.get_bool("look_up") else config.get("version")
    if version:
        endpoint(at, "score", version, profile)


if __name__ == "__main__":
    main()
