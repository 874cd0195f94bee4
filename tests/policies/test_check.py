"""`pulumi-mlops check` says what is wrong before it starts an engine."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pulumi_mlops.cli import NOT_CHECKED, app

PROJECT = "name: plain\nruntime: python\n"
RUNNER = CliRunner()


def test_a_folder_without_a_program_is_not_checked(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["check", str(tmp_path)])
    assert done.exit_code == NOT_CHECKED
    assert "has no Pulumi.yaml" in done.output


def test_a_pack_of_ones_own_has_its_own_profile(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    done = RUNNER.invoke(app, ["check", str(tmp_path), "--pack", str(tmp_path), "--profile", "dev"])
    assert done.exit_code == NOT_CHECKED
    assert "leave out one of --pack and --profile" in done.output


def test_without_an_engine_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = RUNNER.invoke(app, ["check", str(tmp_path)])
    assert done.exit_code == NOT_CHECKED
    assert "There is no `pulumi` on PATH" in done.output
