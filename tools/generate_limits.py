"""Write down what AWS takes: the shapes of botocore's that `backends/aws/limits.py` and its neighbours judge by.

`python tools/generate_limits.py` writes `src/pulumi_mlops/backends/aws/shapes.py` from the botocore that is installed.
A preview reads this table; botocore's own descriptions take a third of a second to load and are asked only about what
the table refuses. A test compares the two.
"""

import pprint
import subprocess
import sys
from pathlib import Path

from pulumi_mlops.backends.aws import limits

ROOT = Path(__file__).parents[1]
OUT = ROOT / "src" / "pulumi_mlops" / "backends" / "aws" / "shapes.py"
HEAD = '''"""What AWS takes, type by type. Written by tools/generate_limits.py out of botocore: do not edit."""
# ruff: noqa: SIM905 (a list of machines would take a line each)

from collections.abc import Mapping
from typing import Any

'''
KEPT = ("type", "min", "max", "pattern")


def shapes() -> dict[str, dict[str, object]]:
    """Collect what is judged by; members of mappings too, while a list is judged by its length only."""
    found: dict[str, dict[str, object]] = {}
    waiting = list(limits.used())
    while waiting:
        service, name = waiting.pop()
        described = limits.told(service, name)
        kept = {key: described[key] for key in KEPT if key in described}
        if described["type"] == "map":
            parts = {part: {"shape": described[part]["shape"]} for part in ("key", "value")}
            waiting += [(service, part["shape"]) for part in parts.values()]
            kept |= parts
        found[f"{service}.{name}"] = kept
    return dict(sorted(found.items()))


def _listed(purpose: str) -> str:
    return pprint.pformat(" ".join(sorted(limits.told("sagemaker", purpose)["enum"])), width=100)


def text() -> str:
    """Write the module."""
    written = pprint.pformat(shapes(), width=110, sort_dicts=False)
    purposes = (limits.HOSTING, limits.TRAINING, limits.CLUSTER, limits.PROCESSING)
    machines = "\n".join(f"{one!r}: frozenset(\n{_listed(one)}.split()\n)," for one in purposes)
    module = (
        f"{HEAD}SHAPES: Mapping[str, Mapping[str, Any]] = {written}\n"
        f"MACHINES: Mapping[str, frozenset[str]] = {{\n{machines}\n}}\n"
        '"""The types of instances, by what SageMaker calls those of a purpose."""\n'
    )
    done = subprocess.run(  # noqa: S603 (the project's own)
        [sys.executable, "-m", "ruff", "format", "--config", str(ROOT / "pyproject.toml"), "-"],
        input=module,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    OUT.write_text(text(), encoding="utf-8")
