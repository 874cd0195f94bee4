"""Once round the loop on containers that run, by the command that users run in their own cluster."""

import time
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from support.e2e.inside import Cluster
from support.e2e.real import nothing_is_left, timed
from support.e2e.verification import verifying

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]


def test_a_deployer_verifies_a_cluster_and_leaves_nothing(
    real: Sandbox, cluster: Cluster, tmp_path: Path, figures: list[str]
) -> None:
    with verifying(real, cluster, tmp_path, "verify") as verification:
        began = time.monotonic()
        done = real.run(verification.command, cwd=tmp_path, **verification.variables)
        found = verification.report()
        figures += [
            f"loop: {one['name']:<10} {one['state']:<8} {one['seconds']:4.0f} s  {one['said']}"
            for one in found["parts"]
        ]
        figures.append(timed("loop: all of it", began))
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        assert found["verified"]
        nothing_is_left(cluster, verification.space)
