"""One request to one operation, and the account that it is made to."""

import threading
import uuid
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.faults import Faults
from pulumi_mlops_sandbox.aws.snapshot import Snapshot
from pulumi_mlops_sandbox.aws.store import Store
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.running.jobs import Jobs

if TYPE_CHECKING:
    from moto.core.model import OperationModel


class Account(ABC):
    """The state of one sandboxed AWS account."""

    current: "ClassVar[Account | None]" = None
    """The one of this process: what moto delivers finds it here."""

    def __init__(self, home: Path, latency: float) -> None:
        self.home = home
        self.latency = latency
        self.lock = threading.RLock()  # moto's backends are not made for threads
        self.store = Store()
        self.faults = Faults()
        self.needed: set[tuple[str, str]] = set()  # actions and resources of all requests
        self.requests: deque[dict[str, Any]] = deque(maxlen=2000)
        self.saver = Snapshot(home, self.lock, self.store)
        self.url = ""
        """Where it listens."""
        self.images = Images(home)
        self.jobs = Jobs(home)
        Account.current = self

    @staticmethod
    def request_id() -> str:
        """Make the id that AWS gives each request."""
        return str(uuid.uuid4())

    @abstractmethod
    def call(self, service: str, operation: str, params: dict[str, Any], region: str) -> dict[str, Any]:
        """Perform one of the sandbox's own operations from the inside, judged as from the outside."""


@dataclass
class Call:
    """One request to one operation of one service."""

    plane: Account
    service: str
    operation: str
    region: str
    params: dict[str, Any]
    model: "OperationModel"
    protocol: str = "json"
    access_key: str = ""  # whose request it is
    notes: dict[str, Any] = field(default_factory=dict)  # what a check wants to tell the hook that runs afterwards

    def arn(self, path: str, service: str | None = None) -> str:
        """Make an ARN in this account and region."""
        return f"arn:aws:{service or self.service}:{self.region}:{ACCOUNT}:{path}"
