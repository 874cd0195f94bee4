"""What exists already, as far as no backend matters: what is judged, and what a backend owes."""

from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.core import registry
from pulumi_mlops.core.capabilities import Entry
from pulumi_mlops.core.engines import Engine
from support.facts.aws import HUB, MODEL
from support.mocks import Cloud

NOUNS: list[Any] = [
    mlops.FeatureGroup,
    mlops.Model,
    mlops.Endpoint,
    mlops.ModelRegistry,
    mlops.Identity,
]


def refused(program: Any, kind: type[Exception] = InvalidArgs) -> str:
    cloud = Cloud()
    with pytest.raises(kind) as caught:
        cloud.run(lambda: program() and None)
    assert cloud.registered == []
    return str(caught.value)


@pytest.mark.parametrize("noun", NOUNS)
def test_everything_that_is_wrong_is_one_error(noun: Any) -> None:
    said = refused(lambda: noun.existing("Bad Name", platform=HUB, called=pulumi.Output.from_input("x"), colour="blue"))
    assert said.startswith(f"{noun.__name__} 'Bad Name': 3 problems")
    assert "- name: 'Bad Name' must be lower-case letters" in said
    assert "- called: is an Output, and a plain value is needed" in said
    assert "- colour: is not an argument here (known: called, " in said


@pytest.mark.parametrize("noun", NOUNS)
def test_another_thing_is_no_platform(noun: Any) -> None:
    assert "- platform: needs a Platform, this is Model" in refused(lambda: noun.existing("x", platform=MODEL))


def test_a_name_that_is_not_known_yet_is_no_name() -> None:
    said = refused(lambda: mlops.Model.existing(pulumi.Output.from_input("x"), platform=HUB))  # type: ignore[arg-type]
    assert "Model 'an Output': 1 problem" in said


def backend(monkeypatch: pytest.MonkeyPatch, *, row: Entry | None, tasks: bool) -> None:
    """Take the look-up of models from a backend, or its line in the table, or both."""
    real = registry.load("aws")
    key = frozenset(["model.existing"])
    others = {name: entry for name, entry in real.capabilities.items() if name != key}
    bare = Engine(
        provides=[part for part in real.provides if tasks or part.task != "Model.existing"],
        capabilities=others if row is None else {**others, key: row},
    )
    monkeypatch.setattr(registry, "load", lambda name, load=registry.load: bare if name == "aws" else load(name))


def take() -> mlops.ModelRef:
    return mlops.Model.existing("churn", platform=HUB)


def test_a_backend_that_lists_no_such_thing_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    backend(monkeypatch, row=None, tasks=False)
    said = refused(take, Unsupported)
    assert said.startswith("Model 'churn': backend 'aws' cannot do this.\n  - model.existing: it is not offered.")


def test_a_backend_that_says_why_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    backend(monkeypatch, row=Entry("absent", "nobody can be asked.", "Model.load(…)."), tasks=False)
    assert "model.existing: nobody can be asked. Instead: Model.load(…)." in refused(take, Unsupported)


def test_a_backend_that_promises_more_than_it_does_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    backend(monkeypatch, row=Entry("native"), tasks=False)
    assert "Model 'churn': backend 'aws' cannot look one up" in refused(take, Unsupported)


@pytest.mark.parametrize("preview", [True, False])
def test_what_is_lossy_is_warned_of_in_the_preview(monkeypatch: pytest.MonkeyPatch, preview: bool) -> None:
    backend(monkeypatch, row=Entry("lossy", "half of it is lost.", "the other half."), tasks=True)
    cloud = Cloud(preview=preview)
    cloud.run(lambda: take() and None)
    told = "Model 'churn': model.existing: half of it is lost. Instead: the other half."
    assert cloud.warnings == [told] * preview


def test_a_subclass_takes_over_too() -> None:
    class House(mlops.Endpoint):
        pass

    assert isinstance(Cloud().run(lambda: House.existing("score", platform=HUB)), mlops.EndpointRef)


@pytest.mark.parametrize("uri", ["rows", "/rows", "s3:/rows", "s3://"])
def test_a_folder_is_a_whole_address(uri: str) -> None:
    said = refused(lambda: mlops.Model.existing("churn", platform=HUB, files=uri))
    assert f"- files: {uri!r} is not the address of a folder" in said


def test_a_folder_ends_in_a_slash() -> None:
    churn = Cloud().run(lambda: mlops.Model.existing("churn", platform=HUB, files="s3://theirs/churn"))
    assert churn.address["files"] == "s3://theirs/churn/"


@pytest.mark.parametrize("bound", ["0.9", ">0.9.1", "good"])
def test_a_gate_is_judged_as_that_of_a_model_that_is_made(bound: str) -> None:
    said = refused(lambda: mlops.Model.existing("churn", platform=HUB, gate={"auc": bound}))
    assert f"- gate: auc: {bound!r}: write a comparison with a number" in said
