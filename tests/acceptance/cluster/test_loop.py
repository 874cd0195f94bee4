"""Once round the loop on containers that run, by the command that users run in their own cluster."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.nodes.published import DRIFT
from pulumi_mlops_sandbox.kubernetes.operators.manifests import METRICS
from support.e2e.deployer import deployer, dismiss, rules
from support.e2e.inside import Cluster
from support.e2e.real import left, timed

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]

EXISTING = {"gateway": {"name": "gateways/public", "domain": "verify.example.com", "tls": False}, "metrics": METRICS}


@pytest.fixture
def kubeconfig_of_deployer(real: Sandbox, cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    yield deployer(cluster, real.home / "kubeconfig", tmp_path, rules("verify.md"))
    dismiss(cluster)


def test_a_deployer_verifies_a_cluster_and_leaves_nothing(
    real: Sandbox, cluster: Cluster, kubeconfig_of_deployer: Path, tmp_path: Path, figures: list[str]
) -> None:
    began, report = time.monotonic(), tmp_path / "report"
    words = ["--backend", "kubernetes", "--existing", json.dumps(EXISTING), "--drift-image", DRIFT, "--yes"]
    done = real.run(
        [sys.executable, "-m", "pulumi_mlops", "verify", *words, "--report", str(report)],
        cwd=tmp_path,
        KUBECONFIG=str(kubeconfig_of_deployer),
        MLOPS_ENDPOINT_URL_ANSWER=f"http://{gateways.address(real.home / 'kubeconfig')}",
        XDG_STATE_HOME=str(tmp_path / "kept"),
    )
    found = json.loads((report / "report.json").read_text())
    figures += [
        f"loop: {one['name']:<10} {one['state']:<8} {one['seconds']:4.0f} s  {one['said']}" for one in found["parts"]
    ]
    figures.append(timed("loop: all of it", began))
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert found["verified"]
    assert left(cluster, "verify-dev") == []
