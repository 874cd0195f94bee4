"""`pulumi-mlops check` and `cost` say what is wrong before they start an engine."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pulumi_mlops.cli import NOT_CHECKED, app
from pulumi_mlops.policies import check as checking
from pulumi_mlops.policies.report import Report

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


def checked(monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    report = Report("dev", (), 3, ("data.versioned",))
    monkeypatch.setattr(checking, "check", lambda *_, **__: report)
    return RUNNER.invoke(app, ["check", "program", *words])


def test_one_preview_is_written_in_several_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = {"a.sarif": "{", "a.xml": "<?xml", "a.md": "### ", "a.json": "{", "a.txt": "0 violations"}
    done = checked(monkeypatch, *(word for name in starts for word in ("--to", str(tmp_path / name))))
    assert done.exit_code == 0, done.output
    assert {name: (tmp_path / name).read_text()[: len(start)] for name, start in starts.items()} == starts
    assert done.output.startswith("0 violations")


def test_a_file_of_any_name_is_what_output_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(monkeypatch, "--to", str(tmp_path / "found"), "--output", "markdown")
    assert (tmp_path / "found").read_text().startswith("### ")


def test_files_that_do_not_say_what_they_are_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = checked(monkeypatch, "--to", str(tmp_path / "found"))
    assert "name --output" in unnamed.output
    both = checked(monkeypatch, "--to", "a.md", "--to", "a.xml", "--output", "json")
    assert "leave it out" in both.output
    assert {unnamed.exit_code, both.exit_code} == {2}
    assert not list(tmp_path.iterdir())


def test_code_scanning_is_shown_the_file_as_the_repository_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert checking._program(Path("stacks/aws")) == "stacks/aws/Pulumi.yaml"
    assert checking._program(Path()) == "Pulumi.yaml"
    assert checking._program(tmp_path.parent) == "Pulumi.yaml"
