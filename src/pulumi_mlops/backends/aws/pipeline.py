"""Pipeline on AWS: identity, program, the definition, what starts it, and who is told of a failure."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from pulumi_mlops.backends.aws import access, arguments, branches, model_rights, names, rights, starting, steps
from pulumi_mlops.backends.aws.addresses import PipelineAddress, PlatformAddress
from pulumi_mlops.backends.aws.known import Place as At
from pulumi_mlops.backends.aws.machines import JOBS, PROCESSING
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import Grant, Place, together
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Step
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import TuneStep
from pulumi_mlops.steps.work import FACTS, FETCH, QUERY, READ, START, Work, delivered, history_problems

_SOME = ("s3://runs", "s3://program/", "arn:aws:iam::123456789012:role/some")
"""What stands for the addresses that are known when the platform is there, while a definition is judged."""
_VALUE, _FOLDER, _RUN, _JOB, _SUFFIX = 256, 120, 12, 63, 11
"""Characters: of what is noted of a model package, and, at most, of what stands in the address of a record: a model's
folder of which no more is known yet, a run, the name of a job, and what SageMaker ends that with."""


def pipeline_name(platform: PlatformRef, name: str) -> str:
    """Name a pipeline in the account."""
    return physical(platform.name, platform.stage, name)


def pipeline(scope: Scope, spec: PipelineSpec) -> PipelineRef:
    """Make the pipeline and all that starts it."""
    where = PlatformAddress.of(spec.platform)
    if spec.platform.private and any(work.views for work in containers(spec).values()):
        scope.say("the platform is private, and its network has no endpoints of Athena and Glue (docs/security.md)")
    name = pipeline_name(spec.platform, scope.name)
    runs = Output.format("s3://{0}/pipelines/{1}", where.bucket, scope.name)
    programs, folder_of_programs = _programs(scope, spec)
    role_name = names.in_account(scope, spec.platform.region, scope.name, "pipeline")
    folder = Place(Output.concat(runs, "/"))
    role = access.identity(
        scope,
        role_name,
        spec.platform,
        "sagemaker.amazonaws.com",
        *grants(scope.name, spec),
        ("read", folder),
        ("write", folder),
        ("run", rights.Jobs(role_name, kinds(spec))),
    )
    at = At(spec.platform, scope.name, runs, folder_of_programs, role.arn)
    made = aws.sagemaker.Pipeline(
        scope.child("pipeline"),
        pipeline_name=name,
        pipeline_display_name=name,
        pipeline_definition=Output.json_dumps(steps.Rendering(spec.graph, at).definition()),
        role_arn=role.arn,
        parallelism_configuration={"max_parallel_execution_steps": spec.parallel} if spec.parallel else None,
        tags=scope.tags,
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(depends_on=programs)),
    )
    native: dict[str, pulumi.Resource] = {"pipeline": made, "role": role.role}
    native |= {f"program.{index}": one for index, one in enumerate(programs)}
    native |= starting.started(scope, spec, made.arn, name)
    if spec.alerts:
        what = f"Runs of pipeline {scope.name} that failed"
        failed = starting.ended(made.arn, "Failed")
        native["failures"] = starting.on_event(scope, "failures", failed, what, to=where.topic)
    return PipelineRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        runs=folder.uri,
        parameters=dict(spec.parameters),
        address=PipelineAddress(name=name, arn=made.arn).plain(),
        native=native,
    )


def _programs(scope: Scope, spec: PipelineSpec) -> "tuple[list[aws.s3.BucketObjectv2], Output[str]]":
    """Keep the programs that start each step, by their content: a run goes on with those that it began with."""
    where = PlatformAddress.of(spec.platform)
    names = dict.fromkeys((START, FETCH, READ, FACTS, QUERY, *delivered(containers(spec).values())))
    texts = {name: files("pulumi_mlops.jobs").joinpath(name).read_text() for name in names}
    mark = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:12]
    folder = f"pipelines/{scope.name}/programs/{mark}/"
    kept = [
        aws.s3.BucketObjectv2(
            scope.child(f"program-{mark}-{name.removesuffix('.py')}"),
            bucket=where.bucket,
            key=f"{folder}{name}",
            content=content,
            content_type="text/x-python",
            kms_key_id=where.key,
            server_side_encryption="aws:kms",
            opts=scope.opts,
        )
        for name, content in texts.items()
    ]
    return kept, Output.format("s3://{0}/{1}", kept[0].bucket, folder)


def grants(name: str, spec: PipelineSpec) -> list[Grant]:
    """Return what the steps name."""
    found = together(work.workload(f"{name}-{step}") for step, work in containers(spec).items())
    models = [step.model for step in spec.steps.values() if isinstance(step, RegisterStep)]
    found += [("register", model) for model in {id(model): model for model in models}.values()]
    return found


def containers(spec: PipelineSpec) -> dict[str, Work]:
    """Return what each step runs, where it runs a container."""
    return {name: work for name, step in spec.steps.items() if (work := works(step)) is not None}


def kinds(spec: PipelineSpec) -> list[str]:
    """Name the kinds of jobs that it starts; a tuning starts trainings."""
    found = set()
    for step in spec.steps.values():
        if isinstance(step, TuneStep):
            found |= {"HyperParameterTuningJob", "TrainingJob"}
        elif isinstance(step, TrainStep):
            found.add("TrainingJob")
        elif isinstance(step, Work):
            found.add("ProcessingJob")
    return sorted(found)


def pipeline_problems(name: str, spec: PipelineSpec) -> Iterator[Problem]:
    """Judge what only SageMaker can judge of a pipeline."""
    yield from starting.trigger_problems(spec)
    yield from branches.crossed(spec.graph)
    unfit = [problem for step, work in containers(spec).items() for problem in _machine(step, work)]
    yield from unfit
    for step, one in spec.steps.items():
        if isinstance(one, RegisterStep) and one.image is None:
            told = (
                "is required: SageMaker serves a version by the image that it names; write image=… in mlops.register(…)"
            )
            yield Problem(f"steps.{step}.image", told)
        yield from _one_place(step, one, spec)
        yield from _record_fits(step, one, spec)
    for step, work in containers(spec).items():
        yield from history_problems(f"steps.{step}", work, spec.platform)
    if not unfit:
        written = steps.Rendering(spec.graph, At(spec.platform, name, *_SOME)).definition()
        yield from arguments.problems(written["Steps"])
    yield from access.size_problems("steps", spec.platform, grants(name, spec))


def _machine(step: str, work: Work) -> Iterator[Problem]:
    if not isinstance(work, TrainStep):
        yield from PROCESSING.problems(f"steps.{step}.compute", work.machine)
    elif work.cluster is None:
        yield from JOBS.problems(f"steps.{step}.compute", work.machine)
    elif work.cluster.persistent:
        told = (
            f"{work.cluster.name!r} is a HyperPod cluster, which takes no jobs of SageMaker; leave persistent out of it"
        )
        yield Problem(f"steps.{step}.cluster", told)


def _record_fits(step: str, one: Step, spec: PipelineSpec) -> Iterator[Problem]:
    """Refuse a version whose record lies at a longer address than a model package can name."""
    if not isinstance(one, RegisterStep):
        return
    folder, name = model_rights.model_folder(one.model), spec.graph.name(one.files.step)
    start = _FOLDER if is_deferred(folder) else len(str(folder))
    job = (
        min(_JOB, len(f"pipelines--{name}-") + _RUN + _SUFFIX)
        if isinstance(one.files.step, TuneStep | TrainStep)
        else 0
    )
    needed = start + _RUN + len(f"/{name}//output/data/facts.json") + job
    if needed > _VALUE:
        told = f"of step {name!r} would have an address of {needed} characters, and a model package takes {_VALUE}"
        yield Problem(f"steps.{step}", f"the record {told}; give the step, or the model, a shorter name")


def _one_place(step: str, one: Step, spec: PipelineSpec) -> Iterator[Problem]:
    """Refuse files that would become versions of two models: a job writes into one folder."""
    if not isinstance(one, RegisterStep):
        return
    for other in spec.steps.values():
        if other is one:
            return
        if isinstance(other, RegisterStep) and other.files.step is one.files.step and other.model is not one.model:
            told = f"its files become a version of {other.model.name!r} already; register one of them"
            yield Problem(f"steps.{step}", told)
