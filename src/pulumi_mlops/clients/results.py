"""What the client answers with, and what it hands to a backend."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Approval = Literal["pending", "approved", "rejected", "none"]
"""``none``: somebody registered it who says nothing of approval."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decided on a version, and why."""

    by: str
    reason: str
    at: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RegisteredVersion:
    """A version of a model, as its registry has it."""

    model: str
    version: int
    approval: Approval
    made: dt.datetime | None = None
    files: str | None = None
    """Where its files are; None where it has none, or several folders."""
    image: str | None = None
    """The image that it names for serving."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    decision: Decision | None = None
    """None while nobody has decided, or where it was not decided by this library."""

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        found = {**asdict(self), "made": _written(self.made)}
        if self.decision:
            found["decision"]["at"] = _written(self.decision.at)
        return found


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What is registered as a version."""

    root: Path
    """The file, or the folder whose files they are."""
    files: Sequence[Path]
    facts: Mapping[str, str]
    """Metrics and metadata, as texts."""
    image: str | None

    def name_of(self, path: Path) -> str:
        """Return what a file is called below the folder of the version."""
        return path.name if path == self.root else path.relative_to(self.root).as_posix()


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a model is asked."""

    body: bytes
    content_type: str
    variant: str | None = None
    """What is to answer; as the traffic is divided unless told."""
    repeatable: bool = True
    """Whether asking twice is asking once."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answered, as it came."""

    body: bytes
    content_type: str
    variant: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model answered."""

    value: Any
    """The answer: what its JSON says, else a text, else bytes."""
    body: bytes = field(repr=False)
    """The answer as it came."""
    content_type: str
    variant: str | None = None
    """What answered, where the backend tells."""
    seconds: float
    """How long it took, from here; tries that came to nothing are not counted."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of rows that were put into a feature group."""

    group: str
    rows: int
    stores: tuple[Literal["online", "offline"], ...]


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What a monitor found of one signal."""

    name: str
    kind: str
    """Such as ``data_drift``; a name is that, and a number where a monitor has several of a kind."""
    metric: str
    """What was measured, where a kind knows several measures."""
    value: float | None
    """None where there was nothing to measure it by; ``reason`` says why."""
    threshold: float | None
    breached: bool
    reason: str = ""
    features: Mapping[str, Any] = field(default_factory=dict)
    """What was found of single features."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run of a monitor found."""

    monitor: str
    run: str
    state: str
    """How the run is: ``succeeded``, or else there are no signals."""
    at: dt.datetime | None = None
    """When the run began."""
    rows: int = 0
    """How many captured rows were looked at."""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    """Within which time they were captured."""
    insufficient: bool = False
    """Whether these were too few to say anything."""
    breached: bool = False
    signals: tuple[Signal, ...] = ()
    started: str | None = None
    """The run of the pipeline that the breach started."""
    unstarted: str = ""
    """Why a breach that was to start one has not."""
    page: str | None = None
    """Where the report for people is."""
    reason: str = ""
    """Why there is nothing more to tell, where there is not."""

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        times = {name: _written(getattr(self, name)) for name in ("at", "since", "until")}
        return {**asdict(self), **times, "signals": [asdict(one) for one in self.signals]}


@dataclass(frozen=True, kw_only=True)
class RollBack:
    """How an endpoint went back."""

    endpoint: str
    model: str
    before: tuple[int, ...]
    """The versions that it served."""
    rejected: tuple[int, ...]
    """The versions that are approved no more."""
    version: int
    """The version that it goes back to."""
    serves: bool
    """Whether it serves that one by now; else the next ``pulumi up`` of its stack brings it."""

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {**asdict(self), "before": list(self.before), "rejected": list(self.rejected)}


def _written(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None
