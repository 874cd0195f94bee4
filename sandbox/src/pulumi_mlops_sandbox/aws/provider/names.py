"""Between Pulumi's property names and the members of AWS's shapes.

The rule: camel case with a capital first; then without regard to case; then singular for plural. What the rule does not
find is an entry in the table (``rename``).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pulumi_mlops_sandbox.provider.schema import Property, Type

Renames = Mapping[str, str]
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")


def member(name: str, shape: StructureShape, renames: Renames, path: str = "") -> str | None:
    """Find the member that a property names, or None."""
    if path in renames:
        return renames[path] if renames[path] in shape.members or "." in renames[path] else None
    return _guess(name, shape)


def _guess(name: str, shape: StructureShape) -> str | None:
    table = _by_lower(shape)
    lower = name.lower()
    candidates = [lower, lower + "s", lower.removesuffix("s"), lower + "list", re.sub("ies$", "y", lower), lower + "es"]
    return next((table[item] for item in candidates if item in table), None)


@cache
def _members(names: tuple[str, ...]) -> Mapping[str, str]:
    return {name.replace("_", "").lower(): name for name in names}


def _by_lower(shape: StructureShape) -> Mapping[str, str]:
    return _members(tuple(shape.members))


def place(shape: Shape, at: str) -> Shape:
    """Return the shape at a place."""
    for step in _STEP.findall(at):
        shape = cast("ListShape", shape).member if step.startswith("[") else cast("StructureShape", shape).members[step]
    return shape


def look(data: Any, at: str) -> Any:
    """Return the value at a place, or None."""
    for step in _STEP.findall(at):
        if data is None:
            return None
        if step.startswith("["):
            index = int(step[1:-1])
            data = data[index] if index < len(data) else None
        else:
            data = data.get(step)
    return data


def to_wire(value: Any, kind: Type, shape: Shape, renames: Renames, path: str = "") -> Any:
    """Translate a property's value into what the shape wants."""
    if isinstance(shape, StructureShape):
        if isinstance(value, list):  # one block, which the SDK has as a list
            item = kind.item or Type("any")
            return to_wire(value[0], item, shape, renames, path) if value else {}
        return structure(value, kind.fields, shape, renames, path)
    if isinstance(shape, ListShape):
        if isinstance(value, dict) and kind.form == "map":
            return pairs(value, shape)
        items = value if isinstance(value, list) else [value]
        item = kind.item if isinstance(value, list) and kind.item else kind
        return [to_wire(entry, item, shape.member, renames, path) for entry in items]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_wire(item, kind.item or Type("any"), shape.value, renames, path) for key, item in value.items()}
    return _scalar_out(value, shape.type_name)


def structure(
    values: Mapping[str, Any], fields: Mapping[str, Property], shape: StructureShape, renames: Renames, path: str
) -> dict[str, Any]:
    """Translate an object; what no member takes is left out (the table's test sees to it that there is none)."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        step = f"{path}.{name}" if path else name
        target = member(name, shape, renames, step)
        if target is None or value is None:
            continue
        kind = fields[name].type if name in fields else Type("any")
        *outer, last = target.split(".")
        into = result
        for part in outer:  # a flat property of the SDK that is nested in the API
            into = into.setdefault(part, {})
        into[last] = to_wire(value, kind, place(shape, target), renames, step)
    return result


def pairs(value: Mapping[str, Any], shape: ListShape) -> list[dict[str, Any]]:
    """Translate a map into a list of pairs, as in dimensions and tags."""
    key, content = list(cast("StructureShape", shape.member).members)[:2]
    return [{key: name, content: item} for name, item in value.items()]


def _scalar_out(value: Any, type_name: str) -> Any:
    match type_name:
        case "string":
            return str(value).lower() if isinstance(value, bool) else str(value)
        case "integer" | "long":
            return int(float(value))
        case "float" | "double":
            return float(value)
        case "boolean" if isinstance(value, str):
            return value == "true"
        case _:
            return value


def from_wire(data: Any, kind: Type, shape: Shape, renames: Renames, path: str = "") -> Any:
    """Translate what the API returned into a property's value."""
    if isinstance(data, list):
        return _list_in(data, kind, shape, renames, path)
    if isinstance(data, dict) and kind.form == "list":
        return [from_wire(data, kind.item or Type("any"), shape, renames, path)]
    if isinstance(data, dict) and isinstance(shape, StructureShape) and kind.form == "object":
        return unstructure(data, kind.fields, shape, renames, path)
    return _scalar_in(data, kind.form)


def _list_in(data: list[Any], kind: Type, shape: Shape, renames: Renames, path: str) -> Any:
    inner = shape.member if isinstance(shape, ListShape) else shape
    match kind.form:
        case "list":
            return [from_wire(item, kind.item or Type("any"), inner, renames, path) for item in data]
        case "map":  # pairs, as in dimensions
            return {entry[key]: entry[content] for entry in data for key, content in [list(entry)[:2]]}
        case _:  # the SDK has one where the API has a list
            return from_wire(data[0], kind, inner, renames, path) if data else None


def unstructure(
    data: Mapping[str, Any], fields: Mapping[str, Property], shape: StructureShape, renames: Renames, path: str = ""
) -> dict[str, Any]:
    """Translate an object; a property that has a member but no value is None."""
    result: dict[str, Any] = {}
    for name, item in fields.items():
        step = f"{path}.{name}" if path else name
        target = member(name, shape, renames, step)
        if target is not None:
            inner = place(shape, target)
            result[name] = from_wire(look(data, target), item.type, inner, renames, step)
    return result


def _scalar_in(data: Any, form: str) -> Any:
    if isinstance(data, datetime):
        return data.isoformat()
    if isinstance(data, bytes):
        return None
    match form:
        case "string" if isinstance(data, (int, float, bool)):
            return str(data).lower() if isinstance(data, bool) else str(data)
        case "integer" | "number" if isinstance(data, str):
            return float(data) if "." in data else int(data)
        case "boolean" if isinstance(data, str):
            return data.lower() in {"true", "enabled"}
        case _:
            return data
