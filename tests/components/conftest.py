"""Every test that asks for ``cloud`` runs as an update and as a preview."""

import pytest

from support.mocks import Cloud


@pytest.fixture(params=[False, True], ids=["update", "preview"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    return Cloud(preview=request.param)


@pytest.fixture(autouse=True)
def _nobody_asks_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under mocks nothing is looked up: boto3 is not even opened."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("boto3 was asked")

    monkeypatch.setattr("boto3.Session", refuse)
    monkeypatch.setattr("boto3.client", refuse)
