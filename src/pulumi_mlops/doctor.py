"""What ``pulumi-mlops doctor`` looks at, each check with the line that mends what it finds.

A distribution adds checks by an entry point of the group ``pulumi_mlops.doctor``: a function without arguments that
returns them.
"""

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from pulumi_mlops.core import registry

CHECKS = "pulumi_mlops.doctor"
"""The group of entry points that add checks."""

OLDEST_PYTHON = (3, 11)
SANDBOX = "pulumi-mlops-sandbox"
AWS_CREDENTIALS = (
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "optional", "missing"]
    """``optional``: not there, and not needed for everything."""
    detail: str
    mend: str = ""


def run() -> list[Check]:
    """Look at everything: what the library needs, then what other distributions look at."""
    return [_python(), *_engines(), _aws_credentials(), *_sandbox(), *_added()]


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        return Check("Python", "ok", f"{version} at {sys.executable}")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", "missing", version, f"install Python {oldest} or newer and make the environment with it")


def _engines() -> Iterator[Check]:
    for kind, entries in (("backend", registry.backends()), ("engine", registry.engines())):
        for name, entry in entries.items():
            if entry.missing:
                yield Check(f"{kind} {name}", "optional", f"without {', '.join(entry.missing)}", entry.install)
            else:
                yield Check(f"{kind} {name}", "ok", "installed")


def _aws_credentials() -> Check:
    """Only whether there are some: their values are nobody's business."""
    by_variable = next((f"by {name}" for name in AWS_CREDENTIALS if os.environ.get(name)), None)
    by_file = next((str(path) for path in _aws_files() if path.is_file()), None)
    found = by_variable or by_file
    if found:
        return Check("real AWS account", "ok", found)
    return Check("real AWS account", "optional", "no credentials; the sandbox needs none", "aws configure sso")


def _aws_files() -> list[Path]:
    defaults = {"AWS_SHARED_CREDENTIALS_FILE": "credentials", "AWS_CONFIG_FILE": "config"}
    return [Path(os.environ.get(variable) or Path.home() / ".aws" / name) for variable, name in defaults.items()]


def _sandbox() -> Iterator[Check]:
    """Name the sandbox where it is absent; where it is installed it adds checks of its own."""
    try:
        metadata.distribution(SANDBOX)
    except metadata.PackageNotFoundError:
        yield Check("sandbox", "optional", "not installed", f"pip install {SANDBOX}")


def _added() -> Iterator[Check]:
    for entry in metadata.entry_points(group=CHECKS):
        owner = entry.dist.name if entry.dist else entry.name
        try:
            yield from entry.load()()
        except Exception as error:  # noqa: BLE001  (whatever the other distribution raises: the other checks still count)
            cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
            yield Check(f"checks of {owner}", "missing", cause, f"pip install --force-reinstall {owner}")
