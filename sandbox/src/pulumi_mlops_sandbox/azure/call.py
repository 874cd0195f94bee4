"""One request to one resource, and the Azure that it is made to."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.facts import DEPLOYER
from pulumi_mlops_sandbox.azure.holding import Holds
from pulumi_mlops_sandbox.azure.ids import Address
from pulumi_mlops_sandbox.azure.kinds import Kind
from pulumi_mlops_sandbox.azure.store import Record, Store
from pulumi_mlops_sandbox.faults import Faults
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.running.jobs import Jobs
from pulumi_mlops_sandbox.saving import Saver


@dataclass
class Answer:
    """What a request is answered with."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Need:
    """A right that somebody needed."""

    principal: str
    action: str
    scope: str
    data: bool = False
    path: str = ""
    """Of the object that it was about."""


class Tenant(ABC):
    """The state of one sandboxed Azure."""

    def __init__(self, home: Path, latency: float) -> None:
        self.home, self.latency = home, latency
        self.lock = threading.RLock()
        self.store = Store()
        self.faults = Faults()
        self.holds = Holds()
        self.requests: deque[dict[str, Any]] = deque(maxlen=4000)
        self.needed: set[Need] = set()
        """All that was asked for so far."""
        self.url = ""
        self.images = Images(home)
        self.jobs = Jobs(home)
        self.saver = Saver(home / "azure-state.json", self._dumped)

    @abstractmethod
    def arm(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str],
        body: Any = None,
        headers: dict[str, str] | None = None,
        principal: str = DEPLOYER,
    ) -> Answer:
        """Answer one request to Resource Manager."""

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer one request of whatever kind."""

    def _dumped(self) -> bytes:
        with self.lock:
            return self.store.dump()


@dataclass
class Call:
    """One request to one resource."""

    tenant: Tenant
    method: str
    address: Address
    kind: Kind
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    principal: str = DEPLOYER
    existing: Record | None = None
    """What is there already."""

    @property
    def store(self) -> Store:
        """What exists."""
        return self.tenant.store

    @property
    def properties(self) -> dict[str, Any]:
        """The properties in the body."""
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    def at(self, path: str, default: Any = None) -> Any:
        """Read what is at a path in the body."""
        return dig(self.body, path, default)

    def was(self, path: str) -> Any:
        """Read what was at a path before."""
        return dig(self.existing.body, path) if self.existing else None


def dig(tree: Any, path: str, default: Any = None) -> Any:
    """Read what is at a path."""
    for part in path.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
        if tree is None:
            return default
    return tree


Rule = Callable[[Call], Iterable[Problem] | None]
"""Yields what is wrong with a body, or raises a refusal of its own."""
Making = Callable[[Call, Record], dict[str, Any]]
"""Says what the service adds to a resource."""
Effect = Callable[[Call, Record], None]
"""Does what follows from a write."""
Outcome = Callable[[Call, Record], ArmError | None]
"""Says how something that takes its time fails."""

RULES: dict[str, list[Rule]] = {}
ON_DELETE: dict[str, list[Rule]] = {}
MAKES: dict[str, list[Making]] = {}
EFFECTS: dict[str, list[Effect]] = {}
OUTCOMES: dict[str, list[Outcome]] = {}


def _registering(table: dict[str, list[Any]]) -> Callable[..., Callable[[Any], Any]]:
    def register(*types: str) -> Callable[[Any], Any]:
        def keep(function: Any) -> Any:
            for kind in types:
                table.setdefault(kind.lower(), []).append(function)
            return function

        return keep

    return register


rule = _registering(RULES)
"""Judges what is put, beyond its shape."""
on_delete = _registering(ON_DELETE)
"""Judges a deletion."""
makes = _registering(MAKES)
"""Makes outputs."""
effect = _registering(EFFECTS)
"""Follows a write."""
outcome = _registering(OUTCOMES)
"""Decides how an asynchronous write ends."""


def registered(table: dict[str, list[Any]], kind: str) -> Iterator[Any]:
    """List what is registered for a type, and for all."""
    yield from table.get("*", ())
    yield from table.get(kind.lower(), ())
