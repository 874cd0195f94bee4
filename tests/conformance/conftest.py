"""Nothing is looked up in a cloud while the programs run under mocks."""

from pathlib import Path
from typing import Any

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put together what is about one program: each runs once in a process, however the processes share the tests."""

    def program(item: pytest.Item) -> tuple[str, str]:
        parameters: dict[str, Any] = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        return str(parameters.get("backend", "")), str(parameters.get("name", ""))

    ours = [index for index, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    for index, item in zip(ours, sorted((items[index] for index in ours), key=program), strict=True):
        items[index] = item


@pytest.fixture(autouse=True)
def _nobody_asks_a_cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("e2e"):
        return

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a cloud was asked")

    for way_out in ("boto3.Session", "boto3.client", "kubernetes.config.new_client_from_config"):
        monkeypatch.setattr(way_out, refuse)
