"""``pulumi-mlops verify`` as a deployer runs it on a real node."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.loop import ANSWERS, EXISTING
from pulumi_mlops_sandbox.kubernetes.nodes.published import DRIFT
from support.e2e.deployer import deployer, dismiss, rules
from support.e2e.inside import Cluster


@dataclass
class Verification:
    """The command, as its user has it."""

    sandbox: Sandbox
    kubeconfig: Path
    folder: Path
    name: str

    @property
    def command(self) -> list[str]:
        gateway = EXISTING["gateway"] | {"domain": f"{self.name}.example.com"}
        words = ["--name", self.name, "--existing", json.dumps(EXISTING | {"gateway": gateway}), "--drift-image", DRIFT]
        where = ["--backend", "kubernetes", "--report", str(self.folder / "report"), "--yes"]
        return [sys.executable, "-m", "pulumi_mlops", "verify", *where, *words]

    @property
    def variables(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            ANSWERS: f"http://{gateways.address(self.sandbox.home / 'kubeconfig')}",
            "XDG_STATE_HOME": str(self.folder / "kept"),
        }

    @property
    def space(self) -> str:
        return f"{self.name}-dev"

    @property
    def kept(self) -> list[Path]:
        return list((self.folder / "kept").rglob("progress.json"))

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report" / "report.json").read_text())
        return found

    def interrupted_at(self, title: str) -> tuple[int, str]:
        """Ask it to end a little after a part has begun; return its exit code, and what it printed."""
        environment = self.sandbox.environ() | self.variables
        with subprocess.Popen(
            self.command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            assert running.stdout is not None
            seen, printed = False, ""
            for line in running.stdout:
                printed += line
                seen = seen or line.startswith(title)
                if seen and not line.startswith(title):  # it has begun to do something
                    running.send_signal(signal.SIGTERM)
                    break
            printed += running.communicate(timeout=900)[0]
            return running.returncode, printed


@contextmanager
def verifying(sandbox: Sandbox, cluster: Cluster, folder: Path, name: str) -> Iterator[Verification]:
    """Have a deployer who may verify, and nothing else."""
    space = f"ci-{name}"
    kubeconfig = deployer(cluster, sandbox.home / "kubeconfig", folder, rules("verify.md"), space)
    try:
        yield Verification(sandbox, kubeconfig, folder, name)
    finally:
        dismiss(cluster, space)
