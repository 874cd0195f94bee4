"""How an endpoint's replicas follow the load and the clock, by autoscale settings of Azure Monitor.

https://learn.microsoft.com/azure/machine-learning/how-to-autoscale-endpoints
"""

from typing import Any

from pulumi import Input
from pulumi_azure_native import machinelearningservices as ml
from pulumi_azure_native import monitor

from pulumi_mlops.backends.azure import names
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.cron import ZONES, weekly
from pulumi_mlops.backends.azure.revision import Revision
from pulumi_mlops.components.endpoint import EndpointSpec, Scaling, ScalingSchedule
from pulumi_mlops.core.component import Scope

SETTING = 260
"""Characters of a setting's name."""
MOST_PROFILES = 20
"""Profiles of a setting: the usual one, and one for each schedule."""
_ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
_LOW = 0.7
"""The share of the load that a replica should see below which one is taken away: the rest must not be too many."""


def scale(
    scope: Scope, spec: EndpointSpec, revision: Revision, endpoint: ml.OnlineEndpoint, deployment: ml.OnlineDeployment
) -> monitor.AutoscaleSetting:
    """Have the load, and the clock, move a revision's replicas."""
    at = PlatformAddress.of(spec.platform)
    called = names.inside(scope.project, scope.stage, scope.name, revision.name, limit=SETTING)
    rules = _rules(spec.scaling, revision.name, endpoint.id, at.location)
    usual = _profile("usual", spec.scaling.min, spec.scaling.max, rules)
    return monitor.AutoscaleSetting(
        scope.child(f"{revision.name}-scaling"),
        autoscale_setting_name=called,
        resource_group_name=at.group,
        location=at.location,
        enabled=True,
        target_resource_uri=deployment.id,
        target_resource_location=at.location,
        profiles=[usual, *(_at(schedule, rules) for schedule in spec.scaling.schedules)],
        notifications=[],
        tags=scope.tags,
        opts=scope.opts,
    )


def _profile(name: str, least: int, most: int, rules: list[Any]) -> Any:
    return {
        "name": name,
        "capacity": {"minimum": str(least), "maximum": str(most), "default": str(least)},
        "rules": rules,
    }


def _at(schedule: ScalingSchedule, rules: list[Any]) -> Any:
    """Hold bounds from a moment of the week on, until another profile begins."""
    when = weekly(schedule.cron)
    if when is None:
        raise LookupError(f"{schedule.cron} names days of the month, which the checks should have refused")
    zone = ZONES[schedule.timezone]
    return {
        **_profile(schedule.name, schedule.min, schedule.max, rules),
        "recurrence": {
            "frequency": monitor.RecurrenceFrequency.WEEK,
            "schedule": {"time_zone": zone, "days": when.days, "hours": when.hours, "minutes": when.minutes},
        },
    }


def _rules(scaling: Scaling, deployment: str, endpoint: Input[str], location: Input[str]) -> list[Any]:
    """Add a replica above the load that one should see, and take one away well below it."""
    load = scaling.requests_per_replica
    if load is None:
        return []

    def rule(operator: str, threshold: float, direction: str, seconds: int) -> Any:
        return {
            "metric_trigger": {
                "metric_name": "RequestsPerMinute",
                "metric_namespace": _ENDPOINTS,
                "metric_resource_uri": endpoint,
                "metric_resource_location": location,
                "dimensions": [{"dimension_name": "deployment", "operator": "Equals", "values": [deployment]}],
                "divide_per_instance": True,
                "operator": operator,
                "statistic": "Average",
                "threshold": threshold,
                "time_aggregation": "Average",
                "time_grain": "PT1M",
                "time_window": "PT5M",
            },
            "scale_action": {
                "type": "ChangeCount",
                "direction": direction,
                "value": "1",
                "cooldown": f"PT{seconds}S",
            },
        }

    return [
        rule("GreaterThan", load, "Increase", scaling.cooldown_out_seconds),
        rule("LessThan", load * _LOW, "Decrease", scaling.cooldown_in_seconds),
    ]
