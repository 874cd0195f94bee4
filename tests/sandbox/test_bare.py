"""Processes that load Pulumi's wire protocol without its SDK."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_mlops_sandbox import bare


def run(**variables: str) -> str:
    """Run a program as a module under `bare.py`."""
    command = [sys.executable, "-P", bare.__file__, "program"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "pulumi_mlops_sandbox.language_host",
        "pulumi_mlops_sandbox.aws.provider.cloud",
        "pulumi_mlops_sandbox.kubernetes.provider.cluster",
        "pulumi_mlops_sandbox.kubernetes.provider.service",
        "pulumi_mlops_sandbox.random_provider.kinds",
        "pulumi_mlops_sandbox.provider.host",
        "pulumi_mlops_sandbox.provider.service",
    ],
)
def test_the_sdk_is_not_loaded(module: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(f"import sys, {module}\nprint('pulumi.resource' in sys.modules)")
    assert run(PYTHONPATH=str(tmp_path)) == "False\n"


def test_the_sdk_is_loaded_when_a_class_of_it_must_be_read(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "from pulumi.runtime.proto import provider_pb2\n"
        "from pulumi_mlops_sandbox.aws.provider import sdk\n"
        "print(sorted(sdk.outputs('aws:kms/alias:Alias')))\n"
        "import pulumi.runtime\n"
        "from pulumi.runtime.proto import provider_pb2 as later\n"
        "print(later is provider_pb2, pulumi.Output)\n"
    )
    names, same = run(PYTHONPATH=str(tmp_path), PULUMI_MLOPS_CACHE=str(tmp_path / "cache")).splitlines()
    assert "targetKeyId" in names
    assert same == "True <class 'pulumi.output.Output'>"


def test_where_the_sdk_is_whole_nothing_is_taken_away() -> None:
    import pulumi  # noqa: PLC0415

    bare.unregister()
    assert sys.modules["pulumi"] is pulumi
