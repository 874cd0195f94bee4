"""Bodies that Azure refuses are refused, by its codes, and nothing of them is made."""

import copy
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from support.sandbox.arm import Arm
from support.sandbox.arm_bad import BAD, Bad
from support.sandbox.arm_good import GOOD, P
from support.sandbox.arm_world import furnish


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    _fill(server)
    return server


def _fill(server: Arm) -> None:
    furnish(server)
    nobody = f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/nobody"
    server.done("PUT", nobody, {"location": "eastus"})


def test_there_is_enough_of_each_kind() -> None:
    kinds = Counter(bad.kind for bad in BAD)
    assert sum(kinds.values()) >= 80
    wanted = {"enum", "required", "type", "unknown", "read-only", "name", "pattern", "parent", "immutable", "traffic"}
    assert wanted | {"range", "right"} <= {kind for kind, number in kinds.items() if number >= 5}


@pytest.mark.parametrize("bad", BAD, ids=[f"{bad.kind}-{bad.of}-{bad.target}" for bad in BAD])
def test_a_bad_body_is_refused(world: Arm, bad: Bad) -> None:
    before = world.admin("GET", "inventory")
    good = GOOD[bad.of]
    said = world.ask(bad.method, bad.id, bad.made(world.sent[bad.of]), version=good.version)
    assert (said.code, 400 <= said.status < 500) == (bad.code, True), said.body
    assert bad.target in said.message or bad.target in said.body["error"].get("target", ""), said.body
    assert world.admin("GET", "inventory") == before


def test_everything_that_is_wrong_is_said_at_once(world: Arm) -> None:
    body = world.sent["storage"] | {"sku": {"name": "Gold"}, "properties": {"allowSharedKey": False, "isHnsEnabled": 1}}
    said = world.ask("PUT", GOOD["storage"].id, body)
    assert [one["target"] for one in said.body["error"]["details"]] == [
        "sku.name",
        "properties.isHnsEnabled",
        "properties.allowSharedKey",
    ]


STRANGE: tuple[Any, ...] = (None, [], {}, "", "x", -1, True, 1.5, [None], {"a": None}, [{}])


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield (*path, key)
        yield from _paths(value, (*path, key))


def test_no_body_makes_the_sandbox_itself_fail(world: Arm) -> None:
    """Put something strange at five places of each good body; each is taken or refused, and none breaks a rule."""
    chance = random.Random(14)  # noqa: S311  (the same each time)
    for name, good in GOOD.items():
        places = list(_paths(world.sent[name]))
        for place in chance.sample(places, min(5, len(places))):
            made = copy.deepcopy(world.sent[name])
            tree: Any = made
            for key in place[:-1]:
                tree = tree[key]
            tree[place[-1]] = chance.choice(STRANGE)
            said = world.ask("PUT", good.id, made, version=good.version)
            assert said.code != "SandboxFailure", f"{name} {place}: {tree[place[-1]]!r}"
    _fill(world)
