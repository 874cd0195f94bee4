"""The provider before a real apiserver, a namespace for each test, and the Python client as the second opinion."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config
from kubernetes.dynamic import DynamicClient

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.provider.cluster import Cluster
from pulumi_mlops_sandbox.kubernetes.provider.service import Objects
from pulumi_mlops_sandbox.provider.journal import Journal
from support.engine_calls import Engine, served
from support.sandbox.objects_in_cluster import Place, Recorder


@pytest.fixture(scope="session")
def client(cluster: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> DynamicClient:
    kinds = tmp_path_factory.mktemp("discovery") / "kinds.json"  # else one file for all clusters of an address
    return DynamicClient(config.new_client_from_config(str(cluster.home / "kubeconfig")), cache_file=str(kinds))


@pytest.fixture
def warnings() -> Recorder:
    return Recorder()


@pytest.fixture
def provider() -> Cluster:
    return Cluster()


@pytest.fixture
def engine(
    cluster: Sandbox, provider: Cluster, warnings: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    monkeypatch.setenv("KUBECONFIG", str(cluster.home / "kubeconfig"))
    for engine in served(Objects(provider, Journal(tmp_path / "creates"), warnings)):
        engine.configure(enableConfigMapMutable=True, enableSecretMutable=True)
        yield engine


@pytest.fixture
def place(engine: Engine, client: DynamicClient) -> Iterator[Place]:
    """Make a namespace; what a test leaves in it goes with it."""
    namespaces = client.resources.get(api_version="v1", kind="Namespace")
    name = f"t-{uuid.uuid4().hex[:8]}"
    namespaces.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield Place(engine, client, name)
    namespaces.delete(name)
