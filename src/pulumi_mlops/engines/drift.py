"""Monitors on any backend: a pipeline of one step that compares requests with a baseline, and what watches its numbers.

The step is a program of the library, ``jobs/drift.py``, in an image with Evidently.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pulumi import Input
from pydantic import Field

from pulumi_mlops import images
from pulumi_mlops.components.monitor import MANAGED, Monitor, MonitorRef, MonitorSpec, pipeline_of, waiting
from pulumi_mlops.components.monitor_signals import names, written
from pulumi_mlops.components.pipeline import RUNNING, PipelineSpec
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core import capabilities, registry
from pulumi_mlops.core.capabilities import Entry, table
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec, needs
from pulumi_mlops.core.primitives import WATCH, Measure, Watch, WatchRef, watch
from pulumi_mlops.core.refs import Given
from pulumi_mlops.core.schedules import gaps
from pulumi_mlops.steps.work import Work

STEP, REPORT = "look", "report"
"""The one step, and what it makes."""
_LATE_HOURS = 1
"""How much longer than the longest time between two looks nothing may be measured before that is an alarm."""

CAPABILITIES = table(
    {
        "monitor": Entry("native", "a pipeline of one step, over what the backend runs of pipelines"),
        "monitor.metrics": Entry("native", "numbers where the backend keeps them, with alarms and a dashboard"),
        "monitor.managed": Entry("native", "what the backend has of its own"),
        "monitor.ground_truth": Entry("native", "a version of a dataset, which the step reads"),
        "monitor.on_breach": Entry(
            "native", "the step starts the pipeline, unless a run of it went on or was just begun"
        ),
    }
)


class LookStep(Work):
    """What looks."""

    kind = "monitor"
    programs: ClassVar[tuple[str, ...]] = (
        "drift.py",
        "captures.py",
        "windows.py",
        "signals.py",
        "page.py",
        "measure.py",
    )

    inputs: dict[str, Any] = Field()
    told_of: Mapping[str, str]
    """What is looked at, as the program reads it."""
    watched: Annotated[WatchRef, Given()] | None = None
    retrain: Annotated[PipelineRef, Given()] | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """What it is told."""
        return self.told_of

    @property
    def watch(self) -> WatchRef | None:
        """Where it sends measurements."""
        return self.watched

    @property
    def starts(self) -> Mapping[str, PipelineRef]:
        """What it may start."""
        return {} if self.retrain is None else {"retrain": self.retrain}


def monitor(scope: Scope, spec: MonitorSpec) -> MonitorRef:
    """Watch numbers, and run what sends them."""
    if spec.waiting:
        return waiting(scope, spec)
    if spec.managed:
        return registry.find(spec.platform.backend, MANAGED)(scope, spec)
    watched = watch(scope, spec.platform, _watched(scope.name, spec))
    inner = replace(scope, name=pipeline_of(scope.name))
    pipeline = registry.find(spec.platform.backend, RUNNING)(inner, _pipeline(scope.name, spec, watched))
    return MonitorRef(
        name=scope.name,
        backend=spec.platform.backend,
        platform=spec.platform,
        endpoint=spec.endpoint.name,
        status="live",
        reports=pipeline.runs,
        signals=names(spec.signals),
        pipeline=pipeline,
        alarms=watched.alarms,
        stale=watched.stale,
        native={
            **{f"pipeline.{short}": one for short, one in pipeline.native.items()},
            **{f"watch.{short}": one for short, one in watched.native.items()},
        },
    )


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Let the platform's backend judge the pipeline."""
    if not isinstance(spec, MonitorSpec):
        return
    backend = registry.load(spec.platform.backend)
    if spec.managed:
        yield from backend.problems(name, spec)
        return
    if spec.waiting or list(spec.problems_of(name)):
        return
    inner = _pipeline(name, spec, None)
    asked = frozenset({*needs(PipelineSpec, vars(inner)), *inner.uses()})
    for key, entry in capabilities.about(backend.capabilities, asked).items():
        if entry.level == "absent":
            yield Problem(" with ".join(sorted(key)), f"{entry.reason} Instead: {entry.instead}")
    for one in [*inner.problems_of(pipeline_of(name)), *backend.problems(pipeline_of(name), inner)]:
        yield Problem(one.field.removeprefix(f"steps.{STEP}."), one.message)


def _watched(name: str, spec: MonitorSpec) -> Watch:
    """Say which numbers come, and when they are an alarm."""
    measures = [
        Measure(
            name=called,
            threshold=one.bound,
            above=one.range.above,
            description=f"{one.kind} ({one.measured}) of endpoint {spec.endpoint.name}",
        )
        for called, one in zip(names(spec.signals), spec.signals, strict=True)
    ]
    _, longest = gaps(spec.schedule.cron)
    return Watch(
        name=name,
        endpoint=spec.endpoint,
        measures=[*measures, Measure(name="rows", description="requests that were looked at")],
        alerts=spec.alerts,
        stale_after_hours=longest + spec.max_hours + _LATE_HOURS,
    )


def _pipeline(name: str, spec: MonitorSpec, watched: WatchRef | None) -> PipelineSpec:
    """Write the pipeline, as a user would write one.

    :param watched: where numbers go; None while it is judged.
    """
    baseline = spec.resolved()
    assert not isinstance(baseline, Problem)  # noqa: S101 (it was refused)
    inputs: dict[str, Any] = {"captured": spec.endpoint.requests(hours=spec.window_hours), "baseline": baseline}
    if spec.ground_truth is not None:
        inputs["truth"] = spec.ground_truth.dataset
    step = LookStep(
        image=_image(spec),
        command=["python3", "$(MLOPS_PROGRAMS)/drift.py"],
        inputs=inputs,
        outputs=[REPORT],
        metrics=["breached", "rows", *names(spec.signals)],
        compute=spec.compute,
        max_hours=spec.max_hours,
        told_of=_told(name, spec),
        watched=watched,
        retrain=spec.on_breach.run if spec.on_breach else None,
    )
    return PipelineSpec(
        platform=spec.platform, steps={STEP: step}, schedule=spec.schedule, alerts=spec.alerts, tags=spec.tags
    )


def _image(spec: MonitorSpec) -> Input[str]:
    return spec.platform.image(images.DRIFT, images.tag(images.DRIFT)) if spec.image is None else spec.image


def _told(name: str, spec: MonitorSpec) -> dict[str, str]:
    """Write what is looked at, as ``jobs/drift.py`` reads it."""
    truth = spec.ground_truth
    looked = {
        "monitor": name,
        "endpoint": spec.endpoint.name,
        "signals": written(spec.signals),
        "truth": None if truth is None else {"join": truth.join, "label": truth.label},
        "window": {"hours": spec.window_hours, "minimum_rows": spec.minimum_rows},
    }
    found = {"MLOPS_MONITOR": json.dumps(looked)}
    if spec.on_breach is not None:
        found["MLOPS_COOLDOWN_HOURS"] = f"{spec.on_breach.cooldown_hours:g}"
        found["MLOPS_RETRAIN"] = json.dumps(dict(spec.on_breach.parameters))
    return found


ENGINE = Engine(
    provides=[Monitor.built_by(monitor, over=[RUNNING, WATCH, MANAGED])],
    capabilities=CAPABILITIES,
    problems=problems,
)
