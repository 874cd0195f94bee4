"""Once round the loop on a real node with the operators of the set ``loop``, as a user goes round by the command."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_mlops.verify import ground, program
from pulumi_mlops.verify.project import Project
from pulumi_mlops.verify.rounds import Rounds
from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.nodes.published import DRIFT
from pulumi_mlops_sandbox.kubernetes.operators.manifests import METRICS
from pulumi_mlops_sandbox.loop import NAME

EXISTING: dict[str, Any] = {
    "gateway": {"name": "gateways/public", "domain": "verify.example.com", "tls": False},
    "metrics": METRICS,
}
"""What the node has, and the platform does not make."""
ANSWERS = f"MLOPS_ENDPOINT_URL_{program.ENDPOINT.upper()}"
"""Where the endpoint answers: its own name is known inside of the cluster only."""


def begun(folder: Path, say: Callable[[str], None]) -> Rounds:
    """Begin the rounds."""
    os.environ[ANSWERS] = f"http://{gateways.address(Path(os.environ['KUBECONFIG']))}"
    settings = {
        "backend": "kubernetes",
        "name": NAME,
        "existing": EXISTING,
        "image": program.server("kubernetes"),
        "drift_image": DRIFT,
        "every_minutes": ground.pace("kubernetes").every_minutes,
    }
    return Rounds(Project(folder / "project", settings, say), say)
