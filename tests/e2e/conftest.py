"""A sandbox of its own for each test that runs a whole stack, and the stacks' files copied into it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inside import Cluster
from outside import ROOT, Cloud

from pulumi_mlops.sandbox.environment import Sandbox
from pulumi_mlops.sandbox.stack import Stack


@pytest.fixture
def planes() -> tuple[str, ...]:
    """Say which control planes a test wants; a module for another cloud says so once, by a fixture of this name."""
    return ("aws",)


@pytest.fixture
def own_sandbox(tmp_path: Path, planes: tuple[str, ...]) -> Iterator[Sandbox]:
    """Start a fresh sandbox, since a stack's names are fixed and its whole store is compared."""
    sandbox = Sandbox(tmp_path / "sandbox")
    sandbox.up(planes=planes)
    yield sandbox
    sandbox.down()


@pytest.fixture
def cloud(own_sandbox: Sandbox) -> Cloud:
    """Look at AWS's control plane in the fresh sandbox."""
    return Cloud(own_sandbox)


@pytest.fixture
def cluster_inside(own_sandbox: Sandbox) -> Cluster:
    """Look at the cluster in the fresh sandbox."""
    return Cluster(own_sandbox)


@pytest.fixture
def stack_of(own_sandbox: Sandbox, tmp_path: Path) -> Callable[[str, str], Stack]:
    """Copy a project of the repository and return one of its stacks."""

    def copied(folder: str, name: str = "dev") -> Stack:
        target = tmp_path / "projects" / folder
        if not target.exists():
            shutil.copytree(ROOT / folder, target, ignore=shutil.ignore_patterns("__pycache__"))
        return Stack(own_sandbox, target, name)

    return copied
