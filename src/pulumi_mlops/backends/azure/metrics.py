"""What is measured of an endpoint on Azure: custom metrics of that resource, alert rules, who is told, and a workbook.

https://learn.microsoft.com/azure/azure-monitor/essentials/metrics-custom-overview
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pulumi
from pulumi import Input, Output
from pulumi_azure_native import applicationinsights, monitor

from pulumi_mlops.backends.azure import names, rights, stale
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.health import RULE
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.primitives import Measure, Watch, WatchRef
from pulumi_mlops.core.refs import HubRef
from pulumi_mlops.jobs.measure import NAMESPACE as NAMESPACE_PART

NAMESPACE = "mlops"
"""The namespace of the metrics, beside those that Azure has of the endpoint itself."""
DIMENSION = "Monitor"
"""The dimension of every metric; the endpoint is the resource that they are of."""
_FREQUENCY, _WINDOW = "PT5M", "PT15M"
_SEVERE = 1
_MAXIMUM, _MINIMUM = 3, 2  # of a workbook's charts
_WEEK_MS = 7 * 24 * 3600 * 1000
_WORKBOOKS = uuid.UUID("6f0f2a5e-5d2c-5c0e-9d54-0d6f6a2f4a11")
"""In which workbooks have names: Azure wants a UUID, and the same one again."""


def watch(scope: Scope, platform: HubRef, wanted: Watch) -> WatchRef:
    """Watch what is measured of an endpoint."""
    assert isinstance(wanted.endpoint, EndpointRef)  # noqa: S101 (nothing else is watched)
    at, endpoint = PlatformAddress.of(platform), rights.endpoint_id(wanted.endpoint)
    alarms = {one.name: _rule(scope, wanted, one, at, endpoint) for one in wanted.measures if one.threshold is not None}
    native: dict[str, pulumi.Resource] = {f"alarm.{name}": made for name, made in alarms.items()}
    late: monitor.MetricAlert | None = None
    if wanted.stale_after_hours is not None:
        native |= stale.looking(scope, wanted, at, endpoint, (NAMESPACE, DIMENSION))
        told = f"Nothing was measured of endpoint {wanted.endpoint.name} for {wanted.stale_after_hours:g} hours"
        missing = Measure(name=stale.MISSING, threshold=0, description=told)
        native["stale"] = late = _rule(scope, wanted, missing, at, endpoint)
    native["dashboard"] = _workbook(scope, wanted, at, endpoint)
    marks = urlencode({NAMESPACE_PART: NAMESPACE, DIMENSION: wanted.name})
    return WatchRef(
        name=wanted.name,
        address=Output.format("azure-monitor://{0}{1}?{2}", at.location, endpoint, marks),
        alarms={name: made.id for name, made in alarms.items()},
        stale=late.id if late else None,
        facts={"endpoint": endpoint},
        native=native,
    )


def _rule(
    scope: Scope, wanted: Watch, measure: Measure, at: PlatformAddress, endpoint: Input[str]
) -> monitor.MetricAlert:
    """Make the rule of a bound: it fires by what was measured within its window, and is resolved by what comes then."""
    criterion: Any = {
        "criterion_type": "StaticThresholdCriterion",
        "name": measure.name,
        "metric_name": measure.name,
        "metric_namespace": NAMESPACE,
        "dimensions": [{"name": DIMENSION, "operator": "Include", "values": [wanted.name]}],
        "operator": "GreaterThan" if measure.above else "LessThan",
        "threshold": measure.threshold,
        "time_aggregation": "Maximum" if measure.above else "Minimum",
        "skip_metric_validation": True,  # it is there with the first measurement
    }
    part = measure.name.replace("_", "-")
    return monitor.MetricAlert(
        scope.child(f"watch-{part}"),
        rule_name=names.inside(scope.project, scope.stage, scope.name, part, limit=RULE),
        resource_group_name=at.group,
        location="global",
        description=measure.description or f"{measure.name} of endpoint {wanted.endpoint.name}",
        enabled=True,
        severity=_SEVERE,
        scopes=[endpoint],
        evaluation_frequency=_FREQUENCY,
        window_size=_WINDOW,
        auto_mitigate=True,
        criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
            odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", all_of=[criterion]
        ),
        actions=[{"action_group_id": at.alerts}] if wanted.alerts else [],
        tags=scope.tags,
        opts=scope.opts,
    )


def _workbook(scope: Scope, wanted: Watch, at: PlatformAddress, endpoint: Input[str]) -> applicationinsights.Workbook:
    """Draw each measure (https://learn.microsoft.com/azure/azure-monitor/visualize/workbooks-overview)."""
    drawn = Output.from_input(endpoint).apply(lambda known: json.dumps(workbook(wanted, known)))
    return applicationinsights.Workbook(
        scope.child("watch-dashboard"),
        resource_name_=str(uuid.uuid5(_WORKBOOKS, scope.physical(scope.name, limit=RULE))),
        resource_group_name=at.group,
        location=at.location,
        kind="shared",
        category="workbook",
        display_name=f"{wanted.name}: {wanted.endpoint.name} ({scope.project}, {scope.stage})",
        serialized_data=drawn,
        source_id=at.workspace_id,
        tags=scope.tags,
        opts=scope.opts,
    )


def workbook(wanted: Watch, endpoint: str) -> Mapping[str, Any]:
    """Write a chart for each measure."""
    charts = [
        {
            "type": 10,
            "name": one.name,
            "content": {
                "version": "MetricsItem/2.0",
                "chartId": one.name,
                "size": 1,
                "chartType": 2,
                "title": _title(one),
                "resourceType": "microsoft.machinelearningservices/workspaces/onlineendpoints",
                "metricScope": 0,
                "resourceIds": [endpoint],
                "timeContext": {"durationMs": _WEEK_MS},
                "metrics": [
                    {
                        "namespace": NAMESPACE,
                        "metric": f"{NAMESPACE}--{one.name}",
                        "aggregation": _MAXIMUM if one.above else _MINIMUM,
                    }
                ],
                "filters": [{"id": "1", "key": DIMENSION, "operator": 0, "values": [wanted.name]}],
            },
        }
        for one in wanted.measures
    ]
    return {"version": "Notebook/1.0", "items": charts, "fallbackResourceIds": [endpoint]}


def _title(measure: Measure) -> str:
    if measure.threshold is None:
        return measure.name
    return f"{measure.name} (an alarm {'above' if measure.above else 'below'} {measure.threshold:g})"
