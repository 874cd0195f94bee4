"""What a stack is, out of its exports, its state and its client: nothing guessed, and no secret told."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import MlopsError, NotFound, __main__
from pulumi_mlops.clients import backend, nouns, page
from pulumi_mlops.clients import client as clients
from pulumi_mlops.clients.lineage import Unknown
from pulumi_mlops.clients.nouns import Key, Link
from pulumi_mlops.clients.picture import Picture
from pulumi_mlops.clients.stacks import Stack
from support import pictured

Told = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def told() -> Told:
    return pictured.told()


@pytest.fixture(autouse=True)
def answering(monkeypatch: pytest.MonkeyPatch) -> pictured.Backend:
    one = pictured.Backend()
    monkeypatch.setattr(backend, "load", lambda _: one)
    return one


def pipelines(found: nouns.Nouns) -> set[tuple[str, str]]:
    return {(str(one.used), one.how) for one in found.links if one.user.noun == "Pipeline"}


def test_nouns_hang_together_by_their_arguments(told: Told) -> None:
    found = nouns.read(*told)
    assert {str(key) for key in found.nouns} == {
        *("Platform shop", "FeatureStore features", "FeatureGroup profile", "Dataset labels", "ExperimentTracker runs"),
        *("TrainingCluster machines", "ModelRegistry models", "Model churn", "Model rows", "Pipeline retrain"),
        *("Endpoint score", "Monitor drift", "Pipeline drift-monitor"),
    }
    assert all(noun.here for noun in found.nouns.values())
    assert pipelines(found) == {
        ("Platform shop", "platform"),
        ("Dataset labels", "steps.model.inputs.labels"),
        ("FeatureGroup profile", "steps.model.inputs.x"),
        ("ExperimentTracker runs", "steps.model.tracker"),
        ("TrainingCluster machines", "steps.model.cluster"),
        ("Model churn", "steps.register.model"),
    }, "a step's name and the words of its command name nothing"
    assert Link(Key("Endpoint", "score"), Key("Model", "churn"), "model") in found.links
    assert Link(Key("Monitor", "drift"), Key("Pipeline", "drift-monitor"), "pipeline") in found.links


def test_without_the_state_the_exports_tell_what_they_know(told: Told) -> None:
    found = nouns.read(told[0], None)
    assert {str(key) for key in found.nouns} == {
        *("Platform shop", "Pipeline retrain", "Model churn", "Endpoint score", "Monitor drift"),
        "Pipeline drift-monitor",
    }
    assert pipelines(found) == {("Platform shop", "platform")}


def test_what_stands_on_another_stack_says_so(told: Told) -> None:
    outputs, state = told
    mine = [one for one in state["deployment"]["resources"] if one["type"].endswith(":Endpoint")]
    found = nouns.read({"score": outputs["score"]}, {"deployment": {"resources": mine}})
    assert {str(key): noun.here for key, noun in found.nouns.items()} == {
        "Endpoint score": True,
        "Platform shop": False,
    }


def test_what_is_to_be_deleted_is_there_no_more(told: Told) -> None:
    gone = [{**one, "delete": True} for one in told[1]["deployment"]["resources"]]
    assert nouns.read({}, {"deployment": {"resources": gone}}).nouns == {}


def picture(told: Told) -> Picture:
    return pictured.client(*told).picture()


def test_a_picture_tells_what_serves_ran_and_costs(told: Told) -> None:
    found = picture(told)
    assert found.endpoints[0].served == tuple(pictured.Backend().served(None, ()))  # type: ignore[arg-type]
    assert [one.newest for one in found.models if one.name == "churn"] == [pictured.VERSION]
    assert [one.versions for one in found.models if one.name == "churn"] == [pictured.VERSIONS]
    looks, ran = found.pipelines
    assert looks.name == "drift-monitor", "what a monitor runs is told as well"
    assert not isinstance(ran.runs, Unknown)
    assert ran.runs[0] == pictured.RUNS[0], "the newest is told whole"
    assert [one.id for one in ran.runs] == ["b71e", "9f2c"]
    assert found.plain()["costs"][0]["spent"]["amount"] == 46.5
    parts = {part["name"]: part for part in found.plain()["parts"]}
    assert (parts["runs"]["backend"], parts["profile"]["backend"]) == ("wandb", "aws")
    assert parts["shop"]["facts"]["stage"] == "dev"


def test_a_picture_tells_what_monitors_found(told: Told) -> None:
    (drift,) = picture(told).monitors
    assert (drift.endpoint, drift.status) == ("score", "live")
    assert not isinstance(drift.reports, Unknown)
    assert [one.run for one in drift.reports] == ["l4", "l3", "l2", "l1"]
    _, started, cooling, few = drift.reports
    assert (started.breached, started.started, started.signals[0].value) == (True, "b71e", 0.41372)
    assert (cooling.started, cooling.unstarted) == (None, "it runs, or has just run")
    assert few.insufficient


@pytest.mark.parametrize("status", ["waiting", "live"])
def test_of_a_monitor_that_has_found_nothing_it_says_so(
    told: Told, answering: pictured.Backend, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    def runs(*_: object) -> list[Any]:
        assert status == "live", "whoever waits is not asked"
        return []

    monkeypatch.setattr(answering, "runs", runs)
    outputs, state = told
    drift = {**outputs["drift"], "status": status, **({"pipeline": None} if status == "waiting" else {})}
    mine = [one for one in state["deployment"]["resources"] if one["type"].endswith(":Monitor")]
    found = pictured.client({"drift": drift}, {"deployment": {"resources": mine}}).picture()
    (one,) = found.monitors
    assert (one.status, one.reports) == (status, ())
    said = "It waits: for its endpoint" if status == "waiting" else "It has not looked yet."
    assert said in page.written(found)


def test_what_is_not_exported_is_said_with_the_line_to_write(told: Told) -> None:
    (rows,) = [one for one in picture(told).models if one.name == "rows"]
    assert (
        rows.versions
        == rows.newest
        == Unknown("the stack does not export it; write pulumi.export('rows', rows.ref.export())")
    )


@pytest.mark.parametrize("method", ["served", "version", "versions", "runs", "look", "text", "spent"])
def test_what_may_not_be_asked_says_why_in_its_place(
    told: Told, answering: pictured.Backend, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def refused(*_: object) -> Any:
        raise MlopsError(pictured.NOT_LET)

    whole = picture(told).plain()
    monkeypatch.setattr(answering, method, refused)
    found = picture(told).plain()
    places = {
        "served": ["endpoints"],
        "version": ["models"],
        "versions": ["models"],
        "spent": ["costs"],
        # Of a monitor's pipeline as of another; of what monitors found by their runs.
        "runs": ["monitors", "pipelines", "pipelines"],
        "look": ["pipelines", "pipelines"],
        "text": ["monitors"],
    }[method]
    assert json.dumps(found).count(pictured.NOT_LET) == len(places)
    assert {key for key in whole if found[key] != whole[key]} - {"made"} == set(places)
    assert "does not let this program ask about model &#x27;rows &lt;b&gt;&#x27;" in page.written(picture(told))


def test_a_state_that_cannot_be_read_is_said(told: Told) -> None:
    found = pictured.client(told[0], None).picture()
    assert found.recorded == Unknown("the state cannot be read")
    assert "unknown: the state cannot be read" in page.written(found)


def test_of_a_ref_there_is_a_picture_too(told: Told) -> None:
    """Whoever has a ref need not have a stack of that name, and none is asked for."""
    found = mlops.client(told[0]["score"]).picture()
    assert [str(part.noun) for part in found.parts] == ["Endpoint", "Platform"]
    assert isinstance(found.recorded, Unknown)


def test_no_secret_is_in_it(told: Told) -> None:
    """Neither as it is, nor as the engine writes it; the state has both where the program takes one."""
    assert pictured.CIPHER["ciphertext"] in json.dumps(told[1])
    written = page.written(picture(told)) + json.dumps(picture(told).plain())
    for secret in (pictured.HUSH, *pictured.CIPHER.values(), "[secret]", "TOKEN"):
        assert secret not in written


def test_a_fact_that_is_a_secret_is_left_out() -> None:
    given = {"monthly_budget": pictured.CIPHER, "schedule": {"cron": pictured.CIPHER}, "stage": "dev"}
    resource = {"type": "pulumi-mlops:index:Platform", "urn": "urn:pulumi:dev::p::x::shop", "inputs": given}
    (found,) = nouns.read({}, {"deployment": {"resources": [resource]}}).nouns.values()
    assert found.facts == {"stage": "dev"}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], told: Told, tmp_path: Path) -> Any:
    """Run the command in this very process, in an empty folder; return its code, and what it printed."""

    def run(*arguments: str, fails: Exception | None = None) -> tuple[int, str]:
        def made(*_: object, **__: object) -> clients.Client:
            if fails:
                raise fails
            return pictured.client(*told)

        monkeypatch.setattr(clients, "client", made)
        monkeypatch.setattr(sys, "argv", ["pulumi-mlops", "show", *arguments])
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        said = ended.value.code if isinstance(ended.value.code, str) else ""
        return 1 if said else int(ended.value.code or 0), capsys.readouterr().out + said

    return run


Command = Callable[..., tuple[int, str]]


def test_the_command_writes_a_page(here: Command, tmp_path: Path) -> None:
    assert here("acme/shop/dev") == (0, f"{tmp_path / 'acme-shop-dev.html'} is written; open it in a browser\n")
    assert "<h1>Stack acme/shop/dev</h1>" in (tmp_path / "acme-shop-dev.html").read_text()
    code, said = here("dev", "--to", "there.html")
    assert (code, said) == (0, f"{tmp_path / 'there.html'} is written; open it in a browser\n")
    assert (tmp_path / "there.html").exists()


def test_the_command_prints_json(here: Command, tmp_path: Path) -> None:
    code, out = here("dev", "--output", "json")
    assert (code, json.loads(out)["stack"]) == (0, "acme/shop/dev")
    assert list(tmp_path.iterdir()) == []
    here("dev", "--output", "json", "--to", "there.json")
    assert json.loads((tmp_path / "there.json").read_text())["stack"] == "acme/shop/dev"


def test_a_stack_that_cannot_be_read_is_one_line(here: Command, tmp_path: Path) -> None:
    assert here("dev", fails=NotFound("no stack named dev found")) == (1, "Error: no stack named dev found")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_stack_is_a_page() -> None:
    written = page.written(clients.Client(Stack("dev", {})).picture())
    assert "The stack has nothing of this library." in written
