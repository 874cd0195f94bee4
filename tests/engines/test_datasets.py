"""Datasets whose versions are entered in wandb or ClearML: the files are kept as the platform keeps any."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pulumi import Output
from pulumi.runtime import rpc

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.core import registry
from pulumi_mlops.core.capabilities import Entry
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.errors import Problem
from support.changes.common import CLEARML, DAILY, MLFLOW, WANDB, hidden
from support.conformance.programs import identity
from support.conformance.words import WORDS
from support.facts.aws import hub as hub_on_aws
from support.mocks import Cloud

GIVEN: Mapping[str, Mapping[str, Any]] = {"wandb": WANDB, "clearml": CLEARML}
every_backend = pytest.mark.parametrize("backend", registry.ours("backends"))
every_engine = pytest.mark.parametrize("engine", GIVEN)


def platform(backend: str) -> mlops.Platform:
    return mlops.Platform("hub", backend=backend)


def tracker(hub: mlops.Platform, engine: str) -> mlops.ExperimentTracker:
    given: dict[str, Any] = hidden({engine: GIVEN[engine]})
    return mlops.ExperimentTracker("runs", platform=hub, **given)


def made(cloud: Cloud, under: str) -> list[Any]:
    found = [item for item in cloud.registered if item.parent.split("::")[-1].startswith(under)]
    return sorted((item.type, item.name, str(item.inputs), item.protect) for item in found)


@every_backend
@every_engine
def test_files_are_kept_as_without_it(backend: str, engine: str) -> None:
    plain, entered = Cloud(), Cloud()

    def program(enters: bool) -> Any:
        hub = platform(backend)
        also: dict[str, Any] = {engine: tracker(hub, engine)} if enters else {}
        rows = mlops.Dataset("rows", platform=hub, **DAILY, **also)
        return [Output.from_input(rows.ref.export()), rows.location]

    without, _ = plain.run(lambda: program(False))
    exported, location = entered.run(lambda: program(True))
    assert made(plain, "rows") == made(entered, "rows") != []
    assert exported["backend"] == backend
    assert exported["location"] == location
    assert without["tracker"] is None
    assert (exported["tracker"]["name"], exported["tracker"]["engine"]) == ("runs", engine)

    async def there_and_back() -> Any:
        return rpc.deserialize_properties(await rpc.serialize_properties(exported, {}))

    back = mlops.Dataset.load(asyncio.run(there_and_back()))
    assert back.tracker
    assert back.tracker.engine == engine


@every_backend
@every_engine
def test_who_publishes_may_record_and_who_reads_may_not(backend: str, engine: str) -> None:
    def of(told: Callable[[mlops.Dataset, Any], dict[str, Any]]) -> list[Any]:
        cloud = Cloud()

        def program() -> None:
            hub = platform(backend)
            runs = tracker(hub, engine)
            also: Any = {engine: runs}
            identity(WORDS[backend], hub, **told(mlops.Dataset("rows", platform=hub, **also), runs))

        cloud.run(program)
        return made(cloud, "team")

    def plain(rows: mlops.Dataset) -> mlops.DatasetRef:
        return replace(rows.ref, tracker=None)

    publishing = of(lambda rows, _: {"writes": [rows]})
    assert publishing == of(lambda rows, runs: {"writes": [plain(rows)], "records": [runs]})
    assert publishing == of(lambda rows, runs: {"writes": [rows], "records": [runs]})
    assert publishing != of(lambda rows, _: {"writes": [plain(rows)]})
    assert of(lambda rows, _: {"reads": [rows]}) == of(lambda rows, _: {"reads": [plain(rows)]})


def refused(build: Any) -> Mapping[str, str]:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: build() and None)
    assert "rows" not in {item.name for item in cloud.registered}
    return {problem.field: problem.message for problem in caught.value.problems}


def test_the_tracker_is_of_the_engine_and_of_the_platform() -> None:
    def another() -> Any:
        hub = platform("aws")
        return mlops.Dataset("rows", platform=hub, clearml=tracker(hub, "wandb"))

    assert "'runs' records runs in wandb; give a tracker of clearml" in refused(another)["clearml"]

    def server() -> Any:
        hub = platform("aws")
        given: Any = hidden({"mlflow": MLFLOW})
        return mlops.Dataset("rows", platform=hub, wandb=mlops.ExperimentTracker("runs", platform=hub, **given))

    assert "records runs in mlflow" in refused(server)["wandb"]

    def elsewhere() -> Any:
        return mlops.Dataset("rows", platform=hub_on_aws("other"), wandb=tracker(platform("aws"), "wandb"))

    assert "whose secrets keep its keys; write a tracker of platform 'other'" in refused(elsewhere)["wandb"]

    def both() -> Any:
        hub = platform("aws")
        runs = tracker(hub, "wandb")
        return mlops.Dataset("rows", platform=hub, wandb=runs, clearml=runs)

    assert {"", "clearml"} & set(refused(both))
    assert (
        "needs an ExperimentTracker"
        in refused(lambda: mlops.Dataset("rows", platform=platform("aws"), wandb="runs"))["wandb"]
    )  # type: ignore[arg-type]


def test_what_the_backend_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is asked of a dataset, the backend's table and the backend's own judgement count."""
    real = registry.load("aws")
    table = {**real.capabilities, frozenset(["dataset.partition"]): Entry("absent", "no folders.", "files alone.")}
    bare = Engine(
        provides=real.provides,
        capabilities=table,
        problems=lambda _name, _spec: [Problem("format", "is the wrong one")],
    )
    monkeypatch.setattr(registry, "load", lambda name, load=registry.load: bare if name == "aws" else load(name))
    cloud = Cloud()

    def program(**given: Any) -> None:
        hub = hub_on_aws("hub")
        runs = mlops.ExperimentTrackerRef(
            name="runs", backend="aws", platform=hub, engine="wandb", url="https://wandb.ai", project="churn"
        )
        mlops.Dataset("rows", platform=hub, wandb=runs, **given)

    with pytest.raises(Unsupported, match="engine 'wandb' builds over Dataset: backend 'aws' cannot") as absent:
        cloud.run(lambda: program(format="csv", partition="day"))
    assert "dataset.partition: no folders. Instead: files alone." in str(absent.value)
    with pytest.raises(InvalidArgs, match="format: is the wrong one"):
        cloud.run(lambda: program(format="csv"))
    other = hub_on_aws("hub")
    parent = mlops.DatasetRef(
        name="raw", backend="azure", platform=replace(other, backend="azure", name="else"), location="https://x/"
    )
    with pytest.raises(Unsupported, match=r"bridge\.dataset\.backend"):
        cloud.run(lambda: program(parents=[parent]))
    assert not cloud.registered
