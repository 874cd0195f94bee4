"""Steps that read what an endpoint captured, and the baseline of what it serves, on every backend."""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.steps.served import BaselineView
from pulumi_mlops.steps.work import Work
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud
from support.own_steps import delivered

FACTS: Mapping[str, ModuleType] = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BACKENDS = pytest.mark.parametrize("backend", FACTS)
IMAGE = "registry.example.com/own:1"


class Reading(Work):
    """A step of the library's own that reads a baseline."""

    kind = "reading"
    inputs: dict[str, Any]


def score(hub: mlops.PlatformRef) -> EndpointRef:
    """Return an endpoint whose requests are in the platform's own store."""
    captured = f"{hub.artifacts}captured/score/"
    return EndpointRef(name="score", backend=hub.backend, platform=hub, status="live", captured=captured)


def built(cloud: Cloud, backend: str, step: mlops.Step) -> str:
    facts = FACTS[backend]
    settings: dict[str, Any] = getattr(facts, "SETTINGS", {})
    cloud.run(lambda: mlops.Pipeline("watch", platform=facts.HUB, steps={"look": step}) and None, **settings)
    return json.dumps([item.inputs for item in cloud.registered], default=str)


@BACKENDS
def test_the_hours_and_the_folder_are_told_and_the_program_is_there(backend: str) -> None:
    hub, cloud = FACTS[backend].HUB, Cloud()
    step = mlops.prepare(image=IMAGE, command=["x"], outputs=["o"], inputs={"seen": score(hub).requests(hours=6)})
    text = built(cloud, backend, step)
    assert "MLOPS_CAPTURED_SEEN" in text
    assert f"score@6 {hub.artifacts}captured/score/" in text
    assert '"captured": ["seen"]' in text.replace("\\", "")
    assert "served.py" in delivered(cloud)
    assert "captured/score/*" in text or backend == "kubernetes", "the right to read it; there a key reads all"


@BACKENDS
def test_no_other_step_has_the_program(backend: str) -> None:
    cloud = Cloud()
    built(cloud, backend, mlops.train(image=IMAGE, command=["fit"]))
    assert "served.py" not in delivered(cloud)


@BACKENDS
def test_the_baseline_is_found_by_the_record_of_the_version(backend: str) -> None:
    hub, cloud = FACTS[backend].HUB, Cloud()
    fit = mlops.train(image=IMAGE, command=["fit"], outputs=["model", "baseline"])
    runs = f"{hub.artifacts}pipelines/retrain/"
    retrain = mlops.PipelineRef(name="retrain", backend=backend, platform=hub, runs=runs)
    folder = "models/churn" if backend == "aws" else "pipelines/retrain"  # as each backend keeps what is registered
    record = f"{hub.artifacts}{folder}/9f2c/fit/facts.json"
    view = BaselineView(fit.out("baseline"), score(hub), retrain, "fit", record)
    text = built(cloud, backend, Reading(image=IMAGE, command=["x"], inputs={"base": view}))
    assert f"retrain/fit/baseline {runs}" in text
    assert record in text
    assert "served.py" in delivered(cloud)
    for place in ("pipelines/retrain/*", f"{folder}/*"):
        assert place in text or backend == "kubernetes"


@BACKENDS
def test_a_record_says_where_each_output_is(backend: str) -> None:
    text = built(Cloud(), backend, mlops.train(image=IMAGE, command=["fit"], outputs=["model", "the-base"]))
    assert "MLOPS_KEPT_THE_BASE" in text or "output_the_base" in text


def test_values_longer_than_a_processing_job_takes_are_cut() -> None:
    cloud, outputs = Cloud(), [f"an-output-with-a-very-long-name-no-{number}" for number in range(9)]
    built(cloud, "aws", mlops.prepare(image=IMAGE, command=["x"], outputs=outputs))
    definition = json.loads(cloud.one("sagemaker/pipeline", "watch-pipeline").inputs["pipelineDefinition"])
    given = definition["Steps"][0]["Arguments"]["Environment"]
    parts = [given[name] for name in sorted(given) if name.startswith("MLOPS_PART_")]
    assert max(map(len, parts)) == 256
    assert json.loads("".join(parts))["outputs"] == outputs
    assert "MLOPS_STEP" not in given


def test_an_endpoint_that_captures_nothing_has_no_requests() -> None:
    hub = FACTS["aws"].HUB
    quiet = EndpointRef(name="score", backend="aws", platform=hub, status="live")
    waits = EndpointRef(name="score", backend="aws", platform=hub, status="waiting")
    with pytest.raises(mlops.InvalidArgs, match="captures nothing; write Endpoint"):
        quiet.requests(hours=1)
    with pytest.raises(mlops.InvalidArgs, match="waits for a first approved version"):
        waits.requests(hours=1)
    with pytest.raises(mlops.InvalidArgs, match="must be a whole number, at least 1"):
        score(hub).requests(hours=0)
