"""Kubeflow Trainer's own code, as a program that makes JobSets of what it is given."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.kubernetes.operators import programs
from pulumi_mlops_sandbox.kubernetes.operators.table import TRAINER, Module, Program

_MAIN = "cmd/make/main.go"
MAKE = Module(
    "trainer-make",
    TRAINER.path,
    TRAINER.version,
    (Program("make", "./cmd/make", "/make", "", ""),),
    generated=((_MAIN, (Path(__file__).parent / "trainer.go.txt").read_text()),),
)


def made(objects: Sequence[dict[str, Any]]) -> list[str]:
    """Return what Trainer makes of each object: ``ok`` of a runtime, objects as JSON of a job, or why it refuses."""
    lines = "".join(json.dumps(one) + "\n" for one in objects)
    program = programs.built(MAKE) / "make"
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(objects), done.stdout
    return said
