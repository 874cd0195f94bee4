"""A control plane for the tests of this folder: one process a session, emptied before each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sandbox.control_plane import ControlPlane, furnish
from support.sandbox.executions_aws import Here


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("aws"))
    plane.start()
    yield plane
    assert plane.stop() == 0


@pytest.fixture
def plane(server: ControlPlane) -> ControlPlane:
    """Offer an account as new."""
    server.admin("POST", "reset")
    server.admin("POST", "latency", {"seconds": server.latency})
    return server


@pytest.fixture
def world(plane: ControlPlane) -> dict[str, str]:
    return furnish(plane)


@pytest.fixture
def here(plane: ControlPlane, tmp_path: Path) -> Iterator[Here]:
    yield Here(plane, tmp_path)
    plane.admin("DELETE", "images")
