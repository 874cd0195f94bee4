"""What `kubectl` does by itself: it tells of a cluster, and has a port of a pod or Service on this machine."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import product

_SAID = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


def kubectl(kubeconfig: Path | None = None) -> list[str]:
    """Begin a command: with the node's own `kubectl` where one is built, else with that of PATH."""
    built = product.find()
    options = [] if kubeconfig is None else [f"--kubeconfig={kubeconfig}"]
    return [*(product.NodeProduct(built).kubectl if built else ("kubectl",)), *options]


def told(kubeconfig: Path, namespace: str, *arguments: str, lacking: str, within: float = 30.0) -> str:
    """Run a command in a namespace and return what it printed; `lacking` says what is not had where it fails."""
    line = [*kubectl(kubeconfig), "--namespace", namespace, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, timeout=within, check=False)  # noqa: S603  (ours)
    if done.returncode:
        raise SandboxError(f"{lacking}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@contextmanager
def forwarded(kubeconfig: Path, namespace: str, what: str, port: int) -> Iterator[int]:
    """Forward a port of something such as ``service/score``; yield the port of this machine that leads there."""
    line = [*kubectl(kubeconfig), "--namespace", namespace, "port-forward", "--address=127.0.0.1", what, f":{port}"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603  (ours)
    try:
        said = process.stdout.readline() if process.stdout else ""  # it ends with the process
        found = _SAID.match(said)
        if not found:
            raise SandboxError(f"{what} of {namespace} cannot be reached: {said.strip()}")
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate()
