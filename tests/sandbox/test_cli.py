"""The command line: what it prints, its exit codes, and that an error is a line and no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_mlops import doctor
from pulumi_mlops_sandbox import engine


def cli(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pulumi_mlops.cli", *arguments]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["sandbox", "--help"], ["doctor"], ["matrix"], ["sandbox", "status"]]
)
def test_output_is_plain_where_there_is_no_terminal(arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert all(line == line.rstrip() for line in done.stdout.splitlines()) or "--help" in arguments


def test_help_does_not_load_pulumi() -> None:
    code = "import sys\nfrom pulumi_mlops import cli\nsys.argv = ['x', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: print(sorted({'pulumi', 'psutil', 'pydantic'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_status_of_nothing(tmp_path: Path) -> None:
    done = cli("sandbox", "status", "--json", "--home", str(tmp_path))
    assert done.returncode == 1
    assert json.loads(done.stdout)["control_planes"] == [
        {"name": name, "running": False, "pid": None, "url": None} for name in ("aws", "kubernetes")
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


def test_matrix_as_json() -> None:
    table = json.loads(cli("matrix", "--backend", "aws", "--json").stdout)
    assert {"level", "reason", "instead"} == set(table["endpoint"]["aws"])


def test_matrix_of_an_unknown_backend() -> None:
    done = cli("matrix", "--backend", "abacus")
    assert done.returncode == 1
    assert "aws" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "find", lambda: None)
    found = {check.what: check for check in doctor.run(tmp_path / "home")}
    assert found["Go"].state == "missing"
    assert "go.dev" in found["Go"].mend
    assert found["aws control plane"].mend == "pulumi-mlops sandbox up --plane aws"
    assert found["real AWS account"].state == "optional"
    assert all(check.mend for check in found.values() if check.state != "ok")


def test_doctor_tells_no_secret(tmp_path: Path) -> None:
    done = cli("doctor", "--home", str(tmp_path), AWS_ACCESS_KEY_ID="AKIAREAL", AWS_SECRET_ACCESS_KEY="very-secret")
    assert "by AWS_ACCESS_KEY_ID" in done.stdout
    assert "AKIAREAL" not in done.stdout
    assert "very-secret" not in done.stdout
