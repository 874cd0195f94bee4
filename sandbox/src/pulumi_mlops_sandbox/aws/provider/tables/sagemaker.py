"""SageMaker: model groups, models, endpoints, feature groups."""

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi, Wait
from pulumi_mlops_sandbox.provider.contract import AutoName, Values

TAGS = TagApi(ident="ResourceArn", add="add_tags", remove="delete_tags", fetch="list_tags")
NAME = AutoName(limit=63)


class FeatureGroupKind(RowKind):
    """A feature group, of whose online store only the time to live can change."""

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Set the time to live."""
        if "onlineStoreConfig" not in changed:
            return
        period = (news.get("onlineStoreConfig") or {}).get("ttlDuration") or {}
        ttl = {"Unit": period.get("unit"), "Value": period.get("value")} if period else {}
        self._settle(object_id, scope)
        self.invoke("update_feature_group", scope, FeatureGroupName=object_id, OnlineStoreConfig={"TtlDuration": ttl})
        self._settle(object_id, scope)

    def _settle(self, object_id: str, scope: Values) -> None:
        """Wait for the update under way, as the provider does: AWS takes one at a time."""

        def settled() -> bool:
            found = self.invoke("describe_feature_group", scope, FeatureGroupName=object_id)
            return bool(found.get("LastUpdateStatus", {}).get("Status") != "InProgress")

        self.poll(settled, "to be updated")


MLFLOW_APP = (
    *("name", "artifactStoreUri", "modelRegistrationMode", "weeklyMaintenanceWindowStart"),
    *("accountDefaultStatus", "defaultDomainIdLists"),
)
MLFLOW_SERVER = (
    *("artifactStoreUri", "trackingServerSize", "automaticModelRegistration", "weeklyMaintenanceWindowStart"),
)
MLFLOW_FAILED = ("CreateFailed", "UpdateFailed", "DeleteFailed")

ONCE = "pulumi-mlops-sandbox-pipeline-{pipelineName}"
_PIPELINE = (
    "pipelineDisplayName",
    "pipelineDescription",
    "pipelineDefinition",
    "pipelineDefinitionS3Location",
    "roleArn",
    "parallelismConfiguration",
)
_BASELINE = {"monitoringScheduleConfig.monitoringJobDefinition.baseline": "BaselineConfig"}
ROWS = (
    Row(
        resource="aws:sagemaker/mlflowApp:MlflowApp",
        service="sagemaker",
        id="{result[Arn]}",
        name=AutoName(limit=256),
        create=Call("create_mlflow_app"),
        reads=(Get("describe_mlflow_app", {"Arn": "{id}"}),),
        parts=(
            Part(
                Call("update_mlflow_app", {"Arn": "{id}"}, only=MLFLOW_APP),
                on=MLFLOW_APP,
            ),
        ),
        delete=Call("delete_mlflow_app", {"Arn": "{id}"}),
        absent=("ResourceNotFound",),
        tags=TAGS,
        replace=("roleArn",),
        identity=("arn",),
        local=("timeouts",),
        retry=("ValidationException:Could not assume role", "ValidationException:keep files of runs"),
        wait=Wait("Status", ("Created", "Updated"), MLFLOW_FAILED),
        wait_gone=True,
    ),
    Row(
        resource="aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer",
        service="sagemaker",
        id="{trackingServerName}",
        create=Call("create_mlflow_tracking_server"),
        reads=(
            Get(
                "describe_mlflow_tracking_server",
                {"TrackingServerName": "{id}"},
                rename={"arn": "TrackingServerArn"},
            ),
        ),
        parts=(
            Part(
                Call("update_mlflow_tracking_server", {"TrackingServerName": "{id}"}, only=MLFLOW_SERVER),
                on=MLFLOW_SERVER,
            ),
        ),
        delete=Call("delete_mlflow_tracking_server", {"TrackingServerName": "{id}"}),
        absent=("ResourceNotFound",),
        tags=TAGS,
        replace=("trackingServerName", "roleArn", "mlflowVersion"),
        identity=("trackingServerName",),
        retry=("ValidationException:Could not assume role", "ValidationException:keep files of runs"),
        wait=Wait("TrackingServerStatus", ("Created", "Updated", "Started"), MLFLOW_FAILED),
        wait_gone=True,
    ),
    Row(
        resource="aws:sagemaker/featureGroup:FeatureGroup",
        service="sagemaker",
        id="{featureGroupName}",
        create=Call("create_feature_group"),
        reads=(Get("describe_feature_group", {"FeatureGroupName": "{id}"}, rename={"arn": "FeatureGroupArn"}),),
        parts=(
            Part(
                Call("update_feature_group", {"FeatureGroupName": "{id}"}, only=("throughputConfig",)),
                on=("throughputConfig",),
            ),
        ),
        delete=Call("delete_feature_group", {"FeatureGroupName": "{id}"}),
        absent=("ResourceNotFound", "ResourceNotFoundException"),
        tags=TAGS,
        replace=("*",),
        keep=("onlineStoreConfig.ttlDuration", "throughputConfig"),
        identity=("featureGroupName",),
        local=("onlineStoreConfig",),
        kind=FeatureGroupKind,
        wait=Wait("FeatureGroupStatus", ("Created",), ("CreateFailed", "DeleteFailed"), "FailureReason"),
        wait_gone=True,
    ),
    Row(
        resource="aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        service="sagemaker",
        id="{modelPackageGroupName}",
        create=Call("create_model_package_group"),
        reads=(
            Get(
                "describe_model_package_group",
                {"ModelPackageGroupName": "{id}"},
                rename={"arn": "ModelPackageGroupArn"},
            ),
        ),
        delete=Call("delete_model_package_group", {"ModelPackageGroupName": "{id}"}),
        absent=("ValidationException:does not exist", "ResourceNotFound"),
        tags=TAGS,
        replace=("*",),
        identity=("modelPackageGroupName",),
        wait=Wait("ModelPackageGroupStatus", ("Completed",), ("Failed", "DeleteFailed")),
        wait_gone=True,
    ),
    Row(
        resource="aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition",
        service="sagemaker",
        id="{name}",
        name=NAME,
        create=Call("create_data_quality_job_definition", rename={"name": "JobDefinitionName"}),
        reads=(
            Get(
                "describe_data_quality_job_definition",
                {"JobDefinitionName": "{id}"},
                rename={"arn": "JobDefinitionArn", "name": "JobDefinitionName"},
            ),
        ),
        delete=Call("delete_data_quality_job_definition", {"JobDefinitionName": "{id}"}),
        absent=("ResourceNotFound",),
        tags=TAGS,
        replace=("*",),
        identity=("name",),
    ),
    Row(
        resource="aws:sagemaker/monitoringSchedule:MonitoringSchedule",
        service="sagemaker",
        id="{name}",
        name=NAME,
        create=Call("create_monitoring_schedule", rename={"name": "MonitoringScheduleName", **_BASELINE}),
        reads=(
            Get(
                "describe_monitoring_schedule",
                {"MonitoringScheduleName": "{id}"},
                rename={"arn": "MonitoringScheduleArn", "name": "MonitoringScheduleName", **_BASELINE},
            ),
        ),
        parts=(
            Part(
                Call(
                    "update_monitoring_schedule",
                    {"MonitoringScheduleName": "{id}"},
                    only=("monitoringScheduleConfig",),
                    rename=_BASELINE,
                ),
                on=("monitoringScheduleConfig",),
            ),
        ),
        delete=Call("delete_monitoring_schedule", {"MonitoringScheduleName": "{id}"}),
        absent=("ResourceNotFound",),
        tags=TAGS,
        replace=("name",),
        identity=("name",),
        wait=Wait("MonitoringScheduleStatus", ("Scheduled", "Stopped"), ("Failed",), "FailureReason"),
        wait_gone=True,
    ),
    Row(
        resource="aws:sagemaker/pipeline:Pipeline",
        service="sagemaker",
        id="{pipelineName}",
        create=Call("create_pipeline", {"ClientRequestToken": ONCE}),
        reads=(Get("describe_pipeline", {"PipelineName": "{id}"}, rename={"arn": "PipelineArn"}),),
        parts=(
            Part(
                Call("update_pipeline", {"PipelineName": "{id}"}, only=_PIPELINE),
                on=_PIPELINE,
            ),
        ),
        delete=Call("delete_pipeline", {"PipelineName": "{id}", "ClientRequestToken": ONCE}),
        absent=("ResourceNotFound",),
        tags=TAGS,
        replace=("pipelineName",),
        identity=("pipelineName",),
        wait=Wait("PipelineStatus", ("Active",), ("Deleting",)),
    ),
    Row(
        resource="aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
        service="sagemaker",
        id="{modelPackageGroupName}",
        create=Call("put_model_package_group_policy"),
        reads=(Get("get_model_package_group_policy", {"ModelPackageGroupName": "{id}"}),),
        parts=(
            Part(Call("put_model_package_group_policy", {"ModelPackageGroupName": "{id}"}), on=("resourcePolicy",)),
        ),
        delete=Call("delete_model_package_group_policy", {"ModelPackageGroupName": "{id}"}),
        absent=("ResourceNotFound", "ValidationException:does not exist", "ValidationException:cannot find"),
        replace=("modelPackageGroupName",),
        identity=("modelPackageGroupName",),
    ),
    Row(
        resource="aws:sagemaker/model:Model",
        service="sagemaker",
        id="{name}",
        name=NAME,
        create=Call("create_model", rename={"name": "ModelName"}),
        reads=(Get("describe_model", {"ModelName": "{id}"}, rename={"name": "ModelName", "arn": "ModelArn"}),),
        delete=Call("delete_model", {"ModelName": "{id}"}),
        absent=("ValidationException:Could not find model",),
        tags=TAGS,
        replace=("*",),
        identity=("name",),
        retry=("ValidationException:Could not assume role", "ValidationException:could not access"),
        sets=("vpcConfig.subnets", "vpcConfig.securityGroupIds"),
    ),
    Row(
        resource="aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        service="sagemaker",
        id="{name}",
        name=NAME,
        create=Call("create_endpoint_config", rename={"name": "EndpointConfigName", "kmsKeyArn": "KmsKeyId"}),
        reads=(
            Get(
                "describe_endpoint_config",
                {"EndpointConfigName": "{id}"},
                rename={"name": "EndpointConfigName", "kmsKeyArn": "KmsKeyId", "arn": "EndpointConfigArn"},
            ),
        ),
        delete=Call("delete_endpoint_config", {"EndpointConfigName": "{id}"}),
        absent=("ValidationException:Could not find endpoint configuration",),
        tags=TAGS,
        replace=("*",),
        identity=("name",),
        retry=("ValidationException:Could not assume role",),
    ),
    Row(
        resource="aws:sagemaker/endpoint:Endpoint",
        service="sagemaker",
        id="{name}",
        name=NAME,
        create=Call("create_endpoint", rename={"name": "EndpointName"}),
        reads=(
            Get(
                "describe_endpoint",
                {"EndpointName": "{id}"},
                rename={"name": "EndpointName", "arn": "EndpointArn", "deploymentConfig": "LastDeploymentConfig"},
            ),
        ),
        parts=(
            Part(
                Call("update_endpoint", {"EndpointName": "{id}"}, only=("endpointConfigName", "deploymentConfig")),
                on=("endpointConfigName", "deploymentConfig"),
            ),
        ),
        delete=Call("delete_endpoint", {"EndpointName": "{id}"}),
        absent=("ValidationException:Could not find endpoint",),
        tags=TAGS,
        retry=("ValidationException:in-progress", "ValidationException:Could not assume role"),
        replace=("name", "deploymentConfig.autoRollbackConfiguration"),
        identity=("name",),
        wait=Wait(
            "EndpointStatus", ("InService",), ("Failed", "OutOfService", "UpdateRollbackFailed"), "FailureReason"
        ),
        wait_gone=True,
    ),
)
