"""AWS: SageMaker and what stands around it, through the classic ``pulumi_aws`` provider."""

from typing import TYPE_CHECKING

from pulumi_mlops.backends.aws.capabilities import CAPABILITIES
from pulumi_mlops.backends.aws.checks import problems
from pulumi_mlops.backends.aws.endpoint import endpoint
from pulumi_mlops.backends.aws.feature_store import feature_group, feature_store
from pulumi_mlops.backends.aws.model_registry import approved, model, model_registry, version
from pulumi_mlops.backends.aws.platform import platform

if TYPE_CHECKING:
    from pulumi_mlops.backends import aws
    from pulumi_mlops.backends.base import Backend

    _proof: Backend = aws  # registry.load casts: this is where checkers compare the module with the protocol

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
