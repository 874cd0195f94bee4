"""Alerts, autoscaling, diagnostics, logs and budgets."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from pulumi_mlops_sandbox.azure import ids, measured
from pulumi_mlops_sandbox.azure.actions import action, lists
from pulumi_mlops_sandbox.azure.call import Answer, Call, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.rules.outputs import secret
from pulumi_mlops_sandbox.azure.view import stamp

INSIGHTS = "Microsoft.Insights"
DEPLOYMENTS = "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments"
OWN = "microsoft."
"""How the namespaces of Azure's own metrics begin."""
FREQUENCIES = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H")
WINDOWS = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D")
SEVERITIES = range(5)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Metrics by which a deployment, and by which its endpoint, is watched.
OF_DEPLOYMENTS = (
    "CpuMemoryUtilizationPercentage",
    "CpuUtilizationPercentage",
    "DataCollectionErrorsPerMinute",
    "DataCollectionEventsPerMinute",
    "DeploymentCapacity",
    "DiskUtilization",
    "GpuEnergyJoules",
    "GpuMemoryUtilizationPercentage",
    "GpuUtilizationPercentage",
    "RequestLatency_P50",
    "RequestLatency_P90",
    "RequestLatency_P95",
    "RequestLatency_P99",
    "RequestsPerMinute",
)
OF_ENDPOINTS = (
    "ConnectionsActive",
    "DataCollectionErrorsPerMinute",
    "DataCollectionEventsPerMinute",
    "NetworkBytes",
    "NewConnectionsPerSecond",
    "RequestLatency",
    "RequestLatency_P50",
    "RequestLatency_P90",
    "RequestLatency_P95",
    "RequestLatency_P99",
    "RequestsPerMinute",
)
OF_WORKSPACES = (
    "Active Cores",
    "Active Nodes",
    "Cancelled Runs",
    "Completed Runs",
    "Errors",
    "Failed Runs",
    "Not Responding Runs",
    "Not Started Runs",
    "Queued Runs",
    "Quota Utilization Percentage",
    "Started Runs",
    "Starting Runs",
    "Unusable Nodes",
    "Warnings",
)
"""Of runs and machines, by their names in REST."""
METRICS = {
    DEPLOYMENTS: OF_DEPLOYMENTS,
    DEPLOYMENTS.rpartition("/")[0]: OF_ENDPOINTS,
    "microsoft.machinelearningservices/workspaces": OF_WORKSPACES,
}


def _metric(name: object, resource: object, path: str) -> Iterator[Problem]:
    kind = ids.parse(str(resource)).type.lower() if str(resource).startswith("/") else ""
    known = METRICS.get(kind)
    if known is not None and name not in known:
        yield Problem(path, f"'{name}' is no metric of {kind}: there are {', '.join(known)}")


@rule(f"{INSIGHTS}/metricAlerts")
def metric_alert(call: Call) -> Iterator[Problem]:
    """Refuse severities, frequencies, windows and metrics that there are not."""
    asked = call.properties
    if asked.get("severity") not in SEVERITIES:
        yield Problem("properties.severity", f"{asked.get('severity')} is not between 0 and 4")
    for name, allowed in (("evaluationFrequency", FREQUENCIES), ("windowSize", WINDOWS)):
        if asked.get(name) not in allowed:
            yield Problem(f"properties.{name}", f"'{asked.get(name)}' is none of {', '.join(allowed)}")
    frequency, window = asked.get("evaluationFrequency"), asked.get("windowSize")
    if frequency in WINDOWS and window in WINDOWS and WINDOWS.index(str(frequency)) > WINDOWS.index(str(window)):
        yield Problem("properties.windowSize", f"'{window}' is shorter than evaluationFrequency '{frequency}'")
    if not asked.get("scopes"):
        yield Problem("properties.scopes", "needs a resource")
    for number, one in enumerate(call.at("properties.criteria.allOf", [])):
        for scope in asked.get("scopes", [])[:1]:
            if str(one.get("metricNamespace") or OWN).lower().startswith(OWN):  # metrics of others are anybody's
                yield from _metric(one.get("metricName"), scope, f"properties.criteria.allOf[{number}].metricName")


@rule(f"{INSIGHTS}/scheduledQueryRules")
def query_rule(call: Call) -> Iterator[Problem]:
    """Refuse severities that there are not, and rules without a query."""
    severity = call.properties.get("severity")
    if severity is not None and severity not in SEVERITIES:
        yield Problem("properties.severity", f"{severity} is not between 0 and 4")
    if not call.at("properties.criteria.allOf"):
        yield Problem("properties.criteria.allOf", "needs a condition")


@rule(f"{INSIGHTS}/actionGroups")
def action_group(call: Call) -> Iterator[Problem]:
    """Refuse addresses that are none, and receivers of one name."""
    receivers = call.properties.get("emailReceivers") or []
    for number, one in enumerate(receivers):
        if not _MAIL.fullmatch(str(one.get("emailAddress", ""))):
            yield Problem(
                f"properties.emailReceivers[{number}].emailAddress", f"'{one.get('emailAddress')}' is no address"
            )
    names = [
        str(one.get("name", "")).lower()
        for kind, many in call.properties.items()
        if kind.endswith("Receivers") and isinstance(many, list)
        for one in many
    ]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem("properties", f"there are several receivers named '{name}'")


@rule(f"{INSIGHTS}/workbooks")
def workbook(call: Call) -> Iterator[Problem]:
    """Refuse content that is no workbook, and kinds that there are not."""
    try:
        content = json.loads(str(call.properties.get("serializedData")))
    except ValueError:
        content = None
    if not isinstance(content, dict) or not str(content.get("version")).startswith("Notebook/"):
        yield Problem("properties.serializedData", "is no workbook in JSON")
    if call.body.get("kind") not in (None, "shared"):
        yield Problem("kind", f"'{call.body.get('kind')}' is not 'shared'")


@rule(f"{INSIGHTS}/autoscalesettings")
def autoscale(call: Call) -> Iterator[Problem]:
    """Refuse capacities out of order, and settings that would fight over one target."""
    target = str(call.properties.get("targetResourceUri", "")).lower()
    for other in call.store.of_type(call.kind.type):
        if other.key != call.address.key and str(other.properties.get("targetResourceUri", "")).lower() == target:
            raise ArmError(
                "Conflict", f"The resource '{target}' has an autoscale setting already, '{other.name}'.", 409
            )
    for number, profile in enumerate(call.properties.get("profiles", [])):
        place, said = f"properties.profiles[{number}]", profile.get("capacity", {})
        values = [said.get(name) for name in ("minimum", "default", "maximum")]
        if not all(isinstance(value, str) and value.isdigit() for value in values):
            yield Problem(f"{place}.capacity", "minimum, default and maximum are whole numbers, written as texts")
            continue
        if any(int(low) > int(high) for low, high in pairwise(values)):
            yield Problem(f"{place}.capacity", f"needs minimum ≤ default ≤ maximum, not {' ≤ '.join(values)}")
        if f"{DEPLOYMENTS.rsplit('/', 1)[-1]}/" in target and int(values[0]) < 1:
            yield Problem(f"{place}.capacity.minimum", "a managed online deployment needs at least one instance")
        for at, one in enumerate(profile.get("rules", [])):
            trigger = one.get("metricTrigger", {})
            yield from _metric(
                trigger.get("metricName"),
                trigger.get("metricResourceUri"),
                f"{place}.rules[{at}].metricTrigger.metricName",
            )


@rule(f"{INSIGHTS}/diagnosticSettings")
def diagnostics(call: Call) -> Iterator[Problem]:
    """Refuse settings that send nothing, or nowhere."""
    asked = call.properties
    if not any(asked.get(name) for name in ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId")):
        yield Problem("properties", "needs a destination: workspaceId, storageAccountId or eventHubAuthorizationRuleId")
    if not asked.get("logs") and not asked.get("metrics"):
        yield Problem("properties.logs", "needs a category, or a metric in properties.metrics")
    for number, one in enumerate(asked.get("logs") or []):
        if bool(one.get("category")) == bool(one.get("categoryGroup")):
            yield Problem(f"properties.logs[{number}]", "needs either category or categoryGroup")


@rule("Microsoft.OperationalInsights/workspaces")
def logs(call: Call) -> Iterator[Problem]:
    """Refuse retention that there is not."""
    days = call.properties.get("retentionInDays")
    if days is not None and call.at("properties.sku.name", "PerGB2018") != "Free" and not 30 <= days <= 730:  # noqa: PLR2004
        yield Problem("properties.retentionInDays", f"{days} is not between 30 and 730")


@rule(f"{INSIGHTS}/components")
def component(call: Call) -> Iterator[Problem]:
    """Refuse the classic kind, which was retired."""
    if not call.properties.get("WorkspaceResourceId"):
        yield Problem(
            "properties.WorkspaceResourceId", "is required: components without a workspace of logs were retired"
        )


@rule("Microsoft.Consumption/budgets")
def budget(call: Call) -> Iterator[Problem]:
    """Refuse amounts, dates and thresholds that there are not."""
    asked = call.properties
    if not asked.get("amount", 0) > 0:
        yield Problem("properties.amount", f"{asked.get('amount')} is not above 0")
    start = str(call.at("properties.timePeriod.startDate", ""))
    if not re.match(r"\d{4}-\d{2}-01", start):
        yield Problem("properties.timePeriod.startDate", f"'{start}' is not the first day of a month")
    end = call.at("properties.timePeriod.endDate")
    if end is not None and str(end) <= start:
        yield Problem("properties.timePeriod.endDate", f"'{end}' is not after the start")
    notifications = asked.get("notifications") or {}
    if len(notifications) > 5:  # noqa: PLR2004  (the service's own limit)
        yield Problem("properties.notifications", f"has {len(notifications)} entries, at most 5 are allowed")
    for name, said in notifications.items():
        one = said or {}
        if not 0 <= one.get("threshold", 0) <= 1000:  # noqa: PLR2004  (the service's own limit)
            yield Problem(
                f"properties.notifications.{name}.threshold", f"{one.get('threshold')} is not between 0 and 1000"
            )
        if not any(one.get(kind) for kind in ("contactEmails", "contactRoles", "contactGroups")):
            yield Problem(
                f"properties.notifications.{name}", "tells nobody: give contactEmails, contactRoles or contactGroups"
            )


@action("Microsoft.OperationalInsights/workspaces", "sharedKeys")
def shared_keys(call: Call) -> Answer:
    """Tell the keys of a workspace of logs."""
    if call.existing is None:
        raise ArmError("ResourceNotFound", f"There is no workspace '{call.address.id}'.", 404)
    return Answer(200, {f"{name}SharedKey": secret(call.existing, name) for name in ("primary", "secondary")})


@lists(f"{INSIGHTS}/metrics")
def metrics(call: Call) -> Answer:
    """Count what was sent of a resource."""
    return Answer(200, measured.counted(call.tenant, call.address.scope, call.query))


@lists(f"{INSIGHTS}/metricAlerts/status")
def alert_status(call: Call) -> Answer:
    """Tell whether an alert is firing, as far as somebody said so."""
    alert = ids.parse(call.address.parent)
    if call.store.get(alert.id) is None:
        raise ArmError("ResourceNotFound", f"There is no alert '{alert.id}'.", 404)
    state = call.store.alerts.get(alert.key, "Healthy")
    said = {"dimensions": {}, "status": state, "timestamp": stamp(call.store.get(alert.id).changed)}  # type: ignore[union-attr]
    one = {"id": f"{alert.id}/status/x", "name": alert.name, "type": f"{alert.type}/status", "properties": said}
    return Answer(200, {"value": [one]})
