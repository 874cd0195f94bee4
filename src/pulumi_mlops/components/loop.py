"""Loop: a model that is trained, served, watched and trained again, out of one declaration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import Field

from pulumi_mlops.components.dataset_ref import DatasetView
from pulumi_mlops.components.endpoint import Canary, Release, Scaling, Serve
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import OnlineView
from pulumi_mlops.components.model import Gate, ModelRef
from pulumi_mlops.components.model_registry import ModelRegistryRef
from pulumi_mlops.components.monitor import GroundTruth, MonitorRef
from pulumi_mlops.components.monitor_signals import MonitorSignal
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import In, Needs, Number, Spec, Whole, given
from pulumi_mlops.core.principals import Principals
from pulumi_mlops.core.refs import Given, Of, Ref
from pulumi_mlops.core.schedules import Schedule
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Metric, Out, Plain, Step

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.loop import LoopArgs

LONGEST = 32
"""Letters of the name of a loop, to which its parts add: theirs have 40 at most."""

SERVING = ("compute", "scaling", "serve", "release", "reads", "invokers", "capture_percent")
"""What is said of the endpoint."""


class LoopSpec(Spec):
    """What a loop is asked to be."""

    built_by = "loop"

    platform: Of[PlatformRef]
    """The platform on which everything of it stands."""
    steps: Annotated[dict[str, Annotated[Step, Given()]], Field(min_length=1, max_length=49)]
    """How a version comes to be, as in ``Pipeline``, without the registration, which is added. A training that names no
    tracker records in the loop's."""
    files: Annotated[Out, Given()]
    """What becomes a version of the model: ``fit.out("model")``."""
    baseline: Annotated[Out | DatasetView, Given()]
    """What requests are compared with: ``fit.out("baseline")``, or a version of a dataset."""
    parameters: dict[str, Plain] = {}
    """Values that a run may be started with, each with its default, as in ``Pipeline``."""
    schedule: Schedule = Schedule(cron="0 3 * * MON")
    """When it trains anew without any drift; each Monday at three unless told."""
    gate: Annotated[Gate, Needs("model.gate")] = {}
    """What a version must reach to be registered, and to be served once it is approved: ``{"auc": ">=0.9"}``. A step
    measures each of these."""
    image: Annotated[In[str] | None, Needs("pipeline.register.image", given)] = None
    """The image that versions name for serving; none unless told, and ``serve`` or the backend names one."""
    approvers: Annotated[Principals, Needs("model_registry.approvers")] = []
    """Principals that may approve and reject versions."""
    compute: Compute = Compute(cpus=2, memory_gb=8)
    """The machine of one replica that serves."""
    scaling: Scaling = Scaling()
    """How many replicas serve, and why."""
    serve: Serve = Serve()
    """The container that serves."""
    release: Release = Release(canary=Canary(percent=10, bake_minutes=15))
    """How a new version takes over: a tenth of the traffic for a quarter of an hour first, unless told."""
    reads: Annotated[list[Annotated[OnlineView, Given()]], Needs("endpoint.reads")] = []
    """What it looks up while it answers."""
    invokers: Annotated[Principals, Needs("endpoint.invokers")] = []
    """Principals that may call it."""
    capture_percent: Annotated[
        Whole,
        Field(ge=1, le=100),
        Needs("endpoint.capture", lambda _: True),
        Needs("endpoint.capture.sampled", lambda percent: percent < 100),  # noqa: PLR2004 (per cent)
    ] = 100
    """Share of requests and answers that is kept for the monitor."""
    signals: list[MonitorSignal] = [MonitorSignal(kind="data_drift"), MonitorSignal(kind="data_quality")]
    """What is measured of the requests each hour, and how far it may go: drift and bad values unless told. An empty
    list leaves the monitor out, for one of your own beside the loop."""
    ground_truth: Annotated[GroundTruth | None, Needs("monitor.ground_truth", given)] = None
    """What was right, as in ``Monitor``."""
    monitor_image: In[str] | None = None
    """The image in which it is measured; the platform's image ``drift`` unless told."""
    cooldown_hours: Annotated[Number, Field(gt=0, le=24 * 90)] = 24
    """Hours in which drift starts no other run after one."""
    tracker: Of[ExperimentTrackerRef] | None = None
    """A tracker of yours, instead of the backend's own."""
    registry: Of[ModelRegistryRef] | None = None
    """A registry of yours, instead of one of the loop's own."""
    model: Of[ModelRef] | None = None
    """A model of yours, with the gate that it has, instead of one of the loop's own."""
    endpoint: Of[EndpointRef] | None = None
    """An endpoint of yours, which captures, instead of one of the loop's own."""
    tags: dict[str, str] = {}
    """Further tags of everything."""

    def problems_of(self, name: str) -> Iterator[Problem]:
        """Judge what depends on two fields."""
        if len(name) > LONGEST:
            yield Problem("name", f"is part of the names of its parts, and has {len(name)} letters; at most {LONGEST}")
        yield from self._twice()
        for step, one in self.steps.items():
            if isinstance(one, RegisterStep):
                yield Problem(f"steps.{step}", "registers, and the loop does that; leave it out, and write files=…")
        held = list(self.steps.values())
        for field, out in (("files", self.files), ("baseline", self.baseline)):
            if isinstance(out, Out) and out.step not in held:
                said = f"is of a step {out.step.kind!r} that is none of steps; put that into steps"
                yield Problem(field, said)
        for metric in self.bounds:
            if len(found := self._measured(metric)) != 1:
                said = f"{len(found)} steps measure it" if found else "no step measures it"
                yield Problem(f"gate.{metric}", f"{said}; write metrics=[{metric!r}] in one of them")
        if not self.signals and self.ground_truth is not None:
            yield Problem("ground_truth", "nothing is measured, since signals is empty; leave it out")

    def _twice(self) -> Iterator[Problem]:
        """Refuse what a part of the program's own says already."""
        parts: Mapping[str, tuple[str, ...]] = {
            "registry": ("approvers",),
            "model": ("registry", "gate", "approvers"),
            "endpoint": SERVING,
        }
        for part, said in parts.items():
            for field in said if getattr(self, part) is not None else ():
                if field in self.model_fields_set and getattr(self, field) not in (None, [], {}):
                    yield Problem(field, f"is what the {part} says that was given; leave one of the two out")

    def _measured(self, metric: str) -> list[Step]:
        return [one for one in self.steps.values() if metric in one.measured]

    @property
    def bounds(self) -> Mapping[str, str]:
        """What a version must reach."""
        return self.model.gate if self.model is not None else self.gate

    @property
    def judged(self) -> list[Metric]:
        """The metrics that the gate names."""
        return [self._measured(metric)[0].metric(metric) for metric in self.bounds]

    def uses(self) -> frozenset[str]:
        """Name what every loop needs of the backend for its parts."""
        return frozenset({"pipeline", "pipeline.schedule", "pipeline.overlap.skip", "pipeline.tracker", "endpoint"})


@dataclass(frozen=True, kw_only=True)
class LoopRef(Ref):
    """A loop, and the parts of it."""

    noun = "loop"
    parts: ClassVar[tuple[str, ...]] = ("tracker", "registry", "model", "pipeline", "endpoint", "monitor")

    platform: PlatformRef
    tracker: ExperimentTrackerRef
    registry: ModelRegistryRef | None = None
    """None where the model was given."""
    model: ModelRef
    pipeline: PipelineRef
    endpoint: EndpointRef
    monitor: MonitorRef | None = None
    """None where nothing is measured."""
    url: Input[str | None] = None
    status: Input[str]


class Loop(Component[LoopSpec, LoopRef]):
    """A model that is trained on a schedule, registered, approved by people, released, watched, and trained anew.

    It is a tracker, a registry, a model, a pipeline, an endpoint and a monitor, with what a careful team chooses: only
    versions that pass the gate are registered, nobody serves what nobody approved, a release begins with a part of the
    traffic, requests are kept and looked at every hour, and drift starts a run once. Each part is there as a ref,
    ``loop.endpoint``, whose ``native`` has its resources, and can be one of yours instead.

    :raises InvalidArgs: an argument is wrong, also one that a part of it refuses.
    """

    url: Output[str | None]
    """Where requests go; None while it waits for a first approved version."""
    status: Output[str]
    """``live``, or ``waiting`` for a first approved version."""

    spec_type = LoopSpec
    ref_type = LoopRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[LoopArgs]") -> None:
        self.build(name, args, opts)

    @property
    def tracker(self) -> ExperimentTrackerRef:
        """Where trainings are recorded."""
        return self.ref.tracker

    @property
    def registry(self) -> ModelRegistryRef | None:
        """Where versions are kept; None where the model was given."""
        return self.ref.registry

    @property
    def model(self) -> ModelRef:
        """The model whose versions it makes."""
        return self.ref.model

    @property
    def pipeline(self) -> PipelineRef:
        """What trains."""
        return self.ref.pipeline

    @property
    def endpoint(self) -> EndpointRef:
        """What serves."""
        return self.ref.endpoint

    @property
    def monitor(self) -> MonitorRef | None:
        """What looks at requests; None where nothing is measured."""
        return self.ref.monitor
