"""State machines of Step Functions, as far as they start pipelines: tasks of SageMaker's API, choices, and ends.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.events import announce
from pulumi_mlops_sandbox.aws.executions.account import Role
from pulumi_mlops_sandbox.aws.executions.acts import snake
from pulumi_mlops_sandbox.aws.executions.expressions import ExpressionError, filled
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker.kinds import MACHINE_EXECUTION
from pulumi_mlops_sandbox.aws.store import Record, now

log = logging.getLogger(__name__)
Json = dict[str, Any]
_TASK = "arn:aws:states:::aws-sdk:sagemaker:"
_MOST = 1000
"""States that one execution comes to, so that a circle ends."""


class MachineError(Exception):
    """An execution failed."""


@own("stepfunctions", "StartExecution")
def start(call: Call) -> Json:
    """Start a state machine."""
    params, arn = call.params, str(call.params["stateMachineArn"])
    found = accounts.backend("stepfunctions", call.region).state_machines
    machine = next((one for one in found if one.arn == arn), None)
    if machine is None:
        raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    name = str(params.get("name") or call.plane.request_id())
    members = {
        "stateMachineArn": arn,
        "name": name,
        "status": "RUNNING",
        "startDate": now(),
        "input": params.get("input", "{}"),
        "_definition": machine.definition,
        "_role": machine.roleArn,
    }
    identity = f"{machine.name}:{name}"
    record = call.plane.store.create(MACHINE_EXECUTION, call.region, {}, identity, **members)
    record["executionArn"] = record[MACHINE_EXECUTION.arn_field]
    plane, region = call.plane, call.region
    plane.jobs.start(f"{MACHINE_EXECUTION.name}/{region}/{identity}", lambda stop: _run(plane, region, record, stop))
    return {"executionArn": record["executionArn"], "startDate": record["startDate"]}


@own("stepfunctions", "DescribeExecution")
def describe(call: Call) -> Json:
    """Tell how an execution is doing."""
    return call.plane.store.get(MACHINE_EXECUTION, call.region, call.params["executionArn"])


@own("stepfunctions", "ListExecutions")
def list_all(call: Call) -> Json:
    """List the executions of a state machine, the last one first."""
    every = call.plane.store.all(MACHINE_EXECUTION, call.region).values()
    wanted = call.params.get("statusFilter")
    found = [one for one in every if one["stateMachineArn"] == call.params.get("stateMachineArn")]
    found = [one for one in found if wanted in {None, one["status"]}]
    return {"executions": sorted(found, key=lambda one: one["startDate"], reverse=True)}


def _run(plane: Account, region: str, record: Record, stop: threading.Event) -> None:
    ended: Json = {"status": "SUCCEEDED"}
    try:
        output = _states(Role(plane, record["_role"], region), record, stop)
        ended["output"] = json.dumps(output, default=str)
    except (MachineError, ExpressionError, ClientError, KeyError) as error:
        ended = {"status": "FAILED", "error": type(error).__name__, "cause": str(error)}
    except Exception as error:
        log.exception("state machine %s", record["executionArn"])
        ended = {"status": "FAILED", "error": "SandboxFailure", "cause": repr(error)}
    with plane.lock:
        record.update({**ended, "stopDate": now()})
        detail = {name: value for name, value in record.items() if not name.startswith("_")}
        arns = [record["executionArn"]]
        announce(region, "Step Functions Execution Status Change", detail, arns, source="aws.states")
        plane.saver.soon()


def _states(role: Role, record: Record, stop: threading.Event) -> Any:
    """Go from state to state, and return what the last one gives."""
    definition, given = json.loads(record["_definition"]), json.loads(record["input"] or "{}")
    if definition.get("QueryLanguage") != "JSONata":
        raise MachineError("The sandbox runs state machines whose QueryLanguage is JSONata")
    context = {"Execution": {"Name": record["name"], "Id": record["executionArn"]}}
    name = definition["StartAt"]
    for _ in range(_MOST):
        if stop.is_set():
            raise MachineError("The sandbox was stopped while it ran")
        state = definition["States"][name]
        known: Json = {"$states": {"input": given, "context": context}}
        following = _next(role, state, known)
        given = filled(state["Output"], known) if "Output" in state else known["$states"].get("result", given)
        if following is None:
            return given
        name = following
    raise MachineError(f"It came to {_MOST} states")


def _next(role: Role, state: Mapping[str, Any], known: Json) -> str | None:
    """Do what a state does, and name the one that follows."""
    kind = state["Type"]
    if kind == "Choice":
        held = (one["Next"] for one in state["Choices"] if filled(one["Condition"], known))
        return next(held, None) or str(state["Default"])
    if kind == "Task" and str(state["Resource"]).startswith(_TASK):
        operation = str(state["Resource"]).removeprefix(_TASK)
        arguments = filled(state.get("Arguments", {}), known)
        result = getattr(role.client("sagemaker"), snake(operation[:1].upper() + operation[1:]))(**arguments)
        known["$states"]["result"] = {key: one for key, one in result.items() if key != "ResponseMetadata"}
    elif kind == "Fail":
        raise MachineError(str(state.get("Cause", "")))
    elif kind not in {"Succeed", "Pass"}:
        raise MachineError(f"The sandbox plays no state of type {kind} ({state.get('Resource', '')})")
    return state.get("Next")
