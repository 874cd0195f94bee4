"""Versions, the same on every backend: registered from files, decided on with who and why, listed."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import GateMissed, InvalidCall, MlopsError, ModelRef, NotFound, Unavailable
from pulumi_mlops.backends.kubernetes import client_versions, mlflow
from pulumi_mlops.clients.client import Client
from support.day_two.worlds import World
from support.facts.kubernetes import HUB

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"

WHO = {"kubernetes": "alice@example.com", "aws": "arn:aws:sts::123456789012:user/moto"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "inner" / "weights.bin").write_bytes(bytes(range(256)) * 40)
    return folder


def register(world: World, files: Path, **more: Any) -> Any:
    return world.client.register("people", files, **({"metrics": {"auc": 0.93}, "image": IMAGE} | more))


def kept(world: World) -> dict[str, bytes]:
    """Return the files that the platform keeps, by the path below the folder of the version."""
    if world.backend == "aws":
        s3 = world.parts["plane"].client("s3")
        listed = s3.list_objects_v2(Bucket="artifacts-1").get("Contents", [])
        found = {one["Key"]: s3.get_object(Bucket="artifacts-1", Key=one["Key"])["Body"].read() for one in listed}
    elif world.backend == "azure":
        arm = world.parts["arm"]
        names = [one["name"] for one in arm.done("GET", "/blob/churnfiles/artifacts", version=None)["value"]]
        found = {name: arm.ask("GET", f"/blob/churnfiles/artifacts/{name}", version=None).body for name in names}
    else:
        found = world.parts["mlflow"].files
    return {name.split("/", 3)[-1]: content for name, content in found.items()}


def test_a_version_is_registered_with_its_files_and_waits(world: World, model: Path) -> None:
    made = register(world, model, metadata={"team": "growth"})
    assert (made.model, made.version, made.approval, made.decision) == ("people", 1, "pending", None)
    assert (made.metrics, made.metadata, made.image) == ({"auc": 0.93}, {"team": "growth"}, IMAGE)
    assert made.files
    assert "models/" in made.files
    weights = (model / "inner" / "weights.bin").read_bytes()
    assert kept(world) == {"MLmodel": b"flavors: {}\n", "inner/weights.bin": weights}
    assert [one.version for one in world.client.versions("people")] == [1]
    assert world.client.versions(world.model)[0] == made


def test_a_decision_is_kept_with_who_and_why(world: World, model: Path) -> None:
    register(world, model)
    second = register(world, model / "MLmodel")
    assert second.version == 2, "one file is a version as well"
    made = world.client.approve("people", 2, reason="it's better, by 2 %:\n  see #12")
    assert made.approval == "approved"
    assert made.decision
    assert made.decision.reason == "it's better, by 2 %: see #12"
    assert made.decision.by == WHO.get(world.backend, made.decision.by)
    assert made.decision.at
    assert made.metrics == {"auc": 0.93}, "what was known of it still is"
    assert [one.version for one in world.client.versions("people", approval="approved")] == [2]
    gone = world.client.reject("people", 2, reason="drifts", by="bob@example.com")
    assert (gone.approval, gone.decision and (gone.decision.by, gone.decision.reason)) == (
        "rejected",
        ("bob@example.com", "drifts"),
    )
    assert [(one.version, one.approval) for one in world.client.versions("people")] == [(2, "rejected"), (1, "pending")]
    assert [one.version for one in world.client.versions("people", last=1)] == [2]
    assert world.client.approve("people", 2, reason="again").approval == "approved"


def test_what_was_decided_is_no_fact_of_the_model(world: World, model: Path) -> None:
    register(world, model, metadata={"team": "growth"})
    made = world.client.approve("people", 1, reason="good")
    assert made.metadata == {"team": "growth"}
    assert world.client.lineage("people").version.metadata == {"team": "growth"}  # type: ignore[union-attr]


def test_a_gate_is_kept(world: World, model: Path) -> None:
    register(world, model, metrics={"auc": 0.8})
    with pytest.raises(GateMissed, match=r"auc is 0.8, wanted >=0.9"):
        world.client.approve("people", 1, reason="never mind")
    assert world.client.versions("people")[0].approval == "pending"
    assert world.client.reject("people", 1, reason="too bad").approval == "rejected"


def test_every_problem_is_told_before_anything_is_uploaded(world: World, tmp_path: Path) -> None:
    with pytest.raises(InvalidCall) as caught:
        world.client.register(
            "people", tmp_path / "no", metrics={"auc": float("nan"), "mlops-x": 1.0}, metadata={"a b": "x", "e": ""}
        )
    told = [str(one) for one in caught.value.problems]
    assert told[0] == f"files: {tmp_path / 'no'} is not there"
    assert {one.field for one in caught.value.problems} >= {
        "files",
        "metrics.auc",
        "metrics.mlops-x",
        "metadata.a b",
        "metadata.e",
    }
    assert ("image" in {one.field for one in caught.value.problems}) == (world.backend == "aws")
    assert "nothing was registered" in str(caught.value)
    assert kept(world) == {}


def test_a_version_that_is_not_there_is_not_decided_on(world: World) -> None:
    with pytest.raises(NotFound, match="Model 'people' has no version 7"):
        world.client.approve("people", 7, reason="why not")
    with pytest.raises(InvalidCall, match="reason: has 0 characters"):
        world.client.reject("people", 7, reason=" ")
    assert world.client.versions("people") == []


@pytest.mark.parametrize("world", ["kubernetes"], indirect=True)
def test_a_version_whose_answer_was_lost_is_made_once(world: World, model: Path) -> None:
    mlflow = world.parts["mlflow"]
    create = mlflow._model_versions_create

    def made_and_not_told(asked: dict[str, Any]) -> Any:
        create(asked)
        return 200, lambda handler: setattr(handler, "close_connection", True)

    mlflow._model_versions_create = made_and_not_told
    assert register(world, model).version == 1
    assert len(mlflow.models["people"]) == 1
    mlflow._model_versions_create = lambda _: (200, lambda handler: setattr(handler, "close_connection", True))
    with pytest.raises(Unavailable, match="it may have been done all the same, and so it was not asked again"):
        register(world, model)
    assert len(mlflow.models["people"]) == 1


@pytest.mark.parametrize("world", ["kubernetes"], indirect=True)
def test_a_busy_registry_is_asked_again(world: World, model: Path) -> None:
    register(world, model)
    world.parts["mlflow"].fail(503, 429)
    assert world.client.versions("people")[0].version == 1


@pytest.mark.parametrize("world", ["kubernetes"], indirect=True)
def test_a_login_of_the_registry_is_enough_to_decide(
    world: World, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(world, model)
    for name, value in (("URI", world.parts["mlflow"].url), ("USERNAME", "lead"), ("PASSWORD", "hush")):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}_MODELS", value)
    stranger = Client(dataclasses.replace(world.client._stack, settings={"kubernetes:kubeconfig": "/nowhere"}))
    made = stranger.approve("people", 1, reason="good")
    assert made.decision
    assert made.decision.by == "lead"
    world.parts["mlflow"].fail(403)
    with pytest.raises(MlopsError, match="403") as caught:
        stranger.versions("people")
    assert "hush" not in str(caught.value)


def test_files_are_said_to_be_where_the_server_keeps_them() -> None:
    model = ModelRef(name="churn", backend="kubernetes", platform=HUB, address={"model": "churn", "registry": "models"})
    assert client_versions.kept_in(model) == mlflow.artifacts(HUB, "models")
