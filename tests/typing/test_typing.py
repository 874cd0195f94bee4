"""What type checkers say of programs: nothing of a good one, and of a bad one each marked line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).with_name("programs")


def run(*command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout


def mypy(path: Path) -> set[int]:
    said = run("mypy", "--strict", "--output", "json", str(path)).splitlines()
    findings = [json.loads(line) for line in said if line.startswith("{")]
    return {
        finding["line"]
        for finding in findings
        if finding["severity"] == "error" and (ROOT / finding["file"]).resolve() == path
    }


def pyright(path: Path) -> set[int]:
    found = json.loads(run("pyright", "--pythonpath", sys.executable, "--outputjson", str(path)))
    assert found["summary"]["filesAnalyzed"] == 1
    return {
        finding["range"]["start"]["line"] + 1
        for finding in found["generalDiagnostics"]
        if finding["severity"] == "error"
    }


@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.parametrize("program", ["good.py", "bad.py"])
def test_each_mistake_is_seen_where_it_is(program: str, checker: Callable[[Path], set[int]]) -> None:
    path = PROGRAMS / program
    marked = {number for number, line in enumerate(path.read_text().splitlines(), 1) if "# error" in line}
    assert bool(marked) == (program == "bad.py")
    assert checker(path) == marked


def test_the_written_arguments_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "tools/generate_interface.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "run: python tools/generate_interface.py"
