"""What `kubectl` does by itself: a port of a pod or Service of a cluster, on this machine."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulumi_mlops_sandbox.kubernetes.nodes import product

SAID = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


def kubectl(kubeconfig: Path) -> list[str]:
    """Begin a command: with the node's own `kubectl`, or with that of PATH."""
    built = product.find()
    return [str(product.NodeProduct(built).kubectl[0]) if built else "kubectl", f"--kubeconfig={kubeconfig}"]


@contextmanager
def forwarded(kubeconfig: Path, namespace: str, what: str, port: int) -> Iterator[int]:
    """Forward a port of something such as ``service/score``; yield the port of this machine that leads there."""
    line = [*kubectl(kubeconfig), "--namespace", namespace, "port-forward", "--address=127.0.0.1", what, f":{port}"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        said = process.stdout.readline()  # it ends with the process
        found = SAID.match(said)
        assert found, said
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate()
