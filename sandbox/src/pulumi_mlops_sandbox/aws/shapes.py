"""A strict walker over botocore's shapes.

botocore's own validator looks at type, required, unknown members and minimum; AWS also refuses a wrong enum value, a
name against its pattern, and whatever is too long or too large. All of these are in the shapes, so they are checked
here, with the wording that AWS uses.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

ANY = object()
"""A value that fits every shape, since it is known only later."""
MAX_REPORTED = 10  # AWS also stops counting somewhere; a longer list helps nobody


@dataclass(frozen=True)
class Problem:
    """One reason why a value does not fit its shape."""

    path: str
    constraint: str
    value: str | None = None
    serialization: bool = False  # the value has the wrong JSON type: AWS fails before it validates

    def __str__(self) -> str:
        shown = "null" if self.value is None else f"'{self.value}'"
        return f"Value {shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"


def problems(shape: Shape | None, value: object) -> list[Problem]:
    """List what is wrong with the parameters of an operation."""
    if shape is None:
        return []
    return list(_walk(shape, value, "", sensitive=False))


def message(found: list[Problem]) -> str:
    """Put problems into the sentence that AWS answers with."""
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
    return count + "; ".join(str(problem) for problem in found[:MAX_REPORTED])


def _walk(shape: Shape, value: object, path: str, *, sensitive: bool) -> Iterator[Problem]:
    if value is ANY:
        return
    hidden = sensitive or bool(shape.metadata.get("sensitive"))
    expected, handler = _TYPES.get(shape.type_name, (object, _nothing))
    wrong_type = not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean")
    if wrong_type and not getattr(shape, "is_document_type", False):
        yield Problem(path or shape.name, f"Member must be of type {shape.type_name}", serialization=True)
        return
    yield from handler(shape, value, path, hidden)


def _structure(shape: Any, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    if shape.is_document_type:
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield Problem(_join(path, name), "Member must not be null")
    given = {name: item for name, item in value.items() if item is not None and name != "__type"}
    if shape.is_tagged_union and len(given) != 1:
        yield Problem(path or shape.name, f"Exactly one member of the union must be set: {', '.join(shape.members)}")
    for name, item in given.items():
        member = shape.members.get(name)
        if member is None:
            yield Problem(_join(path, name), f"Unknown member; known are: {', '.join(sorted(shape.members))}")
        else:
            yield from _walk(member, item, _join(path, name), sensitive=hidden)


def _list(shape: Any, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    yield from _length(shape, value, path, hidden)
    for index, item in enumerate(value, start=1):
        yield from _walk(shape.member, item, f"{path}.{index}.member", sensitive=hidden)


def _map(shape: Any, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    yield from _length(shape, value, path, hidden)
    for key, item in value.items():
        yield from _walk(shape.key, key, f"{path}.key", sensitive=hidden)
        if item is not None:
            yield from _walk(shape.value, item, f"{path}.{'***' if hidden else key}.member", sensitive=hidden)


def _string(shape: Any, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    if shape.enum and value not in shape.enum:
        yield Problem(path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]", _show(value, hidden))
    yield from _length(shape, value, path, hidden)
    pattern = _compiled(shape.metadata["pattern"]) if "pattern" in shape.metadata else None
    if pattern is not None and not pattern.fullmatch(value):
        wording = f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
        yield Problem(path, wording, _show(value, hidden))


def _blob(shape: Any, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    if isinstance(value, bytes):  # still base64 text otherwise, and the bounds are those of the bytes
        yield from _length(shape, value, path, hidden)


def _number(shape: Any, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    yield from _bounds(shape, value, path, "value", _show(value, hidden))


def _nothing(_shape: Any, _value: Any, _path: str, _hidden: bool) -> Iterator[Problem]:
    yield from ()


def _length(shape: Shape, value: Any, path: str, hidden: bool) -> Iterator[Problem]:
    yield from _bounds(shape, len(value), path, "length", _show(value, hidden))


def _bounds(shape: Shape, size: float, path: str, what: str, shown: str) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield Problem(path, f"Member must have {what} greater than or equal to {low}", shown)
    if high is not None and size > high:
        yield Problem(path, f"Member must have {what} less than or equal to {high}", shown)


def _show(value: object, hidden: bool) -> str:
    """Echo a value as AWS does, but never a secret one."""
    return "***Sensitive Data Redacted***" if hidden else str(value)


def _join(path: str, member: str) -> str:
    name = member[:1].lower() + member[1:]
    return f"{path}.{name}" if path else name


@cache
def _compiled(pattern: str) -> "regex.Pattern[str] | None":
    r"""Compile with `regex`, which knows \\p{…}; the few patterns that it refuses too (surrogates) are not checked."""
    try:
        return regex.compile(pattern)
    except regex.error:
        return None


_Handler = Callable[[Any, Any, str, bool], Iterator[Problem]]
_TYPES: dict[str, tuple[type | tuple[type, ...], _Handler]] = {
    "structure": (dict, _structure),
    "list": (list, _list),
    "map": (dict, _map),
    "string": (str, _string),
    "character": (str, _string),
    "blob": ((str, bytes, bytearray), _blob),
    "boolean": (bool, _nothing),
    "timestamp": ((int, float, str, dt.datetime), _nothing),
    "integer": (int, _number),
    "long": (int, _number),
    "short": (int, _number),
    "byte": (int, _number),
    "bigInteger": (int, _number),
    "float": ((int, float), _number),
    "double": ((int, float), _number),
    "bigDecimal": ((int, float), _number),
}

__all__ = ["ListShape", "MapShape", "Problem", "StringShape", "StructureShape", "message", "problems"]
