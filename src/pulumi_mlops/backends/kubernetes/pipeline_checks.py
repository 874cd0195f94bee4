"""What only Kubernetes can judge of a pipeline, before anything is registered."""

from collections.abc import Iterator, Mapping

from pulumi import Input

from pulumi_mlops.backends.kubernetes import trainings
from pulumi_mlops.backends.kubernetes.addresses import FeatureGroupAddress, ModelAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.argo import TAG, dashed
from pulumi_mlops.backends.kubernetes.endpoint_checks import image_problems
from pulumi_mlops.backends.kubernetes.experiment_tracker import recording_problems
from pulumi_mlops.backends.kubernetes.machines import compute_problems, quantity_problems
from pulumi_mlops.backends.kubernetes.pipeline import CHECKPOINTS_GB
from pulumi_mlops.backends.kubernetes.runtime import machine
from pulumi_mlops.backends.kubernetes.starter import trigger_problems
from pulumi_mlops.backends.kubernetes.steps import trained
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.stages import treated
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Step
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.work import Work


def pipeline_problems(spec: PipelineSpec) -> Iterator[Problem]:
    """Judge a pipeline."""
    yield from _twins(spec)
    for key, value in spec.parameters.items():
        if isinstance(value, str) and "{{" in value:
            yield Problem(f"parameters.{key}", TAG.format(value))
    for step_name, step in spec.steps.items():
        where = f"steps.{step_name}"
        if (work := works(step)) is not None:
            yield from _work(where, work, spec)
        if isinstance(step, RegisterStep):
            yield from _registered(where, step, spec)
    yield from trigger_problems(spec)
    yield from _quota(spec)


def _twins(spec: PipelineSpec) -> Iterator[Problem]:
    """Refuse names that are one name where underscores are no part of names."""
    first: dict[str, str] = {}
    for name in spec.steps:
        known = first.setdefault(dashed(name), name)
        if known != name:
            yield Problem(
                f"steps.{name}", f"and {known!r} are one name to Argo, which knows no underscores; rename one"
            )


def _texts(step: Step) -> Iterator[tuple[str, Input[str]]]:
    if isinstance(step, Work):
        yield "image", step.image
        yield from ((f"command[{index}]", word) for index, word in enumerate(step.command))
        yield from ((f"environment.{key}", value) for key, value in step.environment.items())
        yield from ((f"parameters.{key}", value) for key, value in step.parameters.items() if isinstance(value, str))
    if isinstance(step, RegisterStep):
        yield from ((f"metadata.{key}", value) for key, value in step.metadata.items())
        if step.image is not None:
            yield "image", step.image


def _tags(where: str, step: Step) -> Iterator[Problem]:
    for field, value in _texts(step):
        if not is_deferred(value) and "{{" in str(value):
            yield Problem(f"{where}.{field}", TAG.format(value))


def _work(where: str, step: Work, spec: PipelineSpec) -> Iterator[Problem]:
    yield from _tags(where, step)
    cluster = step.cluster if isinstance(step, TrainStep) else None
    if cluster is None:
        yield from compute_problems(f"{where}.compute", step.machine)
        yield from quantity_problems(f"{where}.compute", step.machine)
    elif _of(cluster.platform, cluster.backend) != _of(spec.platform, spec.platform.backend):
        yield Problem(
            f"{where}.cluster",
            f"{cluster.name!r} is of platform {cluster.platform.name!r}, whose queue is in another namespace; make "
            f"TrainingCluster(…, platform=…) of {spec.platform.name!r}, which may share its machines",
        )
    if trainings.led(step) and (fixed := sorted(set(step.environment) & set(trainings.RESERVED))):
        yield Problem(
            f"{where}.environment",
            f"{', '.join(map(repr, fixed))}: Kubeflow Trainer sets them itself; leave them out, or read them",
        )
    yield from image_problems(f"{where}.image", step.image, spec.platform.profile)
    yield from _inputs(where, step, PlatformAddress.of(spec.platform).store.bucket)
    yield from _files(where, step, PlatformAddress.of(spec.platform).store.bucket)
    yield from _published(where, step, PlatformAddress.of(spec.platform).store.bucket)
    if step.tracker is not None:
        yield from recording_problems(f"{where}.tracker", step.tracker, spec.platform)


def _published(where: str, step: Work, bucket: str) -> Iterator[Problem]:
    """Refuse datasets that no pod of ours can write."""
    for key, made in step.publish.items():
        if not is_deferred(made.location) and not str(made.location).startswith(f"s3://{bucket}/"):
            told = f"{made.name!r} is in another object store than the platform's, whose key no pod here has"
            yield Problem(f"{where}.publish.{key}", f"{told}; publish into a Dataset of this platform")


def _files(where: str, step: Work, bucket: str) -> Iterator[Problem]:
    """Refuse folders that Argo cannot bring."""
    for key, files in step.files.items():
        if not is_deferred(files.uri) and not str(files.uri).startswith(f"s3://{bucket}/"):
            told = f"{str(files.uri)!r} is elsewhere, and Argo brings files of the platform's own bucket, {bucket!r}"
            yield Problem(f"{where}.inputs.{key}", f"{told}; copy them there")


def _inputs(where: str, step: Work, bucket: str) -> Iterator[Problem]:
    """Refuse files that Argo cannot bring."""
    for key, view in step.views.items():
        field = f"{where}.inputs.{key}"
        if view.group.backend != "kubernetes" or not view.group.has_offline:
            yield Problem(field, f"{view.group.name!r} has no rows in an object store that pods of this platform reach")
        elif not FeatureGroupAddress.of(view.group).location.startswith(f"s3://{bucket}/"):
            yield Problem(
                field,
                f"{view.group.name!r} keeps its rows elsewhere, and Argo brings files of the platform's own bucket, "
                f"{bucket!r}; copy them there in a step",
            )
    for key, version in step.versions.items():
        if not (version.files or "").startswith(f"s3://{bucket}/"):
            told = f"version {version.version} of {version.name!r} is kept elsewhere, and Argo brings files of"
            yield Problem(f"{where}.inputs.{key}", f"{told} the platform's own bucket, {bucket!r}; copy them there")
    for key, read in step.datasets.items():
        location = read.dataset.location
        if not is_deferred(location) and not str(location).startswith(f"s3://{bucket}/"):
            told = f"{read.dataset.name!r} is in another object store than the platform's, whose key no pod here has"
            yield Problem(f"{where}.inputs.{key}", f"{told}; copy it to a Dataset of this platform")
    for key, seen in step.captured.items():
        location = seen.folder
        if not is_deferred(location) and not str(location).startswith(f"s3://{bucket}/"):
            told = f"what {seen.endpoint.name!r} captures is in another object store, whose key no pod here has"
            yield Problem(f"{where}.inputs.{key}", f"{told}; have it capture to the platform's")


def _registered(where: str, step: RegisterStep, spec: PipelineSpec) -> Iterator[Problem]:
    yield from _tags(where, step)
    if step.image is not None:
        yield from image_problems(f"{where}.image", step.image, spec.platform.profile)
    platform = step.model.platform
    if _of(platform, platform.backend) != _of(spec.platform, spec.platform.backend):
        told = f"{step.model.name!r} is of platform {platform.name!r} ({platform.stage})"
        yield Problem(f"{where}.model", f"{told}, and its registry lets in pods of its own platform; register it there")
    elif ModelAddress.of(step.model).door is not None:
        yield Problem(
            f"{where}.model",
            f"{step.model.name!r} is in a server that existed already, whose users are made by whoever runs it; write "
            "mlops.evaluate(…) with a command that registers, and its login in secrets",
        )


def _of(platform: PlatformRef, backend: str) -> tuple[str, str, str]:
    """Tell platforms apart."""
    return platform.name, platform.stage, backend


def _quota(spec: PipelineSpec) -> Iterator[Problem]:
    """Refuse a step that the platform's quota could never hold: its pods would wait for ever."""
    quota = PlatformAddress.of(spec.platform).quota
    if quota is None:
        return
    for name, step in spec.steps.items():
        work = works(step)
        if work is None:
            continue
        cluster = work.cluster if isinstance(work, TrainStep) else None
        size = machine(work.machine) if cluster is None else cluster
        needs: Mapping[str, float] = {
            "cpus": size.cpus * work.machines,
            "memory_gb": size.memory_gb * work.machines,
            "accelerators": size.accelerators * work.machines,
        }
        for word, need in needs.items():
            if need > getattr(quota, word):
                yield Problem(
                    f"steps.{name}.{'compute' if cluster is None else 'nodes'}",
                    f"needs {need:g} {word}, and the platform's quota is {getattr(quota, word):g}; write "
                    f"Platform(quota={{'{word}': {need:g}, …}}), or ask for less",
                )
    kept = sum(bool((fit := trained(step)) and fit.checkpoints) for step in spec.steps.values())
    disks = kept * CHECKPOINTS_GB[spec.platform.profile or treated(spec.platform.stage)]
    if quota.storage_gb is not None and disks > quota.storage_gb:
        yield Problem(
            "platform",
            f"needs {disks} storage_gb for checkpoints, and the platform's quota is {quota.storage_gb}; write "
            f"Platform(quota={{'storage_gb': {disks}, …}})",
        )
