"""The clients of trackers themselves, in an environment of their own in the user's cache: wandb and ClearML, pinned."""

import hashlib
import sys
from pathlib import Path

from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.building import cache, once
from pulumi_mlops_sandbox.progress import step

_WHAT = "the clients of wandb and ClearML"
_PINS = Path(__file__).with_name("clients.txt")


def _name() -> str:
    digest = hashlib.sha256(_PINS.read_bytes()).hexdigest()[:12]
    return f"clients-{digest}-py{sys.version_info.major}{sys.version_info.minor}"


def _find() -> Path | None:
    python = cache() / _name() / "bin" / "python"
    return python if python.is_file() else None


def python() -> Path:
    """Find the environment's Python, or make the environment: 250 MB."""
    return once(_name(), _WHAT, _find, _make)


def _make(work: Path) -> None:
    with step(f"Installing {_WHAT}") as progress:
        packages.install(_PINS.read_text(), work / "product", work, progress)
