"""Runs of pipelines, as every backend tells of them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["waiting", "running", "succeeded", "failed", "stopped", "skipped"]
"""``skipped``: left out by a condition. ``stopped``: somebody ended it, or it never began, as another step failed."""
ENDED = frozenset({"succeeded", "failed", "stopped", "skipped"})


@dataclass(frozen=True, kw_only=True)
class StepState:
    """One step of a run."""

    name: str
    state: State
    began: dt.datetime | None = None
    ended: dt.datetime | None = None
    reason: str = ""
    """Why it failed or was left out, in the backend's words."""
    detail: str = ""
    """How far it is, where the backend tells more than the state: attempts, trials."""
    registers: bool = False
    """Whether it registers a version of a model."""
    address: str = ""
    """What the backend calls that which runs: a job, a pod."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a pipeline, as it was when it was looked at."""

    id: str
    """What the backend calls it; ``follow`` takes it."""
    pipeline: str
    state: State
    began: dt.datetime | None = None
    ended: dt.datetime | None = None
    reason: str = ""
    steps: tuple[StepState, ...] = ()
    """Its steps in the order of the pipeline."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What it was started with, defaults included."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED

    @property
    def left_out(self) -> list[StepState]:
        """The steps that a condition left out."""
        return [step for step in self.steps if step.state == "skipped"]

    @property
    def unregistered(self) -> list[StepState]:
        """The steps that would have registered a version, and were left out."""
        return [step for step in self.left_out if step.registers]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        found = asdict(self)
        for one in (found, *found["steps"]):
            one |= {key: moment.isoformat() if (moment := one[key]) else None for key in ("began", "ended")}
        return {**found, "parameters": dict(self.parameters), "steps": list(found["steps"])}
