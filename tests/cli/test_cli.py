"""The library's command: what it prints, the commands and checks that other distributions add, and its errors."""

import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from pulumi_mlops import __main__, cli, doctor, images
from pulumi_mlops.backends.kubernetes import objects


@functools.cache
def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own; the same once, whichever tests ask."""
    command = [sys.executable, "-m", "pulumi_mlops", *arguments]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this very process; return what it ended with, and what it printed."""

    def run_here(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pulumi-mlops", *arguments])
        code = 0
        said = ""
        try:
            __main__.main()
        except SystemExit as ended:  # as the interpreter takes it: words are printed, and are a failure
            said = ended.code if isinstance(ended.code, str) else ""
            code = 1 if said else int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err + said

    return run_here


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make a distribution with commands and checks, some of them broken; return the variables by which it is found."""
    tmp_path = tmp_path_factory.mktemp("other")
    (tmp_path / "abacus.py").write_text(
        "import typer\nfrom pulumi_mlops.doctor import Check\n"
        "app = typer.Typer(add_completion=False)\n"
        "@app.command()\ndef add(a: int, b: int) -> None:\n    'Add two numbers.'\n    typer.echo(a + b)\n"
        "def checks():\n    return [Check('beads', 'missing', 'two of ten', 'buy beads')]\n"
        "def broken():\n    raise OSError('no\\n  beads')\n"
    )
    info = tmp_path / "abacus-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: abacus\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pulumi_mlops.commands]\nabacus = abacus:app\nlost = abacus:nowhere\nnumber = abacus:__name__\n"
        "[pulumi_mlops.doctor]\nabacus = abacus:checks\nbroken = abacus:broken\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no other distribution be installed."""

    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "entry_points", lambda **_: metadata.EntryPoints())
    monkeypatch.setattr(metadata, "distribution", absent)


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["matrix"]])
def test_output_is_plain_where_there_is_no_terminal(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert all(line == line.rstrip() for line in done.stdout.splitlines()) or "--help" in arguments


def test_help_loads_nothing_heavy() -> None:
    code = "import sys\nfrom pulumi_mlops import cli\nsys.argv = ['x', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: print(sorted({'pulumi', 'psutil', 'pydantic'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_a_command_of_the_library_loads_no_other(other: dict[str, str]) -> None:
    code = "import sys\nfrom pulumi_mlops import cli\nsys.argv = ['x', 'matrix', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: print(sorted({'abacus', 'pulumi_mlops_sandbox'} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=os.environ | other, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "NEEDED", (f"{missing}_of_nobody",))
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == (f"Error: the command needs {missing}_of_nobody. Run: pip install 'pulumi-mlops[cli]'")


def test_the_installed_command_is_this_one() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="pulumi-mlops")
    assert script.load() is __main__.main


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize("arguments", [[], ["--help"], ["up", "--plane", "aws"]])
def test_without_the_sandbox_its_command_says_what_to_install(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["pulumi-mlops", "sandbox", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == (
        "Error: The sandbox is a distribution of its own. Run: pip install pulumi-mlops-sandbox"
    )


@pytest.mark.usefixtures("_alone")
def test_without_the_sandbox_doctor_names_it() -> None:
    found = {check.what: check for check in doctor.run()}
    assert found["sandbox"] == doctor.Check("sandbox", "optional", "not installed", "pip install pulumi-mlops-sandbox")
    assert "Go" not in found


def test_a_command_of_another_distribution(other: dict[str, str]) -> None:
    assert run("abacus", "2", "3", **other).stdout == "5\n"
    assert "Add two numbers." in run("--help", **other).stdout


@pytest.mark.parametrize(
    ("name", "cause"), [("lost", "AttributeError: module 'abacus' has no attribute 'nowhere'"), ("number", "")]
)
def test_a_broken_command_is_one_line(name: str, cause: str, other: dict[str, str]) -> None:
    done = run(name, "some", "--option", **other)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: The command {name} of abacus cannot be loaded: {cause}")
    assert len(done.stderr.splitlines()) == 1
    assert "Print what each backend and each engine can do." in run("--help", **other).stdout


def test_checks_of_another_distribution(other: dict[str, str]) -> None:
    done = run("doctor", "--json", **other)
    found = {check["what"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["beads"]["mend"] == "buy beads"
    assert found["checks of abacus"] == {
        "what": "checks of abacus",
        "state": "missing",
        "detail": "OSError: no beads",
        "mend": "pip install --force-reinstall abacus",
    }


def test_matrix_as_json(here: Command) -> None:
    code, out, _ = here("matrix", "--backend", "aws", "--json")
    assert code == 0
    assert {"level", "reason", "instead"} == set(json.loads(out)["endpoint"]["aws"])


def test_matrix_of_an_unknown_backend(here: Command) -> None:
    code, _, err = here("matrix", "--backend", "abacus")
    assert code == 1
    assert "aws" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("_alone")
def test_doctor_without_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {check.what: check for check in doctor.run()}
    assert found["real AWS account"].state == "optional"
    assert all(check.mend for check in found.values() if check.state != "ok")


def test_doctor_tells_no_secret(here: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    _, out, _ = here("doctor")
    assert "by AWS_ACCESS_KEY_ID" in out
    assert "AKIAREAL" not in out
    assert "very-secret" not in out


def test_the_image_of_monitors_is_printed_and_its_tag(here: Command) -> None:
    code, printed, _ = here("image", "drift")
    assert code == 0
    assert printed == images.dockerfile("drift")
    assert "\nevidently==" in printed
    assert here("image", "drift", "--tag") == (0, f"{images.tag('drift')}\n", "")
    assert here("image", "drft") == (1, "", "Error: there is no image 'drft'; there is drift, toy")


def test_another_dockerfile_has_another_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.tag("drift")
    assert re.fullmatch("[0-9a-f]{12}", before)
    monkeypatch.setattr(images, "pins", lambda _: "evidently==0.8.0")
    assert images.tag("drift") != before


def test_images_are_of_pinned_packages_on_a_base_that_is_used_already() -> None:
    assert images.BASE == objects.PYTHON
    for name in images.IMAGES:
        assert all("==" in line for line in images.pins(name).splitlines()), name
