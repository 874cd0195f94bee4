"""Loops on any backend: the public nouns, put together as a program would."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pulumi import ResourceOptions

from pulumi_mlops.components.endpoint import Endpoint, EndpointSpec
from pulumi_mlops.components.experiment_tracker import ExperimentTracker, ExperimentTrackerRef
from pulumi_mlops.components.loop import SERVING, Loop, LoopRef, LoopSpec
from pulumi_mlops.components.model import Model, ModelVersionRef
from pulumi_mlops.components.model_registry import ModelRegistry
from pulumi_mlops.components.monitor import Monitor
from pulumi_mlops.components.pipeline import Pipeline
from pulumi_mlops.core.capabilities import Entry, table
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.gates import GATE
from pulumi_mlops.core.inputs import Spec
from pulumi_mlops.core.registry import load
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Bound, Comparison, Condition, Metric, Out, Step
from pulumi_mlops.steps.train import TrainStep

_REGISTER = "register"
"""The step that is added; it has a number behind it where a step of the program's has the name."""

CAPABILITIES = table({"loop": Entry("native", "the nouns that it consists of, each as the backend has it")})


def loop(scope: Scope, spec: LoopSpec) -> LoopRef:
    """Make the parts in the order in which they stand on each other."""
    opts, name = ResourceOptions(parent=scope.component), scope.name
    # They were judged by the parts' own specs, which type checkers know as the arguments that they are written as.
    common: dict[str, Any] = {"platform": spec.platform, "tags": spec.tags}
    tracker = spec.tracker or ExperimentTracker(f"{name}-runs", opts, **common).ref
    registry, model = spec.registry, spec.model
    if model is None:
        approving: dict[str, Any] = {**common, "approvers": spec.approvers}
        registry = registry or ModelRegistry(f"{name}-models", opts, **approving).ref
        model = Model(name, opts, registry=registry, gate=spec.gate, tags=spec.tags).ref

    copies = _Copies(tracker)
    steps = {called: copies.of(one) for called, one in spec.steps.items()}
    judged = [copies.metric(one) for one in spec.judged]
    steps[_free(steps)] = RegisterStep(
        model=model,
        files=copies.value(spec.files),
        image=spec.image,
        metrics=judged,
        when=_reached(judged, spec.bounds),
    )
    running: dict[str, Any] = {**common, "parameters": spec.parameters, "schedule": spec.schedule}
    pipeline = Pipeline(f"{name}-retrain", opts, **running, steps=steps, overlap="skip").ref
    endpoint = spec.endpoint
    if endpoint is None:
        serving: dict[str, Any] = {**common, **{field: getattr(spec, field) for field in SERVING}}
        endpoint = Endpoint(f"{name}-score", opts, **serving, model=model.approved(otherwise="wait")).ref
    monitor = None
    if spec.signals:
        looking: dict[str, Any] = {"signals": spec.signals, "ground_truth": spec.ground_truth}
        monitor = Monitor(
            f"{name}-drift",
            opts,
            **looking,
            endpoint=endpoint,
            baseline=copies.value(spec.baseline),
            image=spec.monitor_image,
            on_breach={"run": pipeline, "cooldown_hours": spec.cooldown_hours},
            tags=spec.tags,
        ).ref
    return LoopRef(
        name=name,
        backend=spec.platform.backend,
        platform=spec.platform,
        tracker=tracker,
        registry=registry,
        model=model,
        pipeline=pipeline,
        endpoint=endpoint,
        monitor=monitor,
        url=endpoint.url,
        status=endpoint.status,
    )


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Let the platform's backend judge the endpoint, which is made after much else."""
    if not isinstance(spec, LoopSpec) or spec.endpoint is not None:
        return
    called, platform = f"{name}-score", spec.platform
    version = ModelVersionRef(name=name, backend=platform.backend, platform=platform)  # the promise of the first
    given: dict[str, Any] = {field: getattr(spec, field) for field in SERVING}
    endpoint = EndpointSpec(platform=platform, model=version, tags=spec.tags, **given)
    for one in [*endpoint.problems_of(called), *load(platform.backend).problems(called, endpoint)]:
        if one.field.partition(".")[0] in SERVING:  # which version is served, the endpoint judges when it is found
            yield Problem(one.field, one.message)


def _free(steps: Mapping[str, Step]) -> str:
    """Return a name for the step that registers."""
    several = (f"{_REGISTER}-{number}" for number in range(2, len(steps) + 3))
    return next(name for name in (_REGISTER, *several) if name not in steps)


def _reached(metrics: list[Metric], gate: Mapping[str, str]) -> Condition | None:
    """Write the gate as a condition: what does not pass it is not even registered."""
    bounds = []
    for metric in metrics:
        read = GATE.fullmatch(gate[metric.name])
        assert read is not None  # noqa: S101 (it was judged)
        if read["sign"] != "==":  # of which steps have no condition: approved() asks for it
            bounds.append(Bound(metric, cast("Comparison", read["sign"]), float(read["bound"])))
    return Condition(tuple(bounds)) if bounds else None


class _Copies:
    """Steps of a program with the loop's tracker, where a training names none. A copy takes what other copies make.

    A copy has the holders of its original, so that a baseline of the original is found as well.
    """

    def __init__(self, tracker: ExperimentTrackerRef) -> None:
        self.tracker = tracker
        self.known: dict[Step, Step] = {}

    def of(self, step: Step) -> Step:
        if step not in self.known:
            changed = {name: self.value(getattr(step, name)) for name in step.model_fields_set}
            if isinstance(step, TrainStep) and step.tracker is None:
                changed["tracker"] = self.tracker
            self.known[step] = step.model_copy(update=changed)
        return self.known[step]

    def metric(self, one: Metric) -> Metric:
        return Metric(self.of(one.step), one.name)

    def value(self, value: Any) -> Any:
        """Return a value with copies in the place of steps."""
        if isinstance(value, Out):
            return Out(self.of(value.step), value.name)
        if isinstance(value, Metric):
            return self.metric(value)
        if isinstance(value, Condition):
            return Condition(tuple(Bound(self.metric(one.metric), one.comparison, one.value) for one in value.bounds))
        if isinstance(value, Step):
            return self.of(value)
        if isinstance(value, dict):
            return {key: self.value(one) for key, one in value.items()}
        return [self.value(one) for one in value] if isinstance(value, list) else value


ENGINE = Engine(provides=[Loop.built_by(loop)], capabilities=CAPABILITIES, problems=problems, composed=True)
