"""Programs of plain resources of AWS: `CASE` names one, and with `BAD` it has one mistake."""

import json
import os
from typing import Any

import pulumi
import pulumi_aws as aws

BAD = bool(os.environ.get("BAD"))
TAGS = {"owner": "ml", "project": "churn"}
ACCOUNT = "123456789012"
KEPT = pulumi.ResourceOptions(protect=True)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


TRUST = document({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"})


def key() -> aws.kms.Key:
    return aws.kms.Key("key", enable_key_rotation=True, tags=TAGS)


def role() -> aws.iam.Role:
    return aws.iam.Role("role", assume_role_policy=TRUST, tags=TAGS)


def budget() -> None:
    told = {
        "comparison_operator": "GREATER_THAN",
        "threshold": 80,
        "threshold_type": "PERCENTAGE",
        "notification_type": "ACTUAL",
        "subscriber_email_addresses": ["ml@example.com"],
    }
    aws.budgets.Budget(
        "budget", budget_type="COST", limit_amount="100", limit_unit="USD", time_unit="MONTHLY", notifications=[told]
    )  # type: ignore[list-item]


def files(*, closed: bool = True, emptied: bool = False) -> None:
    bucket = aws.s3.Bucket("files", force_destroy=emptied, tags=TAGS, opts=KEPT)
    kms = {"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key().arn}}
    aws.s3.BucketServerSideEncryptionConfiguration("files", bucket=bucket.id, rules=[kms])  # type: ignore[list-item]
    aws.s3.BucketVersioning("files", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketPublicAccessBlock(
        "files",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=closed,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    tls = bucket.arn.apply(
        lambda arn: document(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        )
    )
    aws.s3.BucketPolicy("files", bucket=bucket.id, policy=tls)


def public_files() -> None:
    files(closed=not BAD)


def lost_files() -> None:
    files(emptied=BAD)


def everything_allowed() -> None:
    actions = "s3:*" if BAD else "s3:GetObject"
    resources = "*" if BAD else "arn:aws:s3:::files/*"
    aws.iam.RolePolicy(
        "rights", role=role().id, policy=document({"Effect": "Allow", "Action": actions, "Resource": resources})
    )


def plain_messages() -> None:
    aws.sns.Topic("alerts", kms_master_key_id=None if BAD else key().arn, tags=TAGS)


def open_door() -> None:
    sources = ["0.0.0.0/0"] if BAD else ["10.0.0.0/16"]
    network = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", tags=TAGS)
    aws.ec2.DefaultSecurityGroup("default", vpc_id=network.id)
    group = aws.cloudwatch.LogGroup("flows", retention_in_days=30, kms_key_id=key().arn, tags=TAGS)
    aws.ec2.FlowLog("flows", vpc_id=network.id, traffic_type="ALL", log_destination=group.arn, iam_role_arn=role().arn)
    door: Any = {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": sources}
    aws.ec2.SecurityGroup("workloads", vpc_id=network.id, ingress=[door])


def features_without_a_key() -> None:
    budget()
    own = key()
    online: Any = {"enable_online_store": True, "ttl_duration": {"unit": "Days", "value": 3}}
    if not BAD:
        online["security_config"] = {"kms_key_id": own.arn}
    aws.sagemaker.FeatureGroup(
        "profile",
        feature_group_name="profile",
        record_identifier_feature_name="id",
        event_time_feature_name="at",
        role_arn=role().arn,
        feature_definitions=[
            {"feature_name": "id", "feature_type": "String"},
            {"feature_name": "at", "feature_type": "String"},
        ],
        online_store_config=online,
        tags=TAGS,
        opts=KEPT,
    )


def nothing_captured() -> None:
    image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/churn:3"
    model = aws.sagemaker.Model(
        "model",
        execution_role_arn=role().arn,
        enable_network_isolation=True,
        primary_container={"image": image},
        tags=TAGS,
    )
    own = key()
    capture: Any = {
        "enable_capture": True,
        "initial_sampling_percentage": 20,
        "destination_s3_uri": "s3://captured/",
        "kms_key_id": own.arn,
        "capture_options": [{"capture_mode": "Input"}],
    }
    aws.sagemaker.EndpointConfiguration(
        "configuration",
        kms_key_arn=own.arn,
        production_variants=[
            {
                "variant_name": "main",
                "model_name": model.name,
                "initial_instance_count": 2,
                "instance_type": "ml.m5.large",
            }
        ],
        data_capture_config=None if BAD else capture,
        tags=TAGS,
    )


def no_budget() -> None:
    if not BAD:
        budget()
    aws.sagemaker.MlflowTrackingServer(
        "runs", tracking_server_name="runs", role_arn=role().arn, artifact_store_uri="s3://runs/", tags=TAGS
    )


globals()[os.environ["CASE"]]()
