"""Azure's control plane as a process of its own, and plain requests to it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import SUBSCRIPTION, TOKEN

BOUND = 60.0
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


class Arm:
    """A running server, and its administration."""

    def __init__(self, home: Path, latency: float = 0.0) -> None:
        self.home, self.latency = home, latency
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.sent: dict[str, Any] = {}

    def start(self) -> None:
        ready = self.home / "azure.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pulumi_mlops_sandbox.azure.server", "--home", str(self.home), "--port", "0"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_"))}
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--latency", str(self.latency)], stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + BOUND
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the control plane did not start:\n{(self.home / 'log').read_text()}")
            try:
                self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        self.url = json.loads(ready.read_text())["url"]

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(BOUND)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(BOUND)

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
