"""Mistakes are seen where they are made: by type checkers on the line, and by the library when it runs."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import MlopsError
from support.mocks import Cloud

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).with_name("programs")
GOOD, BAD = PROGRAMS / "good.py", PROGRAMS / "bad.py"
MARK = re.compile(r"  # error(?P<late> when it runs)?: (?P<what>.+)$")
SAID: dict[str, str] = tomllib.loads(BAD.with_suffix(".toml").read_text())
"""What the library says of each mistake."""


def marked() -> Iterator[tuple[int, str, bool]]:
    """Yield the line of each mistake, what it is, and whether type checkers see it."""
    for number, line in enumerate(BAD.read_text().splitlines(), 1):
        if found := MARK.search(line):
            yield number, found["what"], not found["late"]


MISTAKES = {what: line for line, what, _ in marked()}
SEEN = {line for line, _, seen in marked() if seen}


def run(*command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout


@cache
def mypy() -> dict[Path, set[int]]:
    """Let mypy read both programs at once; return the lines of its errors."""
    said = run("mypy", "--strict", "--output", "json", str(GOOD), str(BAD))
    findings = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert findings, said
    return by_file(
        ((ROOT / finding["file"]).resolve(), finding["line"]) for finding in findings if finding["severity"] == "error"
    )


@cache
def pyright() -> dict[Path, set[int]]:
    """Let pyright read both programs at once; return the lines of its errors."""
    found = json.loads(run("pyright", "--pythonpath", sys.executable, "--outputjson", str(GOOD), str(BAD)))
    assert found["summary"]["filesAnalyzed"] == 2
    return by_file(
        (Path(finding["file"]).resolve(), finding["range"]["start"]["line"] + 1)
        for finding in found["generalDiagnostics"]
        if finding["severity"] == "error"
    )


def by_file(found: Iterable[tuple[Path, int]]) -> dict[Path, set[int]]:
    lines: dict[Path, set[int]] = {GOOD: set(), BAD: set()}
    for path, line in found:
        if path in lines:
            lines[path].add(line)
    return lines


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_nothing_is_said_of_a_good_program(checker: Callable[[], dict[Path, set[int]]]) -> None:
    assert checker()[GOOD] == set()


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_each_mistake_is_seen_where_it_is(checker: Callable[[], dict[Path, set[int]]]) -> None:
    assert checker()[BAD] == SEEN


def test_there_are_mistakes_of_every_kind() -> None:
    assert len(MISTAKES) == len(list(marked())) >= 30
    assert len(SEEN) >= 24
    assert set(SAID) == set(MISTAKES)


@cache
def judged() -> tuple[dict[int, MlopsError], dict[int, list[str]]]:
    """Run the program a statement at a time; return what each line is refused with, and what it registered."""
    refused: dict[int, MlopsError] = {}
    registered: dict[int, list[str]] = {}
    cloud = Cloud()

    def program() -> None:
        names: dict[str, Any] = {"__name__": "bad"}
        for statement in ast.parse(BAD.read_text()).body:
            before = len(cloud.registered)
            try:
                exec(compile(ast.Module([statement], []), str(BAD), "exec"), names)  # noqa: S102 (our own program)
            except MlopsError as error:
                refused[statement.lineno] = error
            registered[statement.lineno] = [item.name for item in cloud.registered[before:]]

    cloud.run(program)
    return refused, registered


@pytest.mark.parametrize("what", MISTAKES)
def test_each_mistake_is_refused_when_it_runs(what: str) -> None:
    refused, registered = judged()
    line = MISTAKES[what]
    assert line in refused, f"{BAD}:{line} was taken"
    assert str(refused[line]) == SAID[what].strip()
    assert registered[line] == []


def test_what_is_right_in_it_is_taken() -> None:
    refused, _ = judged()
    assert set(refused) == set(MISTAKES.values())


def test_the_written_arguments_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "tools/generate_interface.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "run: python tools/generate_interface.py"
