"""The sandbox's registry: nothing until somebody asks, MLflow then, what it holds kept or thrown away."""

import socket
from collections.abc import Iterator

import psutil
import pytest

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.registry import Registry, Standby


@pytest.fixture(scope="module")
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def standby(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Standby]:
    made = Standby(tmp_path_factory.mktemp("registry") / "mlflow", port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def registry(standby: Standby, port: int) -> Registry:
    del standby  # it listens
    return Registry(f"http://127.0.0.1:{port}")


def servers(port: int) -> list[psutil.Process]:
    """Find the servers that were handed the port."""
    return [
        child
        for child in psutil.Process().children()
        if any(connection.laddr.port == port for connection in child.net_connections("inet"))
    ]


def test_it_costs_nothing_until_somebody_asks(registry: Registry, port: int) -> None:
    assert not servers(port)
    registry.forget()
    assert len(servers(port)) == 1


def test_versions_are_counted_and_approved_with_their_metrics(registry: Registry) -> None:
    first, second = registry.register("churn", auc=0.91), registry.register("churn", auc=0.95)
    assert (first, second) == (1, 2)
    registry.approve("churn", first)
    found = registry._call("GET", "model-versions/get?name=churn&version=1")["model_version"]
    assert found["tags"] == [{"key": "approval", "value": "Approved"}]
    assert found["source"].startswith("mlflow-artifacts:/")
    run = registry._call("GET", f"runs/get?run_id={found['run_id']}")["run"]
    assert [(metric["key"], metric["value"]) for metric in run["data"]["metrics"]] == [("auc", 0.91)]
    registry.forget()
    assert registry.register("churn") == 1


def test_what_mlflow_refuses_is_told(registry: Registry) -> None:
    with pytest.raises(SandboxError, match=r"refused POST model-versions/set-tag: 404 .*not found"):
        registry.approve("nobody", 1)


def test_a_server_that_dies_is_started_again(registry: Registry, port: int) -> None:
    registry.register("survivor")
    (server,) = servers(port)
    server.kill()
    server.wait(10)
    assert registry.register("survivor") == 2


def test_what_it_holds_is_kept_or_thrown_away(standby: Standby, registry: Registry) -> None:
    number = registry.register("kept")
    standby.stop()
    standby.start()
    assert registry.register("kept") == number + 1
    standby.stop()
    standby.forget()
    standby.start()
    assert registry.register("kept") == 1


def test_it_ends_with_whoever_holds_it(standby: Standby, registry: Registry, port: int) -> None:
    registry.register("any")
    (server,) = servers(port)
    assert standby._process is not None
    assert standby._process.stdin is not None
    standby._process.stdin.close()  # what a killed control plane leaves behind
    server.wait(10)
    assert not servers(port)
