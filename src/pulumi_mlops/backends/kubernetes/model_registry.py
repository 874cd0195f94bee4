"""ModelRegistry and Model on Kubernetes."""

from collections.abc import Iterator

from pulumi_mlops.backends.base import Scope
from pulumi_mlops.components.model_registry import ModelRegistrySpec, ModelSpec
from pulumi_mlops.errors import Problem
from pulumi_mlops.refs import ModelRef, ModelRegistryRef, ModelVersionRef


def model_registry(scope: Scope, spec: ModelRegistrySpec) -> ModelRegistryRef:
    """Build a registry."""
    raise NotImplementedError


def model(scope: Scope, spec: ModelSpec) -> ModelRef:
    """Build a model."""
    raise NotImplementedError


def approved(model: ModelRef) -> ModelVersionRef | None:
    """Return the newest approved version."""
    raise NotImplementedError


def version(model: ModelRef, number: int) -> ModelVersionRef:
    """Name one version."""
    raise NotImplementedError


def registry_problems(name: str, spec: ModelRegistrySpec) -> Iterator[Problem]:
    """Judge a registry."""
    yield from ()


def model_problems(name: str, spec: ModelSpec) -> Iterator[Problem]:
    """Judge a model."""
    yield from ()
