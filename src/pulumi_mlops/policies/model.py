"""What a rule is: an id that no cloud has, and for each cloud what has to hold there."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pulumi_mlops.policies.resources import CLOUDS, Resource, Stack
from pulumi_mlops.policies.settings import Level, Settings

Severity = Literal["critical", "high", "medium", "low"]
State = Literal["violation", "undecided", "excepted"]
VARIABLE = "PULUMI_MLOPS_REPORT"
"""The variable that names a file to which a pack writes each finding, a line of JSON each."""
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a resource."""

    path: str
    """The property, such as ``spec.replicas``."""
    said: str
    """What it is, as the rest of a sentence that begins with the property."""
    fix: str
    """What to write instead."""
    on: Resource | None = None
    """The resource, where a rule looks at more than one."""


Change = tuple[tuple[str, ...], Any]
"""The path of a property, and what it is to be."""
Predicate = Callable[[Resource, Settings], Iterable[Problem]]
Relation = Callable[[Resource, Stack, Settings], Iterable[Problem]]


@dataclass(frozen=True)
class Check:
    """What has to hold for some kinds of resources of one cloud."""

    types: tuple[str, ...]
    """Kinds as `canonical` names them; ``aws:*`` is all of a provider."""
    predicate: Predicate | None = None
    relation: Relation | None = None

    @property
    def cloud(self) -> str:
        """The cloud whose kinds they are."""
        return CLOUDS[self.types[0].partition(":")[0]]


@dataclass(frozen=True)
class Mending:
    """How some kinds of resources are made to be as a rule asks, where that harms nobody."""

    types: tuple[str, ...]
    changes: Callable[[Resource, Settings], Iterable[Change]]
    """What has to change of a resource; nothing where nothing is wrong."""


@dataclass(frozen=True)
class Rule:
    """Something that a platform must be, whichever cloud it is on."""

    id: str
    title: str
    severity: Severity
    why: str
    sources: tuple[str, ...]
    """The controls of others that ask for the same."""
    checks: tuple[Check, ...]
    url: str = ""
    mendings: tuple[Mending, ...] = ()
    """What is done about a violation where the rule's level is `remediate`."""

    @property
    def clouds(self) -> tuple[str, ...]:
        """The clouds that it covers."""
        return tuple(dict.fromkeys(check.cloud for check in self.checks))


@dataclass(frozen=True)
class Finding:
    """One problem of one resource, under one rule."""

    rule: Rule
    urn: str
    type: str
    resource: str
    problem: Problem
    state: State = "violation"
    note: str = ""
    """Why an exception holds, or that it does not hold any more."""

    def message(self) -> str:
        """Say it in one line."""
        if self.state == "undecided":
            return f"{self.problem.path} is not known yet: decided at update"
        said = f"{self.problem.path} {self.problem.said}. Write: {self.problem.fix}"
        return f"{said} ({self.note})" if self.note else said


def record(finding: Finding, own: Level) -> dict[str, Any]:
    """Write a finding down as reports have it."""
    return {
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "severity": finding.rule.severity,
        "level": own,
        "state": finding.state,
        "resource": finding.resource,
        "type": finding.type,
        "urn": finding.urn,
        "property": finding.problem.path,
        "message": finding.message(),
        "fix": finding.problem.fix,
        "note": finding.note,
    }


def on(types: str | Sequence[str], *predicates: Predicate) -> Check:
    """Say what has to hold for each resource of some kinds."""
    names = (types,) if isinstance(types, str) else tuple(types)
    if len(predicates) == 1:
        return Check(names, predicate=predicates[0])

    def every(resource: Resource, settings: Settings) -> Iterable[Problem]:
        for predicate in predicates:
            yield from predicate(resource, settings)

    return Check(names, predicate=every)


def across(types: str | Sequence[str], relation: Relation) -> Check:
    """Say what each resource of some kinds has to be to the others of its stack."""
    return Check((types,) if isinstance(types, str) else tuple(types), relation=relation)
