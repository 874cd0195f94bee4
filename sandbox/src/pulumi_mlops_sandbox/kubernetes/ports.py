"""The ports of a cluster: free ones at the first start, and the same ones afterwards where they still are free."""

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1."""

    apiserver: int
    nodes: int
    """Where kwok answers for the kubelets of all nodes."""
    mlflow: int
    """Where a forwarded connection to port 5000 of any pod ends: at the model registry."""


def choose(record: Path) -> Ports:
    """Choose ports and remember them: a kubeconfig that somebody copied goes on working."""
    try:
        before = Ports(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        before = Ports(0, 0, 0)
    sockets = [_bound(port) for port in asdict(before).values()]
    ports = Ports(*(bound.getsockname()[1] for bound in sockets))
    for bound in sockets:
        bound.close()
    record.write_text(json.dumps(asdict(ports)))
    return ports


def _bound(port: int) -> socket.socket:
    """Hold a port; another one if it is taken."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.bind(("127.0.0.1", 0))
    return held
