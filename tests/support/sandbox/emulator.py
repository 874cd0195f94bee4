"""An emulated cloud as a process of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest

BOUND = 60.0


class Emulator:
    """A running server."""

    plane: ClassVar[str]
    """Its name among the control planes, which its module and its file have too."""
    hidden: ClassVar[tuple[str, ...]]
    """The beginnings of the variables of somebody's real account."""

    def __init__(self, home: Path, latency: float) -> None:
        self.home, self.latency = home, latency
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> Any:
        """Start it, and return what it says of itself when it is ready."""
        ready = self.home / f"{self.plane}.json"
        ready.unlink(missing_ok=True)
        module = f"pulumi_mlops_sandbox.{self.plane}.server"
        command = [sys.executable, "-m", module, "--home", str(self.home), "--port", "0"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(self.hidden)}
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--latency", str(self.latency)], stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + BOUND
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the control plane did not start:\n{(self.home / 'log').read_text()}")
            self.process_pause()
        return json.loads(ready.read_text())

    def process_pause(self) -> None:
        """Give the other process a moment without sleeping for a fixed time: wait for its end, bounded."""
        assert self.process is not None
        try:
            self.process.wait(0.02)
        except subprocess.TimeoutExpired:
            return

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(BOUND)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(BOUND)
