"""Policies of IAM as Python values: statements whose parts may be known later, written down once."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.core.inputs import is_deferred

Statement = dict[str, Any]


@dataclass(frozen=True)
class Late:
    """A part of a policy that is written when what it is made of is known.

    A policy waits once, for everything that is in it: an Output for each ARN would cost the engine more time than the
    resources themselves.
    """

    write: Callable[..., str | None]
    """Gets the values of ``of``; None, as a resource, leaves the statement out."""
    of: tuple[Input[Any], ...]


def arn(template: str, *parts: Input[Any]) -> Late:
    """Write an ARN, or another text, of parts that may be unknown yet."""
    return Late(template.format, parts)


def allow(actions: Sequence[str], resources: Any, condition: Mapping[str, Any] | None = None) -> Statement:
    """Write one statement of a policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources} | (
        {"Condition": condition} if condition else {}
    )


def document(statements: Sequence[Statement]) -> Output[str]:
    """Write a policy, each statement once."""
    waited: dict[int, Any] = {}
    for part in _deferred(statements):
        waited.setdefault(id(part), part)

    def write(values: list[Any]) -> str:
        known = dict(zip(waited, values, strict=True))
        filled: list[Statement] = []
        for statement in _filled(statements, known):
            if statement.get("Resource", True) and statement not in filled:
                filled.append(statement)
        return json.dumps({"Version": "2012-10-17", "Statement": filled})

    return Output.all(*waited.values()).apply(write)


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


def _filled(part: Any, known: Mapping[int, Any]) -> Any:
    """Put what is known now in the place of what had to be waited for."""
    if is_deferred(part):
        return known[id(part)]
    if isinstance(part, Late):
        return part.write(*_filled(part.of, known))
    if isinstance(part, Mapping):
        return {key: _filled(value, known) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [value for value in (_filled(each, known) for each in part) if value is not None]
    return part
