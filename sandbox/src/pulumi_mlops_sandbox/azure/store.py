"""What exists: resources by id, what was deleted softly, operations that go on, objects in storage."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.saving import UnreadableStateError

FORMAT = 1
GOING = frozenset({"Creating", "Updating", "Deleting"})


@dataclass
class Record:
    """One resource."""

    id: str
    type: str
    name: str
    body: dict[str, Any]
    """What was asked for, secrets included."""
    made: dict[str, Any] = field(default_factory=dict)
    """What the service added."""
    state: str = "Succeeded"
    version: int = 1
    created: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    by: str = ""
    """The object id of whoever created it."""
    own: bool = False
    """Made by a service, as the datastores of a new workspace are: no one has to delete it."""

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.id.lower()

    @property
    def properties(self) -> dict[str, Any]:
        """The properties that were asked for."""
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    def at(self, path: str, default: Any = None) -> Any:
        """Read what is at a path, such as ``identity.principalId``: what the service added, else what was asked."""
        for tree in (self.made, self.body):
            found: Any = tree
            for part in path.split("."):
                found = found.get(part) if isinstance(found, dict) else None
            if found is not None:
                return found
        return default


@dataclass
class Operation:
    """Something that takes its time."""

    id: str
    resource: str
    kind: str
    """Creating, Updating or Deleting."""
    due: float
    error: dict[str, Any] | None = None
    """How it will end, if not well."""
    status: str = "InProgress"


@dataclass
class Item:
    """One object in a storage container."""

    content: bytes
    type: str
    metadata: dict[str, str]
    changed: float = field(default_factory=time.time)


@dataclass
class Run:
    """What the run history of a workspace knows of a job, or of a part of one."""

    id: str
    workspace: str
    """The id of the workspace."""
    name: str
    """How it is called in the whole that it is a part of."""
    experiment: str = ""
    parent: str = ""
    root: str = ""
    kind: str = "Command"
    status: str = "NotStarted"
    began: str = ""
    ended: str = ""
    error: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    """What it printed."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What a search tries in it."""
    places: dict[str, str] = field(default_factory=dict)
    """Where its outputs are, by name."""
    principal: str = ""
    """As whom it runs."""
    identities: dict[str, str] = field(default_factory=dict)
    """Whose tokens it may ask for: principals, by application id."""
    key: str = ""
    """What it shows when it asks for a token."""


class Store:
    """Everything that the sandbox's Azure holds."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.records: dict[str, Record] = {}
        self.deleted: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, Operation] = {}
        self.items: dict[str, Item] = {}
        self.taken: list[list[str]] = []
        self.alerts: dict[str, str] = {}
        self.fired: dict[str, float] = {}
        self.metrics: list[dict[str, Any]] = []
        self.principals: dict[str, str] = {}
        self.runs: dict[str, Run] = {}

    def get(self, identity: str) -> Record | None:
        """Find a resource, however its id is spelt."""
        return self.records.get(identity.lower().rstrip("/"))

    def put(self, record: Record) -> Record:
        """Keep a resource."""
        self.records[record.key] = record
        return record

    def of_type(self, kind: str, below: str = "") -> Iterator[Record]:
        """List the resources of a type, below a scope."""
        kind, below = kind.lower(), below.lower().rstrip("/")
        for record in list(self.records.values()):
            if record.type.lower() == kind and (not below or record.key.startswith(f"{below}/")):
                yield record

    def below(self, identity: str) -> list[Record]:
        """List all that lies in a resource or hangs on it."""
        prefix = f"{identity.lower().rstrip('/')}/"
        return [record for record in self.records.values() if record.key.startswith(prefix)]

    def remove(self, identity: str) -> None:
        """Forget a resource, all that lies in it, and the objects that it holds."""
        for record in self.below(identity):
            del self.records[record.key]
        self.records.pop(identity.lower(), None)
        prefix = f"{identity.lower().rstrip('/')}/"
        for key in [key for key in self.items if key.lower().startswith(prefix)]:
            del self.items[key]

    def dump(self) -> bytes:
        """Write all of it."""
        return json.dumps(
            {
                "format": FORMAT,
                "records": [asdict(record) for record in self.records.values()],
                "deleted": self.deleted,
                "operations": [asdict(operation) for operation in self.operations.values()],
                "items": {
                    key: {**asdict(item), "content": base64.b64encode(item.content).decode()}
                    for key, item in self.items.items()
                },
                "taken": self.taken,
                "alerts": self.alerts,
                "fired": self.fired,
                "metrics": self.metrics,
                "principals": self.principals,
                "runs": [asdict(run) for run in self.runs.values()],
            }
        ).encode()

    def load(self, path: Path) -> None:
        """Read it back, if there is any."""
        if not path.exists():
            return
        try:
            read = json.loads(path.read_bytes())
            if read["format"] != FORMAT:
                raise UnreadableStateError(path, f"its format is {read['format']}, not {FORMAT}")
            self.records = {(one := Record(**record)).key: one for record in read["records"]}
            self.operations = {one["id"]: Operation(**one) for one in read["operations"]}
            self.items = {
                key: Item(**{**item, "content": base64.b64decode(item["content"])})
                for key, item in read["items"].items()
            }
            self.deleted, self.taken = read["deleted"], read["taken"]
            self.alerts, self.principals = read["alerts"], read["principals"]
            self.fired, self.metrics = read.get("fired", {}), read.get("metrics", [])
            self.runs = {one["id"]: Run(**one) for one in read.get("runs", [])}
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableStateError(path, error) from error
