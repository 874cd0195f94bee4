"""Pipeline: steps that make a model, when they run, and who is told."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component, Scope
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Flag, In, Needs, OneOf, Spec, Whole, given, is_deferred, refuse
from pulumi_mlops.core.refs import Given, Of
from pulumi_mlops.core.schedules import Schedule
from pulumi_mlops.steps.graph import Graph, works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import PART, Plain, Step, name_problem, named
from pulumi_mlops.steps.work import published_problems, start_problems

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.pipeline import PipelineArgs


class Trigger(Spec):
    """What starts a pipeline: one of these."""

    one_of = OneOf("data", "approval", "alarm", "pipeline")

    data: Annotated[Of[DatasetRef] | None, Needs("pipeline.triggers.data", given)] = None
    """Another version of this dataset, when it is published."""
    approval: Annotated[Of[ModelRef] | None, Needs("pipeline.triggers.approval", given)] = None
    """The approval of a version of this model."""
    alarm: Annotated[In[str] | None, Needs("pipeline.triggers.alarm", given)] = None
    """An alarm that goes off, by its name."""
    pipeline: Annotated[Of[PipelineRef] | None, Needs("pipeline.triggers.pipeline", given)] = None
    """The success of another pipeline."""

    @property
    def kind(self) -> Literal["data", "approval", "alarm", "pipeline"]:
        """Which of them it is."""
        return "data" if self.data else "approval" if self.approval else "pipeline" if self.pipeline else "alarm"

    @property
    def ref(self) -> DatasetRef | ModelRef | PipelineRef | None:
        """What it watches, unless that is an alarm."""
        return self.data or self.approval or self.pipeline

    @property
    def watched(self) -> object:
        """What it watches, the same for what is the same."""
        return identity(self.ref) if self.ref else self.alarm


def identity(ref: DatasetRef | ModelRef | PipelineRef) -> tuple[str, ...]:
    """Return what tells a thing from every other, whichever program has named it."""
    return _identity(ref.noun, ref.platform, ref.name)


def _identity(noun: str, on: PlatformRef, name: str) -> tuple[str, ...]:
    return (noun, on.backend, on.name, on.stage, name)


class PipelineSpec(Spec):
    """What a pipeline is asked to be."""

    platform: Of[PlatformRef]
    """The platform on which it runs. Changing it makes another pipeline."""
    parameters: Annotated[dict[str, Plain], Field(max_length=50)] = {}
    """Values that a run may be started with, by name, each with its default; steps take them by
    ``mlops.parameter("days")``."""
    steps: Annotated[dict[str, Annotated[Step, Given()]], Field(min_length=1, max_length=50)]
    """Its steps by name. They run when what they take is there, several at a time. Changing it changes the next run;
    those that have begun go on as they were."""
    schedule: Annotated[Schedule | None, Needs("pipeline.schedule", given)] = None
    """When it starts by itself."""
    triggers: Annotated[list[Trigger], Needs("pipeline.triggers")] = []
    """What else starts it."""
    overlap: Annotated[Literal["allow", "skip"], Needs("pipeline.overlap.skip", lambda value: value == "skip")] = (
        "allow"
    )
    """What happens when it is to start while a run goes on: ``allow`` runs both, ``skip`` does not begin another."""
    parallel: Annotated[Annotated[Whole, Field(ge=1, le=50)] | None, Needs("pipeline.parallel", given)] = None
    """How many steps of a run go on at a time; no bound unless told."""
    alerts: Annotated[Flag, Needs("pipeline.alerts")] = True
    """Whether those whom the platform alerts are told of a run that failed."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("parameters")
    @classmethod
    def _names(cls, value: dict[str, Plain]) -> dict[str, Plain]:
        named(value)
        return value

    @field_validator("steps")
    @classmethod
    def _graph(cls, value: dict[str, Step], info: ValidationInfo) -> dict[str, Step]:
        if wrong := [name for name in value if not PART.fullmatch(name)]:
            raise refuse(name_problem(wrong[0]))
        if problems := list(Graph(value, info.data.get("parameters", {})).problems()):
            raise refuse(
                "; ".join(
                    f"{problem.field.partition('.')[2] or problem.field}: {problem.message}" for problem in problems
                )
            )
        return value

    @field_validator("steps")
    @classmethod
    def _of_this_backend(cls, value: dict[str, Step], info: ValidationInfo) -> dict[str, Step]:
        platform = info.data.get("platform")
        here = platform.backend if isinstance(platform, PlatformRef) else None
        for step, one in value.items():
            work = works(one)
            for key, version in (work.versions if work else {}).items():
                if here not in (None, version.backend):
                    told = f"version {version.version} of {version.name!r} lives on {version.backend!r}"
                    raise refuse(f"{step}.inputs.{key}: {told}, and its files are not read here; copy them")
            for key, view in (work.captured if work else {}).items():
                home = view.endpoint.platform
                if isinstance(platform, PlatformRef) and not bridges.same(platform, home):
                    told = f"endpoint {view.endpoint.name!r} is of platform {home.name!r} ({home.stage})"
                    raise refuse(f"{step}.inputs.{key}: {told}, whose captured requests steps of that platform read")
        return value

    def uses(self) -> frozenset[str]:
        """Name what its steps need where they take things of other platforms."""
        used = [work for step in self.steps.values() if (work := works(step)) is not None]
        needed = [
            bridges.needed("dataset", self.platform, view.dataset.platform)
            for work in used
            for view in work.datasets.values()
        ]
        trackers = [work.tracker for work in used if work.tracker is not None]
        if any(not bridges.same(one.platform, self.platform) for one in trackers):
            needed.append(frozenset({bridges.IDENTITY}))
        return frozenset().union(*needed)

    def _secrets(self) -> Iterator[Problem]:
        """Refuse secrets that no step here could read."""
        for step, one in self.steps.items():
            work = works(one)
            for key, secret in (work.secrets if work else {}).items():
                if secret.backend != self.platform.backend:
                    told = f"is a secret of backend {secret.backend!r}; keep it in Platform(secrets={{…}}) here as well"
                    yield Problem(f"steps.{step}.secrets.{key}", told)

    def _starts(self, name: str) -> Iterator[Problem]:
        """Refuse steps that would start this pipeline, or one that they do not reach."""
        own = _identity(PipelineRef.noun, self.platform, name)
        for step, one in self.steps.items():
            work = works(one)
            if work is None:
                continue
            yield from start_problems(f"steps.{step}", work, self.platform)
            for key, ref in work.starts.items():
                if identity(ref) == own:
                    yield Problem(f"steps.{step}.starts.{key}", "would start itself, since it is this pipeline")

    def problems_of(self, name: str) -> Iterator[Problem]:
        """Refuse what would start itself, and what is said twice."""
        yield from self._secrets()
        yield from self._starts(name)
        published: dict[object, str] = {
            identity(dataset): step
            for step, one in self.steps.items()
            if (work := works(one)) is not None
            for dataset in work.publish.values()
        }
        for step, one in self.steps.items():
            if (work := works(one)) is not None:
                yield from published_problems(f"steps.{step}", work, self.platform)
        registered = {identity(step.model) for step in self.steps.values() if isinstance(step, RegisterStep)}
        own = _identity(PipelineRef.noun, self.platform, name)
        if self.overlap == "skip" and self.schedule is None and not self.triggers:
            yield Problem("overlap", "nothing starts it by itself, so that nothing could be skipped; leave it out")
        seen: list[object] = []
        for index, trigger in enumerate(self.triggers):
            where = f"triggers[{index}].{trigger.kind}"
            watched = trigger.watched
            if watched in registered:
                told = f"a step registers versions of {trigger.ref.name!r}" if trigger.ref else ""
                yield Problem(where, f"would start itself, since {told}; leave it out, or register another model")
            elif watched in published:
                told = f"since step {published[watched]!r} publishes versions of it"
                yield Problem(where, f"would start itself, {told}; leave it out, or publish into another Dataset")
            elif watched == own:
                yield Problem(where, "would start itself, since it is this pipeline; leave it out, or write a schedule")
            if not is_deferred(watched):
                if watched in seen:
                    yield Problem(where, "is there twice, and would start two runs at a time; leave one out")
                seen.append(watched)

    @property
    def graph(self) -> Graph:
        """Its steps as a graph."""
        return Graph(self.steps, self.parameters)


RUNNING = Task[[Scope, PipelineSpec], PipelineRef]("Pipeline", capability="pipeline")
"""Run steps as the backend runs those of a pipeline: an engine whose noun is such steps builds over it."""


class Pipeline(Component[PipelineSpec, PipelineRef]):
    """Steps that prepare data, train, measure and register, by schedule, on an event, or when somebody starts them.

    :raises Unsupported: the backend has no such pipeline, or no such step.
    """

    runs: Output[str]
    """The folder below which each run leaves what it made."""

    spec_type = PipelineSpec
    ref_type = PipelineRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[PipelineArgs]") -> None:
        self.build(name, args, opts)
        for step, one in args["steps"].items():
            one.held_by(self.ref, step)
