"""What a backend has for a verification: a module ``verify`` beside its engine, with a constant GROUND.

A backend that has no such module is not verified by the command.
"""

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops.core import registry
from pulumi_mlops.core.errors import Problem

Told = Mapping[str, Any]
"""What the command was told."""
STAGE = "dev"
_SMALL: Mapping[str, Any] = {"cpus": 0.5, "memory_gb": 1}
_SERVES: Mapping[str, Any] = {"cpus": 0.5, "memory_gb": 2}


@dataclass(frozen=True)
class Pace:
    """How large the platform is, and how long things take there."""

    canary_percent: int = 20
    """What a new version is given first."""
    bake_minutes: int = 1
    """How long it is watched then."""
    most_failing_percent: float = 40
    """How many of the requests may fail while a broken version is sent back."""
    every_minutes: int = 5
    """As often the monitor looks by itself, and as long it starts no other training after one."""
    captured_within: float = 30.0
    """Seconds after which a request has been captured."""
    replicas: int = 1
    step: Mapping[str, Any] = field(default_factory=lambda: _SMALL)
    """The compute of a step."""
    serving: Mapping[str, Any] = field(default_factory=lambda: _SERVES)
    """The compute of the endpoint."""


class Ground:
    """A backend that is verified, as far as the rounds are not the same on all."""

    pace = Pace()
    regions = False
    """Whether ``--region`` is taken."""

    def problems(self, told: Told, /) -> Iterable[Problem]:
        """Judge what the command was told; nothing is asked."""
        del told
        return ()

    def cost(self, told: Told, /) -> str:
        """Say what a verification spends."""
        raise NotImplementedError

    def calm(self, told: Told, /) -> bool:
        """Tell whether a release may begin: where an alarm still goes off, the next one would be sent back as well."""
        del told
        return True

    def alarm(self, told: Told, /) -> str | None:
        """Tell of the alarm of a drift that was seen; None as long as it is silent."""
        del told
        return ""

    def forget(self, told: Told, /) -> Sequence[str]:
        """Delete what runs have made, and no program; return what that was."""
        del told
        return ()

    def left(self, told: Told, /) -> Sequence[str]:
        """Name what there is of the platform, whoever made it."""
        del told
        return ()


def load(name: str) -> Ground | None:
    """Import what a backend has for a verification, and no more of it."""
    entry = registry.backends().get(name)
    if entry is None or entry.missing or importlib.util.find_spec(f"{entry.folder}.verify") is None:
        return None
    found: Ground = importlib.import_module(f"{entry.folder}.verify").GROUND
    return found


def pace(name: str) -> Pace:
    """Return the pace of a backend; the usual one where the command does not verify it."""
    found = load(name)
    return found.pace if found else Pace()


def verified() -> list[str]:
    """Name the backends that are verified, as far as their packages are installed."""
    return sorted(name for name in registry.backends() if load(name))
