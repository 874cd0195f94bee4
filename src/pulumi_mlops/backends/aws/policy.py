"""Policies of IAM as Python values: statements whose parts may be known later, written down once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.core.inputs import is_deferred

Statement = dict[str, Any]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE, MANAGED, ATTACHED = 10_240, 6_144, 10
"""Characters that a role's inline policies and one managed policy take, and managed policies that a role takes."""
_LEFT_FREE = 600  # of what is guessed: partitions and regions with longer names
_LONG = 135  # characters of an ARN that is not known yet: the longest of a feature group's
_ANY_OF = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
"""Operators of which one of several values is enough."""


@dataclass(frozen=True)
class Late:
    """A part of a policy that is written when what it is made of is known.

    A policy waits once, for everything that is in it: an Output for each ARN would cost the engine more time than the
    resources themselves.
    """

    write: Callable[..., str | None]
    """Gets the values of ``of``; None, as a resource, leaves the statement out."""
    of: tuple[Input[Any], ...]
    asks: bool = False
    """Whether ``write`` looks something up in the cloud."""


def arn(template: str, *parts: Input[Any]) -> Late:
    """Write an ARN, or another text, of parts that may be unknown yet."""
    return Late(template.format, parts)


def allow(actions: Sequence[str], resources: Any, condition: Mapping[str, Any] | None = None) -> Statement:
    """Write one statement of a policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources} | (
        {"Condition": condition} if condition else {}
    )


def document(statements: Sequence[Statement], limit: int | None = None) -> Output[str]:
    """Write a policy, what is said alike once.

    :param limit: characters that AWS takes.
    """
    waited: dict[int, Any] = {}
    for part in _deferred(statements):
        waited.setdefault(id(part), part)

    def write(values: list[Any]) -> str:
        known = dict(zip(waited, values, strict=True))
        said = merged(_filled(statements, known))
        if limit is not None and (size := _size(said)) > limit:
            raise MlopsError(f"a policy of {size} characters is above the {limit} that IAM takes; name fewer things")
        return json.dumps({"Version": "2012-10-17", "Statement": said})

    return Output.all(*waited.values()).apply(write)


def merged(statements: Iterable[Statement]) -> list[Statement]:
    """Say once what differs in its resources alone, or in the values of its only condition."""
    found: list[Statement] = []
    for statement in statements:
        if statement.get("Resource", True) and statement not in found:
            found.append(statement)
    found = _joined(found, _condition_of, _with_condition)
    found = _joined(found, lambda one: one.get("Resource"), lambda one, values: {**one, "Resource": values})
    return [one for one in found if not any(_within(one, other) for other in found if other is not one)]


def _joined(
    statements: Sequence[Statement],
    read: Callable[[Statement], Any],
    write: Callable[[Statement, Any], Statement],
) -> list[Statement]:
    """Join statements that differ in one part alone, which is a value or a list of values."""
    first: dict[str, Statement] = {}
    for statement in statements:
        values = read(statement)
        key = json.dumps(statement if values is None else write(statement, []), sort_keys=True)
        if key in first and values is not None:
            both = [*_listed(read(first[key])), *_listed(values)]
            first[key] = write(first[key], list(dict.fromkeys(both)))
        else:
            first.setdefault(key, statement)
    return list(first.values())


def _condition_of(statement: Statement) -> Any:
    """Return the values of a statement's only condition, where one of them is enough."""
    condition = statement.get("Condition", {})
    if len(condition) != 1:
        return None
    ((operator, keys),) = condition.items()
    return next(iter(keys.values())) if operator in _ANY_OF and len(keys) == 1 else None


def _with_condition(statement: Statement, values: Any) -> Statement:
    ((operator, keys),) = statement["Condition"].items()
    return {**statement, "Condition": {operator: {next(iter(keys)): values}}}


def _within(one: Statement, other: Statement) -> bool:
    """Say whether another statement says all of one and more."""
    same = {**one, "Action": None} == {**other, "Action": None}
    return same and set(_listed(one["Action"])) < set(_listed(other["Action"]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _size(statements: Sequence[Statement]) -> int:
    """Count as IAM counts, without spaces."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")))


def split(statements: Sequence[Statement], lengths: Mapping[int, int]) -> list[list[Statement]]:
    """Spread statements over as many policies as they need: one that is inline, or several managed ones.

    What is not known yet is taken as long as it may become, so that a preview and its `up` count alike.

    :param lengths: how long a part may become, by its id; any other is as long as an ARN.
    """
    guess: dict[int, Any] = {}
    for part in _deferred(statements):
        guess.setdefault(id(part), str(len(guess)).rjust(lengths.get(id(part), _LONG), "-"))
    guessed = [_filled(statement, guess, asks=False) for statement in statements]
    if _size(merged(guessed)) <= INLINE - _LEFT_FREE:
        return [list(statements)]
    # Side by side what is joined later.
    kinds = [json.dumps({**one, "Resource": None}, sort_keys=True) for one in guessed]
    order = sorted(range(len(kinds)), key=lambda at: kinds.index(kinds[at]))
    chunks: list[list[int]] = [[]]
    for at in order:
        if _size(merged(guessed[each] for each in [*chunks[-1], at])) > MANAGED - _LEFT_FREE:
            chunks.append([])
        chunks[-1].append(at)
    return [[statements[at] for at in chunk] for chunk in chunks]


def _deferred(part: Any) -> Iterator[Any]:
    """Find what has to be waited for."""
    if is_deferred(part):
        yield part
    elif isinstance(part, Mapping):
        yield from (found for value in part.values() for found in _deferred(value))
    elif isinstance(part, list | tuple):
        yield from (found for value in part for found in _deferred(value))
    elif isinstance(part, Late):
        yield from _deferred(part.of)


def _filled(part: Any, known: Mapping[int, Any], *, asks: bool = True) -> Any:
    """Put what is known now in the place of what had to be waited for."""
    if is_deferred(part):
        return known[id(part)]
    if isinstance(part, Late):
        if part.asks and not asks:
            return "-" * _LONG
        return part.write(*_filled(part.of, known, asks=asks))
    if isinstance(part, Mapping):
        return {key: _filled(value, known, asks=asks) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [value for value in (_filled(each, known, asks=asks) for each in part) if value is not None]
    return part
