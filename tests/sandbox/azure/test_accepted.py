"""Bodies that Microsoft's documentation writes are taken, and read back as they were sent."""

from typing import Any

import pytest

from support.sandbox.arm import Arm
from support.sandbox.arm_good import GOOD
from support.sandbox.arm_world import furnish


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    furnish(server)
    return server


@pytest.mark.parametrize("name", GOOD)
def test_a_good_body_is_read_back(world: Arm, name: str) -> None:
    good = GOOD[name]
    shown = world.done("GET", good.id, version=good.version)
    assert shown["properties"].get("provisioningState", "Succeeded") == "Succeeded"
    _holds(shown, world.sent[name], name)


def _holds(shown: Any, sent: Any, place: str) -> None:
    if isinstance(sent, dict):
        for key, value in sent.items():
            if key != "value":  # of a secret, which nobody is told
                _holds(shown.get(key), value, f"{place}.{key}")
    elif isinstance(sent, list):
        for number, (one, other) in enumerate(zip(shown, sent, strict=True)):
            _holds(one, other, f"{place}[{number}]")
    else:
        assert shown == sent, place


def test_a_secret_is_told_to_nobody(world: Arm) -> None:
    assert "value" not in world.done("GET", GOOD["secret"].id)["properties"]
    assert "hunter2" not in str(world.admin("GET", "requests"))


def test_the_same_body_twice_changes_nothing(world: Arm) -> None:
    for name, good in GOOD.items():
        before = world.done("GET", good.id)
        again = world.ask("PUT", good.id, world.sent[name], version=good.version)
        assert again.status == 200, f"{name}: {again.body}"
        assert world.done("GET", good.id) == before, name
