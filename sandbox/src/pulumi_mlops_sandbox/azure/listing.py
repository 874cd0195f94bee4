"""Which resources a list shows, and what a container knows of its versions."""

import re
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call
from pulumi_mlops_sandbox.azure.store import Record, Store

PAGE = 100
VERSIONED = re.compile(
    r"microsoft\.machinelearningservices/(workspaces|registries)/"
    r"(codes|components|data|environments|models|featuresets|featurestoreentities)$"
)
_EQUALS = re.compile(r"(?:properties/)?(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)
_ASSIGNED = re.compile(r"(?:assignedTo)\('([^']*)'\)", re.IGNORECASE)
_VIEWS: dict[str, Callable[[Record], bool]] = {
    "activeonly": lambda record: not record.properties.get("isArchived", False),
    "archivedonly": lambda record: bool(record.properties.get("isArchived", False)),
    "enabledonly": lambda record: bool(record.properties.get("isEnabled", True)),
    "disabledonly": lambda record: not record.properties.get("isEnabled", True),
}


def find(call: Call) -> list[Record]:
    """Find what a list shows, in its order."""
    address = call.address
    if address.type.lower() == "microsoft.resources/resources":
        found = [record for record in call.store.records.values() if _top(record, address.scope)]
    elif call.kind.hangs:
        found = [record for record in call.store.of_type(call.kind.type) if _near(record, address.scope)]
    else:
        found = [record for record in call.store.of_type(call.kind.type) if _there(record, call)]
    return _ordered(call, _filtered(call, [record for record in found if record.state != "Deleting"]))


def _top(record: Record, scope: str) -> bool:
    address = ids.parse(record.id)
    return (
        len(address.types) == 1 and bool(address.group) and ids.within(record.id, scope) and address.type != ids.GROUPS
    )


def _near(record: Record, scope: str) -> bool:
    at = ids.parse(record.id).scope
    return ids.within(at, scope) or ids.within(scope, at)


def _there(record: Record, call: Call) -> bool:
    """Whether a resource is in the collection; that of a subscription has those of all its groups."""
    here = ids.parse(record.id)
    wanted = call.address.parent
    if here.parent.lower() == wanted.lower():
        return True
    return len(here.types) == 1 and not call.address.group and ids.within(here.parent, wanted)


def _filtered(call: Call, found: list[Record]) -> list[Record]:
    view = _VIEWS.get(call.query.get("listViewType", "").lower())
    if view is not None:
        found = [record for record in found if view(record)]
    if wanted := call.query.get("jobType", ""):
        found = [record for record in found if _said(record, "jobType").lower() == wanted.lower()]
    told = call.query.get("$filter", "")
    if "atscope()" in told.lower():
        found = [record for record in found if ids.within(call.address.scope, ids.parse(record.id).scope)]
    for name, value in _EQUALS.findall(told):
        found = [record for record in found if _said(record, name).lower() == value.lower()]
    for value in _ASSIGNED.findall(told):
        found = [record for record in found if str(record.properties.get("principalId")).lower() == value.lower()]
    return found


def _said(record: Record, name: str) -> str:
    own = {"resourcetype": record.type, "name": record.name}
    return own.get(name.lower(), "") or str(record.at(f"properties.{name}", ""))


def _ordered(call: Call, found: list[Record]) -> list[Record]:
    order = call.query.get("$orderBy", call.query.get("orderBy", "")).lower()
    if order.startswith(("createdtime", "createdat")):
        return sorted(found, key=lambda record: record.created, reverse=order.endswith("desc"))
    return found


def with_versions(store: Store, record: Record, view: dict[str, Any]) -> dict[str, Any]:
    """Add the latest and the next version to a container of versions."""
    if not VERSIONED.match(record.type.lower()):
        return view
    versions = list(store.of_type(f"{record.type}/versions", record.id))
    numbers = [int(one.name) for one in versions if one.name.isdigit()]
    latest = max(versions, key=lambda one: one.created).name if versions else None
    properties = {"isArchived": False} | view.get("properties", {})
    view["properties"] = properties | {"latestVersion": latest, "nextVersion": str(max(numbers, default=0) + 1)}
    return view
