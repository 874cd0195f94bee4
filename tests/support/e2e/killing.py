"""Kills an `up` at a point that Azure sees: a request is held, and whoever sent it is killed then."""

import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass

import psutil

from pulumi_mlops_sandbox.stack import Stack
from support.e2e.tenant import Tenant
from support.waiting import until

ML = "Microsoft.MachineLearningServices"
WITHIN = 30.0
"""Seconds that what is killed may take to be gone."""


@dataclass(frozen=True)
class Point:
    """Where an `up` is killed."""

    service: str
    operation: str
    """Of the request that is held: see the sandbox's `holds`."""
    about: str = ""
    done: bool = False
    """Whether it is carried out, and only the answer is missing."""
    skip: int = 0
    all: bool = False
    """Whether the providers are killed with the engine, instead of ending what they have in hand."""

    def plan(self) -> dict[str, object]:
        """Ask for the hold."""
        named = {"service": self.service, "operation": self.operation, "about": self.about}
        return {**named, "done": self.done, "skip": self.skip}


def killed(stack: Stack, tenant: Tenant, point: Point, command: str = "up") -> None:
    """Run a command of the engine until the point is reached, and kill it there."""
    tenant.admin("holds", point.plan())
    arguments = [command, "--yes", "--skip-preview", "-s", stack.name, "--non-interactive", "--color", "never"]
    # Not out of the loaded process: what the engine starts is found below it.
    environment = stack.sandbox.environ() | ({"PULUMI_MLOPS_SANDBOX_FORK": "no"} if point.all else {})
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            ["pulumi", *arguments], cwd=stack.folder, env=environment, stdout=said, stderr=subprocess.STDOUT, text=True
        )
        try:
            until(lambda: tenant.held() or process.poll() is not None, f"{point} is reached")
            if process.poll() is not None:
                said.seek(0)
                raise AssertionError(f"{command} ended before {point}:\n{said.read()}")
            below = psutil.Process(process.pid).children(recursive=True) if point.all else []
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    for one in below:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(below, WITHIN)
    tenant.let_go()


def recovered(stack: Stack, command: str = "up") -> None:
    """Run the command again, and forget, as docs/recovery.md says, what a killed engine had begun to make.

    The sandbox takes away the lock of an engine that is gone: where it does not, `pulumi cancel` comes first.
    """
    done = stack.up() if command == "up" else stack.destroy()
    assert done.code == 0, done.output
    if stack.state().get("pending_operations"):
        forgotten = stack.refresh("--clear-pending-creates")
        assert (forgotten.code, forgotten.changes) == (0, []), forgotten.output
