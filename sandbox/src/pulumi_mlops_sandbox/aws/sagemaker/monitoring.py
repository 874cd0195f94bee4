"""Schedules of Model Monitor: their life. What they start runs in an image of AWS's own, which is not here.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMonitoringSchedule.html
"""

import re
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import ENDPOINT, ENDPOINT_CONFIG, MONITORING
from pulumi_mlops_sandbox.aws.steps import later, step
from pulumi_mlops_sandbox.aws.store import DELETED, Record, now

_EXPRESSION = re.compile(r"NOW|cron\(0 (\*|\d{1,2}|\d{1,2}/\d{1,2}) \? \* \* \*\)")
"""Hourly, daily at an hour, or every so many hours from one on."""
_AT_REST = ("Scheduled", "Stopped", "Failed")


@own("sagemaker", "CreateDataQualityJobDefinition")
def define(call: Call) -> dict[str, Any] | None:
    """Judge what a job looks at; what it is, moto keeps."""
    params = call.params
    references.require_role(params.get("RoleArn"))
    for resource in (params.get("DataQualityBaselineConfig") or {}).values():
        if isinstance(resource, dict):
            references.require_bucket(resource.get("S3Uri"))
    for output in params["DataQualityJobOutputConfig"]["MonitoringOutputs"]:
        references.require_bucket(output["S3Output"]["S3Uri"])
    references.require_network(call, (params.get("NetworkConfig") or {}).get("VpcConfig"))
    if looked := (params.get("DataQualityJobInput") or {}).get("EndpointInput"):
        _require_captures(call, looked["EndpointName"])
    return None


def _require_captures(call: Call, name: str) -> None:
    endpoint = call.plane.store.get(ENDPOINT, call.region, name)
    config = call.plane.store.all(ENDPOINT_CONFIG, call.region).get(endpoint["EndpointConfigName"]) or {}
    if not (config.get("DataCaptureConfig") or {}).get("EnableCapture"):
        raise invalid(f"Data capture is not enabled on endpoint {name}")


@own("sagemaker", "CreateMonitoringSchedule")
def create(call: Call) -> dict[str, Any]:
    """Start a schedule."""
    _judge(call)
    name = call.params["MonitoringScheduleName"]
    record = call.plane.store.create(
        MONITORING,
        call.region,
        call.params,
        MonitoringScheduleStatus="Pending",
        MonitoringType=call.params["MonitoringScheduleConfig"].get("MonitoringType"),
    )
    later(call.plane, record, "scheduled")
    return {"MonitoringScheduleArn": MONITORING.arn(call.region, name)}


@own("sagemaker", "UpdateMonitoringSchedule")
def update(call: Call) -> dict[str, Any]:
    """Give a schedule that is at rest another definition, or other times."""
    _judge(call)
    record = _at_rest(call)
    record |= {
        "MonitoringScheduleConfig": call.params["MonitoringScheduleConfig"],
        "MonitoringScheduleStatus": "Pending",
        "LastModifiedTime": now(),
    }
    later(call.plane, record, "scheduled")
    return {"MonitoringScheduleArn": record["MonitoringScheduleArn"]}


@own("sagemaker", "DeleteMonitoringSchedule")
def delete(call: Call) -> dict[str, Any]:
    """Delete a schedule that is at rest."""
    record = _at_rest(call)
    record |= {"MonitoringScheduleStatus": "Pending", "LastModifiedTime": now()}
    later(call.plane, record, DELETED)
    return {}


@own("sagemaker", "StartMonitoringSchedule", "StopMonitoringSchedule")
def start_or_stop(call: Call) -> dict[str, Any]:
    """Start a schedule that was stopped, or stop one."""
    record = _at_rest(call)
    record |= {"MonitoringScheduleStatus": "Pending", "LastModifiedTime": now()}
    later(call.plane, record, "stopped" if call.operation.startswith("Stop") else "scheduled")
    return {}


def _judge(call: Call) -> None:
    config = call.params["MonitoringScheduleConfig"]
    said = (config.get("ScheduleConfig") or {}).get("ScheduleExpression")
    if said is not None and not _EXPRESSION.fullmatch(said):
        raise invalid(f"The schedule expression {said} is neither hourly, nor daily, nor every so many hours")
    name = config.get("MonitoringJobDefinitionName")
    if (name is None) == (config.get("MonitoringJobDefinition") is None):
        raise invalid("Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be given")
    if name is not None and name not in accounts.backend("sagemaker", call.region).data_quality_job_definitions:
        raise AwsError("ResourceNotFound", f"Could not find job definition {name}")


def _at_rest(call: Call) -> Record:
    record = call.plane.store.get(MONITORING, call.region, call.params["MonitoringScheduleName"])
    if (status := record["MonitoringScheduleStatus"]) not in _AT_REST:
        raise invalid(f"{record['MonitoringScheduleArn']} is {status}; wait until it is not")
    return record


def _becomes(do: str, status: str) -> None:
    @step(MONITORING.name, do)
    def settled(plane: Account, _region: str, record: Record) -> None:
        why = plane.faults.ending("sagemaker", "MonitoringSchedule")
        record["MonitoringScheduleStatus"] = status if why is None else "Failed"
        record["FailureReason"] = why
        record["LastModifiedTime"] = now()


_becomes("scheduled", "Scheduled")
_becomes("stopped", "Stopped")
