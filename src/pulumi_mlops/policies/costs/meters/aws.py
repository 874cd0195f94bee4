"""What is paid for on AWS."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from pulumi_mlops.policies.costs.meters.reading import count, number
from pulumi_mlops.policies.costs.spans import Span
from pulumi_mlops.policies.costs.uses import Meter, Use, always, by_use, fixed, monthly, stored
from pulumi_mlops.policies.resources import Part, Resource, Stack, Undecided
from pulumi_mlops.policies.rules import kinds

RUNS = "hours: those of all runs of a month"
STORED = "amount: gigabytes that are stored"
SENT = "amount: gigabytes a month"
NOTEBOOK_STORAGE: Final = 5
"""The gigabytes of a notebook for which nothing else is declared."""
TARGET = "aws:appautoscaling:Target"
MEBI: Final = Decimal(1024)


def _endpoint(endpoint: Resource, stack: Stack) -> Iterator[Use]:
    """Read the instances of an endpoint out of its configuration, between the bounds within which it scales."""
    linked = frozenset[str]().union(*endpoint.depends.values())
    configurations = [
        each
        for each in stack.all(kinds.CONFIGURATION)
        if each.urn in linked or stack.means(endpoint, "endpointConfigName", each)
    ]
    if not configurations:
        endpoint.get("endpointConfigName")
        needs = "its configuration is not of this stack"
        yield by_use("sagemaker", "hosting", "hour", needs)
    for configuration in configurations:
        variants = configuration.each("productionVariants")
        for variant in (*variants, *configuration.each("shadowProductionVariants")):
            yield from _variant(variant, endpoint, stack, alone=len(variants) == 1)


def _variant(variant: Part, endpoint: Resource, stack: Stack, *, alone: bool) -> Iterator[Use]:
    name = str(variant.get("variantName", ""))
    for serverless in variant.each("serverlessConfig"):
        yield by_use("sagemaker", "serverless", "gb-second", "amount: memory by duration of all requests", part=name)
        if kept := serverless.get("provisionedConcurrency"):
            gigabytes = number(serverless, "memorySizeInMb") / MEBI
            yield always(
                "sagemaker", "serverless-provisioned", "gb-hour", part=name, count=Span.of(kept), size=gigabytes
            )
    if not (machine := variant.get("instanceType")):
        return
    instances, assumed = _scaled(variant, endpoint, stack, name, alone=alone)
    yield always("sagemaker", "hosting", sku=str(machine), part=name, count=instances, assumed=assumed)
    if size := variant.get("volumeSizeInGb"):
        yield stored("sagemaker", "hosting-storage", size, instances, part=name)


def _scaled(variant: Part, endpoint: Resource, stack: Stack, name: str, *, alone: bool) -> tuple[Span, tuple[str, ...]]:
    first = number(variant, "initialInstanceCount", 1)
    managed = [each for each in variant.each("managedInstanceScaling") if each.get("maxInstanceCount")]
    bounds = [(number(each, "minInstanceCount"), number(each, "maxInstanceCount")) for each in managed]
    targets = [each for each in stack.all(TARGET) if _scales(each, endpoint, name, alone=alone)]
    bounds += [(number(each, "minCapacity"), number(each, "maxCapacity")) for each in targets]
    if not bounds:
        return Span.of(first), ()
    least, most = bounds[-1]
    return Span(least, min(max(first, least), most), most), ("it scales; expected is what it begins with",)


def _scales(target: Resource, endpoint: Resource, variant: str, *, alone: bool) -> bool:
    try:
        words = str(target.get("resourceId", "")).split("/")
    except Undecided:
        linked = endpoint.urn in target.depends.get("resourceId", ())
        if linked and not alone:
            raise
        return linked
    return words[:1] == ["endpoint"] and words[1:2] != [] and words[1] in endpoint.names and words[-1] == variant


def _notebook(notebook: Resource, _: Stack) -> Iterator[Use]:
    machine = str(notebook.get("instanceType", ""))
    yield always("sagemaker", "notebook", sku=machine, assumed=("it is on all the time",))
    yield stored("sagemaker", "notebook-storage", number(notebook, "volumeSize", NOTEBOOK_STORAGE))


def _app(app: Resource, _: Stack) -> Iterator[Use]:
    machine = str(app.get("resourceSpec.instanceType", ""))
    yield by_use("sagemaker", "studio", "hour", "hours: those in which it is open", sku=machine)


CLUSTERS: Final = {
    "Training": ("training", "ResourceConfig"),
    "Tuning": ("training", "TrainingJobDefinition.ResourceConfig"),
    "Processing": ("processing", "ProcessingResources.ClusterConfig"),
    "QualityCheck": ("processing", "ProcessingResources.ClusterConfig"),
    "ClarifyCheck": ("processing", "ProcessingResources.ClusterConfig"),
    "Transform": ("transform", "TransformResources"),
}
"""Where a step of a pipeline says its machines."""


def _pipeline(pipeline: Resource, _: Stack) -> Iterator[Use]:
    document = pipeline.document("pipelineDefinition")
    told = {str(each.get("Name")): each.get("DefaultValue") for each in document.each("Parameters")}
    yield from _steps(document, "Steps", told)


def _steps(document: Part, path: str, told: dict[str, Any]) -> Iterator[Use]:
    for step in document.each(path):
        for branch in ("Arguments.IfSteps", "Arguments.ElseSteps"):
            yield from _steps(step, branch, told)
        component, place = CLUSTERS.get(str(step.get("Type")), ("", ""))
        if not component:
            continue
        cluster = step.part(f"Arguments.{place}")
        machine, instances = (_default(cluster.get(key), told) for key in ("InstanceType", "InstanceCount"))
        name, instances = str(step.get("Name", "")), Span.of(instances or 1)
        yield by_use("sagemaker", component, "hour", RUNS, sku=str(machine or ""), part=name, count=instances)


def _default(value: Any, told: dict[str, Any]) -> Any:
    """Take a parameter's own value where a step names a parameter."""
    if isinstance(value, dict) and isinstance(named := value.get("Get"), str):
        return told.get(named.removeprefix("Parameters."))
    return value


def _job(component: str, path: str) -> Meter:
    def meter(job: Resource, _: Stack) -> Iterator[Use]:
        cluster = job.part(path)
        machine = str(cluster.get("instanceType", ""))
        yield by_use("sagemaker", component, "hour", RUNS, sku=machine, count=count(cluster, "instanceCount"))

    return meter


def _machines(cluster: Resource, _: Stack) -> Iterator[Use]:
    for group in cluster.each("instanceGroups"):
        name, machine = str(group.get("instanceGroupName", "")), str(group.get("instanceType", ""))
        yield always("sagemaker", "cluster", sku=machine, part=name, count=count(group, "instanceCount"))


def _features(group: Resource, _: Stack) -> Iterator[Use]:
    if group.get("onlineStoreConfig.enableOnlineStore"):
        if group.get("throughputConfig.throughputMode") == "Provisioned":
            for kind in ("Read", "Write"):
                units = count(group, f"throughputConfig.provisioned{kind}CapacityUnits", 0)
                yield always("sagemaker", f"features-{kind.lower()}-units", "unit-hour", count=units)
        else:
            for kind in ("reads", "writes"):
                yield by_use("sagemaker", f"features-{kind}", "million-requests", "amount: millions of units a month")
        yield by_use("sagemaker", "features-storage", "gb-month", STORED)


def _door(door: Resource, _: Stack) -> Iterator[Use]:
    """Read a private way into a service; one of the kind `Gateway` is free, and that is what it is unless told."""
    if door.get("vpcEndpointType", "Gateway") == "Gateway":
        return
    zones = len(door.each("subnetConfigurations")) or _length(door, "subnetIds")
    yield always("vpc-endpoint", "interface", count=Span.of(zones), assumed=("one in each of its subnets",))
    yield by_use("vpc-endpoint", "data", "gb", SENT)


def _key(key: Resource, _: Stack) -> Iterator[Use]:
    """Read a key; a version that a rotation makes costs as a key does, up to the second."""
    if key.get("enableKeyRotation"):
        assumed = ("each of the first two rotations of a key costs as a key does",)
        yield monthly("kms", "key", "key-month", Span.of(1, 1, 3), assumed=assumed)
    else:
        yield monthly("kms", "key", "key-month")


def _alarm(alarm: Resource, _: Stack) -> Iterator[Use]:
    """Read an alarm; it is paid for by the metrics that it looks at."""
    measured = sum(bool(each.get("metric")) for each in alarm.each("metricQueries"))
    yield monthly("cloudwatch", "alarm", "alarm-month", Span.of(measured or 1))


def _queue(queue: Resource, _: Stack) -> Iterator[Use]:
    kind = "fifo" if queue.get("fifoQueue") else "standard"
    yield by_use("sqs", "requests", "million-requests", "amount: millions of requests a month", sku=kind)


def _length(part: Part, path: str) -> int:
    found = part.get(path, ())
    return len(found) if isinstance(found, list | tuple) else 1


def _balancer(balancer: Resource, _: Stack) -> Iterator[Use]:
    kind = str(balancer.get("loadBalancerType", "application"))
    yield always("load-balancer", "hour", sku=kind)
    yield by_use("load-balancer", "capacity", "unit-hour", "amount: capacity units", sku=kind)


def _database(database: Resource, _: Stack) -> Iterator[Use]:
    engine, copies = str(database.get("engine", "")), Span.of(2 if database.get("multiAz") else 1)
    yield always("rds", "instance", sku=str(database.get("instanceClass", "")), part=engine, count=copies)
    if size := database.get("allocatedStorage"):
        kind = str(database.get("storageType", "gp2"))
        yield stored("rds", "storage", size, copies, sku=kind)


def _cache(cache: Resource, _: Stack) -> Iterator[Use]:
    nodes = cache.get("numCacheClusters") or cache.get("numCacheNodes")
    if not nodes:
        nodes = number(cache, "numNodeGroups", 1) * (1 + number(cache, "replicasPerNodeGroup", 0))
    yield always("elasticache", "node", sku=str(cache.get("nodeType", "")), count=Span.of(nodes))


def _nodes(group: Resource, _: Stack) -> Iterator[Use]:
    scaling = group.part("scalingConfig")
    least, most = number(scaling, "minSize", 1), number(scaling, "maxSize", 1)
    wanted = number(scaling, "desiredSize", least)
    component = "spot" if group.get("capacityType") == "SPOT" else "instance"
    machine = (group.texts("instanceTypes") or ["t3.medium"])[0]
    yield always("ec2", component, sku=machine, count=Span(least, wanted, most))


def _instance(instance: Resource, _: Stack) -> Iterator[Use]:
    yield always("ec2", "instance", sku=str(instance.get("instanceType", "")))


def _disk(service: str, path: str, kind: str) -> Meter:
    def meter(disk: Resource, _: Stack) -> Iterator[Use]:
        yield stored(service, "storage", number(disk, path), sku=str(disk.get(kind, "")))

    return meter


ROWS: Final[dict[str, Meter]] = {
    kinds.ENDPOINT: _endpoint,
    kinds.NOTEBOOK: _notebook,
    kinds.DOMAIN: fixed(by_use("efs", "storage", "gb-month", STORED)),
    "aws:sagemaker:App": _app,
    kinds.PIPELINE: _pipeline,
    "aws:sagemaker:TrainingJob": _job("training", "resourceConfig"),
    **{
        f"aws:sagemaker:{each}JobDefinition": _job("processing", "jobResources.clusterConfig")
        for each in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
    },
    "aws:sagemaker:Cluster": _machines,
    "aws:sagemaker:MlflowTrackingServer": lambda one, _: iter(
        [always("sagemaker", "mlflow", sku=str(one.get("trackingServerSize", "Small")))]
    ),
    "aws:sagemaker:MlflowApp": fixed(by_use("sagemaker", "mlflow-app", "hour", "hours: those that are billed")),
    kinds.FEATURES: _features,
    kinds.BUCKET: fixed(
        by_use("s3", "storage", "gb-month", STORED),
        by_use("s3", "writes", "million-requests", "amount: millions of writes and listings a month"),
        by_use("s3", "reads", "million-requests", "amount: millions of reads a month"),
    ),
    kinds.REPOSITORY: fixed(by_use("ecr", "storage", "gb-month", STORED)),
    kinds.KEY: _key,
    "aws:secretsmanager:Secret": fixed(monthly("secretsmanager", "secret", "secret-month")),
    kinds.LOGS: fixed(by_use("cloudwatch", "logs", "gb", SENT)),
    "aws:cloudwatch:MetricAlarm": _alarm,
    "aws:cloudwatch:Dashboard": fixed(monthly("cloudwatch", "dashboard", "dashboard-month")),
    kinds.TOPIC: fixed(by_use("sns", "requests", "million-requests", "amount: millions of messages a month")),
    kinds.QUEUE: _queue,
    "aws:lambda:Function": fixed(by_use("lambda", "duration", "gb-second", "amount: memory by duration of all calls")),
    "aws:sfn:StateMachine": fixed(by_use("stepfunctions", "transitions", "thousand", "amount: thousands a month")),
    "aws:dynamodb:Table": fixed(
        by_use("dynamodb", "reads", "million-requests", "amount: millions of units that are read"),
        by_use("dynamodb", "writes", "million-requests", "amount: millions of units that are written"),
    ),
    "aws:ec2:NatGateway": fixed(always("nat-gateway", "hour"), by_use("nat-gateway", "data", "gb", SENT)),
    "aws:ec2:VpcEndpoint": _door,
    "aws:ec2:Eip": fixed(always("ec2", "public-address")),
    "aws:ec2:Instance": _instance,
    "aws:ebs:Volume": _disk("ebs", "size", "type"),
    "aws:lb:LoadBalancer": _balancer,
    "aws:alb:LoadBalancer": _balancer,
    "aws:eks:Cluster": fixed(always("eks", "cluster")),
    "aws:eks:NodeGroup": _nodes,
    "aws:rds:Instance": _database,
    "aws:rds:ClusterInstance": _database,
    "aws:rds:Cluster": fixed(by_use("rds", "storage", "gb-month", STORED)),
    "aws:elasticache:Cluster": _cache,
    "aws:elasticache:ReplicationGroup": _cache,
    "aws:efs:FileSystem": fixed(by_use("efs", "storage", "gb-month", STORED)),
    "aws:fsx:LustreFileSystem": _disk("fsx", "storageCapacity", "deploymentType"),
}
