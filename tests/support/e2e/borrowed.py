"""Somebody's cluster in the place of a sandbox's: the engine and the state are the sandbox's, the cluster is not."""

import os
from collections.abc import Collection
from pathlib import Path

from pulumi_mlops_sandbox import engine
from pulumi_mlops_sandbox.environment import Sandbox, Status
from pulumi_mlops_sandbox.planes import CONTROL_PLANES, NOWHERE, ControlPlane


class Borrowed(Sandbox):
    """Has the form of a sandbox whose Kubernetes runs; it starts and ends nothing."""

    def __init__(self, home: Path, kubeconfig: str) -> None:
        super().__init__(home, [plane for plane in CONTROL_PLANES if plane.name == "kubernetes"])
        self.home.mkdir(parents=True, mode=0o700)
        path = self.home / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(kubeconfig)
        self._furnish(engine.ensure())

    def up(self, planes: Collection[str] | None = None, nodes: str | None = None) -> None:
        """Do nothing: it is up."""

    def _running(self, plane: ControlPlane) -> Status:
        """Say that it runs; it has no control plane of the sandbox's, which would list all objects."""
        return Status(plane.name, running=True, pid=os.getpid(), url=NOWHERE)
