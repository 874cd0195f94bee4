"""A picture of a platform: its nouns, what serves, what ran and was approved last, what it costs.

Nothing in it is guessed. What nobody can be asked about, or may not be, says why in its place.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pulumi_mlops.clients import nouns
from pulumi_mlops.clients.lineage import Known, Lineage, Served, Unknown, Version, plain
from pulumi_mlops.clients.nouns import Key, Link, Noun
from pulumi_mlops.clients.results import RegisteredVersion, Report
from pulumi_mlops.clients.runs import Run
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.clients.stacks import Stack
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.monitor import MonitorRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError

T = TypeVar("T")
RUNS = VERSIONS = LOOKS = 5
"""How many of the newest runs of a pipeline are told, versions of a model, and looks of a monitor."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A noun of the stack, or one that it uses of another."""

    noun: str
    name: str
    backend: Known[str]
    here: bool
    """Whether this stack makes it."""
    output: str | None
    """The output that has it; None where there is none."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that it was given, as far as they are plain."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What an endpoint serves."""

    name: str
    status: Known[str]
    url: Known[str | None]
    """None while it waits for a first approved version."""
    captured: Known[str | None]
    """Where captured requests are; None where none are."""
    served: Known[tuple[Served, ...]]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """The newest versions of a model."""

    name: str
    gate: Mapping[str, str]
    versions: Known[tuple[RegisteredVersion, ...]]
    newest: Known[Version | None]
    """Where the newest comes from; None where there is no version."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The newest runs of a pipeline."""

    name: str
    runs: Known[tuple[Run, ...]]
    """The newest first, which is the only one that surely has its steps."""


@dataclass(frozen=True, kw_only=True)
class Watching:
    """What a monitor found."""

    name: str
    endpoint: Known[str]
    status: Known[str]
    """``waiting`` as its endpoint does, or for a version that has a baseline."""
    reports: Known[tuple[Report, ...]]
    """Of its newest runs, the newest first."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a platform costs."""

    name: str
    spent: Known[Spent]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a stack is and does."""

    stack: str
    made: dt.datetime
    """When it was looked at."""
    recorded: Known[int]
    """How many resources the engine has on record."""
    parts: tuple[Part, ...]
    links: tuple[Link, ...]
    endpoints: tuple[Serving, ...]
    monitors: tuple[Watching, ...]
    models: tuple[Registered, ...]
    pipelines: tuple[Ran, ...]
    costs: tuple[Cost, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON; what is not known is ``{"unknown": why}``."""
        found: dict[str, Any] = plain(self)
        return found


class Asked(Protocol):
    """The client, as far as it is asked here."""

    def lineage(self, what: Any, version: int | None = None) -> Lineage:
        """Tell what an endpoint serves, or of a version."""
        ...

    def versions(self, model: Any, *, last: int | None = None) -> list[RegisteredVersion]:
        """List the newest versions of a model."""
        ...

    def reports(self, monitor: Any, *, last: int = 10) -> list[Report]:
        """Tell what a monitor found in its newest runs."""
        ...

    def runs(self, pipeline: Any, most: int = 10) -> list[Run]:
        """List the newest runs."""
        ...

    def look(self, pipeline: Any, run: str) -> Run:
        """Tell of one run."""
        ...

    def spent(self, platform: Any) -> Known[Spent]:
        """Tell what a platform has cost."""
        ...


def gathered(client: Asked, stack: Stack) -> Picture:
    """Ask for all of it."""
    state = _or_why(stack.recorded)
    found = nouns.read(stack.outputs, None if isinstance(state, Unknown) else state)
    of = {kind: [one for one in found.nouns.values() if one.key.noun == kind and one.here] for kind in _ASKED}
    return Picture(
        stack=stack.name,
        made=dt.datetime.now(tz=dt.UTC).replace(microsecond=0),
        recorded=state if isinstance(state, Unknown) else len((state.get("deployment") or {}).get("resources") or []),
        parts=tuple(_part(one, found) for one in found.nouns.values()),
        links=tuple(found.links),
        endpoints=tuple(_serving(client, one) for one in of["Endpoint"]),
        monitors=tuple(_watching(client, one) for one in of["Monitor"]),
        models=tuple(_registered(client, one) for one in of["Model"]),
        pipelines=tuple(Ran(name=one.key.name, runs=_about(one, PipelineRef, _runs(client))) for one in of["Pipeline"]),
        costs=tuple(Cost(name=one.key.name, spent=_about(one, PlatformRef, client.spent)) for one in of["Platform"]),
    )


_ASKED = ("Endpoint", "Model", "Monitor", "Pipeline", "Platform")


def _part(one: Noun, found: nouns.Nouns) -> Part:
    backend: Known[str]
    if one.ref:
        backend = one.ref.backend
    else:
        backend = one.engine or found.backend_below(one.key) or Unknown("what it stands on is of another stack")
    own = {"stage": one.ref.stage, "region": one.ref.region} if isinstance(one.ref, PlatformRef) else {}
    return Part(
        noun=one.key.noun,
        name=one.key.name,
        backend=backend,
        here=one.here,
        output=one.output,
        facts={**one.facts, **{name: value for name, value in own.items() if value}},
    )


def _unexported(key: Key) -> Unknown:
    variable = key.name.replace("-", "_")
    return Unknown(f"the stack does not export it; write pulumi.export({key.name!r}, {variable}.ref.export())")


def _or_why(ask: Callable[[], T]) -> Known[T]:
    try:
        return ask()
    except MlopsError as error:
        return Unknown(" ".join(str(error).split()))


def _about(one: Noun, kind: type[Any], ask: Callable[[Any], Known[T]]) -> Known[T]:
    """Ask about a noun by its ref."""
    ref = one.ref
    if not isinstance(ref, kind):
        return _unexported(one.key)
    return _or_why(lambda: ask(ref))


def _serving(client: Asked, one: Noun) -> Serving:
    ref = one.ref if isinstance(one.ref, EndpointRef) else None
    unknown = _unexported(one.key)
    return Serving(
        name=one.key.name,
        status=ref.status if ref else unknown,
        url=_text(ref.url) if ref else unknown,
        captured=_text(ref.captured) if ref else unknown,
        served=_about(one, EndpointRef, lambda found: client.lineage(found).served),
    )


def _watching(client: Asked, one: Noun) -> Watching:
    ref = one.ref if isinstance(one.ref, MonitorRef) else None
    reports: Known[tuple[Report, ...]] = ()
    if ref is None or ref.status != "waiting":
        reports = _about(one, MonitorRef, lambda found: tuple(client.reports(found, last=LOOKS)))
    return Watching(
        name=one.key.name,
        endpoint=ref.endpoint if ref else _unexported(one.key),
        status=ref.status if ref else _unexported(one.key),
        reports=reports,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _registered(client: Asked, one: Noun) -> Registered:
    versions: Known[tuple[RegisteredVersion, ...]]
    versions = _about(one, ModelRef, lambda ref: tuple(client.versions(ref, last=VERSIONS)))
    return Registered(
        name=one.key.name,
        gate=one.ref.gate if isinstance(one.ref, ModelRef) else one.facts.get("gate") or {},
        versions=versions,
        newest=None if versions == () else _about(one, ModelRef, lambda ref: client.lineage(ref).version),
    )


def _runs(client: Asked) -> Callable[[PipelineRef], tuple[Run, ...]]:
    def ask(ref: PipelineRef) -> tuple[Run, ...]:
        newest: Sequence[Run] = client.runs(ref, RUNS)
        return (client.look(ref, newest[0].id), *newest[1:]) if newest else ()

    return ask
