"""The client: what it finds in a stack, what it refuses before it starts anything, and how it follows a run."""

import dataclasses
import datetime as dt
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import EndpointRef, InvalidRun, MlopsError, ModelRef, NotFound, PipelineRef, Run, StepState
from pulumi_mlops.clients import backend, telling
from pulumi_mlops.clients.client import Client
from pulumi_mlops.clients.lineage import Served, Unknown, Version
from pulumi_mlops.clients.stacks import Stack
from support.facts.aws import HUB, MODEL

RETRAIN = PipelineRef(
    name="retrain",
    backend="aws",
    platform=HUB,
    runs="s3://artifacts/pipelines/retrain/",
    parameters={"days": 30, "least": 1.0, "deep": True, "kind": "a"},
    address={"name": "churn-dev-retrain", "arn": "arn:x"},
)
SCORE = EndpointRef(
    name="score", backend="aws", platform=HUB, url="https://x", status="live", variants=["main"], address={"name": "s"}
)
VERSION = Version(
    model="churn",
    version=3,
    approval="approved",
    files="s3://f/",
    image=Unknown("it names none"),
    by=Unknown("nobody wrote it down"),
)


class Fake:
    """A backend that answers from a list."""

    def __init__(self, *runs: Run) -> None:
        self.runs = iter(runs)
        self.started: Mapping[str, str] | None = None
        self.models: Sequence[ModelRef] = ()

    def start(self, _: PipelineRef, parameters: Mapping[str, str]) -> str:
        self.started = parameters
        return "r1"

    def look(self, _: PipelineRef, run: str) -> Run | None:
        return None if run == "no" else next(self.runs)

    def last_lines(self, *_: object) -> list[str]:
        return ["KeyError: 'x'"]

    def served(self, _: EndpointRef, models: Sequence[ModelRef]) -> list[Served]:
        self.models = models
        return [Served(variant="main", percent=100.0, version=VERSION)]

    def version(self, _: ModelRef, number: int | None) -> Version | None:
        return VERSION if number in (None, 3) else None


def through_the_engine(ref: Any) -> Any:
    """Return an export as the engine gives it back: it knows floats only, and no nulls."""

    def changed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: changed(one) for key, one in value.items() if one is not None}
        if isinstance(value, list):
            return [changed(one) for one in value]
        whole = isinstance(value, float) and value.is_integer()
        return int(value) if whole else value

    return changed(json.loads(json.dumps(ref.export())))


STACK = Stack(
    "dev",
    {"all": {"retrain": through_the_engine(RETRAIN), "m": through_the_engine(MODEL)}, "s": through_the_engine(SCORE)},
)


def state(name: str, how: Any = "succeeded", **facts: Any) -> StepState:
    return StepState(name=name, state=how, **facts)


def run(how: Any, *steps: StepState) -> Run:
    return Run(id="r1", pipeline="retrain", state=how, steps=steps)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Client, Fake]]:
    def made(*runs: Run) -> tuple[Client, Fake]:
        one = Fake(*runs)
        monkeypatch.setattr(backend, "load", lambda _: one)
        return Client(STACK, pause=lambda _: None), one

    return made


def test_parameters_are_judged_before_anything_is_started(fake: Any) -> None:
    client, one = fake(run("running"))
    with pytest.raises(InvalidRun) as caught:
        client.start("retrain", {"dayz": 1, "days": "3.5", "least": "high", "deep": "maybe", "kind": 3})
    assert one.started is None
    assert str(caught.value) == (
        "Pipeline 'retrain': 5 problems; nothing was started.\n"
        "  - dayz: is no parameter of the pipeline; did you mean 'days'? (it has: days, least, deep, kind)\n"
        "  - days: '3.5' is not a whole number; write one such as 30, its default\n"
        "  - least: 'high' is not a number; write one such as 1.0, its default\n"
        "  - deep: 'maybe' is not true or false; write one such as true, its default\n"
        "  - kind: 3 is not a text; write one such as a, its default"
    )


def test_a_default_that_was_whole_still_takes_a_fraction(fake: Any) -> None:
    """The engine gives 1.0 back as 1."""
    client, one = fake(run("running"))
    assert PipelineRef.load(through_the_engine(RETRAIN)) == RETRAIN
    client.start("retrain", {"least": "0.9", "days": 7, "deep": "False", "kind": "True"})
    assert one.started == {"least": "0.9", "days": "7", "deep": "false", "kind": "True"}


def test_a_run_is_told_of_when_it_changed(fake: Any) -> None:
    waits, runs = run("running", state("fit", "waiting")), run("running", state("fit", "running"))
    client, _ = fake(waits, waits, runs, runs, run("succeeded", state("fit")))
    found = list(client.follow("retrain", "r1"))
    assert [one.steps[0].state for one in found] == ["waiting", "running", "succeeded"]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda client: client.start("retrian"),
            "no pipeline 'retrian'; did you mean 'retrain'? (it exports: retrain)",
        ),
        (lambda client: client.look("retrain", "no"), "Pipeline 'retrain' has no run 'no'"),
        (lambda client: client.lineage("nothing"), "no endpoint 'nothing' (it exports: score). Models: churn"),
        (lambda client: client.lineage("churn", 9), "Model 'churn' has no version 9"),
        (lambda client: client.lineage("score", 9), "'score' is an endpoint, which has no versions"),
        (lambda client: client.start(SCORE), "the ref of a pipeline is needed; this is EndpointRef"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(fake: Any, ask: Any, said: str) -> None:
    client, _ = fake()
    with pytest.raises(NotFound) as caught:
        ask(client)
    assert said in str(caught.value)


def test_an_endpoint_is_asked_with_the_models_that_are_known(fake: Any) -> None:
    client, one = fake()
    found = client.lineage("score")
    assert [model.name for model in one.models] == ["churn"]
    assert found.plain()["served"][0]["version"]["by"] == {"unknown": "nobody wrote it down"}
    assert client.lineage("s").served == found.served
    assert client.lineage(MODEL, 3).version == VERSION


def test_a_ref_is_enough(fake: Any) -> None:
    _, one = fake(run("running"), run("running"))
    for given in (RETRAIN, through_the_engine(RETRAIN)):
        assert mlops.client(given).start("retrain").id == "r1"
    assert one.started == {}


def test_a_run_that_ends_is_told_whole() -> None:
    skipped = state("keep", "skipped", reason="auc >= 0.9 did not hold", registers=True)
    ended = run("succeeded", state("fit"), skipped)
    before = run("running", state("fit", "running"), state("keep", "waiting"))
    assert list(telling.changes(ended, before)) == ["fit: succeeded", "keep: skipped: auc >= 0.9 did not hold"]
    begun = run("running", state("fit", "running", address="job", began=dt.datetime(2026, 11, 30, tzinfo=dt.UTC)))
    assert list(telling.changes(begun, before)) == [], "it runs, as was told"
    assert list(telling.ending(ended)) == [
        "Run r1 of retrain: succeeded",
        "Left out by a condition: keep",
        "No version was registered by: keep",
    ]


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a `pulumi` on the PATH that answers what it is told to, and writes down what it is asked."""

    def put(answers: Mapping[str, Any]) -> None:
        program = tmp_path / "pulumi"
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        program.write_text(
            "#!/usr/bin/env python3\nimport json, pathlib, sys\n"
            f"here = pathlib.Path({str(tmp_path)!r})\n"
            "asked = ' '.join(sys.argv[1:]).partition(' --stack')[0]\n"
            "answers = json.loads((here / 'answers.json').read_text())\n"
            "with (here / 'asked').open('a') as file: file.write(asked + '\\n')\n"
            "if asked not in answers: sys.exit('error: no stack named dev found')\n"
            "print(json.dumps(answers[asked]))\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


def test_a_stack_is_read_by_pulumi(answering: Any, fake: Any, tmp_path: Path) -> None:
    config = {"aws:region": {"value": "eu-west-1", "secret": False}, "app:key": {"secret": True}}
    answering({"stack output --json": {"retrain": through_the_engine(RETRAIN)}, "config --json": config})
    _, one = fake(run("running"))
    made = mlops.client("dev")
    assert made.start("retrain").id == "r1"
    assert one.started == {}
    # A secret of the program's own is no setting of a provider: nobody asks for it.
    assert (tmp_path / "asked").read_text().split("\n") == ["stack output --json", "config --json", ""]


def test_a_secret_of_a_provider_is_read_and_shown_nowhere(answering: Any) -> None:
    hidden, shown = {"aws:secretKey": {"secret": True}}, {"aws:secretKey": {"value": "hush", "secret": True}}
    answers = {"stack output --json": {}, "config --json": hidden, "config --json --show-secrets": shown}
    answering(answers)
    made = mlops.client("dev")
    assert made._stack.settings == {"aws:secretKey": "hush"}
    assert "hush" not in repr(made._stack)


def test_a_pipeline_that_is_not_exported_is_told_how(answering: Any) -> None:
    urn = "urn:pulumi:dev::loop::pulumi-mlops:index:Pipeline::retrain"
    resources = [{"type": "pulumi-mlops:index:Pipeline", "urn": urn}]
    deployment = {"deployment": {"resources": resources}}
    answering({"stack output --json": {"x": "[secret]"}, "config --json": {}, "stack export": deployment})
    with pytest.raises(NotFound, match=r"pulumi.export\('retrain', retrain.ref.export\(\)\)"):
        mlops.client("dev").start("retrain")
    with pytest.raises(NotFound, match="outputs that are secrets were not looked into: x"):
        mlops.client("dev").start("other")


def test_a_stack_that_is_not_there_is_one_line(answering: Any) -> None:
    answering({})
    with pytest.raises(MlopsError, match="failed: no stack named dev found"):
        mlops.client("dev")


def test_settings_of_a_stack_hold_while_it_is_asked(fake: Any) -> None:
    client, one = fake()
    before = pulumi.Config("aws").get("region")
    settings = Stack("dev", STACK.outputs, {"aws:region": "eu-west-1"})
    seen = []

    def served(_: EndpointRef, __: object) -> list[Served]:
        seen.append(pulumi.Config("aws").get("region"))
        return []

    one.served = served
    Client(settings).lineage("score")
    client.lineage("score")
    assert seen == ["eu-west-1", before]


def test_two_of_one_name_are_told_apart_by_their_outputs(fake: Any) -> None:
    other = dataclasses.replace(RETRAIN, runs="s3://other/")
    client = Client(Stack("dev", {"a": through_the_engine(RETRAIN), "b": through_the_engine(other)}))
    with pytest.raises(NotFound, match="several pipelines 'retrain'"):
        client.start("retrain")
    fake(run("running"))
    assert client.start("b").id == "r1"
