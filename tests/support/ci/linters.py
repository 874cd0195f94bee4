"""Linters of the hosts' files: actionlint for GitHub, and the schemas that a package holds for both."""

import subprocess
import sys
from pathlib import Path

from pulumi_mlops_sandbox.kubernetes.operators import programs
from pulumi_mlops_sandbox.kubernetes.operators.table import Module, Program

ACTIONLINT = Module(
    "actionlint",
    "github.com/rhysd/actionlint",
    "1.7.12",
    (Program("actionlint", "./cmd/actionlint", "/actionlint", "", ""),),
)


def actionlint(repository: Path) -> str:
    """Return what actionlint says of a repository's workflows; nothing if they are well."""
    program = programs.built(ACTIONLINT) / "actionlint"
    # Where shellcheck and pyflakes are installed it would run them: what they say is of this machine.
    command = [str(program), "-no-color", "-oneline", "-shellcheck=", "-pyflakes="]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def against_schema(schema: str, *files: Path) -> str:
    """Return what a schema of check-jsonschema's says of files; nothing if they are well."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    command += ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
