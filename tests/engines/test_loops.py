"""Loops: six nouns out of one declaration, the same on each backend, each of them there to be used or replaced."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from pulumi import Output

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, LoopRef, ModelRef, Unsupported
from pulumi_mlops.clients import nouns
from pulumi_mlops.clients.stacks import Stack
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.engines import loop
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud

FACTS: Mapping[str, ModuleType] = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BACKENDS = pytest.mark.parametrize("backend", FACTS)
DRIFT = "registry.example.com/drift:1"


class Program:
    """A program with a loop."""

    def __init__(self, backend: str) -> None:
        self.hub, self.image = FACTS[backend].HUB, FACTS[backend].IMAGE
        self.settings: dict[str, Any] = getattr(FACTS[backend], "SETTINGS", {})
        self.rows = mlops.prepare(image=self.image, command=["select"], outputs=["rows"])
        self.fit = mlops.train(
            image=self.image,
            command=["fit"],
            inputs={"rows": self.rows.out("rows")},
            outputs=["model", "baseline"],
        )
        self.judge = mlops.evaluate(
            image=self.image, command=["judge"], inputs={"m": self.fit.out("model")}, metrics=["auc", "f1"]
        )
        self.made: Any = None

    def loop(self, **args: Any) -> mlops.Loop:
        least: dict[str, Any] = {
            "steps": {"rows": self.rows, "fit": self.fit, "judge": self.judge},
            "files": self.fit.out("model"),
            "baseline": self.fit.out("baseline"),
            "monitor_image": DRIFT,
            "image": self.image,
        }
        self.made = mlops.Loop("churn", platform=self.hub, **(least | args))
        return self.made

    def run(self, **args: Any) -> Cloud:
        cloud = Cloud()
        cloud.run(lambda: self.loop(**args) and None, **self.settings)
        return cloud


def parts(cloud: Cloud) -> dict[str, str]:
    return {one.type.rpartition(":")[2]: one.name for one in cloud.registered if one.type.startswith("pulumi-mlops:")}


@pytest.fixture
def approved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an approved version, as a registry would say."""

    def found(model: ModelRef, **_: Any) -> mlops.ModelVersionRef:
        return replace(model.version(3), record=f"{model.platform.artifacts}models/churn/9f2c/fit/facts.json")

    monkeypatch.setattr(ModelRef, "approved", found)


@BACKENDS
def test_a_loop_is_its_parts(backend: str) -> None:
    program = Program(backend)
    cloud = program.run(gate={"auc": ">=0.9"})
    assert parts(cloud) == {
        "Loop": "churn",
        "ExperimentTracker": "churn-runs",
        "ModelRegistry": "churn-models",
        "Model": "churn",
        "Pipeline": "churn-retrain",
        "Endpoint": "churn-score",
        "Monitor": "churn-drift",
    }
    loop = program.made
    assert {one.parent.rpartition("::")[2] for one in cloud.registered if one.name in parts(cloud).values()} >= {
        "churn"
    }
    assert (loop.endpoint.name, loop.monitor.status, loop.model.gate) == ("churn-score", "waiting", {"auc": ">=0.9"})


@BACKENDS
@pytest.mark.usefixtures("approved")
def test_the_monitor_finds_the_baseline_and_starts_the_pipeline(backend: str) -> None:
    program = Program(backend)
    program.run()
    monitor = program.made.monitor
    assert (monitor.status, monitor.endpoint) == ("live", "churn-score")
    assert set(monitor.signals) == {"data_drift", "data_quality"}
    held = {name for _, name in program.fit.holders}
    assert held == {"fit"}, "a monitor of one's own finds the baseline of the step as it was written"


def steps(cloud: Cloud) -> dict[str, Any]:
    return dict(next(one for one in cloud.registered if one.name == "churn-retrain").inputs["steps"])


@pytest.mark.parametrize("sign", [">=", "=="])
def test_only_what_passes_the_gate_is_registered(sign: str) -> None:
    """A step has no condition that is an equation; the gate has, and what does not pass it is not served."""
    program = Program("aws")
    found = steps(program.run(gate={"auc": f"{sign}0.9", "f1": "> 0.5"}))
    condition = "evaluate.auc >= 0.9 & evaluate.f1 > 0.5" if sign == ">=" else "evaluate.f1 > 0.5"
    assert found["register"]["when"] == condition
    assert program.made.model.gate == {"auc": f"{sign}0.9", "f1": "> 0.5"}
    assert found["register"]["metrics"] == ["evaluate.auc", "evaluate.f1"]


def test_trainings_record_in_the_loops_tracker_unless_they_name_one() -> None:
    program = Program("aws")
    theirs = mlops.ExperimentTrackerRef(
        name="theirs", backend="aws", platform=program.hub, engine="aws", url="https://x", project="p"
    )
    own = mlops.train(image=program.image, command=["fit"], tracker=theirs)
    best = mlops.tune(
        mlops.train(image=program.image, command=["fit"]), maximize="auc", over={"lr": {"choice": [1, 2]}}, trials=2
    )
    given = {"rows": program.rows, "fit": program.fit, "own": own, "best": best, "register": program.judge}
    found = steps(program.run(steps=given))
    trackers = [found["fit"].get("tracker"), found["own"]["tracker"], found["best"]["fit"]["tracker"]]
    assert trackers == ["churn-runs", "theirs", "churn-runs"]
    assert found["register-2"]["files"] == "train.model", "a step of one's own keeps its name"
    assert program.fit.tracker is None


@BACKENDS
def test_each_part_can_be_ones_own(backend: str) -> None:
    facts, program = FACTS[backend], Program(backend)
    tracker = mlops.ExperimentTrackerRef(
        name="theirs", backend=backend, platform=facts.HUB, engine=backend, url="https://x", project="p"
    )
    cloud = Cloud()

    def own() -> None:
        registry = mlops.ModelRegistry("theirs", platform=facts.HUB)
        model = mlops.Model("theirs", registry=registry, gate={"auc": ">0.7"})
        loop = program.loop(tracker=tracker, model=model, signals=[])
        assert (loop.tracker, loop.model, loop.registry, loop.monitor) == (tracker, model.ref, None, None)

    cloud.run(own, **program.settings)
    mine = {one.type.rpartition(":")[2] for one in cloud.registered if one.name.startswith("churn")}
    assert {"Loop", "Pipeline", "Endpoint"} <= mine
    assert not {"ExperimentTracker", "ModelRegistry", "Model", "Monitor"} & mine


def test_what_is_wrong_is_one_error_before_anything_is_there() -> None:
    program, cloud = Program("aws"), Cloud()
    other = mlops.train(image=program.image, command=["fit"])
    registers = mlops.register(aws.MODEL, program.fit.out("model"))
    score = mlops.EndpointRef(name="s", backend="aws", platform=program.hub, status="live", capture_percent=100)
    wrong = {
        "steps": {"rows": program.rows, "fit": program.fit, "keep": registers},
        "files": other.out("model"),
        "gate": {"auc": ">=0.9"},
        "model": aws.MODEL,
        "endpoint": score,
        "compute": {"cpus": 4},
        "signals": [],
        "ground_truth": {"dataset": labels(program).latest(), "join": "id", "label": "y"},
    }
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: program.loop(**wrong) and None)
    assert cloud.registered == []
    for said in (
        "steps.keep: registers, and the loop does that",
        "files: is of a step 'train' that is none of steps",
        "gate: is what the model says that was given",
        "compute: is what the endpoint says that was given",
        "ground_truth: nothing is measured, since signals is empty",
    ):
        assert said in str(caught.value)
    with pytest.raises(InvalidArgs, match=r"gate.recall: no step measures it; write metrics=\['recall'\]"):
        cloud.run(lambda: program.loop(gate={"recall": ">0.5"}) and None)
    assert cloud.registered == []


def test_what_the_endpoint_refuses_is_said_before_anything_is_there() -> None:
    program, cloud = Program("kubernetes"), Cloud()
    program.hub = kubernetes.hub(gateway=None, metrics=None)
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: program.loop() and None)
    assert cloud.registered == []
    for said in (
        "Loop 'churn': 2 problems; nothing was registered.",
        "release.canary: needs a gateway that divides traffic",
        "release.canary: needs a Prometheus to go by",
    ):
        assert said in str(caught.value)


def test_which_version_is_served_is_left_to_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is looked up there is none, which is no outage of what serves."""

    class Judge:
        @staticmethod
        def problems(*_: object) -> list[Problem]:
            return [Problem("model", "no version is approved any more"), Problem("compute.cpus", "are too many")]

    monkeypatch.setattr(loop, "load", lambda _: Judge)
    with pytest.raises(InvalidArgs, match=r"1 problem; nothing was registered.\n  - compute.cpus: are too many$"):
        Cloud().run(lambda: Program("aws").loop() and None)


def labels(program: Program) -> mlops.DatasetRef:
    return mlops.DatasetRef(name="labels", backend="aws", platform=program.hub, location="s3://labels/")


def test_what_the_backend_lacks_is_said_before_anything_is_there() -> None:
    program, cloud = Program("azure"), Cloud()
    with pytest.raises(Unsupported, match=r"Loop 'churn'.*\n.*endpoint\.reads"):
        cloud.run(lambda: program.loop(reads=[replace(azure.GROUP, has_online=True).online]) and None)
    assert cloud.registered == []


@BACKENDS
@pytest.mark.usefixtures("approved")
def test_an_export_of_the_whole_is_one_of_each_part(backend: str) -> None:
    program, cloud = Program(backend), Cloud()
    exported = cloud.run(lambda: Output.from_input(program.loop().ref.export()), **program.settings)
    ref = LoopRef.load(exported)
    assert (ref.endpoint.name, ref.pipeline.name) == ("churn-score", "churn-retrain")
    assert ref.monitor is not None
    stack = Stack("dev", {"churn": exported})
    for name in ("churn-retrain", "churn-drift-monitor"):
        assert stack.find(mlops.PipelineRef, name).name == name
    found = {str(key): noun.output for key, noun in nouns.read(stack.outputs, None).nouns.items()}
    assert found == {
        **dict.fromkeys(
            ("Loop churn", "Endpoint churn-score", "Pipeline churn-retrain", "Monitor churn-drift"), "churn"
        ),
        **dict.fromkeys(("Model churn", "ModelRegistry churn-models", "ExperimentTracker churn-runs"), "churn"),
        "Pipeline churn-drift-monitor": "churn",
        f"Platform {program.hub.name}": None,
    }
