"""Application Auto Scaling."""

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, Values

WHERE = {
    "ServiceNamespace": "{serviceNamespace}",
    "ResourceId": "{resourceId}",
    "ScalableDimension": "{scalableDimension}",
}
PLACE = ("resourceId", "scalableDimension", "serviceNamespace")


class TargetKind(RowKind):
    """A scalable target; its import id is namespace/resource/dimension, in which the resource has slashes too."""

    def parsed(self, object_id: str) -> Values:
        """Read an import's id."""
        if object_id.count("/") < len(PLACE) - 1:
            return {"resourceId": object_id} if object_id else {}
        namespace, _, rest = object_id.partition("/")
        resource, _, dimension = rest.rpartition("/")
        return (
            {"serviceNamespace": namespace, "resourceId": resource, "scalableDimension": dimension}
            if ":" in dimension
            else {"resourceId": object_id}
        )


class PolicyKind(RowKind):
    """A policy, with the alarms that AWS makes for it."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Name the alarms."""
        alarms = [item.get("alarmArn") if isinstance(item, dict) else item for item in state.get("alarmArns") or []]
        return {**state, "alarmArns": alarms}


def _target_list() -> dict[str, object]:
    return {
        "ServiceNamespace": "{serviceNamespace}",
        "ResourceIds": ["{resourceId}"],
        "ScalableDimension": "{scalableDimension}",
    }


REGISTER = Call("register_scalable_target", rename={"roleArn": "RoleARN"})
PUT_POLICY = Call("put_scaling_policy", rename={"name": "PolicyName"})
POLICY_NAMES = {"name": "PolicyName", "arn": "PolicyARN"}
PUT_ACTION = Call("put_scheduled_action", rename={"name": "ScheduledActionName"})
ACTION_NAMES = {"name": "ScheduledActionName", "arn": "ScheduledActionARN"}
ROWS = (
    Row(
        resource="aws:appautoscaling/target:Target",
        service="application-autoscaling",
        id="{resourceId}",
        create=REGISTER,
        reads=(
            Get(
                "describe_scalable_targets",
                _target_list(),
                at="ScalableTargets[0]",
                rename={"arn": "ScalableTargetARN"},
            ),
        ),
        parts=(Part(REGISTER, on=("minCapacity", "maxCapacity", "roleArn", "suspendedState")),),
        delete=Call("deregister_scalable_target", WHERE),
        absent=("ObjectNotFoundException",),
        tags=TagApi(ident="ResourceARN", form="map"),
        replace=PLACE,
        identity=PLACE,
        sticky=("roleArn", "suspendedState"),
        retry=("ValidationException:does not exist",),
        kind=TargetKind,
    ),
    Row(
        resource="aws:appautoscaling/policy:Policy",
        service="application-autoscaling",
        id="{name}",
        name=AutoName(limit=255),
        create=PUT_POLICY,
        reads=(
            Get(
                "describe_scaling_policies",
                {**WHERE, "PolicyNames": ["{name}"]},
                at="ScalingPolicies[0]",
                rename=POLICY_NAMES,
            ),
        ),
        parts=(
            Part(
                PUT_POLICY,
                on=(
                    "policyType",
                    "predictiveScalingPolicyConfiguration",
                    "stepScalingPolicyConfiguration",
                    "targetTrackingScalingPolicyConfiguration",
                ),
            ),
        ),
        delete=Call("delete_scaling_policy", {**WHERE, "PolicyName": "{name}"}),
        absent=("ObjectNotFoundException",),
        replace=("name", *PLACE),
        identity=("name", *PLACE),
        defaults={"policyType": "StepScaling"},
        recomputed=("alarmArns",),
        kind=PolicyKind,
    ),
    Row(
        resource="aws:appautoscaling/scheduledAction:ScheduledAction",
        service="application-autoscaling",
        id="{name}-{serviceNamespace}-{resourceId}",
        name=AutoName(limit=255),
        create=PUT_ACTION,
        reads=(
            Get(
                "describe_scheduled_actions",
                {**WHERE, "ScheduledActionNames": ["{name}"]},
                at="ScheduledActions[0]",
                rename=ACTION_NAMES,
            ),
        ),
        parts=(Part(PUT_ACTION, on=("endTime", "schedule", "scalableTargetAction", "startTime", "timezone")),),
        delete=Call("delete_scheduled_action", {**WHERE, "ScheduledActionName": "{name}"}),
        absent=("ObjectNotFoundException",),
        replace=("name", *PLACE),
        identity=("name", *PLACE),
        defaults={"timezone": "UTC"},
    ),
)
