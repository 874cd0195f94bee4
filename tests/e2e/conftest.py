"""An empty sandbox for each test that runs a whole stack, and the stacks' files copied into it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_mlops.policies.model import VARIABLE
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.deploying import PROJECTS, deployed_by_role
from support.e2e.inside import Cluster
from support.e2e.judged import Judged, assert_judged
from support.e2e.outside import ROOT, Cloud, empty
from support.e2e.tenant import Tenant


@pytest.fixture
def planes() -> tuple[str, ...]:
    """Say which control planes a test wants; a module for another cloud says so once, by a fixture of this name."""
    return ("aws",)


@pytest.fixture(scope="session")
def stacks_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run one sandbox for the whole stacks of each process that pytest-xdist starts: a cluster takes its time."""
    sandbox = Sandbox(tmp_path_factory.mktemp("stacks"))
    yield sandbox
    sandbox.down()


@pytest.fixture
def empty_sandbox(stacks_sandbox: Sandbox, planes: tuple[str, ...]) -> Iterator[Sandbox]:
    """Have nothing in it, since a stack's names are fixed and the whole store is compared."""
    stacks_sandbox.up(planes=planes)
    yield stacks_sandbox
    empty(stacks_sandbox)


@pytest.fixture
def cloud(empty_sandbox: Sandbox) -> Cloud:
    """Look at AWS's control plane in the fresh sandbox."""
    return Cloud(empty_sandbox)


@pytest.fixture
def cluster_inside(empty_sandbox: Sandbox) -> Cluster:
    """Look at the cluster in the fresh sandbox."""
    return Cluster(empty_sandbox)


@pytest.fixture
def tenant(empty_sandbox: Sandbox) -> Tenant:
    """Look at Azure's control plane in the fresh sandbox."""
    return Tenant(empty_sandbox)


@pytest.fixture
def stack_of(
    empty_sandbox: Sandbox, tmp_path: Path, planes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Stack]]:
    """Copy a project of the repository and return one of its stacks; on AWS a role deploys it that has its rights.

    Every command of an example runs under the policy pack, as its user's CI would.
    """
    found = tmp_path / "found.jsonl"
    examples: list[str] = []

    def copied(folder: str, name: str = "dev", *, without: str = "") -> Stack:
        target = tmp_path / "projects" / folder
        if not target.exists():
            shutil.copytree(ROOT / folder, target, ignore=shutil.ignore_patterns("__pycache__"))
        stack = Stack(empty_sandbox, target, name)
        if folder.startswith("examples/"):
            monkeypatch.setenv(VARIABLE, str(found))
            examples.append(folder)
            stack = Judged(empty_sandbox, target, name)
        if folder in PROJECTS and "aws" in planes:
            deployed_by_role(stack, folder, Cloud(empty_sandbox), without=without)
        return stack

    yield copied
    if examples:
        assert_judged(found)
