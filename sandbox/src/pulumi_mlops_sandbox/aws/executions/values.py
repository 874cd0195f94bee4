"""What only an execution knows: parameters, what earlier steps left, joins, fields of JSON, conditions.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
_PART = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda left, right: left == right,
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "LessThan": lambda left, right: left < right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
}


class UnknownValueError(Exception):
    """Something refers to what is not there."""


class Values:
    """What is known of one execution so far."""

    def __init__(self, parameters: Json, execution: Json, read: Callable[[str], bytes]) -> None:
        self.parameters, self.execution, self.read = parameters, execution, read
        self.steps: dict[str, Json] = {}
        """What is known of each step that succeeded: what the service tells of its job."""
        self.files: dict[tuple[str, str], str] = {}
        """Where property files are, by step and name."""

    def of(self, value: Any) -> Any:
        """Work a value out."""
        if isinstance(value, list):
            return [self.of(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Get"}:
            return self._got(str(value["Get"]))
        if set(value) == {"Std:Join"}:
            said = value["Std:Join"]
            return str(said["On"]).join(_text(self.of(one)) for one in said["Values"])
        if set(value) == {"Std:JsonGet"}:
            return self._field(value["Std:JsonGet"])
        return {key: self.of(one) for key, one in value.items()}

    def holds(self, said: Json) -> bool:
        """Say whether a condition holds."""
        kind = str(said["Type"])
        if kind == "Or":
            return any(self.holds(one) for one in said["Conditions"])
        if kind == "Not":
            return not self.holds(said["Expression"])
        if kind == "In":
            return self.of(said["QueryValue"]) in self.of(said["Values"])
        left, right = self.of(said["LeftValue"]), self.of(said["RightValue"])
        if kind != "Equals" or (isinstance(left, int | float) != isinstance(right, int | float)):
            left, right = _alike(left, right)
        return _ORDERED[kind](left, right)

    def _got(self, path: str) -> Any:
        kind, _, rest = path.partition(".")
        if kind == "Parameters":
            return self.parameters[rest]
        if kind == "Execution":
            return self.execution[rest]
        name = next((one for one in sorted(self.steps, key=len, reverse=True) if _begins(rest, one)), None)
        if name is None:
            raise UnknownValueError(f"{path}: the step has not run")
        return at(self.steps[name], rest[len(name) :], path)

    def _field(self, said: Json) -> Any:
        path = str(said["PropertyFile"]["Get"] if isinstance(said["PropertyFile"], dict) else said["PropertyFile"])
        step, _, name = path.removeprefix("Steps.").partition(".PropertyFiles.")
        uri = self.files.get((step, name))
        if uri is None:
            raise UnknownValueError(f"{path}: there is no such property file")
        try:
            found = json.loads(self.read(uri))
        except ValueError as error:
            raise UnknownValueError(f"{uri} is no JSON: {error}") from None
        return at(found, str(self.of(said["Path"])), f"{said['Path']} of {uri}")


def at(found: Any, path: str, told: str) -> Any:
    """Follow a path: members, numbers of a list, and what a list has under a name."""
    position = 0
    while position < len(path):
        part = _PART.match(path, position)
        if part is None:
            raise UnknownValueError(f"{told}: {path[position:]!r} is no part of a path")
        position = part.end()
        key = next(one for one in part.groups() if one is not None)
        if isinstance(found, list):
            found = found[int(key)] if key.isdigit() and int(key) < len(found) else _named(found, key)
        else:
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise UnknownValueError(f"{told}: there is no {key!r}")
    return found


def _named(found: list[Any], key: str) -> Any:
    """Find what a list holds under a name, such as ``OutputName``."""
    named = (one for one in found if isinstance(one, dict))
    return next((one for one in named if any(k.endswith("Name") and v == key for k, v in one.items())), None)


def references(value: Any) -> Iterator[str]:
    """Go through the paths that a value refers to."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        if set(value) == {"Get"}:
            yield str(value["Get"])
        else:
            for one in value.values():
                yield from references(one)


def _begins(path: str, name: str) -> bool:
    return path == name or path.startswith((f"{name}.", f"{name}["))


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Compare numbers with texts that are numbers as numbers."""
    try:
        return float(left), float(right)
    except (TypeError, ValueError):
        return _text(left), _text(right)
