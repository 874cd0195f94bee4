"""What only Kubernetes can judge, before anything is registered: names, operators, and what is there already."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pulumi

from pulumi_mlops.backends.kubernetes import (
    access,
    existing,
    gateway,
    live,
    names,
    operators,
    outside,
    quota,
    trainings,
)
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress, is_managed
from pulumi_mlops.backends.kubernetes.dataset import dataset_problems
from pulumi_mlops.backends.kubernetes.endpoint_checks import endpoint_problems
from pulumi_mlops.backends.kubernetes.experiment_tracker import recording_problems
from pulumi_mlops.backends.kubernetes.feature_store import feature_group_problems
from pulumi_mlops.backends.kubernetes.model_registry import registry_problems
from pulumi_mlops.backends.kubernetes.objects import NAME_LIMIT, label_problems, namespace_name
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from pulumi_mlops.backends.kubernetes.pipeline_checks import pipeline_problems
from pulumi_mlops.backends.kubernetes.platform import OWNER, stack
from pulumi_mlops.backends.kubernetes.training_cluster import existing_problems, training_problems
from pulumi_mlops.components.dataset import DatasetSpec, ExistingDatasetSpec
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerSpec
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.components.identity import IdentitySpec
from pulumi_mlops.components.model import ModelSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.components.training_cluster import ExistingTrainingClusterSpec, TrainingClusterSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.component import anchor
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.existing import Existing
from pulumi_mlops.core.inputs import Spec, nearest

_DOMAIN_CHARACTERS = 253 - 41  # a component's name and a dot stand before it
_TAG_KEY = re.compile(r"[\w./:\- ]{1,250}")
_TAG_CHARACTERS = 5000
"""What MLflow takes as the key and the value of a model's tag."""
_DESCRIPTION_CHARACTERS = 5000  # the column of MLflow's table of models


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge a spec; operators that the cluster lacks are an error of their own, since no argument is wrong."""
    own = anchor(spec) or spec
    yield from label_problems(getattr(spec, "tags", ()), prefixed=bool(getattr(own, "tag_prefix", "")))
    yield from names.problems(name, spec)
    if isinstance(spec, Existing | ExistingDatasetSpec):
        yield from existing.problems(spec)
        if isinstance(spec, ExistingTrainingClusterSpec):
            yield from existing_problems(spec)
            _require("TrainingCluster", name, spec.platform, ["kueue", "trainer"])
    elif isinstance(spec, PlatformSpec):
        yield from _platform(name, spec)
        needed = ["prometheus"] if spec.alerts or spec.existing.alerts else []
        operators.require("Platform", name, needed, spec.account or live.default_context(), spec.addons)
    elif isinstance(spec, FeatureStoreSpec):
        yield from quota.component_problems(spec)
        _require("FeatureStore", name, spec.platform, _database(spec.platform))
    elif isinstance(spec, FeatureGroupSpec):
        yield from feature_group_problems(name, spec)
    elif isinstance(spec, ModelRegistrySpec):
        yield from registry_problems(spec)
        yield from quota.component_problems(spec)
        _require("ModelRegistry", name, spec.platform, _database(spec.platform))
    elif isinstance(spec, ModelSpec):
        yield from _model(spec)
    elif isinstance(spec, TrainingClusterSpec):
        yield from training_problems(spec)
        _require("TrainingCluster", name, spec.platform, ["kueue", "trainer"])
    else:
        yield from _running(name, spec)


def _running(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge what runs containers of the user's."""
    if isinstance(spec, EndpointSpec):
        yield from endpoint_problems(name, spec)
        needed = ["kserve", "prometheus", *["gateway"] * bool(PlatformAddress.of(spec.platform).gateway)]
        _require("Endpoint", name, spec.platform, [*needed, *["keda"] * spec.scaling.moves])
    else:
        yield from _of_runs(name, spec)


def _of_runs(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge what runs read, a tracker, and who records in one."""
    if isinstance(spec, DatasetSpec):
        yield from dataset_problems(name, spec)
    elif isinstance(spec, ExperimentTrackerSpec):
        if spec.own.published:
            yield from gateway.published_problems("managed.published", spec.platform)
        yield from quota.component_problems(spec)
        _require("ExperimentTracker", name, spec.platform, _database(spec.platform))
    elif isinstance(spec, IdentitySpec):
        for index, tracker in enumerate(spec.recorded):
            field = f"records[{index}]" if index < len(spec.records) else "writes"
            yield from recording_problems(field, tracker, spec.platform)
    elif isinstance(spec, PipelineSpec):
        yield from pipeline_problems(spec)
        needed = ["argo-workflows", *["prometheus"] * spec.alerts, *trainings.operators(spec.steps.values())]
        _require("Pipeline", name, spec.platform, needed)


def _database(platform: PlatformRef) -> list[str]:
    return [] if PlatformAddress.of(platform).database else ["cloudnative-pg"]


def _require(noun: str, name: str, platform: PlatformRef, needed: Iterable[str]) -> None:
    address = PlatformAddress.of(platform)
    operators.require(noun, name, needed, live.context_of(platform), address.addons)


def _model(spec: ModelSpec) -> Iterator[Problem]:
    if not is_managed(spec.registry):
        yield Problem(
            "registry",
            f"{spec.registry.name!r} is a server that existed already, and models are made there by whoever runs it; "
            "make the model there, and write Model.existing(…)",
        )
    for key, value in {**spec.metadata, **spec.tags}.items():
        field = f"metadata.{key}" if key in spec.metadata else f"tags.{key}"
        if not _TAG_KEY.fullmatch(key):
            yield Problem(
                field, f"{key!r} is no key of MLflow's: at most 250 letters, digits, spaces and ./:-_; rename it"
            )
        if isinstance(value, str) and len(value) > _TAG_CHARACTERS:
            yield Problem(field, f"{len(value)} characters: MLflow takes at most {_TAG_CHARACTERS}; shorten it")
    if spec.description and len(spec.description) > _DESCRIPTION_CHARACTERS:
        yield Problem(
            "description",
            f"{len(spec.description)} characters: MLflow takes at most {_DESCRIPTION_CHARACTERS} characters",
        )


def _platform(name: str, spec: PlatformSpec) -> Iterator[Problem]:
    for addon in spec.addons:
        if addon not in OPERATORS:
            known = ", ".join(sorted(OPERATORS))
            yield Problem("addons", f"{addon!r} is not one of {known}{nearest(addon, OPERATORS)}")
    yield from access.principal_problems("consumers", spec.consumers, ("namespace", "service_account"))
    if spec.images and spec.existing.images is None:
        yield Problem("images", "needs a registry to name them in; write existing={'images': {'address': …}}")
    private = spec.network and spec.network.private
    if private and (given := private.model_fields_set):
        yield Problem(
            "network.private",
            f"{', '.join(sorted(given))}: the cluster's network has its own ranges and zones; write "
            "network={'private': {}}",
        )
    context = spec.account or live.default_context()
    yield from outside.problems(spec, outside.Around(context, namespace_name(name, spec.stage), spec.existing.cidrs))
    yield from gateway.problems(spec, namespace_name(name, spec.stage), context)
    domain = spec.existing.gateway.domain if spec.existing.gateway else ""
    if len(domain) > _DOMAIN_CHARACTERS or any(len(label) > NAME_LIMIT for label in domain.split(".")):
        yield Problem(
            "existing.gateway.domain",
            f"{len(domain)} characters: with a name before it a host has at most 253; write at most "
            f"{_DOMAIN_CHARACTERS}, and at most {NAME_LIMIT} between two dots",
        )
    yield from quota.platform_problems(spec)
    yield from _namespace(name, spec)


def _namespace(name: str, spec: PlatformSpec) -> Iterator[Problem]:
    """Refuse a namespace that is somebody else's: this platform would take it over, and delete it one day."""
    where = namespace_name(name, spec.stage)
    cluster = live.cluster(spec.account or live.default_context())
    there = cluster.get(f"/api/v1/namespaces/{where}") if cluster else None
    if there is None:
        return
    owner = there["metadata"].get("annotations", {}).get(OWNER)
    # A stack keeps what it has when it is renamed, or moved to another project or backend; its name then is another.
    if owner != stack() and not (owner and _has_namespace(there)):
        whose = f"belongs to stack {owner!r}" if owner else "is not one of ours"
        yield Problem(
            "name",
            f"namespace {where!r} is there and {whose}; take another name or stage, or use that platform with "
            "Platform.from_stack(…)"
            + (f". If this stack's state was lost, import the namespace: {_IMPORT.format(where)}" if owner else ""),
        )
    elif there["metadata"].get("deletionTimestamp"):
        yield Problem("name", f"namespace {where!r} is still being deleted; wait until it is gone")


_IMPORT = "pulumi import kubernetes:core/v1:Namespace {0} {0}"


def _has_namespace(there: Mapping[str, Any]) -> bool:
    """Tell whether a namespace is in this stack's own state, whatever the stack was called when it was made."""
    kept = [of.get("outputs") or {} for of in _state().values() if of.get("type") == "kubernetes:core/v1:Namespace"]
    uid = there["metadata"].get("uid")
    return uid is not None and any((one.get("metadata") or {}).get("uid") == uid for one in kept)


def _state() -> Mapping[str, Any]:
    """Return type and outputs of this stack's resources, as the last update left them; none under mocks."""
    if private.mocked():
        return {}
    try:
        found = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack()})
    except Exception:  # noqa: BLE001 (a backend that tells nothing of its stacks)
        return {}
    return (found.value or {}).get("outputs") or {}
