"""Once round the loop on containers that run, by the command that users run in their own cluster."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.verify.command import INTERRUPTED
from pulumi_mlops.verify.rounds import PARTS
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.loop import ANSWERS, EXISTING
from pulumi_mlops_sandbox.kubernetes.nodes.published import DRIFT
from support.e2e.deployer import deployer, dismiss, rules
from support.e2e.inside import Cluster
from support.e2e.real import left, timed

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]


@pytest.fixture
def kubeconfig_of_deployer(real: Sandbox, cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    yield deployer(cluster, real.home / "kubeconfig", tmp_path, rules("verify.md"))
    dismiss(cluster)


@dataclass
class Verification:
    """The command, as its user has it."""

    sandbox: Sandbox
    kubeconfig: Path
    folder: Path

    @property
    def command(self) -> list[str]:
        words = ["--backend", "kubernetes", "--existing", json.dumps(EXISTING), "--drift-image", DRIFT, "--yes"]
        return [sys.executable, "-m", "pulumi_mlops", "verify", *words, "--report", str(self.folder / "report")]

    @property
    def variables(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            ANSWERS: f"http://{gateways.address(self.sandbox.home / 'kubeconfig')}",
            "XDG_STATE_HOME": str(self.folder / "kept"),
        }

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


@pytest.fixture
def verification(real: Sandbox, kubeconfig_of_deployer: Path, tmp_path: Path) -> Verification:
    return Verification(real, kubeconfig_of_deployer, tmp_path)


def test_a_deployer_verifies_a_cluster_and_leaves_nothing(
    verification: Verification, cluster: Cluster, figures: list[str]
) -> None:
    began = time.monotonic()
    done = verification.sandbox.run(verification.command, cwd=verification.folder, **verification.variables)
    found = verification.report()
    figures += [
        f"loop: {one['name']:<10} {one['state']:<8} {one['seconds']:4.0f} s  {one['said']}" for one in found["parts"]
    ]
    figures.append(timed("loop: all of it", began))
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert found["verified"]
    assert left(cluster, "verify-dev") == []


@pytest.mark.parametrize("part", ["appears", "learns", "serves"])
def test_interrupted_it_cleans_up(verification: Verification, cluster: Cluster, part: str) -> None:
    title = next(title for name, title, _ in PARTS if name == part)
    code, printed = verification.interrupted_at(title)
    assert code == INTERRUPTED, printed[-8000:]
    assert {one["name"]: one["state"] for one in verification.report()["parts"]}[part] == "failed"
    assert verification.kept == []
    assert left(cluster, "verify-dev") == []
