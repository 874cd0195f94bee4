"""Bodies that Azure refuses are refused, by its codes, and nothing of them is made."""

from collections import Counter

import pytest

from support.sandbox.arm import Arm
from support.sandbox.arm_bad import BAD, Bad
from support.sandbox.arm_good import GOOD, P
from support.sandbox.arm_world import furnish


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    furnish(server)
    nobody = f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/nobody"
    server.done("PUT", nobody, {"location": "eastus"})
    return server


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
