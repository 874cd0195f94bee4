"""The image of the toy model, as its packages: what it trains it serves by SageMaker's contract, and scores."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pulumi_mlops import images
from pulumi_mlops.jobs import toy
from pulumi_mlops_sandbox.kubernetes.nodes import environments
from support.services import free_port
from support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
PROGRAM = Path(str(toy.__file__))


@pytest.fixture(scope="module")
def python() -> str:
    return str(environments.environment(images.TOY) / "bin" / "python")


def runs(python: str, home: Path, program: Path, word: str, **variables: str) -> None:
    variables |= {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run([python, program, word], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def status(url: str, body: bytes | None = None) -> tuple[int, object]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, None


@pytest.mark.parametrize(
    ("flaw", "answer"),
    [("false", (200, {"predictions": [1, 0]})), ("true", (500, {"error": "this version is broken on purpose"}))],
)
def test_what_it_trains_it_serves(python: str, tmp_path: Path, flaw: str, answer: object) -> None:
    seen, model, scores = tmp_path / "seen", tmp_path / "model", tmp_path / "scores"
    runs(python, tmp_path, PROGRAM, "rows", MLOPS_OUTPUT_SEEN=str(seen), MLOPS_OUTPUT_SCORED=str(tmp_path / "scored"))
    said = {"MLOPS_OUTPUT_BASELINE": str(tmp_path / "baseline"), "MLOPS_METRICS": str(tmp_path / "metrics.json")}
    said |= {"MLOPS_INPUT_ROWS": str(seen), "MLOPS_OUTPUT_MODEL": str(model), "MLOPS_PARAMETER_FLAW": flaw}
    runs(python, tmp_path, PROGRAM, "fit", **said)
    assert json.loads((tmp_path / "metrics.json").read_text())["accuracy"] > 0.9
    if flaw == "false":
        scores.mkdir()
        runs(python, tmp_path, model / "toy.py", "score", MLOPS_INPUT_ROWS=str(seen), MLOPS_OUTPUT_SCORES=str(scores))
        assert len((scores / "scores.csv").read_text().splitlines()) == toy.SEEN + 1
    port = free_port()
    serving = f"import sys; sys.path[:0] = [{str(model)!r}]; import toy; toy.serve(toy.Path({str(model)!r}), {port})"
    with subprocess.Popen([python, "-c", serving]) as process:
        try:
            until(lambda: status(f"http://127.0.0.1:{port}/ping")[0] == 200, "the server of the model", within=120)
            rows = {"dataframe_split": {"columns": ["x2", "x1"], "data": [[3, 1], [-3, -1]]}}
            assert status(f"http://127.0.0.1:{port}/invocations", json.dumps(rows).encode()) == answer
        finally:
            process.terminate()
