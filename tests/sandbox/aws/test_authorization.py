"""Policies of roles: callers that assumed one, and what AWS does with one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws.evaluation import allowed
from support.sandbox.acting import ACCOUNT, REGION, acting, allow, give
from support.sandbox.control_plane import ControlPlane


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_caller_that_is_a_role_does_what_its_policies_allow(plane: ControlPlane, world: dict[str, str]) -> None:
    give(plane, allow("sns:CreateTopic", f"arn:aws:sns:{REGION}:{ACCOUNT}:mine-*"))
    sns = acting(plane, "sns", world["role"])
    sns.create_topic(Name="mine-1")
    with pytest.raises(ClientError) as caught:
        sns.create_topic(Name="theirs")
    assert code(caught) == "AuthorizationError"
    assert f"not authorized to perform: sns:CreateTopic on resource: arn:aws:sns:{REGION}:{ACCOUNT}:theirs" in str(
        caught.value
    )


def test_who_deletes_versions_needs_another_right(plane: ControlPlane, world: dict[str, str]) -> None:
    bucket, s3 = world["bucket"], plane.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"x")["VersionId"]
    give(plane, allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/*"))
    deployer = acting(plane, "s3", world["role"])
    deployer.delete_object(Bucket=bucket, Key="a")
    for delete in (
        lambda: deployer.delete_object(Bucket=bucket, Key="a", VersionId=version),
        lambda: deployer.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": version}]}),
    ):
        with pytest.raises(ClientError, match="not authorized to perform: s3:DeleteObjectVersion"):
            delete()


def test_who_writes_a_stream_needs_no_right_to_the_whole_group(plane: ControlPlane, world: dict[str, str]) -> None:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs"
    plane.client("logs").create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    give(plane, allow("logs:CreateLogStream", f"{group}:log-stream:*"))
    logs = acting(plane, "logs", world["role"])
    logs.create_log_stream(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName="fit/algo-1")
    with pytest.raises(ClientError, match=f"logs:GetLogEvents on resource: {group}:log-stream:fit/algo-1"):
        logs.get_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName="fit/algo-1")


def test_a_denial_wins(plane: ControlPlane, world: dict[str, str]) -> None:
    give(plane, allow("sns:*"), {**allow("sns:CreateTopic"), "Effect": "Deny"})
    with pytest.raises(ClientError):
        acting(plane, "sns", world["role"]).create_topic(Name="mine")


def test_a_secret_is_read_with_its_key_through_its_service(plane: ControlPlane, world: dict[str, str]) -> None:
    plane.client("secretsmanager").create_secret(Name="token", SecretString="s", KmsKeyId=world["key"])
    read = allow("secretsmanager:GetSecretValue")
    give(plane, read)
    secrets = acting(plane, "secretsmanager", world["role"])
    with pytest.raises(ClientError) as caught:
        secrets.get_secret_value(SecretId="token")
    assert "kms:Decrypt" in str(caught.value)
    via = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    give(plane, read, allow("kms:Decrypt", world["key"], StringEquals=via))
    assert secrets.get_secret_value(SecretId="token")["SecretString"] == "s"


PULL = [
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetAuthorizationToken",
]
IMAGE = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/pytorch:2"


def model(plane: ControlPlane, world: dict[str, str], **container: Any) -> None:
    plane.client("sagemaker").create_model(
        ModelName="m", ExecutionRoleArn=world["role"], PrimaryContainer={"Image": IMAGE, **container}
    )


def test_a_container_needs_the_right_to_its_image(plane: ControlPlane, world: dict[str, str]) -> None:
    give(plane, allow(PULL, f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*"))
    with pytest.raises(ClientError, match=r"allows ecr:BatchGetImage on .*763104351884:repository/pytorch"):
        model(plane, world)
    give(plane, allow(PULL))
    model(plane, world)


def test_a_container_needs_the_rights_to_its_files_and_their_key(plane: ControlPlane, world: dict[str, str]) -> None:
    files = f"s3://{world['bucket']}/m.tar.gz"
    how = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world["key"]}
    plane.client("s3").put_object(Bucket=world["bucket"], Key="m.tar.gz", Body=b"x", **how)
    give(plane, allow(PULL))
    with pytest.raises(ClientError, match="allows s3:GetObject"):
        model(plane, world, ModelDataUrl=files)
    read = [allow(PULL), allow(["s3:GetObject", "s3:ListBucket"])]
    give(plane, *read)
    with pytest.raises(ClientError, match="allows kms:Decrypt"):
        model(plane, world, ModelDataUrl=files)
    give(plane, *read, allow("kms:Decrypt", world["key"]))
    model(plane, world, ModelDataUrl=files)


def test_a_container_needs_the_rights_to_what_it_is_told_of(plane: ControlPlane, world: dict[str, str]) -> None:
    secret = plane.client("secretsmanager").create_secret(Name="token", SecretString="s")["ARN"]
    give(plane, allow(PULL))
    with pytest.raises(ClientError, match="allows secretsmanager:GetSecretValue"):
        model(plane, world, Environment={"TOKEN": secret})


def test_an_endpoint_needs_the_right_to_its_logs(plane: ControlPlane, world: dict[str, str]) -> None:
    give(plane, allow(PULL))
    model(plane, world)
    sagemaker = plane.client("sagemaker")
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    with pytest.raises(ClientError, match="allows logs:CreateLogStream"):
        sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    give(plane, allow(PULL), allow(["logs:*", "cloudwatch:PutMetricData"]))
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")


def test_a_role_is_passed_on_by_whoever_may(plane: ControlPlane, world: dict[str, str]) -> None:
    create = allow("sagemaker:CreateModel")
    give(plane, create, allow(PULL))
    container = {"Image": IMAGE}
    sagemaker = acting(plane, "sagemaker", world["role"])
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=world["role"], PrimaryContainer=container)
    to = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    give(plane, create, allow(PULL), allow("iam:PassRole", world["role"], StringEquals=to))
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=world["role"], PrimaryContainer=container)


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        ({"StringLike": {"s3:prefix": ["a/*"]}}, {"s3:prefix": "a/b"}, True),
        ({"StringLike": {"s3:prefix": ["a/*"]}}, {"s3:prefix": "b"}, False),
        ({"StringLike": {"s3:prefix": ["a/*"]}}, {}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringNotEqualsIfExists": {"k": "a"}}, {"k": "a"}, False),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"K": "x"}, False),
        ({"Bool": {"k": "true"}}, {"k": "True"}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, False),
        ({"ForAnyValue:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, True),
        ({"StringEquals": {"k": "a"}, "Null": {"l": "true"}}, {"k": "a", "l": "x"}, False),
        ({"NumericLessThan": {"k": "1"}}, {"k": "0"}, False),
    ],
)
def test_conditions(condition: dict[str, Any], facts: dict[str, Any], holds: bool) -> None:
    assert allowed([allow("s3:Get*") | {"Condition": condition}], "S3:getObject", "x", facts) is holds
