"""What starts pipelines besides people: an event that a rule hands on, and a schedule.

They start the pipeline itself, or a state machine that looks whether it may be started.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_mlops_sandbox.aws import authorization
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.executions.values import UnknownValueError, at
from pulumi_mlops_sandbox.aws.needs import Need


def start(target: Mapping[str, Any], token: str, event: Mapping[str, Any]) -> str:
    """Start what a target is, as its role, and return the execution."""
    plane, arn, role = Account.current, str(target["Arn"]), str(target.get("RoleArn"))
    if plane is None:
        raise RuntimeError("no account is served")
    service, region = arn.split(":")[2:4]
    if service not in _STARTS:
        raise ValueError(f"the sandbox starts pipelines and state machines, and this is {arn}")
    action, write = _STARTS[service]
    if lacks := authorization.lacking(role, [Need(action, arn)]):
        raise AwsError("AccessDeniedException", f"{arn} could not be started. {lacks}")
    operation = action.partition(":")[2]
    made = plane.call(_MODELS.get(service, service), operation, write(target, token, event), region)
    return str(made.get("PipelineExecutionArn") or made["executionArn"])


def _of_pipeline(target: Mapping[str, Any], token: str, event: Mapping[str, Any]) -> dict[str, Any]:
    said = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList", [])
    given = [{"Name": one["Name"], "Value": _value(str(one["Value"]), event)} for one in said]
    parameters = {"PipelineParameters": given} if given else {}
    return {"PipelineName": str(target["Arn"]).rpartition("/")[2], "ClientRequestToken": token, **parameters}


def _of_machine(target: Mapping[str, Any], token: str, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stateMachineArn": target["Arn"],
        "name": token,
        "input": target.get("Input") or json.dumps(event, default=str),
    }


_STARTS: Mapping[str, tuple[str, Callable[..., dict[str, Any]]]] = {
    "sagemaker": ("sagemaker:StartPipelineExecution", _of_pipeline),
    "states": ("states:StartExecution", _of_machine),
}
"""What can be started: the right that it takes, and how the request is written."""
_MODELS = {"states": "stepfunctions"}


def deliver(_region: str, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Hand an event to what it starts."""
    start(target, f"event-{event['id']}", event)


def _value(text: str, event: Mapping[str, Any]) -> str:
    """Read a value that is a path of the event, such as ``$.detail.object.key``."""
    if not text.startswith("$."):
        return text
    try:
        found = at(event, text[2:], text)
    except UnknownValueError:
        return ""
    return found if isinstance(found, str) else json.dumps(found)
