"""Rights from references: one table of (verb, kind of thing) to actions and resources, one identity a component."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import names
from pulumi_mlops.backends.aws.addresses import (
    EndpointAddress,
    FeatureGroupAddress,
    ModelAddress,
    ModelVersionAddress,
    PlatformAddress,
    SecretAddress,
    package_arn,
)
from pulumi_mlops.backends.aws.policy import Late, Statement, allow, arn, document
from pulumi_mlops.components.endpoint import EndpointRef
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView
from pulumi_mlops.components.model import ModelRef, ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import InvalidArgs, MlopsError, Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.principals import PrincipalRef, Who
from pulumi_mlops.core.refs import SecretRef
from pulumi_mlops.core.workload import Grant, Image, Key, Place, Topic

_ROLE = r"(arn:[a-z-]+:iam::\d{12}:role/)?[\w+=,.@/-]{1,576}"
_WRITTEN = {"account": re.compile(r"\d{12}"), "role": re.compile(_ROLE)}
_WRITE = {
    "account": "is not an AWS account; write its twelve digits",
    "role": "is not an IAM role; write its name, or its ARN where it is in another account",
}
_NOT_TAKEN = (
    "is not a role: IAM gives this right to roles of the platform's account; write {'role': …}, or make an Identity "
    "that trusts whoever it is"
)


@dataclass(frozen=True)
class Catalogue:
    """The Glue database of a feature store, and the prefix of its rows."""

    database: str
    offline: Input[str]


def _objects(uri: str, partition: str) -> str:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"arn:{partition}:s3:::{bucket}/{key}{'*' if key.endswith('/') or not key else ''}"


def _bucket(uri: str, partition: str) -> str:
    return f"arn:{partition}:s3:::{uri.removeprefix('s3://').partition('/')[0]}"


def _use_platform(platform: PlatformRef, at: PlatformAddress) -> list[Statement]:
    address = PlatformAddress.of(platform)
    statements = [
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            arn("arn:{0}:logs:{1}:{2}:log-group:/aws/sagemaker/*", at.partition, at.region, at.account),
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
        statements += [allow(PULL, list(address.repositories.values())), allow(_LOGIN, "*")]
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


PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
_READ, _LIST = ["s3:GetObject"], ["s3:ListBucket", "s3:GetBucketLocation"]
_LOGIN = ["ecr:GetAuthorizationToken"]  # takes no resource
ECR = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.")
"""How the address of an image begins that is in a repository of ECR."""
_REPOSITORY = re.compile(ECR.pattern + r"[a-z.-]+/(?P<name>[^:@]+)([:@].*)?")


def _repository(image: str, partition: str, own: Sequence[str]) -> str | None:
    """Return the repository that an image is pulled from; None for one of the platform, and for one outside of ECR."""
    found = _REPOSITORY.fullmatch(image)
    if found is None:
        return None
    wanted = f"arn:{partition}:ecr:{found['region']}:{found['account']}:repository/{found['name']}"
    return None if wanted in own else wanted


def _pull_image(image: Image, at: PlatformAddress) -> list[Statement]:
    parts = (image.address, at.partition, list(at.repositories.values()))
    login = Late(lambda *of: "*" if _repository(*of) else None, parts)
    return [allow(PULL, Late(_repository, parts)), *([] if at.repositories else [allow(_LOGIN, login)])]


def _read_place(place: Place, at: PlatformAddress) -> list[Statement]:
    return [
        allow(_READ, Late(_objects, (place.uri, at.partition))),
        allow(_LIST, Late(_bucket, (place.uri, at.partition))),
    ]


def _write_place(place: Place, at: PlatformAddress) -> list[Statement]:
    return [
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], Late(_objects, (place.uri, at.partition))),
        allow(["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketAcl"], Late(_bucket, (place.uri, at.partition))),
    ]


def _read_version(version: ModelVersionRef, at: PlatformAddress) -> list[Statement]:
    """Read the files of a version; the platform's own bucket and key are granted with the platform."""
    address, theirs = ModelVersionAddress.of(version), PlatformAddress.of(version.platform)
    keys: Sequence[Input[str]] = address.keys or [theirs.key]
    rights = [allow(["kms:Decrypt"], [Late(_another, (key, at.key)) for key in keys])]
    for uri in address.files:
        objects, bucket = (Late(_outside(part), (uri, at.partition, at.bucket)) for part in (_objects, _bucket))
        rights += [
            allow(_READ, objects),
            allow(_LIST, bucket),
        ]
    return rights


def _another(one: str, own: str) -> str | None:
    return None if one == own else one


def _outside(named: Callable[[str, str], str]) -> Callable[[str, str, str], str | None]:
    """Leave out what is in the platform's own bucket."""
    return lambda uri, partition, own: None if uri.startswith(f"s3://{own}/") else named(uri, partition)


def _pull_version(version: ModelVersionRef, at: PlatformAddress) -> list[Statement]:
    """Pull the images that a version names where they are not the platform's own."""
    return [right for image in ModelVersionAddress.of(version).images for right in _pull_image(Image(image), at)]


def _use_key(key: Key, _: PlatformAddress) -> list[Statement]:
    return [allow(["kms:Decrypt"], key.address)]


def _read_view(view: FeatureView, at: PlatformAddress) -> list[Statement]:
    if view.tier == "offline":
        return _read_history(view.group, at)
    return [
        allow(
            ["sagemaker:GetRecord", "sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup"],
            FeatureGroupAddress.of(view.group).arn,
        ),
        *_with_keys(
            ["kms:Decrypt"], FeatureGroupAddress.of(view.group).online_keys, PlatformAddress.of(view.group.platform)
        ),
    ]


def _with_keys(actions: Sequence[str], keys: Sequence[Input[str]] | None, at: PlatformAddress) -> list[Statement]:
    """Allow the use of the keys of a store; of one of ours, the platform's."""
    return [allow(actions, key) for key in ([at.key] if keys is None else keys)]


def _read_history(group: FeatureGroupRef, at: PlatformAddress) -> list[Statement]:
    """Query the table of a group by Athena, whose answers go to a folder of their own in the artifact store."""
    address = FeatureGroupAddress.of(group)
    if address.offline is None or address.database is None:
        told = "the ref does not say where its rows are; run pulumi up in the stack that exports it"
        raise InvalidArgs("FeatureGroup", group.name, [Problem("address", told)])
    # SageMaker ends the name of a group's folder with the second at which it was made, ten digits: a star in their
    # place would stand for the rows of a group with a longer name as well.
    folder = "{0}{1}/sagemaker/{2}/offline-store/{3}-??????????/"
    rows = arn(folder, address.offline, at.account, at.region, address.name)
    table = Late(lambda name: name.replace("-", "_"), (address.name,)) if address.table is None else address.table
    answers = Place(Output.format("s3://{0}/queries/{1}/", at.bucket, address.name))
    return [
        allow(["sagemaker:DescribeFeatureGroup"], address.arn),
        allow(
            ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
            [
                arn("arn:{0}:glue:{1}:{2}:catalog", at.partition, at.region, at.account),
                arn("arn:{0}:glue:{1}:{2}:database/{3}", at.partition, at.region, at.account, address.database),
                arn("arn:{0}:glue:{1}:{2}:table/{3}/{4}", at.partition, at.region, at.account, address.database, table),
            ],
        ),
        allow(
            ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"],
            arn("arn:{0}:athena:{1}:{2}:workgroup/primary", at.partition, at.region, at.account),
        ),
        allow(["s3:GetObject"], Late(_objects, (rows, at.partition))),
        *_read_place(answers, at),
        *_write_place(answers, at),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], at.key),
        *([] if address.offline_keys is None else _with_keys(["kms:Decrypt"], address.offline_keys, at)),
    ]


def _write_group(group: FeatureGroupRef, at: PlatformAddress) -> list[Statement]:
    return [
        allow(["sagemaker:PutRecord", "sagemaker:DescribeFeatureGroup"], FeatureGroupAddress.of(group).arn),
        *_with_keys(["kms:Decrypt", "kms:GenerateDataKey"], FeatureGroupAddress.of(group).online_keys, at),
    ]


def _versions(model: ModelRef) -> Late:
    group = ModelAddress.of(model).arn
    return Late(lambda known: package_arn(known, "*"), (group,))


def _look_up(model: ModelRef) -> list[Statement]:
    return [
        allow(["sagemaker:DescribeModelPackageGroup", "sagemaker:ListModelPackages"], ModelAddress.of(model).arn),
        allow(["sagemaker:DescribeModelPackage"], _versions(model)),
    ]


def _model_files(model: ModelRef, at: PlatformAddress) -> Place:
    files = ModelAddress.of(model).files
    return Place(Output.format("s3://{0}/models/{1}/", at.bucket, model.name) if files is None else files)


def _files_key(model: ModelRef, at: PlatformAddress) -> Input[str]:
    key = ModelAddress.of(model).files_key
    return at.key if key is None else key


def _register(model: ModelRef, at: PlatformAddress) -> list[Statement]:
    files = _model_files(model, at)
    return [
        *_look_up(model),
        allow(
            ["sagemaker:CreateModelPackage"],
            [ModelAddress.of(model).arn, _versions(model)],
            {"StringNotEqualsIfExists": {"sagemaker:ModelApprovalStatus": "Approved"}},
        ),
        *_read_place(files, at),
        *_write_place(files, at),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], _files_key(model, at)),
    ]


def _approve(model: ModelRef, _: PlatformAddress) -> list[Statement]:
    states = ["Approved", "Rejected", "PendingManualApproval"]
    right = allow(
        ["sagemaker:UpdateModelPackage"],
        _versions(model),
        {"StringEquals": {"sagemaker:ModelApprovalStatus": states}},
    )
    return [*_look_up(model), right]


def _deploy(model: ModelRef, at: PlatformAddress) -> list[Statement]:
    own = {"StringEquals": {f"aws:RequestTag/{model.platform.tag_prefix}project": model.platform.name}}
    pull = [allow(PULL, list(at.repositories.values())), allow(_LOGIN, "*")] if at.repositories else []
    return [
        *_look_up(model),
        allow(["sagemaker:CreateModel"], _versions(model)),
        # A Model's name is not known before it exists: the tag keeps it within the platform.
        allow(["sagemaker:CreateModel", "sagemaker:AddTags"], _any_model(at), own),
        *_read_place(_model_files(model, at), at),
        allow(["kms:Decrypt"], _files_key(model, at)),
        *pull,
    ]


def _any_model(at: PlatformAddress) -> Late:
    return arn("arn:{0}:sagemaker:{1}:{2}:model/*", at.partition, at.region, at.account)


def _invoke(endpoint: EndpointRef, at: PlatformAddress) -> list[Statement]:
    address = EndpointAddress.of(endpoint)
    where = arn("arn:{0}:sagemaker:{1}:{2}:endpoint/{3}", at.partition, at.region, at.account, address.name)
    call = ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
    return [allow([f"sagemaker:{action}" for action in call], where)]


def _read_secret(secret: SecretRef, at: PlatformAddress) -> list[Statement]:
    return [allow(["secretsmanager:GetSecretValue"], SecretAddress.of(secret).id), allow(["kms:Decrypt"], at.key)]


def _tell_topic(topic: Topic, _: PlatformAddress) -> list[Statement]:
    return [allow(["sns:Publish"], topic.address)]


def _write_catalogue(catalogue: Catalogue, at: PlatformAddress) -> list[Statement]:
    arns = [
        arn("arn:{0}:glue:{1}:{2}:{3}", at.partition, at.region, at.account, part)
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
        allow(["s3:PutObjectAcl"], Late(_objects, (catalogue.offline, at.partition))),
    ]


_RIGHTS: dict[tuple[str, type], Callable[[Any, PlatformAddress], list[Statement]]] = {
    ("use", PlatformRef): _use_platform,
    ("pull", Image): _pull_image,
    ("read", Place): _read_place,
    ("write", Place): _write_place,
    ("use", Key): _use_key,
    ("read", FeatureView): _read_view,
    ("read", SecretRef): _read_secret,
    ("pull", ModelVersionRef): _pull_version,
    ("read", ModelVersionRef): _read_version,
    ("write", Catalogue): _write_catalogue,
    ("write", FeatureGroupRef): _write_group,
    ("register", ModelRef): _register,
    ("approve", ModelRef): _approve,
    ("deploy", ModelRef): _deploy,
    ("invoke", EndpointRef): _invoke,
    ("tell", Topic): _tell_topic,
}


def statements(platform: PlatformRef, grants: Sequence[Grant]) -> list[Statement]:
    """Look up what each grant means."""
    at = PlatformAddress.of(platform)
    return [statement for verb, thing in grants for statement in _right(verb, thing)(thing, at)]


def _right(verb: str, thing: object) -> Callable[[Any, PlatformAddress], list[Statement]]:
    """Find the row of a verb and a kind of thing, or of what the kind extends."""
    return next(_RIGHTS[verb, kind] for kind in type(thing).__mro__ if (verb, kind) in _RIGHTS)


@dataclass(frozen=True)
class Identity:
    """A role that is known only when its rights are attached, so nothing can start without them."""

    role: aws.iam.Role
    rights: aws.iam.RolePolicy | None
    arn: Output[str]


def identity(scope: Scope, name: str, platform: PlatformRef, service: str, *grants: Grant) -> Identity:
    """Make the one identity of a component, assumed by a service of this account only, with just the rights given."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": PlatformAddress.of(platform).account}},
    }
    kind = type(scope.component).__name__
    return role_of(scope, name, kind, [trust], statements(platform, grants), region=platform.region)


def role_of(
    scope: Scope,
    name: str,
    what: str,
    trust: Sequence[Statement],
    rights: Sequence[Statement],
    *,
    region: str | None = None,
) -> Identity:
    """Make a role with one policy, or with none where it has no rights.

    :param what: what kind of thing it is for, for the description.
    :param region: the platform's.
    """
    role = aws.iam.Role(
        scope.child("role"),
        name=name,
        assume_role_policy=document(trust),
        description=f"{what} {scope.name} of {scope.project} ({scope.stage})",
        tags=scope.tags,
        opts=names.kept_in(scope, region),
    )
    if not rights:
        return Identity(role, None, role.arn)
    policy = aws.iam.RolePolicy(
        scope.child("rights"), name="rights", role=role.name, policy=document(rights), opts=scope.opts
    )
    return Identity(role, policy, Output.all(role.arn, policy.id).apply(lambda known: str(known[0])))


def principal_arn(who: Who, partition: Input[str], account: Input[str]) -> Output[str]:
    """Return a principal as resource policies name it; an account as a whole is its root."""
    form = "arn:{0}:iam::{1}:root" if who.kind == "account" else "arn:{0}:iam::{1}:role/{2}"

    def written(known: Sequence[str]) -> str:
        value, partition, own = known
        if value.startswith("arn:"):
            return value
        return form.format(partition, value if who.kind == "account" else own, value)

    return Output.all(who.value, partition, account).apply(written)


def principal_problems(field: str, principals: Sequence[Who], takes: Sequence[str]) -> Iterator[Problem]:
    """Judge principals: their backend, their kind where one is not taken, and how they are written."""
    for index, who in enumerate(principals):
        where = f"{field}[{index}]"
        if isinstance(who, PrincipalRef) and who.backend != "aws":
            yield Problem(where, f"identity {who.name!r} lives on {who.backend!r}; give an Identity of an AWS platform")
        elif who.kind not in takes:
            yield Problem(f"{where}.{who.kind}", _NOT_TAKEN)
        elif not is_deferred(who.value) and not _WRITTEN[who.kind].fullmatch(str(who.value)):
            yield Problem(f"{where}.{who.kind}", f"{who.value!r} {_WRITE[who.kind]}")


def _role_name(role: Input[str], account: Input[str]) -> Output[str]:
    """Return the name of a role of this account; a policy cannot be attached to one of another account."""

    def named(known: Sequence[str]) -> str:
        value, own = known
        if value.startswith("arn:") and value.split(":")[4] != own:
            raise MlopsError(
                f"role {value} is not in account {own}: a policy is attached to roles of the same account only. Make "
                "an Identity that trusts it: trusts={'role': …}"
            )
        return value.rpartition("/")[2]

    return Output.all(role, account).apply(named)


def _word(index: int, who: Who) -> str:
    """Return what tells a principal's resources apart: its name where that is known, else its place in the list."""
    if isinstance(who, PrincipalRef):
        return f"identity-{who.name}"
    return str(index) if is_deferred(who.value) else str(who.value).rpartition("/")[2]


def let(
    scope: Scope, part: str, platform: PlatformRef, roles: Sequence[Who], rights: Sequence[Statement]
) -> dict[str, pulumi.Resource]:
    """Give rights to roles that the user has: one policy, attached to each."""
    if not roles:
        return {}
    policy = aws.iam.Policy(
        scope.child(part),
        name=names.in_account(scope, platform.region, scope.name, part, limit=128),
        policy=document(rights),
        tags=scope.tags,
        opts=names.kept_in(scope, platform.region),
    )
    account = PlatformAddress.of(platform).account
    for index, who in enumerate(roles):
        name = _word(index, who)
        plain = not isinstance(who, PrincipalRef) and who.value == name
        aws.iam.RolePolicyAttachment(
            scope.child(f"{part}-{name}"),
            role=name if plain else _role_name(who.value, account),
            policy_arn=policy.arn,
            opts=scope.opts,
        )
    return {part: policy}
