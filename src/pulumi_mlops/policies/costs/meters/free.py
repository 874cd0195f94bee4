"""Kinds for which no cloud asks anything by themselves, each with the reason."""

from collections.abc import Mapping
from typing import Final

_RIGHTS = "who may do what is not billed"
_PLACE = "networks are not billed; what stands in them and what passes doors is"
_LOGGED = "what it writes is counted where logs come in"
_SETTING = "it sets something on a resource that is metered itself"
_NAME = "it names or describes something; its data and its machines are metered where they are"
_EVENT = "rules for events of the cloud's own services are not billed; what they start is"
_INVOKED = "invocations are free to millions a month; what they start is metered"
_CONTENT = "its bytes are part of what its store keeps"
_OBJECT = "an object of the cluster; nodes, pods and volumes are what costs"

_AWS: Final[Mapping[str, tuple[str, str]]] = {
    "iam": (
        _RIGHTS,
        (
            "Group GroupPolicy InstanceProfile OpenIdConnectProvider Policy Role RolePolicy "
            "RolePolicyAttachment User UserPolicy RolePoliciesExclusive AccessKey"
        ),
    ),
    "ec2": (
        _PLACE,
        (
            "DefaultSecurityGroup InternetGateway LaunchTemplate Route RouteTable "
            "RouteTableAssociation SecurityGroup Subnet Vpc"
        ),
    ),
    "vpc": (_PLACE, "SecurityGroupEgressRule SecurityGroupIngressRule"),
    "s3": (
        _SETTING,
        (
            "BucketLifecycleConfiguration BucketNotification BucketObject BucketObjectv2 "
            "BucketOwnershipControls BucketPolicy BucketPublicAccessBlock "
            "BucketServerSideEncryptionConfiguration BucketVersioning ObjectCopy"
        ),
    ),
    "kms": (_SETTING, "Alias Grant KeyPolicy"),
    "ecr": (_SETTING, "LifecyclePolicy RepositoryPolicy"),
    "sns": (_SETTING, "TopicPolicy TopicSubscription"),
    "sqs": (_SETTING, "QueuePolicy"),
    "sagemaker": (
        _NAME,
        (
            "EndpointConfiguration Model ModelPackageGroup ModelPackageGroupPolicy MonitoringSchedule Space "
            "UserProfile StudioLifecycleConfig NotebookInstanceLifecycleConfiguration"
        ),
    ),
    "glue": ("the first million of objects of the catalogue is free", "CatalogDatabase CatalogTable"),
    "cloudwatch": (_EVENT, "EventRule EventTarget"),
    "scheduler": (_INVOKED, "Schedule ScheduleGroup"),
    "budgets": ("a budget that only tells is not billed", "Budget"),
    "appautoscaling": (_SETTING, "Policy ScheduledAction Target"),
    "lambda": (_SETTING, "FunctionUrl Permission"),
    "secretsmanager": (_CONTENT, "SecretPolicy SecretVersion"),
    "lb": (_SETTING, "Listener TargetGroup"),
}
_AZURE: Final[Mapping[str, tuple[str, str]]] = {
    "authorization": (_RIGHTS, "RoleAssignment RoleDefinition ManagementLockByScope"),
    "consumption": ("a budget is not billed", "Budget"),
    "machinelearningservices": (
        _NAME,
        (
            "BatchDeployment BatchEndpoint CodeContainer CodeVersion ComponentContainer ComponentVersion "
            "DataContainer DataVersion Datastore EnvironmentContainer EnvironmentVersion "
            "FeaturesetContainerEntity FeaturesetVersion FeaturestoreEntityContainerEntity "
            "FeaturestoreEntityVersion ManagedNetworkSettingsRule ModelContainer ModelVersion OnlineEndpoint "
            "RegistryModelContainer RegistryModelVersion WorkspaceConnection"
        ),
    ),
    "managedidentity": (_RIGHTS, "FederatedIdentityCredential UserAssignedIdentity"),
    "applicationinsights": (_NAME, "Workbook"),
    "eventgrid": (_SETTING, "EventSubscription SystemTopicEventSubscription"),
    "keyvault": (_CONTENT, "Secret"),
    "monitor": (
        "alerts of the activity log and what scales are not billed; a group is by messages beyond the free ones",
        "ActionGroup ActivityLogAlert AutoscaleSetting",
    ),
    "network": (_PLACE, "NetworkSecurityGroup PrivateDnsZoneGroup Route RouteTable Subnet VirtualNetwork"),
    "privatedns": (_SETTING, "PrivateRecordSet VirtualNetworkLink"),
    "resources": ("a group is a name", "ResourceGroup"),
    "storage": (
        _CONTENT,
        "Blob BlobContainer BlobServiceProperties FileServiceProperties FileShare ManagementPolicy",
    ),
    "dbforpostgresql": (_SETTING, "Configuration Database FirewallRule"),
    "redis": (_SETTING, "AccessPolicy AccessPolicyAssignment FirewallRule"),
    "redisenterprise": (_SETTING, "Database AccessPolicyAssignment"),
}
_KUBERNETES: Final[Mapping[str, tuple[str, str]]] = {
    group: (_OBJECT, names)
    for group, names in {
        "core": "ConfigMap LimitRange Namespace PersistentVolume ResourceQuota Secret ServiceAccount",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
        "networking.k8s.io": "Ingress NetworkPolicy",
        "gateway.networking.k8s.io": "HTTPRoute",
        "gateway.envoyproxy.io": "BackendTrafficPolicy SecurityPolicy",
        "cert-manager.io": "Certificate Issuer",
        "cilium.io": "CiliumNetworkPolicy",
        "policy": "PodDisruptionBudget",
        "storage.k8s.io": "StorageClass",
        "scheduling.k8s.io": "PriorityClass",
        "autoscaling": "HorizontalPodAutoscaler",
        "keda.sh": "ScaledObject TriggerAuthentication",
        "admissionregistration.k8s.io": "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
        "argoproj.io": "EventSource Sensor",
        "kueue.x-k8s.io": "ClusterQueue LocalQueue ResourceFlavor Topology WorkloadPriorityClass",
        "monitoring.coreos.com": "AlertmanagerConfig PodMonitor PrometheusRule ServiceMonitor",
        "postgresql.cnpg.io": "ScheduledBackup",
        "serving.kserve.io": "ClusterServingRuntime ServingRuntime",
        "networking.istio.io": "DestinationRule VirtualService",
    }.items()
}

FREE: Final[Mapping[str, str]] = {
    f"{package}:{module}:{kind}": reason
    for package, modules in (("aws", _AWS), ("azure-native", _AZURE), ("kubernetes", _KUBERNETES))
    for module, (reason, names) in modules.items()
    for kind in names.split()
} | {"aws:ec2:FlowLog": _LOGGED, "azure-native:monitor:DiagnosticSetting": _LOGGED}
"""The reason by kind."""
