"""A platform that things happen to, on a real cluster: a registry, an endpoint and an object store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded
from pulumi_mlops_sandbox.kubernetes.registry import Registry
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import succeeded
from support.e2e.real import project
from support.e2e.served import SERVER
from support.waiting import until

PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "NAME",
    backend="kubernetes",
    stage="dev",
    existing={{"gateway": {{"name": "gateways/public", "domain": "ml.example.com", "tls": False}}}},
)
registry = mlops.ModelRegistry("models", platform=platform)
mlops.Model("churn", registry=registry)
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={{"image": {objects.PYTHON!r}}},
    serve={{"command": ["python", "-c", {SERVER!r}], "health": "/health"}},
    compute={{"cpus": 1, "memory_gb": 0.25}},
    scaling={{"min": 2, "max": 2}},
    capture_percent=100,
)
pulumi.export("url", score.url)
"""
BACK_WITHIN = 300.0
"""Seconds within which a service is back."""


@dataclass
class Care:
    """The stack, and its registry."""

    name: str
    stack: Stack
    cluster: Cluster

    @property
    def space(self) -> str:
        return f"{self.name}-dev"

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Open the registry as its admin."""
        login = self.cluster.secret(self.space, "models-mlflow")
        with forwarded(self.cluster.kubeconfig, self.space, "service/models-mlflow", 5000) as port:
            yield Registry(f"http://127.0.0.1:{port}", ("admin", login["password"]))

    def versions(self) -> set[int]:
        """List the versions, as soon as the registry answers."""
        found: set[int] = set()

        def answers_with() -> bool:
            try:
                with self.registry() as asked:
                    found.update(asked.versions("churn"))
            except SandboxError:
                return False
            return True

        until(answers_with, "the registry answers", BACK_WITHIN)
        return found

    def registered(self) -> int:
        """Register a version."""
        with self.registry() as asked:
            return asked.register("churn")


@contextmanager
def cared_for(sandbox: Sandbox, cluster: Cluster, folder: Path, name: str) -> Iterator[Care]:
    """Have the platform of this name."""
    stack = project(sandbox, folder, name, PROGRAM.replace('"NAME"', f'"{name}"'))
    try:
        succeeded(stack.up())
        yield Care(name, stack, cluster)
    finally:
        succeeded(stack.destroy())
