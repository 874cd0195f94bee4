"""What exists already on AWS: looked up by name while the program runs, and turned into refs.

Under Pulumi's mocks nothing is asked: what is said of a thing is believed, and its address is put together.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi import Input, Output

from pulumi_mlops.backends.aws import access, live
from pulumi_mlops.backends.aws.addresses import (
    DatasetAddress,
    EndpointAddress,
    FeatureGroupAddress,
    FeatureStoreAddress,
    ModelAddress,
    ModelRegistryAddress,
    PlatformAddress,
)
from pulumi_mlops.backends.aws.feature_store import TYPES
from pulumi_mlops.backends.aws.model_registry import model_group_name
from pulumi_mlops.components.dataset import ExistingDatasetSpec
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.endpoint import ExistingEndpointSpec
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.feature_group import ExistingFeatureGroupSpec, FeatureGroupRef
from pulumi_mlops.components.feature_store import ExistingFeatureStoreSpec, FeatureStoreRef
from pulumi_mlops.components.identity import ExistingIdentitySpec, IdentityRef
from pulumi_mlops.components.model import ExistingModelSpec, ModelRef
from pulumi_mlops.components.model_registry import ExistingModelRegistrySpec, ModelRegistryRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import principals, private
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.existing import Existing, absent
from pulumi_mlops.core.inputs import is_deferred, nearest

_NEUTRAL = {"String": "string", "Integral": "integer", "Fractional": "float"}
_CATALOGUE = "sagemaker_featurestore"
"""The database in which SageMaker makes tables by itself."""
_ACCOUNT = 4
"""The place of the account in an ARN."""


def problems(spec: Existing | ExistingDatasetSpec) -> Iterator[Problem]:
    """Judge what is said of an existing thing."""
    if isinstance(spec, ExistingDatasetSpec):
        yield from _place(spec)
        return
    if isinstance(spec, ExistingFeatureGroupSpec | ExistingEndpointSpec | ExistingFeatureStoreSpec):
        yield from _a_name(spec.called)
    if isinstance(spec, ExistingFeatureStoreSpec):
        if spec.writer is None:
            yield Problem("writer", "is required: SageMaker writes offline rows as a role; write {'role': …}")
        else:
            for problem in access.principal_problems("writer", [spec.writer], ("role",)):
                yield Problem(problem.field.replace("[0]", ""), problem.message)
        if spec.rows is None:
            yield Problem("rows", "is required; write the folder of the offline rows, such as 's3://bucket/features/'")


def _a_name(called: str | None) -> Iterator[Problem]:
    if called is not None and called.startswith("arn:"):
        told = f"{called!r} is an ARN; write the name: it is looked up in the platform's account and region"
        yield Problem("called", told)


def _nowhere(noun: str, name: str, platform: PlatformRef, what: str) -> InvalidArgs:
    account, region = PlatformAddress.of(platform).account, platform.region or live.default_region()
    whose = "the platform's account" if is_deferred(account) else f"account {account}"
    return absent(noun, name, f"there is no {what} in {whose}, {region}")


def _of_the_account(noun: str, name: str, platform: PlatformRef, arn: str) -> None:
    """Refuse what these credentials found in another account than the platform's."""
    own = PlatformAddress.of(platform).account
    if not is_deferred(own) and arn.split(":")[_ACCOUNT] != own:
        told = (
            f"the credentials of this stack found {arn}, and the platform is in account {own}; set aws:profile or "
            f"aws:assumeRoles to credentials of {own}"
        )
        raise absent(noun, name, told)


def _arn(platform: PlatformRef, kind: str, name: str) -> Output[str]:
    at = PlatformAddress.of(platform)
    return Output.format("arn:{0}:sagemaker:{1}:{2}:{3}/{4}", at.partition, at.region, at.account, kind, name)


def feature_group(name: str, spec: ExistingFeatureGroupSpec) -> FeatureGroupRef:
    """Read all that there is to know of the group; what the program says as well has to agree."""
    platform, called = spec.hub, spec.called or name
    there = _supposed(spec, called) if private.mocked() else live.feature_group(platform, called)
    if there is None:
        raise _nowhere("FeatureGroup", name, platform, f"feature group {called!r}")
    if "FeatureGroupArn" in there:
        _of_the_account("FeatureGroup", name, platform, there["FeatureGroupArn"])
    if wrong := list(_disagreements(spec, there)):
        raise InvalidArgs("FeatureGroup", name, wrong)
    features: dict[str, str] = {
        found["FeatureName"]: _NEUTRAL.get(found["FeatureType"], "string") for found in there["FeatureDefinitions"]
    }
    time = there["EventTimeFeatureName"]
    if features.get(time) == "string":
        features[time] = "timestamp"
    online, offline = there.get("OnlineStoreConfig", {}), there.get("OfflineStoreConfig", {})
    catalogue, kept = offline.get("DataCatalogConfig", {}), offline.get("S3StorageConfig", {})
    address = FeatureGroupAddress(
        name=called,
        arn=there.get("FeatureGroupArn") or _arn(platform, "feature-group", called),
        database=catalogue.get("Database"),
        table=catalogue.get("TableName"),
        offline=f"{kept['S3Uri'].rstrip('/')}/" if kept else None,
        online_keys=_keys(platform, online.get("SecurityConfig", {}).get("KmsKeyId")),
        offline_keys=_keys(platform, kept.get("KmsKeyId")),
    )
    return FeatureGroupRef(
        name=name,
        backend="aws",
        platform=platform,
        keys=[there["RecordIdentifierFeatureName"]],
        event_time=time,
        features={**features, **(spec.features or {})},
        has_online=bool(online.get("EnableOnlineStore", bool(online))),
        has_offline=bool(offline),
        address=address.plain(),
    )


def _keys(platform: PlatformRef, key: str | None) -> list[Input[str]]:
    """Return the keys that a store is encrypted with; none where it is SageMaker's own."""
    return [] if key is None else [live.key_arn(platform, key)]


def _supposed(spec: ExistingFeatureGroupSpec, called: str) -> dict[str, Any]:
    """Describe a group as the program does; what it leaves out is filled in."""
    (key, *_), time = spec.keys or ["id"], spec.event_time or "event_time"
    database = FeatureStoreAddress.of(spec.store).database if spec.store else _CATALOGUE
    features: Mapping[str, str] = {key: "string", time: "timestamp", **(spec.features or {})}
    found: dict[str, Any] = {
        "RecordIdentifierFeatureName": key,
        "EventTimeFeatureName": time,
        "FeatureDefinitions": [{"FeatureName": of, "FeatureType": TYPES[kind]} for of, kind in features.items()],
        "OfflineStoreConfig": {
            "S3StorageConfig": {"S3Uri": spec.offline or "s3://rows/"},
            "DataCatalogConfig": {"Database": database, "TableName": called.replace("-", "_").lower()},
        },
    }
    return found | ({} if spec.online is False else {"OnlineStoreConfig": {"EnableOnlineStore": True}})


def _disagreements(spec: ExistingFeatureGroupSpec, there: Mapping[str, Any]) -> Iterator[Problem]:
    known = {found["FeatureName"]: found["FeatureType"] for found in there["FeatureDefinitions"]}
    for feature, kind in (spec.features or {}).items():
        if feature not in known:
            yield Problem("features", f"{feature!r} is not in the group{nearest(feature, known)}")
        elif TYPES[kind] != known[feature]:
            yield Problem(f"features.{feature}", f"is {kind!r} here, and AWS holds it as {known[feature]}")
    (key, time) = there["RecordIdentifierFeatureName"], there["EventTimeFeatureName"]
    if spec.keys is not None and spec.keys != [key]:
        yield Problem("keys", f"are {spec.keys!r} here, and the group has [{key!r}]")
    if spec.event_time is not None and spec.event_time != time:
        yield Problem("event_time", f"is {spec.event_time!r} here, and the group has {time!r}")
    yield from _other_stores(spec, there)


def _other_stores(spec: ExistingFeatureGroupSpec, there: Mapping[str, Any]) -> Iterator[Problem]:
    online = bool(there.get("OnlineStoreConfig", {}).get("EnableOnlineStore"))
    if spec.online is not None and spec.online != online:
        yield Problem("online", f"is {spec.online} here, and the group has {'one' if online else 'none'}")
    offline = there.get("OfflineStoreConfig")
    if spec.offline is not None:
        place = f"{offline['S3StorageConfig']['S3Uri'].rstrip('/')}/" if offline else None
        if place != spec.offline:
            yield Problem("offline", f"is {spec.offline!r} here, and the group has {place or 'no offline store'}")
    if spec.store is not None and offline:
        wanted, found = (
            FeatureStoreAddress.of(spec.store).database,
            offline.get("DataCatalogConfig", {}).get("Database"),
        )
        if not is_deferred(wanted) and wanted != found:
            yield Problem("store", f"is the catalogue {wanted!r}, and the group is in {found!r}; write platform=…")


def feature_store(name: str, spec: ExistingFeatureStoreSpec) -> FeatureStoreRef:
    """Find the catalogue; who writes to it, and where, is said."""
    called = spec.called or name
    if not private.mocked() and live.database(spec.platform, called) is None:
        raise _nowhere("FeatureStore", name, spec.platform, f"database {called!r} of Glue")
    assert spec.writer is not None  # noqa: S101 (judged above)
    assert spec.rows is not None  # noqa: S101 (judged above)
    at = PlatformAddress.of(spec.platform)
    role = access.principal_arn(spec.writer, at.partition, at.account)
    return FeatureStoreRef(
        name=name,
        backend="aws",
        platform=spec.platform,
        address=FeatureStoreAddress(database=called, role=role, offline=spec.rows).plain(),
    )


_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/.*")


def _place(spec: ExistingDatasetSpec) -> Iterator[Problem]:
    """Judge the address of a folder."""
    if not _BUCKET.fullmatch(spec.location):
        told = f"{spec.location!r} is no folder of S3; write a bucket's name of 3 to 63 characters: 's3://bucket/rows/'"
        yield Problem("location", told)


def dataset(name: str, spec: ExistingDatasetSpec) -> DatasetRef:
    """Find the bucket; what is in the folder is said."""
    found = _BUCKET.fullmatch(spec.location)
    assert found is not None  # noqa: S101 (judged above)
    if not private.mocked() and not live.bucket_there(spec.platform, found["bucket"]):
        raise absent("Dataset", name, f"there is no bucket {found['bucket']!r}", "location")
    return DatasetRef(
        name=name,
        backend="aws",
        platform=spec.platform,
        location=spec.location,
        format=spec.format,
        partition=spec.partition,
        columns=spec.columns,
        address=DatasetAddress(key=spec.key).plain(),
    )


def model_registry(name: str, spec: ExistingModelRegistrySpec) -> ModelRegistryRef:
    """Find groups that have the registry's prefix: it is nothing else."""
    called = spec.called or name
    if not private.mocked() and not live.has_model_groups(spec.platform, f"{called}-"):
        told = f"model package group whose name begins with '{called}-'"
        raise _nowhere("ModelRegistry", name, spec.platform, told)
    return ModelRegistryRef(
        name=name,
        backend="aws",
        platform=spec.platform,
        consumers=principals.plain(principals.read(spec.platform.consumers)),
        address=ModelRegistryAddress(prefix=called).plain(),
    )


def model(name: str, spec: ExistingModelSpec) -> ModelRef:
    """Find the group, also one of another account, which is named by its ARN."""
    platform = spec.hub
    called = spec.called or (model_group_name(spec.registry, name) if spec.registry else name)
    arn: Input[str] = called if called.startswith("arn:") else _arn(platform, "model-package-group", called)
    if not private.mocked():
        there = live.model_group(platform, called)
        if there is None:
            raise _nowhere("Model", name, platform, f"model package group {called!r}")
        arn = there["ModelPackageGroupArn"]
        if not called.startswith("arn:"):
            _of_the_account("Model", name, platform, there["ModelPackageGroupArn"])
    return ModelRef(
        name=name,
        backend="aws",
        platform=platform,
        gate=spec.gate,
        address=ModelAddress(group=called, arn=arn, files=spec.files, files_key=spec.key).plain(),
    )


def endpoint(name: str, spec: ExistingEndpointSpec) -> EndpointRef:
    """Find the endpoint, and read how it is called."""
    platform, called = spec.platform, spec.called or name
    there: Mapping[str, Any] | None = {} if private.mocked() else live.endpoint(platform, called)
    if there is None:
        raise _nowhere("Endpoint", name, platform, f"endpoint {called!r}")
    if "EndpointArn" in there:
        _of_the_account("Endpoint", name, platform, there["EndpointArn"])
    if (status := there.get("EndpointStatus", "InService")) not in ("InService", "Updating", "SystemUpdating"):
        pulumi.log.warn(f"Endpoint {name!r}: {called!r} is {status} now, and does not answer")
    at = PlatformAddress.of(platform)
    path = "async-invocations" if "AsyncInferenceConfig" in there else "invocations"
    capture = there.get("DataCaptureConfig", {})
    return EndpointRef(
        name=name,
        backend="aws",
        platform=platform,
        url=Output.format("https://runtime.sagemaker.{0}.{1}/endpoints/{2}/{3}", at.region, at.domain, called, path),
        status="live",
        variants=[variant["VariantName"] for variant in there.get("ProductionVariants", [])],
        captured=capture.get("DestinationS3Uri") if capture.get("EnableCapture") else None,
        capture_percent=capture.get("CurrentSamplingPercentage") if capture.get("EnableCapture") else 0,
        address=EndpointAddress(
            name=called,
            arn=there.get("EndpointArn") or _arn(platform, "endpoint", called),
            logs=f"/aws/sagemaker/Endpoints/{called}",
        ).plain(),
    )


def identity(name: str, spec: ExistingIdentitySpec) -> IdentityRef:
    """Find the role; one of another account is named by its ARN, and cannot be looked up."""
    called = spec.called or name
    principal = called if called.startswith("arn:") else _role(name, spec.platform, called)
    return IdentityRef(name=name, backend="aws", platform=spec.platform, kind="role", principal=principal)


def _role(name: str, platform: PlatformRef, called: str) -> Input[str]:
    if private.mocked():
        at = PlatformAddress.of(platform)
        return Output.format("arn:{0}:iam::{1}:role/{2}", at.partition, at.account, called)
    there = live.role(platform, called)
    if there is None:
        raise _nowhere("Identity", name, platform, f"role {called!r}")
    _of_the_account("Identity", name, platform, there["Arn"])
    return str(there["Arn"])
