"""What costs money has an end, a bound, and somebody who is told."""

import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_mlops.policies.costs.meters import BY_CLOUD, ROWS, metered
from pulumi_mlops.policies.costs.spans import money
from pulumi_mlops.policies.model import Predicate, Problem, Rule, across, on
from pulumi_mlops.policies.predicates import number
from pulumi_mlops.policies.resources import Part, Resource, Stack, Undecided
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.rules.kinds import pods
from pulumi_mlops.policies.settings import Settings

if TYPE_CHECKING:
    from pulumi_mlops.policies.costs.estimate import Estimate

BUDGET, AZURE_BUDGET = "aws:budgets:Budget", "azure-native:consumption:Budget"
QUOTA, LIMITS = "kubernetes:core:ResourceQuota", "kubernetes:core:LimitRange"
COSTS = (
    kinds.ENDPOINT, kinds.NOTEBOOK, kinds.DOMAIN, kinds.PIPELINE, kinds.FEATURES,
    "aws:sagemaker:TrainingJob", "aws:sagemaker:MlflowTrackingServer",
)  # fmt: skip
AZURE_COSTS = (kinds.WORKSPACE, kinds.COMPUTE, kinds.ONLINE)
IDLE = "appLifecycleManagement.idleSettings.idleTimeoutInMinutes"
HEAVIEST = 5
"""How many of the dearest things are named."""
MACHINE_LABEL = "node.kubernetes.io/instance-type"


def _budget(one: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if one is stack.all(*COSTS)[0] and not stack.all(BUDGET):  # said once
        yield Problem("budget", "is nowhere in the stack", "aws.budgets.Budget with a limit")


def _azure_budget(one: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if one is stack.all(*AZURE_COSTS)[0] and not stack.all(AZURE_BUDGET):
        yield Problem("budget", "is nowhere in the stack", "azure_native.consumption.Budget with an amount")


def _quota(namespace: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not stack.has((QUOTA,), "metadata.namespace", namespace):
        yield Problem("metadata.name", "has no quota", "a ResourceQuota of CPUs, memory and GPUs")


def _heard(resource: Resource, _: Settings) -> Iterator[Problem]:
    told = [
        each
        for each in resource.each("notifications")
        if each.get("subscriberSnsTopicArns") or each.get("subscriberEmailAddresses")
    ]
    if not told:
        yield Problem("notifications", "tell nobody", "notifications=[{…, 'subscriber_email_addresses': […]}]")


def _azure_heard(resource: Resource, _: Settings) -> Iterator[Problem]:
    notifications = resource.entries("notifications").values()
    told = [one for one in notifications if one.get("contactEmails") or one.get("contactGroups")]
    if not told:
        yield Problem("notifications", "tell nobody", "notifications={'Actual80': {…, 'contact_emails': […]}}")


def _ceiling(path: str) -> Predicate:
    def predicate(resource: Resource, settings: Settings) -> Iterator[Problem]:
        amount = number(resource.get(path))
        if settings.budget_ceiling and amount is not None and amount > settings.budget_ceiling:
            yield Problem(
                path, f"is {amount:g}, above {settings.budget_ceiling:g}", f"{path}={settings.budget_ceiling:g}"
            )

    return predicate


def _domain_stops(resource: Resource, _: Settings) -> Iterator[Problem]:
    apps = ("jupyterLabAppSettings", "codeEditorAppSettings")
    if not any(resource.get(f"defaultUserSettings.{app}.{IDLE}") for app in apps):
        path = f"defaultUserSettings.{apps[0]}.{IDLE}"
        yield Problem(path, "is not set", "idle_timeout_in_minutes=60 in the settings of its apps")


def _notebook_stops(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not resource.get("lifecycleConfigName"):
        yield Problem("lifecycleConfigName", "is not set", "a lifecycle configuration that stops it when idle")


def _compute_stops(resource: Resource, _: Settings) -> Iterator[Problem]:
    kind = resource.get("properties.computeType")
    if kind == "ComputeInstance" and not resource.get("properties.properties.idleTimeBeforeShutdown"):
        yield Problem("properties.properties.idleTimeBeforeShutdown", "is not set", "idle_time_before_shutdown='PT30M'")
    if kind == "AmlCompute" and number(resource.get("properties.properties.scaleSettings.minNodeCount", 0)) != 0:
        yield Problem("properties.properties.scaleSettings.minNodeCount", "is not 0", "min_node_count=0")


def _job_ends(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("spec.activeDeadlineSeconds") is None:
        yield Problem("spec.activeDeadlineSeconds", "is not set", "active_deadline_seconds=…")


def _training_ends(resource: Resource, _: Settings) -> Iterator[Problem]:
    """Find steps that run machines and may do so for ever; SageMaker ends them after a day, or after five."""
    for step in resource.document("pipelineDefinition").each("Steps"):
        limit = step.get("Arguments.StoppingCondition.MaxRuntimeInSeconds")
        if step.get("Type") in ("Training", "Processing") and limit is None:
            path = step.at("Arguments.StoppingCondition.MaxRuntimeInSeconds")
            yield Problem(path, "is not set", "max_run in seconds")


def _machines(resource: Resource) -> Iterator[tuple[str, str]]:
    parts: list[Part] = [resource, *resource.each("productionVariants")]
    for part in parts:
        for path in ("instanceType", "properties.properties.vmSize", "properties.instanceType"):
            if machine := part.get(path):
                yield part.at(path), str(machine)
    for pod in pods(resource) if resource.type in kinds.WORKLOADS else ():
        if machine := pod.get("nodeSelector", key=MACHINE_LABEL):
            yield pod.at(f"nodeSelector.{MACHINE_LABEL}"), str(machine)


def _allowed_machine(resource: Resource, settings: Settings) -> Iterator[Problem]:
    for path, machine in _machines(resource) if settings.machines else ():
        if not any(fnmatch.fnmatchcase(machine.lower(), each.lower()) for each in settings.machines):
            yield Problem(path, f"is {machine}, which is not allowed", " or ".join(settings.machines))


def _once(one: Resource, stack: Stack, settings: Settings) -> "Estimate | None":
    """Estimate a stack, for the first only of the resources that cost something, and where there is a ceiling."""
    if settings.cost is None or settings.cost.ceiling is None:
        return None
    if one is not next(each for kind in ROWS for each in stack.all(kind)):
        return None
    from pulumi_mlops.policies.costs.estimate import estimate, tables  # noqa: PLC0415  (few stacks have a ceiling)

    return estimate(metered(stack), tables(settings.cost, Path()), settings.cost.usage, settings.today)


def _undecided(estimated: "Estimate") -> None:
    for line in estimated.of("undecided"):
        raise Undecided(f"{line.of.name}.{line.of.undecided}")


def _within(one: Resource, stack: Stack, settings: Settings) -> Iterator[Problem]:
    estimated = _once(one, stack, settings)
    ceiling = settings.cost.ceiling if settings.cost else None
    if estimated is None or ceiling is None:
        return
    if estimated.month.expected <= ceiling:
        _undecided(estimated)
        return
    heaviest = estimated.heaviest()
    told = ", ".join(f"{line.of.name} ({line.what}) {money(line.expected)}" for line in heaviest[:HEAVIEST])
    missing = list(dict.fromkeys(line.of.name for line in estimated.of("unpriced", "undecided")))
    beside = f"; not counted for want of a price or a value: {', '.join(missing)}" if missing else ""
    said = f"is expected to cost {money(estimated.month.expected)}, above {money(ceiling)} {estimated.currency}"
    (dearest,) = (each for each in stack.resources if each.urn == heaviest[0].of.urn)
    yield Problem("month", f"{said}: most of it {told}{beside}", "fewer, smaller or scaled machines", dearest)


def _priced(one: Resource, stack: Stack, settings: Settings) -> Iterator[Problem]:
    estimated = _once(one, stack, settings)
    if estimated is None:
        return
    by_urn = {each.urn: each for each in stack.resources}
    for line in estimated.of("unpriced"):
        yield Problem(line.what, f"is not in the sum: {line.why}", "a row of a table of prices", by_urn[line.of.urn])
    _undecided(estimated)


RULES = (
    Rule(
        "cost.budget-present",
        "There is a budget",
        "medium",
        "A forgotten GPU costs more than the project.",
        ("AWS Well-Architected ML Lens: cost", "FinOps: budgets"),
        (across(COSTS, _budget), across(AZURE_COSTS, _azure_budget), across(kinds.NAMESPACE, _quota)),
    ),
    Rule(
        "cost.budget-heard",
        "A budget tells somebody",
        "medium",
        "An alarm that nobody hears is none.",
        ("AWS Well-Architected ML Lens: cost",),
        (on(BUDGET, _heard), on(AZURE_BUDGET, _azure_heard)),
    ),
    Rule(
        "cost.budget-ceiling",
        "A budget is within what may be spent",
        "medium",
        "The bound is the organisation's, not the program's.",
        ("FinOps: budgets",),
        (on(BUDGET, _ceiling("limitAmount")), on(AZURE_BUDGET, _ceiling("amount"))),
    ),
    Rule(
        "cost.ceiling",
        "A month costs no more than it may",
        "medium",
        "What nobody has added up is seen on the bill.",
        ("AWS Well-Architected ML Lens: cost", "FinOps: forecasting"),
        tuple(across(each, _within) for each in BY_CLOUD.values()),
    ),
    Rule(
        "cost.priced",
        "What a ceiling is held against has a price",
        "low",
        "A sum that leaves something out is within any ceiling.",
        ("FinOps: forecasting",),
        tuple(across(each, _priced) for each in BY_CLOUD.values()),
    ),
    Rule(
        "cost.idle-compute-stops",
        "What is idle stops",
        "medium",
        "Notebooks are left on over the week-end.",
        ("Azure Policy 679ddf89", "checkov CKV_AZURE_150", "AWS Well-Architected ML Lens: cost"),
        (
            on(kinds.DOMAIN, _domain_stops),
            on(kinds.NOTEBOOK, _notebook_stops),
            on(kinds.COMPUTE, _compute_stops),
        ),
    ),
    Rule(
        "cost.machines-allowed",
        "Machines are those that are allowed",
        "medium",
        "One letter makes a machine ten times as dear.",
        ("AWS Well-Architected ML Lens: cost", "Azure Policy cccc23c7"),
        (
            on((kinds.CONFIGURATION, kinds.NOTEBOOK), _allowed_machine),
            on((kinds.COMPUTE, kinds.DEPLOYMENT), _allowed_machine),
            on(kinds.WORKLOADS, _allowed_machine),
        ),
    ),
    Rule(
        "cost.runs-end",
        "A run has a longest time",
        "medium",
        "A training that hangs is paid by the hour.",
        ("AWS Well-Architected ML Lens: cost",),
        (on(kinds.PIPELINE, _training_ends), on("kubernetes:batch:Job", _job_ends)),
    ),
)
