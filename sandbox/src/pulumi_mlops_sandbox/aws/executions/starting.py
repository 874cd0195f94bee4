"""What starts pipelines besides people: an event that a rule hands to one, and a schedule."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_mlops_sandbox.aws import authorization
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.executions.values import UnknownValueError, at
from pulumi_mlops_sandbox.aws.needs import Need


def start(region: str, arn: str, role: str, parameters: Sequence[Mapping[str, str]], token: str) -> str:
    """Start a pipeline as a role, and return the execution."""
    plane = Account.current
    if plane is None:
        raise RuntimeError("no account is served")
    if lacks := authorization.lacking(role, [Need("sagemaker:StartPipelineExecution", arn)]):
        raise AwsError("AccessDeniedException", f"{arn} could not be started. {lacks}")
    given = {"PipelineParameters": list(parameters)} if parameters else {}
    params = {"PipelineName": arn.rpartition("/")[2], "ClientRequestToken": token, **given}
    return str(plane.call("sagemaker", "StartPipelineExecution", params, region)["PipelineExecutionArn"])


def deliver(_sagemaker: Any, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Hand an event to a pipeline: it is started, with the parameters of the target."""
    said = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList", [])
    given = [{"Name": one["Name"], "Value": _value(str(one["Value"]), event)} for one in said]
    start(target["Arn"].split(":")[3], target["Arn"], str(target.get("RoleArn")), given, f"event-{event['id']}"[:128])


def _value(text: str, event: Mapping[str, Any]) -> str:
    """Read a value that is a path of the event, such as ``$.detail.object.key``."""
    if not text.startswith("$."):
        return text
    try:
        found = at(event, text[2:], text)
    except UnknownValueError:
        return ""
    return found if isinstance(found, str) else json.dumps(found)
