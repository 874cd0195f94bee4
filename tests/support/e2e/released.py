"""An endpoint whose versions are released, on a real cluster, and who is told of its alerts."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.operators.manifests import METRICS
from pulumi_mlops_sandbox.stack import Result, Stack
from support.e2e.outside import succeeded
from support.e2e.real import project
from support.e2e.receiver import got, listens
from support.e2e.served import SERVER
from support.trial import Trial, trial

PROGRAM = f"""
import json
import pathlib
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "NAME",
    backend="kubernetes",
    stage="dev",
    existing={{
        "gateway": {{"name": "gateways/public", "domain": "NAME.example.com", "tls": False}},
        "metrics": {METRICS!r},
        "alerts": "http://receiver.TOLD.svc.cluster.local:8080/alerts",
    }},
)
score = mlops.Endpoint(
    "score", platform=platform, **json.loads(pathlib.Path(__file__).with_name("score.json").read_text())
)
pulumi.export("url", score.url)
"""


class Released:
    """The project, its endpoint as the program has it, and who is told of alerts."""

    def __init__(self, stack: Stack, receiver: Trial) -> None:
        self.stack, self.receiver = stack, receiver

    def alerts(self) -> set[tuple[str, str, str]]:
        """Return what Alertmanager told: status, alert and variant."""
        calls = [json.loads(body) for path, _, body in got(self.receiver) if path == "/alerts"]
        found = [(one["status"], one["labels"]) for call in calls for one in call["alerts"]]
        return {(status, labels["alertname"], labels["variant"]) for status, labels in found}

    def write(self, version: int, release: Mapping[str, Any] | None = None, **others: Any) -> None:
        """Write the program: a version, how it takes over, what else of its environment, and other arguments."""
        environment = {"VERSION": str(version), **others.pop("environment", {})}
        arguments = {
            "serve": {"command": ["python", "-c", SERVER], "health": "/health", "startup_minutes": 1},
            "compute": {"cpus": 1, "memory_gb": 0.25},
            "scaling": {"min": 1, "max": 1},
            "health": {"errors_percent": 5, "latency_ms": 500},
            "environment": environment,
            "release": release or {},
            **({"model": {"image": objects.PYTHON}} | others),
        }
        (self.stack.folder / "score.json").write_text(json.dumps(arguments))

    def up(self, version: int, release: Mapping[str, Any] | None = None, **others: Any) -> Result:
        """Bring it up."""
        self.write(version, release, **others)
        return self.stack.up()


@contextmanager
def released(sandbox: Sandbox, folder: Path, name: str) -> Iterator[Released]:
    """Have the platform of this name with the endpoint's first version."""
    with trial(sandbox.home / "kubeconfig", f"{name}-told-{secrets.token_hex(3)}") as receiver:
        listens(receiver)
        program = PROGRAM.replace("TOLD", receiver.namespace).replace("NAME", name)
        made = Released(project(sandbox, folder, name, program), receiver)
        try:
            succeeded(made.up(1))
            yield made
        finally:
            succeeded(made.stack.destroy())
