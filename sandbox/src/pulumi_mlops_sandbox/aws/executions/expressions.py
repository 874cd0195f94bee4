"""As much of JSONata as decides whether a pipeline is started: paths, filters, comparisons, a few functions.

https://docs.jsonata.org/
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(-?\d+(?:\.\d+)?)|'([^']*)'|\"([^\"]*)\"|(\$?[A-Za-z_]\w*)|(>=|<=|!=|[><=\[\](),.]))")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    "in": lambda left, right: left in (right if isinstance(right, list) else [right]),
}


class ExpressionError(Exception):
    """An expression that the sandbox does not know."""


def _pad(text: str, width: float, with_it: str = " ") -> str:
    wide = int(abs(width))
    filled = (with_it * wide)[: max(0, wide - len(text))]
    return text + filled if width > 0 else filled + text


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "$count": lambda found: len(found) if isinstance(found, list) else int(found is not None),
    "$pad": _pad,
    "$string": str,
    "$exists": lambda found: found is not None,
    "$not": lambda found: not found,
}


def evaluate(text: str, known: Mapping[str, Any]) -> Any:
    """Work an expression out.

    >>> evaluate("$count($rows[kind in ['a', 'b']])", {"$rows": [{"kind": "a"}, {"kind": "c"}]})
    1
    >>> evaluate("$pad($states.name, 4, '-')", {"$states": {"name": "ab"}})
    'ab--'
    """
    reading = _Reading(text, known)
    found = reading.compared(None)
    if reading.next:
        raise ExpressionError(f"{text!r}: {reading.next!r} was not expected")
    return found


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """Work out the expressions within a value, each a text between ``{%`` and ``%}``."""
    if isinstance(value, dict):
        return {key: filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    found = re.fullmatch(r"\{%(.*)%\}", value, re.DOTALL) if isinstance(value, str) else None
    return evaluate(found[1].strip(), known) if found else value


class _Reading:
    """A text, token by token."""

    def __init__(self, text: str, known: Mapping[str, Any]) -> None:
        self.text, self.known, self.at = text, known, 0
        self.next = ""
        self._kind = 0
        self._advance()

    def _advance(self) -> None:
        if not self.text[self.at :].strip():
            self.next, self._kind = "", 0
            return
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            raise ExpressionError(f"{self.text!r} is more of JSONata than the sandbox knows")
        self.at = found.end()
        self._kind = found.lastindex or 0
        self.next = found[self._kind]

    def _take(self, wanted: str) -> None:
        if self.next != wanted:
            raise ExpressionError(f"{self.text!r}: {wanted!r} is missing")
        self._advance()

    def compared(self, item: Any) -> Any:
        """Read a comparison, or what stands for itself."""
        left = self._value(item)
        if self._kind in {4, 5} and self.next in _COMPARED:
            how = self.next
            self._advance()
            return _COMPARED[how](left, self._value(item))
        return left

    def _value(self, item: Any) -> Any:
        kind, word = self._kind, self.next
        if kind == 1:
            self._advance()
            return float(word) if "." in word else int(word)
        if kind in {2, 3}:
            self._advance()
            return word
        if word == "[":
            return self._several("[", "]", item)
        if kind != 4:  # noqa: PLR2004 (a name)
            raise ExpressionError(f"{self.text!r}: {word!r} was not expected")
        self._advance()
        if self.next == "(":
            if word not in _FUNCTIONS:
                raise ExpressionError(f"{self.text!r}: the sandbox knows no function {word}")
            return _FUNCTIONS[word](*self._several("(", ")", item))
        start = self.known.get(word) if word.startswith("$") else _member(item, word)
        return self._path(start)

    def _several(self, opens: str, closes: str, item: Any) -> list[Any]:
        self._take(opens)
        found = []
        while self.next != closes:
            found.append(self.compared(item))
            if self.next == ",":
                self._advance()
        self._take(closes)
        return found

    def _path(self, found: Any) -> Any:
        while self.next in {".", "["}:
            if self.next == ".":
                self._advance()
                found, name = _member(found, self.next), self.next
                if not name:
                    raise ExpressionError(f"{self.text!r} ends in a point")
                self._advance()
            else:
                found = self._filtered(found)
        return found

    def _filtered(self, found: Any) -> Any:
        start, rows, kept = self.at, found if isinstance(found, list) else [found], []
        first = self.next, self._kind
        for row in rows or [None]:
            self.at, (self.next, self._kind) = start, first
            self._take("[")
            holds = self.compared(row)
            self._take("]")
            if rows and holds:
                kept.append(row)
        return kept


def _member(item: Any, name: str) -> Any:
    if isinstance(item, list):
        return [one[name] for one in item if isinstance(one, dict) and name in one]
    return item.get(name) if isinstance(item, dict) else None
