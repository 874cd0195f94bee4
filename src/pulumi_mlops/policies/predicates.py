"""Sentences of which rules are made: what a property has to be."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from pulumi_mlops.policies.model import Predicate, Problem
from pulumi_mlops.policies.resources import Part, Resource, Undecided
from pulumi_mlops.policies.settings import Settings

When = Callable[[Resource], bool]
SHOWN = 60


def _always(_: Resource) -> bool:
    return True


def told(resource: Part, path: str) -> str:
    """Say what a property is, without the value of a secret."""
    value = resource.get(path)
    whole = resource.at(path)
    if isinstance(resource, Resource) and any(whole.startswith(secret) for secret in resource.secrets):
        return "is secret"
    if value is None:
        return "is not set"
    if isinstance(value, bool):
        return f"is {str(value).lower()}"
    if isinstance(value, Mapping | list | tuple):
        return "is not that"
    return f"is {str(value)[:SHOWN]}"


def _must(path: str, holds: Callable[[Any], bool], wanted: str, when: When) -> Predicate:
    def predicate(resource: Resource, _: Settings) -> Iterator[Problem]:
        if when(resource) and not holds(resource.get(path)):
            yield Problem(path, told(resource, path), wanted)

    return predicate


def equals(path: str, wanted: Any, *, when: When = _always) -> Predicate:
    """Have a property that is just this; one that is not set is not."""
    shown = str(wanted).lower() if isinstance(wanted, bool) else str(wanted)
    return _must(path, lambda found: _same(found, wanted), f"{path}={shown}", when)


def one_of(path: str, wanted: Collection[Any], *, when: When = _always) -> Predicate:
    """Have a property that is one of these."""
    shown = f"{path}={' or '.join(map(str, wanted))}"
    return _must(path, lambda found: any(_same(found, each) for each in wanted), shown, when)


def is_not(path: str, unwanted: Collection[Any], instead: str, *, when: When = _always) -> Predicate:
    """Have a property that is none of these; one that is not set is none."""
    return _must(path, lambda found: not any(_same(found, each) for each in unwanted), instead, when)


def is_set(path: str, instead: str, *, when: When = _always) -> Predicate:
    """Have a property at all."""
    return _must(path, lambda found: found not in (None, "", [], {}), instead, when)


def at_least(path: str, least: float | Callable[[Settings], float], *, when: When = _always) -> Predicate:
    """Have a number that is not below this."""

    def predicate(resource: Resource, settings: Settings) -> Iterator[Problem]:
        bound = least(settings) if callable(least) else least
        if when(resource) and (number(resource.get(path)) or 0) < bound:
            yield Problem(path, told(resource, path), f"{path}={bound:g} or more")

    return predicate


def any_of(*predicates: Predicate) -> Predicate:
    """Have one of several; what is said is what the first of them says."""

    def predicate(resource: Resource, settings: Settings) -> Iterable[Problem]:
        found: list[list[Problem]] = []
        unknown: Undecided | None = None
        for each in predicates:
            try:
                found.append(list(each(resource, settings)))
            except Undecided as undecided:
                unknown = undecided
        if unknown and all(found):
            raise unknown
        return found[0] if all(found) else []

    return predicate


def number(value: Any) -> float | None:
    """Read a number that may stand as text."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, str) and isinstance(wanted, bool):
        return found.lower() == str(wanted).lower()
    if isinstance(found, str) and isinstance(wanted, str):
        return found.lower() == wanted.lower()
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)
