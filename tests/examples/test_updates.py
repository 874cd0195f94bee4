"""docs/updates/*.toml say what a change does: here each change is made, and judged by the provider's own rules.

A program is registered twice, before and after the change, and the two are compared as the sandbox's provider compares
them: which resources come and go, which are updated, which are replaced. What a backend refuses has to be refused.
"""

import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.core import registry
from pulumi_mlops.core.errors import InvalidArgs, Unsupported
from support.changes import batch, loops, monitors, pipelines
from support.changes.common import hidden
from support.conformance.words import WORDS
from support.mocks import Cloud, Registration

BACKENDS: dict[str, ModuleType] = {
    name: importlib.import_module(f"support.changes.{name}") for name in registry.backends()
}
UPDATES: dict[str, dict[str, dict[str, list[str]]]] = {
    name: tomllib.loads((Path(__file__).parents[2] / "docs" / "updates" / f"{name}.toml").read_text())
    for name in BACKENDS
}
STRENGTH = ["none", "update", "part", "release", "replace"]
CHANGES = [
    pytest.param(name, *change, id=f"{name}-{change[0]}") for name, told in BACKENDS.items() for change in told.CHANGES
]
REFUSED = [
    pytest.param(name, *change, id=f"{name}-{change[0]}") for name, told in BACKENDS.items() for change in told.REFUSED
]
APART = {
    "Pipeline": pipelines.pipeline,
    "Monitor": monitors.monitor,
    "BatchInference": batch.batch,
    "Loop": loops.loop,
}
"""Nouns that have programs of their own."""
Registered = dict[tuple[str, str], Registration]

_registered: dict[str, Registered] = {}


def registered(backend: str, noun: str, change: dict[str, Any]) -> Registered:
    """Register a noun and all that stands on it, with other arguments for that noun; the same program only once."""
    key = f"{backend} {noun} {change}"
    if key not in _registered:
        _registered[key] = _register(backend, noun, change)
    return _registered[key]


def _register(backend: str, noun: str, change: dict[str, Any]) -> Registered:
    base: dict[str, dict[str, Any]] = BACKENDS[backend].BASE
    args = {name: {**given, **(change if name == noun else {})} for name, given in base.items()}

    def program() -> None:
        if noun in APART:
            APART[noun](backend, args[noun])
            return
        hub = mlops.Platform("hub", backend=backend, **args["Platform"])
        has = registry.load(backend).tasks
        if noun in ("Platform", "FeatureStore", "FeatureGroup") and "FeatureGroup" in has:
            store = mlops.FeatureStore("features", platform=hub, **args["FeatureStore"])
            mlops.FeatureGroup("profile", store=store, **args["FeatureGroup"])
        if noun in ("Platform", "ModelRegistry", "Model") and "Model" in has:
            models = mlops.ModelRegistry("models", platform=hub, **args["ModelRegistry"])
            mlops.Model("churn", registry=models, **args["Model"])
        if noun == "Dataset":
            mlops.Dataset("rows", platform=hub, **args["Dataset"])
        if noun == "ExperimentTracker":
            mlops.ExperimentTracker("runs", platform=hub, **hidden(args["ExperimentTracker"]))
        if noun == "Identity":
            mlops.Identity("team", platform=hub, **args["Identity"])
        if noun == "TrainingCluster" and noun in has:
            mlops.TrainingCluster("gpus", platform=hub, **args[noun])
        if noun in ("Platform", "Endpoint") and "Endpoint" in has:
            mlops.Endpoint("score", platform=hub, **args["Endpoint"])

    cloud = Cloud()
    cloud.run(program, **settings(backend))
    ours = ("pulumi-mlops:", "pulumi:")
    return {(found.type, found.name): found for found in cloud.registered if not found.type.startswith(ours)}


def settings(backend: str) -> dict[str, str]:
    return {key.replace(":", "__"): value for key, value in WORDS[backend].settings.items()}


def strongest(words: Iterator[str]) -> str:
    return max(words, key=STRENGTH.index, default="none")


@pytest.mark.parametrize(("backend", "entry", "noun", "before", "after"), CHANGES)
def test_a_change_does_what_the_table_says(
    backend: str, entry: str, noun: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    spec, _, field = entry.partition(".")
    told = BACKENDS[backend]
    documented = UPDATES[backend][spec][field][:-1]
    old, new = registered(backend, noun, before), registered(backend, noun, {**before, **after})
    said = dict(told.effects(old, new))
    if entry in told.BESIDE:
        assert not said
        return
    assert strongest(iter(said.values())) in documented, f"{entry}: {said}"
    lost = [name for (_, name), found in old.items() if found.protect and said.get(name) in ("replace", "part")]
    assert not lost or "replace" in documented, f"{entry}: {lost}"


@pytest.mark.parametrize(("backend", "entry", "noun", "after"), REFUSED)
def test_what_a_backend_does_not_do_is_refused(backend: str, entry: str, noun: str, after: dict[str, Any]) -> None:
    spec, _, field = entry.partition(".")
    assert "refuse" in UPDATES[backend][spec][field][:-1]
    with pytest.raises((InvalidArgs, Unsupported)):
        registered(backend, noun, after)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rename_makes_everything_again(backend: str) -> None:
    def platform(name: str) -> Cloud:
        cloud = Cloud()
        cloud.run(lambda: pulumi.export("hub", mlops.Platform(name, backend=backend).artifacts), **settings(backend))
        return cloud

    assert not {found.urn for found in platform("one").registered} & {found.urn for found in platform("two").registered}


ELSEWHERE = {"ExperimentTracker.engine", "Dataset.format", "Dataset.partition"}
"""What other distributions say, and what files that are there refuse (tests/e2e/test_datasets.py)."""
OF_THE_LOOP = frozenset(
    {"ExperimentTracker", "Managed", "Mlflow", "Wandb", "Clearml", "TrainingCluster", "Nodes", "Spot", "Persistent"}
    | {"Dataset", "Pipeline", "Trigger", "Prepare", "Evaluate", "Train", "Tune", "Search", "Batch", "Register"}
    | {"Monitor", "MonitorSignal", "GroundTruth", "OnBreach", "BatchInference", "Loop"}
)
"""What makes a model, and looks at it: each entry of the table about it is tried."""
RENAMED = ("name", "platform")


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_entry_is_tried(backend: str) -> None:
    told = BACKENDS[backend]
    tried = {change[0] for change in told.CHANGES} | {change[0] for change in told.REFUSED}
    entries = {
        f"{spec}.{field}": said
        for spec in OF_THE_LOOP & UPDATES[backend].keys()
        for field, said in UPDATES[backend][spec].items()
        if field not in RENAMED
    }
    beside = {entry for entry, said in entries.items() if "See the parts below" in said[-1] or entry in ELSEWHERE}
    assert sorted(entries.keys() - tried - beside) == []
