"""The stacks of this repository under the pack and the real engine: `prod` passes, and each exception says why."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.policies.catalogue import BY_ID
from pulumi_mlops.policies.settings import problems
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parents[2]
BACKENDS = ("aws", "azure", "kubernetes")
CONFIGURED = sorted((ROOT / "policies" / "stacks").glob("*.json"))


@pytest.mark.parametrize("path", CONFIGURED, ids=lambda path: path.stem)
def test_each_exception_has_an_owner_a_reason_and_an_end(path: Path) -> None:
    settings, wrong = problems(json.loads(path.read_text())["settings"], BY_ID)
    assert wrong == []
    assert settings
    assert settings.exceptions
    assert settings.expired() == []


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("stacks"))
    yield sandbox
    sandbox.down()


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", BACKENDS)
def test_dev_passes_and_prod_does(backend: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """A stack of stage `dev` names its profile itself."""
    sandbox.up(planes=(backend,))
    shutil.copytree(ROOT / "stacks" / backend, tmp_path / backend, ignore=shutil.ignore_patterns("__pycache__"))
    dev = checked(sandbox, tmp_path / backend, "dev")
    assert [each for each in dev["findings"] if "could not be judged" in each["message"]] == []
    if backend == "kubernetes":
        Stack(sandbox, tmp_path / backend, "prod").configure_secret("wandb_api_key", "not-a-key")
    config = ROOT / "policies" / "stacks" / f"{backend}.json"
    prod = checked(sandbox, tmp_path / backend, "prod", *(["--config", str(config)] if config.is_file() else []))
    excepted = {each["rule"] for each in prod["findings"] if each["state"] == "excepted"}
    told = json.loads(config.read_text())["settings"]["exceptions"] if config.is_file() else []
    assert excepted == {each["rule"] for each in told}, "an exception that nothing needs"


def checked(sandbox: Sandbox, folder: Path, stage: str, *options: str) -> dict[str, Any]:
    """Check a stack, which has to pass."""
    words = ["pulumi-mlops", "check", str(folder), "-s", stage, "--output", "json", *options]
    done = sandbox.run(words, cwd=folder.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["passed"]
    assert report["resources"] > 40
    return report
