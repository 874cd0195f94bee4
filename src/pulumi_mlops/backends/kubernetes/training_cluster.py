"""Training clusters on Kubernetes: a queue of Kueue with a quota, and how Kubeflow Trainer starts what it admits."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.access import allow, app_of, pods
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress, TrainingClusterAddress
from pulumi_mlops.backends.kubernetes.machines import compute_problems, quantity_problems
from pulumi_mlops.backends.kubernetes.objects import (
    NAME_LIMIT,
    App,
    Fields,
    after,
    camel_case,
    container_security,
    custom,
    decimal,
    gibibytes,
    namespace_name,
    pod_security,
)
from pulumi_mlops.backends.kubernetes.runtime import Machine, machine
from pulumi_mlops.backends.kubernetes.workload import SHARED_MEMORY
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.components.training_cluster import (
    ExistingTrainingClusterSpec,
    Nodes,
    TrainingClusterSpec,
)
from pulumi_mlops.components.training_ref import TrainingClusterRef
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.compute import ACCELERATOR, Compute
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.existing import absent
from pulumi_mlops.core.naming import physical

KUEUE, TRAINER = "kueue.x-k8s.io/v1beta2", "trainer.kubeflow.org/v1alpha1"
LABEL = "pulumi-mlops/training-cluster"
"""The label of the pods of runs: they reach each other."""
NODE = "node"
"""The job, and the container in its pods, that a run's image and command go to, as Trainer wants them called."""
SPOT = ("karpenter.sh/capacity-type", "spot")
"""The label and the taint of nodes that may be taken away, as Karpenter sets them."""
FABRIC = ("feature.node.kubernetes.io/rdma.available", "true")
"""The label of nodes with remote direct memory access, as Node Feature Discovery sets it."""
VALUES = {"low": -1000, "normal": 0, "high": 1000}
"""What Kueue compares: a run without a class has 0."""
_RESTARTS = 100  # of a run whose machines are taken away
_ACTIVE = "condition=Active"
_SHARED_PERCENT = 50
"""The share of a pod's memory that its processes may hand each other tensors in."""
_CLUSTER_RUNTIME = "torch-distributed"
"""The runtime of the whole cluster that Trainer's own installation brings."""


def training_cluster(scope: Scope, spec: TrainingClusterSpec) -> TrainingClusterRef:
    """Say which nodes there are, how much of them may be taken and by whom first; then how a run is started."""
    app, size = app_of(scope, spec.platform, "training"), machine(spec.compute)
    shared = TrainingClusterAddress.of(spec.shares) if spec.shares else None
    called = cluster_name(app.namespace, scope.name)
    native: dict[str, pulumi.Resource] = {}
    flavor: Input[str] | None
    if shared is None:
        made = custom(
            scope.child("flavor"),
            KUEUE,
            "ResourceFlavor",
            metadata=_metadata(app, called),
            spec=_flavor(spec, size),
            opts=scope.opts,
        )
        native["flavor"] = made
        # Kueue keeps a flavor as long as a queue has it: whoever shares it is made after it, and deleted before.
        flavor = made.id.apply(lambda _: called)
    else:
        flavor = shared.flavor
    assert flavor is not None  # noqa: S101 (judged below)
    queue = custom(
        scope.child("quota"),
        KUEUE,
        "ClusterQueue",
        metadata=_metadata(app, called),
        spec=_quota(spec, size, flavor, shared.cohort if shared else called, borrows=shared is not None),
        opts=after(scope.opts, *native.values()),
        wait=_ACTIVE,
    )
    through, runs = called, queue
    if shared is None:
        # Kueue takes machines from whoever borrows them, and from nobody within a quota of his own: the cluster's own
        # runs borrow as those of others do, so that priority alone decides.
        through = physical(f"{app.namespace}.{scope.name}", "runs", limit=NAME_LIMIT)
        runs = custom(
            scope.child("runs"),
            KUEUE,
            "ClusterQueue",
            metadata=_metadata(app, through),
            spec=_quota(spec, size, flavor, called, borrows=True),
            opts=after(scope.opts, queue),
            wait=_ACTIVE,
        )
        native["runs"] = runs
    entry = custom(
        scope.child("queue"),
        KUEUE,
        "LocalQueue",
        metadata=app.metadata(app.name()),
        spec={"clusterQueue": through},
        # The API server takes no other one for a queue that exists.
        opts=ResourceOptions.merge(after(scope.opts, runs), ResourceOptions(replace_on_changes=["spec.clusterQueue"])),
        wait=_ACTIVE,
    )
    priority = _priority(app, called, spec)
    network = _between_pods(app)
    runtime = custom(
        scope.child("runtime"),
        TRAINER,
        "TrainingRuntime",
        metadata=app.metadata(app.name(), labels={"trainer.kubeflow.org/framework": "torch"}),
        spec=_runtime(app, spec, size),
        opts=after(scope.opts, network),
    )
    native |= {"quota": queue, "queue": entry, "priority": priority, "network": network, "runtime": runtime}
    return TrainingClusterRef(
        name=scope.name,
        backend="kubernetes",
        platform=spec.platform,
        **_facts(spec.compute),
        nodes_max=spec.nodes.max,
        spot_wait_hours=spec.spot.max_wait_hours if spec.spot else spec.shares.spot_wait_hours if spec.shares else None,
        max_hours=spec.max_hours,
        interconnect=spec.interconnect or bool(spec.shares and spec.shares.interconnect),
        priority=spec.priority or "normal",
        address=TrainingClusterAddress(
            # Whoever queues a run does so when all that it needs is there.
            queue=Output.all(entry.id, runtime.id, priority.id).apply(lambda _: app.name()),
            cohort=shared.cohort if shared else called,
            flavor=flavor,
            runtime=app.name(),
            priority=called,
            resources=size.resources["requests"],
            placement=size.placement,
        ).plain(),
        native=native,
    )


def cluster_name(namespace: str, name: str) -> str:
    """Name what has no namespace: the platform's is in the name, before a dot, which no other name has.

    >>> cluster_name("churn-dev", "gpus")
    'churn-dev.gpus'
    """
    return physical(f"{namespace}.{name}", limit=NAME_LIMIT)


def _facts(compute: Compute) -> dict[str, Any]:
    """Say neutrally what one machine is."""
    size, parts = machine(compute), ACCELERATOR.fullmatch(compute.accelerator or "")
    return {
        "cpus": size.cpus,
        "memory_gb": size.memory_gb,
        "accelerator": parts["model"] if parts else None,
        "accelerators": size.accelerators,
    }


def _metadata(app: App, name: str) -> Any:
    return {key: value for key, value in app.metadata(name).items() if key != "namespace"}


def _flavor(spec: TrainingClusterSpec, size: Machine) -> Fields:
    """Name the nodes by their labels; taints that are known to keep others away keep nobody away here."""
    labels = dict([size.label]) if size.label else {}
    labels |= dict([SPOT]) if spec.spot else {}
    labels |= dict([FABRIC]) if spec.interconnect else {}
    taints = list(size.placement.get("tolerations", []))
    if spec.spot:
        taints.append({"key": SPOT[0], "operator": "Equal", "value": SPOT[1], "effect": "NoSchedule"})
    return {**({"nodeLabels": labels} if labels else {}), **({"tolerations": taints} if taints else {})}


def _quota(
    spec: TrainingClusterSpec, size: Machine, flavor: Input[str], cohort: str | None, *, borrows: bool
) -> Fields:
    """Let runs take as much as all machines have, of their own or of those that another cluster lends."""
    most = {
        "cpu": decimal(size.cpus * spec.nodes.max),
        "memory": gibibytes(size.memory_gb * spec.nodes.max),
        **({size.resource: str(size.accelerators * spec.nodes.max)} if size.accelerators else {}),
    }
    # Nothing is borrowed but by whoever asked for it: nodes.max stays the most that there is.
    resources = [
        {"name": name, "nominalQuota": "0" if borrows else amount, "borrowingLimit": amount if borrows else "0"}
        for name, amount in most.items()
    ]
    return {
        "cohortName": cohort,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": _space(spec.platform)}},
        "queueingStrategy": "BestEffortFIFO",
        "preemption": {
            "withinClusterQueue": "LowerPriority",
            "reclaimWithinCohort": "LowerPriority",
            "borrowWithinCohort": {"policy": "LowerPriority"},
        },
        "resourceGroups": [
            {"coveredResources": list(most), "flavors": [{"name": flavor, "resources": resources}]},
        ],
    }


def _space(platform: PlatformRef) -> str:
    return namespace_name(platform.name, platform.stage)


def _priority(app: App, called: str, spec: TrainingClusterSpec) -> pulumi.CustomResource:
    """Make the class of the cluster's runs: its value stands beside ``spec``, where the SDK's class takes nothing."""
    word = spec.priority or "normal"
    props = {
        "apiVersion": KUEUE,
        "kind": "WorkloadPriorityClass",
        "metadata": _metadata(app, called),
        "value": VALUES[word],
        "description": f"Runs on {app.scope.name} of {app.scope.project} ({app.scope.stage}): {word}",
    }
    return pulumi.CustomResource(
        f"kubernetes:{KUEUE}:WorkloadPriorityClass", app.scope.child("priority"), props, app.scope.opts
    )


def _between_pods(app: App) -> k8s.networking.v1.NetworkPolicy:
    """Let the pods of runs reach each other, at whatever port their libraries choose."""
    labels = {LABEL: app.scope.name}
    return allow(app, "runs", labels, ingress=[{"from_": [pods(labels)]}], egress=[{"to": [pods(labels)]}])


def _runtime(app: App, spec: TrainingClusterSpec, size: Machine) -> Fields:
    """Write how a run is started: as many pods as it has nodes, torch's launcher in each, nothing that may do harm.

    https://www.kubeflow.org/docs/components/trainer/operator-guides/runtime/
    """
    labels = {LABEL: app.scope.name}
    shared = gibibytes(max(1, math.floor(size.memory_gb * _SHARED_PERCENT / 100)))
    pod: Fields = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": camel_case(pod_security(assigned=app.assigned_users)),
        **({} if app.pull_secret is None else {"imagePullSecrets": [{"name": app.pull_secret}]}),
        **size.placement,
        "containers": [
            {
                "name": NODE,
                "resources": size.resources,
                # Frameworks keep what they compile beside their own files.
                "securityContext": {**camel_case(container_security()), "readOnlyRootFilesystem": False},
                "volumeMounts": [{"name": "shared-memory", "mountPath": SHARED_MEMORY}],
            }
        ],
        "volumes": [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": shared}}],
    }
    limit = {} if spec.max_hours is None else {"activeDeadlineSeconds": round(spec.max_hours * 3600)}
    spot = spec.spot is not None or (spec.shares is not None and spec.shares.spot_wait_hours is not None)
    job = {"backoffLimit": 0, "podFailurePolicy": {"rules": [{**TAKEN_AWAY, "action": "Ignore"}]}, **limit}
    return started(1, labels, pod, job, {"failurePolicy": {"maxRestarts": _RESTARTS}} if spot else {})


def started(nodes: int, labels: Mapping[str, str], pod: Fields, job: Fields, policy: Fields) -> Fields:
    """Write a TrainingRuntime of one job, as many pods of which begin together as there are nodes."""
    template = {"metadata": {"labels": dict(labels)}, "spec": pod}
    replicated = {
        "name": NODE,
        "template": {
            "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
            "spec": {**job, "template": template},
        },
    }
    return {
        "mlPolicy": {"numNodes": nodes, "torch": {}},
        "template": {"spec": {**policy, "replicatedJobs": [replicated]}},
    }


TAKEN_AWAY = {"onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
"""A pod whose node goes has not failed."""


def training_problems(spec: TrainingClusterSpec) -> Iterator[Problem]:
    """Refuse machines that cannot be named, and more of them than the platform may ever take."""
    yield from compute_problems("compute", spec.compute)
    yield from quantity_problems("compute", spec.compute)
    if spec.shares is not None and TrainingClusterAddress.of(spec.shares).flavor is None:
        yield Problem(
            "shares", f"{spec.shares.name!r} existed already, and its nodes are its owner's; leave shares out"
        )
    quota = PlatformAddress.of(spec.platform).quota
    if quota is None:
        return
    size = machine(spec.compute)
    needs = {"cpus": size.cpus, "memory_gb": size.memory_gb, "accelerators": size.accelerators}
    for word, need in needs.items():
        most, wanted = getattr(quota, word), need * spec.nodes.max
        if wanted > most:
            yield Problem(
                "nodes.max",
                f"{spec.nodes.max} machines have {wanted:g} {word}, and the platform's quota is {most:g}; write "
                f"Platform(quota={{'{word}': {math.ceil(wanted)}, …}}), or fewer machines",
            )


def existing_cluster(name: str, spec: ExistingTrainingClusterSpec) -> TrainingClusterRef:
    """Find the queue of the platform's namespace that an admin made, and the runtime that Trainer brings."""
    called = spec.called or name
    assert spec.compute is not None  # noqa: S101 (judged before)
    nodes = spec.nodes or Nodes()
    if not private.mocked():
        group = KUEUE.partition("/")[0]
        there = live.namespaced(spec.platform, KUEUE, "localqueues", called)
        if there is None:
            space = _space(spec.platform)
            raise absent("TrainingCluster", name, f"there is no LocalQueue {space}/{called} of {group} in the cluster")
    size = machine(spec.compute)
    return TrainingClusterRef(
        name=name,
        backend="kubernetes",
        platform=spec.platform,
        **_facts(spec.compute),
        nodes_max=nodes.max,
        address=TrainingClusterAddress(
            queue=called,
            runtime=_CLUSTER_RUNTIME,
            runtime_kind="ClusterTrainingRuntime",
            resources=size.resources["requests"],
            placement=size.placement,
        ).plain(),
    )


def existing_problems(spec: ExistingTrainingClusterSpec) -> Iterator[Problem]:
    """Demand what a queue does not tell."""
    if spec.compute is None:
        yield Problem("compute", "is required: a queue does not say what its nodes are; write {'cpus': …}")
    else:
        yield from compute_problems("compute", spec.compute)
        yield from quantity_problems("compute", spec.compute)
