"""What must be there natively where a table says that a thing is made: one set a backend.

Each piece is judged by comparison with the same program without the capability, so none can hold by itself.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from support.conformance import further
from support.mocks import Registration


class Ran(Protocol):
    """What a program left behind."""

    @property
    def registered(self) -> list[Registration]: ...
    @property
    def export(self) -> Mapping[str, Any] | None: ...


class Evidence(Protocol):
    """Something that is seen only where the capability was asked for."""

    def holds(self, with_it: Ran, without: Ran) -> bool: ...


@dataclass(frozen=True)
class Made:
    """There are more resources of a type."""

    type: str

    def holds(self, with_it: Ran, without: Ran) -> bool:
        return _count(with_it, self.type) > _count(without, self.type)


@dataclass(frozen=True)
class Spared:
    """There are fewer resources of a type: what the user has takes their place."""

    type: str

    def holds(self, with_it: Ran, without: Ran) -> bool:
        return _count(with_it, self.type) < _count(without, self.type)


@dataclass(frozen=True)
class Said:
    """A property says something that it did not say; the path goes through lists and through JSON in strings."""

    type: str
    path: tuple[str, ...]

    def holds(self, with_it: Ran, without: Ran) -> bool:
        here, before = ([_at(item, self) for item in ran.registered] for ran in (with_it, without))
        return any(found and found not in before for found in here)


@dataclass(frozen=True)
class LetGo:
    """The program sets a property of a type once, and then lets go of it."""

    type: str
    property: str

    def holds(self, with_it: Ran, without: Ran) -> bool:
        here, before = (
            {item.name for item in ran.registered if item.type == self.type and self.property in item.ignore_changes}
            for ran in (with_it, without)
        )
        return bool(here - before)


@dataclass(frozen=True)
class Remembered:
    """Nothing native: the ref carries it, for whoever stands on it."""

    path: tuple[str, ...]

    def holds(self, with_it: Ran, without: Ran) -> bool:
        found = list(_walk(with_it.export, self.path))
        return bool(found) and found != list(_walk(without.export, self.path))


def _count(ran: Ran, kind: str) -> int:
    return sum(item.type == kind for item in ran.registered)


def _at(item: Registration, wanted: Said) -> list[Any]:
    return list(_walk(item.inputs, wanted.path)) if item.type == wanted.type else []


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, str) and path and value[:1] in ("{", "["):
        value = json.loads(value)
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _walk(value[path[0]], path[1:])


def said(kind: str, path: str) -> Said:
    """Read a path written with slashes; ``~`` stands for a slash within a step."""
    return Said(kind, tuple(step.replace("~", "/") for step in path.split("/")))


def remembered(path: str) -> Remembered:
    return Remembered(tuple(path.split("/")))


_CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
_ENDPOINT = "aws:cloudcontrol/resource:Resource"
_GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
_MODEL = "aws:sagemaker/model:Model"
_ROUTING = "desiredState/DeploymentConfig/BlueGreenUpdatePolicy/TrafficRoutingConfiguration"
_RIGHTS = said("aws:iam/rolePolicy:RolePolicy", "policy/Statement/Action")
_TABLE = "aws:glue/catalogTable:CatalogTable"
_TARGET = "aws:appautoscaling/target:Target"

_PIPELINE = "aws:sagemaker/pipeline:Pipeline"
_ARGUMENTS = "pipelineDefinition/Steps/Arguments"
_RULE = "aws:cloudwatch/eventRule:EventRule"

AWS: Mapping[str, tuple[Evidence, ...]] = {
    "pipeline": (Made(_PIPELINE), Made("aws:iam/role:Role"), Made("aws:s3/bucketObjectv2:BucketObjectv2")),
    "pipeline.retries": (
        said(_PIPELINE, "pipelineDefinition/Steps/RetryPolicies/MaxAttempts"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_STEP/attempts"),
    ),
    "pipeline.distributed": (
        said(_PIPELINE, f"{_ARGUMENTS}/ResourceConfig/InstanceCount"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_STEP/launcher"),
        said(_PIPELINE, f"{_ARGUMENTS}/EnableInterContainerTrafficEncryption"),
    ),
    "pipeline.features": (
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_HISTORY_X"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_STEP/queries"),
        _RIGHTS,
    ),
    "pipeline.datasets": (
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_DATASET_Y"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_STEP/datasets"),
        _RIGHTS,
    ),
    "loop": (Made(_PIPELINE), Made("aws:scheduler/schedule:Schedule")),
    "monitor": (Made(_PIPELINE), Made("aws:scheduler/schedule:Schedule"), _RIGHTS),
    "monitor.metrics": (Made("aws:cloudwatch/metricAlarm:MetricAlarm"), Made("aws:cloudwatch/dashboard:Dashboard")),
    "monitor.managed": (
        Made("aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"),
        Made("aws:sagemaker/monitoringSchedule:MonitoringSchedule"),
        _RIGHTS,
    ),
    "monitor.ground_truth": (said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_DATASET_TRUTH"),),
    "monitor.on_breach": (said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_START_RETRAIN"), _RIGHTS),
    "pipeline.captured": (
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_CAPTURED_SEEN"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_STEP/captured"),
    ),
    "batch_inference": (
        Made(_PIPELINE),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_PARAMETER_TOLERATE_PERCENT"),
        said(_PIPELINE, f"{_ARGUMENTS}/ProcessingInputs/S3Input/S3Uri"),
        _RIGHTS,
    ),
    "pipeline.publish": (
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_PUBLISH_X"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_STEP/publish"),
        _RIGHTS,
    ),
    "pipeline.tracker": (
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLFLOW_TRACKING_URI"),
        _RIGHTS,
    ),
    "pipeline.cluster": (said(_PIPELINE, f"{_ARGUMENTS}/ResourceConfig/InstanceType"),),
    "pipeline.checkpoints": (
        said(_PIPELINE, f"{_ARGUMENTS}/CheckpointConfig/LocalPath"),
        said(_PIPELINE, f"{_ARGUMENTS}/Environment/MLOPS_CHECKPOINTS"),
    ),
    "pipeline.register.image": (said(_PIPELINE, f"{_ARGUMENTS}/InferenceSpecification/Containers/Image"),),
    "pipeline.schedule": (
        Made("aws:scheduler/schedule:Schedule"),
        said("aws:scheduler/schedule:Schedule", "scheduleExpressionTimezone"),
    ),
    "pipeline.triggers": (Made(_RULE),),
    "pipeline.triggers.approval": (said(_RULE, "eventPattern/detail/ModelApprovalStatus"),),
    "pipeline.batch": (said(_PIPELINE, f"{_ARGUMENTS}/AppSpecification/ImageUri"),),
    "pipeline.versions": (said(_PIPELINE, f"{_ARGUMENTS}/ProcessingInputs/S3Input/S3Uri"),),
    "pipeline.triggers.data": (said(_RULE, "eventPattern/detail/object/key/wildcard"),),
    "pipeline.triggers.alarm": (said(_RULE, "eventPattern/detail/alarmName"),),
    "pipeline.triggers.pipeline": (said(_RULE, "eventPattern/detail/currentPipelineExecutionStatus"),),
    "pipeline.overlap.skip": (Made("aws:sfn/stateMachine:StateMachine"),),
    "pipeline.parallel": (said(_PIPELINE, "parallelismConfiguration/maxParallelExecutionSteps"),),
    "pipeline.alerts": (said(_RULE, "eventPattern/detail/currentPipelineExecutionStatus"),),
    "training_cluster": (remembered("nodes_max"), remembered("address/instance")),
    "training_cluster.elastic": (remembered("nodes_max"),),
    "training_cluster.nodes.min": (said(_ENDPOINT, "desiredState/InstanceGroups/InstanceCount"),),
    "training_cluster.persistent": (Made(_ENDPOINT), Made("aws:iam/role:Role"), remembered("persistent")),
    "training_cluster.spot": (remembered("spot_wait_hours"),),
    "training_cluster.warm": (remembered("address/keep_alive_seconds"),),
    "training_cluster.max_hours": (remembered("max_hours"),),
    "training_cluster.interconnect": (remembered("address/instance"), remembered("interconnect")),
    "bridge.dataset.account": (remembered("parents/platform/address/account"),),
    "bridge.dataset.place": (remembered("parents/platform/region"),),
    "bridge.dataset.platform": (remembered("parents/platform/name"),),
    "dataset": (Made("aws:s3/bucket:Bucket"), Made("aws:glue/catalogDatabase:CatalogDatabase")),
    "dataset.partition": (said(_TABLE, "partitionKeys/name"), said(_TABLE, "parameters/projection.dt.range")),
    "dataset.retention": (
        said("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules/expiration/days"),
        said(_TABLE, "parameters/projection.dt.range"),
    ),
    "dataset.existing": (remembered("location"),),
    "dataset.existing.key": (remembered("address/key"),),
    "bridge.feature_group.platform": (_RIGHTS,),
    "bridge.feature_group.place": (_RIGHTS, said(_MODEL, "primaryContainer/environment/MLOPS_FEATURE_SERVER_PROFILE")),
    "bridge.model_version.platform": (said(_MODEL, "primaryContainer/modelPackageName"),),
    "bridge.model_version.place": (Made("aws:s3/objectCopy:ObjectCopy"),),
    "bridge.model_version.account": (said(_MODEL, "primaryContainer/modelPackageName"),),
    "identity": (Made("aws:iam/role:Role"),),
    "identity.reads": (_RIGHTS,),
    "identity.writes": (_RIGHTS,),
    "identity.registers": (_RIGHTS,),
    "identity.approves": (_RIGHTS,),
    "identity.deploys": (_RIGHTS,),
    "identity.invokes": (_RIGHTS,),
    "identity.secrets": (_RIGHTS,),
    "identity.records": (_RIGHTS,),
    "experiment_tracker": (Made("aws:sagemaker/mlflowApp:MlflowApp"), Made("aws:iam/role:Role")),
    "experiment_tracker.size": (
        said("aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer", "trackingServerSize"),
        Spared("aws:sagemaker/mlflowApp:MlflowApp"),
    ),
    "identity.trusts.github": (said("aws:iam/role:Role", "assumeRolePolicy/Statement/Principal/Federated"),),
    "identity.trusts.token": (said("aws:iam/role:Role", "assumeRolePolicy/Statement/Principal/Federated"),),
    "identity.trusts.account": (said("aws:iam/role:Role", "assumeRolePolicy/Statement/Condition/StringEquals"),),
    "identity.trusts.role": (said("aws:iam/role:Role", "assumeRolePolicy/Statement/Principal/AWS"),),
    "principal.account": (said("aws:kms/key:Key", "policy/Statement/Principal/AWS"),),
    "principal.role": (Made("aws:iam/rolePolicyAttachment:RolePolicyAttachment"),),
    "identity.existing": (remembered("principal"),),
    "platform": (
        Made("aws:kms/key:Key"),
        Made("aws:s3/bucket:Bucket"),
        Made("aws:cloudwatch/logGroup:LogGroup"),
        Made("aws:sns/topic:Topic"),
    ),
    "platform.budget": (Made("aws:budgets/budget:Budget"),),
    "platform.consumers": (
        said("aws:kms/key:Key", "policy/Statement/Principal/AWS"),
        said("aws:s3/bucketPolicy:BucketPolicy", "policy/Statement/Principal/AWS"),
    ),
    "platform.existing.alerts": (Spared("aws:sns/topic:Topic"), remembered("address/topic")),
    "platform.existing.artifacts": (Spared("aws:s3/bucket:Bucket"), remembered("artifacts")),
    "platform.existing.key": (
        Spared("aws:kms/key:Key"),
        said("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
    ),
    "platform.region": (said("pulumi:providers:aws", "region"),),
    "platform.log_days": (said("aws:cloudwatch/logGroup:LogGroup", "retentionInDays"),),
    "platform.images": (Made("aws:ecr/repository:Repository"),),
    "platform.network.existing": (said(_MODEL, "vpcConfig/subnets"),),
    "platform.network.existing.security_groups": (said(_MODEL, "vpcConfig/securityGroupIds"),),
    "platform.network.private": (Made("aws:ec2/vpc:Vpc"), Made("aws:ec2/vpcEndpoint:VpcEndpoint")),
    "platform.secrets": (
        Made("aws:secretsmanager/secret:Secret"),
        said("aws:secretsmanager/secretVersion:SecretVersion", "secretString"),
    ),
    "feature_store": (Made("aws:glue/catalogDatabase:CatalogDatabase"), Made("aws:iam/role:Role")),
    "feature_group": (Made(_GROUP),),
    "feature_group.online": (said(_GROUP, "onlineStoreConfig/enableOnlineStore"),),
    "feature_group.online.ttl": (said(_GROUP, "onlineStoreConfig/ttlDuration"),),
    "feature_group.offline": (said(_GROUP, "offlineStoreConfig/s3StorageConfig"),),
    "feature_group.offline.iceberg": (said(_GROUP, "offlineStoreConfig/tableFormat"),),
    "feature_group.existing": (remembered("address/arn"), remembered("address/table")),
    "feature_group.existing.by_itself": (remembered("address/arn"),),
    "feature_store.existing": (remembered("address/database"),),
    "feature_store.existing.rows": (remembered("address/offline"),),
    "feature_store.existing.writer": (remembered("address/role"),),
    "model_registry": (remembered("address/prefix"),),
    "model_registry.existing": (remembered("address/prefix"),),
    "model.existing": (remembered("address/arn"), remembered("address/group")),
    "model.existing.by_itself": (remembered("address/arn"),),
    "model.existing.files": (remembered("address/files"),),
    "model.existing.key": (remembered("address/files_key"),),
    "endpoint.existing": (remembered("url"), remembered("address/arn")),
    "model_registry.approvers": (Made("aws:iam/policy:Policy"),),
    "model_registry.consumers": (Made("aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy"),),
    "model_registry.events": (
        Made("aws:cloudwatch/eventRule:EventRule"),
        Made("aws:cloudwatch/eventTarget:EventTarget"),
    ),
    "model": (Made("aws:sagemaker/modelPackageGroup:ModelPackageGroup"),),
    "model.gate": (remembered("gate/auc"),),
    "endpoint": (Made(_MODEL), Made(_CONFIGURATION), Made(_ENDPOINT), Made("aws:iam/role:Role")),
    "endpoint.realtime": (said(_CONFIGURATION, "productionVariants/instanceType"),),
    "endpoint.serverless": (said(_CONFIGURATION, "productionVariants/serverlessConfig"),),
    "endpoint.asynchronous": (said(_CONFIGURATION, "asyncInferenceConfig/outputConfig/s3OutputPath"),),
    "accelerator": (said(_CONFIGURATION, "productionVariants/instanceType"),),
    "endpoint.variants": (Made(_MODEL), said(_CONFIGURATION, "productionVariants/initialVariantWeight")),
    "endpoint.shadow": (Made(_MODEL), said(_CONFIGURATION, "shadowProductionVariants/initialVariantWeight")),
    "endpoint.scaling": (Made(_TARGET), Made("aws:appautoscaling/policy:Policy")),
    "endpoint.scaling.zero": (said(_TARGET, "minCapacity"),),
    "endpoint.scaling.schedule": (Made("aws:appautoscaling/scheduledAction:ScheduledAction"),),
    "endpoint.release.canary": (said(_ENDPOINT, f"{_ROUTING}/CanarySize"),),
    "endpoint.release.linear": (said(_ENDPOINT, f"{_ROUTING}/LinearStepSize"),),
    "endpoint.release.registry": (LetGo(_ENDPOINT, "desiredState"), LetGo(_CONFIGURATION, "productionVariants")),
    "endpoint.capture": (said(_CONFIGURATION, "dataCaptureConfig/enableCapture"),),
    "endpoint.capture.sampled": (said(_CONFIGURATION, "dataCaptureConfig/initialSamplingPercentage"),),
    "endpoint.reads": (said(_MODEL, "primaryContainer/environment/MLOPS_FEATURES_PROFILE"), _RIGHTS),
    "endpoint.secrets": (said(_MODEL, "primaryContainer/environment/MLOPS_SECRET_HUB_TOKEN"), _RIGHTS),
    "endpoint.artifact_key": (said("aws:iam/rolePolicy:RolePolicy", "policy/Statement/Resource"),),
    "endpoint.serve.startup": (said(_CONFIGURATION, "productionVariants/containerStartupHealthCheckTimeoutInSeconds"),),
    "endpoint.serve.timeout": (said(_CONFIGURATION, "asyncInferenceConfig/outputConfig/s3OutputPath"),),
    "endpoint.invokers": (Made("aws:iam/rolePolicyAttachment:RolePolicyAttachment"),),
    "endpoint.isolated": (said(_MODEL, "enableNetworkIsolation"),),
    "endpoint.private": (said(_MODEL, "vpcConfig/subnets"),),
}

_ASSIGNED = Made("azure-native:authorization:RoleAssignment")
_WORKSPACE = "azure-native:machinelearningservices:Workspace"
_ACCOUNT = "azure-native:storage:StorageAccount"
_COMPONENT = "azure-native:machinelearningservices:ComponentVersion"
_CREDENTIAL = "azure-native:managedidentity:FederatedIdentityCredential"

_ML = "azure-native:machinelearningservices"
_ONLINE, _DEPLOYMENT_ML = f"{_ML}:OnlineEndpoint", f"{_ML}:OnlineDeployment"
_TEMPLATE, _BODY = "azure-native:resources:Deployment", "properties/template/resources/properties"
_LOOKS = "definition/actions/sent/actions/under_way/actions/is_well/actions"

_COMPUTE = "azure-native:machinelearningservices:Compute"
AZURE: Mapping[str, tuple[Evidence, ...]] = {
    "training_cluster": (Made(_COMPUTE), Made("azure-native:managedidentity:UserAssignedIdentity")),
    "training_cluster.elastic": (Made(_COMPUTE),),
    "training_cluster.nodes.min": (said(_COMPUTE, "properties/properties/scaleSettings/minNodeCount"),),
    "training_cluster.spot": (said(_COMPUTE, "properties/properties/vmPriority"), remembered("spot_wait_hours")),
    "training_cluster.warm": (said(_COMPUTE, "properties/properties/scaleSettings/nodeIdleTimeBeforeScaleDown"),),
    "training_cluster.idle": (said(_COMPUTE, "properties/properties/scaleSettings/nodeIdleTimeBeforeScaleDown"),),
    "training_cluster.max_hours": (remembered("max_hours"),),
    "training_cluster.interconnect": (said(_COMPUTE, "properties/properties/vmSize"),),
    "training_cluster.existing": (remembered("address/compute"),),
    "bridge.dataset.account": (remembered("parents/platform/address/subscription"),),
    "bridge.dataset.place": (remembered("parents/platform/region"),),
    "bridge.dataset.platform": (remembered("parents/platform/name"),),
    "dataset": (Made(_ACCOUNT), Made(f"{_ML}:Datastore"), Made(f"{_ML}:DataContainer")),
    "dataset.partition": (said(f"{_ML}:DataContainer", "properties/tags/mlops-dataset"),),
    "dataset.retention": (
        said(
            "azure-native:storage:ManagementPolicy",
            "policy/rules/definition/actions/baseBlob/delete/daysAfterModificationGreaterThan",
        ),
    ),
    "dataset.existing": (remembered("location"),),
    "identity": (Made("azure-native:managedidentity:UserAssignedIdentity"), remembered("address/client")),
    "identity.secrets": (_ASSIGNED,),
    "identity.records": (_ASSIGNED,),
    "experiment_tracker": (
        Made("azure-native:authorization:RoleDefinition"),
        remembered("environment/MLFLOW_TRACKING_URI"),
    ),
    "identity.trusts.github": (Made(_CREDENTIAL), said(_CREDENTIAL, "issuer")),
    "identity.trusts.token": (Made(_CREDENTIAL), said(_CREDENTIAL, "subject")),
    "principal.group": (_ASSIGNED, said("azure-native:authorization:RoleAssignment", "principalType")),
    "principal.application": (_ASSIGNED,),
    "platform": (
        Made("azure-native:resources:ResourceGroup"),
        Made(_ACCOUNT),
        Made("azure-native:keyvault:Vault"),
        Made("azure-native:containerregistry:Registry"),
        Made("azure-native:operationalinsights:Workspace"),
        Made(_WORKSPACE),
        Made("azure-native:monitor:ActionGroup"),
    ),
    "platform.budget": (Made("azure-native:consumption:Budget"),),
    "platform.consumers": (_ASSIGNED, said("azure-native:authorization:RoleAssignment", "condition")),
    "platform.existing.alerts": (Spared("azure-native:monitor:ActionGroup"), remembered("address/alerts")),
    "platform.existing.artifacts": (Spared(_ACCOUNT), remembered("artifacts"), said(_WORKSPACE, "storageAccount")),
    "platform.existing.group": (
        Spared("azure-native:resources:ResourceGroup"),
        said(_WORKSPACE, "resourceGroupName"),
    ),
    "platform.existing.key": (_ASSIGNED, said(_ACCOUNT, "encryption/keyVaultProperties/keyName")),
    "platform.existing.workspace": (
        Spared(_WORKSPACE),
        Spared(_ACCOUNT),
        Spared("azure-native:keyvault:Vault"),
        Spared("azure-native:containerregistry:Registry"),
        Spared("azure-native:resources:ResourceGroup"),
        said("azure-native:storage:BlobContainer", "accountName"),
        remembered("address/workspace_id"),
    ),
    "platform.images": (remembered("images/ranker"),),
    "platform.log_days": (said("azure-native:operationalinsights:Workspace", "retentionInDays"),),
    "platform.network.existing": (
        Made("azure-native:network:PrivateEndpoint"),
        Made("azure-native:privatedns:VirtualNetworkLink"),
        said(_WORKSPACE, "managedNetwork/isolationMode"),
        said("azure-native:network:PrivateEndpoint", "subnet/id"),
    ),
    "platform.network.private": (
        Made("azure-native:network:PrivateEndpoint"),
        said(_WORKSPACE, "managedNetwork/isolationMode"),
        said(_ACCOUNT, "publicNetworkAccess"),
    ),
    "platform.region": (said(_WORKSPACE, "location"),),
    "platform.secrets": (Made("azure-native:keyvault:Secret"),),
    "principal.user": (_ASSIGNED,),
    "identity.existing": (remembered("principal"), remembered("address/id")),
    "identity.reads": (_ASSIGNED,),
    "identity.writes": (_ASSIGNED,),
    "identity.registers": (_ASSIGNED,),
    "identity.approves": (_ASSIGNED,),
    "identity.deploys": (_ASSIGNED,),
    "identity.invokes": (_ASSIGNED, said("azure-native:authorization:RoleAssignment", "roleDefinitionId")),
    "pipeline": (
        Made("azure-native:machinelearningservices:ComponentVersion"),
        Made("azure-native:machinelearningservices:Compute"),
        Made("azure-native:machinelearningservices:CodeVersion"),
        _ASSIGNED,
        remembered("address/experiment"),
    ),
    "pipeline.features": (said(_COMPONENT, "properties/componentSpec/jobs/fit/inputs/input_x/uri"),),
    "pipeline.datasets": (said(_COMPONENT, "properties/componentSpec/command"), _ASSIGNED),
    "loop": (Made(_COMPONENT),),
    "monitor": (Made(_COMPONENT), Made(f"{_ML}:Schedule"), _ASSIGNED),
    "monitor.metrics": (Made("azure-native:monitor:MetricAlert"),),
    "monitor.ground_truth": (said(_COMPONENT, "properties/componentSpec/command"), _ASSIGNED),
    "monitor.on_breach": (said(_COMPONENT, "properties/componentSpec/command"), _ASSIGNED),
    "pipeline.captured": (said(_COMPONENT, "properties/componentSpec/command"), _ASSIGNED),
    "batch_inference": (
        said(_COMPONENT, "properties/componentSpec/command"),
        said(_COMPONENT, "properties/componentSpec/jobs/score/inputs/input_model/uri"),
        _ASSIGNED,
    ),
    "pipeline.publish": (said(_COMPONENT, "properties/componentSpec/command"), _ASSIGNED),
    "pipeline.tracker": (said(_COMPONENT, "properties/componentSpec/command"), _ASSIGNED),
    "pipeline.retries": (said(_COMPONENT, "properties/componentSpec/command"),),
    "pipeline.distributed": (
        said(_COMPONENT, "properties/componentSpec/distribution/type"),
        said(_COMPONENT, "properties/componentSpec/resources/instance_count"),
    ),
    "pipeline.cluster": (Made("azure-native:authorization:RoleDefinition"), _ASSIGNED),
    "pipeline.checkpoints": (said(_COMPONENT, "properties/componentSpec/outputs/checkpoints/type"),),
    "pipeline.register.image": (said(_COMPONENT, "properties/componentSpec/command"),),
    "pipeline.schedule": (
        Made("azure-native:machinelearningservices:Schedule"),
        said("azure-native:machinelearningservices:Schedule", "properties/trigger/timeZone"),
    ),
    "pipeline.triggers": (Made("azure-native:logic:Workflow"),),
    "pipeline.triggers.approval": (Made("azure-native:logic:Workflow"), _ASSIGNED),
    "pipeline.batch": (said(_COMPONENT, "properties/componentSpec/jobs/score/componentId"),),
    "pipeline.versions": (said(_COMPONENT, "properties/componentSpec/jobs/score/inputs/input_model/uri"), _ASSIGNED),
    "pipeline.triggers.data": (Made("azure-native:logic:Workflow"), _ASSIGNED),
    "pipeline.triggers.alarm": (Made("azure-native:logic:Workflow"), _ASSIGNED),
    "pipeline.overlap.skip": (Made("azure-native:logic:Workflow"), _ASSIGNED),
    "pipeline.parallel": (said(_COMPONENT, "properties/componentSpec/inputs/after_one/type"),),
    "pipeline.alerts": (Made("azure-native:monitor:MetricAlert"),),
    "feature_store": (
        Made(_WORKSPACE),
        Made(_ACCOUNT),
        said(_WORKSPACE, "featureStoreSettings/offlineStoreConnectionName"),
        Made(f"{_ML}:WorkspaceConnection"),
    ),
    "feature_store.materialize": (remembered("address/cron"),),
    "feature_store.existing": (remembered("address/id"),),
    "feature_store.existing.rows": (remembered("address/rows"),),
    "feature_group": (
        Made(f"{_ML}:FeaturesetVersion"),
        Made(f"{_ML}:FeaturestoreEntityVersion"),
        Made("azure-native:storage:Blob"),
    ),
    "feature_group.offline": (said(f"{_ML}:FeaturesetVersion", "properties/specification/path"),),
    "feature_group.compound_key": (said(f"{_ML}:FeaturestoreEntityVersion", "properties/indexColumns/columnName"),),
    "feature_group.existing": (remembered("address/id"), remembered("address/rows")),
    "model_registry": (remembered("address/root"),),
    "model_registry.approvers": (_ASSIGNED,),
    "model_registry.consumers": (_ASSIGNED,),
    "model_registry.events": (Made("azure-native:logic:Workflow"), _ASSIGNED),
    "model_registry.regions": (
        Made(f"{_ML}:Registry"),
        said(f"{_ML}:Registry", "regionDetails/location"),
        remembered("shared"),
    ),
    "bridge.shared_version.platform": (said(_DEPLOYMENT_ML, "properties/model"), _ASSIGNED),
    "bridge.shared_version.place": (said(_DEPLOYMENT_ML, "properties/model"), _ASSIGNED),
    "bridge.shared_version.account": (said(_DEPLOYMENT_ML, "properties/model"), _ASSIGNED),
    "model_registry.existing": (remembered("address/root"),),
    "model": (Made(f"{_ML}:ModelContainer"),),
    "model.gate": (remembered("gate/auc"),),
    "model.existing": (remembered("address/id"), remembered("address/called")),
    "model.existing.by_itself": (remembered("address/id"),),
    "endpoint": (Made(_ONLINE), Made(_DEPLOYMENT_ML), Made("azure-native:resources:Deployment"), _ASSIGNED),
    "endpoint.existing": (remembered("url"), remembered("address/id")),
    "endpoint.realtime": (said(_DEPLOYMENT_ML, "sku/capacity"),),
    "accelerator": (said(_DEPLOYMENT_ML, "properties/instanceType"),),
    "endpoint.variants": (Made(_DEPLOYMENT_ML), said(_TEMPLATE, f"{_BODY}/traffic")),
    "endpoint.shadow": (Made(_DEPLOYMENT_ML), said(_TEMPLATE, f"{_BODY}/mirrorTraffic")),
    "endpoint.scaling": (Made("azure-native:monitor:AutoscaleSetting"),),
    "endpoint.scaling.schedule": (said("azure-native:monitor:AutoscaleSetting", "profiles/recurrence/schedule/days"),),
    "endpoint.release.canary": (said("azure-native:logic:Workflow", f"{_LOOKS}/after_10_percent/type"),),
    "endpoint.release.linear": (said("azure-native:logic:Workflow", f"{_LOOKS}/after_75_percent/type"),),
    "endpoint.capture": (said(_DEPLOYMENT_ML, "properties/dataCollector/collections/request/dataId"),),
    "endpoint.capture.sampled": (said(_DEPLOYMENT_ML, "properties/dataCollector/collections/request/samplingRate"),),
    "endpoint.secrets": (said(_DEPLOYMENT_ML, "properties/environmentVariables/MLOPS_SECRET_HUB_TOKEN"), _ASSIGNED),
    "endpoint.serve.port": (said(f"{_ML}:EnvironmentVersion", "properties/inferenceConfig/scoringRoute/port"),),
    "endpoint.serve.health": (said(f"{_ML}:EnvironmentVersion", "properties/inferenceConfig/readinessRoute/path"),),
    "endpoint.serve.startup": (said(_DEPLOYMENT_ML, "properties/startupProbe/failureThreshold"),),
    "endpoint.serve.timeout": (said(_DEPLOYMENT_ML, "properties/requestSettings/requestTimeout"),),
    "endpoint.invokers": (_ASSIGNED,),
    "endpoint.private": (said(_TEMPLATE, f"{_BODY}/publicNetworkAccess"),),
}

_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_SECRET = "kubernetes:core/v1:Secret"
_CONFIG = "kubernetes:core/v1:ConfigMap"
_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
_CLUSTER = "kubernetes:postgresql.cnpg.io/v1:Cluster"
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_STATEFUL = "kubernetes:apps/v1:StatefulSet"
_JOB = "kubernetes:batch/v1:Job"
_SERVING = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
_TEMPLATE_OF_RUNS = "kubernetes:argoproj.io/v1alpha1:WorkflowTemplate"
_SCALED = "kubernetes:keda.sh/v1alpha1:ScaledObject"

_KUEUE = "kubernetes:kueue.x-k8s.io/v1beta2"
_QUEUE = f"{_KUEUE}:ClusterQueue"
_TRAINING = "kubernetes:trainer.kubeflow.org/v1alpha1:TrainingRuntime"
KUBERNETES: Mapping[str, tuple[Evidence, ...]] = {
    "training_cluster": (Made(_QUEUE), Made(f"{_KUEUE}:LocalQueue"), Made(_TRAINING)),
    "training_cluster.elastic": (Made(f"{_KUEUE}:ResourceFlavor"),),
    "training_cluster.spot": (said(f"{_KUEUE}:ResourceFlavor", "spec/nodeLabels/karpenter.sh~capacity-type"),),
    "training_cluster.max_hours": (
        said(_TRAINING, "spec/template/spec/replicatedJobs/template/spec/activeDeadlineSeconds"),
    ),
    "training_cluster.interconnect": (
        said(f"{_KUEUE}:ResourceFlavor", "spec/nodeLabels/feature.node.kubernetes.io~rdma.available"),
    ),
    "training_cluster.priority": (said(f"{_KUEUE}:WorkloadPriorityClass", "value"),),
    "training_cluster.shares": (Spared(f"{_KUEUE}:ResourceFlavor"),),
    "training_cluster.existing": (remembered("address/queue"),),
    "training_cluster.existing.compute": (remembered("address/resources/cpu"),),
    "training_cluster.existing.nodes": (remembered("nodes_max"),),
    "bridge.dataset.platform": (remembered("parents/platform/name"),),
    "dataset": (Made(_CONFIG),),
    "dataset.partition": (said(_CONFIG, "data/dataset.json/files"),),
    "dataset.retention": (
        Made("kubernetes:batch/v1:CronJob"),
        said("kubernetes:batch/v1:CronJob", "spec/jobTemplate/spec/template/spec/containers/command"),
    ),
    "dataset.existing": (remembered("location"),),
    "bridge.model_version.platform": (said(_SERVING, "spec/predictor/model/storageUri"),),
    "identity": (Made("kubernetes:core/v1:ServiceAccount"),),
    "identity.reads": (Made(_POLICY),),
    "identity.writes": (Made(_POLICY),),
    "identity.materializes": (Made(_POLICY),),
    "identity.invokes": (Made(_POLICY),),
    "identity.secrets": (Made(_BINDING),),
    "identity.records": (Made(_SECRET), Made(_JOB), said(_CONFIG, "data/settings.json/recorders/name")),
    "experiment_tracker": (Made(_DEPLOYMENT), Made(_CLUSTER), Made(_JOB)),
    "experiment_tracker.published": (Made(_ROUTE),),
    "identity.trusts.namespace": (Made(_BINDING),),
    "identity.trusts.service_account": (Made(_BINDING),),
    "principal.namespace": (
        said(_POLICY, "spec/ingress/from/namespaceSelector/matchLabels/kubernetes.io~metadata.name"),
    ),
    "principal.service_account": (said(_POLICY, "spec/ingress/from/podSelector/matchLabels/pulumi-mlops~account"),),
    "principal.user": (Made(_SECRET), said(_CONFIG, "data/settings.json/users/name")),
    "identity.existing": (remembered("principal"),),
    "platform": (
        Made("kubernetes:core/v1:Namespace"),
        Made(_POLICY),
        Made("kubernetes:core/v1:ResourceQuota"),
        Made(_STATEFUL),
    ),
    "platform.addons": (Made("kubernetes:helm.sh/v3:Release"),),
    "platform.consumers": (Made(_BINDING), Made(_POLICY)),
    "platform.existing.alerts": (Made("kubernetes:monitoring.coreos.com/v1alpha1:AlertmanagerConfig"),),
    "platform.existing.cidrs": (said(_POLICY, "spec/egress/to/ipBlock/cidr"),),
    "platform.existing.database": (Spared(_CLUSTER), Made(_SECRET)),
    "platform.existing.gateway": (said(_ROUTE, "spec/parentRefs/name"),),
    "platform.existing.gateway.tokens": (Made("kubernetes:gateway.envoyproxy.io/v1alpha1:SecurityPolicy"),),
    "platform.existing.images": (Made(_SECRET), remembered("address/pull_secret")),
    "platform.existing.metrics": (said(_SCALED, "spec/triggers/metadata/serverAddress"),),
    "platform.existing.object_store": (
        Spared(_STATEFUL),
        remembered("artifacts"),
        said(_SECRET, "metadata/annotations/serving.kserve.io~s3-endpoint"),
    ),
    "platform.images": (remembered("images/ranker"),),
    # What is cut off are the workloads: see endpoint.private.
    "platform.network.private": (remembered("private"),),
    "platform.quota": (said("kubernetes:core/v1:ResourceQuota", "spec/hard/requests.cpu"),),
    "platform.secrets": (Made(_SECRET),),
    "feature_store": (Made(_DEPLOYMENT), Made(_CLUSTER), Made(_STATEFUL)),
    "feature_store.materialize": (Made("kubernetes:batch/v1:CronJob"),),
    "feature_group": (Made(_JOB), Made(_CONFIG)),
    "feature_group.online": (said(_CONFIG, "data/group.json/online"),),
    "feature_group.online.ttl": (said(_CONFIG, "data/group.json/ttl_hours"),),
    "feature_group.offline": (said(_CONFIG, "data/group.json/offline"),),
    "feature_group.compound_key": (said(_CONFIG, "data/group.json/keys"),),
    "feature_group.existing": (remembered("address/view"),),
    "feature_store.existing": (remembered("address/url"), remembered("address/door/pods/app")),
    "model_registry.existing": (remembered("address/url"), remembered("address/door/pods/app")),
    "model_registry.existing.files": (remembered("address/files"),),
    "model.existing": (remembered("address/model"),),
    "endpoint.existing": (remembered("url"), remembered("address/door/pods/app")),
    "model_registry": (Made(_DEPLOYMENT), Made(_CLUSTER)),
    "model_registry.approvers": (Made(_SECRET), said(_CONFIG, "data/settings.json/users/name")),
    "model_registry.consumers": (Made(_BINDING), said(_CONFIG, "data/settings.json/users/name")),
    "model_registry.published": (Made(_ROUTE),),
    "model_registry.events": (Made(_SECRET), said(_CONFIG, "data/settings.json/webhooks/url")),
    "model": (Made(_JOB), said(_CONFIG, "data/settings.json/models/name")),
    "model.gate": (remembered("gate/auc"),),
    "endpoint": (Made(_SERVING), Made(_ROUTE), Made(_JOB), Made(_POLICY)),
    "endpoint.realtime": (said(_SERVING, "spec/predictor/minReplicas"),),
    "accelerator": (said(_SERVING, "spec/predictor/containers/resources/limits/nvidia.com~gpu"),),
    "endpoint.variants": (Made(_SERVING), said(_ROUTE, "spec/rules/backendRefs/weight")),
    "endpoint.shadow": (Made(_SERVING), said(_ROUTE, "spec/rules/filters/requestMirror/percent")),
    "endpoint.scaling": (Made(_SCALED),),
    "endpoint.release.canary": (said(_CONFIG, "data/settings.json/steps/percent"),),
    "endpoint.release.linear": (said(_CONFIG, "data/settings.json/steps/percent"),),
    "endpoint.release.unmeasured": (said(_CONFIG, "data/settings.json/insists"),),
    "pipeline": (Made(_TEMPLATE_OF_RUNS), Made("kubernetes:core/v1:ServiceAccount"), Made(_BINDING), Made(_CONFIG)),
    "pipeline.features": (said(_TEMPLATE_OF_RUNS, "spec/templates/inputs/artifacts/s3/key"),),
    "pipeline.datasets": (said(_TEMPLATE_OF_RUNS, "spec/templates/initContainers/name"),),
    "loop": (Made(_TEMPLATE_OF_RUNS),),
    "monitor": (Made(_TEMPLATE_OF_RUNS),),
    "monitor.metrics": (said(_CONFIG, "metadata/labels/grafana_dashboard"),),
    "monitor.ground_truth": (said(_TEMPLATE_OF_RUNS, "spec/templates/container/env/value"),),
    "monitor.on_breach": (Made(_BINDING),),
    "pipeline.captured": (said(_TEMPLATE_OF_RUNS, "spec/templates/initContainers/name"),),
    "batch_inference": (
        Made(_TEMPLATE_OF_RUNS),
        said(_TEMPLATE_OF_RUNS, "spec/templates/container/env/value"),
        said(_TEMPLATE_OF_RUNS, "spec/templates/inputs/artifacts/s3/key"),
    ),
    "batch_inference.server": (said(_TEMPLATE_OF_RUNS, "spec/templates/container/image"),),
    "pipeline.publish": (said(_TEMPLATE_OF_RUNS, "spec/templates/dag/tasks/template"),),
    "pipeline.tracker": (
        said(_TEMPLATE_OF_RUNS, "spec/templates/metadata/labels/pulumi-mlops~records-in"),
        Made(_SECRET),
    ),
    "pipeline.retries": (said(_TEMPLATE_OF_RUNS, "spec/templates/retryStrategy/limit"),),
    "pipeline.distributed": (
        said(_TRAINING, "spec/mlPolicy/numNodes"),
        said(_TEMPLATE_OF_RUNS, "spec/templates/container/env/value/runtime"),
        Made("kubernetes:core/v1:ServiceAccount"),
    ),
    "pipeline.cluster": (
        Made(_TRAINING),
        said(_TEMPLATE_OF_RUNS, "spec/templates/container/env/value/labels/kueue.x-k8s.io~queue-name"),
    ),
    "pipeline.checkpoints": (said(_TEMPLATE_OF_RUNS, "spec/volumeClaimTemplates/metadata/name"),),
    "pipeline.register.image": (
        said(_TEMPLATE_OF_RUNS, "spec/templates/container/env/value/image"),
        Made(_JOB),
        Made(_SECRET),
    ),
    "pipeline.triggers": (Made(_DEPLOYMENT),),
    "pipeline.triggers.approval": (Made(_DEPLOYMENT), said(_CONFIG, "data/settings.json/models/url")),
    "pipeline.batch": (said(_TEMPLATE_OF_RUNS, "spec/templates/container/args"),),
    "pipeline.versions": (said(_TEMPLATE_OF_RUNS, "spec/templates/inputs/artifacts/s3/key"),),
    "pipeline.triggers.data": (said(_CONFIG, "data/settings.json/datasets/rows"),),
    "pipeline.triggers.alarm": (said(_CONFIG, "data/settings.json/alarms"),),
    "pipeline.triggers.pipeline": (said(_CONFIG, "data/settings.json/pipelines"),),
    "pipeline.schedule": (Made("kubernetes:argoproj.io/v1alpha1:CronWorkflow"),),
    "pipeline.overlap.skip": (said("kubernetes:argoproj.io/v1alpha1:CronWorkflow", "spec/concurrencyPolicy"),),
    "pipeline.parallel": (said(_TEMPLATE_OF_RUNS, "spec/templates/parallelism"),),
    "pipeline.alerts": (Made("kubernetes:monitoring.coreos.com/v1:PrometheusRule"),),
    "endpoint.capture": (said(_SERVING, "spec/predictor/logger/url"),),
    "endpoint.capture.sampled": (said(_SERVING, "spec/predictor/logger/url"),),
    "endpoint.reads": (said(_POLICY, "spec/egress/ports/port"), Made(_POLICY)),
    "endpoint.secrets": (said(_SERVING, "spec/predictor/volumes/projected/sources/secret/name"),),
    "endpoint.serve.command": (said(_SERVING, "spec/predictor/containers/command"),),
    "endpoint.serve.port": (said(_SERVING, "spec/predictor/containers/ports/containerPort"),),
    "endpoint.serve.health": (said(_SERVING, "spec/predictor/containers/readinessProbe/httpGet/path"),),
    "endpoint.serve.startup": (said(_SERVING, "spec/predictor/containers/startupProbe/failureThreshold"),),
    "endpoint.serve.timeout": (
        said(_SERVING, "spec/predictor/timeout"),
        said(_ROUTE, "spec/rules/timeouts/request"),
    ),
    "endpoint.serve.shared_memory": (said(_SERVING, "spec/predictor/volumes/emptyDir/sizeLimit"),),
    "endpoint.invokers": (
        said(_POLICY, "spec/ingress/from/namespaceSelector/matchLabels/kubernetes.io~metadata.name"),
    ),
    "endpoint.isolated": (Spared(_POLICY),),
    "endpoint.private": (Spared(_POLICY),),
}

NATIVE: Mapping[str, Mapping[str, tuple[Evidence, ...]]] = {
    "aws": AWS,
    "azure": AZURE,
    "kubernetes": KUBERNETES,
    **{module.WORDS.backend: module.NATIVE for module in further.modules()},
}
