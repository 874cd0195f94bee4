"""CloudWatch: alarms' fields and states, what puts them off, and who is told.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import datetime as dt
import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

from moto.core.utils import utcnow

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.events import announce
from pulumi_mlops_sandbox.aws.hooks import after, before

MISSING_DATA = {"breaching", "notBreaching", "ignore", "missing"}
_SHORT_PERIODS = {10, 20, 30}
_MINUTE, _DAY = 60, 86400
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "Minimum": min,
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
_BEYOND = 3
"""Periods beyond those that are judged in which data is looked for, where some of these have none."""


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
    """Tell that somebody has changed an alarm's state."""
    alarm = accounts.backend("cloudwatch", call.region).alarms[call.params["AlarmName"]]
    _told(call.region, alarm, call.notes["state"])


@after("cloudwatch", "PutMetricData")
def judge_data(call: Call) -> None:
    """Judge the alarms of metrics of which there is another datum."""
    for alarm in list(accounts.backend("cloudwatch", call.region).alarms.values()):
        if alarm.namespace == call.params["Namespace"]:
            _judged(call.region, alarm)


@before("cloudwatch", "DescribeAlarms")
def judge_absence(call: Call) -> None:
    """Judge the alarms that go off where there is no data: nobody calls when nothing happens."""
    for alarm in list(accounts.backend("cloudwatch", call.region).alarms.values()):
        if alarm.treat_missing_data == "breaching" and alarm.metric_name:
            _judged(call.region, alarm)


def _judged(region: str, alarm: Any) -> None:
    """Set the state of an alarm of one metric by its data."""
    if alarm.statistic not in _STATISTICS or alarm.comparison_operator not in _COMPARED:
        return
    periods = _periods(region, alarm)
    recent = periods[: alarm.evaluation_periods]
    compare = _COMPARED[alarm.comparison_operator]
    judged = [None if value is None else compare(value, float(alarm.threshold)) for value in recent]
    if None in judged:
        missing = alarm.treat_missing_data or "missing"
        if missing in ("breaching", "notBreaching"):
            judged = [missing == "breaching" if one is None else one for one in judged]
        else:
            found = [compare(value, float(alarm.threshold)) for value in periods if value is not None]
            if not found:
                if missing == "missing":
                    _set(region, alarm, "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received")
                return
            judged = list(found[: alarm.evaluation_periods])
    needed = min(alarm.datapoints_to_alarm or alarm.evaluation_periods, len(judged))
    over = sum(1 for one in judged if one)
    state = "ALARM" if over >= needed else "OK"
    _set(region, alarm, state, f"Threshold Crossed: {over} of {len(judged)} datapoints against {alarm.threshold}")


def _periods(region: str, alarm: Any) -> list[float | None]:
    """Return the statistic of each period of the past, the newest first; nothing where a period has no data."""
    now = utcnow()
    buckets: list[list[float]] = [[] for _ in range(alarm.evaluation_periods + _BEYOND)]
    wanted = sorted((one.name, one.value) for one in alarm.dimensions)
    for datum in accounts.backend("cloudwatch", region).metric_data:
        if (datum.namespace, datum.name) != (alarm.namespace, alarm.metric_name):
            continue
        if sorted((one.name, one.value) for one in datum.dimensions) != wanted:
            continue
        age = (now - _naive(datum.timestamp)).total_seconds()
        index = max(0, int(age // alarm.period))
        if index < len(buckets):
            buckets[index].append(float(datum.value))
    return [_STATISTICS[alarm.statistic](values) if values else None for values in buckets]


def _naive(when: Any) -> dt.datetime:
    found = dt.datetime.fromisoformat(when) if isinstance(when, str) else when
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found


def _set(region: str, alarm: Any, state: str, reason: str) -> None:
    before_it = alarm.state_value
    if state != before_it:
        alarm.update_state(reason, "{}", state)
        _told(region, alarm, before_it)


def _told(region: str, alarm: Any, before_it: str) -> None:
    """Tell the event bus, and the topics that the alarm names, that it has changed.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    state, reason = alarm.state_value, alarm.state_reason
    if state == before_it:
        return
    detail = {
        "alarmName": alarm.name,
        "state": {"value": state, "reason": reason},
        "previousState": {"value": before_it},
    }
    announce(region, "CloudWatch Alarm State Change", detail, [alarm.alarm_arn], source="aws.cloudwatch")
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(state, alarm.insufficient_data_actions)
    topics = accounts.backend("sns", region).topics
    for topic in (actions or []) if alarm.actions_enabled else []:
        if topic in topics:
            text = {"AlarmName": alarm.name, "NewStateValue": state, "NewStateReason": reason}
            accounts.backend("sns", region).publish(json.dumps(text), arn=topic, subject=f"{state}: {alarm.name}"[:100])
