"""What is paid for on Kubernetes: what pods ask for, volumes, and ways in; at prices that only a user knows."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from pulumi_mlops.policies.costs.meters.reading import GIBI, number, quantity
from pulumi_mlops.policies.costs.spans import MONTH, ONE, Span
from pulumi_mlops.policies.costs.uses import Meter, Use, always, by_use, stored
from pulumi_mlops.policies.resources import Part, Resource, Stack
from pulumi_mlops.policies.rules import kinds

RUNS = "hours: those of all runs of a month"
NODES = "instances: the nodes on which it runs"
SCALERS: Final = {
    "kubernetes:autoscaling:HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
    "kubernetes:keda.sh:ScaledObject": ("minReplicaCount", "maxReplicaCount"),
}
GPU: Final = "/gpu"
BEGINS = ("it scales; expected is the least",)


def _asked(container: Part, key: str) -> Decimal:
    """Tell what a container asks for; one that has only a limit asks for that."""
    found = container.get("resources.requests", key=key) or container.get("resources.limits", key=key)
    return quantity(found) if found else Decimal(0)


def _containers(pod: Part) -> list[Part]:
    """Find the containers that run all the time of a pod; those that only prepare it are over before."""
    found = [*pod.each("containers"), *([pod.part("model")] if pod.get("model") else [])]
    for template in pod.each("templates"):  # of a workflow: a step each
        found += [template.part(key) for key in ("container", "script") if template.get(key)]
    return found


def _pod(pod: Part, pods: Span, times: Span | None, needs: str, assumed: tuple[str, ...] = ()) -> Iterator[Use]:
    """Read what the containers of a pod ask for while it runs."""
    containers = _containers(pod)
    for number_of, container in enumerate(containers, start=1):
        part = str(container.get("name") or number_of) if len(containers) > 1 else ""
        cpu, memory = _asked(container, "cpu"), _asked(container, "memory") / GIBI
        if not cpu and not memory:
            nothing = "amount: it asks for no CPU and no memory"
            yield by_use("kubernetes", "cpu", "vcpu-hour", nothing, part=part)
        asked = [("cpu", "vcpu-hour", "", cpu), ("memory", "gb-hour", "", memory)]
        limits = container.get("resources.limits", {})
        for key in limits if isinstance(limits, dict) else ():
            if str(key).endswith(GPU):
                cards = quantity(container.get("resources.limits", key=key))
                asked.append(("gpu", "gpu-hour", str(key), cards))
        for component, unit, sku, size in asked:
            if size:
                yield Use("kubernetes", component, unit, sku, part, pods, size, times, assumed, needs)


def _replicas(workload: Resource, stack: Stack) -> tuple[Span, tuple[str, ...]]:
    first = number(workload, "spec.replicas", 1)
    for scales, (low, high) in SCALERS.items():
        for scaler in stack.all(scales):
            target = scaler.part("spec.scaleTargetRef")
            if (
                target.get("name") in workload.names
                and target.get("kind", "Deployment") == workload.type.rpartition(":")[2]
            ):
                least = number(scaler, f"spec.{low}", 1)
                return Span(least, max(first, least), number(scaler, f"spec.{high}", first)), BEGINS
    return Span.of(first), ()


def _workload(workload: Resource, stack: Stack) -> Iterator[Use]:
    replicas, assumed = _replicas(workload, stack)
    for pod in kinds.pods(workload):
        yield from _pod(pod, replicas, MONTH, "", assumed)
    for claim in workload.each("spec.volumeClaimTemplates"):
        yield from _volume(claim, replicas, str(claim.get("metadata.name", "")))


def _single(pod: Resource, _: Stack) -> Iterator[Use]:
    for spec in kinds.pods(pod):
        yield from _pod(spec, ONE, MONTH, "")


def _every_node(workload: Resource, _: Stack) -> Iterator[Use]:
    for pod in kinds.pods(workload):
        yield from _pod(pod, ONE, None, NODES)


def _run(job: Resource, _: Stack) -> Iterator[Use]:
    for pod in kinds.pods(job):
        yield from _pod(pod, Span.of(number(job, "spec.parallelism", 1)), None, RUNS)


def _workflow(workflow: Resource, _: Stack) -> Iterator[Use]:
    for path in ("spec.workflowSpec", "spec"):  # the second has templates only in a workflow that runs once
        yield from _pod(workflow.part(path), ONE, None, RUNS)


def _training(runtime: Resource, _: Stack) -> Iterator[Use]:
    nodes = Span.of(number(runtime, "spec.mlPolicy.numNodes", 1))
    for pod in kinds.pods(runtime):
        yield from _pod(pod, nodes, None, RUNS)


def _service(service: Resource, _: Stack) -> Iterator[Use]:
    for part in ("predictor", "transformer", "explainer"):
        own = service.part(f"spec.{part}")
        if not own.value:
            continue
        least = number(own, "minReplicas", 1)
        most = number(own, "maxReplicas", least)
        assumed = BEGINS if most > least else ()
        yield from _pod(own, Span(least, least, max(most, least)), MONTH, "", assumed)


def _volume(claim: Part, copies: Span = ONE, part: str = "") -> Iterator[Use]:
    size = claim.get("spec.resources.requests.storage")
    if size:
        kind = str(claim.get("spec.storageClassName", ""))
        yield stored("kubernetes", "volume", quantity(size) / GIBI, copies, sku=kind, part=part)


def _claim(claim: Resource, _: Stack) -> Iterator[Use]:
    yield from _volume(claim)


def _database(cluster: Resource, _: Stack) -> Iterator[Use]:
    instances = Span.of(number(cluster, "spec.instances", 1))
    yield from _pod(Part({"containers": [cluster.get("spec", {})]}, "spec"), instances, MONTH, "")
    for path in ("storage", "walStorage"):
        if size := cluster.get(f"spec.{path}.size"):
            kind = str(cluster.get(f"spec.{path}.storageClass", ""))
            yield stored("kubernetes", "volume", quantity(size) / GIBI, instances, sku=kind, part=path)


def _way_in(service: Resource, _: Stack) -> Iterator[Use]:
    if service.get("spec.type") == "LoadBalancer":
        yield always("kubernetes", "load-balancer")


ROWS: Final[dict[str, Meter]] = {
    "kubernetes:core:Pod": _single,
    "kubernetes:apps:Deployment": _workload,
    "kubernetes:apps:StatefulSet": _workload,
    "kubernetes:apps:ReplicaSet": _workload,
    "kubernetes:apps:DaemonSet": _every_node,
    "kubernetes:batch:Job": _run,
    "kubernetes:batch:CronJob": _run,
    "kubernetes:argoproj.io:WorkflowTemplate": _run,
    "kubernetes:argoproj.io:Workflow": _workflow,
    "kubernetes:argoproj.io:CronWorkflow": _workflow,
    "kubernetes:trainer.kubeflow.org:TrainingRuntime": _training,
    kinds.SERVICE: _service,
    kinds.CLAIM: _claim,
    kinds.DATABASE: _database,
    "kubernetes:core:Service": _way_in,
}
