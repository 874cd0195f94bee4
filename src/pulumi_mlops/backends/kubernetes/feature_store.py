"""FeatureStore and FeatureGroup on Kubernetes."""

from collections.abc import Iterator

from pulumi_mlops.backends.base import Scope
from pulumi_mlops.components.feature_store import FeatureGroupSpec, FeatureStoreSpec
from pulumi_mlops.errors import Problem
from pulumi_mlops.refs import FeatureGroupRef, FeatureStoreRef


def feature_store(scope: Scope, spec: FeatureStoreSpec) -> FeatureStoreRef:
    """Build a feature store."""
    raise NotImplementedError


def feature_group(scope: Scope, spec: FeatureGroupSpec) -> FeatureGroupRef:
    """Build a feature group."""
    raise NotImplementedError


def feature_group_problems(name: str, spec: FeatureGroupSpec) -> Iterator[Problem]:
    """Judge a feature group."""
    yield from ()
