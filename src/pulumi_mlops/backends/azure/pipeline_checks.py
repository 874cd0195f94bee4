"""What only Azure can judge of a pipeline, before anything is registered."""

import re
from collections.abc import Iterator, Mapping

from pulumi_mlops.backends.azure.addresses import DatasetAddress, ModelAddress, TrainingClusterAddress, safe
from pulumi_mlops.backends.azure.cron import ZONES, recurrence, weekly
from pulumi_mlops.backends.azure.endpoint_checks import zone_problem
from pulumi_mlops.backends.azure.instances import TRAINING_SIZES
from pulumi_mlops.backends.azure.machines import machine_problems
from pulumi_mlops.backends.azure.steps import cluster
from pulumi_mlops.backends.azure.workload import CLIENT
from pulumi_mlops.components.pipeline import PipelineSpec, Trigger
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.schedules import Schedule
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Step
from pulumi_mlops.steps.work import history_problems

_RULE = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.[^/]+/.+", re.IGNORECASE)
_WHOSE = "compute for training"
_FOR_LOGGING_IN = "is what Microsoft's libraries log in by, and is set to the pipeline's identity; take another name"


def problems(spec: PipelineSpec) -> Iterator[Problem]:
    """Judge what the steps ask of Azure, and when it starts."""
    yield from _twins("steps", spec.steps)
    yield from _twins("parameters", spec.parameters)
    for name, value in spec.parameters.items():
        if value == "":
            told = "is empty, and Azure leaves such an input out; write a word that the program takes for nothing"
            yield Problem(f"parameters.{name}", told)
    for name, step in spec.steps.items():
        if name[:1].isdigit():
            yield Problem(
                f"steps.{name}", f"{name!r} begins with a digit, and on Azure it has to be a letter; rename it"
            )
        yield from _step(f"steps.{name}", step, spec)
    if spec.schedule is not None:
        yield from _schedule(spec.schedule, spec.overlap)
    for index, trigger in enumerate(spec.triggers):
        for told in _trigger(trigger):
            yield Problem(f"triggers[{index}].{trigger.kind}", told)


def _trigger(trigger: Trigger) -> Iterator[str]:
    """Say why something cannot be looked for."""
    if trigger.ref is not None and trigger.ref.platform.backend != "azure":
        yield f"{trigger.ref.name!r} lives on {trigger.ref.platform.backend!r}, where nothing of Azure looks"
    elif trigger.approval is not None and ModelAddress.of(trigger.approval).shared is not None:
        told = "is of a registry that workspaces share, where nothing is looked for; write a model of a workspace"
        yield f"{trigger.approval.name!r} {told}"
    elif trigger.data is not None and DatasetAddress.of(trigger.data).asset is None:
        told = "has no data asset, in which versions are looked for; make a Dataset here, or write a schedule"
        yield f"{trigger.data.name!r} {told}"
    elif trigger.alarm is not None and not is_deferred(trigger.alarm) and not _RULE.match(str(trigger.alarm)):
        yield f"{trigger.alarm!r} is no id of an alert rule, /subscriptions/…/resourceGroups/…/providers/Microsoft.…"


def _step(field: str, step: Step, spec: PipelineSpec) -> Iterator[Problem]:
    if isinstance(step, RegisterStep):
        if ModelAddress.of(step.model).shared is not None:
            told = "is of a registry that workspaces share: register it in a workspace, and share the version"
            yield Problem(f"{field}.model", f"{step.model.name!r} {told} (az ml model share)")
        return
    work = works(step)
    if work is None:
        return
    place = cluster(step)
    if place is None:
        yield from machine_problems(f"{field}.compute", work.machine, spec.platform, TRAINING_SIZES, _WHOSE)
    elif TrainingClusterAddress.of(place).client is None:
        told = "has no managed identity, as which its steps would read and write; give it one, or leave cluster out"
        yield Problem(f"{field}.cluster", f"{place.name!r} {told}")
    yield from history_problems(field, work, spec.platform)
    yield from _twins(f"{field}.outputs", dict.fromkeys(step.made))
    if CLIENT in work.environment:
        yield Problem(f"{field}.environment", f"{CLIENT!r} {_FOR_LOGGING_IN}")


def _twins(field: str, named: Mapping[str, object]) -> Iterator[Problem]:
    """Refuse names that Azure cannot tell from each other: it has no hyphens there."""
    first: dict[str, str] = {}
    for name in named:
        known = first.setdefault(safe(name), name)
        if known != name:
            yield Problem(field, f"{known!r} and {name!r} are one name on Azure, without hyphens; rename one")


def _schedule(schedule: Schedule, overlap: str) -> Iterator[Problem]:
    if recurrence(schedule.cron) is None:
        yield Problem(
            "schedule.cron",
            f"{schedule.cron!r} names months, and Azure's triggers recur by day, week or month; write '*' as the month",
        )
    elif overlap == "skip" and weekly(schedule.cron) is None:
        yield Problem(
            "schedule.cron",
            f"{schedule.cron!r} names days of the month, and what looks first whether a run goes on recurs by days of "
            "the week; write '*' as the day of month, or overlap='allow'",
        )
    if schedule.timezone not in ZONES:
        yield zone_problem("schedule.timezone", schedule.timezone)
