"""The program that makes an output the next version of a dataset, run as a step runs it, over a folder."""

import datetime as dt
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import dataset, step

sys.modules["dataset"] = dataset  # it is beside publish.py where that runs
publish: Any = importlib.import_module("pulumi_mlops.jobs.publish")

NIGHT = dt.datetime(2026, 11, 30, 23, 59, tzinfo=dt.UTC)


def record(run: str = "9f2c", **inputs: Any) -> dict[str, Any]:
    return {"pipeline": "nightly", "run": run, "step": "score", "inputs": inputs}


def output(folder: Path, **content: str) -> Path:
    made = folder / "output"
    for path in made.rglob("*"):
        if path.is_file():
            path.unlink()
    for name, text in content.items():
        path = made / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def paths(version: Any) -> list[str]:
    return [one["path"] for one in version.content["files"]]


@pytest.fixture
def location(tmp_path: Path) -> str:
    (tmp_path / "scores").mkdir()
    return f"{tmp_path}/scores/"


@pytest.mark.parametrize(("partition", "day"), [("day", "2026-11-30"), ("hour", "2026-11-30-23"), ("month", "2026-11")])
def test_files_are_in_the_partition_of_the_day_and_a_folder_of_the_run(
    tmp_path: Path, location: str, partition: str, day: str
) -> None:
    made = publish.publish(output(tmp_path, a="1", deep__b="2", _SUCCESS=""), location, partition, record(), NIGHT)
    assert paths(made) == [f"dt={day}/nightly-9f2c-score/a", f"dt={day}/nightly-9f2c-score/deep/b"]
    assert publish.publish(output(tmp_path, a="1"), location, "", record("2"), NIGHT).number == 2


def test_runs_add_up_and_an_attempt_replaces_what_the_one_before_added(tmp_path: Path, location: str) -> None:
    publish.publish(output(tmp_path, a="1", b="1"), location, "day", record(), NIGHT)
    publish.publish(output(tmp_path, a="2"), location, "day", record("other"), NIGHT)
    after_midnight = NIGHT + dt.timedelta(hours=1)
    made = publish.publish(output(tmp_path, a="3"), location, "day", record(), after_midnight)
    assert paths(made) == ["dt=2026-11-30/nightly-9f2c-score/a", "dt=2026-11-30/nightly-other-score/a"]
    assert (tmp_path / "scores/dt=2026-11-30/nightly-9f2c-score/a").read_text() == "3"


def test_what_is_half_there_is_taken_away(tmp_path: Path, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = publish.write

    def full(store: Any, path: str, source: Path) -> None:
        if path.endswith("b"):
            raise OSError("no space is left")
        write(store, path, source)

    monkeypatch.setattr(publish, "write", full)
    with pytest.raises(OSError, match="no space"):
        publish.publish(output(tmp_path, a="1", b="1"), location, "", record(), NIGHT)
    assert dataset.data(dataset.store_of(location)) == []


def test_a_step_publishes_with_the_versions_that_it_read(tmp_path: Path, location: str) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "a").write_text("x")
    dataset.publish(dataset.store_of(f"{rows}/"))

    def ran(command: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "MLOPS_STEP": json.dumps({"outputs": ["scores"], "datasets": ["rows"], "publish": ["scores"]}),
            "MLOPS_RUN": "nightly/9f2c/score",
            "MLOPS_FACTS": str(tmp_path / "facts.json"),
            "MLOPS_READ": str(tmp_path / "read"),
            "MLOPS_INPUT_ROWS": str(tmp_path / "in"),
            "MLOPS_DATASET_ROWS": f"rows@latest {rows}/",
            "MLOPS_OUTPUT_SCORES": str(tmp_path / "out"),
            "MLOPS_PUBLISH_SCORES": f"scores/ {location}",
        }
        words = [sys.executable, step.__file__, "sh", "-c", command]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    failed = ran("cp $(MLOPS_INPUT_ROWS)/a $(MLOPS_OUTPUT_SCORES)/a; exit 3")
    assert (failed.returncode, dataset.numbers(dataset.store_of(location))) == (3, [])
    done = ran("cp $(MLOPS_INPUT_ROWS)/a $(MLOPS_OUTPUT_SCORES)/a")
    assert done.returncode == 0, done.stderr
    assert "step: output 'scores' is in version 1 of 'scores'." in done.stdout
    made = dataset.resolve(dataset.store_of(location), "latest")
    assert [(one["location"], one["version"]) for one in made.content["parents"]] == [(f"{rows}/", 1)]
    assert paths(made) == ["nightly-9f2c-score/a"]
    assert json.loads((tmp_path / "facts.json").read_text())["status"] == "succeeded"
    (tmp_path / "scores").rename(tmp_path / "gone")
    (tmp_path / "scores").write_text("no folder")
    broken = ran("cp $(MLOPS_INPUT_ROWS)/a $(MLOPS_OUTPUT_SCORES)/a")
    assert broken.returncode == 1
    assert "step: output 'scores' is not published in 'scores': NotADirectoryError" in broken.stderr
    assert json.loads((tmp_path / "facts.json").read_text())["status"] == "failed"
