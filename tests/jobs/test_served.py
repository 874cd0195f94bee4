"""What steps read of endpoints: the hours of requests that are asked for, and the baseline of what is served."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import dataset, served

NOW = dt.datetime(2026, 11, 30, 10, 20, tzinfo=dt.UTC)


class Watched(dataset.Folder):
    """A folder that remembers where somebody looked."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.looked: list[str] = []

    def level(self, below: str) -> Any:
        self.looked.append(below)
        return super().level(below)


def put(root: Path, path: str, written: dt.datetime = NOW) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(path)
    os.utime(file, (written.timestamp(), written.timestamp()))


def taken(store: dataset.Store, hours: int) -> list[str]:
    since = NOW - dt.timedelta(hours=hours)
    return sorted(one.path for one in served.within(store, "", since, NOW))  # type: ignore[arg-type]  # the same class


def test_folders_of_other_hours_are_not_looked_into(tmp_path: Path) -> None:
    for path in ("28/23", "29/10", "29/23", "30/09", "30/10", "30/11"):
        put(tmp_path, f"score/main/2026/11/{path}/a.jsonl", NOW - dt.timedelta(days=90))
    put(tmp_path, "score/main/2025/11/30/10/a.jsonl")
    store = Watched(f"{tmp_path}/")
    hours = [path[len("score/main/2026/11/") :] for path in taken(store, 24)]
    assert hours == ["29/10/a.jsonl", "29/23/a.jsonl", "30/09/a.jsonl", "30/10/a.jsonl"]
    assert [one for one in store.looked if "/2025/" in one or "/28/" in one or "/11/30/11/" in one] == []


def test_files_without_a_time_in_their_folder_are_taken_by_when_they_were_written(tmp_path: Path) -> None:
    put(tmp_path, "old.json", NOW - dt.timedelta(hours=25))
    put(tmp_path, "new.json", NOW - dt.timedelta(hours=23))
    put(tmp_path, "v2000/new.json", NOW - dt.timedelta(hours=1))
    assert taken(Watched(f"{tmp_path}/"), 24) == ["new.json", "v2000/new.json"]


@pytest.mark.parametrize(
    ("folder", "hours"),
    [("a/2026/", 365 * 24), ("a/2026/11/", 30 * 24), ("2026/12/", 31 * 24), ("2026/11/30/", 24), ("2026/11/30/23/", 1)],
)
def test_a_folder_covers_the_time_that_it_is_named_after(folder: str, hours: int) -> None:
    span = served.span(folder)
    assert span is not None
    assert span[1] - span[0] == dt.timedelta(hours=hours)


@pytest.mark.parametrize("folder", ["", "a/", "a/2026/13/", "2026-11-30/", "a/20261/", "x2026/"])
def test_other_folders_have_no_time(folder: str) -> None:
    assert served.span(folder) is None


def record(root: Path, step: str, *, run: str = "9f2c", pipeline: str = "retrain", **more: Any) -> str:
    """Write the record of a step, as facts.py does; return its address."""
    file = root / run / step / "facts.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"pipeline": pipeline, "run": run, "step": step, "trial": None, "status": "succeeded", "inputs": {}}
    file.write_text(json.dumps({**facts, "folders": {}, **more}))
    return str(file)


def fetched(told: str, version: str, target: Path) -> tuple[int, str, Any]:
    words = [sys.executable, served.__file__, "baseline", told, version, str(target)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr, json.loads(done.stdout) if done.stdout else None


def kept(root: Path, name: str, content: str) -> Mapping[str, Any]:
    (root / name).mkdir(parents=True)
    (root / name / "rows.csv").write_text(content)
    return {"folders": {name: f"{root / name}/"}}


def test_the_baseline_is_that_of_the_version_which_is_served(tmp_path: Path) -> None:
    version = record(tmp_path, "fit", **kept(tmp_path, "baseline", "of this run"))
    code, said, read = fetched(f"retrain/fit/baseline {tmp_path}/", version, tmp_path / "in")
    assert code == 0, said
    assert (tmp_path / "in" / "rows.csv").read_text() == "of this run"
    assert {key: read[key] for key in ("pipeline", "run", "step", "output", "files")} == {
        "pipeline": "retrain",
        "run": "9f2c",
        "step": "fit",
        "output": "baseline",
        "files": 1,
    }


def test_a_step_before_the_one_whose_files_became_the_version_has_the_baseline(tmp_path: Path) -> None:
    first = record(tmp_path, "prep", **kept(tmp_path, "baseline", "before"))
    version = record(tmp_path, "fit", inputs={"x": {"step": "prep", "output": "rows", "facts": first}})
    assert fetched(f"retrain/prep/baseline {tmp_path}/", version, tmp_path / "in")[0] == 0
    assert (tmp_path / "in" / "rows.csv").read_text() == "before"


def test_a_step_beside_it_in_the_same_run_has_the_baseline(tmp_path: Path) -> None:
    record(tmp_path, "judge", **kept(tmp_path, "baseline", "beside"))
    record(tmp_path, "judge", run="older", folders={"baseline": "/nowhere/"})
    version = record(tmp_path, "fit")
    assert fetched(f"retrain/judge/baseline {tmp_path}/", version, tmp_path / "in")[0] == 0
    assert (tmp_path / "in" / "rows.csv").read_text() == "beside"


def test_what_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    version = record(tmp_path, "fit", folders={"gone": f"{tmp_path}/gone/"})
    other = record(tmp_path, "fit", run="2", pipeline="another")
    wrong = {
        ("retrain/fit/baseline", version): "step 'fit' of run 9f2c of 'retrain' says of no folder 'baseline'",
        ("retrain/fit/gone", version): "there are no files below",
        ("retrain/prep/baseline", version): "run 9f2c of 'retrain' has no record of step 'prep'",
        ("retrain/fit/baseline", other): "was made by pipeline 'another', and the baseline is one of 'retrain'",
        ("retrain/fit/baseline", f"{tmp_path}/no/facts.json"): "is not there any more",
    }
    for (told, address), message in wrong.items():
        code, said, _ = fetched(f"{told} {tmp_path}/", address, tmp_path / "in")
        assert (code, said.count("\n")) == (1, 1), said
        assert message in said
