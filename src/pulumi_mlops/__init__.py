"""Pulumi components for MLOps platforms: one typed interface, several clouds.

    import pulumi_mlops as mlops

    platform = mlops.Platform("churn", backend="…")

Every public name is here. A name's module is loaded when it is first used, and a cloud's SDK when a platform
names its backend, so that importing this package costs what importing pulumi costs.
Written by tools/generate_interface.py; do not edit.
"""

import importlib
from typing import TYPE_CHECKING, Any

from pulumi_mlops.core.loading import collecting_later

if TYPE_CHECKING:
    from pulumi_mlops.args.batch import BatchArgs
    from pulumi_mlops.args.batch_inference import BatchInferenceArgs
    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.args.dataset import DatasetArgs, ExistingDatasetArgs
    from pulumi_mlops.args.endpoint import (
        Asynchronous,
        Canary,
        EndpointArgs,
        ExistingEndpointArgs,
        Health,
        Linear,
        Mode,
        ModelFiles,
        ModeWithAsynchronous,
        ModeWithServerless,
        Release,
        ReleaseWithCanary,
        ReleaseWithLinear,
        Scaling,
        ScalingSchedule,
        Serve,
        Serverless,
        Shadow,
        Variant,
    )
    from pulumi_mlops.args.evaluate import EvaluateArgs
    from pulumi_mlops.args.experiment_tracker import (
        Clearml,
        ExperimentTrackerArgs,
        Managed,
        Mlflow,
        MlflowWithPassword,
        MlflowWithToken,
        Wandb,
    )
    from pulumi_mlops.args.feature_group import ExistingFeatureGroupArgs, FeatureGroupArgs, Offline, Online
    from pulumi_mlops.args.feature_store import ExistingFeatureStoreArgs, FeatureStoreArgs
    from pulumi_mlops.args.identity import (
        AccountTrust,
        ExistingIdentityArgs,
        GithubTrust,
        GithubTrustWithBranch,
        GithubTrustWithEnvironment,
        IdentityArgs,
        TokenTrust,
        Trusts,
    )
    from pulumi_mlops.args.loop import LoopArgs
    from pulumi_mlops.args.model import ExistingModelArgs, ModelArgs
    from pulumi_mlops.args.model_registry import ExistingModelRegistryArgs, ModelRegistryArgs, Notice
    from pulumi_mlops.args.monitor import GroundTruth, MonitorArgs, OnBreach
    from pulumi_mlops.args.monitor_signals import MonitorSignal
    from pulumi_mlops.args.pipeline import (
        PipelineArgs,
        Trigger,
        TriggerWithAlarm,
        TriggerWithApproval,
        TriggerWithData,
        TriggerWithPipeline,
    )
    from pulumi_mlops.args.platform import (
        Database,
        ExistingNetwork,
        ExistingParts,
        Gateway,
        ImageRegistry,
        Network,
        NetworkWithExisting,
        NetworkWithPrivate,
        ObjectStore,
        PlatformArgs,
        PrivateNetwork,
        Quota,
        Tokens,
    )
    from pulumi_mlops.args.prepare import PrepareArgs
    from pulumi_mlops.args.principals import (
        Principal,
        PrincipalWithAccount,
        PrincipalWithApplication,
        PrincipalWithGroup,
        PrincipalWithNamespace,
        PrincipalWithRole,
        PrincipalWithServiceAccount,
        PrincipalWithUser,
    )
    from pulumi_mlops.args.register import RegisterArgs
    from pulumi_mlops.args.schedules import Schedule
    from pulumi_mlops.args.train import TrainArgs
    from pulumi_mlops.args.training_cluster import (
        ExistingTrainingClusterArgs,
        Nodes,
        Persistent,
        Spot,
        TrainingClusterArgs,
    )
    from pulumi_mlops.args.tune import (
        Search,
        SearchWithChoice,
        SearchWithInteger,
        SearchWithLogUniform,
        SearchWithUniform,
        TuneArgs,
    )
    from pulumi_mlops.clients.client import Client, client
    from pulumi_mlops.clients.lineage import Lineage
    from pulumi_mlops.clients.picture import Picture
    from pulumi_mlops.clients.results import Decision, Prediction, RegisteredVersion, Report, RollBack, Signal, Written
    from pulumi_mlops.clients.runs import Run, StepState
    from pulumi_mlops.components.batch_inference import BatchInference, BatchInferenceRef
    from pulumi_mlops.components.dataset import Dataset
    from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
    from pulumi_mlops.components.endpoint import Endpoint
    from pulumi_mlops.components.endpoint_ref import CapturedView, EndpointRef
    from pulumi_mlops.components.experiment_tracker import ExperimentTracker, ExperimentTrackerRef
    from pulumi_mlops.components.feature_group import (
        FeatureGroup,
        FeatureGroupRef,
        FeatureView,
        OfflineView,
        OnlineView,
    )
    from pulumi_mlops.components.feature_store import FeatureStore, FeatureStoreRef
    from pulumi_mlops.components.identity import Identity, IdentityRef
    from pulumi_mlops.components.loop import Loop, LoopRef
    from pulumi_mlops.components.model import Model, ModelRef, ModelVersionRef
    from pulumi_mlops.components.model_registry import ModelRegistry, ModelRegistryRef
    from pulumi_mlops.components.monitor import Monitor, MonitorRef
    from pulumi_mlops.components.pipeline import Pipeline
    from pulumi_mlops.components.pipeline_ref import PipelineRef
    from pulumi_mlops.components.platform import Platform, PlatformRef
    from pulumi_mlops.components.training_cluster import TrainingCluster
    from pulumi_mlops.components.training_ref import TrainingClusterRef
    from pulumi_mlops.core.errors import (
        GateMissed,
        InvalidArgs,
        InvalidCall,
        InvalidRun,
        MissingBackend,
        MissingRequirements,
        MlopsError,
        NotFound,
        PredictionFailed,
        Problem,
        ReleaseRolledBack,
        TimedOut,
        Unavailable,
        Unsupported,
        VerificationFailed,
    )
    from pulumi_mlops.core.inputs import EngineArgs
    from pulumi_mlops.core.principals import PrincipalRef
    from pulumi_mlops.core.refs import SecretRef
    from pulumi_mlops.core.workload import TrackerRef
    from pulumi_mlops.steps.batch import BatchStep, batch
    from pulumi_mlops.steps.evaluate import EvaluateStep, evaluate
    from pulumi_mlops.steps.prepare import PrepareStep, prepare
    from pulumi_mlops.steps.register import RegisterStep, register
    from pulumi_mlops.steps.served import BaselineView
    from pulumi_mlops.steps.step import Condition, Metric, Out, Parameter, Step, parameter
    from pulumi_mlops.steps.train import TrainStep, train
    from pulumi_mlops.steps.tune import TuneStep, tune

_HOMES = {
    "args.batch": ["BatchArgs"],
    "args.batch_inference": ["BatchInferenceArgs"],
    "args.compute": ["Compute"],
    "args.dataset": ["DatasetArgs", "ExistingDatasetArgs"],
    "args.endpoint": [
        "Asynchronous",
        "Canary",
        "EndpointArgs",
        "ExistingEndpointArgs",
        "Health",
        "Linear",
        "Mode",
        "ModeWithAsynchronous",
        "ModeWithServerless",
        "ModelFiles",
        "Release",
        "ReleaseWithCanary",
        "ReleaseWithLinear",
        "Scaling",
        "ScalingSchedule",
        "Serve",
        "Serverless",
        "Shadow",
        "Variant",
    ],
    "args.evaluate": ["EvaluateArgs"],
    "args.experiment_tracker": [
        "Clearml",
        "ExperimentTrackerArgs",
        "Managed",
        "Mlflow",
        "MlflowWithPassword",
        "MlflowWithToken",
        "Wandb",
    ],
    "args.feature_group": ["ExistingFeatureGroupArgs", "FeatureGroupArgs", "Offline", "Online"],
    "args.feature_store": ["ExistingFeatureStoreArgs", "FeatureStoreArgs"],
    "args.identity": [
        "AccountTrust",
        "ExistingIdentityArgs",
        "GithubTrust",
        "GithubTrustWithBranch",
        "GithubTrustWithEnvironment",
        "IdentityArgs",
        "TokenTrust",
        "Trusts",
    ],
    "args.loop": ["LoopArgs"],
    "args.model": ["ExistingModelArgs", "ModelArgs"],
    "args.model_registry": ["ExistingModelRegistryArgs", "ModelRegistryArgs", "Notice"],
    "args.monitor": ["GroundTruth", "MonitorArgs", "OnBreach"],
    "args.monitor_signals": ["MonitorSignal"],
    "args.pipeline": [
        "PipelineArgs",
        "Trigger",
        "TriggerWithAlarm",
        "TriggerWithApproval",
        "TriggerWithData",
        "TriggerWithPipeline",
    ],
    "args.platform": [
        "Database",
        "ExistingNetwork",
        "ExistingParts",
        "Gateway",
        "ImageRegistry",
        "Network",
        "NetworkWithExisting",
        "NetworkWithPrivate",
        "ObjectStore",
        "PlatformArgs",
        "PrivateNetwork",
        "Quota",
        "Tokens",
    ],
    "args.prepare": ["PrepareArgs"],
    "args.principals": [
        "Principal",
        "PrincipalWithAccount",
        "PrincipalWithApplication",
        "PrincipalWithGroup",
        "PrincipalWithNamespace",
        "PrincipalWithRole",
        "PrincipalWithServiceAccount",
        "PrincipalWithUser",
    ],
    "args.register": ["RegisterArgs"],
    "args.schedules": ["Schedule"],
    "args.train": ["TrainArgs"],
    "args.training_cluster": ["ExistingTrainingClusterArgs", "Nodes", "Persistent", "Spot", "TrainingClusterArgs"],
    "args.tune": [
        "Search",
        "SearchWithChoice",
        "SearchWithInteger",
        "SearchWithLogUniform",
        "SearchWithUniform",
        "TuneArgs",
    ],
    "clients.client": ["Client", "client"],
    "clients.lineage": ["Lineage"],
    "clients.picture": ["Picture"],
    "clients.results": ["Decision", "Prediction", "RegisteredVersion", "Report", "RollBack", "Signal", "Written"],
    "clients.runs": ["Run", "StepState"],
    "components.batch_inference": ["BatchInference", "BatchInferenceRef"],
    "components.dataset": ["Dataset"],
    "components.dataset_ref": ["DatasetRef", "DatasetView"],
    "components.endpoint": ["Endpoint"],
    "components.endpoint_ref": ["CapturedView", "EndpointRef"],
    "components.experiment_tracker": ["ExperimentTracker", "ExperimentTrackerRef"],
    "components.feature_group": ["FeatureGroup", "FeatureGroupRef", "FeatureView", "OfflineView", "OnlineView"],
    "components.feature_store": ["FeatureStore", "FeatureStoreRef"],
    "components.identity": ["Identity", "IdentityRef"],
    "components.loop": ["Loop", "LoopRef"],
    "components.model": ["Model", "ModelRef", "ModelVersionRef"],
    "components.model_registry": ["ModelRegistry", "ModelRegistryRef"],
    "components.monitor": ["Monitor", "MonitorRef"],
    "components.pipeline": ["Pipeline"],
    "components.pipeline_ref": ["PipelineRef"],
    "components.platform": ["Platform", "PlatformRef"],
    "components.training_cluster": ["TrainingCluster"],
    "components.training_ref": ["TrainingClusterRef"],
    "core.errors": [
        "GateMissed",
        "InvalidArgs",
        "InvalidCall",
        "InvalidRun",
        "MissingBackend",
        "MissingRequirements",
        "MlopsError",
        "NotFound",
        "PredictionFailed",
        "Problem",
        "ReleaseRolledBack",
        "TimedOut",
        "Unavailable",
        "Unsupported",
        "VerificationFailed",
    ],
    "core.inputs": ["EngineArgs"],
    "core.principals": ["PrincipalRef"],
    "core.refs": ["SecretRef"],
    "core.workload": ["TrackerRef"],
    "steps.batch": ["BatchStep", "batch"],
    "steps.evaluate": ["EvaluateStep", "evaluate"],
    "steps.prepare": ["PrepareStep", "prepare"],
    "steps.register": ["RegisterStep", "register"],
    "steps.served": ["BaselineView"],
    "steps.step": ["Condition", "Metric", "Out", "Parameter", "Step", "parameter"],
    "steps.train": ["TrainStep", "train"],
    "steps.tune": ["TuneStep", "tune"],
}
_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}

__all__ = [
    "AccountTrust",
    "Asynchronous",
    "BaselineView",
    "BatchArgs",
    "BatchInference",
    "BatchInferenceArgs",
    "BatchInferenceRef",
    "BatchStep",
    "Canary",
    "CapturedView",
    "Clearml",
    "Client",
    "Compute",
    "Condition",
    "Database",
    "Dataset",
    "DatasetArgs",
    "DatasetRef",
    "DatasetView",
    "Decision",
    "Endpoint",
    "EndpointArgs",
    "EndpointRef",
    "EngineArgs",
    "EvaluateArgs",
    "EvaluateStep",
    "ExistingDatasetArgs",
    "ExistingEndpointArgs",
    "ExistingFeatureGroupArgs",
    "ExistingFeatureStoreArgs",
    "ExistingIdentityArgs",
    "ExistingModelArgs",
    "ExistingModelRegistryArgs",
    "ExistingNetwork",
    "ExistingParts",
    "ExistingTrainingClusterArgs",
    "ExperimentTracker",
    "ExperimentTrackerArgs",
    "ExperimentTrackerRef",
    "FeatureGroup",
    "FeatureGroupArgs",
    "FeatureGroupRef",
    "FeatureStore",
    "FeatureStoreArgs",
    "FeatureStoreRef",
    "FeatureView",
    "GateMissed",
    "Gateway",
    "GithubTrust",
    "GithubTrustWithBranch",
    "GithubTrustWithEnvironment",
    "GroundTruth",
    "Health",
    "Identity",
    "IdentityArgs",
    "IdentityRef",
    "ImageRegistry",
    "InvalidArgs",
    "InvalidCall",
    "InvalidRun",
    "Lineage",
    "Linear",
    "Loop",
    "LoopArgs",
    "LoopRef",
    "Managed",
    "Metric",
    "MissingBackend",
    "MissingRequirements",
    "Mlflow",
    "MlflowWithPassword",
    "MlflowWithToken",
    "MlopsError",
    "Mode",
    "ModeWithAsynchronous",
    "ModeWithServerless",
    "Model",
    "ModelArgs",
    "ModelFiles",
    "ModelRef",
    "ModelRegistry",
    "ModelRegistryArgs",
    "ModelRegistryRef",
    "ModelVersionRef",
    "Monitor",
    "MonitorArgs",
    "MonitorRef",
    "MonitorSignal",
    "Network",
    "NetworkWithExisting",
    "NetworkWithPrivate",
    "Nodes",
    "NotFound",
    "Notice",
    "ObjectStore",
    "Offline",
    "OfflineView",
    "OnBreach",
    "Online",
    "OnlineView",
    "Out",
    "Parameter",
    "Persistent",
    "Picture",
    "Pipeline",
    "PipelineArgs",
    "PipelineRef",
    "Platform",
    "PlatformArgs",
    "PlatformRef",
    "Prediction",
    "PredictionFailed",
    "PrepareArgs",
    "PrepareStep",
    "Principal",
    "PrincipalRef",
    "PrincipalWithAccount",
    "PrincipalWithApplication",
    "PrincipalWithGroup",
    "PrincipalWithNamespace",
    "PrincipalWithRole",
    "PrincipalWithServiceAccount",
    "PrincipalWithUser",
    "PrivateNetwork",
    "Problem",
    "Quota",
    "RegisterArgs",
    "RegisterStep",
    "RegisteredVersion",
    "Release",
    "ReleaseRolledBack",
    "ReleaseWithCanary",
    "ReleaseWithLinear",
    "Report",
    "RollBack",
    "Run",
    "Scaling",
    "ScalingSchedule",
    "Schedule",
    "Search",
    "SearchWithChoice",
    "SearchWithInteger",
    "SearchWithLogUniform",
    "SearchWithUniform",
    "SecretRef",
    "Serve",
    "Serverless",
    "Shadow",
    "Signal",
    "Spot",
    "Step",
    "StepState",
    "TimedOut",
    "TokenTrust",
    "Tokens",
    "TrackerRef",
    "TrainArgs",
    "TrainStep",
    "TrainingCluster",
    "TrainingClusterArgs",
    "TrainingClusterRef",
    "Trigger",
    "TriggerWithAlarm",
    "TriggerWithApproval",
    "TriggerWithData",
    "TriggerWithPipeline",
    "Trusts",
    "TuneArgs",
    "TuneStep",
    "Unavailable",
    "Unsupported",
    "Variant",
    "VerificationFailed",
    "Wandb",
    "Written",
    "batch",
    "client",
    "evaluate",
    "parameter",
    "prepare",
    "register",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with collecting_later():
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
