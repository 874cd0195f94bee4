"""The cluster on which the library proves itself: a real node of the sandbox's, or that of a user's context."""

import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.forwarding import kubectl
from pulumi_mlops_sandbox.kubernetes.nodes import requirements
from pulumi_mlops_sandbox.kubernetes.operators import manifests, running
from support.e2e.borrowed import Borrowed
from support.e2e.inside import Cluster
from support.trial import Trial, trial

KUBECONFIG = os.environ.get("KUBECONFIG", config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
"""The user's: read before the tests hide it from themselves."""
RUNNING = "PULUMI_MLOPS_ACCEPTANCE_HOME"
"""Names the folder of a sandbox that has all of it already: for whoever works on these tests."""

SETS = {"test_pipelines.py": "training", "test_loop.py": "loop", "test_interrupted.py": "loop"}
"""The operators that a file needs, where they are not those that serve."""
LONGEST = ("test_loop.py", "test_release.py", "test_pipelines.py")
"""They begin first, so that none of them is left for the end."""
FIGURES = pytest.StashKey[list[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Run one node with all operators, where several processes test at once: each of them waits more than it works."""
    config = session.config
    several = config.getoption("numprocesses", None) and config.getoption("markexpr") == "acceptance"
    if not several or hasattr(config, "workerinput") or config.getoption("--context") or RUNNING in os.environ:
        return
    standing = ExitStack()
    config.add_cleanup(standing.close)
    folder = Path(standing.enter_context(tempfile.TemporaryDirectory(prefix="acceptance-", ignore_cleanup_errors=True)))
    os.environ[RUNNING] = str(standing.enter_context(node(folder, manifests.NAMES)).home)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what one of several processes has measured."""
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["figures"] = session.config.stash.get(FIGURES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process has measured."""
    node.config.stash.setdefault(FIGURES, []).extend(getattr(node, "workeroutput", {}).get("figures", []))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say at the end what was measured, whether or not the tests passed."""
    if told := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in told:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Keep lines that stand at the end of the report."""
    return request.config.stash.setdefault(FIGURES, [])


@contextmanager
def node(folder: Path, operators: Sequence[str]) -> Iterator[Sandbox]:
    """Run a real node with operators, with what it needs in a folder."""
    if found := "; ".join(requirements.problems(folder)):
        pytest.exit(f"No real node here ({found}): name a context of your kubeconfig by --context", 1)
    sandbox = Sandbox(folder / "home")
    try:
        sandbox.up(["kubernetes"], "real")
        running.install(sandbox, operators)
        yield sandbox
    finally:
        sandbox.down()


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run one sandbox with a real node and the operators that are asked of it; or use the cluster of a context."""
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
    files = {item.path.name for item in request.session.items}
    with node(folder, sorted({SETS.get(name, "serving") for name in files})) as sandbox:
        yield sandbox


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
