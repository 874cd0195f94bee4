"""What is in the account now, asked by boto3 while the program runs.

Pulumi's provider has no data source for these, and some answers decide what a program declares: the newest approved
version, the features that a group has. The provider's settings are used (see ``sessions``). Under Pulumi's mocks
nothing is asked.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pulumi

from pulumi_mlops.backends.aws import sessions
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import MlopsError

ZONES = {"state": "available", "zone-type": "availability-zone"}
"""What a zone is in which subnets can be: no Local Zone, no Wavelength Zone."""


def default_region() -> str | None:
    """Return the region that the provider would take by itself."""
    return pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def client(platform: PlatformRef, service: str) -> Any:
    """Return a client with the platform's region and the settings of its provider."""
    return sessions.client(next(iter(platform.providers), None), service, platform.region or default_region())


def account(platform: PlatformRef) -> str | None:
    """Return the account that is looked up in; nothing under mocks."""
    if private.mocked():
        return None
    with asking("the account"):
        return private.once(
            f"account {[id(one) for one in platform.providers]}",
            lambda: str(client(platform, "sts").get_caller_identity()["Account"]),
        )


def service_names(given: pulumi.ProviderResource | None, region: str) -> Mapping[str, tuple[str, frozenset[str]]]:
    """Return the interface endpoints that a region has: by service the whole name, and the zones that have it.

    Nothing under mocks, and where this program may not ask.
    """
    if private.mocked():
        return {}
    return private.once(f"services {id(given)} {region}", lambda: _service_names(given, region))


def _service_names(given: pulumi.ProviderResource | None, region: str) -> Mapping[str, tuple[str, frozenset[str]]]:
    wanted = {"Name": "service-type", "Values": ["Interface"]}
    found: dict[str, tuple[str, frozenset[str]]] = {}
    try:
        with asking(f"the endpoint services of {region}"):
            ec2 = sessions.client(given, "ec2", region)
            pages = ec2.get_paginator("describe_vpc_endpoint_services").paginate(Filters=[wanted])
            for detail in (one for page in pages for one in page["ServiceDetails"]):
                _, here, service = detail["ServiceName"].partition(f".{region}.")
                if here and any(kind["ServiceType"] == "Interface" for kind in detail["ServiceType"]):
                    found[service] = (detail["ServiceName"], frozenset(detail["AvailabilityZones"]))
    except MlopsError as error:
        pulumi.log.warn(f"{error} The usual names of endpoint services are taken, in the first zones.")
        return {}
    return found


def zones(given: pulumi.ProviderResource | None, region: str) -> list[str]:
    """Return the zones of a region in which subnets can be, without Local Zones; nothing under mocks."""
    if private.mocked():
        return []

    def ask() -> list[str]:
        with asking(f"the zones of {region}"):
            found = sessions.client(given, "ec2", region).describe_availability_zones(
                Filters=[{"Name": name, "Values": [value]} for name, value in ZONES.items()]
            )
            return sorted(zone["ZoneName"] for zone in found["AvailabilityZones"])

    return private.once(f"zones {id(given)} {region}", ask)


def quota(platform: PlatformRef, service: str, named: str) -> float | None:
    """Return a quota of the account in the platform's region; nothing where none is called so.

    Nothing either under mocks, and where this program may not ask.
    """
    if private.mocked():
        return None
    place = f"quotas of {service} {[id(one) for one in platform.providers]} {platform.region}"
    found = private.once(place, lambda: _quotas(platform, service))
    return found.get(named)


def _quotas(platform: PlatformRef, service: str) -> Mapping[str, float]:
    try:
        with asking(f"the quotas of {service}"):
            pages = (
                client(platform, "service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode=service)
            )
            return {one["QuotaName"]: float(one["Value"]) for page in pages for one in page["Quotas"]}
    except MlopsError as error:
        pulumi.log.warn(f"{error} No number of machines is compared with the account's quotas.")
        return {}


def feature_group(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe a feature group with all its features, or nothing."""
    if private.mocked():
        return None
    with asking(f"feature group {name!r}"):
        sagemaker = client(platform, "sagemaker")
        try:
            found: dict[str, Any] = sagemaker.describe_feature_group(FeatureGroupName=name)
        except sagemaker.exceptions.ResourceNotFound:
            return None
        page = found
        while token := page.get("NextToken"):
            page = sagemaker.describe_feature_group(FeatureGroupName=name, NextToken=token)
            found["FeatureDefinitions"] += page["FeatureDefinitions"]
        return found


def model_group(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe a model package group, or nothing."""
    return _describe(platform, "model_package_group", {"ModelPackageGroupName": name}, absent="does not exist")


def has_model_groups(platform: PlatformRef, prefix: str) -> bool:
    """Tell whether there is a model package group whose name begins so."""
    with asking(f"model package groups {prefix}…"):
        found = client(platform, "sagemaker").get_paginator("list_model_package_groups").paginate(NameContains=prefix)
        groups = (group for page in found for group in page["ModelPackageGroupSummaryList"])
        return any(group["ModelPackageGroupName"].startswith(prefix) for group in groups)


class _Look(NamedTuple):
    """A call that describes one thing: its name, the member of the answer, and the exception that says absence."""

    call: str
    member: str | None
    absent: str


_DATABASE = _Look("get_database", "Database", "EntityNotFoundException")
_TABLE = _Look("get_table", "Table", "EntityNotFoundException")
_SECRET = _Look("describe_secret", None, "ResourceNotFoundException")
_ROLE = _Look("get_role", "Role", "NoSuchEntityException")


def _there(what: str, ask: Callable[[], Any], look: _Look, **by: str) -> dict[str, Any] | None:
    """Describe a thing whose absence has an exception of its own, or nothing."""
    with asking(what):
        service = ask()
        try:
            answer = getattr(service, look.call)(**by)
        except getattr(service.exceptions, look.absent):
            return None
        found: dict[str, Any] = answer if look.member is None else answer[look.member]
        return found


def database(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe a database of Glue, or nothing."""
    return _there(f"database {name!r}", lambda: client(platform, "glue"), _DATABASE, Name=name)


def is_written(platform: PlatformRef, database: str, name: str) -> bool:
    """Tell whether a feature group writes to a table, whatever that is called: a transform may have renamed it."""
    if private.mocked():
        return False
    with asking(f"feature groups that write to table {name!r}"):
        sagemaker = client(platform, "sagemaker")
        pages = sagemaker.get_paginator("list_feature_groups").paginate()
        for group in (one["FeatureGroupName"] for page in pages for one in page["FeatureGroupSummaries"]):
            offline = (feature_group(platform, group) or {}).get("OfflineStoreConfig", {})
            catalog = offline.get("DataCatalogConfig", {})
            if (catalog.get("Database"), catalog.get("TableName")) == (database, name):
                return True
    return False


def table(platform: PlatformRef, database: str, name: str) -> dict[str, Any] | None:
    """Describe a table of Glue, or nothing."""
    if private.mocked():
        return None
    what = f"table {name!r} of database {database!r}"
    return _there(what, lambda: client(platform, "glue"), _TABLE, DatabaseName=database, Name=name)


def secret(given: pulumi.ProviderResource | None, region: str | None, name: str) -> dict[str, Any] | None:
    """Describe a secret, one that waits for its deletion included, or nothing."""
    if private.mocked():
        return None
    return _there(
        f"secret {name!r}",
        lambda: sessions.client(given, "secretsmanager", region or default_region()),
        _SECRET,
        SecretId=name,
    )


def role(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe a role, or nothing."""
    return _there(f"role {name!r}", lambda: client(platform, "iam"), _ROLE, RoleName=name)


def bucket_tags(platform: PlatformRef, name: str) -> dict[str, str] | None:
    """Read the tags of a bucket; None where there is no such bucket of ours, or it has none."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 (only programs that ask pay for it)

    with asking(f"the tags of bucket {name}"):
        try:
            found = client(platform, "s3").get_bucket_tagging(Bucket=name)["TagSet"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in (*_NO_ANSWER, "NoSuchTagSet"):
                return None
            raise
        return {tag["Key"]: tag["Value"] for tag in found}


def tells_of_files(platform: PlatformRef, name: str) -> bool | None:
    """Tell whether a bucket raises events of its files; None where this program may not look at it."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 (as above)

    if private.mocked():
        return None
    with asking(f"the notifications of bucket {name}"):
        try:
            found = client(platform, "s3").get_bucket_notification_configuration(Bucket=name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NO_ANSWER:
                raise
            return None
        return "EventBridgeConfiguration" in found


def bucket_there(platform: PlatformRef, name: str) -> bool:
    """Tell whether there is a bucket; one that this program may not look at counts as there."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 (as above)

    with asking(f"bucket {name}"):
        try:
            client(platform, "s3").head_bucket(Bucket=name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchBucket"):
                return False
            if error.response.get("Error", {}).get("Code") not in _NO_ANSWER:
                raise
        return True


def key_arn(platform: PlatformRef, key: str) -> str:
    """Return the ARN of a key, also of one that is named by its id or by an alias."""
    if ":key/" in key:
        return key
    with asking(f"key {key!r}"):
        return str(client(platform, "kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"])


def endpoint(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe an endpoint, or nothing."""
    return _describe(platform, "endpoint", {"EndpointName": name}, absent="Could not find endpoint")


def endpoint_config(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe the configuration of an endpoint, or nothing."""
    return _describe(platform, "endpoint_config", {"EndpointConfigName": name}, absent="Could not find")


def tags(platform: PlatformRef, arn: str) -> dict[str, str]:
    """Read the tags of a thing of SageMaker's."""
    with asking(f"tags of {arn}"):
        pages = client(platform, "sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def _describe(platform: PlatformRef, kind: str, by: dict[str, str], absent: str) -> dict[str, Any] | None:
    """Describe a thing whose absence SageMaker tells only by a word in the message."""
    if private.mocked():
        return None
    with asking(f"{kind.replace('_', ' ')} {next(iter(by.values()))!r}"):
        sagemaker = client(platform, "sagemaker")
        try:
            found: dict[str, Any] = getattr(sagemaker, f"describe_{kind}")(**by)
        except sagemaker.exceptions.ClientError as error:
            if absent in str(error):
                return None
            raise
        return found


_NO_ANSWER = ("403", "404", "AccessDenied", "NoSuchBucket", "NoSuchKey")


def key_of(platform: PlatformRef, uri: str) -> str | None:
    """Return the ARN of the key that a file, or the first file of a folder, is encrypted with.

    None where there is no such file, where S3's own key encrypts it, and where this program may not look.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 (as above)

    if private.mocked():
        return None
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    with asking(f"the key of {uri}"):
        s3 = client(platform, "s3")
        try:
            if path.endswith("/"):
                first = s3.list_objects_v2(Bucket=bucket, Prefix=path, MaxKeys=1).get("Contents")
                path = first[0]["Key"] if first else ""
            found = s3.head_object(Bucket=bucket, Key=path).get("SSEKMSKeyId") if path else None
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _NO_ANSWER:
                return None
            raise
        return None if found is None else str(found)


def approved_packages(platform: PlatformRef, group: str) -> Iterator[dict[str, Any]]:
    """Describe the approved versions of a group, newest first."""
    yield from _packages(platform, group, lambda _: True, ModelApprovalStatus="Approved")


def packages(platform: PlatformRef, group: str) -> Iterator[dict[str, Any]]:
    """Describe the versions of a group, newest first."""
    yield from _packages(platform, group, lambda _: True)


def package(platform: PlatformRef, group: str, number: int) -> dict[str, Any] | None:
    """Describe one version of a group, or nothing."""
    return next(_packages(platform, group, lambda summary: summary["ModelPackageVersion"] == number), None)


def _packages(
    platform: PlatformRef, group: str, wanted: Callable[[dict[str, Any]], bool], **by: str
) -> Iterator[dict[str, Any]]:
    """Describe versions of a group, newest first; none where there is no such group."""
    if private.mocked() or model_group(platform, group) is None:
        return
    with asking(f"versions of {group!r}"):
        sagemaker = client(platform, "sagemaker")
        pages = sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", **by
        )
        for page in pages:
            for summary in page["ModelPackageSummaryList"]:
                if wanted(summary):
                    yield sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])


class Scaled(NamedTuple):
    """A scalable target with what moves it, as AWS describes them."""

    target: dict[str, Any]
    policies: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    tags: dict[str, str]


def _variant(endpoint: str, variant: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{variant}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _scalable(platform: PlatformRef, endpoint: str, variant: str) -> dict[str, Any] | None:
    where = _variant(endpoint, variant)
    found: list[dict[str, Any]] = client(platform, "application-autoscaling").describe_scalable_targets(
        ServiceNamespace=where["ServiceNamespace"],
        ResourceIds=[where["ResourceId"]],
        ScalableDimension=where["ScalableDimension"],
    )["ScalableTargets"]
    return found[0] if found else None


def scaling_bounds(platform: PlatformRef, endpoint: str, variant: str) -> tuple[int, int] | None:
    """Return the least and the most replicas that a variant has by now, where something moves it."""
    if private.mocked():
        return None
    with asking(f"the scaling of endpoint {endpoint!r}"):
        found = _scalable(platform, endpoint, variant)
    return (found["MinCapacity"], found["MaxCapacity"]) if found else None


def take_scaling(platform: PlatformRef, endpoint: str, variant: str) -> Scaled | None:
    """Deregister a variant and return what it was moved by; nothing where it is not registered."""
    with asking(f"the scaling of endpoint {endpoint!r}"):
        target = _scalable(platform, endpoint, variant)
        if target is None:
            return None
        scaling, where = client(platform, "application-autoscaling"), _variant(endpoint, variant)
        found = Scaled(
            target,
            scaling.describe_scaling_policies(**where)["ScalingPolicies"],
            scaling.describe_scheduled_actions(**where)["ScheduledActions"],
            scaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"],
        )
        scaling.deregister_scalable_target(**where)
        return found


_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState")
_POLICY = (
    *("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension", "PolicyType"),
    *("StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration"),
)
_ACTION = (
    *("ScheduledActionName", "ServiceNamespace", "ResourceId", "ScalableDimension", "Schedule", "Timezone"),
    *("StartTime", "EndTime", "ScalableTargetAction"),
)


def give_scaling(platform: PlatformRef, taken: Scaled) -> None:
    """Register a variant as it was."""

    def of(found: dict[str, Any], members: Sequence[str]) -> dict[str, Any]:
        return {member: found[member] for member in members if member in found}

    with asking(f"the scaling of {taken.target['ResourceId']}"):
        scaling = client(platform, "application-autoscaling")
        scaling.register_scalable_target(**of(taken.target, _TARGET), Tags=taken.tags)
        for policy in taken.policies:
            scaling.put_scaling_policy(**of(policy, _POLICY))
        for action in taken.actions:
            scaling.put_scheduled_action(**of(action, _ACTION))
