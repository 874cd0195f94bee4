"""When an endpoint is unwell: alert rules of Azure Monitor, which tell the platform's alerts and send releases back.

Azure counts requests, and no metric is a share of others. So errors are counted in the traffic log of the endpoint,
which goes to Log Analytics (https://learn.microsoft.com/azure/machine-learning/monitor-azure-machine-learning-reference).
"""

from typing import Any

import pulumi
from pulumi import Input, Output
from pulumi_azure_native import machinelearningservices as ml
from pulumi_azure_native import monitor

from pulumi_mlops.backends.azure import names
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.core.component import Scope

RULE = 260
"""Characters of a rule's name."""
LOGS = ("AmlOnlineEndpointTrafficLog", "AmlOnlineEndpointConsoleLog", "AmlOnlineEndpointEventLog")
"""What an endpoint tells of itself: each request, what containers print, and what happens to them."""
_BROKEN = 500
_WINDOW = "PT5M"
_SEVERE = 1


def watched(scope: Scope, spec: EndpointSpec, endpoint: ml.OnlineEndpoint) -> dict[str, pulumi.CustomResource]:
    """Keep the endpoint's logs, and watch errors, and latency where asked, of each of its deployments."""
    at = PlatformAddress.of(spec.platform)
    logs = monitor.DiagnosticSetting(
        scope.child("logs"),
        name="logs",
        resource_uri=endpoint.id,
        workspace_id=at.logs,
        logs=[{"category": category, "enabled": True} for category in LOGS],
        opts=scope.opts,
    )
    found: dict[str, pulumi.CustomResource] = {"logs": logs, "errors": _errors(scope, spec, endpoint, at)}
    if spec.health.latency_ms is not None:
        found["latency"] = _latency(scope, spec.health.latency_ms, endpoint, at)
    return found


def _errors(
    scope: Scope, spec: EndpointSpec, endpoint: ml.OnlineEndpoint, at: PlatformAddress
) -> monitor.ScheduledQueryRule:
    query = Output.format(
        "{0} | where AzureMLWorkspaceName == '{1}' and EndpointName == '{2}' "
        "| summarize Failed = countif(ModelStatusCode >= {3}), All = count() by DeploymentName "
        "| extend Share = 100.0 * Failed / All",
        LOGS[0],
        at.workspace,
        endpoint.name,
        _BROKEN,
    )
    return monitor.ScheduledQueryRule(
        scope.child("errors"),
        rule_name=names.inside(scope.project, scope.stage, scope.name, "errors", limit=RULE),
        resource_group_name=at.group,
        location=at.location,
        kind="LogAlert",
        description=f"Share of requests to endpoint {scope.name} that fail inside the model",
        display_name=f"{scope.name}: errors",
        enabled=True,
        severity=_SEVERE,
        scopes=[at.logs],
        evaluation_frequency=_WINDOW,
        window_size=_WINDOW,
        auto_mitigate=True,
        skip_query_validation=True,  # the table is there with the first request
        criteria={
            "all_of": [
                {
                    "criterion_type": "StaticThresholdCriterion",
                    "query": query,
                    "metric_measure_column": "Share",
                    "time_aggregation": "Maximum",
                    "dimensions": [{"name": "DeploymentName", "operator": "Include", "values": ["*"]}],
                    "operator": "GreaterThan",
                    "threshold": spec.health.errors_percent,
                    "failing_periods": {"number_of_evaluation_periods": 1, "min_failing_periods_to_alert": 1},
                }
            ]
        },
        actions={"action_groups": [at.alerts]},
        tags=scope.tags,
        opts=scope.opts,
    )


def _latency(scope: Scope, most: float, endpoint: ml.OnlineEndpoint, at: PlatformAddress) -> monitor.MetricAlert:
    criterion: Any = {
        "criterion_type": "StaticThresholdCriterion",
        "name": "latency",
        "metric_name": "RequestLatency_P99",
        "metric_namespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "dimensions": [{"name": "deployment", "operator": "Include", "values": ["*"]}],
        "operator": "GreaterThan",
        "threshold": most,
        "time_aggregation": "Average",
        "skip_metric_validation": True,
    }
    return monitor.MetricAlert(
        scope.child("latency"),
        rule_name=names.inside(scope.project, scope.stage, scope.name, "latency", limit=RULE),
        resource_group_name=at.group,
        location="global",
        description=f"99th percentile of the time for an answer of endpoint {scope.name}, in milliseconds",
        enabled=True,
        severity=_SEVERE,
        scopes=[endpoint.id],
        evaluation_frequency="PT1M",
        window_size=_WINDOW,
        auto_mitigate=True,
        criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
            odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", all_of=[criterion]
        ),
        actions=[{"action_group_id": at.alerts}],
        tags=scope.tags,
        opts=scope.opts,
    )


def rule_id(at: PlatformAddress, alarm: Input[str]) -> Output[str]:
    """Return the id of a rule that a user names: an id, or the name of a metric alert of the platform's group."""

    def written(known: list[str]) -> str:
        alarm, subscription, group = known
        if alarm.startswith("/"):
            return alarm
        return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Insights/metricAlerts/{alarm}"

    return Output.all(alarm, at.subscription, at.group).apply(written)
