"""A backend is whole, or the suite says what is missing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.conformance.completeness import EXTRA, FILES, backends, missing

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


def test_an_empty_backend_lacks_a_platform(third: Path) -> None:
    assert missing("third", third) == [
        "registry.backends(): no line for 'third'",
        *(f"file {file}: not there" for file in FILES),
        "ENGINE: nothing does Platform",
        "ENGINE: not there",
        "CAPABILITIES: no entry for 'platform'",
        "tests/support/conformance/words.py: no Words for 'third'",
        "tests/support/conformance/evidence.py: no native evidence for 'third'",
    ]


def test_a_noun_that_is_not_there_needs_no_function(third: Path) -> None:
    (third / "engine.py").write_text(
        "from pulumi_mlops.components.platform import Platform\n"
        "from pulumi_mlops.core.capabilities import Entry, table\n"
        "from pulumi_mlops.core.engines import Engine\n"
        "def platform(scope, spec): ...\n"
        "TABLE = table({'platform': Entry('native'), 'model': Entry('native'),\n"
        "    'endpoint': Entry('absent', 'it serves nothing.', 'another backend.')})\n"
        "ENGINE = Engine(provides=[Platform.built_by(platform)], capabilities=TABLE)\n"
    )
    lines = missing("third", third)
    assert not [line for line in lines if "ndpoint" in line or "feature" in line]
    assert "ENGINE: nothing does Platform" not in lines
    assert {f"ENGINE: nothing does {task}" for task in ("Model", "Model.approved", "Model.version")} <= set(lines)
    assert "ENGINE: nothing does Model.existing" not in lines, "what the table does not list is absent"
    assert "CAPABILITIES: no entry for 'model.gate'" in lines


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
