"""What a ref says survives the engine, which drops nulls and knows floats only."""

from dataclasses import dataclass, field

import pytest

from pulumi_mlops import InvalidArgs, SecretRef
from pulumi_mlops.core.addresses import Address


@dataclass(frozen=True)
class Way(Address):
    port: int
    pods: dict[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Place(Address):
    way: Way
    spare: Way | None = None
    names: list[str] = field(default_factory=list)


def ref(address: dict[str, object]) -> SecretRef:
    return SecretRef(name="x", backend="aws", address=address)


def test_it_comes_back_as_it_was() -> None:
    place = Place(way=Way(80, {"a": "b"}), spare=Way(90), names=["n"])
    assert Place.of(ref(place.plain())) == place


def test_what_the_engine_dropped_has_its_default() -> None:
    assert Place.of(ref({"way": {"port": 80}})) == Place(way=Way(80))
    assert Place.of(ref({"way": {"port": 80}, "names": None})).names == []


def test_what_a_newer_version_adds_is_passed_over() -> None:
    assert Place.of(ref({"way": {"port": 80, "colour": "blue"}, "colour": "blue"})) == Place(way=Way(80))


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InvalidArgs, match="the ref says nothing of way; run pulumi up in the stack that exports it"):
        Place.of(ref({"names": []}))
