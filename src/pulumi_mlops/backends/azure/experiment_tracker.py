"""ExperimentTracker on Azure: the workspace's own MLflow, and a role that records in it.

https://learn.microsoft.com/azure/machine-learning/concept-mlflow
"""

from pulumi import Output

from pulumi_mlops.backends.azure import access
from pulumi_mlops.backends.azure.addresses import PlatformAddress, TrackerAddress
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.core.component import Scope

_SPACE = "Microsoft.MachineLearningServices/workspaces"
# https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles#mlflow-operations
RECORDS = (
    f"{_SPACE}/read",
    *(f"{_SPACE}/{what}/{verb}" for what in ("experiments", "experiments/runs") for verb in ("read", "write")),
    *(f"{_SPACE}/metadata/artifacts/{verb}" for verb in ("read", "write")),
)


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Say where runs are, and make the role: the narrowest of Azure's own changes models and jobs too."""
    at, experiment = PlatformAddress.of(spec.platform), spec.own.experiment or scope.name
    role = access.role(
        scope, "record", "recorder", f"Records runs for tracker {scope.name}", [at.group_id], actions=RECORDS
    )
    address = Output.all(at.tracking, at.location, at.workspace_id).apply(
        lambda known: str(known[0] or f"azureml://{known[1]}.api.azureml.ms/mlflow/v1.0{known[2]}")
    )
    return ExperimentTrackerRef(
        name=scope.name,
        backend="azure",
        platform=spec.platform,
        engine="mlflow",
        url=Output.format("https://ml.azure.com/experiments?wsid={0}&tid={1}", at.workspace_id, at.tenant),
        project=experiment,
        # MLflow's client knows such addresses where the package azureml-mlflow is beside it.
        environment={"MLFLOW_TRACKING_URI": address, "MLFLOW_EXPERIMENT_NAME": experiment},
        address=TrackerAddress(record=role.id).plain(),
        native={"record": role},
    )
