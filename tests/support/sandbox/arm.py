"""Azure's control plane as a process of its own, and plain requests to it."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.azure.facts import SUBSCRIPTION, TOKEN
from support.sandbox.emulator import BOUND, Emulator

ROOT = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{ROOT}/resourceGroups/rg"
VERSION = "2025-12-01"


@dataclass
class Said:
    """What the control plane answered."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The code of a refusal, or nothing."""
        return str(self.body["error"]["code"]) if isinstance(self.body, dict) and "error" in self.body else ""

    @property
    def message(self) -> str:
        """What a refusal says."""
        return str(self.body["error"]["message"])


class Arm(Emulator):
    """A running server, and its administration."""

    plane, hidden = "azure", ("AZURE_", "ARM_")

    def __init__(self, home: Path, latency: float = 0.0) -> None:
        super().__init__(home, latency)
        self.url = ""
        self.sent: dict[str, Any] = {}

    def start(self) -> None:
        self.url = self.launch()["url"]

    def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._ask(method, f"/_sandbox/{path}", body, {}).body

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        version: str | None = VERSION,
        headers: dict[str, str] | None = None,
    ) -> Said:
        """Send one request."""
        if version is not None:
            path = f"{path}{'&' if '?' in path else '?'}api-version={version}"
        sent = {"Content-Type": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return self._ask(method, path, body, sent)

    def done(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request that must be accepted, and return what it was answered with."""
        said = self.ask(method, path, body, **more)
        assert said.status < 300, f"{method} {path}: {said.status} {said.body}"
        return said.body

    def wait(self, operation: str) -> Any:
        """Ask for an operation until it has ended."""
        deadline = time.monotonic() + BOUND
        while True:
            said = self._ask("GET", operation.removeprefix(self.url), None, {"Authorization": f"Bearer {TOKEN}"})
            if said.body["status"] != "InProgress":
                return said.body
            assert time.monotonic() < deadline, f"{operation} does not end"

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Said:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", method=method, data=content, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=BOUND) as response:
                return _said(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return _said(error.code, error.read(), error.headers)


def _said(status: int, content: bytes, headers: Any) -> Said:
    text = "json" in headers.get("Content-Type", "")
    return Said(status, json.loads(content) if content and text else content or None, dict(headers))
