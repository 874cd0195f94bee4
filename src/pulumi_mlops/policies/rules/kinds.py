"""Kinds of resources by what they are, and the parts in which several kinds keep the same."""

from collections.abc import Callable, Iterable, Iterator

from pulumi_mlops.policies.model import Predicate, Problem
from pulumi_mlops.policies.resources import Part, Resource
from pulumi_mlops.policies.settings import Settings

AZURE_ML = "azure-native:machinelearningservices:"
BUCKET, ROLE, VPC = "aws:s3:Bucket", "aws:iam:Role", "aws:ec2:Vpc"
NOTEBOOK, DOMAIN, MODEL = "aws:sagemaker:NotebookInstance", "aws:sagemaker:Domain", "aws:sagemaker:Model"
ENDPOINT, CONFIGURATION = "aws:sagemaker:Endpoint", "aws:sagemaker:EndpointConfiguration"
FEATURES, GROUP, PIPELINE = "aws:sagemaker:FeatureGroup", "aws:sagemaker:ModelPackageGroup", "aws:sagemaker:Pipeline"
JOBS = tuple(
    f"aws:sagemaker:{kind}JobDefinition" for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)
SCHEDULE = "aws:sagemaker:MonitoringSchedule"
REPOSITORY, KEY, LOGS, TOPIC, QUEUE = (
    "aws:ecr:Repository", "aws:kms:Key", "aws:cloudwatch:LogGroup", "aws:sns:Topic", "aws:sqs:Queue"
)  # fmt: skip

WORKSPACE, COMPUTE = f"{AZURE_ML}Workspace", f"{AZURE_ML}Compute"
ONLINE, DEPLOYMENT = f"{AZURE_ML}OnlineEndpoint", f"{AZURE_ML}OnlineDeployment"
STORAGE, VAULT, IMAGES = (
    "azure-native:storage:StorageAccount", "azure-native:keyvault:Vault", "azure-native:containerregistry:Registry"
)  # fmt: skip
POSTGRES = "azure-native:dbforpostgresql:Server"

SERVICE = "kubernetes:serving.kserve.io:InferenceService"
NAMESPACE, NETWORK = "kubernetes:core:Namespace", "kubernetes:networking.k8s.io:NetworkPolicy"
CLAIM, VOLUME = "kubernetes:core:PersistentVolumeClaim", "kubernetes:core:PersistentVolume"
DATABASE = "kubernetes:postgresql.cnpg.io:Cluster"
WORKLOADS = (
    "kubernetes:core:Pod", "kubernetes:apps:Deployment", "kubernetes:apps:StatefulSet", "kubernetes:apps:DaemonSet",
    "kubernetes:apps:ReplicaSet", "kubernetes:batch:Job", "kubernetes:batch:CronJob",
    "kubernetes:argoproj.io:WorkflowTemplate", "kubernetes:trainer.kubeflow.org:TrainingRuntime", SERVICE,
)  # fmt: skip
"""What runs containers on Kubernetes."""

DOCUMENTS = ("aws:iam:Policy", "aws:iam:RolePolicy", "aws:iam:UserPolicy", "aws:iam:GroupPolicy", ROLE)
"""What grants rights on AWS."""


def pods(resource: Resource) -> Iterator[Part]:
    """Find the pod specifications that a workload of Kubernetes has."""
    kind = resource.type.rpartition(":")[2]
    if kind == "Pod":
        yield resource.part("spec")
    elif kind == "CronJob":
        yield resource.part("spec.jobTemplate.spec.template.spec")
    elif kind == "TrainingRuntime":
        for job in resource.each("spec.template.spec.replicatedJobs"):
            yield job.part("template.spec.template.spec")
    elif kind == "InferenceService":
        yield resource.part("spec.predictor")
    elif kind == "WorkflowTemplate":
        yield resource.part("spec")
    else:
        yield resource.part("spec.template.spec")


def containers(pod: Part) -> Iterator[Part]:
    """Find the containers of a pod, those that only prepare it among them."""
    for key in ("initContainers", "containers"):
        yield from pod.each(key)
    if pod.get("model"):
        yield pod.part("model")
    for template in pod.each("templates") if pod.path == "spec" else ():
        for key in ("container", "script"):
            if template.get(key):
                yield template.part(key)


def each_container(test: Callable[[Part, Part], Iterable[Problem]]) -> Predicate:
    """Have something hold for each container, which is given with its pod."""

    def predicate(resource: Resource, _: Settings) -> Iterator[Problem]:
        for pod in pods(resource):
            for container in containers(pod):
                yield from test(container, pod)

    return predicate


def each_pod(test: Callable[[Part], Iterable[Problem]]) -> Predicate:
    """Have something hold for each pod specification."""

    def predicate(resource: Resource, _: Settings) -> Iterator[Problem]:
        for pod in pods(resource):
            yield from test(pod)

    return predicate


def allowed(resource: Resource) -> Iterator[Part]:
    """Find the statements by which a resource of AWS allows something."""
    paths = [key for key in ("policy", "resourcePolicy", "policyText") if resource.get(key)]
    documents = [resource.document(key) for key in paths]
    documents += [inline.document("policy") for inline in resource.each("inlinePolicies")]
    for document in documents:
        for statement in document.each("Statement"):
            if str(statement.get("Effect", "Allow")) == "Allow":
                yield statement
