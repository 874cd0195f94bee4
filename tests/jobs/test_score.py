"""The program that scores a dataset, run as a step runs it, with programs that fail on some rows."""

import csv
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import score

DOUBLES = """
import csv, os, pathlib, sys
rows = list(csv.DictReader(pathlib.Path(sys.argv[1], "rows.csv").open(newline="")))
with open(pathlib.Path(os.environ["MLOPS_OUTPUT_SCORES"], "scores.csv"), "w", newline="") as file:
    out = csv.DictWriter(file, ["p", "why"])
    out.writeheader()
    for row in rows:
        if row["x"] == "bad":
            sys.exit(3)
        out.writerow({"p": "" if row["x"] == "empty" else 2 * int(row["x"]), "why": ""})
with open(os.environ["RUNS"], "a") as file:
    file.write("x")
"""


def rows(folder: Path, *values: object, name: str = "a.csv") -> Path:
    path = folder / "rows" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "x", "note"])
        writer.writerows([number, value, 'a "b", c'] for number, value in enumerate(values, 1))
    return path


def ran(
    folder: Path, command: list[str], *keep: str, tolerate: float = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    (folder / "scores").mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "RUNS": str(folder / "runs"),
        "MLOPS_INPUT_ROWS": str(folder / "rows"),
        "MLOPS_OUTPUT_SCORES": str(folder / "scores"),
        "MLOPS_METRICS": str(folder / "metrics.json"),
        "MLOPS_PARAMETER_FROM": "csv",
        "MLOPS_PARAMETER_TO": "csv",
        "MLOPS_PARAMETER_TOLERATE_PERCENT": str(tolerate),
        **{f"MLOPS_PARAMETER_KEEP_{number}": name for number, name in enumerate(keep, 1)},
        **more,
    }
    words = [sys.executable, score.__file__, *command]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)


def doubling(folder: Path) -> list[str]:
    program = folder / "double.py"
    program.write_text(DOUBLES)
    return [sys.executable, str(program), str(folder / "rows")]


def written(folder: Path) -> list[dict[str, str]]:
    with (folder / "scores" / "scores.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_kept_columns_stand_before_the_scores_of_their_rows(tmp_path: Path) -> None:
    rows(tmp_path, 1, 2, name="dt=2026-11-29/a.csv")
    rows(tmp_path, 3, name="dt=2026-11-30/a.csv")
    rows(tmp_path, "hidden", name="_tmp/a.csv")
    done = ran(tmp_path, doubling(tmp_path), "note", "id", "dt")
    assert done.returncode == 0, done.stderr
    found = written(tmp_path)
    assert list(found[0]) == ["note", "id", "dt", "p", "why"]
    assert [(row["id"], row["dt"], row["p"]) for row in found] == [
        ("1", "2026-11-29", "2"),
        ("2", "2026-11-29", "4"),
        ("1", "2026-11-30", "6"),
    ]
    assert found[0]["note"] == 'a "b", c'
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"scored": 3, "failed": 0}
    assert (tmp_path / "runs").read_text() == "xx", "once for each part"


def test_a_column_that_is_not_there_is_told_before_the_program_runs(tmp_path: Path) -> None:
    rows(tmp_path, 1)
    done = ran(tmp_path, doubling(tmp_path), "id", "colour")
    assert done.returncode == 1
    assert "score: 'colour': no column of a.csv, which has id, note, x." in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("bad", "tolerate", "code"), [(1, 1, 0), (2, 1, 1), (1, 0, 1), (3, 5, 0)])
def test_rows_that_fail_are_counted_and_left_out_as_far_as_may_be(
    tmp_path: Path, bad: int, tolerate: float, code: int
) -> None:
    rows(tmp_path, *(("bad" if index in range(10, 10 + bad) else index) for index in range(1, 101)))
    done = ran(tmp_path, doubling(tmp_path), "id", tolerate=tolerate)
    assert done.returncode == code, done.stderr
    if code:
        assert "% may: rows 1" in done.stderr
        return
    assert [int(row["id"]) for row in written(tmp_path)] == [
        id_ for id_ in range(1, 101) if id_ not in range(10, 10 + bad)
    ]
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"scored": 100 - bad, "failed": bad}


def test_an_empty_score_is_a_row_that_failed(tmp_path: Path) -> None:
    rows(tmp_path, 1, "empty", 3, 4)
    done = ran(tmp_path, doubling(tmp_path), "id", tolerate=25)
    assert done.returncode == 0, done.stderr
    assert [row["id"] for row in written(tmp_path)] == ["1", "3", "4"]
    assert "3 rows are scored, 1 failed" in done.stdout
    assert "1 of 4 rows failed (25 %), and 24 % may: rows 2." in ran(tmp_path, doubling(tmp_path), tolerate=24).stderr


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["no-such-program"], "there is no program 'no-such-program' in the image"),
        (["true"], "rows 1 to 2 were not scored: there are 0 scores for 2 rows"),
        (["sh", "-c", 'printf "id\\n1\\n2\\n" > $MLOPS_OUTPUT_SCORES/a'], "the scores have a column 'id'"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, command: list[str], told: str) -> None:
    rows(tmp_path, 1, 2)
    done = ran(tmp_path, command, "id")
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_no_rows_are_told(tmp_path: Path) -> None:
    rows(tmp_path)
    assert "the version of the input has no rows" in ran(tmp_path, ["true"]).stderr


def test_lines_of_json_may_be_values(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.jsonl").write_text('{"id": 1, "at": {"b": 2}}\n{"id": 2}\n{"id": 3}\n')
    command = ["sh", "-c", 'printf "0.5\\nnull\\n{\\"q\\": 1}\\n" > "$MLOPS_OUTPUT_SCORES/a"']
    formats = {"MLOPS_PARAMETER_FROM": "jsonl", "MLOPS_PARAMETER_TO": "jsonl"}
    done = ran(tmp_path, command, "id", tolerate=50, **formats)
    assert "a row has the columns id, q, and others have id, score" in done.stderr
    done = ran(tmp_path, ["sh", "-c", command[2].replace('{\\"q\\": 1}', "7")], "id", tolerate=50, **formats)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "scores" / "scores.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"id": 1, "score": 0.5}, {"id": 3, "score": 7}]


def test_a_large_input_is_scored_in_parts(tmp_path: Path) -> None:
    rows(tmp_path, *range(25_000))
    done = ran(tmp_path, doubling(tmp_path), "id")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs").read_text() == "xxx"
    found = written(tmp_path)
    assert (len(found), found[-1]["p"]) == (25_000, "49998")


def test_a_program_that_always_fails_is_not_run_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def fails(part: Any) -> Any:
        calls.append(len(part.rows))
        raise score.PartError("no")

    monkeypatch.setattr(score, "HALVES", 20)
    output = score.Output(tmp_path, "csv")
    run = score.Scoring(fails, output, [], 90, 4096, halves=20)
    with pytest.raises(score.ScoreError, match="90 % may"):
        run.run(score.Part(1, [{"x": 1}] * 4096, ["x"]), "")
    assert len(calls) <= 21


class Schema:
    def __init__(self, names: list[str]) -> None:
        self.names = names

    def has_input_names(self) -> bool:
        return bool(self.names)

    def input_names(self) -> list[str]:
        return self.names


class Frame:
    """As much of a table of pandas as is asked for."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.columns = rows, list(rows[0])

    def __getitem__(self, names: list[str]) -> "Frame":
        return Frame([{name: row[name] for name in names} for row in self.rows])


@pytest.mark.parametrize(("signature", "seen"), [(["x"], ["x"]), ([], ["x", "y"])])
def test_a_model_is_loaded_once_and_asked_by_its_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signature: list[str], seen: list[str]
) -> None:
    loaded: list[str] = []
    asked: list[list[str]] = []

    class Loaded:
        metadata = types.SimpleNamespace(get_input_schema=lambda: Schema(signature))

        def predict(self, frame: Any) -> Any:
            asked.append(frame.columns)
            if any(row["x"] < 0 for row in frame.rows):
                raise ValueError("x is below 0")
            return [row["x"] * 2.0 for row in frame.rows]

    def load_model(where: str) -> Loaded:
        loaded.append(where)
        return Loaded()

    pyfunc = types.SimpleNamespace(load_model=load_model)
    monkeypatch.setitem(sys.modules, "mlflow", types.SimpleNamespace(pyfunc=pyfunc))
    monkeypatch.setitem(sys.modules, "mlflow.pyfunc", pyfunc)
    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(DataFrame=Frame))
    for name in ("rows", "scores", "model/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "model" / "deep" / "MLmodel").write_text("flavors: {}")
    values = [{"id": number, "x": value, "y": 1} for number, value in enumerate((1, -1, 3, 4))]
    (tmp_path / "rows" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in values))
    environment = {
        "MLOPS_INPUT_ROWS": str(tmp_path / "rows"),
        "MLOPS_INPUT_MODEL": str(tmp_path / "model"),
        "MLOPS_OUTPUT_SCORES": str(tmp_path / "scores"),
        "MLOPS_METRICS": str(tmp_path / "metrics.json"),
        "MLOPS_PARAMETER_FROM": "jsonl",
        "MLOPS_PARAMETER_TO": "csv",
        "MLOPS_PARAMETER_KEEP_1": "id",
        "MLOPS_PARAMETER_TOLERATE_PERCENT": "25.0",
    }
    assert score.main([], environment) == 0
    assert loaded == [str(tmp_path / "model" / "deep")]
    assert asked[0] == seen
    assert written(tmp_path) == [{"id": "0", "score": "2.0"}, {"id": "2", "score": "6.0"}, {"id": "3", "score": "8.0"}]
