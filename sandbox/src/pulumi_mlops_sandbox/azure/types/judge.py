"""Judges bodies by Microsoft's types: what is required, known, read-only, of the right kind, within bounds."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from pulumi_mlops_sandbox.azure.call import Call, dig
from pulumi_mlops_sandbox.azure.errors import Problem
from pulumi_mlops_sandbox.azure.types import extract
from pulumi_mlops_sandbox.azure.types.model import READ_ONLY, REQUIRED, WRITE_ONLY, Types, load

ENVELOPE = frozenset({"id", "name", "type", "apiVersion", "location", "systemData"})
"""What is judged elsewhere, or not at all."""
ML = "microsoft.machinelearningservices/"
SHOWN = 12
"""How many values of an enumeration an error lists."""
FIXED = "PropertyChangeNotAllowed"
_DURATION = re.compile(r"P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_FORMS = {
    "duration": (_DURATION, "an ISO 8601 duration such as PT5S"),
    "datetime": (_DATETIME, "an ISO 8601 date-time"),
}
Row = dict[str, Any]


@cache
def types() -> Types:
    """Find the types, which are extracted once and kept."""
    return load(extract.ensure())


def problems(call: Call, *, partial: bool = False) -> list[Problem]:
    """List what is wrong with the shape of a body; a partial one may leave out what is required."""
    row = types().body(call.kind.type)
    if row is None:
        return []
    ml = call.kind.type.lower().startswith(ML)
    found = list(_Walk(types(), overlay=ml, partial=partial).object(row, call.body, "", top=True))
    if call.existing is not None and not found:
        found += _changed(types(), call, row, overlay=ml)
    return found


def without_secrets(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is written only."""
    row = types().body(kind)
    if row is None:
        return body
    hidden: dict[str, Any] = _hide(types(), row, body)
    return hidden


@dataclass(frozen=True)
class _Walk:
    """One walk over a body along its type."""

    types: Types
    overlay: bool
    partial: bool

    def object(self, row: Row, value: dict[str, Any], path: str, *, top: bool = False) -> Iterator[Problem]:
        properties, said, rest = _members(self.types, row, value)
        if isinstance(said, str):
            yield Problem(_join(path, row["discriminator"]), said)
            return
        for name, member in properties.items():
            if not top or name not in ENVELOPE:
                yield from self._member(row, value, name, member, path)
        for name in value.keys() - properties.keys():
            if not top or name not in ENVELOPE:
                yield from self._other(properties, rest, name, value[name], path)

    def _member(self, row: Row, value: dict[str, Any], name: str, member: Row, path: str) -> Iterator[Problem]:
        given, place = value.get(name), _join(path, name)
        if given is None:
            if member["flags"] & REQUIRED and not self.partial and not member["flags"] & READ_ONLY:
                yield Problem(place, "is required and missing")
        elif member["flags"] & READ_ONLY:
            yield Problem(place, "is read-only: leave it out")
        else:
            yield from self.value(self.types.rows[member["type"]], given, place)
            yield from self._finer(row, value, name, given, path)

    def _other(
        self, properties: dict[str, Row], rest: int | None, name: str, given: Any, path: str
    ) -> Iterator[Problem]:
        if rest is None:
            close = difflib.get_close_matches(name, properties, 1)
            yield Problem(_join(path, name), f"is unknown here{f': did you mean {close[0]!r}?' if close else ''}")
        elif given is not None:
            yield from self.value(self.types.rows[rest], given, _join(path, name))

    def value(self, row: Row, value: Any, path: str) -> Iterable[Problem]:
        judges: dict[str, Callable[[Row, Any, str], Iterable[Problem]]] = {
            "UnionType": self._enum,
            "StringLiteralType": self._enum,
            "ObjectType": self._object,
            "DiscriminatedObjectType": self._object,
            "ArrayType": self._array,
            "StringType": _string,
            "IntegerType": _number,
            "BooleanType": _boolean,
        }
        judge = judges.get(row["$type"])
        return judge(row, value, path) if judge is not None else ()

    def _object(self, row: Row, value: Any, path: str) -> Iterable[Problem]:
        return self.object(row, value, path) if isinstance(value, dict) else _wrong(path, "an object", value)

    def _enum(self, row: Row, value: Any, path: str) -> Iterator[Problem]:
        literals = self.types.literals(row)
        others = [self.types.rows[number] for number in row.get("elements", ())]
        others = [one for one in others if one["$type"] not in {"StringLiteralType", "StringType"}]
        if value in literals or any(not list(self.value(one, value, path)) for one in others):
            return
        if not literals:
            yield from self.value(others[0], value, path) if others else _string({}, value, path)
            return
        close = difflib.get_close_matches(str(value), literals, 1, 0.5)
        listed = ", ".join(literals[:SHOWN]) + (" …" if len(literals) > SHOWN else "")
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        yield Problem(path, f"'{value}' is none of: {listed}{hint}")

    def _array(self, row: Row, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield from _wrong(path, "a list", value)
            return
        if len(value) > row.get("maxLength", len(value)):
            yield Problem(path, f"has {len(value)} entries, at most {row['maxLength']} are allowed")
        if len(value) < row.get("minLength", 0):
            yield Problem(path, f"has {len(value)} entries, at least {row['minLength']} are needed")
        for number, one in enumerate(value):
            yield from self.value(self.types.rows[row["itemType"]], one, f"{path}[{number}]")

    def _finer(self, row: Row, value: dict[str, Any], name: str, given: Any, path: str) -> Iterator[Problem]:
        """Judge by what Microsoft's models say beyond the types."""
        if not self.overlay:
            return
        kind = next((said.get("kind") for said in _said(self.types, row, value, name)), None)
        if isinstance(given, dict) and kind in {"int", "float"}:
            for key, inner in given.items():
                yield from _exact(kind, inner, _join(_join(path, name), key))
        elif isinstance(given, list):
            for number, inner in enumerate(given):
                yield from _exact(kind, inner, f"{_join(path, name)}[{number}]")
        else:
            yield from _exact(kind, given, _join(path, name))


def _exact(kind: str | None, value: Any, path: str) -> Iterator[Problem]:
    if kind == "int" and isinstance(value, float) and not value.is_integer():
        yield Problem(path, f"{value} is no whole number")
    elif kind in _FORMS and isinstance(value, str) and not _FORMS[kind][0].fullmatch(value):
        yield Problem(path, f"'{value}' is not {_FORMS[kind][1]}")


def _said(types: Types, row: Row, value: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """List what the models say of a property, under the name of the object and of its variant."""
    names = [str(row.get("name", ""))]
    if row["$type"] == "DiscriminatedObjectType":
        number = row["elements"].get(str(value.get(row["discriminator"])))
        names += [str(types.rows[number].get("name", ""))] if number is not None else []
    for one in names:
        said = types.overlay.get(one, {}).get(name)
        if said is not None:
            yield said


def _members(types: Types, row: Row, value: dict[str, Any]) -> tuple[dict[str, Row], str | None, int | None]:
    """Say what an object may have: its properties, what is wrong with its variant, the type of all others."""
    properties: dict[str, Row] = dict(row.get("properties", {}))
    rest = row.get("additionalProperties")
    if row["$type"] != "DiscriminatedObjectType":
        return properties, None, rest
    properties = dict(row["baseProperties"])
    chosen = value.get(row["discriminator"])
    if chosen is None:
        return properties, f"is required and missing: one of {', '.join(row['elements'])}", None
    number = row["elements"].get(chosen) if isinstance(chosen, str) else None
    if number is None:
        return properties, f"'{chosen}' is none of: {', '.join(row['elements'])}", None
    inner, said, rest = _members(types, types.rows[number], value)
    if said is not None and types.rows[number]["$type"] == "DiscriminatedObjectType":
        return properties, said, rest
    return properties | inner, None, rest


def _changed(types: Types, call: Call, row: Row, *, overlay: bool) -> Iterator[Problem]:
    """List what is fixed for life, and was changed."""
    before = call.existing.body if call.existing else {}
    for path in types.fixed.get(call.kind.type.lower(), ()):
        old, new = dig(before, path), dig(call.body, path)
        if old is not None and new is not None and not _alike(old, new):
            yield _is_fixed(path, old)
    if overlay:
        yield from _fixed_in(types, row, before, call.body, "")


def _fixed_in(types: Types, row: Row, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Problem]:
    properties, said, _rest = _members(types, row, new)
    if said is not None:
        return
    for name, member in properties.items():
        was, now = old.get(name), new.get(name)
        if was is None or (not path and name in ENVELOPE):
            continue
        place = _join(path, name)
        if any(one.get("fixed") for one in _said(types, row, new, name)):
            hidden = member["flags"] & WRITE_ONLY and now is None
            if not hidden and not _alike(was, now):
                yield _is_fixed(place, was)
        elif isinstance(was, dict) and isinstance(now, dict):
            inner = types.rows[member["type"]]
            if inner["$type"] in {"ObjectType", "DiscriminatedObjectType"}:
                yield from _fixed_in(types, inner, was, now, place)


def _is_fixed(path: str, old: Any) -> Problem:
    shown = old if isinstance(old, (str, int, float, bool)) else "another value"
    return Problem(
        path, f"cannot be changed once the resource exists (it is '{shown}'): create one under another name", FIXED
    )


def _alike(one: Any, other: Any) -> bool:
    """Compare without regard to case, as ids are."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or (one.startswith("/") and one.lower() == other.lower())
    return bool(one == other)


def _string(row: Row, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield from _wrong(path, "a text", value)
        return
    if len(value) < row.get("minLength", 0) or len(value) > row.get("maxLength", len(value)):
        low, high = row.get("minLength", 0), row.get("maxLength", "any number of")
        yield Problem(path, f"'{value}' has {len(value)} characters, allowed are {low} to {high}")
    pattern = row.get("pattern")
    if pattern and not _compiled(pattern).search(value):
        yield Problem(path, f"'{value}' does not match {pattern}")


def _number(row: Row, value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield from _wrong(path, "a number", value)
    elif value < row.get("minValue", value) or value > row.get("maxValue", value):
        yield Problem(path, f"{value} is not between {row.get('minValue', '-∞')} and {row.get('maxValue', '∞')}")


def _boolean(_row: Row, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield from _wrong(path, "true or false", value)


def _wrong(path: str, wanted: str, value: Any) -> Iterator[Problem]:
    yield Problem(path, f"must be {wanted}, not {type(value).__name__} {value!r:.60}")


def _hide(types: Types, row: Row, value: Any) -> Any:
    if isinstance(value, list) and row["$type"] == "ArrayType":
        return [_hide(types, types.rows[row["itemType"]], one) for one in value]
    if not isinstance(value, dict) or row["$type"] not in {"ObjectType", "DiscriminatedObjectType"}:
        return value
    properties, _, rest = _members(types, row, value)
    shown = {}
    for name, inner in value.items():
        member = properties.get(name)
        if member is None:
            shown[name] = inner if rest is None else _hide(types, types.rows[rest], inner)
        elif not member["flags"] & WRITE_ONLY:
            shown[name] = _hide(types, types.rows[member["type"]], inner)
    return shown


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> "re.Pattern[str]":
    return re.compile(pattern)
