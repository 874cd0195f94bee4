"""What a node leaves on the machine when it is killed, and how it goes: control groups, and for a while its link."""

import hashlib
import subprocess
import time
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import cgroups

GONE_WITHIN = 10.0
POLL = 0.05
LINKS = Path("/sys/class/net")


def called(home: Path) -> str:
    """Name what a sandbox's node has outside of its folder: a link of this machine's, and control groups."""
    return f"mlops{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"


def clean(home: Path) -> None:
    """Remove the link and the control groups of a sandbox's node, whose processes have ended.

    The kernel removes the link as well, with the address and the routes that it has, once no connection within the
    node's network is left: those that had something to send when it was killed take minutes to give up.
    """
    if (LINKS / called(home)).exists():
        subprocess.run(["ip", "link", "delete", called(home)], capture_output=True, check=False)  # noqa: S603, S607
    deadline = time.monotonic() + GONE_WITHIN
    while groups := cgroups.remove(called(home)):  # the kernel takes a moment to notice that one is empty
        if time.monotonic() > deadline:
            raise SandboxError(
                f"Processes of this sandbox's node still run, in {groups[0]}. End them, and run the command again."
            )
        time.sleep(POLL)
