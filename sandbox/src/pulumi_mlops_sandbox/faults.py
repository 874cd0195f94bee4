"""Faults on demand: errors and delays for the next calls of an operation, to test clients against them."""

import threading
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Fault:
    """What happens to the next `count` calls; None means until further notice."""

    service: str = "*"
    operation: str = "*"
    error: str | None = None
    message: str | None = None
    status: int | None = None
    latency: float = 0.0
    count: int | None = 1

    def fits(self, service: str, operation: str) -> bool:
        """Say whether the call is one of those meant."""
        return self.service in {"*", service} and self.operation in {"*", operation}


class Faults:
    """The faults that are waiting for their calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, **fields: Any) -> None:
        """Plan a fault."""
        with self._lock:
            self._waiting.append(Fault(**fields))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def listing(self) -> list[dict[str, Any]]:
        """List what is still waiting."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, service: str, operation: str, *, exactly: bool = False) -> Fault | None:
        """Take the first fault that is meant for a call, or, exactly, for what the cloud does by itself."""
        with self._lock:
            for fault in self._waiting:
                named = (fault.service, fault.operation) == (service, operation)
                if named or (not exactly and fault.fits(service, operation)):
                    if fault.count is not None:
                        fault.count -= 1
                        if fault.count <= 0:
                            self._waiting.remove(fault)
                    return fault
        return None

    def ending(self, service: str, outcome: str) -> str | None:
        """Return why something that a cloud does by itself fails, such as ``EndpointCreation``, if that was planned."""
        fault = self.take(service, outcome, exactly=True)
        return None if fault is None else fault.message or "Planned by the sandbox"
