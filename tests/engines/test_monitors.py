"""Monitors: the same on each backend, and every mistake in one error before anything is registered."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from pulumi import Output
from pulumi.runtime import rpc

import pulumi_mlops as mlops
from pulumi_mlops.components import monitor
from pulumi_mlops.components.endpoint_ref import EndpointRef
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud
from support.own_steps import delivered

FACTS: Mapping[str, ModuleType] = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BACKENDS = pytest.mark.parametrize("backend", FACTS)
IMAGE = "registry.example.com/drift:1"
DRIFT = {"kind": "data_drift", "threshold": 0.3}
QUALITY = {"kind": "model_quality", "threshold": 0.85}


def score(hub: mlops.PlatformRef, **facts: Any) -> EndpointRef:
    """Return an endpoint that captures what it is asked."""
    known: dict[str, Any] = {
        "captured": f"{hub.artifacts}captured/score/",
        "capture_percent": 20,
        "status": "live",
        "variants": ["main"],
        "records": {"main": f"{hub.artifacts}models/churn/9f2c/fit/facts.json"},
        "address": {"name": "score", "id": "/subscriptions/1/score"},
    }
    return EndpointRef(name="score", backend=hub.backend, platform=hub, **(known | facts))


def labels(hub: mlops.PlatformRef) -> mlops.DatasetRef:
    return mlops.DatasetRef(name="labels", backend=hub.backend, platform=hub, location=f"{hub.artifacts}labels/")


def training(**args: Any) -> mlops.TrainStep:
    return mlops.train(image=IMAGE, command=["fit"], outputs=["model", "baseline"], **args)


class Program:
    """A program with a pipeline and a monitor."""

    def __init__(self, backend: str) -> None:
        self.hub = FACTS[backend].HUB
        self.settings: dict[str, Any] = getattr(FACTS[backend], "SETTINGS", {})
        self.fit = training()
        self.made: Any = None

    def retrain(self, name: str = "retrain", **args: Any) -> mlops.Pipeline:
        return mlops.Pipeline(name, platform=self.hub, **{"steps": {"fit": self.fit}, **args})

    def monitor(self, **args: Any) -> mlops.Monitor:
        least = {"endpoint": score(self.hub), "signals": [DRIFT], "image": IMAGE}
        if "baseline" not in args:
            args["baseline"] = labels(self.hub).version(3)
        self.made = mlops.Monitor("drift", **(least | args))
        return self.made

    def run(self, build: Callable[[], Any], **how: Any) -> Cloud:
        cloud = Cloud(**how)
        cloud.run(lambda: build() and None, **self.settings)
        return cloud


def of_monitor(cloud: Cloud) -> list[str]:
    return [item.name for item in cloud.registered if item.name.startswith("drift-") and "::drift" in item.parent]


def text(cloud: Cloud) -> str:
    inputs = [item.inputs for item in cloud.registered if not item.type.startswith("pulumi-mlops:")]
    return json.dumps(inputs, default=str).replace("\\", "")


@BACKENDS
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_a_monitor_is_a_pipeline_of_the_backend_and_a_watch(backend: str, preview: bool) -> None:
    one = Program(backend)

    def build() -> Any:
        args: dict[str, Any] = {"run": one.retrain(parameters={}), "cooldown_hours": 48}
        truth = {"dataset": labels(one.hub).latest(), "join": "id", "label": "churned"}
        signals = [DRIFT, QUALITY]
        return one.monitor(baseline=one.fit.out("baseline"), on_breach=args, signals=signals, ground_truth=truth)

    cloud = one.run(build, preview=preview)
    ref = one.made.ref
    assert (ref.status, ref.endpoint, ref.signals) == ("live", "score", ["data_drift", "model_quality"])
    assert set(ref.alarms) == {"data_drift", "model_quality"}
    assert ref.pipeline.name == "drift-monitor"
    assert {"drift.py", "captures.py", "measure.py", "served.py", "starting.py", "step.py"} <= delivered(cloud)
    said = text(cloud)
    for word in (
        f"retrain/fit/baseline {one.hub.artifacts}pipelines/retrain" if not preview else "MLOPS_BASELINE_BASELINE",
        "MLOPS_VERSION_BASELINE",
        "MLOPS_CAPTURED_CAPTURED",
        "MLOPS_DATASET_TRUTH",
        "MLOPS_START_RETRAIN",
        "MLOPS_WATCH",
        "MLOPS_COOLDOWN_HOURS",
        "drift.py",
    ):
        assert word in said, word
    made = {item.type.split(":")[-1].lower() for item in cloud.registered if item.name.startswith("drift-monitor")}
    assert any("schedule" in one or "cronworkflow" in one for one in made)


@BACKENDS
def test_what_is_looked_at_is_told_to_the_program(backend: str) -> None:
    one = Program(backend)
    cloud = one.run(lambda: one.monitor(window_hours=6, minimum_rows=50))
    said = text(cloud)
    if backend == "aws":  # in parts, since a processing job takes short values alone
        definition = json.loads(cloud.one("sagemaker/pipeline", "drift-monitor-pipeline").inputs["pipelineDefinition"])
        given = definition["Steps"][0]["Arguments"]["Environment"]
        parts = sorted(name for name in given if name.startswith("MLOPS_PART_") and name.endswith("_MONITOR"))
        said = "".join(given[name] for name in parts) or given["MLOPS_MONITOR"]
        assert all(isinstance(value, dict) or len(value) <= 256 for value in given.values())
    for word in ('"window": {"hours": 6, "minimum_rows": 50}', '"threshold": 0.3', '"endpoint": "score"'):
        assert word in said


@BACKENDS
def test_the_ref_can_leave_the_stack_and_come_back(backend: str) -> None:
    one = Program(backend)

    async def there_and_back(exported: Any) -> Any:
        return rpc.deserialize_properties(await rpc.serialize_properties(dict(exported), {}))

    cloud = Cloud()
    exported = cloud.run(lambda: [Output.from_input(one.monitor().ref.export())], **one.settings)[0]
    back = mlops.MonitorRef.load(asyncio.run(there_and_back(exported)))
    again = mlops.MonitorRef.load(asyncio.run(there_and_back(back.export())))
    assert again.export() == back.export()
    assert (back.status, back.endpoint, back.signals) == ("live", "score", ["data_drift"])
    assert back.pipeline is not None
    assert back.pipeline.name == "drift-monitor"


@BACKENDS
def test_a_monitor_of_a_waiting_endpoint_waits_as_it_does(backend: str) -> None:
    one = Program(backend)
    waits = score(one.hub, status="waiting", captured=None, records={}, url=None)

    def build() -> Any:
        args: dict[str, Any] = {"run": one.retrain()}
        return one.monitor(endpoint=waits, baseline=one.fit.out("baseline"), on_breach=args)

    cloud = one.run(build, preview=True)
    assert one.made.ref.status == "waiting"
    assert of_monitor(cloud) == []
    said = [line for line in cloud.infos if "waits as endpoint score does" in line]
    assert len(said) == 1


@BACKENDS
def test_a_version_that_was_made_elsewhere_is_waited_out(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has approved it: that is no mistake of the program, whose `up` goes through."""
    one = Program(backend)
    foreign = score(one.hub, records={})

    def build() -> Any:
        one.retrain()
        monkeypatch.setattr(monitor.private, "mocked", lambda: False)
        return one.monitor(endpoint=foreign, baseline=one.fit.out("baseline"))

    cloud = one.run(build, preview=True)
    assert one.made.ref.status == "waiting"
    assert of_monitor(cloud) == []
    assert [line for line in cloud.infos if "no run of a pipeline made what endpoint score serves" in line]


def refused(one: Program, build: Callable[[], Any]) -> dict[str, str]:
    """Return what is wrong, by field; nothing may be registered of the monitor."""
    cloud = Cloud()
    with pytest.raises(mlops.InvalidArgs) as error:
        cloud.run(lambda: build() and None, **one.settings)
    assert not [item for item in cloud.registered if item.type.endswith(":Monitor")]
    assert of_monitor(cloud) == []
    return {problem.field: problem.message for problem in error.value.problems}


@BACKENDS
def test_every_mistake_is_told_at_once(backend: str) -> None:
    one = Program(backend)
    quiet = score(one.hub, captured=None, capture_percent=0)

    def build() -> Any:
        run = one.retrain(parameters={"days": 7}, steps={"fit": training(parameters={"days": mlops.parameter("days")})})
        return one.monitor(
            endpoint=quiet,
            signals=[QUALITY],
            image=None,
            schedule={"cron": "0 8 * * *"},
            on_breach={"run": run, "cooldown_hours": 12, "parameters": {"day": 3, "days": "many"}},
        )

    wrong = refused(one, build)
    assert "captures nothing to look at; write Endpoint(…, capture_percent=20)" in wrong["endpoint"]
    assert "write ground_truth=" in wrong["signals[0]"]
    assert "has no repository 'drift'; write Platform(images=['drift', …])" in wrong["image"]
    assert "before the next look, 24 hours later" in wrong["on_breach.cooldown_hours"]
    assert "is no parameter of 'retrain'; it has: days" in wrong["on_breach.parameters.day"]
    assert "'many' is not of the kind of its default, 7" in wrong["on_breach.parameters.days"]


ONE = list(FACTS)[:1]


@pytest.mark.parametrize("backend", ONE)
def test_a_baseline_has_to_be_of_the_pipeline_that_makes_versions(backend: str) -> None:
    one = Program(backend)
    loose = training()
    held = refused(one, lambda: one.monitor(baseline=loose.out("baseline")))
    assert "no pipeline of this program holds the step" in held["baseline"]

    def build() -> Any:
        one.retrain()
        other = one.retrain("other", steps={"fit": training()})
        return one.monitor(baseline=one.fit.out("baseline"), on_breach={"run": other})

    assert "is of pipeline 'retrain', and 'other' makes the versions" in refused(one, build)["baseline"]

    def twice() -> Any:
        fit = training()
        one.retrain("first", steps={"fit": fit})
        one.retrain("second", steps={"fit": fit})
        return one.monitor(baseline=fit.out("baseline"))

    assert "is in several pipelines ('first', 'second')" in refused(one, twice)["baseline"]


@pytest.mark.parametrize("backend", ONE)
def test_versions_of_several_runs_have_no_one_baseline(backend: str) -> None:
    one = Program(backend)
    records = {"old": "s3://artifacts/models/churn/1/fit/facts.json", "new": "s3://artifacts/models/churn/2/facts.json"}

    def build(of: Mapping[str, str]) -> Any:
        one.retrain()
        return one.monitor(endpoint=score(one.hub, records=of), baseline=one.fit.out("baseline"))

    assert "serves versions of several runs" in refused(one, lambda: build(records))["baseline"]
    same = dict.fromkeys(records, records["old"])
    assert one.run(lambda: build(same)).registered


@pytest.mark.parametrize("backend", ONE)
@pytest.mark.parametrize(
    ("args", "field", "said"),
    [
        ({"ground_truth": {"label": "churned"}}, "ground_truth.join", "is required"),
        ({"ground_truth": {"join": "", "label": "x"}}, "ground_truth.join", "needs at least 1 characters"),
        ({"signals": [{"kind": "data_drift", "threshold": 12}]}, "signals[0].threshold", "is outside of what psi"),
        ({"signals": [DRIFT, {**DRIFT, "threshold": 0.1}]}, "signals", "stands here twice in the same way"),
        ({"signals": []}, "signals", "needs at least 1"),
        ({"window_hours": 0}, "window_hours", "must be at least 1"),
        ({"baseline": 3}, "baseline", "needs an Out or a DatasetView"),
        ({"on_breach": {}}, "on_breach.run", "is required"),
        ({"on_breach": {"run": "retrain"}}, "on_breach.run", "needs a Pipeline"),
    ],
)
def test_what_one_field_cannot_be(backend: str, args: dict[str, Any], field: str, said: str) -> None:
    one = Program(backend)
    if "ground_truth" in args:
        args = {"ground_truth": {"dataset": labels(one.hub).latest(), **args["ground_truth"]}}
    wrong = refused(one, lambda: one.monitor(**args))
    assert said in wrong[field], wrong


@pytest.mark.parametrize("backend", ONE)
def test_truth_that_nothing_is_measured_beside_is_left_out(backend: str) -> None:
    one = Program(backend)
    truth = {"dataset": labels(one.hub).latest(), "join": "id", "label": "churned"}
    assert "no signal is measured beside it" in refused(one, lambda: one.monitor(ground_truth=truth))["ground_truth"]


@pytest.mark.parametrize("backend", ONE)
def test_a_retraining_that_would_start_itself_is_refused(backend: str) -> None:
    one = Program(backend)
    itself = mlops.PipelineRef(name="drift-monitor", backend=backend, platform=one.hub, runs="s3://a/")
    assert "which would start itself" in refused(one, lambda: one.monitor(on_breach={"run": itself}))["on_breach.run"]
    far = replace(itself, name="retrain", platform=replace(one.hub, name="other"))
    assert (
        "which no monitor here may start" in refused(one, lambda: one.monitor(on_breach={"run": far}))["on_breach.run"]
    )


@BACKENDS
def test_the_platforms_image_is_taken_where_none_is_named(backend: str) -> None:
    one = Program(backend)
    one.hub = replace(one.hub, images={"drift": "registry.example.com/churn/drift"})
    cloud = one.run(lambda: one.monitor(image=None))
    assert "registry.example.com/churn/drift:" in text(cloud)
