"""Inputs of a program: are they what the kind accepts, and what is filled in."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops_sandbox.provider.contract import Traits
from pulumi_mlops_sandbox.provider.diff import DEFAULTS
from pulumi_mlops_sandbox.provider.naming import Naming
from pulumi_mlops_sandbox.provider.schema import Property, Type
from pulumi_mlops_sandbox.provider.values import SIGNATURE, UNKNOWN, Secret, plain

Problem = tuple[str, str]


def nearest(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """Make the hint to the name that was perhaps meant."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def problems(inputs: Mapping[str, Any], traits: Traits) -> list[Problem]:
    """List what is wrong with the names and types of the inputs."""
    found = [
        (name, f"the sandbox does not carry {name!r}: {reason}")
        for name, reason in traits.refused.items()
        if _inside(plain(inputs), name) not in (None, {}, [])
    ]
    return found + list(_object("", inputs, traits.inputs))


def _inside(values: Any, path: str) -> Any:
    for step in path.split("."):
        values = values.get(step) if isinstance(values, dict) else None
    return values


def _object(path: str, values: Mapping[str, Any], fields: Mapping[str, Property]) -> Iterator[Problem]:
    for name in values:
        if name not in fields and name != DEFAULTS:
            yield _step(path, name), f"unknown property {name!r}{nearest(name, fields)}"
    for name, item in fields.items():
        value = values.get(name)
        if value is None:
            if item.required:
                yield _step(path, name), f"missing required property {_step(path, name)!r}"
        else:
            yield from _value(_step(path, name), value, item.type)


def _value(path: str, value: Any, kind: Type) -> Iterator[Problem]:
    value = value.value if isinstance(value, Secret) else value
    if value is UNKNOWN or value is None:
        return
    match kind.form:
        case "object" if isinstance(value, dict):
            yield from _object(path, value, kind.fields)
        case "map" if isinstance(value, dict):
            for key, item in value.items():
                yield from _value(_step(path, key), item, kind.item or Type("any"))
        case "list" if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _value(f"{path}[{index}]", item, kind.item or Type("any"))
        case "asset" if isinstance(value, dict) and SIGNATURE in value:
            return
        case _ if not _fits(value, kind.form):
            yield path, f"expected {kind.form}, not {type(value).__name__}"
        case "string" if kind.enum and value not in kind.enum:
            yield path, f"{value!r} is not one of {', '.join(kind.enum)}{nearest(str(value), list(kind.enum))}"


def _fits(value: Any, form: str) -> bool:
    """Say whether the value can be read as the form: Pulumi sends numbers and booleans as text where a program does."""
    match form:
        case "any":
            return True
        case "string":
            return isinstance(value, (str, int, float, bool))
        case "boolean":
            return isinstance(value, bool) or value in {"true", "false"}
        case "integer" | "number":
            return not isinstance(value, bool) and _is_number(value, whole=form == "integer")
        case _:
            return False


def _is_number(value: Any, *, whole: bool) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return number.is_integer() or not whole


def _step(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def coerce(value: Any, kind: Type) -> Any:
    """Bring a checked value to the form that it is meant to have."""
    if isinstance(value, Secret):
        return Secret(coerce(value.value, kind))
    if isinstance(value, dict):
        inner = {key: item.type for key, item in kind.fields.items()}
        given = {key: item for key, item in value.items() if item is not None}
        return {key: coerce(item, inner.get(key) or kind.item or Type("any")) for key, item in given.items()}
    if isinstance(value, list):
        return [coerce(item, kind.item or Type("any")) for item in value]
    return value if value is UNKNOWN else _scalar(value, kind.form)


def _scalar(value: Any, form: str) -> Any:
    match form:
        case "boolean" if isinstance(value, str):
            return value == "true"
        case "integer" | "number" if isinstance(value, str):
            number = float(value)
            return int(number) if number.is_integer() else number
        case "string" if isinstance(value, bool):
            return str(value).lower()
        case "string":
            return str(value)
        case _:
            return value


def filled(inputs: Mapping[str, Any], olds: Mapping[str, Any], traits: Traits, naming: Naming) -> dict[str, Any]:
    """Return the inputs with defaults and the physical name, and note which were filled in."""
    result = {
        name: coerce(item, traits.inputs[name].type) if name in traits.inputs else item
        for name, item in inputs.items()
        if item is not None and name != DEFAULTS
    }
    made: list[str] = []
    auto = traits.name
    if auto is not None and auto.property not in result:
        kept = olds.get(auto.property) if auto.property in (olds.get(DEFAULTS) or []) else None
        name = kept if kept is not None else naming.make(auto, result.get(auto.prefix))
        if name is not None:
            result[auto.property] = name
            made.append(auto.property)
    for name, value in traits.defaults.items():
        if name not in result:
            result[name] = value
            made.append(name)
    result[DEFAULTS] = made
    return result
