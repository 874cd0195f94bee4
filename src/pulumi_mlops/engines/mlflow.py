"""A server of MLflow's that somebody runs, on any backend: https://mlflow.org/docs/latest/ml/tracking/."""

from pulumi_mlops.components.experiment_tracker import ExperimentTracker, ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.core import reach
from pulumi_mlops.core.capabilities import Entry, table
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.primitives import KEEP_SECRET
from pulumi_mlops.engines import keeping

CAPABILITIES = table({"experiment_tracker": Entry("native", "an experiment on a server of MLflow's")})


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Keep password or token, and say where runs go."""
    given = spec.mlflow
    assert given is not None  # noqa: S101 (naming it is what leads here)
    reach.warn(scope, {"mlflow.url": given.url})
    experiment = given.experiment or scope.name
    return keeping.tracker(
        scope,
        spec,
        "mlflow",
        url=given.url,
        project=experiment,
        environment={
            "MLFLOW_TRACKING_URI": given.url,
            "MLFLOW_EXPERIMENT_NAME": experiment,
            "MLFLOW_TRACKING_USERNAME": given.username,
        },
        keys={"MLFLOW_TRACKING_PASSWORD": given.password, "MLFLOW_TRACKING_TOKEN": given.token},
        servers=[given.url],
    )


ENGINE = Engine(
    provides=[ExperimentTracker.built_by(experiment_tracker, over=[KEEP_SECRET])],
    capabilities=CAPABILITIES,
)
