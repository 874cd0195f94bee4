"""GET, PUT, PATCH, DELETE and lists of resources, as Resource Manager does them."""

import copy
import json
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from pulumi_mlops_sandbox.azure import ids, listing, operations, placing, removal
from pulumi_mlops_sandbox.azure.call import (
    EFFECTS,
    MAKES,
    ON_DELETE,
    OUTCOMES,
    RULES,
    Answer,
    Call,
    registered,
)
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem, invalid, not_found
from pulumi_mlops_sandbox.azure.store import GOING, Operation, Record
from pulumi_mlops_sandbox.azure.types import judge
from pulumi_mlops_sandbox.azure.view import merged, shown

IGNORED = ("id", "name", "type", "apiVersion", "systemData")


def get(call: Call) -> Answer:
    """Show a resource."""
    record = _present(call)
    return Answer(200, show(call, record), {"ETag": etag(record)})


def show(call: Call, record: Record) -> dict[str, Any]:
    """Write a resource as it is shown."""
    view = shown(record, judge.without_secrets)
    return listing.with_versions(call.store, record, view)


def many(call: Call) -> Answer:
    """List resources, in pages."""
    found = listing.find(call)
    size = min(int(call.query.get("$top", listing.PAGE)), listing.PAGE)
    start = int(call.query.get("$skip", "0") or "0")
    page: dict[str, Any] = {"value": [show(call, record) for record in found[start : start + size]]}
    if start + size < len(found) and "$top" not in call.query:
        query = urlencode({**call.query, "$skip": start + size})
        page["nextLink"] = f"{call.tenant.url}{call.address.id}?{query}"
    return Answer(200, page)


def put(call: Call) -> Answer:
    """Create a resource, or replace its whole body."""
    body = {key: value for key, value in call.body.items() if key not in IGNORED}
    if call.kind.patch is not None or call.kind.located:  # a resource that has tags
        body = {key: value for key, value in body.items() if value is not None}
    call.body = body
    placing.place(call)
    _unhindered(call)
    _conditions(call)
    _judged(call, judge.problems(call))
    return _write(call)


def patch(call: Call) -> Answer:
    """Change a part of a resource."""
    record = _present(call)
    allowed = call.kind.patch
    if allowed == ():
        raise ArmError("HttpMethodNotSupported", f"The HTTP method PATCH is not supported for '{call.kind.type}'.", 405)
    _unhindered(call)
    _conditions(call)
    call.body = {key: value for key, value in call.body.items() if key not in IGNORED}
    if allowed is not None:
        _judged(call, list(_beyond(call.body, allowed)))
    given = judge.problems(call, partial=True)
    call.body = _patched(record.body, call.body)
    _judged(call, given)
    return _write(call)


def delete(call: Call) -> Answer:
    """Delete a resource with all that lies in it."""
    record, purge = call.existing, call.query.get("forceToPurge", "").lower() == "true"
    if record is None:
        if purge and call.store.deleted.pop(call.address.key, None) is not None:
            return Answer(200)
        return Answer(204)
    if record.state == "Deleting":
        raise _going(record)
    _conditions(call)
    for check in registered(ON_DELETE, call.kind.type):
        found = list(check(call) or ())
        if found:
            raise invalid(call.kind.namespace, found)
    if purge:
        record.made["purge"] = True
    if "delete" not in call.kind.later:
        removal.remove(call.tenant, record)
        return Answer(200)
    operation = operations.begin(call.tenant, record, "Deleting", _planned(call, "Deletion"))
    return Answer(202, None, _links(call, operation))


def etag(record: Record) -> str:
    """Tell one content of a resource from another."""
    return f'"{record.version:08x}-{int(record.created)}"'


def _present(call: Call) -> Record:
    if call.existing is None:
        placing.parents(call)
        if call.address.type == ids.GROUPS:
            raise placing.no_group(call.address.name)
        raise not_found(call.address)
    return call.existing


def _unhindered(call: Call) -> None:
    if call.existing is not None and call.existing.state in GOING:
        raise _going(call.existing)


def _going(record: Record) -> ArmError:
    return ArmError(
        "AnotherOperationInProgress",
        f"Another operation on '{record.id}' is in progress ({record.state}). Try again when it has ended.",
        409,
    )


def _conditions(call: Call) -> None:
    """Honour ETags, which Machine Learning alone does not look at."""
    if call.kind.type.startswith("Microsoft.MachineLearningServices"):
        return
    match, none = call.headers.get("If-Match"), call.headers.get("If-None-Match")
    found = etag(call.existing) if call.existing else None
    if (match and match not in {found, "*"}) or (match and found is None):
        raise ArmError("PreconditionFailed", f"The condition 'If-Match: {match}' is not met: the ETag is {found}.", 412)
    if none == "*" and found is not None:
        raise ArmError("PreconditionFailed", f"The resource exists already, against 'If-None-Match: {none}'.", 412)


def _judged(call: Call, problems: Iterable[Problem]) -> None:
    """Say everything that is wrong in one error."""
    found = list(problems)
    if found:  # the rules read bodies whose shape is right
        raise invalid(call.kind.namespace, found)


def _rules(call: Call) -> None:
    found: list[Problem] = []
    for check in registered(RULES, call.kind.type):
        found += check(call) or ()
    _judged(call, found)


def _beyond(body: dict[str, Any], allowed: tuple[str, ...]) -> Iterable[Problem]:
    top = {path.split(".")[0] for path in allowed}
    inner = {path.split(".", 1)[1] for path in allowed if "." in path}
    for name, value in body.items():
        if name not in top:
            yield Problem(name, f"a PATCH cannot change it, only {', '.join(allowed)}: PUT the whole resource")
        elif name == "properties" and inner and isinstance(value, dict):
            for key in value.keys() - inner:
                yield Problem(f"properties.{key}", "a PATCH cannot change it: PUT the whole resource")


def _patched(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Lay a change over a body; a null removes, and tags are replaced as a whole."""
    after = copy.deepcopy(before)
    for key, value in change.items():
        if value is None:
            after.pop(key, None)
        elif key != "tags" and isinstance(value, dict) and isinstance(after.get(key), dict):
            after[key] = _patched(after[key], value)
        else:
            after[key] = value
    return after


def _write(call: Call) -> Answer:
    _rules(call)
    address, before = call.address, call.existing
    again = call.kind.again or (before is not None and before.state != operations.FINAL)
    if before is not None and not again and _same(before.body, call.body):
        return Answer(200, show(call, before), {"ETag": etag(before)})
    record = Record(
        before.id if before else address.id,
        call.kind.type,
        before.name if before else address.name,
        call.body,
        copy.deepcopy(before.made) if before else {},
        by=before.by if before else call.principal,
    )
    if before is not None:
        record.version, record.created, record.changed = before.version + 1, before.created, time.time()
        record.own = before.own
    made: dict[str, Any] = {}
    for make in registered(MAKES, call.kind.type):
        made = merged(made, make(call, record))
        record.made = merged(record.made, made)
    record.made = made
    if before is None:
        _recovered(call, record)
    failure = _failure(call, record)
    call.store.put(record)
    for follow in registered(EFFECTS, call.kind.type):
        follow(call, record)
    status = 201 if before is None else 200
    if "put" not in call.kind.later:
        if failure is not None:
            if before is None:
                call.store.remove(record.id)
            else:
                call.store.put(before)
            raise failure
        return Answer(status, show(call, record), {"ETag": etag(record)})
    operation = operations.begin(call.tenant, record, "Updating" if before else "Creating", failure)
    if call.kind.quiet and operation.status == "InProgress":
        headers = _links(call, operation)
        del headers["Azure-AsyncOperation"]
        return Answer(202, None, headers)
    return Answer(status, show(call, record), {"ETag": etag(record), **_links(call, operation)})


def _recovered(call: Call, record: Record) -> None:
    if record.key in call.store.deleted:
        removal.recover(call.tenant, record.key)


def _failure(call: Call, record: Record) -> ArmError | None:
    planned = _planned(call, "Update" if call.existing else "Creation")
    if planned is not None:
        return planned
    for decide in registered(OUTCOMES, call.kind.type):
        failure: ArmError | None = decide(call, record)
        if failure is not None:
            return failure
    return None


def _planned(call: Call, what: str) -> ArmError | None:
    """Find what a test wants to go wrong once the request itself was accepted."""
    service = call.kind.namespace
    why = call.tenant.faults.ending(service, f"{'/'.join(call.address.types)} {what}")
    return None if why is None else ArmError("InternalServerError", why)


def _links(call: Call, operation: Operation) -> dict[str, str]:
    version = call.query.get("api-version", "2024-01-01")
    return operations.links(call.tenant, operation, call.address.subscription, call.kind.namespace, version)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
