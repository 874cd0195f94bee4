"""Application Auto Scaling for SageMaker: all three dimensions, policies with alarms, scheduled actions, tags.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
Other namespaces are moto's. Nothing scales by itself here: UpdateEndpointWeightsAndCapacities does it by hand.
"""

import copy
import datetime as dt
import re
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import Operation, own
from pulumi_mlops_sandbox.aws.sagemaker.kinds import ENDPOINT
from pulumi_mlops_sandbox.aws.store import MAX_TAGS, Record, now

SERVICE = "application-autoscaling"
_VARIANT = re.compile(r"^endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)$")
_COMPONENT = re.compile(r"^inference-component/[^/]+$")
COUNT, CONCURRENCY = "sagemaker:variant:DesiredInstanceCount", "sagemaker:variant:DesiredProvisionedConcurrency"
COPIES = "sagemaker:inference-component:DesiredCopyCount"
# Dimension -> the form of its resources, and the metrics that AWS predefines for it.
DIMENSIONS = {
    COUNT: (
        _VARIANT,
        {"SageMakerVariantInvocationsPerInstance", "SageMakerVariantConcurrentRequestsPerModelHighResolution"},
    ),
    CONCURRENCY: (_VARIANT, {"SageMakerVariantProvisionedConcurrencyUtilization"}),
    COPIES: (
        _COMPONENT,
        {
            "SageMakerInferenceComponentInvocationsPerCopy",
            "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
        },
    ),
}
_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_RATE = re.compile(r"^rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d+) (?:minutes|hours|days))\)$")
_AT = re.compile(r"^at\((?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$")
_CRON = re.compile(r"^cron\((?P<fields>[^)]*)\)$")
_CRON_FIELD = re.compile(r"^[0-9A-Za-z*?,/#-]+$")
_CRON_FIELDS = 6


def _sagemaker(*operations: str) -> Callable[[Operation], Operation]:
    """Answer for SageMaker only; leave the other namespaces to moto."""

    def register(function: Operation) -> Operation:
        def answer(call: Call) -> dict[str, Any] | None:
            return function(call) if call.params["ServiceNamespace"] == "sagemaker" else None

        own(SERVICE, *operations)(answer)
        return function

    return register


@_sagemaker("RegisterScalableTarget")
def register_target(call: Call) -> dict[str, Any]:
    """Register a target, or change its limits."""
    params = call.params
    _check_resource(call)
    targets = _kept(call, "targets")
    known = targets.get(_target_key(call))
    low = params.get("MinCapacity", (known or {}).get("MinCapacity"))
    high = params.get("MaxCapacity", (known or {}).get("MaxCapacity"))
    if low is None or high is None:
        raise invalid("MinCapacity and MaxCapacity are required for a new scalable target")
    if low > high:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    if low < 0:
        raise invalid("Minimum capacity must not be negative")
    if known is not None:
        if params.get("Tags"):
            raise invalid("Tags cannot be given for a scalable target that exists; use TagResource")
        known |= {name: params[name] for name in ("MinCapacity", "MaxCapacity", "SuspendedState") if name in params}
        return {"ScalableTargetARN": known["ScalableTargetARN"]}
    arn = call.arn(f"scalable-target/{uuid.uuid4().hex[:30]}")
    idle = {"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False, "ScheduledScalingSuspended": False}
    target = {name: params[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    target |= {"MinCapacity": low, "MaxCapacity": high, "RoleARN": params.get("RoleARN", _ROLE), "CreationTime": now()}
    target |= {"SuspendedState": idle | params.get("SuspendedState", {}), "ScalableTargetARN": arn}
    targets[_target_key(call)] = target
    _kept(call, "tags")[arn] = dict(params.get("Tags", {}))
    return {"ScalableTargetARN": arn}


@_sagemaker("DescribeScalableTargets")
def describe_targets(call: Call) -> dict[str, Any]:
    """List targets."""
    wanted = call.params.get("ResourceIds")
    found = [target for target in _chosen(call, "targets") if not wanted or target["ResourceId"] in wanted]
    return {"ScalableTargets": found}


@_sagemaker("DeregisterScalableTarget")
def deregister(call: Call) -> dict[str, Any]:
    """Forget a target, with its policies and scheduled actions."""
    target = _target(call)
    for key, policy in list(_kept(call, "policies").items()):
        if key[:2] == _target_key(call):
            _drop_alarms(call, policy)
            del _kept(call, "policies")[key]
    for key in [key for key in _kept(call, "actions") if key[:2] == _target_key(call)]:
        del _kept(call, "actions")[key]
    _kept(call, "tags").pop(target["ScalableTargetARN"], None)
    del _kept(call, "targets")[_target_key(call)]
    return {}


@_sagemaker("PutScalingPolicy")
def put_policy(call: Call) -> dict[str, Any]:
    """Keep a policy; target tracking gets its two alarms."""
    params = call.params
    _target(call)
    key = (*_target_key(call), params["PolicyName"])
    known = _kept(call, "policies").get(key)
    kind = params.get("PolicyType", (known or {}).get("PolicyType", "StepScaling"))
    member = (
        f"{kind}PolicyConfiguration" if kind != "TargetTrackingScaling" else "TargetTrackingScalingPolicyConfiguration"
    )
    if member not in params:
        raise invalid(f"{member} is required for a policy of type {kind}")
    if kind == "TargetTrackingScaling":
        _check_tracking(params[member], params["ScalableDimension"])
    if known is not None:
        _drop_alarms(call, known)
    arn = (known or {}).get("PolicyARN") or _arn(
        call, f"scalingPolicy:{uuid.uuid4()}:resource", f"policyName/{params['PolicyName']}"
    )
    policy = copy.deepcopy(params) | {"PolicyType": kind, "PolicyARN": arn, "Alarms": []}
    policy["CreationTime"] = (known or {}).get("CreationTime", now())
    if kind == "TargetTrackingScaling":
        policy["Alarms"] = [_alarm(call, policy, member, side) for side in ("High", "Low")]
    _kept(call, "policies")[key] = policy
    return {"PolicyARN": arn, "Alarms": policy["Alarms"]}


@_sagemaker("DescribeScalingPolicies")
def describe_policies(call: Call) -> dict[str, Any]:
    """List policies."""
    names = call.params.get("PolicyNames")
    return {
        "ScalingPolicies": [
            policy for policy in _chosen(call, "policies") if not names or policy["PolicyName"] in names
        ]
    }


@_sagemaker("DeleteScalingPolicy")
def delete_policy(call: Call) -> dict[str, Any]:
    """Delete a policy and its alarms."""
    policy = _kept(call, "policies").pop((*_target_key(call), call.params["PolicyName"]), None)
    if policy is None:
        raise AwsError(
            "ObjectNotFoundException",
            f"No scaling policy found {_about(call)}, policy name: {call.params['PolicyName']}",
        )
    _drop_alarms(call, policy)
    return {}


@_sagemaker("PutScheduledAction")
def put_action(call: Call) -> dict[str, Any]:
    """Keep a scheduled action."""
    params = call.params
    _target(call)
    key = (*_target_key(call), params["ScheduledActionName"])
    action = _kept(call, "actions").get(key, {}) | copy.deepcopy(params)
    if "Schedule" not in action or "ScalableTargetAction" not in action:
        raise invalid("Schedule and ScalableTargetAction are required for a new scheduled action")
    _check_schedule(action["Schedule"])
    if action.get("Timezone", "UTC") not in zoneinfo.available_timezones():
        raise invalid(f"Timezone {action['Timezone']} is not a name of the IANA time zone database")
    limits = action["ScalableTargetAction"]
    if not limits:
        raise invalid("ScalableTargetAction needs MinCapacity, MaxCapacity or both")
    if limits.get("MinCapacity", 0) > limits.get("MaxCapacity", limits.get("MinCapacity", 0)):
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    for moment in ("StartTime", "EndTime"):
        if isinstance(action.get(moment), (int, float)):
            action[moment] = dt.datetime.fromtimestamp(action[moment], dt.UTC)
    if "StartTime" in action and "EndTime" in action and action["StartTime"] >= action["EndTime"]:
        raise invalid("StartTime must be before EndTime")
    arn = _arn(call, f"scheduledAction:{uuid.uuid4()}:resource", f"scheduledActionName/{params['ScheduledActionName']}")
    action.setdefault("ScheduledActionARN", arn)
    action.setdefault("CreationTime", now())
    _kept(call, "actions")[key] = action
    return {}


@_sagemaker("DescribeScheduledActions")
def describe_actions(call: Call) -> dict[str, Any]:
    """List scheduled actions."""
    names = call.params.get("ScheduledActionNames")
    found = [action for action in _chosen(call, "actions") if not names or action["ScheduledActionName"] in names]
    return {"ScheduledActions": found}


@_sagemaker("DeleteScheduledAction")
def delete_action(call: Call) -> dict[str, Any]:
    """Delete a scheduled action."""
    if _kept(call, "actions").pop((*_target_key(call), call.params["ScheduledActionName"]), None) is None:
        raise AwsError(
            "ObjectNotFoundException",
            f"No scheduled action found {_about(call)}, scheduled action name: {call.params['ScheduledActionName']}",
        )
    return {}


@own(SERVICE, "TagResource", "UntagResource", "ListTagsForResource")
def tags(call: Call) -> dict[str, Any]:
    """Tag, untag and list the tags of a target."""
    kept: dict[str, dict[str, str]] = _kept(call, "tags")
    arn = call.params["ResourceARN"]
    if arn not in kept:
        raise AwsError("ResourceNotFoundException", f"The specified resource {arn} doesn't exist.")
    merged = kept[arn] | call.params.get("Tags", {})
    if len(merged) > MAX_TAGS:
        raise AwsError("TooManyTagsException", f"A scalable target has at most {MAX_TAGS} tags")
    kept[arn] = {key: value for key, value in merged.items() if key not in call.params.get("TagKeys", [])}
    return {"Tags": kept[arn]} if call.operation.startswith("List") else {}


def _kept(call: Call, what: str) -> dict[Any, Any]:
    """Hold targets, policies, actions or tags of the call's region."""
    kept: dict[Any, Any] = call.plane.store.extra.setdefault("scaling", {}).setdefault((what, call.region), {})
    return kept


def is_registered(call: Call, resource: str) -> bool:
    """Tell whether a resource of the call's region is moved."""
    return any(key[0] == resource for key in _kept(call, "targets"))


def _target_key(call: Call) -> tuple[str, str]:
    return call.params["ResourceId"], call.params["ScalableDimension"]


def _about(call: Call) -> str:
    resource, dimension = _target_key(call)
    return f"for service namespace: sagemaker, resource ID: {resource}, scalable dimension: {dimension}"


def _target(call: Call) -> Record:
    target: Record | None = _kept(call, "targets").get(_target_key(call))
    if target is None:
        raise AwsError("ObjectNotFoundException", f"No scalable target registered {_about(call)}")
    return target


def _chosen(call: Call, what: str) -> list[Record]:
    params = call.params
    return [
        record
        for record in _kept(call, what).values()
        if record["ResourceId"] == params.get("ResourceId", record["ResourceId"])
        and record["ScalableDimension"] == params.get("ScalableDimension", record["ScalableDimension"])
    ]


def _check_resource(call: Call) -> None:
    resource, dimension = _target_key(call)
    if dimension not in DIMENSIONS or not DIMENSIONS[dimension][0].match(resource):
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    match = _VARIANT.match(resource)
    if match is None:
        return  # inference components are not in the store
    endpoint = call.plane.store.all(ENDPOINT, call.region).get(match["endpoint"])
    variants = {variant["VariantName"]: variant for variant in (endpoint or {}).get("ProductionVariants", [])}
    if endpoint is None or match["variant"] not in variants:
        raise invalid(f"SageMaker endpoint variant not found: {resource}")
    serverless = variants[match["variant"]].get("DesiredServerlessConfig")
    if dimension == COUNT and serverless is not None:
        raise invalid(f"The variant {match['variant']} is serverless; use the dimension {CONCURRENCY}")
    if dimension == CONCURRENCY and not (serverless or {}).get("ProvisionedConcurrency"):
        raise invalid(f"The variant {match['variant']} has no provisioned concurrency")


def _check_tracking(config: Record, dimension: str) -> None:
    predefined, custom = config.get("PredefinedMetricSpecification"), config.get("CustomizedMetricSpecification")
    if (predefined is None) == (custom is None):
        raise invalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be given")
    if config["TargetValue"] <= 0:
        raise invalid("TargetValue must be greater than 0")
    if predefined is not None and predefined["PredefinedMetricType"] not in DIMENSIONS[dimension][1]:
        allowed = ", ".join(sorted(DIMENSIONS[dimension][1]))
        raise invalid(
            f"Predefined metric {predefined['PredefinedMetricType']} is not for {dimension}, which has {allowed}"
        )


def _check_schedule(expression: str) -> None:
    cron, at = _CRON.match(expression), _AT.match(expression)
    if _RATE.match(expression):
        return
    if at is not None:
        try:
            dt.datetime.fromisoformat(at["moment"])
        except ValueError:
            cron = None
        else:
            return
    if cron is not None:
        fields = cron["fields"].split()
        plain = len(fields) == _CRON_FIELDS and all(_CRON_FIELD.match(field) for field in fields)
        if plain and (fields[2] == "?") != (fields[4] == "?"):
            return
    raise invalid(
        f"Invalid schedule expression {expression}: use at(yyyy-mm-ddThh:mm:ss), rate(value unit) "
        "or cron with six fields, one day field being ?"
    )


def _arn(call: Call, middle: str, end: str) -> str:
    resource, _dimension = _target_key(call)
    return f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:{middle}/sagemaker/{resource}:{end}"


def _alarm(call: Call, policy: Record, member: str, side: str) -> Record:
    """Make one of the alarms by which target tracking knows."""
    high = side == "High"
    config = policy[member]
    predefined = config.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    name = f"TargetTracking-{policy['ResourceId']}-Alarm{side}-{uuid.uuid4()}"
    match = _VARIANT.match(policy["ResourceId"])
    dimensions = {"EndpointName": match["endpoint"], "VariantName": match["variant"]} if match else {}
    alarm = accounts.backend("cloudwatch", call.region).put_metric_alarm(
        name=name,
        namespace=config.get("CustomizedMetricSpecification", {}).get("Namespace", "AWS/SageMaker"),
        metric_name=config.get("CustomizedMetricSpecification", {}).get("MetricName", predefined),
        comparison_operator="GreaterThanThreshold" if high else "LessThanThreshold",
        evaluation_periods=3 if high else 15,
        period=60,
        threshold=config["TargetValue"] if high else config["TargetValue"] * 0.9,
        statistic="Sum",
        description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
        dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        alarm_actions=[policy["PolicyARN"]],
    )
    alarm.state_value = "INSUFFICIENT_DATA"
    return {"AlarmName": name, "AlarmARN": alarm.alarm_arn}


def _drop_alarms(call: Call, policy: Record) -> None:
    alarms = accounts.backend("cloudwatch", call.region).alarms
    for alarm in policy["Alarms"]:
        alarms.pop(alarm["AlarmName"], None)
