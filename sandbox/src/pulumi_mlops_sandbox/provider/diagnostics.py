"""Messages to the user beside the answer of a call: the engine prints them under the resource they belong to."""

import threading

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Diagnostics:
    """The engine's log; silent as long as no engine is known."""

    def __init__(self, engine: str | None = None) -> None:
        self._lock = threading.Lock()
        self._said: set[tuple[str, str]] = set()
        self._stub: engine_pb2_grpc.EngineStub | None = None
        if engine:
            self.attach(engine)

    def attach(self, engine: str) -> None:
        """Take the address of the engine."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))

    def warn(self, message: str, urn: str) -> None:
        """Say something once that the user should know although the call succeeds."""
        with self._lock:
            if (urn, message) in self._said:
                return
            self._said.add((urn, message))
        if self._stub is not None:
            try:
                self._stub.Log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn), timeout=5)
            except grpc.RpcError:  # an engine that is gone needs no warning
                return
