"""Faults on demand: errors and delays for the next calls of an operation, to test clients against them."""

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from pulumi_mlops_sandbox.aws.errors import AwsError

# Message and HTTP status of the errors that any service may answer with.
COMMON = {
    "ThrottlingException": ("Rate exceeded", 400),
    "Throttling": ("Rate exceeded", 400),
    "ExpiredTokenException": ("The security token included in the request is expired", 400),
    "ExpiredToken": ("The security token included in the request is expired", 403),
    "AccessDeniedException": ("User is not authorized to perform this action", 400),
    "AccessDenied": ("Access Denied", 403),
    "UnrecognizedClientException": ("The security token included in the request is invalid.", 400),
    "InternalFailure": ("The request processing has failed because of an unknown error.", 500),
    "ServiceUnavailable": ("The service is unavailable. Please retry.", 503),
}


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

    def ending(self, service: str, outcome: str) -> str | None:
        """Return why something that AWS does by itself fails, such as ``EndpointCreation``, if that was planned."""
        with self._lock:
            found = (fault for fault in self._waiting if (fault.service, fault.operation) == (service, outcome))
            fault = next(found, None)
            if fault is None:
                return None
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
        return fault.message or "Planned by the sandbox"

    def apply(self, service: str, operation: str) -> None:
        """Delay or refuse the call if a fault was planned for it."""
        with self._lock:
            fault = next((fault for fault in self._waiting if fault.fits(service, operation)), None)
            if fault is None:
                return
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
        if fault.latency:
            time.sleep(fault.latency)
        if fault.error:
            text, status = COMMON.get(fault.error, ("Injected by the sandbox", 400))
            raise AwsError(fault.error, fault.message or text, fault.status or status)
