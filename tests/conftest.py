"""What all tests share: a sandbox of their own in a temporary home, and the real engine in it."""

import gc
import os
import subprocess
import textwrap
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.environment import Sandbox

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
Project = Callable[..., Path]
LONG = ("acceptance", "e2e", "sandbox", "examples/test_adding.py", "field/test_34_recovery.py")
"""Where tests take tens of seconds each, beside those that are marked ``e2e``."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what is loaded out of the garbage collector's sight.

    Pulumi's SDKs are half a million objects that live to the end. To look through them again and again took a fifth
    of the time of all tests that run a program.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 10, 20)
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files that have long tests: at the end a process that has nothing left waits for a short one."""
    here = Path(__file__).parent
    places = tuple(here / name for name in LONG)
    long = {
        item.path
        for item in items
        if item.get_closest_marker("e2e") or any(place in (item.path, *item.path.parents) for place in places)
    }
    items.sort(key=lambda item: item.path not in long)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--context", help="run the tests marked acceptance on the cluster of this context of a kubeconfig")


@pytest.fixture(scope="session", autouse=True)
def _hermetic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds the user's sandbox, stack or real account. The cached engine is shared: it is only read."""
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            if name.startswith(("AWS_", "ARM_", "AZURE_", "PULUMI_MLOPS_ARM_")) or name in {
                "KUBECONFIG",
                "PULUMI_STACK",
                "PULUMI_MLOPS_SANDBOX",
            }:
                patch.delenv(name)
        patch.setenv("PULUMI_MLOPS_SANDBOX_HOME", str(tmp_path_factory.mktemp("default-home")))
        yield


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run a sandbox with AWS, one for each process that pytest-xdist starts."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    sandbox.up(["aws"])
    yield sandbox
    sandbox.down()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run a sandbox with Kubernetes, one for each process that pytest-xdist starts; it is shared: clean up."""
    sandbox = Sandbox(tmp_path_factory.mktemp("cluster"))
    sandbox.up(["kubernetes"])
    yield sandbox
    sandbox.down()


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run a sandbox with Azure, one for each process that pytest-xdist starts; it is shared: clean up."""
    sandbox = Sandbox(tmp_path_factory.mktemp("tenant"))
    sandbox.up(["azure"])
    yield sandbox
    sandbox.down()


@pytest.fixture
def in_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Set the sandbox's variables in this very process, for boto3 and the Automation API."""
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Write a Pulumi project, named after the test's folder so that no two tests meet in one stack."""

    def write(program: str, *, name: str | None = None, **settings: str) -> Path:
        folder = tmp_path / (name or "project")
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text(f"name: {name or tmp_path.name.replace('_', '-')}\nruntime: python\n")
        (folder / "__main__.py").write_text(textwrap.dedent(program))
        for stack, text in settings.items():
            (folder / f"Pulumi.{stack}.yaml").write_text(textwrap.dedent(text))
        return folder

    return write


@pytest.fixture
def pulumi(sandbox: Sandbox) -> Pulumi:
    """Run the engine in the sandbox: ``pulumi("up", "--yes", cwd=folder)``; anything but ``code`` fails the test."""

    def run(*arguments: str, cwd: Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = sandbox.run(["pulumi", *arguments, "--color", "never"], cwd=cwd)
        said = f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, said
        return done

    return run
