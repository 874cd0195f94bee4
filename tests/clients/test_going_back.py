"""Back to the version before: the registry of each backend, a played endpoint, and `pulumi up` for the stack."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import InvalidCall, MlopsError, NotFound, RollBack
from pulumi_mlops.clients import backend, stacks
from pulumi_mlops.clients.lineage import Served, Unknown, Version
from support.day_two.worlds import World

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"


def version(number: int, model: str = "people") -> Version:
    none = Unknown("it is played")
    return Version(model=model, version=number, approval="approved", files=none, image=none, by=none)


class Serving:
    """An endpoint that serves what is approved once the stack is brought up."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.now, self.ups = world, [3], 0
        self.pinned = False
        real = backend.load(world.backend)
        monkeypatch.setattr(type(real), "served", lambda *_: self.served())
        monkeypatch.setattr(stacks, "up", self.up)
        self.named(world.client)

    @staticmethod
    def named(client: Any) -> None:
        client._stack = dataclasses.replace(client._stack, asked=True)

    def served(self) -> list[Served]:
        shadow = Served(variant="shadow", percent=5.0, shadow=True, version=version(9))
        return [Served(variant="main", percent=100.0, version=version(number)) for number in self.now] + [shadow]

    def up(self, stack: stacks.Stack) -> None:
        assert stack.name == "dev"
        self.ups += 1
        if not self.pinned:
            self.now = [self.world.client.versions("people", approval="approved")[0].version]


@pytest.fixture
def serving(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Have four versions, all approved, of which the third is served."""
    (tmp_path / "model").write_text("weights")
    for auc in (0.95, 0.95, 0.96, 0.97):
        world.client.register("people", tmp_path / "model", metrics={"auc": auc}, image=IMAGE)
    for number in (1, 2, 3, 4):
        world.client.approve("people", number, reason="good")
    return Serving(world, monkeypatch)


def approvals(world: World) -> dict[int, str]:
    return {one.version: one.approval for one in world.client.versions("people")}


def test_the_version_before_is_served_again(serving: Serving) -> None:
    client = serving.world.client
    found = client.roll_back("score", reason="it drifts", by="bob")
    assert found == RollBack(endpoint="score", model="people", before=(3,), rejected=(4, 3), version=2, serves=True), (
        "the fourth, which nobody serves yet, would be served instead"
    )
    assert approvals(serving.world) == {4: "rejected", 3: "rejected", 2: "approved", 1: "approved"}
    decision = client.versions("people")[0].decision
    assert decision
    assert (decision.by, decision.reason) == ("bob", "it drifts")
    assert serving.ups == 1
    assert json.dumps(found.plain())


def test_a_version_is_named_and_the_stack_left_alone(serving: Serving) -> None:
    found = serving.world.client.roll_back("score", reason="it drifts", to=1, up=False)
    assert (found.version, found.rejected, found.serves, serving.ups) == (1, (4, 3, 2), False, 0)
    again = serving.world.client.roll_back("score", reason="it drifts", to=1)
    assert (again.version, again.rejected, again.serves, serving.ups) == (1, (), True, 1), "it can be called again"


def test_who_is_pinned_does_not_go_back(serving: Serving) -> None:
    serving.pinned = True
    assert not serving.world.client.roll_back("score", reason="it drifts").serves


def test_what_cannot_be_gone_back_to_changes_nothing(serving: Serving) -> None:
    client = serving.world.client
    for wanted, said in (
        (4, r"to: 4 is no approved version of model 'people' before 3, which is served \(it has: 2, 1\)"),
        (7, "to: 7 is no approved version"),
    ):
        with pytest.raises(InvalidCall, match=said):
            client.roll_back("score", reason="it drifts", to=wanted)
    serving.now = [1]
    with pytest.raises(InvalidCall, match="there is no approved version of model 'people' before 1"):
        client.roll_back("score", reason="it drifts")
    serving.now = []
    with pytest.raises(NotFound, match="serves no version of a model that the stack exports"):
        client.roll_back("score", reason="it drifts")
    client._stack = dataclasses.replace(client._stack, asked=False)
    with pytest.raises(InvalidCall, match=r"up: needs a client of a stack by its name.*up=False"):
        client.roll_back("score", reason="it drifts")
    assert set(approvals(serving.world).values()) == {"approved"}
    assert serving.ups == 0


@pytest.mark.parametrize("world", ["kubernetes"], indirect=True)
def test_an_update_that_fails_is_told(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: stacks.Stack) -> None:
        raise MlopsError("`pulumi up` failed")

    monkeypatch.setattr(stacks, "up", fails)
    with pytest.raises(MlopsError, match="`pulumi up` failed"):
        serving.world.client.roll_back("score", reason="it drifts")
    assert approvals(serving.world)[3] == "rejected", "the next up brings the second"
