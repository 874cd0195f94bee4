"""Rights from references: one table of (verb, kind of thing) to actions and resources, one identity a component."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws.addresses import FeatureGroupAddress, PlatformAddress, SecretAddress
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.refs import SecretRef

Statement = dict[str, Any]
Grant = tuple[str, object]
"""A verb and what it is about: ``("read", profile.online)``."""


@dataclass(frozen=True)
class Place:
    """A prefix in the artifact store, or elsewhere in S3."""

    uri: Input[str]


@dataclass(frozen=True)
class Topic:
    """An SNS topic."""

    arn: Input[str]


@dataclass(frozen=True)
class Catalogue:
    """The Glue database of a feature store, and the prefix of its rows."""

    database: str
    offline: Input[str]


def allow(actions: Sequence[str], resources: Input[Any], condition: Mapping[str, Any] | None = None) -> Statement:
    """Write one statement of a policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources} | (
        {"Condition": condition} if condition else {}
    )


def document(statements: Sequence[Statement]) -> Output[str]:
    """Write a policy."""
    return Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _bucket_and_key(place: Place) -> Output[tuple[str, str]]:
    def split(uri: str) -> tuple[str, str]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bucket, key

    return Output.from_input(place.uri).apply(split)


def _objects(place: Place, partition: Input[str]) -> Output[str]:
    return Output.all(partition, _bucket_and_key(place)).apply(
        lambda of: f"arn:{of[0]}:s3:::{of[1][0]}/{of[1][1]}{'*' if of[1][1].endswith('/') or not of[1][1] else ''}"
    )


def _bucket(place: Place, partition: Input[str]) -> Output[str]:
    return Output.all(partition, _bucket_and_key(place)).apply(lambda of: f"arn:{of[0]}:s3:::{of[1][0]}")


def _use_platform(platform: PlatformRef, at: PlatformRef) -> list[Statement]:
    address, here = PlatformAddress.of(platform), PlatformAddress.of(at)
    statements = [
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            Output.format(
                "arn:{0}:logs:{1}:{2}:log-group:/aws/sagemaker/*",
                here.partition,
                here.region,
                here.account,
            ),
        ),
        # CloudWatch has no resource to name in PutMetricData; the namespace is the narrowest there is.
        allow(
            ["cloudwatch:PutMetricData"],
            "*",
            {
                "StringLike": {
                    "cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*", f"mlops/{platform.name}/*"]
                }
            },
        ),
        allow(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], address.key),
        allow(["kms:CreateGrant"], address.key, {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    ]
    if address.repositories:
        statements += [
            allow(
                ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
                list(address.repositories.values()),
            ),
            allow(["ecr:GetAuthorizationToken"], "*"),  # takes no resource
        ]
    if platform.private:
        # The network interface calls of EC2 take no resource that is known before the interface exists.
        statements.append(
            allow(
                [
                    "ec2:CreateNetworkInterface",
                    "ec2:CreateNetworkInterfacePermission",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DeleteNetworkInterfacePermission",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeVpcs",
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeSecurityGroups",
                ],
                "*",
            )
        )
    return statements


def _read_place(place: Place, at: PlatformRef) -> list[Statement]:
    partition = PlatformAddress.of(at).partition
    return [
        allow(["s3:GetObject"], _objects(place, partition)),
        allow(["s3:ListBucket", "s3:GetBucketLocation"], _bucket(place, partition)),
    ]


def _write_place(place: Place, at: PlatformRef) -> list[Statement]:
    partition = PlatformAddress.of(at).partition
    return [
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], _objects(place, partition)),
        allow(["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketAcl"], _bucket(place, partition)),
    ]


def _read_view(view: FeatureView, at: PlatformRef) -> list[Statement]:
    return [
        allow(
            ["sagemaker:GetRecord", "sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup"],
            FeatureGroupAddress.of(view.group).arn,
        ),
        allow(["kms:Decrypt"], PlatformAddress.of(at).key),
    ]


def _read_secret(secret: SecretRef, at: PlatformRef) -> list[Statement]:
    return [
        allow(["secretsmanager:GetSecretValue"], SecretAddress.of(secret).id),
        allow(["kms:Decrypt"], PlatformAddress.of(at).key),
    ]


def _tell_topic(topic: Topic, _: PlatformRef) -> list[Statement]:
    return [allow(["sns:Publish"], topic.arn)]


def _write_catalogue(catalogue: Catalogue, at: PlatformRef) -> list[Statement]:
    here = PlatformAddress.of(at)
    arns = [
        Output.format("arn:{0}:glue:{1}:{2}:{3}", here.partition, here.region, here.account, part)
        for part in ("catalog", f"database/{catalogue.database}", f"table/{catalogue.database}/*")
    ]
    return [
        allow(
            [
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:CreateTable",
                "glue:UpdateTable",
                "glue:DeleteTable",
                "glue:GetPartitions",
            ],
            arns,
        ),
        # Feature Store writes each object with an access control list, though the bucket's owner owns it anyway.
        allow(["s3:PutObjectAcl"], _objects(Place(catalogue.offline), here.partition)),
    ]


_RIGHTS: dict[tuple[str, type], Callable[[Any, PlatformRef], list[Statement]]] = {
    ("use", PlatformRef): _use_platform,
    ("read", Place): _read_place,
    ("write", Place): _write_place,
    ("read", FeatureView): _read_view,
    ("read", SecretRef): _read_secret,
    ("write", Catalogue): _write_catalogue,
    ("tell", Topic): _tell_topic,
}


def statements(platform: PlatformRef, grants: Sequence[Grant]) -> list[Statement]:
    """Look up what each grant means."""
    return [statement for verb, thing in grants for statement in _RIGHTS[verb, type(thing)](thing, platform)]


@dataclass(frozen=True)
class Identity:
    """A role that is known only when its rights are attached, so nothing can start without them."""

    role: aws.iam.Role
    arn: Output[str]


def identity(scope: Scope, name: str, platform: PlatformRef, service: str, *grants: Grant) -> Identity:
    """Make the one identity of a component, assumed by a service of this account only, with just the rights given."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": PlatformAddress.of(platform).account}},
    }
    role = aws.iam.Role(
        scope.child("role"),
        name=name,
        assume_role_policy=document([trust]),
        description=f"{type(scope.component).__name__} {scope.name} of {scope.project} ({scope.stage})",
        tags=scope.tags,
        opts=scope.opts,
    )
    rights = aws.iam.RolePolicy(
        scope.child("rights"),
        name="rights",
        role=role.name,
        policy=document(statements(platform, grants)),
        opts=scope.opts,
    )
    return Identity(role, Output.all(role.arn, rights.id).apply(lambda known: str(known[0])))


def let(scope: Scope, part: str, roles: Sequence[str], rights: Sequence[Statement]) -> dict[str, pulumi.Resource]:
    """Give rights to roles that the user has: one policy, attached to each."""
    if not roles:
        return {}
    policy = aws.iam.Policy(
        scope.child(part),
        name=scope.physical(scope.name, part, limit=128),
        policy=document(rights),
        tags=scope.tags,
        opts=scope.opts,
    )
    for role in roles:
        aws.iam.RolePolicyAttachment(scope.child(f"{part}-{role}"), role=role, policy_arn=policy.arn, opts=scope.opts)
    return {part: policy}
