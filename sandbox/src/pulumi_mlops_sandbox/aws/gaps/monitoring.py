"""CloudWatch and Logs: alarms' fields and first state, retention, keys of log groups.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from typing import Any

from pulumi_mlops_sandbox.aws import accounts, policies
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.events import announce
from pulumi_mlops_sandbox.aws.hooks import after, before, own

RETENTION = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
MISSING_DATA = {"breaching", "notBreaching", "ignore", "missing"}
_SHORT_PERIODS = {10, 20, 30}
_MINUTE, _DAY = 60, 86400


@before("logs", "PutRetentionPolicy")
def check_retention(call: Call) -> None:
    """Refuse a number of days that Logs does not offer."""
    if call.params["retentionInDays"] not in RETENTION:
        allowed = ", ".join(str(days) for days in sorted(RETENTION))
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{call.params['retentionInDays']}' at 'retentionInDays' failed to "
            f"satisfy constraint: Member must satisfy enum value set: [{allowed}]",
        )


@before("logs", "CreateLogGroup")
def check_group_key(call: Call) -> None:
    """Refuse a key that Logs may not use."""
    _check_key(call, call.params.get("kmsKeyId"), call.params["logGroupName"])


@own("logs", "AssociateKmsKey")
def associate(call: Call) -> dict[str, Any]:
    """Give a log group a key."""
    group = _group(call)
    _check_key(call, call.params["kmsKeyId"], group.name)
    group.kms_key_id = call.params["kmsKeyId"]
    return {}


@own("logs", "DisassociateKmsKey")
def disassociate(call: Call) -> dict[str, Any]:
    """Take a log group's key away."""
    _group(call).kms_key_id = None
    return {}


def _group(call: Call) -> Any:
    name = call.params.get("logGroupName") or call.params.get("resourceIdentifier", "").split(":log-group:")[-1]
    found = accounts.backend("logs", call.region).groups.get(name)
    if found is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return found


def _check_key(call: Call, key: str | None, group: str) -> None:
    """Refuse a key that does not exist, or whose policy does not let the region's Logs service in."""
    if key is None:
        return
    allowed = accounts.key_exists(call.region, key)
    if allowed and key.startswith(f"arn:aws:kms:{call.region}:"):
        found = accounts.backend("kms", call.region).keys.get(key.split(":key/")[-1])
        statements = policies.parse(found.policy, "InvalidParameterException") if found is not None else []
        allowed = found is None or policies.names_service(statements, f"logs.{call.region}.amazonaws.com")
    if not allowed:
        raise AwsError(
            "InvalidParameterException",
            "The specified KMS key does not exist or is not allowed to be used with Arn "
            f"'{call.arn(f'log-group:{group}')}'",
        )


@before("cloudwatch", "PutMetricAlarm")
def check_alarm(call: Call) -> None:
    """Refuse alarms whose fields do not fit together."""
    params = call.params
    if ("MetricName" in params) == ("Metrics" in params):
        raise AwsError("ValidationError", "Exactly one of MetricName and Metrics must be given")
    if "MetricName" in params:
        if ("Statistic" in params) == ("ExtendedStatistic" in params):
            raise AwsError("ValidationError", "Exactly one of Statistic and ExtendedStatistic must be given")
        _check_period(params.get("Period"), params["EvaluationPeriods"])
        if "Namespace" not in params:
            raise AwsError("ValidationError", "Namespace is required with MetricName")
    if params.get("TreatMissingData", "missing") not in MISSING_DATA:
        raise AwsError(
            "ValidationError",
            f"Option {params['TreatMissingData']} is not supported. "
            f"Supported options for parameter TreatMissingData are {', '.join(sorted(MISSING_DATA))}.",
        )
    if params.get("DatapointsToAlarm", 1) > params["EvaluationPeriods"]:
        raise AwsError("ValidationError", "DatapointsToAlarm must not exceed EvaluationPeriods")
    if "Threshold" not in params and "ThresholdMetricId" not in params:
        raise AwsError("ValidationError", "Threshold is required for a static alarm")
    existing = accounts.backend("cloudwatch", call.region).alarms.get(params["AlarmName"])
    call.notes["state"] = None if existing is None else existing.state_value


def _check_period(period: int | None, evaluations: int) -> None:
    if period is None or (period % _MINUTE and period not in _SHORT_PERIODS):
        raise AwsError("ValidationError", "Period must be 10, 20, 30 or a multiple of 60")
    if period * evaluations > 7 * _DAY:
        raise AwsError(
            "ValidationError",
            "Metrics cannot be checked across more than 7 days (EvaluationPeriods * Period must be <= 604800)",
        )


@after("cloudwatch", "PutMetricAlarm")
def first_state(call: Call) -> None:
    """Begin with INSUFFICIENT_DATA, and keep the state of an alarm that is only changed."""
    alarm = accounts.backend("cloudwatch", call.region).alarms[call.params["AlarmName"]]
    alarm.state_value = call.notes["state"] or "INSUFFICIENT_DATA"
    if call.notes["state"] is None:
        alarm.state_reason = "Unchecked: Initial alarm creation"


@before("cloudwatch", "SetAlarmState")
def note_state(call: Call) -> None:
    """Remember the state that an alarm had."""
    alarm = accounts.backend("cloudwatch", call.region).alarms.get(call.params["AlarmName"])
    call.notes["state"] = getattr(alarm, "state_value", None)


@after("cloudwatch", "SetAlarmState")
def tell_state(call: Call) -> None:
    """Tell the event bus that an alarm has changed.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    params, alarm = call.params, accounts.backend("cloudwatch", call.region).alarms[call.params["AlarmName"]]
    if call.notes["state"] == params["StateValue"]:
        return
    detail = {
        "alarmName": params["AlarmName"],
        "state": {"value": params["StateValue"], "reason": params["StateReason"]},
        "previousState": {"value": call.notes["state"]},
    }
    announce(call.region, "CloudWatch Alarm State Change", detail, [alarm.alarm_arn], source="aws.cloudwatch")
