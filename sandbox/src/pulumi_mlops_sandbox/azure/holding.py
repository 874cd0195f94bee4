"""Requests that are held, so that whoever sent one can be killed at a point that has a name and no time."""

import threading
from dataclasses import asdict, dataclass
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.errors import ArmError

PATIENCE = 300.0
"""Seconds after which a request that nobody lets go of is let go of."""


@dataclass(frozen=True)
class Asked:
    """What a request is about."""

    service: str
    operation: str
    """Such as `PUT workspaces`; `POLL workspaces` asks how a write of one goes on."""
    id: str


@dataclass
class Hold:
    """Which request is held, once."""

    service: str
    operation: str
    about: str = ""
    """What its id has in it."""
    skip: int = 0
    """How many such requests pass before."""
    done: bool = False
    """Whether it is carried out before it is held; one that is not never is."""

    def fits(self, asked: Asked) -> bool:
        """Say whether a request is one of those meant."""
        named = (self.service.lower(), self.operation.lower()) == (asked.service.lower(), asked.operation.lower())
        return named and self.about.lower() in asked.id.lower()


class Holds:
    """The holds that wait for their requests, and the requests that are held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Hold] = []
        self._held: dict[int, Asked] = {}
        self._go = threading.Event()

    def add(self, **fields: Any) -> None:
        """Plan a hold."""
        with self._lock:
            self._waiting.append(Hold(**fields))

    def let_go(self) -> None:
        """Forget the plans, and let go of what is held."""
        with self._lock:
            self._waiting.clear()
            self._go.set()
            self._go = threading.Event()

    def listing(self) -> dict[str, Any]:
        """List what waits, and what is held."""
        with self._lock:
            return {
                "waiting": [asdict(one) for one in self._waiting],
                "held": [asdict(one) for one in self._held.values()],
            }

    def take(self, asked: Asked) -> Hold | None:
        """Take the hold that is meant for a request."""
        with self._lock:
            for hold in self._waiting:
                if hold.fits(asked):
                    if hold.skip:
                        hold.skip -= 1
                        return None
                    self._waiting.remove(hold)
                    return hold
        return None

    def keep(self, asked: Asked, hold: Hold) -> None:
        """Hold a request until somebody lets go; refuse it then where it was not carried out."""
        with self._lock:
            go, key = self._go, threading.get_ident()
            self._held[key] = asked
        go.wait(PATIENCE)
        with self._lock:
            del self._held[key]
        if not hold.done:
            raise ArmError("RequestDropped", "The request was held by a test and never carried out.", 409)


def asked(method: str, path: str) -> Asked | None:
    """Say what a request to Resource Manager is about, as faults name it; nothing where the path is none."""
    verb = ""
    if method == "POST":
        path, _, verb = path.rstrip("/").rpartition("/")
    try:
        address = ids.parse(path)
    except ArmError:
        return None
    what = "/".join((*address.types, verb) if verb else address.types)
    return Asked(address.namespace, f"{method} {what}", path)
