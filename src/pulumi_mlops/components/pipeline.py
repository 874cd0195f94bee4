"""Pipeline: steps that make a model, when they run, and who is told."""

from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import Flag, Needs, OneOf, Spec, Whole, given, refuse
from pulumi_mlops.core.refs import Given, Of
from pulumi_mlops.core.schedules import Schedule
from pulumi_mlops.steps.graph import Graph, works
from pulumi_mlops.steps.step import PART, Plain, Step, name_problem, named

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.pipeline import PipelineArgs


class Trigger(Spec):
    """What starts a pipeline: one of these."""

    one_of = OneOf("approval", "pipeline")

    approval: Annotated[Of[ModelRef] | None, Needs("pipeline.triggers.approval", given)] = None
    """The approval of a version of this model."""
    pipeline: Annotated[Of[PipelineRef] | None, Needs("pipeline.triggers.pipeline", given)] = None
    """The success of another pipeline."""


class PipelineSpec(Spec):
    """What a pipeline is asked to be."""

    platform: Of[PlatformRef]
    """The platform on which it runs. Changing it makes another pipeline."""
    parameters: Annotated[dict[str, Annotated[Plain, Field(union_mode="left_to_right")]], Field(max_length=50)] = {}
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

    @property
    def graph(self) -> Graph:
        """Its steps as a graph."""
        return Graph(self.steps, self.parameters)


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
