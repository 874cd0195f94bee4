"""What a node leaves on the machine when it is killed, and how it goes: control groups, and nothing else."""

import hashlib
import time
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import cgroups

GONE_WITHIN = 10.0
POLL = 0.05


def called(home: Path) -> str:
    """Name what a sandbox's node has outside of its folder: a link of this machine's, and control groups."""
    return f"mlops{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"


def clean(home: Path) -> None:
    """Remove the control groups of a sandbox's node. Its link went with its namespaces, these with their processes."""
    deadline = time.monotonic() + GONE_WITHIN
    while groups := cgroups.remove(called(home)):  # the kernel takes a moment to notice that one is empty
        if time.monotonic() > deadline:
            raise SandboxError(
                f"Processes of this sandbox's node still run, in {groups[0]}. End them, and run the command again."
            )
        time.sleep(POLL)
