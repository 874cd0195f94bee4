"""What this backend provides."""

from pulumi_mlops.backends.azure import existing, providers
from pulumi_mlops.backends.azure.batch import server
from pulumi_mlops.backends.azure.capabilities import CAPABILITIES
from pulumi_mlops.backends.azure.checks import misplaced, problems
from pulumi_mlops.backends.azure.dataset import dataset
from pulumi_mlops.backends.azure.endpoint import endpoint
from pulumi_mlops.backends.azure.experiment_tracker import experiment_tracker
from pulumi_mlops.backends.azure.feature_store import feature_group, feature_store
from pulumi_mlops.backends.azure.identity import identity
from pulumi_mlops.backends.azure.metrics import watch
from pulumi_mlops.backends.azure.model_registry import approved, model, model_registry, version
from pulumi_mlops.backends.azure.pipeline import pipeline
from pulumi_mlops.backends.azure.platform import platform
from pulumi_mlops.backends.azure.secrets import keep_secret
from pulumi_mlops.backends.azure.training_cluster import existing_cluster, training_cluster
from pulumi_mlops.bridges import APART
from pulumi_mlops.components import dataset as datasets
from pulumi_mlops.components import endpoint as endpoints
from pulumi_mlops.components import feature_group as feature_groups
from pulumi_mlops.components import feature_store as feature_stores
from pulumi_mlops.components import identity as identities
from pulumi_mlops.components import model as models
from pulumi_mlops.components import model_registry as registries
from pulumi_mlops.components import training_cluster as training_clusters
from pulumi_mlops.components.batch_inference import SERVER, BatchInference
from pulumi_mlops.components.dataset import Dataset
from pulumi_mlops.components.endpoint import Endpoint
from pulumi_mlops.components.experiment_tracker import ExperimentTracker
from pulumi_mlops.components.feature_group import FeatureGroup
from pulumi_mlops.components.feature_store import FeatureStore
from pulumi_mlops.components.identity import Identity
from pulumi_mlops.components.model import APPROVED, VERSION, Model
from pulumi_mlops.components.model_registry import ModelRegistry
from pulumi_mlops.components.pipeline import RUNNING, Pipeline
from pulumi_mlops.components.platform import Platform
from pulumi_mlops.components.training_cluster import TrainingCluster
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.primitives import KEEP_SECRET, WATCH
from pulumi_mlops.engines.batch import batch_inference

ENGINE = Engine(
    provides=[
        Platform.built_by(platform),
        APART.done_by(providers.apart),
        FeatureStore.built_by(feature_store),
        FeatureGroup.built_by(feature_group),
        ExperimentTracker.built_by(experiment_tracker),
        Dataset.built_by(dataset),
        ModelRegistry.built_by(model_registry),
        Model.built_by(model),
        APPROVED.done_by(approved),
        VERSION.done_by(version),
        Endpoint.built_by(endpoint),
        Identity.built_by(identity),
        TrainingCluster.built_by(training_cluster),
        Pipeline.built_by(pipeline),
        BatchInference.built_by(batch_inference, over=[RUNNING]),
        SERVER.done_by(server),
        KEEP_SECRET.done_by(keep_secret),
        WATCH.done_by(watch),
        feature_groups.EXISTING.done_by(existing.feature_group),
        datasets.EXISTING.done_by(existing.dataset),
        feature_stores.EXISTING.done_by(existing.feature_store),
        models.EXISTING.done_by(existing.model),
        registries.EXISTING.done_by(existing.model_registry),
        endpoints.EXISTING.done_by(existing.endpoint),
        identities.EXISTING.done_by(existing.identity),
        training_clusters.EXISTING.done_by(existing_cluster),
    ],
    capabilities=CAPABILITIES,
    problems=problems,
    package=providers.PACKAGE,
    reach=providers.reach,
    misplaced=misplaced,
)
