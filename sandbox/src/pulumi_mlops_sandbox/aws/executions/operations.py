"""Executions of pipelines: started, told of, stopped and begun again.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html
"""

import datetime as dt
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.events import announce
from pulumi_mlops_sandbox.aws.executions.account import Role
from pulumi_mlops_sandbox.aws.executions.acts import RoleActs, mark, metadata_of
from pulumi_mlops_sandbox.aws.executions.values import Json, Values
from pulumi_mlops_sandbox.aws.executions.walk import EXECUTING, FAILED, STOPPED, SUCCEEDED, State, Walk, given
from pulumi_mlops_sandbox.aws.hooks import after, before, own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import EXECUTION
from pulumi_mlops_sandbox.aws.store import Record, listing, now

CHANGED = "SageMaker Model Building Pipeline Execution Status Change"
STEP_CHANGED = "SageMaker Model Building Pipeline Execution Step Status Change"
STOPPING = "Stopping"
_MOST = 200
"""Executions of an account and region at a time."""
_STEPS, _DEFINITION, _VALUES, _ROLE, _TOKEN, _ASKED = (
    "_steps_run",
    "_definition",
    "_values",
    "_role",
    "_token",
    "_asked",
)
_LOST = "The sandbox was stopped while it ran"
_FAILURE = "Step failure: One or multiple steps failed."
_AGE = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_DAYS = (365, 30, 7, 1)


def _pipeline(region: str, name: str) -> Any:
    plain = name.rpartition("/")[2] if name.startswith("arn:") else name
    found = accounts.backend("sagemaker", region).pipelines.get(plain)
    if found is None:
        raise AwsError("ResourceNotFound", f"Pipeline '{plain}' does not exist.")
    return found


def _executions(call: Call, pipeline: str) -> list[Record]:
    every = call.plane.store.all(EXECUTION, call.region).values()
    return [record for record in every if record["PipelineArn"].rpartition("/")[2] == pipeline]


@own("sagemaker", "StartPipelineExecution")
def start(call: Call) -> Json:
    """Start an execution."""
    params, pipeline = call.params, _pipeline(call.region, call.params["PipelineName"])
    own_ones, token = _executions(call, pipeline.pipeline_name), params.get("ClientRequestToken")
    asked = {key: value for key, value in params.items() if key != "ClientRequestToken"}
    for record in own_ones if token else []:
        if record[_TOKEN] == token:
            if record[_ASKED] != asked:
                raise AwsError("ConflictException", f"The token {token} was used with other parameters.")
            return {"PipelineExecutionArn": record["PipelineExecutionArn"]}
    _room(call)
    definition = json.loads(pipeline.pipeline_definition or "{}")
    told = {one["Name"]: one["Value"] for one in params.get("PipelineParameters") or []}
    try:
        values = given(definition, told)
    except ValueError as error:
        raise invalid(str(error)) from None
    if "SelectiveExecutionConfig" in params:
        raise invalid("The sandbox runs whole pipelines: SelectiveExecutionConfig is not supported")
    role = params.get("RoleArn") or pipeline.role_arn
    references.require_role(role)
    members = {
        "PipelineArn": pipeline.arn,
        "PipelineExecutionStatus": EXECUTING,
        "PipelineExecutionDisplayName": params.get("PipelineExecutionDisplayName", f"execution-{mark(12)}"),
        "StartTime": now(),
        "RoleArn": role,
        **{key: value for key in _COPIED if (value := params.get(key))},
        _STEPS: [],
        _DEFINITION: pipeline.pipeline_definition,
        _VALUES: values,
        _ROLE: role,
        _TOKEN: token,
        _ASKED: asked,
    }
    if "ParallelismConfiguration" not in members and pipeline.parallelism_configuration:
        members["ParallelismConfiguration"] = pipeline.parallelism_configuration
    identity = f"{pipeline.pipeline_name}/execution/{mark(12)}"
    record = call.plane.store.create(EXECUTION, call.region, {}, identity, **members)
    pipeline.last_execution_time = dt.datetime.now(dt.UTC)
    _announce(call.region, record, EXECUTING)
    _launch(call.plane, call.region, identity)
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


_COPIED = ("PipelineExecutionDescription", "ParallelismConfiguration", "MlflowExperimentName")


def _room(call: Call) -> None:
    every = call.plane.store.all(EXECUTION, call.region).values()
    if sum(one["PipelineExecutionStatus"] in {EXECUTING, STOPPING} for one in every) >= _MOST:
        raise AwsError("ResourceLimitExceeded", f"The limit of {_MOST} pipeline executions at a time is reached.")


def _launch(plane: Account, region: str, identity: str) -> None:
    plane.jobs.start(f"{EXECUTION.name}/{region}/{identity}", lambda stop: _run(plane, region, identity, stop))


def _run(plane: Account, region: str, identity: str, stop: threading.Event) -> None:
    """Run an execution to its end."""
    with plane.lock:
        record = plane.store.get(EXECUTION, region, identity)
        definition, values = json.loads(record[_DEFINITION] or "{}"), dict(record[_VALUES])
        done = {one["name"]: State(**one) for one in record[_STEPS] if one["status"] == SUCCEEDED}
        record[_STEPS] = [one for one in record[_STEPS] if one["name"] in done]
        parallel = int((record.get("ParallelismConfiguration") or {}).get("MaxParallelExecutionSteps", 0))

    def tell(state: State) -> None:
        with plane.lock:
            kept = {one["name"]: one for one in record[_STEPS]} | {state.name: asdict(state)}
            record[_STEPS] = list(kept.values())
            record["LastModifiedTime"] = now()
            _announce_step(region, record, state)
            plane.saver.soon()

    def cached(step: Json, arguments: Json) -> "tuple[str, Json] | None":
        with plane.lock:
            return _cached(plane, region, record, step, arguments)

    status, reason = FAILED, ""
    try:
        acts = RoleActs(Role(plane, record[_ROLE], region), identity.rpartition("/")[2], stop, tell, cached)
        walk = Walk(definition, Values(values, _execution(record), acts.read), acts, stop, parallel)
        walk.resume(done)
        status = walk.run()
    except Exception as error:
        reason = f"InternalServerError: {error}"
        raise
    finally:
        with plane.lock:
            before_it = record["PipelineExecutionStatus"]
            record |= {"PipelineExecutionStatus": status, "LastModifiedTime": now(), "EndTime": now()}
            if status == FAILED:
                record["FailureReason"] = record["PipelineExecutionFailureReason"] = reason or _FAILURE
            _announce(region, record, before_it)
            plane.saver.soon()


def _execution(record: Record) -> Json:
    """Return what definitions can ask of their execution."""
    arn = record["PipelineExecutionArn"]
    began = record["StartTime"].isoformat()
    return {
        "PipelineExecutionArn": arn,
        "PipelineExecutionId": arn.rpartition("/")[2],
        "PipelineArn": record["PipelineArn"],
        "PipelineName": record["PipelineArn"].rpartition("/")[2],
        "StartDateTime": began,
        "CurrentDateTime": began,
    }


def _cached(plane: Account, region: str, own_one: Record, step: Json, arguments: Json) -> tuple[str, Json] | None:
    """Find what the same step of an earlier execution left, if it was called with the same."""
    found = _AGE.fullmatch(str(step["CacheConfig"].get("ExpireAfter", "")))
    age = dt.timedelta.max
    if found is not None:
        *days, hours, minutes, seconds = (int(one or 0) for one in found.groups())
        whole = sum(count * length for count, length in zip(days, _DAYS, strict=True))
        age = dt.timedelta(days=whole, hours=hours, minutes=minutes, seconds=seconds)
    every = [one for one in plane.store.all(EXECUTION, region).values() if one["PipelineArn"] == own_one["PipelineArn"]]
    for record in sorted(every, key=lambda one: one["StartTime"], reverse=True):
        for one in record[_STEPS] if record is not own_one else []:
            same = one["name"] == step["Name"] and one["status"] == SUCCEEDED and one["arguments"] == arguments
            if same and not one["cached"] and now() - one["end"] <= age:
                return str(record["PipelineExecutionArn"]), one["properties"]
    return None


def _found(call: Call) -> Record:
    return call.plane.store.get(EXECUTION, call.region, call.params["PipelineExecutionArn"])


@own("sagemaker", "DescribePipelineExecution")
def describe(call: Call) -> Json:
    """Tell how an execution is doing."""
    return _found(call)


@own("sagemaker", "ListPipelineExecutions")
def list_executions(call: Call) -> Json:
    """List the executions of a pipeline."""
    found = _executions(call, _pipeline(call.region, call.params["PipelineName"]).pipeline_name)
    times = {f"CreationTime{end}": call.params.get(f"Created{end}") for end in ("After", "Before")}
    return listing(EXECUTION, {**call.params, **times}, found)


@own("sagemaker", "ListPipelineExecutionSteps")
def list_steps(call: Call) -> Json:
    """List the steps that an execution has come to, the last one first."""
    steps = sorted(_found(call)[_STEPS], key=lambda one: one["start"])
    if call.params.get("SortOrder", "Descending") == "Descending":
        steps.reverse()
    return _page(call, "PipelineExecutionSteps", [_shown(one) for one in steps])


def _page(call: Call, member: str, rows: list[Json]) -> Json:
    begin = int((call.params.get("NextToken") or "0").removeprefix("offset-"))
    end = begin + int(call.params.get("MaxResults", 100))
    return {member: rows[begin:end], **({"NextToken": f"offset-{end}"} if end < len(rows) else {})}


def _shown(step: Mapping[str, Any]) -> Json:
    found: Json = {
        "StepName": step["name"],
        "StartTime": step["start"],
        "StepStatus": step["status"],
        "AttemptCount": step["attempts"],
        "Metadata": step["metadata"],
    }
    if step["end"] is not None:
        found["EndTime"] = step["end"]
    if step["reason"]:
        found["FailureReason"] = step["reason"]
    if step["cached"]:
        found["CacheHitResult"] = {"SourcePipelineExecutionArn": step["cached"]}
    return found


@own("sagemaker", "ListPipelineParametersForExecution")
def list_parameters(call: Call) -> Json:
    """List the parameters that an execution has, the defaults too."""
    rows = [{"Name": name, "Value": _text(value)} for name, value in _found(call)[_VALUES].items()]
    return _page(call, "PipelineParameters", rows)


@own("sagemaker", "DescribePipelineDefinitionForExecution")
def describe_definition(call: Call) -> Json:
    """Tell by which definition an execution runs."""
    record = _found(call)
    return {"PipelineDefinition": record[_DEFINITION], "CreationTime": record["CreationTime"]}


@own("sagemaker", "UpdatePipelineExecution")
def update(call: Call) -> Json:
    """Change how an execution is called."""
    record = _found(call)
    members = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
    record |= {name: call.params[name] for name in members if name in call.params}
    record["LastModifiedTime"] = now()
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


@own("sagemaker", "StopPipelineExecution")
def stop(call: Call) -> Json:
    """Stop an execution, and the jobs of its steps."""
    record = _found(call)
    status = record["PipelineExecutionStatus"]
    if status == EXECUTING:
        record |= {"PipelineExecutionStatus": STOPPING, "LastModifiedTime": now()}
        _announce(call.region, record, status)
        call.plane.jobs.stop(_thread(call.region, record))
    elif status != STOPPING:
        raise AwsError("ConflictException", f"The execution {record['PipelineExecutionArn']} is {status}.")
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


@own("sagemaker", "RetryPipelineExecution")
def retry(call: Call) -> Json:
    """Begin an execution again where it failed or was stopped."""
    record = _found(call)
    status = record["PipelineExecutionStatus"]
    if status not in {FAILED, STOPPED}:
        raise AwsError("ConflictException", f"The execution {record['PipelineExecutionArn']} is {status}.")
    _room(call)
    for name in ("FailureReason", "PipelineExecutionFailureReason", "EndTime"):
        record.pop(name, None)
    if "ParallelismConfiguration" in call.params:
        record["ParallelismConfiguration"] = call.params["ParallelismConfiguration"]
    record |= {"PipelineExecutionStatus": EXECUTING, "LastModifiedTime": now()}
    _announce(call.region, record, status)
    _launch(call.plane, call.region, _identity(record))
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


@before("sagemaker", "DeletePipeline")
def check_deletion(call: Call) -> None:
    """Refuse to delete a pipeline that runs."""
    running = [
        one["PipelineExecutionArn"]
        for one in _executions(call, call.params["PipelineName"])
        if one["PipelineExecutionStatus"] in {EXECUTING, STOPPING}
    ]
    if running:
        raise AwsError("ConflictException", f"The pipeline has running executions: {', '.join(running)}")


@after("sagemaker", "DeletePipeline")
def forget(call: Call) -> None:
    """Forget the executions of a pipeline that is gone."""
    for record in _executions(call, call.params["PipelineName"]):
        call.plane.store.delete(EXECUTION, call.region, _identity(record))


def _identity(record: Record) -> str:
    return str(record["PipelineExecutionArn"]).partition(":pipeline/")[2]


def _thread(region: str, record: Record) -> str:
    return f"{EXECUTION.name}/{region}/{_identity(record)}"


def _announce(region: str, record: Record, before_it: str) -> None:
    detail = {
        "pipelineExecutionDescription": record.get("PipelineExecutionDescription", ""),
        "pipelineExecutionDisplayName": record["PipelineExecutionDisplayName"],
        "currentPipelineExecutionStatus": record["PipelineExecutionStatus"],
        "previousPipelineExecutionStatus": before_it,
        "executionStartTime": _moment(record["StartTime"]),
        "pipelineArn": record["PipelineArn"],
        "pipelineExecutionArn": record["PipelineExecutionArn"],
        **({"executionEndTime": _moment(record["EndTime"])} if "EndTime" in record else {}),
    }
    announce(region, CHANGED, detail, [record["PipelineArn"], record["PipelineExecutionArn"]])


def _announce_step(region: str, record: Record, state: State) -> None:
    detail = {
        "metadata": metadata_of(state.metadata),
        "stepStartTime": _moment(state.start),
        "stepName": state.name,
        "stepType": state.type,
        "previousStepStatus": state.before,
        "currentStepStatus": state.status,
        "pipelineArn": record["PipelineArn"],
        "pipelineExecutionArn": record["PipelineExecutionArn"],
        **({"stepEndTime": _moment(state.end)} if state.end else {}),
        **({"failureReason": state.reason} if state.reason else {}),
        **({"cacheHitResult": {"sourcePipelineExecutionArn": state.cached}} if state.cached else {}),
    }
    announce(region, STEP_CHANGED, detail, [record["PipelineArn"], record["PipelineExecutionArn"]])


def _moment(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def recover(plane: Account) -> None:
    """Note of executions that ran when the plane was stopped that nothing runs them any more."""
    for kind, _identity_of, record in list(plane.store.everything()):
        if kind == EXECUTION.name and record["PipelineExecutionStatus"] in {EXECUTING, STOPPING}:
            moment = now()
            for one in record[_STEPS]:
                if one["status"] not in {SUCCEEDED, FAILED, STOPPED}:
                    one |= {"status": FAILED, "reason": _LOST, "end": moment}
            record |= {"PipelineExecutionStatus": FAILED, "FailureReason": _LOST, "EndTime": moment}
