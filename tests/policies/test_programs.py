"""Programs of plain provider resources under the real engine: one mistake is refused, and without it all passes."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mlops.policies.catalogue import BY_ID
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Result, Stack

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "support" / "policies" / "programs"
PACK = ("--policy-pack", str(ROOT / "policies"))
SAID = re.compile(r"^\s+- \[(mandatory|advisory)\]\s+\[severity: \w+\]\s+(\S+)", re.MULTILINE)
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

BAD = {
    "aws": {
        "public_files": "data.no-public-access",
        "lost_files": "data.no-force-destroy",
        "everything_allowed": "access.no-wildcard",
        "plain_messages": "encryption.messages",
        "open_door": "network.no-open-door",
        "features_without_a_key": "encryption.feature-store",
        "nothing_captured": "serving.capture-enabled",
        "no_budget": "cost.budget-present",
    },
    "azure": {
        "public_files": "data.no-public-access",
        "keys_of_files": "access.no-lasting-keys",
        "vault_that_can_be_purged": "data.no-force-destroy",
        "owner_of_the_group": "access.no-administrator",
        "open_door": "network.no-open-door",
        "idle_machines": "cost.idle-compute-stops",
        "moving_model": "serving.version-pinned",
        "public_endpoint": "network.endpoint-private",
    },
    "kubernetes": {
        "root": "host.no-root",
        "folder_of_the_machine": "host.apart",
        "moving_image": "supply.image-version",
        "plain_secret": "secrets.no-plain-values",
        "administrator": "access.no-administrator",
        "every_secret": "access.secrets-by-name",
        "no_quota": "cost.budget-present",
        "nothing_denied": "network.default-deny",
    },
}
"""Programs by cloud, and the one rule that is to refuse each when it is bad."""
CASES = [(cloud, name, rule) for cloud, programs in BAD.items() for name, rule in programs.items()]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("policies"))
    sandbox.up(planes=tuple(BAD))
    yield sandbox
    sandbox.down()


@pytest.fixture
def stack(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Stack:
    shutil.copytree(PROGRAMS / request.param, tmp_path / "program", ignore=shutil.ignore_patterns("__pycache__"))
    return Stack(sandbox, tmp_path / "program")


def said(result: Result, level: str) -> set[str]:
    return {rule for found, rule in SAID.findall(result.output) if found == level}


def test_there_are_eight_a_cloud_and_each_names_a_rule() -> None:
    assert {cloud: len(programs) for cloud, programs in BAD.items()} == dict.fromkeys(BAD, 8)
    assert {rule for _, _, rule in CASES} <= set(BY_ID)


@pytest.mark.parametrize(("stack", "name", "rule"), CASES, indirect=["stack"])
def test_one_mistake_is_refused_and_nothing_is_made(
    stack: Stack, name: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASE", name)
    monkeypatch.setenv("BAD", "yes")
    done = stack.preview_and_up(*PACK)
    assert done.code != 0, done.output
    assert said(done, "mandatory") == {rule}, done.output
    assert done.changes == []


@pytest.mark.parametrize(("stack", "name"), [case[:2] for case in CASES], indirect=["stack"])
def test_without_the_mistake_it_passes(stack: Stack, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A false alarm is whatever is mandatory here."""
    monkeypatch.setenv("CASE", name)
    monkeypatch.delenv("BAD", raising=False)
    done = stack.preview(*PACK)
    assert said(done, "mandatory") == set(), done.output
    assert done.code == 0, done.output
