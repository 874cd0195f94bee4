"""Namespaces of a node's own, for network, mounts and processes, which end with the process that made them.

None of them has a name in the file system: when their first process ends, for whatever reason, the kernel ends every
process in them, undoes every mount, and takes the link to this machine away, and with the link its address and routes.
"""

import subprocess
import sys
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import inside
from pulumi_mlops_sandbox.kubernetes.nodes.addresses import Addresses

PEER = "eth0"
"""The name of the link inside."""
ENDS_WITHIN = 20.0


class Namespaces:
    """What was made for one node."""

    def __init__(self, state: Path, programs: Path, log: Path) -> None:
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
        command += ["--propagation", "private", "--", sys.executable, "-I", "-S", str(Path(inside.__file__))]
        log.parent.mkdir(exist_ok=True)
        self._log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(  # noqa: S603  (the system's program and ours)
                [*command, str(state), str(programs)],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                start_new_session=True,
            )
        assert self._process.stdout is not None  # noqa: S101  (for the type checker)
        with self._process.stdout as told:
            ready = told.readline() == inside.READY
        if not ready:
            self.end()
            raise SandboxError(
                f"No namespaces can be made for a node: {log.read_text(errors='replace').strip()[-500:]}"
            )
        self.pid = self._first()

    def _first(self) -> int:
        """Find the first process inside, by its number outside."""
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    @property
    def network(self) -> tuple[str, ...]:
        """The beginning of a command line that runs in the node's network, and in nothing else of its."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--")

    @property
    def everything(self) -> tuple[str, ...]:
        """The beginning of a command line that runs as a part of the node."""
        return ("nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--")

    def connect(self, link: str, addresses: Addresses) -> None:
        """Lay a link between this machine and the node; nothing leads from there any further."""
        node, host = str(addresses.node), str(addresses.host)
        length = addresses.link.prefixlen
        outside = (
            f"link add {link} type veth peer name {PEER} netns {self.pid}",
            f"address add {host}/{length} dev {link}",
            f"link set {link} up",
        )
        within = (
            "link set lo up",
            f"address add {node}/{length} dev {PEER}",
            f"link set {PEER} up",
            f"route add {addresses.services} dev lo src {node}",  # kube-proxy turns them to pods
            "route add unreachable default",
        )
        routes = (f"route add {addresses.pods} via {node}", f"route add {addresses.services} via {node}")
        _ip((), outside)
        _ip(self.network, within)
        _ip((), routes)

    def ended(self) -> str:
        """Say that the first process has ended; nothing while it lives."""
        code = self._process.poll()
        return "" if code is None else f"The namespaces of the node have ended (exit code {code}); see {self._log}."

    def end(self) -> None:
        """End everything in them, and wait until it has."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the first process inside is killed with it
            self._process.wait()


def _ip(enter: tuple[str, ...], commands: tuple[str, ...]) -> None:
    for command in commands:
        done = subprocess.run([*enter, "ip", *command.split()], capture_output=True, text=True, check=False)  # noqa: S603  (the system's own)
        if done.returncode != 0:
            raise SandboxError(f"`ip {command}` failed: {done.stderr.strip()}")
