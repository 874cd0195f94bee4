"""The client's day on each backend: control planes are processes of the session, emptied before each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_mlops.core import private
from support.day_two import worlds
from support.day_two.worlds import World
from support.sandbox.arm import Arm
from support.sandbox.control_plane import ControlPlane


@pytest.fixture(scope="session")
def aws_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("aws"), latency=0)
    plane.start()
    yield plane
    assert plane.stop() == 0


@pytest.fixture(scope="session")
def azure_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    arm = Arm(tmp_path_factory.mktemp("azure"))
    arm.start()
    yield arm
    assert arm.stop() == 0


@pytest.fixture(params=["aws", "azure", "kubernetes"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Offer a platform of each backend."""
    monkeypatch.setattr(private, "mocked", lambda: False)  # another test may have left mocks behind
    if request.param == "kubernetes":
        with worlds.on_kubernetes(tmp_path, monkeypatch) as made:
            yield made
    elif request.param == "aws":
        with worlds.on_aws(request.getfixturevalue("aws_plane"), monkeypatch) as made:
            yield made
    else:
        with worlds.on_azure(request.getfixturevalue("azure_plane"), monkeypatch) as made:
            yield made
