"""What starts a pipeline beside the workspace's schedule: workflows that look for what raises no event on Azure.

With ``overlap="skip"`` they look for runs as well, and one of them is the schedule: the workspace's starts each run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, Output
from pulumi_azure_native import logic

from pulumi_mlops.backends.azure import access, names, workflows
from pulumi_mlops.backends.azure.access import Identity
from pulumi_mlops.backends.azure.addresses import DatasetAddress, ModelAddress, PlatformAddress
from pulumi_mlops.backends.azure.approvals import APPROVAL, LOOKS_BACK, MINUTES
from pulumi_mlops.backends.azure.cron import ZONES, weekly
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.components.pipeline import PipelineSpec, Trigger
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.inputs import is_deferred

_SPACE = "Microsoft.MachineLearningServices/workspaces"
STARTS = (
    f"{_SPACE}/jobs/write",
    f"{_SPACE}/jobs/read",
    f"{_SPACE}/components/versions/read",
    f"{_SPACE}/environments/versions/read",
    f"{_SPACE}/codes/versions/read",
    f"{_SPACE}/computes/read",
)
"""What starting a pipeline takes, and nothing else."""
_ENDED = ("Completed", "Failed", "Canceled")
"""The states of a job that goes on no more."""
_GROUP = 5
"""How many parts of an id name a resource group, with the empty one before the first slash."""


@dataclass(frozen=True)
class Watch:
    """Something in a list that starts a run when it is new."""

    part: str
    """Names the workflow."""
    listed: Input[str]
    """Where the list is."""
    new: Input[str]
    """An expression that holds for an item that is meant and new."""
    event: str
    """An expression for what tells one event from another, out of an item of ``each``."""
    right: Right
    """What looking takes."""


@dataclass(frozen=True)
class Start:
    """How a run is begun."""

    scope: Scope
    at: PlatformAddress
    job: Mapping[str, Any]
    who: Identity
    overlap: str

    def run(self, called: str) -> dict[str, workflows.Action]:
        """Write what begins a run.

        :param called: an expression for its name: a job that is there already is not begun once more.
        """
        address = Output.format(
            "{0}{1}/jobs/{2}?api-version={3}", workflows.MANAGEMENT, self.at.workspace_id, called, workflows.ML
        )
        start = workflows.call("PUT", address, self.who.id, body={"properties": dict(self.job)})
        if self.overlap != "skip":
            return {"start": start}
        listed = Output.format(
            "{0}{1}/jobs?api-version={2}&jobType=Pipeline&listViewType=ActiveOnly",
            workflows.MANAGEMENT,
            self.at.workspace_id,
            workflows.ML,
        )
        ended = ", ".join(f"'{one}'" for one in _ENDED)
        ours = f"equals(item()?['properties']?['experimentName'], '{self.job['experimentName']}')"
        goes_on = f"@and({ours}, not(contains(createArray({ended}), item()?['properties']?['status'])))"
        return {
            "runs": workflows.call("GET", listed, self.who.id, pages=True),
            "going": workflows.chosen("@body('runs')?['value']", goes_on, ["runs"]),
            "unless_one_goes_on": workflows.condition(
                {"equals": ["@length(body('going'))", 0]}, {"start": start}, {}, ["going"]
            ),
        }

    def workflow(self, part: str, definition: workflows.Action) -> "logic.Workflow":
        """Make a workflow that runs as the starter."""
        scope = self.scope
        return logic.Workflow(
            scope.child(part),
            workflow_name=names.inside(
                scope.project, scope.stage, scope.name, part.removeprefix("trigger-"), limit=workflows.NAME
            ),
            resource_group_name=self.at.group,
            location=self.at.location,
            identity=workflows.identity(self.who),
            state="Enabled",
            definition=definition,
            tags=scope.tags,
            opts=scope.opts,
        )


def made(scope: Scope, spec: PipelineSpec, job: Mapping[str, Any]) -> dict[str, pulumi.Resource]:
    """Make a workflow for each thing that starts the pipeline, and the identity that starts it."""
    looks_itself = spec.schedule is not None and spec.overlap == "skip"
    if not spec.triggers and not looks_itself:
        return {}
    at = PlatformAddress.of(spec.platform)
    watched = list(watches(spec))
    starter = access.managed(scope, at.group, at.location, "starter", scope.name, "starter")
    does = f"Starts pipelines, as pipeline {scope.name} is,"
    role = access.role(scope, "start", "starter", does, [at.group_id], actions=STARTS)
    given = [
        Right("Pipeline starter", at.workspace_id, "workspace", custom=role.id, why="a job is of a workspace alone"),
        *(watch.right for watch in watched),
    ]
    assigned = access.assign(scope, starter.principal_id, at.subscription, given, part="starter")
    start = Start(scope, at, job, access.known_with(starter, assigned), spec.overlap)
    native: dict[str, pulumi.Resource] = {"starter": starter}
    if looks_itself:
        native["schedule"] = start.workflow("trigger-schedule", _scheduled(start, spec))
    for watch in watched:
        native[f"trigger.{watch.part}"] = start.workflow(f"trigger-{watch.part}", _looking(start, watch))
    return native


def watches(spec: PipelineSpec) -> Iterator[Watch]:
    """Yield what is looked at."""
    for index, trigger in enumerate(spec.triggers):
        yield _WATCHES[trigger.kind](index, trigger)


def _approval(_index: int, trigger: Trigger) -> Watch:
    model = trigger.approval
    assert model is not None  # noqa: S101 (it is of this kind)
    changed = "items('each')?['systemData']?['lastModifiedAt']"
    return Watch(
        model.name,
        _versions(ModelAddress.of(model).id),
        f"@and({_recent('systemData', 'lastModifiedAt')}, "
        f"equals(item()?['properties']?['tags']?['{APPROVAL}'], 'approved'))",
        f"'{model.name}-', items('each')?['name'], '-', ticks({changed})",
        Right("Reader", ModelAddress.of(model).id, f"model-{model.name}"),
    )


def _data(_index: int, trigger: Trigger) -> Watch:
    dataset = trigger.data
    assert dataset is not None  # noqa: S101 (as above)
    asset = DatasetAddress.of(dataset).asset
    assert asset is not None  # noqa: S101 (the checks have refused what has none)
    return Watch(
        f"{dataset.name}-data",
        _versions(asset),
        f"@{_recent('systemData', 'createdAt')}",
        f"'{dataset.name}-', items('each')?['name']",
        Right("Reader", asset, f"dataset-{dataset.name}-asset"),
    )


def _alarm(index: int, trigger: Trigger) -> Watch:
    alarm = trigger.alarm
    assert alarm is not None  # noqa: S101 (as above)
    rule = Output.from_input(alarm).apply(str.lower)
    group = Output.from_input(alarm).apply(_group_of)
    where = f"alarm-{index}" if is_deferred(alarm) else f"alarms-of-{_group_of(str(alarm)).rpartition('/')[2].lower()}"
    happened = f"{_recent('properties', 'essentials', 'startDateTime')}"
    return Watch(
        f"alarm-{index}",
        Output.format(
            "{0}{1}/providers/Microsoft.AlertsManagement/alerts?api-version={2}&monitorCondition=Fired&timeRange=1h",
            workflows.MANAGEMENT,
            group,
            workflows.ALERTS,
        ),
        Output.format(
            "@and({0}, equals(toLower(coalesce(item()?['properties']?['essentials']?['alertRule'], '')), '{1}'))",
            happened,
            rule,
        ),
        f"'alarm-{index}-', items('each')?['name'], '-', "
        "ticks(items('each')?['properties']?['essentials']?['startDateTime'])",
        Right(
            "Monitoring Reader",
            group,
            where,
            why="the alerts of a group's rules are listed for the group, whatever they are about",
        ),
    )


_WATCHES: Mapping[str, Callable[[int, Trigger], Watch]] = {"approval": _approval, "data": _data, "alarm": _alarm}


def _group_of(rule: str) -> str:
    return "/".join(rule.split("/")[:_GROUP])


def _versions(of: Input[str]) -> Output[str]:
    versions = "{0}{1}/versions?api-version={2}&listViewType=ActiveOnly"
    return Output.format(versions, workflows.MANAGEMENT, of, workflows.ML)


def _recent(*where: str) -> str:
    """Write what holds for an item that has changed since the last look, or a minute before."""
    when = "".join(f"?['{part}']" for part in where)
    return f"greater(ticks(item(){when}), ticks(addMinutes(trigger()?['startTime'], -{LOOKS_BACK})))"


def _looking(start: Start, watch: Watch) -> workflows.Action:
    """Write a workflow that looks; a job is named after the event, so that one that is seen twice starts one run."""
    called = f"@{{concat('{start.scope.name}-', {watch.event})}}"
    return workflows.definition(
        workflows.every(MINUTES),
        {
            "versions": workflows.call("GET", watch.listed, start.who.id, pages=True),
            "new": workflows.chosen("@body('versions')?['value']", watch.new, ["versions"]),
            "each": workflows.each("@body('new')", start.run(called), ["new"]),
        },
    )


def _scheduled(start: Start, spec: PipelineSpec) -> workflows.Action:
    """Write a workflow that is the schedule."""
    schedule = spec.schedule
    when = weekly(schedule.cron) if schedule else None
    if schedule is None or when is None:
        raise LookupError(f"{schedule} is no schedule of days of the week, which the checks should have refused")
    recurrence = {
        "frequency": "Week",
        "interval": 1,
        "timeZone": ZONES[schedule.timezone],
        "schedule": {"hours": [str(hour) for hour in when.hours], "minutes": when.minutes, "weekDays": when.days},
    }
    called = f"@{{concat('{start.scope.name}-schedule-', ticks(trigger()?['startTime']))}}"
    return workflows.definition(recurrence, start.run(called))
