"""Random values: what they are made of, that they are kept and secret, and what replaces them."""

import base64
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from pulumi_mlops_sandbox.provider.service import Service
from pulumi_mlops_sandbox.provider.values import Secret, plain, receive
from pulumi_mlops_sandbox.random_provider.kinds import Forgetful, Random
from support.engine_calls import Engine, served

NONE = provider_pb2.DiffResponse.DIFF_NONE


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from served(Service(Random(), Forgetful(tmp_path / "creates")))


def urn(kind: str, name: str = "it") -> str:
    return f"urn:pulumi:dev::p::random:index/{kind[0].lower()}{kind[1:]}:{kind}::{name}"


def made(engine: Engine, kind: str, **inputs: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    checked, failures = engine.check(inputs, urn=urn(kind))
    assert failures == {}
    object_id, state = engine.create(checked, urn(kind))
    return object_id, state, checked


def test_a_password_is_secret_and_has_no_telling_id(engine: Engine) -> None:
    object_id, state, _ = made(engine, "RandomPassword", length=24, minNumeric=3, minSpecial=2, overrideSpecial="-_")
    assert object_id == "none"
    assert isinstance(state["result"], Secret)
    result = state["result"].value
    assert len(result) == 24
    assert sum(character in string.digits for character in result) >= 3
    assert sum(character in "-_" for character in result) >= 2
    assert set(result) <= set(string.ascii_letters + string.digits + "-_")
    assert not engine.journal.folder.exists()


def test_each_is_another(engine: Engine) -> None:
    assert len({made(engine, "RandomString", length=20)[0] for _ in range(20)}) == 20


def test_classes_that_are_switched_off(engine: Engine) -> None:
    _, state, _ = made(engine, "RandomString", length=50, special=False, upper=False, numeric=False)
    assert set(state["result"]) <= set(string.ascii_lowercase)


def test_bytes(engine: Engine) -> None:
    object_id, state, _ = made(engine, "RandomBytes", length=32)
    data = base64.b64decode(state["base64"].value)
    assert len(data) == 32
    assert bytes.fromhex(state["hex"].value) == data
    assert object_id == state["base64"].value  # as the real provider has it


def test_id(engine: Engine) -> None:
    object_id, state, _ = made(engine, "RandomId", byteLength=8, prefix="a-")
    data = base64.urlsafe_b64decode(f"{object_id}=")
    assert state["b64Url"] == f"a-{object_id}"
    assert state["hex"] == f"a-{data.hex()}"
    assert state["dec"] == f"a-{int.from_bytes(data)}"
    assert state["b64Std"] == f"a-{base64.b64encode(data).decode()}"


def test_it_is_kept_until_its_inputs_change(engine: Engine) -> None:
    object_id, state, checked = made(engine, "RandomPassword", length=12, keepers={"round": "1"})
    again, _ = engine.check({"length": 12, "keepers": {"round": "1"}}, checked, urn("RandomPassword"))
    assert engine.diff(checked, again, object_id, urn("RandomPassword")).changes == NONE
    answer = engine.read(object_id, checked, state, urn("RandomPassword"))
    assert receive(answer.properties)["result"] == state["result"]
    for change in ({"keepers": {"round": "2"}}, {"length": 13}, {"special": False}):
        news, _ = engine.check({"length": 12, "keepers": {"round": "1"}, **change}, checked, urn("RandomPassword"))
        assert engine.diff(checked, news, object_id, urn("RandomPassword")).replaces


def test_a_preview_does_not_know_it(engine: Engine) -> None:
    checked, _ = engine.check({"length": 12}, urn=urn("RandomPassword"))
    _, foreseen = engine.create(checked, urn("RandomPassword"), preview=True)
    assert repr(plain(foreseen)["result"]) == "<unknown>"


@pytest.mark.parametrize(
    ("kind", "inputs", "path"),
    [
        ("RandomPassword", {"length": 0}, "length"),
        ("RandomPassword", {}, "length"),
        ("RandomPassword", {"length": 3, "minLower": 2, "minUpper": 2}, "length"),
        ("RandomPassword", {"length": 3, "lower": False, "minLower": 1}, "minLower"),
        ("RandomPassword", {"length": 3, "number": True}, "number"),
        (
            "RandomString",
            {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False},
            "lower",
        ),
        ("RandomId", {"byteLength": 1 << 20}, "byteLength"),
    ],
)
def test_refused(engine: Engine, kind: str, inputs: dict[str, Any], path: str) -> None:
    assert path in engine.check(inputs, urn=urn(kind))[1]


def test_what_the_sandbox_does_not_have(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        engine.check({}, urn=urn("RandomPet"))
    assert "it has: RandomBytes, RandomId, RandomPassword, RandomString" in str(caught.value.details())
