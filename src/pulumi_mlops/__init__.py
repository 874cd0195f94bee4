"""Pulumi components for MLOps platforms: one typed interface, several clouds.

    import pulumi_mlops as mlops

    platform = mlops.Platform("churn", backend="aws")

Every public name is here. A name's module is loaded when it is first used, and a cloud's SDK when a platform
names its backend, so that importing this package costs what importing pulumi costs.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_mlops.args import (
        Asynchronous,
        Canary,
        Compute,
        Database,
        EndpointArgs,
        ExistingNetwork,
        ExistingParts,
        FeatureGroupArgs,
        FeatureStoreArgs,
        Gateway,
        Health,
        ImageRegistry,
        Linear,
        Mode,
        ModelArgs,
        ModelFiles,
        ModelRegistryArgs,
        Network,
        Notice,
        ObjectStore,
        Offline,
        Online,
        PlatformArgs,
        PrivateNetwork,
        Quota,
        Release,
        Scaling,
        ScalingSchedule,
        Schedule,
        Serverless,
        Shadow,
        Variant,
    )
    from pulumi_mlops.components.endpoint import Endpoint
    from pulumi_mlops.components.feature_store import FeatureGroup, FeatureStore
    from pulumi_mlops.components.model_registry import Model, ModelRegistry
    from pulumi_mlops.components.platform import Platform
    from pulumi_mlops.core.errors import (
        InvalidArgs,
        MissingBackend,
        MissingRequirements,
        MlopsError,
        Problem,
        ReleaseRolledBack,
        Unsupported,
    )
    from pulumi_mlops.core.refs import (
        EndpointRef,
        FeatureGroupRef,
        FeatureStoreRef,
        FeatureView,
        ModelRef,
        ModelRegistryRef,
        ModelVersionRef,
        PlatformRef,
        SecretRef,
    )

_HOMES = {
    "components.platform": ["Platform"],
    "components.feature_store": ["FeatureGroup", "FeatureStore"],
    "components.model_registry": ["Model", "ModelRegistry"],
    "components.endpoint": ["Endpoint"],
    "core.errors": [
        "InvalidArgs",
        "MissingBackend",
        "MissingRequirements",
        "MlopsError",
        "Problem",
        "ReleaseRolledBack",
        "Unsupported",
    ],
    "core.refs": [
        "EndpointRef",
        "FeatureGroupRef",
        "FeatureStoreRef",
        "FeatureView",
        "ModelRef",
        "ModelRegistryRef",
        "ModelVersionRef",
        "PlatformRef",
        "SecretRef",
    ],
    "args": [
        "Asynchronous",
        "Canary",
        "Compute",
        "Database",
        "EndpointArgs",
        "ExistingNetwork",
        "ExistingParts",
        "FeatureGroupArgs",
        "FeatureStoreArgs",
        "Gateway",
        "Health",
        "ImageRegistry",
        "Linear",
        "Mode",
        "ModelArgs",
        "ModelFiles",
        "ModelRegistryArgs",
        "Network",
        "Notice",
        "ObjectStore",
        "Offline",
        "Online",
        "PlatformArgs",
        "PrivateNetwork",
        "Quota",
        "Release",
        "Scaling",
        "ScalingSchedule",
        "Schedule",
        "Serverless",
        "Shadow",
        "Variant",
    ],
}
_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}

__all__ = [
    "Asynchronous",
    "Canary",
    "Compute",
    "Database",
    "Endpoint",
    "EndpointArgs",
    "EndpointRef",
    "ExistingNetwork",
    "ExistingParts",
    "FeatureGroup",
    "FeatureGroupArgs",
    "FeatureGroupRef",
    "FeatureStore",
    "FeatureStoreArgs",
    "FeatureStoreRef",
    "FeatureView",
    "Gateway",
    "Health",
    "ImageRegistry",
    "InvalidArgs",
    "Linear",
    "MissingBackend",
    "MissingRequirements",
    "MlopsError",
    "Mode",
    "Model",
    "ModelArgs",
    "ModelFiles",
    "ModelRef",
    "ModelRegistry",
    "ModelRegistryArgs",
    "ModelRegistryRef",
    "ModelVersionRef",
    "Network",
    "Notice",
    "ObjectStore",
    "Offline",
    "Online",
    "Platform",
    "PlatformArgs",
    "PlatformRef",
    "PrivateNetwork",
    "Problem",
    "Quota",
    "Release",
    "ReleaseRolledBack",
    "Scaling",
    "ScalingSchedule",
    "Schedule",
    "SecretRef",
    "Serverless",
    "Shadow",
    "Unsupported",
    "Variant",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
