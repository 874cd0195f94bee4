"""Argo's own linter, as a program that judges objects one after another."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.kubernetes.crds import ARGO, SOURCES
from pulumi_mlops_sandbox.kubernetes.operators import programs
from pulumi_mlops_sandbox.kubernetes.operators.table import Module, Program

_MAIN = "cmd/judge/main.go"
JUDGE = Module(
    "argo-lint",
    ARGO,
    next(source.version for source in SOURCES if source.module == ARGO),
    (Program("judge", "./cmd/judge", "/judge", "", ""),),
    generated=((_MAIN, (Path(__file__).parent / "argo.go.txt").read_text()),),
)


def judged(objects: Sequence[dict[str, Any]]) -> list[str]:
    """Return what Argo says of each object: ``ok``, or what is wrong with it."""
    program = programs.built(JUDGE) / "judge"
    lines = "".join(json.dumps(one) + "\n" for one in objects)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(objects), done.stdout
    return said
