"""Monitor: what an endpoint was asked and answered, beside what its version was made with."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import Field, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.dataset_ref import DatasetView
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.monitor_signals import MonitorSignal
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Component, Scope
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Flag, In, Needs, Number, Spec, Whole, given, refuse
from pulumi_mlops.core.refs import Given, Of, Ref
from pulumi_mlops.core.schedules import Schedule, gaps
from pulumi_mlops.images import DRIFT
from pulumi_mlops.steps.served import BaselineView
from pulumi_mlops.steps.step import Out, Plain

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.monitor import MonitorArgs

UNKNOWN_RECORD = "unknown://run/step/facts.json"
"""What stands for the record of a version under mocks, where no registry is asked."""


class GroundTruth(Spec):
    """What was right, as it is known later."""

    dataset: Annotated[DatasetView, Given()]
    """The dataset with the truth: ``labels.latest()``."""
    join: Annotated[str, Field(min_length=1)]
    """The column by which a row of it is found for a request: the requests have a field of this name as well, and
    ``id`` stands for the id of the call where they have none."""
    label: Annotated[str, Field(min_length=1)]
    """The column with what was right."""


class OnBreach(Spec):
    """What is done when a signal is past its threshold."""

    run: Of[PipelineRef]
    """The pipeline that is started, which trains anew: once, whoever else starts it meanwhile."""
    cooldown_hours: Annotated[Number, Field(gt=0, le=24 * 90)] = 24
    """Hours in which no other run begins after one, whoever started that; at least as long as it takes for a new
    version to be approved and served. It is not less than the time between two looks."""
    parameters: dict[str, Plain] = {}
    """Parameters of the run; the pipeline's defaults unless told."""


class MonitorSpec(Spec):
    """What a monitor is asked to be."""

    stands_on = "endpoint"
    built_by = "drift"

    endpoint: Of[EndpointRef]
    """The endpoint that is looked at, with ``capture_percent``. Changing it updates in place."""
    baseline: Annotated[Out | DatasetView, Given()]
    """What its requests are compared with: ``fit.out("baseline")`` is the folder that a step made in the run which made
    the version that is served, and another one with every version; or a version of a dataset, ``rows.latest()``.
    Parquet, CSV with a line of names, or JSON lines."""
    signals: Annotated[list[MonitorSignal], Field(min_length=1, max_length=10)]
    """What is measured, and how far it may go. Changing them changes the next look."""
    ground_truth: Annotated[GroundTruth | None, Needs("monitor.ground_truth", given)] = None
    """What was right, as far as it is known: needed by signals that are measured beside it, and by no other."""
    schedule: Schedule = Schedule(cron="0 * * * *")
    """When it looks; every hour unless told. Changing it updates in place."""
    window_hours: Annotated[Whole, Field(ge=1, le=24 * 31)] = 24
    """How many hours of requests it looks at each time."""
    minimum_rows: Annotated[Whole, Field(ge=1)] = 200
    """How many requests are needed for a judgement; with fewer it says so, and nothing is a breach."""
    image: In[str] | None = None
    """The image in which it runs: what ``pulumi-mlops image drift`` builds. It is the platform's image ``drift``, under
    the tag that ``pulumi-mlops image`` tells, unless told."""
    on_breach: Annotated[OnBreach | None, Needs("monitor.on_breach", given)] = None
    """What is started when a signal is past its threshold. Nothing unless told."""
    managed: Annotated[Flag, Needs("monitor.managed", lambda wanted: wanted is True)] = False
    """Whether the cloud's own monitor looks instead of the library's program, with what that measures."""
    alerts: Flag = True
    """Whether those whom the platform alerts are told of a breach, of a monitor that failed, and of one that has not
    looked for too long."""
    compute: Compute = Compute(cpus=2, memory_gb=8)
    """The machine that looks."""
    max_hours: Annotated[Number, Field(gt=0, le=24)] = 1
    """Hours after which a look is ended and counts as failed."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("signals")
    @classmethod
    def _each_once(cls, value: list[MonitorSignal]) -> list[MonitorSignal]:
        seen: list[Mapping[str, object]] = []
        for one in value:
            told = one.model_dump(exclude={"threshold"})
            if told in seen:
                raise refuse(f"{one.kind} stands here twice in the same way; leave one out")
            seen.append(told)
        return value

    def claims(self, name: str) -> Iterator[tuple[str, str]]:
        """Name the pipeline in which it looks."""
        yield "Pipeline", pipeline_of(name)

    def uses(self) -> frozenset[str]:
        """Name what every monitor needs."""
        return frozenset({"monitor.metrics"})

    @property
    def platform(self) -> PlatformRef:
        """The platform that it stands on."""
        return self.endpoint.platform

    @property
    def waiting(self) -> bool:
        """Whether there is nothing to look at yet, or nothing to compare it with."""
        return self.endpoint.status == "waiting" or self.foreign

    @property
    def foreign(self) -> bool:
        """Whether what is served was made elsewhere, so that no run has its baseline.

        Somebody has approved such a version, which is no mistake of this program.
        """
        known = self.endpoint.status == "waiting" or self.endpoint.records or private.mocked()
        return isinstance(self.baseline, Out) and not known

    def resolved(self) -> BaselineView | DatasetView | Problem:
        """Find what requests are compared with, or say why it cannot be found."""
        if isinstance(self.baseline, DatasetView):
            return self.baseline
        held = self._held(self.baseline)
        return held if isinstance(held, Problem) else self._of_version(*held)

    def _held(self, baseline: Out) -> tuple[PipelineRef, str] | Problem:
        """Find the pipeline that makes it, and what its step is called there."""
        step, output = baseline.step, baseline.name
        held = f"step {step.kind} whose output {output!r} it is"
        if not step.holders:
            told = f"no pipeline of this program holds the {held}; put it into Pipeline(steps={{…}}) before the monitor"
            return Problem("baseline", f"{told}, or write a version of a dataset, rows.latest()")
        wanted = self.on_breach.run if self.on_breach else None
        mine = [(one, name) for one, name in step.holders if wanted is None or _same(one, wanted)]
        if not mine:
            others = ", ".join(sorted({repr(one.name) for one, _ in step.holders}))
            told = f"is of pipeline {others}, and {wanted.name if wanted else ''!r} makes the versions that are to come"
            return Problem("baseline", f"{told}; write an output of one of its steps, or a version of a dataset")
        if len({one.name for one, _ in mine}) > 1:
            several = ", ".join(repr(one.name) for one, _ in mine)
            return Problem("baseline", f"the {held} is in several pipelines ({several}); write on_breach={{'run': …}}")
        return mine[0]

    def _of_version(self, pipeline: PipelineRef, step: str) -> BaselineView | Problem:
        """Find the run that made what is served."""
        assert isinstance(self.baseline, Out)  # noqa: S101 (see above)
        records = sorted(set(self.endpoint.records.values())) or [UNKNOWN_RECORD]
        if len(records) > 1:
            told = f"{self.endpoint.name!r} serves versions of several runs, each with its own"
            return Problem("baseline", f"{told}; write one that is of none, a version of a dataset: rows.latest()")
        return BaselineView(self.baseline, self.endpoint, pipeline, step, records[0])

    def problems_of(self, name: str) -> Iterator[Problem]:
        """Judge what depends on two fields."""
        yield from self._truth()
        yield from self._breach(name)
        if self.endpoint.capture_percent == 0 or (not self.waiting and self.endpoint.captured is None):
            told = f"{self.endpoint.name!r} captures nothing to look at"
            yield Problem("endpoint", f"{told}; write Endpoint(…, capture_percent=20)")
        elif self.managed:
            return
        elif not self.waiting and isinstance(found := self.resolved(), Problem):
            yield found
        elif self.waiting and isinstance(self.baseline, Out) and isinstance(held := self._held(self.baseline), Problem):
            yield held
        if self.image is None and DRIFT not in self.platform.images:
            told = f"is required: platform {self.platform.name!r} has no repository {DRIFT!r}"
            yield Problem(
                "image",
                f"{told}; write Platform(images=['{DRIFT}', …]), and push what `pulumi-mlops image "
                f"{DRIFT}` builds, or name the image",
            )

    def _truth(self) -> Iterator[Problem]:
        needs = [index for index, one in enumerate(self.signals) if one.needs_truth]
        if self.ground_truth is None:
            for index in needs:
                one = self.signals[index]
                told = f"{one.measured} is measured beside what was right"
                yield Problem(
                    f"signals[{index}]", f"{told}; write ground_truth={{'dataset': …, 'join': …, 'label': …}}"
                )
        elif not needs:
            yield Problem("ground_truth", "no signal is measured beside it; leave it out, or add model_quality")

    def _breach(self, name: str) -> Iterator[Problem]:
        breach = self.on_breach
        if breach is None:
            return
        fewest, _ = gaps(self.schedule.cron)
        if breach.cooldown_hours < fewest:
            told = f"{breach.cooldown_hours:g} hours are over before the next look, {fewest:g} hours later"
            yield Problem("on_breach.cooldown_hours", f"{told}, which would start it again; write at least {fewest:g}")
        run = breach.run
        if not bridges.same(run.platform, self.platform):
            told = f"{run.name!r} is of platform {run.platform.name!r} ({run.platform.stage})"
            yield Problem("on_breach.run", f"{told}, which no monitor here may start; name a pipeline of this platform")
        elif run.name == pipeline_of(name):
            yield Problem("on_breach.run", "is this monitor itself, which would start itself; name one that trains")
        for key, value in breach.parameters.items():
            if key not in run.parameters:
                there = ", ".join(run.parameters) or "none"
                yield Problem(f"on_breach.parameters.{key}", f"is no parameter of {run.name!r}; it has: {there}")
            elif type(value).__name__ not in _KINDS[run.types[key]]:
                told = f"{value!r} is not of the kind of its default, {json.dumps(run.parameters[key])}"
                yield Problem(f"on_breach.parameters.{key}", f"{told}; write one that is")


_KINDS = {"bool": ("bool",), "int": ("int",), "float": ("int", "float"), "str": ("str",)}
"""What may be given for a parameter, by the kind of its default."""


def _same(one: PipelineRef, other: PipelineRef) -> bool:
    return one.name == other.name and bridges.same(one.platform, other.platform)


def pipeline_of(name: str) -> str:
    """Name the pipeline in which a monitor looks: a pipeline may be called as a monitor is."""
    return f"{name}-monitor"


@dataclass(frozen=True, kw_only=True)
class MonitorRef(Ref):
    """What looks at an endpoint."""

    noun = "monitor"
    parts: ClassVar[tuple[str, ...]] = ("pipeline",)

    platform: PlatformRef
    endpoint: str
    """The endpoint's name."""
    status: Literal["live", "waiting"]
    reports: Input[str | None] = None
    """The folder below which each look leaves its report."""
    signals: list[str] = field(default_factory=list)
    """The names of what is measured."""
    pipeline: PipelineRef | None = None
    """What looks: it is started and followed as any pipeline is."""
    alarms: Mapping[str, Input[str]] = field(default_factory=dict)
    """By signal, the alarm of its threshold, for triggers of pipelines and for releases."""
    stale: Input[str | None] = None
    """The alarm that goes off when it has not looked for too long."""


def waiting(scope: Scope, spec: MonitorSpec) -> MonitorRef:
    """Stand for a monitor until there is something to look at, and to compare it with: nothing is made."""
    if spec.foreign:
        told = f"no run of a pipeline made what endpoint {spec.endpoint.name} serves, and so nobody has its baseline"
        scope.say(f"waits for a version that one has made: {told}; or write a version of a dataset, rows.latest()")
    else:
        scope.say(f"waits as endpoint {spec.endpoint.name} does, and is made by the up that makes it")
    return MonitorRef(
        name=scope.name,
        backend=spec.platform.backend,
        platform=spec.platform,
        endpoint=spec.endpoint.name,
        status="waiting",
        signals=[],
    )


MANAGED = Task[[Scope, MonitorSpec], MonitorRef]("Monitor.managed", capability="monitor.managed", optional=True)
"""Have the backend's own monitor look."""


class Monitor(Component[MonitorSpec, MonitorRef]):
    """Looks at what an endpoint was asked and answered, on a schedule, and says how far that is from its baseline.

    Each look leaves a report that people read in a browser, and puts numbers where alarms, a dashboard and pipelines
    see them. While the endpoint waits for a first approved version, or serves one that no run of a pipeline has made
    where the baseline is to come from that run, nothing is made and ``status`` is ``waiting``.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    """

    status: Output[str]
    """``live``, or ``waiting`` for a version that can be looked at."""
    reports: Output[str | None]
    """The folder below which each look leaves its report; None while it waits."""

    spec_type = MonitorSpec
    ref_type = MonitorRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[MonitorArgs]") -> None:
        self.build(name, args, opts)
