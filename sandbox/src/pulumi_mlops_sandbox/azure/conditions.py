"""Conditions of role assignments: which objects a role holds for.

https://learn.microsoft.com/azure/role-based-access-control/conditions-format; of its operators those that bound paths.
"""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[@\w.:/\-\[\]]+(?:\[[^\]]*\])?)|(?P<sign>[(){}!,]))")
_ATTRIBUTE = re.compile(r"@(?P<of>\w+)\[(?P<name>[^\]]+)\]")


@dataclass(frozen=True)
class Asked:
    """What a request is about."""

    action: str
    sub: str = ""
    """Such as ``Blob.List``."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Values by ``<source>:<name>``, such as ``resource:path``."""


class ConditionError(ValueError):
    """A condition that cannot be read."""


Check = Callable[[Asked], bool]


def holds(condition: str, asked: Asked) -> bool:
    """Say whether a condition holds for a request."""
    return parse(condition)(asked)


@lru_cache(maxsize=256)
def parse(condition: str) -> Check:
    """Read a condition; raise `ConditionError` where it is none."""
    reader = _Reader(_tokens(condition))
    check = reader.either()
    if reader.rest:
        raise ConditionError(f"'{reader.rest[0]}' is left over")
    return check


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConditionError(f"'{text[at : at + 20]}' cannot be read")
        found.append(match.group().strip())
        at = match.end()
    return found


class _Reader:
    """Reads tokens from the left: OR binds less than AND, and AND less than a negation."""

    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def either(self) -> Check:
        checks = [self._all()]
        while self._next("OR", "||"):
            checks.append(self._all())
        return checks[0] if len(checks) == 1 else lambda asked: any(check(asked) for check in checks)

    def _all(self) -> Check:
        checks = [self._one()]
        while self._next("AND", "&&"):
            checks.append(self._one())
        return checks[0] if len(checks) == 1 else lambda asked: all(check(asked) for check in checks)

    def _one(self) -> Check:
        if self._next("!", "NOT"):
            inner = self._one()
            return lambda asked: not inner(asked)
        if self._next("("):
            inner = self.either()
            self._take(")")
            return inner
        word = self._take()
        if word in {"ActionMatches", "SubOperationMatches"}:
            self._take("{")
            value = _plain(self._take())
            self._take("}")
            if word == "ActionMatches":
                return lambda asked: fnmatch.fnmatch(asked.action.lower(), value.lower())
            return lambda asked: asked.sub.lower() == value.lower()
        return self._compared(word)

    def _compared(self, word: str) -> Check:
        found = _ATTRIBUTE.fullmatch(word)
        if found is None:
            raise ConditionError(f"'{word}' cannot be read")
        key = f"{found['of'].lower()}:{found['name'].rpartition(':')[2].lower()}"
        operator = self._take()
        values = self._values()
        compare = _COMPARISONS.get(operator)
        if compare is None:
            raise ConditionError(f"'{operator}' is none of {', '.join(_COMPARISONS)}")
        return lambda asked: any(compare(dict(asked.attributes).get(key, ""), value) for value in values)

    def _values(self) -> list[str]:
        if not self._next("{"):
            return [_plain(self._take())]
        values = [_plain(self._take())]
        while self._next(","):
            values.append(_plain(self._take()))
        self._take("}")
        return values

    def _next(self, *words: str) -> bool:
        if self.rest and self.rest[0].upper() in words:
            del self.rest[0]
            return True
        return False

    def _take(self, word: str = "") -> str:
        if not self.rest or (word and self.rest[0] != word):
            raise ConditionError(f"'{word or 'more'}' is missing" + (f" before '{self.rest[0]}'" if self.rest else ""))
        return self.rest.pop(0)


def _plain(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), value) is not None


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, other: value == other,
    "StringNotEquals": lambda value, other: value != other,
    "StringEqualsIgnoreCase": lambda value, other: value.lower() == other.lower(),
    "StringStartsWith": lambda value, other: value.startswith(other),
    "StringNotStartsWith": lambda value, other: not value.startswith(other),
    "StringLike": _like,
    "StringNotLike": lambda value, other: not _like(value, other),
    "ForAnyOfAnyValues:StringEquals": lambda value, other: value == other,
}
