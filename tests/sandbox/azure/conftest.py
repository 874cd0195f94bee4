"""A control plane for the tests of this folder: one process a session, emptied before each test."""

from collections.abc import Iterator

import pytest

from support.sandbox.arm import GROUP, Arm


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    arm = Arm(tmp_path_factory.mktemp("azure"))
    arm.start()
    yield arm
    assert arm.stop() == 0


@pytest.fixture
def arm(server: Arm) -> Arm:
    """Offer a tenant as new, with one resource group."""
    server.admin("POST", "reset")
    server.admin("POST", "latency", {"seconds": 0})
    server.done("PUT", GROUP, {"location": "eastus"})
    return server
