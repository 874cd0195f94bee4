"""``pulumi-mlops verify`` is asked to end in the middle of a part: it takes down what it has made."""

from pathlib import Path

import pytest

from pulumi_mlops.verify.command import INTERRUPTED
from pulumi_mlops.verify.rounds import PARTS
from pulumi_mlops_sandbox.environment import Sandbox
from support.e2e.inside import Cluster
from support.e2e.real import nothing_is_left
from support.e2e.verification import verifying

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("part", ["appears", "learns", "serves"])
def test_interrupted_it_cleans_up(real: Sandbox, cluster: Cluster, tmp_path: Path, part: str) -> None:
    title = next(title for name, title, _ in PARTS if name == part)
    with verifying(real, cluster, tmp_path, "brief") as verification:
        code, printed = verification.interrupted_at(title)
        assert code == INTERRUPTED, printed[-8000:]
        assert {one["name"]: one["state"] for one in verification.report()["parts"]}[part] == "failed"
        assert verification.kept == []
        nothing_is_left(cluster, verification.space)
