"""Trainings of a pipeline as TrainJobs: what a machine runs, who leads them, and what that one may do.

A training on a cluster, or on several machines, is a TrainJob of Kubeflow Trainer, which Kueue queues where there is a
cluster. Argo brings and takes files of pods that it makes itself, so the step's own pod leads: it runs
``jobs/lead.py``, and the machines ``jobs/follow.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random as random
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import access, admission, starts, taken
from pulumi_mlops.backends.kubernetes.addresses import TrainingClusterAddress
from pulumi_mlops.backends.kubernetes.objects import (
    PYTHON,
    App,
    Fields,
    camel_case,
    custom,
    own_labels,
    pod_security,
    resources,
    restricted,
    secret,
)
from pulumi_mlops.backends.kubernetes.runtime import Machine, machine
from pulumi_mlops.backends.kubernetes.training_cluster import LABEL, NODE, TAKEN_AWAY, TRAINER, started
from pulumi_mlops.core.naming import physical
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.step import Step
from pulumi_mlops.steps.train import TrainStep

LEAD, FOLLOW = "lead.py", "follow.py"
BESIDE = (LEAD, FOLLOW, "cluster.py", "release.py")
"""The programs that trainings need in the pipeline's ConfigMap."""
TRAINS, LEADS = "pulumi-mlops/trains-for", "pulumi-mlops/leads-for"
"""The labels of machines, and of who leads them, by which the network policies know them."""
RESERVED = ("PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT")
"""Variables that Trainer sets itself."""
PIPELINE = "pulumi-mlops/pipeline"
"""The label of runs, and of their TrainJobs."""
PATCHES = "pulumi-mlops/lead"
"""Who patches a runtime: the program that leads."""
PART = "lead"
_PORT = 8100
_KEY = "/var/run/secrets/mlops-lead"
_CALLED = 28
"""The longest beginning of a TrainJob's name: its pods' names are 24 longer, and hosts."""
_STAYS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
"""Annotations of who leads: nodes are not given back under it."""


def led(step: Step) -> bool:
    """Tell whether a step is a TrainJob."""
    return isinstance(step, TrainStep) and (step.cluster is not None or step.nodes > 1)


def operators(steps: Iterable[Step]) -> list[str]:
    """Name the operators that trainings need."""
    found = [work for step in steps if isinstance(work := works(step), TrainStep) and led(work)]
    return [*["trainer"] * bool(found), *["kueue"] * any(work.cluster is not None for work in found)]


@dataclass(frozen=True)
class Size:
    """What one machine of a step is."""

    memory_gb: float
    resources: Fields
    placement: Fields


def size_of(step: Any) -> Size:
    """Return what one machine is: one of the cluster's, or the step's own."""
    if isinstance(step, TrainStep) and step.cluster is not None:
        address = TrainingClusterAddress.of(step.cluster)
        bounds = dict(address.resources)
        return Size(step.cluster.memory_gb, {"requests": bounds, "limits": bounds}, dict(address.placement))
    size: Machine = machine(step.machine)
    return Size(size.memory_gb, size.resources, size.placement)


def runtime_name(app: App, name: str) -> str:
    """Name the TrainingRuntime of a step."""
    return app.name(f"{name.replace('_', '-')}-run")


def runtime(app: App, step: TrainStep, container: Fields, volumes: Sequence[Fields], grace_seconds: int) -> Fields:
    """Write the runtime of a step: all that a machine runs, so that whoever makes a TrainJob chooses nothing of it."""
    labels = {**own_labels(app.scope), **app.selector, **taken.label(step), TRAINS: app.scope.name}
    if step.cluster is not None:
        labels[LABEL] = step.cluster.name
    key = {"name": "lead", "mountPath": _KEY, "readOnly": True}
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": grace_seconds,
        "securityContext": camel_case(pod_security(assigned=app.assigned_users)),
        **({} if app.pull_secret is None else {"imagePullSecrets": [{"name": app.pull_secret}]}),
        **size_of(step).placement,
        "containers": [{**container, "name": NODE, "volumeMounts": [*container["volumeMounts"], key]}],
        "volumes": [*volumes, {"name": "lead", "secret": {"secretName": app.name(PART)}}],
    }
    alone = step.nodes == 1
    # A machine that is taken away has not failed. One that is alone gets another; of several, all begin again.
    job: Fields = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": run_seconds(step),
        "podFailurePolicy": {"rules": [{**TAKEN_AWAY, "action": "Ignore" if alone else "FailJob"}]},
    }
    again = {
        "name": "machinesTakenAway",
        "action": "RestartJobSetAndIgnoreMaxRestarts",
        "onJobFailureReasons": ["PodFailurePolicy"],
    }
    return started(
        step.nodes, labels, pod, job, {} if alone else {"failurePolicy": {"maxRestarts": 0, "rules": [again]}}
    )


def run_seconds(step: TrainStep) -> int:
    """Return how long a training may run: as the step says, and as its cluster does."""
    most = step.cluster.max_hours if step.cluster is not None else None
    return round(3600 * (step.max_hours if most is None else min(step.max_hours, most)))


def _wait_seconds(step: TrainStep) -> int | None:
    """Return how long it may wait for machines; None where a queue holds it for as long as it takes."""
    if step.cluster is None:
        return run_seconds(step)
    return None if step.cluster.spot_wait_hours is None else round(3600 * step.cluster.spot_wait_hours)


@dataclass(frozen=True)
class Leading:
    """What the pod that leads a training is told of it."""

    name: str
    """The step."""
    given: Mapping[str, str]
    """Folders that machines fetch, by the variable that names each."""
    taken: Mapping[str, str]
    """Folders and files that the first machine brings, likewise."""
    handed: Mapping[str, str]
    """Variables whose values are known when the run goes on."""
    claim: tuple[str, str] | None
    """The volume of checkpoints in the pod, and what it is called in the cluster."""


def lead(app: App, step: TrainStep, told: Leading, program: Fields, mounts: Sequence[Fields]) -> Fields:
    """Write the pod that leads: what its template has beside inputs and outputs.

    :param program: the volume with the programs.
    :param mounts: where the container finds them, and where it leaves what was made.
    """
    labels: dict[str, Input[str]] = {PIPELINE: app.scope.name}
    if step.cluster is not None:
        address = TrainingClusterAddress.of(step.cluster)
        labels["kueue.x-k8s.io/queue-name"] = address.queue
        if address.priority is not None:
            labels["kueue.x-k8s.io/priority-class"] = address.priority
    settings = {
        "namespace": app.namespace,
        "called": physical(app.scope.name, told.name.replace("_", "-"), limit=_CALLED),
        "run": "{{workflow.uid}}",
        "runtime": runtime_name(app, told.name),
        "nodes": step.nodes,
        "labels": labels,
        "owner": {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "name": "{{workflow.name}}",
            "uid": "{{workflow.uid}}",
        },
        "claim": None if told.claim is None else dict(zip(("volume", "name"), told.claim, strict=True)),
        "handed": sorted(told.handed),
        "given": dict(told.given),
        "taken": dict(told.taken),
        "run_seconds": run_seconds(step),
        "wait_seconds": _wait_seconds(step),
        "key": f"{_KEY}/key",
        "port": _PORT,
    }
    env: list[Fields] = [
        {"name": "MLOPS_LEAD", "value": Output.json_dumps(settings, sort_keys=True)},
        {"name": "MLOPS_ADDRESS", "value_from": {"field_ref": {"field_path": "status.podIP"}}},
        *({"name": name, "value": value} for name, value in sorted(told.handed.items())),
    ]
    container = {
        "image": PYTHON,
        "command": ["python3", "-u", f"/etc/mlops/{LEAD}"],
        "env": env,
        "resources": resources("100m", "256Mi"),
        "volume_mounts": [
            *mounts,
            {"name": "lead", "mount_path": _KEY, "read_only": True},
            {"name": "account", "mount_path": starts.ACCOUNT, "read_only": True},
        ],
    }
    return {
        "metadata": {"labels": {LEADS: app.scope.name}, "annotations": _STAYS},
        "serviceAccountName": app.name(PART),
        "container": camel_case(restricted(container)),
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            program,
            {"name": "outputs", "emptyDir": {}},
            {"name": "lead", "secret": {"secretName": app.name(PART)}},
            # Its own account's token, in this container alone: Argo's beside it have the pipeline's.
            {"name": "account", "projected": {"sources": starts.token()}},
        ],
    }


KEY = ("MLOPS_LEAD_KEY", f"{_KEY}/key")
"""The variable that tells a machine where the key to who leads is."""


def around(app: App, runtimes: Mapping[str, Fields]) -> list[pulumi.Resource]:
    """Make what trainings need: the runtimes, an account that may start them, a key, and ways through the network."""
    if not runtimes:
        return []
    account = access.identity(app, PART)
    granted = access.grant(
        app,
        PART,
        # Names of TrainJobs are not known before there is a run.
        [access.rule(TRAINER.partition("/")[0], "trainjobs", ["create", "get", "delete"], [])],
        [access.account_of(account)],
    )
    names = ", ".join(f"'{runtime_name(app, name)}'" for name in runtimes)
    held = admission.held(
        app,
        PART,
        ("trainer.kubeflow.org", "v1alpha1", "trainjobs"),
        ["CREATE", "DELETE"],
        {
            "a TrainJob of this account has a runtime of its pipeline, and chooses nothing of what runs": (
                f"request.operation != 'CREATE' || (object.spec.runtimeRef.kind == 'TrainingRuntime' && "
                f"object.spec.runtimeRef.name in [{names}] && !has(object.spec.initializer) && "
                "!has(object.spec.trainer.image) && !has(object.spec.trainer.command) && "
                "!has(object.spec.trainer.args))"
            ),
            "a TrainJob of this account patches volumes alone, with those of its run": (
                "request.operation != 'CREATE' || object.spec.?runtimePatches.orValue([]).all(p, "
                "p.?trainingRuntimeSpec.?template.?spec.?replicatedJobs.orValue([]).all(j, "
                f"p.manager == '{PATCHES}' && j.template.spec.template.spec.all(field, field == 'volumes') && "
                "j.template.spec.template.spec.volumes.all(v, has(v.persistentVolumeClaim))))"
            ),
            "a TrainJob of another pipeline is not this account's to delete": (
                "request.operation != 'DELETE' || (has(oldObject.metadata.labels) && "
                f"'{PIPELINE}' in oldObject.metadata.labels && "
                f"oldObject.metadata.labels['{PIPELINE}'] == '{app.scope.name}')"
            ),
        },
    )
    word = random.RandomPassword(app.scope.child("lead-key"), length=32, special=False, opts=app.scope.opts).result
    key = secret(app, PART, {"key": word})
    machines, leaders = access.pods({TRAINS: app.scope.name}), access.pods({LEADS: app.scope.name})
    door = access.ports(_PORT)
    opened = [
        access.allow(
            app,
            "machines",
            {TRAINS: app.scope.name},
            ingress=[{"from_": [machines]}],
            egress=[{"to": [machines]}, {"to": [leaders], "ports": door}],
        ),
        access.listen(app, PART, {LEADS: app.scope.name}, _PORT, [machines]),
    ]
    made = [
        custom(
            app.scope.child(f"{name.replace('_', '-')}-run"),
            TRAINER,
            "TrainingRuntime",
            metadata=app.metadata(runtime_name(app, name), labels={"trainer.kubeflow.org/framework": "torch"}),
            spec=spec,
            opts=app.scope.opts,
        )
        for name, spec in runtimes.items()
    ]
    return [granted, key, *held, *opened, *made]
