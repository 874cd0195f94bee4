"""Where something comes from: endpoint, version, run, step, code, data. What is not known says why."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Unknown:
    """Something that nobody wrote down, or that is not there any more."""

    why: str


Known: TypeAlias = T | Unknown


@dataclass(frozen=True, kw_only=True)
class Code:
    """What ran."""

    image: str
    digest: Known[str]


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a run read."""

    kind: str
    """``dataset``, ``features`` or ``files``."""
    name: str
    version: Known[str]
    """The version of a dataset; for features the time up to which rows were read."""
    step: str = ""
    """The step that read it."""
    location: str = ""
    asked: str = ""
    """What the program asked for: ``latest``, a number, a day."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """The run that made a version."""

    pipeline: str
    run: str
    state: str = ""
    began: dt.datetime | None = None
    ended: dt.datetime | None = None
    step: Known[str]
    """The step whose files became the version."""
    code: Known[Code]
    parameters: Known[Mapping[str, str]]
    """What the run was started with."""
    settings: Known[Mapping[str, str]]
    """What the step itself was given: of a search, what its best trial had."""
    reads: Known[tuple[Read, ...]]
    """What the step read, and those before it whose files it took."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of a model."""

    model: str
    version: int
    approval: str
    """``pending``, ``approved`` or ``rejected``."""
    made: dt.datetime | None = None
    files: Known[str]
    image: Known[str]
    """The image that it names for serving."""
    metrics: Mapping[str, str] = field(default_factory=dict)
    """The numbers that are written down with it."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The other facts that are."""
    by: Known[Making]


@dataclass(frozen=True, kw_only=True)
class Served:
    """What a variant of an endpoint serves."""

    variant: str
    percent: Known[float]
    """Its share of the traffic."""
    shadow: bool = False
    """Whether it gets copies of requests only."""
    version: Known[Version]


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Where an endpoint or a version comes from."""

    endpoint: str | None = None
    served: tuple[Served, ...] = ()
    version: Version | None = None
    """The version that was asked for, where no endpoint was."""

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON; what is not known is ``{"unknown": why}``."""
        found: dict[str, Any] = plain(self)
        return found


def plain(value: Any) -> Any:
    """Return what consists of dataclasses as plain values, for JSON; what is not known is ``{"unknown": why}``."""
    if isinstance(value, Unknown):
        return {"unknown": value.why}
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, dt.datetime) else value


def numbers(facts: Mapping[str, str]) -> dict[str, str]:
    """Take the facts that are numbers: what was measured is written down beside what a program says."""
    return {name: value for name, value in facts.items() if _is_number(value)}


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
