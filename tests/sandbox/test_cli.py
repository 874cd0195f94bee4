"""The sandbox's commands and checks: output, exit codes, and errors that are one line and no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pulumi_mlops import images
from pulumi_mlops_sandbox import commands, doctor, engine
from pulumi_mlops_sandbox.kubernetes.nodes import environments
from pulumi_mlops_sandbox.running.images import Images, NoStandInError


def cli(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pulumi_mlops", *arguments]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["status"]])
def test_output_is_plain_where_there_is_no_terminal(arguments: list[str]) -> None:
    done = cli("sandbox", *arguments)
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_status_of_nothing(tmp_path: Path) -> None:
    done = cli("sandbox", "status", "--json", "--home", str(tmp_path))
    assert done.returncode == 1
    assert json.loads(done.stdout)["control_planes"] == [
        {"name": name, "running": False, "pid": None, "url": None} for name in ("aws", "kubernetes", "azure")
    ]


def test_env_of_nothing_is_one_line(tmp_path: Path) -> None:
    done = cli("sandbox", "env", "--home", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: No control plane runs. Start one: pulumi-mlops sandbox up\n"


def test_a_home_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    done = cli("sandbox", "up", "--home", str(tmp_path / "home"))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pulumi_mlops_sandbox.environment", None)
    done = CliRunner().invoke(commands.app, ["status", "--home", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output == (
        "Error: pulumi_mlops_sandbox.environment is not installed. Run: pip install pulumi-mlops-sandbox\n"
    )


def test_a_folder_stands_in_for_an_image_until_it_is_taken_back(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "train"
    folder.mkdir()

    def image(*arguments: str) -> str:
        done = CliRunner().invoke(commands.app, ["image", *arguments, "--home", str(home)])
        assert done.exit_code == 0, done.output
        return done.output

    image("*", str(folder))
    told = image("*/train:*", str(folder), "--entrypoint", "python3 'my train.py'")
    assert told == f"*/train:*: {folder} python3 'my train.py'\n*: {folder}\n", "the last one counts first"
    images = Images(home)
    assert images.of("example.com/train:1").entrypoint == ["python3", "my train.py"]
    assert images.of("example.com/serve:1").entrypoint == []
    assert image("*", "--remove") == ""
    with pytest.raises(NoStandInError, match=r"no stand-in for the image example\.com/train:1, so nothing ran"):
        images.of("example.com/train:1")


def test_an_image_of_the_library_has_its_packages_whatever_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "made of" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "packages: $*"\n')
    python.chmod(0o755)
    monkeypatch.setattr(environments, "environment", lambda name: python.parents[1] if name == "drift" else None)
    known, asked = Images(tmp_path / "home"), f"example.com/churn/drift:{images.tag('drift')}"
    program = Path(known.of(asked).folder) / "bin" / "python3"
    assert subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stdout == "packages: -V\n"
    with pytest.raises(NoStandInError):
        known.of("example.com/churn/drift:of-yesterday")
    known.put("*/drift:*", str(tmp_path))
    assert known.of(asked).folder == str(tmp_path), "what somebody says goes before"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["image", "*", "/absent/folder"], "Error: there is no folder /absent/folder\n"),
        (["fire", "weekly"], "Error: neither aws nor azure runs: pulumi-mlops sandbox up --plane aws\n"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = cli("sandbox", *arguments, "--home", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)


def test_doctor_finds_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PULUMI_MLOPS_SANDBOX_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(engine, "find", lambda: None)
    found = {check.what: check for check in doctor.checks()}
    assert found["Go"].state == "missing"
    assert "go.dev" in found["Go"].mend
    assert found["aws control plane"].mend == "pulumi-mlops sandbox up --plane aws"
    assert all(check.mend for check in found.values() if check.state != "ok")


def test_doctor_names_missing_packages_and_looks_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "psutil" in doctor.required()
    monkeypatch.setattr(doctor, "required", lambda: ["psutil", "abacus-of-nobody"])
    (check,) = doctor.checks()
    assert (check.state, check.detail) == ("missing", "without abacus-of-nobody")
    assert check.mend == "pip install pulumi-mlops-sandbox"


def test_doctor_of_the_command_has_the_checks_of_the_sandbox() -> None:
    whats = {check["what"] for check in json.loads(cli("doctor", "--json").stdout)}
    assert {"Python", "sandbox packages", "Pulumi engine", "kubernetes control plane"} <= whats
    assert "sandbox" not in whats  # the line for where it is not installed
