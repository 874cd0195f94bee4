"""A sandbox of its own for each test that runs a whole stack, and the stacks' files copied into it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from outside import ROOT, Cloud

from pulumi_mlops.sandbox.environment import Sandbox
from pulumi_mlops.sandbox.stack import Stack


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Start a fresh sandbox, since a stack's names are fixed and its whole store is compared."""
    sandbox = Sandbox(tmp_path / "sandbox")
    sandbox.up()
    yield sandbox
    sandbox.down()


@pytest.fixture
def cloud(own_sandbox: Sandbox) -> Cloud:
    """Look at the control plane of the fresh sandbox."""
    return Cloud(own_sandbox)


@pytest.fixture
def stack_of(own_sandbox: Sandbox, tmp_path: Path) -> Callable[[str, str], Stack]:
    """Copy a project of the repository and return one of its stacks."""

    def copied(folder: str, name: str = "dev") -> Stack:
        target = tmp_path / "projects" / folder
        if not target.exists():
            shutil.copytree(ROOT / folder, target, ignore=shutil.ignore_patterns("__pycache__"))
        return Stack(own_sandbox, target, name)

    return copied
