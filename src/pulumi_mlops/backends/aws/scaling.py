"""How an endpoint's replicas follow the load and the clock, by Application Auto Scaling."""

from typing import Any

import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from pulumi_mlops.backends.aws import names
from pulumi_mlops.backends.aws.cron import aws_cron
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.core.component import Scope

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def scale(scope: Scope, spec: EndpointSpec, endpoint: Output[str]) -> None:
    """Register every variant that moves, with what moves it."""
    if not spec.scaling.moves or spec.mode.serverless:
        return
    for variant in spec.served:
        target = aws.appautoscaling.Target(
            scope.child(f"{variant.name}-scaling"),
            service_namespace="sagemaker",
            resource_id=Output.format("endpoint/{0}/variant/{1}", endpoint, variant.name),
            scalable_dimension=_DIMENSION,
            min_capacity=spec.scaling.min,
            max_capacity=spec.scaling.max,
            tags=scope.tags,
            opts=_bounds_of(scope, spec),
        )
        if load := spec.scaling.requests_per_replica:
            _follow_load(scope, spec, variant.name, target, endpoint, load=load)
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
                opts=names.kept(scope),
            )


def _bounds_of(scope: Scope, spec: EndpointSpec) -> ResourceOptions:
    """Where the clock moves the bounds, the program sets only the first ones: the next up must not undo the clock."""
    moved = ["minCapacity", "maxCapacity"] if spec.scaling.schedules else None
    return ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=moved))


def _follow_load(
    scope: Scope,
    spec: EndpointSpec,
    variant: str,
    target: aws.appautoscaling.Target,
    endpoint: Output[str],
    *,
    load: float,
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
        "opts": names.kept(scope),
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
