"""Kubernetes, self-hosted: KServe, Feast, MLflow and what stands around them, through ``pulumi_kubernetes``."""

from typing import TYPE_CHECKING

from pulumi_mlops.backends.kubernetes.capabilities import CAPABILITIES
from pulumi_mlops.backends.kubernetes.checks import problems
from pulumi_mlops.backends.kubernetes.endpoint import endpoint
from pulumi_mlops.backends.kubernetes.feature_store import feature_group, feature_store
from pulumi_mlops.backends.kubernetes.model_registry import approved, model, model_registry, version
from pulumi_mlops.backends.kubernetes.platform import platform

if TYPE_CHECKING:
    from pulumi_mlops.backends import kubernetes
    from pulumi_mlops.backends.base import Backend

    _proof: Backend = kubernetes  # registry.load casts: this is where checkers compare the module with the protocol

__all__ = [
    "CAPABILITIES",
    "approved",
    "endpoint",
    "feature_group",
    "feature_store",
    "model",
    "model_registry",
    "platform",
    "problems",
    "version",
]
