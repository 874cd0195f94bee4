"""Between the SDK's properties and the bodies of Azure Resource Manager: nothing but values in and values out."""

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_mlops_sandbox.azure.provider.row import ENVELOPE, Row
from pulumi_mlops_sandbox.provider.contract import Values
from pulumi_mlops_sandbox.provider.diff import DEFAULTS, loosely
from pulumi_mlops_sandbox.provider.schema import Property, Type
from pulumi_mlops_sandbox.provider.values import UNKNOWN

IDENTITIES = "userAssignedIdentities"
"""A list of ids in a program, a map in a body: the only one of its sort among the kinds of the table."""
_ANY = Type("any")
_SUBSCRIPTIONS = "/subscriptions/"


# To the wire


def request(row: Row, inputs: Values) -> Values:
    """Make the body of a PUT."""
    wire: Values = {}
    inner: Values = {}
    for name, value in inputs.items():
        if value is None or name == DEFAULTS or name in row.parameters or name in row.query:
            continue
        into = wire if row.kept or row.bare or _beside(row, name) else inner
        into[_sent(row, name, name)] = _outward(row, value, name)
    if inner:
        wire["properties"] = inner
    return wire


def _beside(row: Row, name: str) -> bool:
    return name in row.beside or (name in ENVELOPE and name not in row.inside)


def _sent(row: Row, path: str, name: str) -> str:
    return row.renames.get(path) or row.renames.get(f"*.{name}") or name


def _outward(row: Row, value: Any, path: str) -> Any:
    if isinstance(value, list):
        if path.rsplit(".", 1)[-1] == IDENTITIES:
            return {str(item): {} for item in value}
        return [_outward(row, item, path) for item in value]
    if not isinstance(value, dict):
        return value
    members = {
        _sent(row, f"{path}.{name}", name): _outward(row, item, f"{path}.{name}")
        for name, item in value.items()
        if item is not None
    }
    outer = row.inner.get(path)
    if outer is None:
        return members
    own = {name: item for name, item in members.items() if name in outer}
    rest = {name: item for name, item in members.items() if name not in outer}
    return {**own, **({"properties": rest} if rest else {})}


# From the wire


def answer(row: Row, wire: Values, outputs: Mapping[str, Property]) -> Values:
    """Read what a GET has returned: the outputs of the SDK's class."""
    if row.kept or row.bare:
        return _members(row, wire)
    properties = wire.get("properties") or {}
    beside = {name: item for name, item in wire.items() if name != "properties"}
    kept = {"properties": properties} if "properties" in outputs else {}
    return {**_members(row, properties), **_members(row, beside, renamed=False), **kept}


def _members(row: Row, wire: Values, *, renamed: bool = True) -> Values:
    found: Values = {}
    for wire_name, value in wire.items():
        name = _received(row, "", wire_name) if renamed else wire_name
        found[name] = _inward(row, value, name)
    return found


def _received(row: Row, path: str, wire_name: str) -> str:
    for rule, target in row.renames.items():
        before, _, name = rule.rpartition(".")
        if target == wire_name and before in {path, "*"}:
            return name
    return wire_name


def _inward(row: Row, value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_inward(row, item, path) for item in value]
    if not isinstance(value, dict):
        return value
    if path in row.inner and isinstance(value.get("properties"), dict):
        value = {**value["properties"], **{name: item for name, item in value.items() if name != "properties"}}
    found: Values = {}
    for wire_name, item in value.items():
        name = _received(row, path, wire_name)
        found[name] = _inward(row, item, f"{path}.{name}")
    return found


# Outputs in the form of inputs, and back


def as_inputs(row: Row, state: Values, inputs: Values, fields: Mapping[str, Property], before: Values) -> Values:
    """Return outputs as a program would have written them.

    What the program gave and Azure does not return is gone (None) if it was there before; else Azure never tells it.
    """
    # Where a property of the body is called as one of its envelope, an SDK does not flatten its answer.
    apart: Values = {} if row.kept else state.get("properties") or {}
    found: Values = {}
    for name, item in fields.items():
        if name in row.parameters or name in row.query:
            continue
        own = name in apart and not _beside(row, name)
        read = _inward(row, apart[name], name) if own else state.get(name)
        if read is not None:
            found[name] = _spelled(read, inputs.get(name), before.get(name), item.type, name)
        elif name in inputs and before.get(name) is not None:
            found[name] = None
    return found


def _spelled(read: Any, asked: Any, before: Any, kind: Type, path: str) -> Any:
    if isinstance(read, dict) and kind.form == "list" and path.rsplit(".", 1)[-1] == IDENTITIES:
        return _identities(read, asked if isinstance(asked, list) else [])
    if isinstance(read, dict):
        return _spelled_object(read, asked if isinstance(asked, dict) else {}, before, kind, path)
    if isinstance(read, list):
        given = asked if isinstance(asked, list) and len(asked) == len(read) else [None] * len(read)
        was = before if isinstance(before, list) and len(before) == len(read) else [None] * len(read)
        inner = kind.item or _ANY
        return [_spelled(*item, inner, path) for item in zip(read, given, was, strict=True)]
    same_id = isinstance(read, str) and isinstance(asked, str) and asked.startswith(_SUBSCRIPTIONS)
    if (same_id and read.lower() == asked.lower()) or (path == "location" and asked and loosely(read, asked)):
        return asked
    return read


def _identities(read: Values, asked: list[Any]) -> list[Any]:
    """List the ids of a map, in the program's order and spelling."""
    order = {str(item).lower(): index for index, item in enumerate(asked)}
    spelt = {str(item).lower(): item for item in asked}
    ids = sorted(read, key=lambda item: (order.get(item.lower(), len(order)), item))
    return [spelt.get(item.lower(), item) for item in ids]


def _spelled_object(read: Values, asked: Values, before: Any, kind: Type, path: str) -> Values:
    was: Values = before if isinstance(before, dict) else {}
    found: Values = {}
    for name, item in read.items():
        if kind.form != "object" or name in kind.fields:
            inner = kind.fields[name].type if name in kind.fields else kind.item or _ANY
            found[name] = _spelled(item, asked.get(name), was.get(name), inner, f"{path}.{name}")
    for name, wanted in asked.items():
        if name not in read and name not in was:
            found[name] = wanted
        elif name not in read and kind.form == "object":
            found[name] = None
    return found


def foreseen(inputs: Values, state: Values, fields: Mapping[str, Property], outputs: Mapping[str, Property]) -> Values:
    """Return inputs in the form of outputs: what Azure adds is unknown, or as it was."""
    return {
        name: _shaped(item, state.get(name), fields[name].type, outputs[name].type)
        if name in fields and name in outputs
        else item
        for name, item in inputs.items()
    }


def _shaped(value: Any, before: Any, given: Type, returned: Type) -> Any:
    if isinstance(value, list) and given.form == "list" and returned.form == "map":  # the ids of identities
        same = isinstance(before, dict) and {str(item).lower() for item in value} == {item.lower() for item in before}
        return before if same else UNKNOWN
    if isinstance(value, list) and given.item and returned.item:
        old = before if isinstance(before, list) and len(before) == len(value) else [None] * len(value)
        return [_shaped(item, was, given.item, returned.item) for item, was in zip(value, old, strict=True)]
    if not isinstance(value, dict) or given.form != "object" or returned.form != "object":
        return value
    there: Values = before if isinstance(before, dict) else {}
    shaped = {
        name: _shaped(item, there.get(name), given.fields[name].type, returned.fields[name].type)
        if name in given.fields and name in returned.fields
        else item
        for name, item in value.items()
    }
    added = {
        name: there.get(name, UNKNOWN) for name in returned.fields if name not in given.fields and name not in value
    }
    return {**added, **shaped}


def at(values: Values, path: str) -> Any:
    """Return what stands at a dotted path."""
    found: Any = values
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def put(values: Values, path: str, item: Any) -> None:
    """Set what stands at a dotted path."""
    *outer, last = path.split(".")
    for step in outer:
        values = values.setdefault(step, {})
    values[last] = item


def walk(fields: Mapping[str, Property], found: Callable[[str, Type], None], path: str = "") -> None:
    """Visit every property, nested ones too."""
    for name, item in fields.items():
        step = f"{path}.{name}" if path else name
        kind = item.type
        found(step, kind)
        while kind.item is not None and kind.form == "list":
            kind = kind.item
        walk(kind.fields, found, step)
