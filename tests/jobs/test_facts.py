"""The record of a step: what it read, and what the clients of trackers are told of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import dataset, facts, step


@pytest.fixture
def rows(tmp_path: Path) -> str:
    """Publish a dataset of two versions, of which the second has another file."""
    folder = tmp_path / "rows"
    folder.mkdir()
    location = f"{folder}/"
    for number in (1, 2):
        (folder / f"{number}.csv").write_text(str(number))
        assert dataset.main(["publish", location]) == 0
    return location


def ran(folder: Path, command: str, wanted: Mapping[str, object] | None = None, **more: str) -> tuple[int, str, Any]:
    """Run a step as a container does; return its code, what it said, and its record."""
    environment = {
        "PATH": os.environ["PATH"],
        "MLOPS_STEP": json.dumps(wanted or {}),
        "MLOPS_RUN": "retrain/9f2c/fit",
        "MLOPS_CODE": "image:1",
        "MLOPS_FACTS": str(folder / "out" / "facts.json"),
        "MLOPS_FACTS_AT": "s3://acme/9f2c/fit/facts.json",
        "MLOPS_READ": str(folder / "read"),
        **more,
    }
    words = [sys.executable, step.__file__, "sh", "-c", command]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=folder, timeout=60, check=False)
    kept = folder / "out" / "facts.json"
    return done.returncode, done.stdout + done.stderr, json.loads(kept.read_text()) if kept.is_file() else None


def test_the_version_of_a_model_that_was_read_is_recorded(tmp_path: Path) -> None:
    given = {"MLOPS_MODEL_MODEL": "churn@3 s3://acme/models/3/", "MLOPS_INPUT_MODEL": str(tmp_path / "model")}
    code, said, facts = ran(tmp_path, "true", **given)
    assert code == 0, said
    assert facts["inputs"]["model"] == {"model": "churn", "files": "s3://acme/models/3/", "version": 3}


def test_the_version_that_was_read_is_recorded(tmp_path: Path, rows: str) -> None:
    given = {"MLOPS_DATASET_THE_Y": f"rows@latest {rows}", "MLOPS_INPUT_THE_Y": str(tmp_path / "y")}
    code, said, facts = ran(tmp_path, "ls $MLOPS_INPUT_THE_Y > seen", {"datasets": ["the-y"]}, **given)
    assert code == 0, said
    assert (tmp_path / "seen").read_text() == "1.csv\n2.csv\n"
    assert "mlops-version the_y=2;\n" in said
    read = facts["inputs"]["the_y"]
    manifest = json.loads((tmp_path / "rows" / "_versions" / "2.json").read_text())
    assert read == {
        "dataset": "rows",
        "location": rows,
        "asked": "latest",
        "version": 2,
        "time": manifest["time"],
        "digest": manifest["digest"],
    }


def test_what_another_container_has_fetched_is_recorded_and_not_fetched_again(tmp_path: Path, rows: str) -> None:
    given = {"MLOPS_DATASET_Y": f"rows@1 {rows}", "MLOPS_INPUT_Y": str(tmp_path / "y")}
    assert ran(tmp_path, "true", {"datasets": ["y"]}, **given)[0] == 0
    (tmp_path / "y" / "1.csv").write_text("kept")
    code, _, facts = ran(tmp_path, 'test "$(cat y/1.csv)" = kept', {"datasets": ["y"]}, **given)
    assert (code, facts["inputs"]["y"]["version"]) == (0, 1)


def test_a_container_before_the_steps_own_can_fetch(tmp_path: Path, rows: str) -> None:
    given = {"MLOPS_DATASET_Y": f"rows@latest {rows}", "MLOPS_INPUT_Y": str(tmp_path / "y")}
    environment = {
        "PATH": os.environ["PATH"],
        "MLOPS_STEP": '{"datasets": ["y"]}',
        "MLOPS_READ": str(tmp_path / "read"),
    }
    before = subprocess.run([sys.executable, facts.__file__], env=environment | given, timeout=60, check=False)
    assert before.returncode == 0
    (tmp_path / "rows").rename(tmp_path / "gone")
    code, said, record = ran(tmp_path, "ls y > seen", {"datasets": ["y"]}, **given)
    assert (code, record["inputs"]["y"]["version"]) == (0, 2), said
    assert (tmp_path / "seen").read_text() == "1.csv\n2.csv\n"


def test_requests_of_an_endpoint_are_fetched_and_recorded(tmp_path: Path) -> None:
    (tmp_path / "captured").mkdir()
    (tmp_path / "captured" / "a.json").write_text("{}")
    given = {"MLOPS_CAPTURED_SEEN": f"score@24 {tmp_path}/captured/", "MLOPS_INPUT_SEEN": str(tmp_path / "seen")}
    code, said, facts = ran(tmp_path, 'test "$(ls seen)" = a.json', {"captured": ["seen"]}, **given)
    assert code == 0, said
    read = facts["inputs"]["seen"]
    assert (read["endpoint"], read["hours"], read["files"]) == ("score", 24, 1)
    assert read["since"] < read["until"]


def test_an_endpoint_that_nobody_asked_leaves_an_empty_folder(tmp_path: Path) -> None:
    given = {"MLOPS_CAPTURED_SEEN": f"score@1 {tmp_path}/none/", "MLOPS_INPUT_SEEN": str(tmp_path / "seen")}
    code, said, facts = ran(tmp_path, 'test -d seen -a -z "$(ls seen)"', {"captured": ["seen"]}, **given)
    assert (code, facts["inputs"]["seen"]["files"]) == (0, 0), said


def test_the_record_of_one_step_leads_to_the_baseline_of_another(tmp_path: Path) -> None:
    out = {
        "MLOPS_OUTPUT_BASELINE": str(tmp_path / "kept"),
        "MLOPS_KEPT_BASELINE": "$(HERE)/kept/",
        "HERE": str(tmp_path),
    }
    code, said, facts = ran(tmp_path, "echo 1 > kept/rows.csv", {"outputs": ["baseline"]}, **out)
    assert (code, facts["folders"]) == (0, {"baseline": f"{tmp_path}/kept/"}), said
    given = {
        "MLOPS_BASELINE_BASE": f"retrain/fit/baseline {tmp_path}/runs/",
        "MLOPS_VERSION_BASE": str(tmp_path / "out" / "facts.json"),
        "MLOPS_INPUT_BASE": str(tmp_path / "base"),
        "MLOPS_FACTS": str(tmp_path / "second" / "facts.json"),
    }
    code, said, _ = ran(tmp_path, 'test "$(cat base/rows.csv)" = 1', {"baselines": ["base"]}, **given)
    assert code == 0, said
    read = json.loads((tmp_path / "second" / "facts.json").read_text())["inputs"]["base"]["baseline"]
    assert (read["pipeline"], read["run"], read["folder"]) == ("retrain", "9f2c", f"{tmp_path}/kept/")


def test_variables_that_were_cut_are_put_together(tmp_path: Path) -> None:
    parts = {f"MLOPS_PART_{number}_LONG": word for number, word in enumerate([*"abcdefghij", "k"])}
    code, said, _ = ran(tmp_path, 'test "$MLOPS_LONG" = abcdefghijk && test -z "$MLOPS_PART_0_LONG"', **parts)
    assert code == 0, said


def test_a_version_that_is_not_there_fails_the_step_before_it_begins(tmp_path: Path, rows: str) -> None:
    given = {"MLOPS_DATASET_Y": f"rows@9 {rows}", "MLOPS_INPUT_Y": str(tmp_path / "y")}
    code, said, facts = ran(tmp_path, "touch begun", {"datasets": ["y"]}, **given)
    assert (code, facts) == (1, None)
    assert "there is no version 9" in said
    assert "input 'y' could not be fetched" in said
    assert not (tmp_path / "begun").exists()


def test_a_record_says_how_the_step_ended(tmp_path: Path) -> None:
    given = {"MLOPS_PARAMETER_LR": "0.1", "MLOPS_INPUT_X": "/x", "MLOPS_MADE_X": "prep/rows s3://acme/prep/facts.json"}
    measure = {"metrics": ["auc"]}
    command = 'cp $MLOPS_FACTS before; echo "{\\"auc\\": 0.9}" > $MLOPS_METRICS'
    code, said, facts = ran(tmp_path, command, measure, MLOPS_METRICS=str(tmp_path / "m"), **given)
    assert code == 0, said
    before = json.loads((tmp_path / "before").read_text())
    assert (before["status"], before["ended"], before["metrics"]) == ("running", None, {})
    assert (facts["status"], facts["metrics"], facts["parameters"]) == ("succeeded", {"auc": 0.9}, {"lr": "0.1"})
    assert facts["inputs"] == {"x": {"step": "prep", "output": "rows", "facts": "s3://acme/prep/facts.json"}}
    assert ran(tmp_path, "exit 3", **given)[2]["status"] == "failed"


def test_the_first_of_several_machines_writes_it(tmp_path: Path) -> None:
    assert ran(tmp_path, "true", MLOPS_NODES="2", MLOPS_NODE_RANK="1")[2] is None


def test_clients_of_trackers_are_told_what_a_run_is_called_and_where_it_comes_from(tmp_path: Path, rows: str) -> None:
    given = {
        "MLOPS_DATASET_Y": f"rows@1 {rows}",
        "MLOPS_INPUT_Y": str(tmp_path / "y"),
        "MLFLOW_TRACKING_URI": "http://runs:5000",
        "MLFLOW_RUN_CONTEXT": '{"team": "growth"}',
        "WANDB_PROJECT": "churn",
        "WANDB_NAME": "mine",
        "WANDB_TAGS": "weekly",
        "CLEARML_PROJECT": "churn",
    }
    assert ran(tmp_path, "env > env", {"datasets": ["y"]}, **given)[0] == 0
    told = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    context = json.loads(told["MLFLOW_RUN_CONTEXT"])
    assert context == {
        "mlflow.runName": "retrain/9f2c/fit",
        "mlops.pipeline": "retrain",
        "mlops.run": "9f2c",
        "mlops.step": "fit",
        "mlops.code": "image:1",
        "mlops.facts": "s3://acme/9f2c/fit/facts.json",
        "mlops.data.y": "rows@1",
        "team": "growth",
    }
    assert (told["WANDB_NAME"], told["WANDB_RUN_GROUP"], told["WANDB_JOB_TYPE"]) == ("mine", "retrain/9f2c", "fit")
    assert told["WANDB_TAGS"] == "weekly,rows@1"
    del context["mlflow.runName"], context["team"]
    assert json.loads(told["WANDB_NOTES"]) == context
    assert told["CLEARML_LOG_ENVIRONMENT"] == "MLOPS_RUN,MLOPS_CODE,MLOPS_FACTS_AT,MLOPS_DATA_*"
    assert told["MLOPS_DATA_Y"] == "rows@1"
