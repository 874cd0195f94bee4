"""What only AWS can judge, before anything is registered: its limits, its machines, and what is there already."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.aws import existing, leftovers, live, providers
from pulumi_mlops.backends.aws.access import principal_problems, size_problems
from pulumi_mlops.backends.aws.addresses import FeatureStoreAddress
from pulumi_mlops.backends.aws.bridges import region_problems, version_problems
from pulumi_mlops.backends.aws.dataset import dataset_problems
from pulumi_mlops.backends.aws.endpoint import endpoint_name
from pulumi_mlops.backends.aws.feature_store import TYPES, database_name, group_name, table_name
from pulumi_mlops.backends.aws.identity import identity_problems
from pulumi_mlops.backends.aws.limits import fits, limit_problems, shape
from pulumi_mlops.backends.aws.machines import ENDPOINTS
from pulumi_mlops.backends.aws.managed_monitor import managed_problems
from pulumi_mlops.backends.aws.model_registry import model_group_name
from pulumi_mlops.backends.aws.pipeline import pipeline_problems
from pulumi_mlops.backends.aws.release import LONGEST_SECONDS, watching_seconds
from pulumi_mlops.backends.aws.training_cluster import training_problems
from pulumi_mlops.components.dataset import DatasetSpec, ExistingDatasetSpec
from pulumi_mlops.components.endpoint import EndpointSpec, ModelFiles
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.identity import IdentitySpec
from pulumi_mlops.components.model import ModelSpec, ModelVersionRef
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.monitor import MonitorSpec
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.components.training_cluster import TrainingClusterSpec
from pulumi_mlops.core.component import anchor
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.existing import Existing
from pulumi_mlops.core.inputs import Spec, is_deferred
from pulumi_mlops.core.workload import together

_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")
_SERVERLESS_MEMORY_GB = range(1, 7)
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
_RANDOM = 8  # characters that Pulumi adds to a name
_ALARMS = 10  # of one release, the endpoint's own among them
_RESERVED_FEATURES = ("api_invocation_time", "is_deleted", "write_time")


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge a spec."""
    hub = anchor(spec)
    if hub is not None and (elsewhere := list(providers.looked_up_elsewhere(hub))):
        yield from elsewhere
        return
    yield from limit_problems(spec)
    if isinstance(spec, Existing | ExistingDatasetSpec):
        yield from existing.problems(spec)
    judge = _JUDGES.get(type(spec))
    if judge is not None:
        yield from judge(name, spec)


def _platform(spec: PlatformSpec) -> Iterator[Problem]:
    yield from principal_problems("consumers", spec.consumers, ("account", "role"))
    if spec.account and not _ACCOUNT.fullmatch(spec.account):
        yield Problem("account", f"{spec.account!r} is not an AWS account; write its twelve digits")
    if spec.region and not _REGION.fullmatch(spec.region):
        yield Problem("region", f"{spec.region!r} is not an AWS region; write one such as 'eu-west-1'")
    if spec.network and spec.network.existing and not spec.network.existing.security_groups:
        told = "is required: SageMaker attaches workloads to a network by security groups; write at least one"
        yield Problem("network.existing.security_groups", told)
    if spec.log_days and spec.log_days not in _LOG_DAYS:
        yield Problem(
            "log_days",
            f"{spec.log_days} is not a retention that CloudWatch Logs has; write one of "
            f"{', '.join(map(str, _LOG_DAYS))}",
        )
    if not (spec.region or live.default_region()):
        yield Problem("region", "is required; write region='eu-west-1', or run: pulumi config set aws:region eu-west-1")


def _feature_group(name: str, spec: FeatureGroupSpec) -> Iterator[Problem]:
    yield from _feature_names(spec)
    platform = spec.store.platform
    there = live.feature_group(platform, group_name(platform, name))
    if there is None:
        if spec.offline:
            yield from leftovers.table(platform, _database(spec), table_name(group_name(platform, name)))
        return
    yield from leftovers.ended("feature-group", group_name(platform, name), there)
    way_out = "rows that are there have it; keep it, or make a new FeatureGroup of another name and move its readers"
    for definition in there["FeatureDefinitions"]:
        feature, kind = definition["FeatureName"], definition["FeatureType"]
        if feature not in spec.features:
            yield Problem("features", f"{feature!r} cannot be removed from a group that exists: {way_out}")
        elif TYPES[spec.features[feature]] != kind:
            yield Problem(
                f"features.{feature}",
                f"cannot become {spec.features[feature]!r} in a group that exists (AWS holds it as {kind}): {way_out}",
            )
    online, offline = there.get("OnlineStoreConfig", {}).get("EnableOnlineStore", False), "OfflineStoreConfig" in there
    fixed = {
        "keys": (there["RecordIdentifierFeatureName"], spec.keys[0]),
        "event_time": (there["EventTimeFeatureName"], spec.event_time),
        "online": ("on" if online else "off", "on" if spec.online else "off"),
        "offline": ("on" if offline else "off", "on" if spec.offline else "off"),
        "description": (there.get("Description"), spec.description),
    }
    if spec.offline and offline:
        catalog = there["OfflineStoreConfig"].get("DataCatalogConfig", {})
        fixed["store"] = (catalog.get("Database"), _database(spec))
        table = there["OfflineStoreConfig"].get("TableFormat", "Glue")
        fixed["offline.format"] = ("iceberg" if table == "Iceberg" else "parquet", spec.offline.format)
    for field, (old, new) in fixed.items():
        if old != new:
            yield Problem(
                field,
                f"cannot change from {old!r} to {new!r}: AWS would replace the group and delete its rows; keep "
                "it, or make a new FeatureGroup of another name",
            )


def _database(spec: FeatureGroupSpec) -> str:
    """Name the catalogue of a group's store, also where it is still to be made."""
    database = FeatureStoreAddress.of(spec.store).database  # a plain one is another stack's, or existed already
    return database_name(spec.store.platform, spec.store.name) if is_deferred(database) else str(database)


def _feature_names(spec: FeatureGroupSpec) -> Iterator[Problem]:
    form = shape("sagemaker", "FeatureName")
    if wrong := [word for word in spec.features if len(word) > form["max"] or not fits(word, form["pattern"])]:
        yield Problem(
            "features",
            f"{', '.join(map(repr, wrong))}: AWS takes at most {form['max']} letters, digits, hyphens and "
            "underscores, a letter or digit at both ends",
        )
    if reserved := [word for word in spec.features if word in _RESERVED_FEATURES]:
        yield Problem(
            "features",
            f"{', '.join(map(repr, reserved))}: write none of {', '.join(_RESERVED_FEATURES)}, which SageMaker adds "
            "itself",
        )


def _model(name: str, spec: ModelSpec) -> Iterator[Problem]:
    there = live.model_group(spec.registry.platform, model_group_name(spec.registry, name))
    if there is not None:
        yield from leftovers.ended("model-package-group", model_group_name(spec.registry, name), there)
    if there is not None and there.get("ModelPackageGroupDescription") != spec.description:
        yield Problem(
            "description",
            f"cannot change from {there.get('ModelPackageGroupDescription')!r}: AWS would replace the group with "
            "all its versions; keep it, and use metadata for what changes",
        )


def _endpoint(name: str, spec: EndpointSpec) -> Iterator[Problem]:
    yield from principal_problems("invokers", spec.invokers, ("role",))
    if spec.mode.serverless:
        memory = spec.compute.memory_gb
        if memory not in _SERVERLESS_MEMORY_GB:
            yield Problem(
                "compute.memory_gb",
                f"{memory or 'nothing'} is not a size that serverless has; write 1, 2, 3, 4, 5 or 6",
            )
    else:
        yield from ENDPOINTS.problems("compute", spec.compute)
        for index, variant in enumerate(spec.variants):
            if variant.compute:
                yield from ENDPOINTS.problems(f"variants[{index}].compute", variant.compute)
        if spec.shadow and spec.shadow.compute:
            yield from ENDPOINTS.problems("shadow.compute", spec.shadow.compute)
    yield from _served(spec)
    yield from _watched(spec)
    yield from _named_by_pulumi(name, spec)
    yield from size_problems("reads", spec.platform, [] if spec.waiting else together(spec.workloads()))
    there = live.endpoint(spec.platform, endpoint_name(spec.platform, name))
    if leftovers.failed(there):
        yield from leftovers.failed_endpoint(endpoint_name(spec.platform, name), spec.release.owner)
    elif there is not None:
        yield from _endpoint_that_serves(spec, there)


def _served(spec: EndpointSpec) -> Iterator[Problem]:
    """Judge where images and versions come from."""
    if spec.serve.image is not None:
        yield from region_problems("serve.image", spec.serve.image, spec.platform)
    for field, served in _models(spec):
        if isinstance(served, ModelFiles):
            yield from region_problems(f"{field}.image", served.image, spec.platform)
        else:
            yield from version_problems(field, spec, served)


def _models(spec: EndpointSpec) -> Iterator[tuple[str, ModelVersionRef | ModelFiles]]:
    """Give every model, and where the user wrote it."""
    if spec.model is not None:
        yield "model", spec.model
    yield from ((f"variants[{index}].model", variant.model) for index, variant in enumerate(spec.variants))
    if spec.shadow:
        yield "shadow.model", spec.shadow.model


def _named_by_pulumi(name: str, spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse a model whose name would be too long: Pulumi makes it of two names and eight characters."""
    most = shape("sagemaker", "EntityName")["max"] - _RANDOM
    for index, variant in enumerate(spec.variants):
        if (size := len(f"{name}-{variant.name}")) > most:
            yield Problem(
                f"variants[{index}].name",
                f"{variant.name!r} and the endpoint's name have {size} characters together, and AWS takes {most}; "
                "write a shorter one",
            )


def _watched(spec: EndpointSpec) -> Iterator[Problem]:
    """Refuse a release that AWS would not watch as asked; without machines of its own an endpoint has none."""
    if spec.mode.serverless:
        return
    seconds = watching_seconds(spec.release)
    if seconds >= LONGEST_SECONDS:
        yield Problem(
            "release",
            f"would be watched for {seconds // 60} minutes; AWS ends a deployment after {LONGEST_SECONDS // 60}: "
            "take larger steps or shorter intervals",
        )
    own = len(spec.served) * (1 if spec.health.latency_ms is None else 2)
    others = len(spec.release.rollback_alarms)
    if own + others > _ALARMS:
        yield Problem(
            "release.rollback_alarms" if others else "variants",
            f"{own + others} alarms would watch a release, {own} of them the endpoint's own, and AWS takes {_ALARMS}; "
            f"{'leave some out, or make one composite alarm of them' if others else 'take fewer variants'}",
        )


def _endpoint_that_serves(spec: EndpointSpec, there: dict[str, Any]) -> Iterator[Problem]:
    """Refuse what would take a live endpoint away, or what AWS would refuse in the middle of an update."""
    if spec.waiting:
        yield Problem(
            "model",
            "no version is approved any more, and the endpoint serves: taking it away would be an outage; approve a "
            "version, pin one with model.version(n), or remove the Endpoint from the program",
        )
        return
    variants = there.get("ProductionVariants", [])
    if spec.mode.serverless and variants and not any("CurrentServerlessConfig" in variant for variant in variants):
        yield Problem(
            "mode",
            "AWS does not turn an endpoint with instances into a serverless one; make another Endpoint, move its "
            "callers, then remove this one",
        )
    if "AsyncInferenceConfig" in there and not spec.mode.asynchronous:
        yield Problem(
            "mode",
            "AWS does not turn an asynchronous endpoint into another kind; make another Endpoint, move its callers, "
            "then remove this one",
        )
    names, wanted = sorted(variant["VariantName"] for variant in variants), sorted(part.name for part in spec.served)
    if names and names != wanted:
        yield Problem(
            "variants",
            f"AWS keeps the names of an endpoint's variants ({', '.join(names)} now, {', '.join(wanted)} wanted); keep "
            "the names, or make another Endpoint",
        )


def _registry(_name: str, spec: ModelRegistrySpec) -> Iterator[Problem]:
    yield from principal_problems("consumers", spec.consumers or [], ("account", "role"))
    yield from principal_problems("approvers", spec.approvers, ("role",))


_JUDGES: Mapping[type[Spec], Callable[[str, Any], Iterator[Problem]]] = {
    PlatformSpec: lambda _, spec: _platform(spec),
    DatasetSpec: dataset_problems,
    FeatureGroupSpec: _feature_group,
    ModelRegistrySpec: _registry,
    ModelSpec: _model,
    EndpointSpec: _endpoint,
    IdentitySpec: lambda _, spec: identity_problems(spec),
    PipelineSpec: pipeline_problems,
    TrainingClusterSpec: lambda _, spec: training_problems(spec),
    MonitorSpec: lambda _, spec: managed_problems(spec),
}
"""What judges the arguments of each noun."""
