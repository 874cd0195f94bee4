"""`pulumi-mlops check` and `cost` say what is wrong before they start an engine."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pulumi_mlops.cli import NOT_CHECKED, app

PROJECT = "name: plain\nruntime: python\n"
RUNNER = CliRunner()


COMMANDS = pytest.mark.parametrize("command", ["check", "cost"])


@COMMANDS
def test_a_folder_without_a_program_is_not_checked(command: str, tmp_path: Path) -> None:
    done = RUNNER.invoke(app, [command, str(tmp_path)])
    assert done.exit_code == NOT_CHECKED
    assert "has no Pulumi.yaml" in done.output


def test_a_pack_of_ones_own_has_its_own_profile(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    done = RUNNER.invoke(app, ["check", str(tmp_path), "--pack", str(tmp_path), "--profile", "dev"])
    assert done.exit_code == NOT_CHECKED
    assert "leave out one of --pack and --profile" in done.output


@COMMANDS
def test_without_an_engine_it_says_what_is_missing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = RUNNER.invoke(app, [command, str(tmp_path)])
    assert done.exit_code == NOT_CHECKED
    assert "There is no `pulumi` on PATH" in done.output


@COMMANDS
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("not JSON", "config.json"),
        ('{"settings": {"cost": {"ceilings": 3}}}', "ceilings"),
        ("[]", "config.json"),
        (None, "No such file"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_said(
    command: str, written: str | None, said: str, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    if written is not None:
        (tmp_path / "config.json").write_text(written)
    done = RUNNER.invoke(app, [command, str(tmp_path), "--config", str(tmp_path / "config.json")])
    assert done.exit_code == NOT_CHECKED
    assert said in done.output


def test_a_table_that_is_not_there_is_said_before_the_preview(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    done = RUNNER.invoke(app, ["cost", str(tmp_path), "--prices", str(tmp_path / "prices.csv")])
    assert done.exit_code == NOT_CHECKED
    assert "There is no table of prices" in done.output
