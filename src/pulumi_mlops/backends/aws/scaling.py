"""How an endpoint's replicas follow the load and the clock, by Application Auto Scaling."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from pulumi_mlops.backends.aws import live, names
from pulumi_mlops.backends.aws.cron import aws_cron
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class Registered:
    """The scalable targets of the variants that get other machines: AWS changes none that is registered.

    (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-delete.html)
    """

    def __init__(self, platform: PlatformRef, endpoint: str, variants: Sequence[str]) -> None:
        self.platform, self.endpoint, self.variants = platform, endpoint, variants
        self.taken: list[live.Scaled] = []

    def free(self, configuration: Output[str]) -> Output[str]:
        """Take the targets away when the new configuration is there, just before it is released."""
        return configuration.apply(self._take) if self.variants else configuration

    async def _take(self, configuration: str) -> str:
        if not pulumi.runtime.is_dry_run() and not private.mocked():
            for variant in self.variants:
                found = await asyncio.to_thread(live.take_scaling, self.platform, self.endpoint, variant)
                self.taken += [found] if found else []
        return configuration

    def restore(self) -> None:
        """Register them as they were: what serves is as before."""
        for one in self.taken:
            live.give_scaling(self.platform, one)

    def bounds(self) -> Mapping[str, tuple[int, int]]:
        """Return the bounds that the clock gave the targets: they are registered again with these."""
        found = {variant: live.scaling_bounds(self.platform, self.endpoint, variant) for variant in self.variants}
        return {variant: bounds for variant, bounds in found.items() if bounds}


def scale(
    scope: Scope,
    spec: EndpointSpec,
    endpoint: Output[str],
    machines: Mapping[str, str],
    bounds: Mapping[str, tuple[int, int]],
) -> None:
    """Register every variant that moves, with what moves it; again where it got other machines."""
    if not spec.scaling.moves or spec.mode.serverless:
        return
    for variant in spec.served:
        again = ResourceOptions(replacement_trigger=machines[variant.name], delete_before_replace=True)
        least, most = spec.scaling.min, spec.scaling.max
        if spec.scaling.schedules:
            least, most = bounds.get(variant.name, (least, most))
        target = aws.appautoscaling.Target(
            scope.child(f"{variant.name}-scaling"),
            service_namespace="sagemaker",
            resource_id=Output.format("endpoint/{0}/variant/{1}", endpoint, variant.name),
            scalable_dimension=_DIMENSION,
            min_capacity=least,
            max_capacity=most,
            tags=scope.tags,
            opts=ResourceOptions.merge(_bounds_of(scope, spec), again),
        )
        if load := spec.scaling.requests_per_replica:
            _follow_load(scope, spec, variant.name, target, endpoint, load=load, again=again)
        for schedule in spec.scaling.schedules:
            aws.appautoscaling.ScheduledAction(
                scope.child(f"{variant.name}-at-{schedule.name}"),
                name=names.of_stack(scope, scope.name, variant.name, schedule.name, limit=255),
                service_namespace=target.service_namespace,
                resource_id=target.resource_id,
                scalable_dimension=target.scalable_dimension,
                schedule=aws_cron(schedule.cron),
                timezone=schedule.timezone,
                scalable_target_action={"min_capacity": schedule.min, "max_capacity": schedule.max},
                opts=ResourceOptions.merge(names.kept(scope), again),
            )


def _bounds_of(scope: Scope, spec: EndpointSpec) -> ResourceOptions:
    """Where the clock moves the bounds, the program sets only the first ones: the next up must not undo the clock."""
    moved = ["minCapacity", "maxCapacity"] if spec.scaling.schedules else None
    return ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=moved))


def _follow_load(
    scope: Scope,
    spec: EndpointSpec,
    variant: str,
    target: "aws.appautoscaling.Target",
    endpoint: Output[str],
    *,
    load: float,
    again: ResourceOptions,
) -> None:
    scaling = spec.scaling
    tracking: aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict = {
        "target_value": load,
        "scale_in_cooldown": scaling.cooldown_in_seconds,
        "scale_out_cooldown": scaling.cooldown_out_seconds,
    }
    if spec.mode.asynchronous:
        tracking["customized_metric_specification"] = {
            "metric_name": "ApproximateBacklogSizePerInstance",
            "namespace": "AWS/SageMaker",
            "dimensions": [{"name": "EndpointName", "value": endpoint}],
            "statistic": "Average",
        }
    else:
        tracking["predefined_metric_specification"] = {
            "predefined_metric_type": "SageMakerVariantInvocationsPerInstance"
        }
    common: dict[str, Any] = {
        "service_namespace": target.service_namespace,
        "resource_id": target.resource_id,
        "scalable_dimension": target.scalable_dimension,
        "opts": ResourceOptions.merge(names.kept(scope), again),
    }
    aws.appautoscaling.Policy(
        scope.child(f"{variant}-follows-load"),
        name=names.of_stack(scope, scope.name, variant, "load", limit=255),
        policy_type="TargetTrackingScaling",
        target_tracking_scaling_policy_configuration=tracking,
        **common,
    )
    if spec.mode.asynchronous and scaling.min == 0:
        _wake_from_zero(scope, variant, endpoint, common)


def _wake_from_zero(scope: Scope, variant: str, endpoint: Output[str], common: dict[str, Any]) -> None:
    """Per-instance metrics say nothing without an instance: a request that waits wakes the first one."""
    wake = aws.appautoscaling.Policy(
        scope.child(f"{variant}-wakes"),
        name=names.of_stack(scope, scope.name, variant, "wake", limit=255),
        policy_type="StepScaling",
        step_scaling_policy_configuration={
            "adjustment_type": "ChangeInCapacity",
            "metric_aggregation_type": "Average",
            "cooldown": 300,
            "step_adjustments": [{"metric_interval_lower_bound": "0", "scaling_adjustment": 1}],
        },
        **common,
    )
    aws.cloudwatch.MetricAlarm(
        scope.child(f"{variant}-waits"),
        name=Output.format("{0}-{1}-waits-{2}", endpoint, variant, names.mark()),
        namespace="AWS/SageMaker",
        metric_name="HasBacklogWithoutCapacity",
        dimensions={"EndpointName": endpoint},
        statistic="Average",
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=1,
        period=60,
        evaluation_periods=2,
        treat_missing_data="missing",
        alarm_actions=[wake.arn],
        tags=scope.tags,
        opts=names.kept(scope),
    )
