"""A provider of the fake cloud for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine_calls import Engine
from support.sandbox.fake_cloud import BoxCloud, BoxKind, serving


@pytest.fixture
def cloud() -> BoxCloud:
    return BoxCloud()


@pytest.fixture
def box(cloud: BoxCloud) -> BoxKind:
    return cloud.box


@pytest.fixture
def engine(cloud: BoxCloud, tmp_path: Path) -> Iterator[Engine]:
    yield from serving(cloud, tmp_path / "creates")
