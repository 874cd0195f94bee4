"""One of each of Azure's resources through the real engine: up, unchanged, refresh, edit, destroy, nothing left."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.azure.provider.table import ROWS
from pulumi_mlops_sandbox.environment import Sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
STACK = ("--stack", "dev")
QUIET = ("--yes", "--skip-preview")


def inventory(sandbox: Sandbox) -> dict[str, list[str]]:
    address = sandbox.env()["PULUMI_MLOPS_ARM_ENDPOINT"]
    with urllib.request.urlopen(f"{address}/_sandbox/inventory", timeout=30) as answer:
        found: dict[str, list[str]] = json.load(answer)
    return {kind: ids for kind, ids in found.items() if ids}


@pytest.mark.long
def test_every_resource_lives(tenant: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "everything-azure"
    shutil.copytree(Path(__file__).parent / "everything_azure", folder)

    def pulumi(*arguments: str) -> str:
        done = tenant.run(["pulumi", *arguments, *STACK, "--color", "never"], cwd=folder)
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    before = inventory(tenant)
    pulumi("up", *QUIET)
    state = json.loads(pulumi("stack", "export"))
    kinds = {item["type"] for item in state["deployment"]["resources"] if item["type"].startswith("azure-native:")}
    assert kinds == set(ROWS), "the program has one of each"
    assert "hunter2hunter2" not in json.dumps(state)

    pulumi("refresh", "--expect-no-changes", *QUIET)
    pulumi("up", "--expect-no-changes", *QUIET)

    pulumi("config", "set", "edition", "2")
    foreseen = json.loads(pulumi("preview", "--json"))["steps"]
    assert [step["urn"] for step in foreseen if "replace" in step["op"]] == [], "everything is edited in place"
    pulumi("up", *QUIET)
    pulumi("refresh", "--expect-no-changes", *QUIET)

    pulumi("destroy", *QUIET)
    after = inventory(tenant)
    left = {kind: sorted(set(ids) - set(before.get(kind, []))) for kind, ids in after.items()}
    assert {kind: ids for kind, ids in left.items() if ids and "deleted softly" not in kind} == {}
