"""A backend is whole, or the suite says what is missing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.conformance.completeness import EXTRA, FILES, TASKS, backends, missing
from support.conformance.programs import PROGRAMS

FOUND = backends()


@pytest.mark.parametrize("backend", FOUND)
def test_nothing_is_missing(backend: str) -> None:
    lines = missing(backend, FOUND[backend])
    assert not lines, f"backend {backend!r} lacks:\n" + "\n".join(lines)


@pytest.fixture
def third(tmp_path: Path) -> Path:
    """Make the folder of a backend that has nothing yet."""
    folder = tmp_path / "third"
    folder.mkdir()
    (folder / "__init__.py").touch()
    return folder


def test_an_empty_backend_lacks_everything(third: Path) -> None:
    assert missing("third", third) == [
        "registry.backends(): no line for 'third'",
        *(f"file {file}: not there" for file in FILES),
        *(f"ENGINE: nothing does {task}" for task in TASKS),
        "ENGINE: not there",
        *(f"CAPABILITIES: no entry for {name!r}" for name in sorted(PROGRAMS) if " + " not in name),
        "tests/support/conformance/words.py: no Words for 'third'",
        "tests/support/conformance/evidence.py: no native evidence for 'third'",
    ]


def test_a_noun_that_is_said_to_be_absent_needs_no_function(third: Path) -> None:
    (third / "engine.py").write_text(
        "from pulumi_mlops.components.platform import Platform\n"
        "from pulumi_mlops.core.capabilities import Entry, table\n"
        "from pulumi_mlops.core.engines import Engine\n"
        "def platform(scope, spec): ...\n"
        "ABSENT = table({'endpoint': Entry('absent', 'it serves nothing.', 'another backend.')})\n"
        "ENGINE = Engine(provides=[Platform.built_by(platform)], capabilities=ABSENT)\n"
    )
    lines = missing("third", third)
    assert not [line for line in lines if "ndpoint" in line and line != "file endpoint.py: not there"]
    assert "ENGINE: nothing does Platform" not in lines
    assert "ENGINE: nothing does Model.approved" in lines


def test_the_suite_fails_when_a_backend_is_empty(third: Path) -> None:
    suite = Path(__file__)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            str(suite),
            "-k",
            "nothing_is_missing and third",
            "-p",
            "no:cacheprovider",
            "-q",
        ],
        env={**os.environ, EXTRA: str(third.parent)},
        cwd=suite.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert re.findall(r"^FAILED .*\[(\w+)\]", done.stdout, re.MULTILINE) == ["third"]
    for line in missing("third", third):
        assert line in done.stdout
