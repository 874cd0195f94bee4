"""What is measured of an endpoint on AWS: metrics of CloudWatch, alarms, who is told, and a dashboard."""

import json
import math
from typing import Any
from urllib.parse import urlencode

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import names
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.primitives import Measure, Watch, WatchRef
from pulumi_mlops.core.refs import HubRef
from pulumi_mlops.jobs.measure import MEASURED

NAMESPACE = "mlops-monitors"
"""What the namespaces of metrics begin with. Each watch has one of its own: a right to put metrics can be bound to a
namespace, and to nothing narrower."""
DIMENSIONS = ("Endpoint", "Monitor")
"""The dimensions of every metric; an alarm of others would see nothing, and say nothing of it."""
LOOKS_BACK_HOURS = 7 * 24
"""How far an alarm looks back at most (EvaluationPeriods in API_PutMetricAlarm)."""
_PERIOD, _HOUR = 300, 3600
_WIDE, _HIGH, _ACROSS = 12, 6, 24


def watch(scope: Scope, platform: HubRef, wanted: Watch) -> WatchRef:
    """Watch what is measured of an endpoint."""
    at = PlatformAddress.of(platform)
    namespace = f"{NAMESPACE}/{platform.name}-{platform.stage}/{wanted.name}"
    dimensions: dict[str, str] = dict(zip(DIMENSIONS, (wanted.endpoint.name, wanted.name), strict=True))
    common: dict[str, Any] = {
        "namespace": namespace,
        "dimensions": dimensions,
        "alarm_actions": [at.topic] if wanted.alerts else [],
        "tags": scope.tags,
        "opts": names.kept(scope),
    }
    alarms = {one.name: _alarm(scope, wanted, one, common) for one in wanted.measures if one.threshold is not None}
    stale = _stale(scope, wanted, common)
    dashboard = _dashboard(scope, wanted, at.region, namespace, alarms)
    native: dict[str, pulumi.Resource] = {f"alarm.{name}": made for name, made in alarms.items()}
    native |= {"dashboard": dashboard, **({"stale": stale} if stale else {})}
    return WatchRef(
        name=wanted.name,
        address=Output.format("cloudwatch://{0}/{1}?{2}", at.region, namespace, urlencode(dimensions)),
        alarms={name: made.name for name, made in alarms.items()},
        stale=stale.name if stale else None,
        facts={"namespace": namespace},
        native=native,
    )


def _alarm(scope: Scope, wanted: Watch, measure: Measure, common: dict[str, Any]) -> aws.cloudwatch.MetricAlarm:
    """Make the alarm of a bound: what was measured last counts until something else is."""
    return aws.cloudwatch.MetricAlarm(
        scope.child(f"watch-{_part(measure.name)}"),
        name=names.of_stack(scope, wanted.name, _part(measure.name), limit=255),
        alarm_description=measure.description or f"{measure.name} of endpoint {wanted.endpoint.name}",
        metric_name=measure.name,
        statistic="Maximum" if measure.above else "Minimum",
        comparison_operator="GreaterThanThreshold" if measure.above else "LessThanThreshold",
        threshold=measure.threshold,
        period=_PERIOD,
        evaluation_periods=1,
        treat_missing_data="ignore",
        **common,
    )


def _stale(scope: Scope, wanted: Watch, common: dict[str, Any]) -> aws.cloudwatch.MetricAlarm | None:
    """Make the alarm of measurements that are missing; also of the first, so that it goes off until that is there."""
    hours = wanted.stale_after_hours
    if hours is None:
        return None
    if hours > LOOKS_BACK_HOURS:
        scope.say(
            f"CloudWatch looks back {LOOKS_BACK_HOURS} hours, not {hours:g}: nothing tells of what is not measured"
        )
        return None
    periods = max(1, math.ceil(hours))
    return aws.cloudwatch.MetricAlarm(
        scope.child("watch-stale"),
        name=names.of_stack(scope, wanted.name, "stale", limit=255),
        alarm_description=f"Nothing was measured of endpoint {wanted.endpoint.name} for {periods} hours",
        metric_name=MEASURED,
        statistic="SampleCount",
        comparison_operator="LessThanThreshold",
        threshold=1,
        period=_HOUR,
        evaluation_periods=periods,
        treat_missing_data="breaching",
        **common,
    )


def _dashboard(
    scope: Scope,
    wanted: Watch,
    region: Input[str],
    namespace: str,
    alarms: dict[str, aws.cloudwatch.MetricAlarm],
) -> aws.cloudwatch.Dashboard:
    """Draw each measure with its bound (CloudWatch-Dashboard-Body-Structure of the API's reference)."""
    marks = [part for pair in zip(DIMENSIONS, (wanted.endpoint.name, wanted.name), strict=True) for part in pair]

    def body(known: list[Any]) -> str:
        where, arns = known
        widgets: list[dict[str, Any]] = []
        if arns:
            states = {"title": f"{wanted.name}: alarms", "alarms": arns}
            widgets.append({"type": "alarm", "x": 0, "y": 0, "width": _ACROSS, "height": 2, "properties": states})
        for index, measure in enumerate(wanted.measures):
            drawn: dict[str, Any] = {
                "title": measure.name,
                "region": where,
                "view": "timeSeries",
                "stat": "Maximum" if measure.above else "Minimum",
                "period": _PERIOD,
                "metrics": [[namespace, measure.name, *marks]],
            }
            if measure.threshold is not None:
                drawn["annotations"] = {"horizontal": [{"label": "bound", "value": measure.threshold}]}
            place = {"x": index * _WIDE % _ACROSS, "y": 2 + index * _WIDE // _ACROSS * _HIGH}
            widgets.append({"type": "metric", **place, "width": _WIDE, "height": _HIGH, "properties": drawn})
        return json.dumps({"widgets": widgets})

    shown = Output.all(region, Output.all(*(one.arn for one in alarms.values())))
    return aws.cloudwatch.Dashboard(
        scope.child("watch-dashboard"),
        dashboard_name=names.of_stack(scope, wanted.name, limit=255),
        dashboard_body=shown.apply(body),
        opts=scope.opts,
    )


def _part(measure: str) -> str:
    return measure.replace("_", "-")
