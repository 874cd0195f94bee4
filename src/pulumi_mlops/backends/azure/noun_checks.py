"""What only Azure can judge of what stands on a platform, before anything is registered."""

from collections.abc import Iterator

from pulumi_mlops.backends.azure import endpoint_checks, existing, feature_checks, pipeline_checks, shared_registry
from pulumi_mlops.backends.azure.access import principal_problems
from pulumi_mlops.backends.azure.dataset import dataset_problems
from pulumi_mlops.backends.azure.training_cluster import training_problems
from pulumi_mlops.components.dataset import DatasetSpec, ExistingDatasetSpec
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.training_cluster import TrainingClusterSpec
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.existing import Existing
from pulumi_mlops.core.inputs import Spec


def noun_problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge what stands on a platform."""
    if isinstance(spec, Existing | ExistingDatasetSpec):
        yield from existing.problems(spec)
    elif isinstance(spec, EndpointSpec):
        yield from endpoint_checks.problems(name, spec)
    elif isinstance(spec, PipelineSpec):
        yield from pipeline_checks.problems(spec)
    elif isinstance(spec, FeatureStoreSpec):
        yield from feature_checks.store_problems(spec)
    elif isinstance(spec, FeatureGroupSpec):
        yield from feature_checks.group_problems(name, spec)
    elif isinstance(spec, DatasetSpec):
        yield from dataset_problems(name, spec)
    elif isinstance(spec, ModelRegistrySpec):
        yield from principal_problems("approvers", spec.approvers)
        yield from principal_problems("consumers", spec.consumers or [])
        yield from shared_registry.registry_problems(spec)
    elif isinstance(spec, TrainingClusterSpec):
        yield from training_problems(spec)
