"""The cluster on which the library proves itself: a real node of the sandbox's, or that of a user's context."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import config

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.nodes import requirements
from support.trial import Trial, trial

KUBECONFIG = os.environ.get("KUBECONFIG", config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
"""The user's: read before the tests hide it from themselves."""


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Lead to the cluster."""
    context = request.config.getoption("--context")
    folder = tmp_path_factory.mktemp("acceptance")
    if context:
        merged = config.kube_config.KubeConfigMerger(KUBECONFIG).config.value
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump({**merged, "current-context": context}))
        yield path
        return
    if found := "; ".join(requirements.problems(folder)):
        pytest.fail(f"No real node here ({found}): name a context of your kubeconfig by --context")
    sandbox = Sandbox(folder / "home")
    try:
        sandbox.up(["kubernetes"], "real")
        yield sandbox.home / "kubeconfig"
    finally:
        sandbox.down()


@pytest.fixture
def apart(kubeconfig: Path) -> Iterator[Trial]:
    """Have a namespace of the test's own."""
    with trial(kubeconfig, f"trial-{secrets.token_hex(4)}") as made:
        yield made
