"""Cloud Control: CloudFormation's resource types, on top of the services' own operations.

https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/Welcome.html
The schemas are CloudFormation's own, as cfn-lint carries them. What each type does is in `cloudcontrol_types`.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import jsonpatch
import jsonpointer
import jsonschema
import regex

from pulumi_mlops_sandbox.aws import cloudcontrol_types as types
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import Operation, own
from pulumi_mlops_sandbox.aws.store import Record, now


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    r"""Match with `regex`: the schemas use \p{…}, which `re` does not know."""
    if isinstance(instance, str) and not regex.search(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # the stubs leave it so
    jsonschema.Draft7Validator, {"pattern": _pattern}
)
RUNNING = {"PENDING", "IN_PROGRESS"}
# Error of a service's operation -> HandlerErrorCode of the progress event.
HANDLER_CODES = {
    "AccessDeniedException": "AccessDenied",
    "ConflictException": "ResourceConflict",
    "ExpiredTokenException": "InvalidCredentials",
    "InternalFailure": "InternalFailure",
    "ResourceInUse": "ResourceConflict",
    "ResourceLimitExceeded": "ServiceLimitExceeded",
    "ResourceNotFound": "NotFound",
    "ServiceUnavailable": "ServiceInternalError",
    "Throttling": "Throttling",
    "ThrottlingException": "Throttling",
}


def _idempotent(operation: Operation) -> Operation:
    """Answer a request that is repeated with its client token as it was answered the first time."""

    def answer(call: Call) -> dict[str, Any] | None:
        client = call.params.get("ClientToken")
        known: dict[str, list[str]] = call.plane.store.extra.setdefault("client_tokens", {})
        fingerprint = hashlib.sha256(json.dumps([call.operation, call.params], sort_keys=True).encode()).hexdigest()
        if client in known:
            before, token = known[client]
            if before != fingerprint:
                raise AwsError(
                    "ClientTokenConflictException", f"The client token {client} was used for another request"
                )
            return {"ProgressEvent": _event(_requests(call)[token])}
        result = operation(call)
        if client is not None and result is not None:
            known[client] = [fingerprint, result["ProgressEvent"]["RequestToken"]]
        return result

    return answer


@own("cloudcontrol", "CreateResource")
@_idempotent
def create(call: Call) -> dict[str, Any]:
    """Start to create a resource from its desired state."""
    kind = types.find(call.params["TypeName"], "CREATE")
    desired = _json_object(call.params["DesiredState"], "DesiredState")
    _validate(kind, desired)
    name_field = kind.kind.id_field
    if name_field not in desired:
        desired[name_field] = f"{kind.kind.name}-{secrets.token_hex(6)}"
    identifier = kind.identifier(call, desired[name_field])
    return _start(call, kind, "CREATE", identifier, kind.creation(desired))


@own("cloudcontrol", "UpdateResource")
@_idempotent
def update(call: Call) -> dict[str, Any]:
    """Start to change a resource by a JSON patch of its present state."""
    kind = types.find(call.params["TypeName"], "UPDATE")
    identifier = call.params["Identifier"]
    current = kind.model(call, _existing(call, kind, identifier))
    try:
        wanted = jsonpatch.JsonPatch(json.loads(call.params["PatchDocument"])).apply(current)
    except (ValueError, TypeError, KeyError, jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise AwsError("InvalidRequestException", f"The PatchDocument cannot be applied: {error}") from None
    changed = [path for path in kind.schema["createOnlyProperties"] if _at(current, path) != _at(wanted, path)]
    if changed:
        raise AwsError(
            "NotUpdatableException",
            f"Resource of type '{kind.name}' with identifier '{identifier}' is not updatable with parameters: "
            f"createOnlyProperties {changed} cannot be changed",
        )
    fixed = [path for path in kind.schema.get("readOnlyProperties", []) if _at(current, path) != _at(wanted, path)]
    if fixed:
        raise invalid(f"Encountered readOnlyProperties {fixed} in the patch, which cannot be set")
    _validate(kind, types.without(wanted, kind.schema.get("readOnlyProperties", [])))
    return _start(call, kind, "UPDATE", identifier, kind.changes(call, identifier, current, wanted))


@own("cloudcontrol", "DeleteResource")
@_idempotent
def delete(call: Call) -> dict[str, Any]:
    """Start to delete a resource."""
    kind = types.find(call.params["TypeName"], "DELETE")
    identifier = call.params["Identifier"]
    name = kind.record_name(identifier)
    return _start(call, kind, "DELETE", identifier, [(f"Delete{kind.kind.name}", {kind.kind.id_field: name})])


@own("cloudcontrol", "GetResource")
def get(call: Call) -> dict[str, Any]:
    """Describe a resource as its type's schema does."""
    kind = types.find(call.params["TypeName"], "READ")
    model = kind.model(call, _existing(call, kind, call.params["Identifier"]))
    return {
        "TypeName": kind.name,
        "ResourceDescription": {"Identifier": call.params["Identifier"], "Properties": json.dumps(model)},
    }


@own("cloudcontrol", "ListResources")
def list_resources(call: Call) -> dict[str, Any]:
    """List the resources of a type."""
    kind = types.find(call.params["TypeName"], "LIST")
    descriptions = []
    for name, record in call.plane.store.all(kind.kind, call.region).items():
        model = {
            path.split("/")[-1]: kind.model(call, record)[path.split("/")[-1]]
            for path in kind.schema["primaryIdentifier"]
        }
        descriptions.append({"Identifier": kind.identifier(call, name), "Properties": json.dumps(model)})
    return {"TypeName": kind.name, "ResourceDescriptions": descriptions}


@own("cloudcontrol", "GetResourceRequestStatus")
def status(call: Call) -> dict[str, Any]:
    """Say how far a request has come."""
    request = _request(call)
    _advance(call, request)
    return {"ProgressEvent": _event(request)}


@own("cloudcontrol", "ListResourceRequests")
def list_requests(call: Call) -> dict[str, Any]:
    """List the requests, newest first."""
    wanted = call.params.get("ResourceRequestStatusFilter") or {}
    events = []
    for request in reversed(_requests(call).values()):
        _advance(call, request)
        event = _event(request)
        if event["Operation"] in wanted.get("Operations", [event["Operation"]]) and event[
            "OperationStatus"
        ] in wanted.get("OperationStatuses", [event["OperationStatus"]]):
            events.append(event)
    return {"ResourceRequestStatusSummaries": events[: call.params.get("MaxResults", 100)]}


@own("cloudcontrol", "CancelResourceRequest")
def cancel(call: Call) -> dict[str, Any]:
    """Give up a request that is still running; what it has begun goes on."""
    request = _request(call)
    _advance(call, request)
    if request["OperationStatus"] not in RUNNING:
        raise AwsError(
            "ConcurrentModificationException", f"The request is {request['OperationStatus']} and cannot be cancelled"
        )
    request["OperationStatus"] = "CANCEL_COMPLETE"
    return {"ProgressEvent": _event(request)}


def _start(call: Call, kind: types.Type, operation: str, identifier: str, todo: list[types.Step]) -> dict[str, Any]:
    """Keep a request and take its first step."""
    for request in _requests(call).values():
        _advance(call, request)
        if request["Identifier"] == identifier and request["OperationStatus"] in RUNNING:
            raise AwsError(
                "ConcurrentOperationException",
                f"Another operation on {identifier} is in progress: {request['RequestToken']}",
            )
    token = str(uuid.uuid4())
    request = {
        "TypeName": kind.name,
        "Identifier": identifier,
        "RequestToken": token,
        "Operation": operation,
        "OperationStatus": "IN_PROGRESS",
        "EventTime": now(),
        "todo": todo,
        "region": call.region,
    }
    _requests(call)[token] = request
    _next_step(call, request)
    return {"ProgressEvent": _event(request)}


def _advance(call: Call, request: Record) -> None:
    """Take the next step of a request when the last one has settled."""
    if request["OperationStatus"] not in RUNNING:
        return
    kind = types.TYPES[request["TypeName"]]
    record = call.plane.store.all(kind.kind, request["region"]).get(kind.record_name(request["Identifier"]))
    outcome = kind.outcome(record, request["Operation"], request.get("expected", {}))
    if outcome == "wait":
        return
    if outcome != "done":
        _fail(request, "NotStabilized", outcome)
    elif request["todo"]:
        _next_step(call, request)
    else:
        request |= {"OperationStatus": "SUCCESS", "EventTime": now()}


def _next_step(call: Call, request: Record) -> None:
    """Perform operations until one takes time."""
    if not request["todo"]:
        request |= {"OperationStatus": "SUCCESS", "EventTime": now()}
        return
    operation, params = request["todo"].pop(0)
    request["expected"] = params
    try:
        call.plane.call("sagemaker", operation, params, request["region"])
    except AwsError as error:
        _fail(request, _handler_code(error, request), error.message)


def _fail(request: Record, code: str, message: str) -> None:
    request |= {
        "OperationStatus": "FAILED",
        "ErrorCode": code,
        "StatusMessage": message,
        "EventTime": now(),
        "todo": [],
    }


def _handler_code(error: AwsError, request: Record) -> str:
    kind = types.TYPES[request["TypeName"]].kind
    own_arn = f":{kind.arn_path.format(id='')}" in error.message
    if request["Operation"] == "CREATE" and error.code == kind.exists[0] and ("already exist" in error.message.lower()):
        return "AlreadyExists"
    if error.code == kind.missing[0] and error.message.startswith("Could not find") and own_arn:
        return "NotFound"
    return HANDLER_CODES.get(
        error.code,
        "InvalidRequest" if error.code.startswith(("Validation", "Serialization")) else "GeneralServiceException",
    )


def _requests(call: Call) -> dict[str, Record]:
    requests: dict[str, Record] = call.plane.store.extra.setdefault("resource_requests", {})
    return requests


def _request(call: Call) -> Record:
    token = call.params["RequestToken"]
    if token not in _requests(call):
        raise AwsError("RequestTokenNotFoundException", f"Request with token {token} was not found")
    return _requests(call)[token]


def _event(request: Record) -> Record:
    return {name: value for name, value in request.items() if name not in {"todo", "region", "expected"}}


def _existing(call: Call, kind: types.Type, identifier: str) -> Record:
    record = call.plane.store.all(kind.kind, call.region).get(kind.record_name(identifier))
    if record is None or kind.identifier(call, record[kind.kind.id_field]) != identifier:
        raise AwsError(
            "ResourceNotFoundException", f"Resource of type '{kind.name}' with identifier '{identifier}' was not found."
        )
    return record


def _json_object(text: str, member: str) -> Record:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise AwsError("InvalidRequestException", f"{member} is not a JSON object")
    return value


def _validate(kind: types.Type, desired: Record) -> None:
    given = [path for path in kind.schema.get("readOnlyProperties", []) if _at(desired, path) is not None]
    if given:
        raise invalid(f"Encountered readOnlyProperties {given} in the desired state, which cannot be set")
    found = sorted(_Validator(kind.schema).iter_errors(desired), key=str)
    if found:
        text = "; ".join(f"#/{'/'.join(str(part) for part in error.path)}: {error.message}" for error in found)
        raise invalid(f"Model validation failed ({text})")


def _at(model: Record, path: str) -> Any:
    return jsonpointer.resolve_pointer(model, path.removeprefix("/properties"), None)
