"""Who may do what: callers that are a role, and roles that AWS takes on, are judged by the policies of the role.

The made-up credentials of the sandbox are its administrator's, and may do everything. A role without any policy is not
judged when AWS takes it on: nothing is said of what it may do.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pulumi_mlops_sandbox.aws import accounts, needs
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.evaluation import allowed
from pulumi_mlops_sandbox.aws.hooks import before
from pulumi_mlops_sandbox.aws.needs import Need
from pulumi_mlops_sandbox.aws.policies import Statement, as_list
from pulumi_mlops_sandbox.aws.sagemaker.kinds import ENDPOINT_CONFIG, FEATURE_GROUP, MODEL, MODEL_PACKAGE

_IMAGE = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.-]+/(?P<name>[^:@]+)")
_PULL = ("BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability")
# What a service calls a refusal; the others say AccessDeniedException.
_CODES = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"} | dict.fromkeys(
    ("s3", "iam", "cloudwatch", "sts", "sqs"), "AccessDenied"
)


def judge(call: Call) -> None:
    """Note what a request needs, and refuse it to a caller that is a role without the right."""
    wanted = needs.of(call)
    call.plane.needed.update((need.action, need.resource) for need in wanted)
    role = accounts.session_role(call.access_key)
    if role is None:
        return
    statements = list(statements_of(role))
    for need in wanted:
        if not allowed(statements, need.action, need.resource, need.facts):
            raise AwsError(
                _CODES.get(call.service, "AccessDeniedException"),
                f"User: {role.arn} is not authorized to perform: {need.action} on resource: {need.resource} because no "
                f"identity-based policy allows the {need.action} action",
                403,
            )


def statements_of(role: Any) -> Iterator[Statement]:
    """Read all policies of a role."""
    managed = [version for policy in role.managed_policies.values() for version in policy.versions]
    texts = [*role.policies.values(), *(version.document for version in managed if version.is_default)]
    for text in texts:
        document = json.loads(text) if isinstance(text, str) else text
        yield from as_list(document["Statement"])


def lacking(arn: str | None, wanted: Iterable[Need]) -> str:
    """Say which right a role of this account lacks, of those that AWS needs when it takes the role on."""
    role = accounts.role(arn) if arn else None
    statements = list(statements_of(role)) if role is not None else []
    for need in wanted if statements else ():
        if not allowed(statements, need.action, need.resource, need.facts):
            facts = "".join(f" with {key} {value}" for key, value in need.facts.items())
            return f"Please ensure that the role {arn} allows {need.action} on {need.resource}{facts}"
    return ""


def _require(arn: str | None, wanted: Iterable[Need], what: str) -> None:
    """Refuse a role of this account that lacks a right that AWS needs when it takes the role on."""
    if lacks := lacking(arn, wanted):
        raise AwsError("ValidationException", f"Could not {what}. {lacks}")


def _through(call: Call, service: str, key: str | None, *actions: str) -> Iterator[Need]:
    if key is not None:
        facts = {"kms:ViaService": f"{service}.{call.region}.amazonaws.com"}
        yield from (Need(f"kms:{action}", needs.key_arn(call, key), facts) for action in actions)


@before("sagemaker", "CreateModel")
def check_model(call: Call) -> None:
    """Judge what a container is made of, and what it is told of: image, files, network, secrets and features."""
    params = call.params
    role = params.get("ExecutionRoleArn")
    for container in [params.get("PrimaryContainer"), *(params.get("Containers") or [])]:
        for part in _parts(call, container or {}):
            _require(role, pulled(part.get("Image", "")), f"access the image {part.get('Image')}")
            for uri in _files(part):
                _require(role, _reading(call, uri), f"access model data at {uri}")
            _require(role, _told(call, part), "read what the container is told of")
    _require(role, _network(call, params.get("VpcConfig") or {}), "make network interfaces")


def _parts(call: Call, container: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a container, and the containers of the package that it names."""
    yield container
    package = container.get("ModelPackageName")
    found = call.plane.store.all(MODEL_PACKAGE, call.region).get(str(package).rpartition("model-package/")[2])
    yield from ((found or {}).get("InferenceSpecification") or {}).get("Containers", [])


def pulled(address: str) -> Iterator[Need]:
    """List what fetching an image needs."""
    if found := _IMAGE.match(address):
        where = f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['name']}"
        yield from (Need(f"ecr:{action}", where) for action in _PULL)
        yield Need("ecr:GetAuthorizationToken")


def _files(container: dict[str, Any]) -> Iterator[str]:
    if "ModelDataUrl" in container:
        yield container["ModelDataUrl"]
    if uri := (container.get("ModelDataSource") or {}).get("S3DataSource", {}).get("S3Uri"):
        yield uri


def _reading(call: Call, uri: str) -> Iterator[Need]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    yield Need("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}{'file' if key.endswith('/') else ''}")
    yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})
    yield from _through(call, "s3", accounts.key_of_file(bucket, key), "Decrypt")


def _writing(call: Call, uri: str, key: str | None) -> Iterator[Need]:
    yield Need("s3:PutObject", f"arn:aws:s3:::{uri.removeprefix('s3://').rstrip('/')}/file")
    yield from _through(call, "s3", key, "GenerateDataKey")


def _told(call: Call, container: dict[str, Any]) -> Iterator[Need]:
    """List what a container reads of the secrets and feature groups that its variables name."""
    groups = call.plane.store.all(FEATURE_GROUP, call.region)
    for value in (container.get("Environment") or {}).values():
        if value.startswith("arn:aws:secretsmanager:"):
            yield Need("secretsmanager:GetSecretValue", value)
            secret = accounts.secret(call.region, value)
            yield from _through(call, "secretsmanager", secret.kms_key_id if secret else None, "Decrypt")
        elif value in groups:
            group = groups[value]
            yield Need("sagemaker:GetRecord", group["FeatureGroupArn"])
            key = ((group.get("OnlineStoreConfig") or {}).get("SecurityConfig") or {}).get("KmsKeyId")
            yield from _through(call, "sagemaker", key, "Decrypt")


def _network(call: Call, config: dict[str, Any]) -> Iterator[Need]:
    here = f"arn:aws:ec2:{call.region}:{ACCOUNT}"
    for group in config.get("SecurityGroupIds", []):
        yield Need("ec2:CreateNetworkInterface", f"{here}:security-group/{group}")
    for subnet in config.get("Subnets", []):
        facts = {"ec2:Subnet": f"{here}:subnet/{subnet}"}
        yield Need("ec2:CreateNetworkInterface", facts["ec2:Subnet"])
        for action in ("Create", "Delete"):
            for thing in ("NetworkInterface", "NetworkInterfacePermission"):
                yield Need(f"ec2:{action}{thing}", f"{here}:network-interface/eni-1", facts)
        yield Need("ec2:DescribeSubnets")


@before("sagemaker", "CreateEndpointConfig")
def check_configuration(call: Call) -> None:
    """Judge where requests and answers are kept, and who is told."""
    params = call.params
    capture, queue = params.get("DataCaptureConfig") or {}, params.get("AsyncInferenceConfig") or {}
    out = queue.get("OutputConfig") or {}
    for role in _roles(call, params):
        if capture.get("EnableCapture") and "DestinationS3Uri" in capture:
            kept = _writing(call, capture["DestinationS3Uri"], capture.get("KmsKeyId"))
            _require(role, kept, "write captured data")
        for uri in (out.get("S3OutputPath"), out.get("S3FailurePath")):
            if uri is not None:
                _require(role, _writing(call, uri, out.get("KmsKeyId")), "write answers")
        notices = out.get("NotificationConfig") or {}
        for topic in {notices.get("SuccessTopic"), notices.get("ErrorTopic")} - {None}:
            key = accounts.key_of_topic(call.region, str(topic))
            wanted = [Need("sns:Publish", str(topic)), *_through(call, "sns", key, "GenerateDataKey", "Decrypt")]
            _require(role, wanted, "tell a topic")


def _roles(call: Call, config: dict[str, Any]) -> set[str]:
    """Find the roles of the models that a configuration serves."""
    models = call.plane.store.all(MODEL, call.region)
    variants = [*config.get("ProductionVariants", []), *(config.get("ShadowProductionVariants") or [])]
    found = (models.get(variant.get("ModelName", ""), {}).get("ExecutionRoleArn") for variant in variants)
    return {role for role in found if role}


@before("sagemaker", "CreateEndpoint", "UpdateEndpoint")
def check_endpoint(call: Call) -> None:
    """Judge where an endpoint writes its logs and metrics."""
    config = call.plane.store.all(ENDPOINT_CONFIG, call.region).get(call.params["EndpointConfigName"]) or {}
    name = f"/aws/sagemaker/Endpoints/{call.params['EndpointName']}"
    stream = f"arn:aws:logs:{call.region}:{ACCOUNT}:log-group:{name}:log-stream:main/i-1"
    wanted = [
        *(Need(f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")),
        Need("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}),
    ]
    for role in _roles(call, config):
        _require(role, wanted, f"write logs to {name}")


@before("sagemaker", "CreateMlflowApp", "CreateMlflowTrackingServer")
def check_mlflow(call: Call) -> None:
    """Judge where the files of runs are kept."""
    uri = call.params.get("ArtifactStoreUri") or ""
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    wanted = [*_writing(call, uri, accounts.key_of_file(bucket, path)), *_reading(call, uri)]
    _require(call.params.get("RoleArn"), wanted, f"keep files of runs at {uri}")


@before("sagemaker", "CreateFeatureGroup")
def check_feature_group(call: Call) -> None:
    """Judge where rows are written, and the table that is made of them."""
    params = call.params
    offline = params.get("OfflineStoreConfig") or {}
    kept = offline.get("S3StorageConfig") or {}
    if "S3Uri" not in kept:
        return
    rows = f"{kept['S3Uri'].rstrip('/')}/{ACCOUNT}/sagemaker/{call.region}/offline-store/{params['FeatureGroupName']}-1"
    where = f"arn:aws:s3:::{rows.removeprefix('s3://')}"
    wanted = [
        *_writing(call, rows, kept.get("KmsKeyId")),
        Need("s3:PutObjectAcl", f"{where}/file"),
        Need("s3:GetBucketAcl", where.partition("/")[0]),
    ]
    if offline.get("TableFormat") == "Iceberg":
        wanted.append(Need("s3:GetObject", f"{where}/metadata/file"))
    if catalog := offline.get("DataCatalogConfig"):
        here, database = f"arn:aws:glue:{call.region}:{ACCOUNT}", catalog["Database"]
        for part in ("catalog", f"database/{database}", f"table/{database}/{catalog['TableName']}"):
            wanted += [Need(f"glue:{action}Table", f"{here}:{part}") for action in ("Get", "Create", "Update")]
    _require(params.get("RoleArn"), wanted, "write offline rows")
