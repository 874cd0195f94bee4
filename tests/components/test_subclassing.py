"""Subclasses of a noun, and nouns inside of a component of one's own.

Annotations are texts here, as in many a user's module.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

import pulumi_mlops as mlops
from pulumi_mlops.core.component import output_names
from support.facts.aws import HUB, IMAGE
from support.mocks import Cloud

OUTPUTS = ["url", "status", "captured"]


class House(mlops.Endpoint, token="acme:ml:House"):
    """A subclass with a token."""


class Plain(mlops.Endpoint):
    """A subclass without one."""


class Own(mlops.Endpoint):
    """A subclass with its own arguments and outputs."""

    label: Output[str]
    team: pulumi.Output[str]
    by_hand: Output[str]

    def __init__(self, name: str, team: str, opts: ResourceOptions | None = None) -> None:
        self._team = team
        super().__init__(name, opts, platform=HUB, model={"image": IMAGE})
        self.by_hand = Output.from_input("set")

    def further(self) -> dict[str, Any]:
        return {"label": Output.concat(self._team, "/", self.ref.name), "team": self._team}


class Below(Own):
    """A subclass of a subclass."""

    extra: Output[int]

    def further(self) -> dict[str, Any]:
        return {**super().further(), "extra": 7}


def test_a_subclass_keeps_the_outputs_of_its_noun() -> None:
    cloud = Cloud()

    def program() -> Any:
        made = [kind(name, platform=HUB, model={"image": IMAGE}) for name, kind in (("a", House), ("b", Plain))]
        return [one.status for one in made]

    assert cloud.run(program) == ["live", "live"]
    assert {"url", "status"} <= set(cloud.outputs["a"]) == set(cloud.outputs["b"])
    assert {found.name: found.type for found in cloud.registered if not found.custom} == {
        "a": "acme:ml:House",
        "b": "pulumi-mlops:index:Plain",
    }
    assert House.noun == Plain.noun == "Endpoint"


def test_a_subclass_adds_outputs() -> None:
    cloud = Cloud()

    def program() -> Any:
        own, below = Own("one", "red"), Below("two", "blue")
        return [own.label, own.team, own.by_hand, own.status, below.label, below.extra]

    assert cloud.run(program) == ["red/one", "red", "set", "live", "blue/two", 7]
    assert output_names(Below) == [*OUTPUTS, "label", "team", "by_hand", "extra"]
    assert {"label", "team"} <= set(cloud.outputs["one"])
    assert cloud.outputs["two"]["extra"] == 7
    assert cloud.one("Below").type == "pulumi-mlops:index:Below"


def test_a_noun_is_a_child_of_a_component_of_ones_own() -> None:
    cloud = Cloud()
    seen: set[str] = set()

    def note(args: pulumi.ResourceTransformationArgs) -> None:
        seen.add(args.name)

    def program() -> None:
        provider = aws.Provider("ours", region="eu-west-1")
        opts = ResourceOptions(providers=[provider], transformations=[note], protect=True)
        team = pulumi.ComponentResource("acme:ml:Team", "team", None, opts)
        hub = mlops.Platform("hub", ResourceOptions(parent=team, aliases=[pulumi.Alias(name="old")]), backend="aws")
        mlops.FeatureStore("features", ResourceOptions(parent=team), platform=hub)

    cloud.run(program)
    (team,) = (found for found in cloud.registered if found.name == "team")
    assert cloud.one("Platform").parent == cloud.one("FeatureStore").parent == team.urn
    children = [found for found in cloud.registered if found.custom and found.name != "ours"]
    assert all("::ours::" in child.provider for child in children)
    assert {child.name for child in children} <= seen
    assert all(child.protect for child in children)
