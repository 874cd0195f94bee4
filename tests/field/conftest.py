"""What the field met: a file for each situation, and two ways for a wrong program to be refused, which are counted."""

import re
from collections.abc import Callable

import pytest

from pulumi_mlops import MlopsError
from support.mocks import Cloud
from support.release_job import account, clock, stage

__all__ = ["account", "clock", "stage"]
Program = Callable[[], object]


@pytest.fixture(autouse=True)
def _nobody_asks_aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under mocks nothing is looked up: boto3 is not even opened. Tests with the real engine ask the sandbox."""
    if request.node.get_closest_marker("e2e") or "in_sandbox" in request.fixturenames:
        return

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("boto3 was asked")

    monkeypatch.setattr("boto3.Session", refuse)
    monkeypatch.setattr("boto3.client", refuse)


@pytest.fixture
def refused_at_preview() -> Callable[..., str]:
    """Preview a program for the first time and return its refusal; nothing of the refused component is registered."""

    def refused(program: Program, *, first: bool = True, **config: str) -> str:
        cloud = Cloud(preview=True, first=first)
        with pytest.raises(MlopsError) as raised:
            cloud.run(lambda: program() and None, **config)
        said = str(raised.value)
        named = re.match(r"\w+ '([^']+)': ", said)
        if named:
            assert not [found.name for found in cloud.registered if _is_of(found.name, named[1])], said
        return said

    return refused


@pytest.fixture
def refused_in_the_middle() -> Callable[..., str]:
    """Preview a program with success, run it and return its refusal; ``why`` says what the preview could not know."""

    def refused(program: Program, *, why: str, **config: str) -> str:
        assert why
        Cloud(preview=True, first=True).run(lambda: program() and None, **config)
        with pytest.raises(MlopsError) as raised:
            Cloud().run(lambda: program() and None, **config)
        return str(raised.value)

    return refused


def _is_of(resource: str, component: str) -> bool:
    return resource == component or resource.startswith(f"{component}-")
