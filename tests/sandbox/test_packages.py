"""The environment of the real projects' packages, with a stand-in for uv: no network, no installation."""

import re
import sys
import textwrap
from pathlib import Path

import pytest

from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.errors import SandboxError

UV = """
    #!{python}
    # Answers like `uv`: a new environment has a Python; an installation gives it MLflow, which makes its database.
    import os, pathlib, sys
    here, arguments = pathlib.Path({here!r}), sys.argv[1:]
    with open(here / "calls", "a") as calls:
        calls.write(" ".join(arguments[:2]) + "\\n")
    if (here / "broken").exists() and arguments[0] == "pip":
        sys.exit("error: no such package")
    if arguments[0] == "venv":
        programs = pathlib.Path(arguments[-1]) / "bin"
        programs.mkdir(parents=True)
        (programs / "python").touch()
    else:
        mlflow = pathlib.Path(arguments[arguments.index("--python") + 1]).with_name("mlflow")
        mlflow.write_text("#!{python}\\nimport pathlib, sys\\npathlib.Path(sys.argv[3].removeprefix('sqlite:///')).touch()\\n")
        mlflow.chmod(0o755)
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a uv and an empty cache."""
    uv = tmp_path / "uv"
    uv.write_text(textwrap.dedent(UV).lstrip().format(python=sys.executable, here=str(tmp_path)))
    uv.chmod(0o755)
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(packages, "_uv", lambda _work: str(uv))
    return tmp_path


def calls(tools: Path) -> list[str]:
    return (tools / "calls").read_text().splitlines()


def test_they_are_installed_once(tools: Path) -> None:
    assert packages.find() is None
    binaries = packages.ensure()
    assert (binaries / "mlflow").is_file()
    assert (binaries.parent / packages.DATABASE).is_file()
    assert packages.ensure() == binaries
    assert calls(tools) == ["venv --relocatable", "pip install"]


def test_other_pins_are_another_environment(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = packages.ensure()
    monkeypatch.setattr(packages, "pins", lambda: "mlflow==4\n")
    assert packages.find() is None
    assert packages.ensure() != before
    assert before.is_dir()
    assert len(calls(tools)) == 4


def test_a_failure_is_told_and_leaves_nothing(tools: Path) -> None:
    (tools / "broken").touch()
    with pytest.raises(SandboxError, match=r"(?s)`.*uv pip install` failed while preparing .*no such package"):
        packages.ensure()
    assert packages.find() is None
    assert not [path for path in (tools / "cache").iterdir() if path.is_dir()]
    (tools / "broken").unlink()
    assert packages.ensure().is_dir()


def test_every_pin_is_exact_and_tells_no_address() -> None:
    for line in packages.pins().splitlines():
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[0-9][^\s;]*( ; .+)?", line), line
