"""The kinds that the own store keeps for SageMaker, and the operations that all of them share."""

from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.store import Kind, listing


def _could_not_find(what: str) -> tuple[str, str]:
    return "ValidationException", f'Could not find {what} "{{arn}}".'


def _already(what: str) -> tuple[str, str]:
    return "ValidationException", f'Cannot create already existing {what} "{{arn}}".'


FEATURE_GROUP = Kind(
    name="FeatureGroup",
    id_field="FeatureGroupName",
    arn_path="feature-group/{id}",
    listed="FeatureGroupSummaries",
    missing=("ResourceNotFound", "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {id}"),
    exists=(
        "ResourceInUse",
        "Resource Already Exists: FeatureGroup with name {id} already exists. Choose a different name.",
    ),
    filters={"FeatureGroupStatusEquals": "FeatureGroupStatus", "OfflineStoreStatusEquals": "OfflineStoreStatusValue"},
    sort={"Name": "{id}", "FeatureGroupStatus": "FeatureGroupStatus", "CreationTime": "CreationTime"},
)
MODEL_PACKAGE_GROUP = Kind(
    name="ModelPackageGroup",
    id_field="ModelPackageGroupName",
    arn_path="model-package-group/{id}",
    listed="ModelPackageGroupSummaryList",
    missing=("ValidationException", "ModelPackageGroup {arn} does not exist."),
    exists=("ValidationException", "Model Package Group already exists: {arn}"),
    newest_first=False,
)
MODEL_PACKAGE = Kind(
    name="ModelPackage",
    id_field="ModelPackageName",
    arn_path="model-package/{id}",
    listed="ModelPackageSummaryList",
    missing=("ValidationException", "ModelPackage {arn} does not exist."),
    exists=("ValidationException", "Model Package already exists: {arn}"),
    newest_first=False,
    filters={"ModelApprovalStatus": "ModelApprovalStatus"},
)
MODEL = Kind(
    name="Model",
    id_field="ModelName",
    arn_path="model/{id}",
    listed="Models",
    missing=_could_not_find("model"),
    exists=_already("model"),
)
ENDPOINT_CONFIG = Kind(
    name="EndpointConfig",
    id_field="EndpointConfigName",
    arn_path="endpoint-config/{id}",
    listed="EndpointConfigs",
    missing=_could_not_find("endpoint configuration"),
    exists=_already("endpoint configuration"),
)
ENDPOINT = Kind(
    name="Endpoint",
    id_field="EndpointName",
    arn_path="endpoint/{id}",
    listed="Endpoints",
    missing=_could_not_find("endpoint"),
    exists=_already("endpoint"),
    filters={"StatusEquals": "EndpointStatus"},
    sort={"Name": "{id}", "CreationTime": "CreationTime", "Status": "EndpointStatus"},
)
MLFLOW_APP = Kind(
    name="MlflowApp",
    id_field="Arn",
    arn_path="mlflow-app/{id}",
    listed="Summaries",
    missing=("ResourceNotFound", "MLflow App {id} does not exist"),
    exists=("ValidationException", "MLflow App {id} already exists"),
    filters={"Status": "Status", "MlflowVersion": "MlflowVersion", "AccountDefaultStatus": "AccountDefaultStatus"},
    sort={"Name": "Name", "CreationTime": "CreationTime", "Status": "Status"},
)
MLFLOW_SERVER = Kind(
    name="MlflowTrackingServer",
    id_field="TrackingServerName",
    arn_path="mlflow-tracking-server/{id}",
    listed="TrackingServerSummaries",
    missing=("ResourceNotFound", "MLflow Tracking Server {id} does not exist"),
    exists=("ValidationException", "MLflow Tracking Server {id} already exists"),
    filters={"TrackingServerStatus": "TrackingServerStatus", "MlflowVersion": "MlflowVersion"},
    sort={"Name": "{id}", "CreationTime": "CreationTime", "Status": "TrackingServerStatus"},
)
CLUSTER = Kind(
    name="Cluster",
    id_field="ClusterName",
    arn_path="cluster/{id}",
    listed="ClusterSummaries",
    missing=("ResourceNotFound", "Amazon SageMaker HyperPod can't find a cluster with name {id}"),
    exists=("ResourceInUse", "A cluster with name {id} already exists: {arn}"),
    sort={"NAME": "{id}", "CREATION_TIME": "CreationTime"},
)
MONITORING = Kind(
    name="MonitoringSchedule",
    id_field="MonitoringScheduleName",
    arn_path="monitoring-schedule/{id}",
    listed="MonitoringScheduleSummaries",
    missing=("ResourceNotFound", "Monitoring Schedule {arn} not found"),
    exists=("ResourceInUse", "Monitoring Schedule {arn} already exists"),
    filters={"StatusEquals": "MonitoringScheduleStatus"},
    sort={"Name": "{id}", "CreationTime": "CreationTime", "Status": "MonitoringScheduleStatus"},
)
_TAKEN = "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"


def _job(name: str, path: str, listed: str) -> Kind:
    status = {"StatusEquals": f"{name}Status"}
    sort = {"Name": "{id}", "CreationTime": "CreationTime", "Status": f"{name}Status"}
    return Kind(
        name=name,
        id_field=f"{name}Name",
        arn_path=f"{path}/{{id}}",
        listed=listed,
        missing=("ValidationException", "Requested resource not found: {arn}."),
        exists=("ResourceInUse", _TAKEN),
        filters=status,
        sort=sort,
    )


TRAINING = _job("TrainingJob", "training-job", "TrainingJobSummaries")
PROCESSING = _job("ProcessingJob", "processing-job", "ProcessingJobSummaries")
TUNING = _job("HyperParameterTuningJob", "hyper-parameter-tuning-job", "HyperParameterTuningJobSummaries")
TRANSFORM = _job("TransformJob", "transform-job", "TransformJobSummaries")
EXECUTION = Kind(
    name="PipelineExecution",
    id_field="PipelineExecutionArn",
    arn_path="pipeline/{id}",
    listed="PipelineExecutionSummaries",
    missing=("ResourceNotFound", "Pipeline execution with ARN ({arn}) does not exist."),
    exists=("ConflictException", "Pipeline execution {arn} already exists."),
    sort={"CreationTime": "CreationTime", "PipelineExecutionArn": "{id}"},
)
"""Not among the kinds below: its operations are written out, and its ARNs begin as those of pipelines do."""
MACHINE_EXECUTION = Kind(
    name="StateMachineExecution",
    id_field="executionArn",
    arn_path="execution:{id}",
    listed="executions",
    missing=("ExecutionDoesNotExist", "Execution Does Not Exist: '{arn}'"),
    exists=("ExecutionAlreadyExists", "Execution Already Exists: '{arn}'"),
    service="states",
)
JOBS = (TRAINING, PROCESSING, TUNING, TRANSFORM)
RECORDS = frozenset(kind.name for kind in (*JOBS, EXECUTION, MACHINE_EXECUTION))
"""What happened, and cannot be deleted: it is no part of what an account holds."""
_ALL = (
    *JOBS,
    *(FEATURE_GROUP, MODEL_PACKAGE_GROUP, MODEL_PACKAGE, MODEL, ENDPOINT_CONFIG, ENDPOINT),
    *(MLFLOW_APP, MLFLOW_SERVER, CLUSTER, MONITORING),
)
KINDS = {kind.name: kind for kind in _ALL}


def _register(kind: Kind) -> None:
    """Answer Describe and List of a kind; a package's List depends on its group and is written out there."""

    @own("sagemaker", f"Describe{kind.name}")
    def describe(call: Call) -> dict[str, object]:
        return call.plane.store.get(kind, call.region, call.params[kind.id_field])

    if kind is not MODEL_PACKAGE:

        @own("sagemaker", f"List{kind.name}s")
        def list_all(call: Call) -> dict[str, object]:
            return listing(kind, call.params, list(call.plane.store.all(kind, call.region).values()))


for _kind in KINDS.values():
    _register(_kind)
