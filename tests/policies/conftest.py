"""No test reads prices that somebody has refreshed on this machine."""

from pathlib import Path

import pytest

from pulumi_mlops.policies.costs.prices import VARIABLE


@pytest.fixture(autouse=True)
def prices(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("prices")
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder
