"""The cluster on which the library proves itself: a real node of the sandbox's, or that of a user's context."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.forwarding import kubectl
from pulumi_mlops_sandbox.kubernetes.nodes import requirements
from pulumi_mlops_sandbox.kubernetes.operators import running
from support.e2e.borrowed import Borrowed
from support.e2e.inside import Cluster
from support.trial import Trial, trial

KUBECONFIG = os.environ.get("KUBECONFIG", config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
"""The user's: read before the tests hide it from themselves."""
RUNNING = "PULUMI_MLOPS_ACCEPTANCE_HOME"
"""Names the folder of a sandbox that has all of it already: for whoever works on these tests."""

SETS = {"test_pipelines.py": "training", "test_loop.py": "loop"}
"""The operators that a file needs, where they are not those that serve."""
FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Keep lines that stand at the end of the report: what was measured, whether or not the tests pass."""
    return request.config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if told := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in told:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run one sandbox with a real node and the operators that are asked of it; or use the cluster of a context.

    What trains and what serves are two sets: files that need one only do not bear the other.
    """
    folder = tmp_path_factory.mktemp("acceptance")
    if context := request.config.getoption("--context"):
        view = [*kubectl(), "config", "view", "--raw", "--flatten", "--minify", f"--context={context}"]
        told = subprocess.run(
            view, env={**os.environ, "KUBECONFIG": KUBECONFIG}, capture_output=True, text=True, check=False
        )
        if told.returncode:
            pytest.fail(f"--context {context}: {told.stderr.strip()}")
        yield Borrowed(folder / "home", told.stdout)
        return
    if RUNNING in os.environ:
        yield Sandbox(Path(os.environ[RUNNING]))
        return
    if found := "; ".join(requirements.problems(folder)):
        pytest.fail(f"No real node here ({found}): name a context of your kubeconfig by --context")
    sandbox = Sandbox(folder / "home")
    try:
        sandbox.up(["kubernetes"], "real")
        files = {item.path.name for item in request.session.items}
        running.install(sandbox, sorted({SETS.get(name, "serving") for name in files}))
        yield sandbox
    finally:
        sandbox.down()


@pytest.fixture(scope="session")
def kubeconfig(real: Sandbox) -> Path:
    """Lead to the cluster."""
    return real.home / "kubeconfig"


@pytest.fixture(scope="session")
def cluster(real: Sandbox) -> Cluster:
    """Look at the cluster."""
    return Cluster(real)


@pytest.fixture
def apart(kubeconfig: Path) -> Iterator[Trial]:
    """Have a namespace of the test's own."""
    with trial(kubeconfig, f"trial-{secrets.token_hex(4)}") as made:
        yield made
