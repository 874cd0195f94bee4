"""Expressions of Logic Apps: ``@equals(body('x')?['y'], 1)``, and texts with ``@{…}`` in them.

https://learn.microsoft.com/azure/logic-apps/expression-functions-reference; those that need no service.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\?\[|\?\.|[()\[\],.]))")
_EPOCH = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
Functions = Mapping[str, Callable[..., Any]]


class ExpressionError(ValueError):
    """An expression that cannot be read, or has no value."""


def evaluate(value: Any, functions: Functions) -> Any:
    """Replace all expressions in a tree by their values."""
    if isinstance(value, dict):
        return {key: evaluate(inner, functions) for key, inner in value.items()}
    if isinstance(value, list):
        return [evaluate(inner, functions) for inner in value]
    if not isinstance(value, str) or "@" not in value:
        return value
    if value.startswith("@@"):
        return value[1:]
    if value.startswith("@") and not value.startswith("@{"):
        return _whole(value[1:], functions)
    return _filled(value, functions)


def read(value: Any) -> None:
    """Refuse expressions that cannot be read; nothing is asked of anybody."""
    evaluate(value, _Anything())


class _Anything(dict[str, Callable[..., Any]]):
    """Functions that know everything about nothing."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in KNOWN and name.lower() not in CONTEXT:
            raise ExpressionError(f"there is no function '{name}'")
        return lambda *_: None


def _filled(text: str, functions: Functions) -> str:
    """Fill what is in ``@{…}``, which may hold braces of its own in texts only."""
    found, at = [], 0
    while (start := text.find("@{", at)) >= 0:
        end = _end(text, start + 2)
        inner = _whole(text[start + 2 : end], functions)
        found += [text[at:start], inner if isinstance(inner, str) else json.dumps(inner)]
        at = end + 1
    return "".join([*found, text[at:]])


def _end(text: str, at: int) -> int:
    quoted = False
    for place in range(at, len(text)):
        if text[place] == "'":
            quoted = not quoted
        elif text[place] == "}" and not quoted:
            return place
    raise ExpressionError(f"'{text}' has no end of its expression")


def _whole(text: str, functions: Functions) -> Any:
    reader = _Reader(text, functions)
    value = reader.value()
    if reader.tokens:
        raise ExpressionError(f"'{text}': '{reader.tokens[0]}' is left over")
    return value


class _Reader:
    """Reads and evaluates at once, from the left."""

    def __init__(self, text: str, functions: Functions) -> None:
        self.text, self._functions = text, functions
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(f"'{text}': '{text[at : at + 20]}' cannot be read")
            self.tokens.append(match.group().strip())
            at = match.end()

    def value(self) -> Any:
        found = self._first()
        while self.tokens and self.tokens[0] in {"[", "?[", ".", "?."}:
            sign = self.tokens.pop(0)
            if sign.endswith("["):
                key = self.value()
                self._take("]")
            else:
                key = self._take()
            found = self._member(found, key, safe=sign.startswith("?"))
        return found

    def _first(self) -> Any:
        token = self._take()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token[0].isdigit() or token[0] == "-":
            return float(token) if "." in token else int(token)
        if token in _WORDS:
            return _WORDS[token]
        self._take("(")
        arguments = []
        while self.tokens and self.tokens[0] != ")":
            arguments.append(self.value())
            if self.tokens and self.tokens[0] == ",":
                self.tokens.pop(0)
        self._take(")")
        if token not in self._functions:
            raise ExpressionError(f"'{self.text}': there is no function '{token}'")
        return self._functions[token](*arguments)

    def _member(self, of: Any, key: Any, *, safe: bool) -> Any:
        if isinstance(self._functions, _Anything):
            return None
        if of is None and not safe:
            raise ExpressionError(f"'{self.text}': there is nothing to take '{key}' of; write ?['{key}']")
        if isinstance(of, list) and isinstance(key, int):
            return of[key] if -len(of) <= key < len(of) else None
        if not isinstance(of, dict):
            return None
        if key not in of and not safe:
            raise ExpressionError(f"'{self.text}': there is no '{key}'; write ?['{key}'] where it may be missing")
        return of.get(key)

    def _take(self, word: str = "") -> str:
        if not self.tokens or (word and self.tokens[0] != word):
            raise ExpressionError(f"'{self.text}': '{word or 'more'}' is missing")
        return self.tokens.pop(0)


_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


def moment(text: Any) -> dt.datetime:
    """Read a time."""
    try:
        found = dt.datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ExpressionError(f"'{text}' is no time") from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _ticks(text: Any) -> int:
    since = moment(text) - _EPOCH
    return (since.days * 86400 + since.seconds) * 10_000_000 + since.microseconds * 10


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _alike(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _without(of: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    return {key: value for key, value in (of or {}).items() if key != name}


def _added(of: Mapping[str, Any] | None, name: str, value: Any) -> dict[str, Any]:
    if name in (of or {}):
        raise ExpressionError(f"addProperty: there is a property '{name}' already; setProperty changes it")
    return {**(of or {}), name: value}


def written(time: dt.datetime) -> str:
    """Write a time as Logic Apps do, which know one zone."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


KNOWN: dict[str, Callable[..., Any]] = {
    "equals": _alike,
    "and": lambda *values: all(values),
    "or": lambda *values: any(values),
    "not": lambda value: not value,
    "if": lambda condition, one, other: one if condition else other,
    "greater": lambda one, other: one > other,
    "greaterOrEquals": lambda one, other: one >= other,
    "less": lambda one, other: one < other,
    "lessOrEquals": lambda one, other: one <= other,
    "add": lambda one, other: one + other,
    "sub": lambda one, other: one - other,
    "mul": lambda one, other: one * other,
    "min": min,
    "max": max,
    "concat": lambda *values: "".join(_text(value) for value in values),
    "string": _text,
    "int": int,
    "json": lambda value: json.loads(value) if isinstance(value, str) else value,
    "toLower": lambda value: value.lower(),
    "toUpper": lambda value: value.upper(),
    "startsWith": lambda value, start: value.lower().startswith(start.lower()),
    "endsWith": lambda value, end: value.lower().endswith(end.lower()),
    "replace": lambda value, old, new: value.replace(old, new),
    "split": lambda value, at: value.split(at),
    "join": lambda values, between: between.join(values),
    "length": lambda value: len(value or ()),
    "empty": lambda value: not value,
    "first": lambda value: value[0] if value else None,
    "last": lambda value: value[-1] if value else None,
    "contains": lambda value, one: one in (value or ()),
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "createArray": lambda *values: list(values),
    "union": lambda one, other: one | other if isinstance(one, dict) else [*one, *(v for v in other if v not in one)],
    "addProperty": _added,
    "setProperty": lambda of, name, value: {**(of or {}), name: value},
    "removeProperty": _without,
    "ticks": _ticks,
    "addMinutes": lambda time, minutes: written(moment(time) + dt.timedelta(minutes=minutes)),
    "addSeconds": lambda time, seconds: written(moment(time) + dt.timedelta(seconds=seconds)),
}
CONTEXT = frozenset({"body", "outputs", "item", "items", "parameters", "trigger", "utcnow", "variables", "workflow"})
"""What only a run knows."""
