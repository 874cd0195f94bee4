"""The drift program: which windows are past their bounds, and what it tells whom. With the packages of its image."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.components.monitor_signals import MonitorSignal, written
from pulumi_mlops_sandbox.kubernetes.nodes import environments
from support import drifting
from support.e2e import browser

pytestmark = [pytest.mark.timeout(900)]

SIGNALS = written(
    [
        MonitorSignal(kind="data_drift"),
        MonitorSignal(kind="data_quality"),
        MonitorSignal(kind="prediction_drift"),
        MonitorSignal(kind="model_quality", threshold=0.75),
        MonitorSignal(kind="bias", group="region", threshold=0.2),
        MonitorSignal(kind="attribution_drift"),
    ]
)
MONITOR = {
    "monitor": "drift",
    "endpoint": "score <1>",
    "signals": SIGNALS,
    "truth": {"join": "id", "label": "churned"},
    "window": {"hours": 10**6, "minimum_rows": 200},
}
KINDS = [one["kind"] for one in SIGNALS]
RETRAIN = {
    "MLOPS_START_RETRAIN": "pipeline://retrain",
    "MLOPS_RETRAIN": '{"days": 7}',
    "MLOPS_COOLDOWN_HOURS": "24",
}


def monitor(*signals: MonitorSignal, **more: Any) -> dict[str, Any]:
    return {**MONITOR, "signals": written(signals), **more}


QUICK = {**MONITOR, "signals": [one for one in SIGNALS if one["kind"] != "attribution_drift"]}
"""All but the one that takes a second."""
CASES: dict[str, dict[str, Any]] = {
    **{f"plain {service}": {"monitor": QUICK, "service": service} for service in ("sagemaker", "azure")},
    "plain kserve": {"monitor": MONITOR, "service": "kserve"},
    **{kind: {"monitor": QUICK, "drift": kind, "variables": RETRAIN, "watched": True} for kind in KINDS[:-1]},
    "data_drift": {"monitor": QUICK, "drift": "data_drift", "variables": RETRAIN, "watched": True, "drawn": True},
    "attribution_drift": {"monitor": MONITOR, "drift": "attribution_drift", "variables": RETRAIN, "watched": True},
    "few rows": {"monitor": MONITOR, "rows": 150, "drift": "data_drift", "variables": RETRAIN, "watched": True},
    "few labels": {"monitor": QUICK, "labels": 100, "drift": "model_quality", "variables": RETRAIN, "watched": True},
    "spoiled": {"monitor": MONITOR, "spoiled": True},
    "no answers": {"monitor": MONITOR, "no_answers": True},
    "no such feature": {"monitor": monitor(MonitorSignal(kind="data_drift", features=["age", "hight"]))},
    "no truth": {"monitor": monitor(MonitorSignal(kind="model_quality", threshold=0.9), truth=None)},
    "another feature": {
        "monitor": monitor(MonitorSignal(kind="data_drift", features=["spend"])),
        "drift": "data_drift",
    },
    "another field": {"monitor": monitor(MonitorSignal(kind="bias", group="region", prediction="risk"))},
    "called": {
        "monitor": monitor(
            MonitorSignal(kind="model_quality", threshold=0.75),
            MonitorSignal(kind="model_quality", metric="f1", threshold=0.75, positive="yes"),
            MonitorSignal(kind="model_quality", metric="f1", threshold=0.75),
            MonitorSignal(kind="bias", group="region"),
            MonitorSignal(kind="prediction_drift"),
        ),
        "called": ["no", "yes"],
    },
    "torn": {"monitor": QUICK, "torn": True},
    "words": {"monitor": monitor(MonitorSignal(kind="data_drift")), "drift": "words", "drawn": True},
    "by chance": {
        "monitor": monitor(MonitorSignal(kind="data_drift", threshold=0.001)),
        "variables": RETRAIN,
        "watched": True,
    },
    "not told": {"monitor": QUICK, "drift": "data_drift", "variables": RETRAIN, "watched": True, "fails": True},
    "two of a kind": {
        "monitor": monitor(
            *(MonitorSignal(kind="data_drift", metric=one) for one in ("jensen_shannon", "wasserstein"))
        ),
        "drift": "data_drift",
    },
}
CASES["not drawn"] = {"monitor": monitor(MonitorSignal(kind="data_drift")), "drawn": "not"}
"""What is run in one process; the last one breaks what draws."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drift")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    python = environments.environment("drift") / "bin" / "python"
    command = [str(python), drifting.__file__, str(folder)]
    done = subprocess.run(command, input=json.dumps(CASES), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def breached(case: dict[str, Any]) -> set[str]:
    return {one["name"] for one in case["result"]["signals"] if one["breached"]}


@pytest.mark.parametrize("service", ["sagemaker", "kserve", "azure"])
def test_a_window_that_has_not_drifted_is_within_bounds(found: dict[str, Any], service: str) -> None:
    case = found[f"plain {service}"]
    assert case["code"] == 0
    assert not breached(case), case["result"]
    assert (case["result"]["rows"], case["result"]["status"]) == (400, "judged")
    assert case["metrics"]["breached"] == 0
    assert case["metrics"].keys() == {"breached", "rows", *(one["name"] for one in case["result"]["signals"])}
    assert not case["put"]
    assert not case["asked"]
    assert "started" not in case["result"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_signal_sees_what_it_is_for(found: dict[str, Any], kind: str) -> None:
    case = found[kind]
    assert case["code"] == 0, case["err"]
    assert kind in breached(case), case["result"]
    assert case["metrics"]["breached"] == 1
    (values,) = case["put"]
    assert 0 < time.time() - values.pop("measured_seconds") < 600
    assert values == pytest.approx(case["metrics"])
    (asked,) = case["asked"]
    reason = asked.pop("reason")
    assert asked == {"address": "pipeline://retrain", "parameters": {"days": 7}, "cooldown_hours": 24}
    assert reason == f"drift: {', '.join(sorted(breached(case), key=KINDS.index))}"
    assert case["result"]["started"] == {"run": "run-1", "reason": ""}


def test_a_signal_does_not_see_what_others_are_for(found: dict[str, Any]) -> None:
    """Rows that are alike are no drift of features, whatever was answered."""
    for kind in ("model_quality", "bias", "prediction_drift", "attribution_drift"):
        assert not breached(found[kind]) & {"data_drift", "data_quality"}
    assert breached(found["model_quality"]) == {"model_quality"}
    (age,) = (one["features"]["age"] for one in found["data_drift"]["result"]["signals"] if one["name"] == "data_drift")
    assert age > 0.2
    assert not breached(found["another feature"])


def test_too_few_rows_are_no_breach(found: dict[str, Any]) -> None:
    case = found["few rows"]
    assert case["code"] == 0
    assert case["result"]["status"] == "insufficient"
    assert case["result"]["reason"] == "150 rows are too few: 200 are needed"
    assert case["metrics"] == {"breached": 0, "rows": 150, **dict.fromkeys(KINDS, -1)}
    assert case["put"][0].keys() == {"breached", "rows", "measured_seconds"}
    assert not case["asked"]


def test_too_few_labels_leave_the_other_signals(found: dict[str, Any]) -> None:
    case = found["few labels"]
    (quality,) = (one for one in case["result"]["signals"] if one["kind"] == "model_quality")
    assert (quality["status"], quality["value"], quality["rows"]) == ("insufficient", None, 100)
    assert quality["reason"] == "100 rows have a label, and 200 are needed"
    assert case["metrics"]["model_quality"] == -1
    assert "model_quality" not in case["put"][0]
    assert case["metrics"]["data_drift"] > 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spoiled", "captured calls could be read; the first: "),
        ("no answers", "prediction_drift: the baseline has no column 'prediction'; write the model's answers there"),
        ("no such feature", "data_drift: the baseline has no feature 'hight'; it has 'age', 'spend'"),
        ("torn", "rows.jsonl of the baseline cannot be read: "),
        ("no truth", "model_quality: accuracy needs ground truth"),
    ],
)
def test_what_cannot_be_compared_is_an_error(found: dict[str, Any], name: str, said: str) -> None:
    case = found[name]
    assert case["code"] == 1
    assert case["err"].startswith("drift: ")
    assert said in case["err"]
    assert case["metrics"] is None


def test_a_field_that_no_answer_has_is_said(found: dict[str, Any]) -> None:
    (signal,) = found["another field"]["result"]["signals"]
    assert signal["reason"] == "no answer has the field 'risk'; they have prediction, request_id"


def test_answers_that_are_words(found: dict[str, Any]) -> None:
    """Which of them is positive nobody can guess."""
    accuracy, told, guessed, parity, drift = found["called"]["result"]["signals"]
    assert accuracy["value"] > 0.8
    assert told["value"] > 0.8
    assert guessed["reason"] == parity["reason"]
    assert guessed["reason"].startswith("no answer and no label is positive; write which one is")
    assert drift["value"] < 0.1
    assert not breached(found["called"])


def test_what_chance_explains_is_no_breach_for_whoever_watches(found: dict[str, Any]) -> None:
    case = found["by chance"]
    (signal,) = case["result"]["signals"]
    assert 0.001 < signal["value"] < signal["chance"]
    assert not signal["breached"]
    assert case["put"][0]["data_drift"] == case["metrics"]["data_drift"] == 0.001
    assert not case["asked"]


def test_what_could_not_be_told_fails_after_the_rest(found: dict[str, Any]) -> None:
    """The report is there, and a model is trained although nobody took the numbers."""
    case = found["not told"]
    assert case["code"] == 1
    assert case["err"] == "drift: there answered 400: no numbers today\ndrift: nothing was started: no runs today\n"
    assert case["asked"]
    assert case["result"]["breached"]
    assert case["result"]["started"] == {"run": None, "reason": "no runs today"}


def test_two_of_a_kind_are_both_measured(found: dict[str, Any]) -> None:
    assert breached(found["two of a kind"]) == {"data_drift_1", "data_drift_2"}


def test_the_report_is_a_page_that_a_browser_shows(found: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    """Its own summary, and Evidently's drawings, out of one file that loads nothing."""
    del found
    if browser.program() is None:
        pytest.skip(f"No headless browser on this machine; any of these is one: {', '.join(browser.PROGRAMS)}")
    with browser.page(tmp_path, (folder / "data_drift" / "report" / "report.html").as_uri()) as page:
        page.there("document.querySelector('#mlops h1')", "the summary")
        assert page.run("document.querySelector('#mlops h1').innerText") == "drift: endpoint score <1>"
        states = "[...document.querySelectorAll('#mlops tr[id]')].map(e => [e.id, e.cells[5].className])"
        shown = dict(page.run(states))
        assert shown["signal-data_drift"] == "breached"
        assert shown["signal-data_quality"] == "fine"
        page.there("document.querySelector('.js-plotly-plot svg')", "a drawing")
        assert "age" in page.run("document.body.innerText")
        loaded = page.run("performance.getEntriesByType('resource').map(e => e.name)")
        assert not [one for one in loaded if not one.startswith(("data:", "blob:"))]


def test_what_somebody_asked_is_no_program_of_the_page(found: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    assert breached(found["words"]) == {"data_drift"}
    path = folder / "words" / "report" / "report.html"
    assert "taken-over" not in path.read_text()
    if browser.program() is None:
        pytest.skip(f"No headless browser on this machine; any of these is one: {', '.join(browser.PROGRAMS)}")
    with browser.page(tmp_path, path.as_uri()) as page:
        page.there("document.querySelector('.js-plotly-plot svg')", "a drawing")
        assert page.run("document.title") != "taken-over"


def test_what_cannot_be_drawn_is_judged_all_the_same(found: dict[str, Any], folder: Path) -> None:
    assert (found["not drawn"]["code"], found["not drawn"]["metrics"]["breached"]) == (0, 0)
    page = (folder / "not drawn" / "report" / "report.html").read_text()
    assert "Nothing could be drawn: TypeError" in page
    assert "signal-data_drift" in page


def test_the_program_is_run_by_its_name(tmp_path: Path) -> None:
    """As a step does; also where it has nothing to draw."""
    python = environments.environment("drift") / "bin" / "python"
    given = drifting.written(tmp_path / "case", CASES["few rows"] | {"variables": {}, "watched": False})
    command = [str(python), str(drifting.PROGRAMS / "drift.py")]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    page = Path(given["MLOPS_OUTPUT_REPORT"], "report.html").read_text()
    assert "150 rows are too few" in page
