"""What ``pulumi-mlops doctor`` looks at, each check with the line that mends what it finds."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pulumi_mlops.core import registry

OLDEST_PYTHON = (3, 11)
SANDBOX_PACKAGES = (
    "moto",
    "cfnlint",
    "regex",
    "jsonpatch",
    "jsonschema",
    "tenacity",
    "psutil",
    "dill",
    "yaml",
    "cryptography",
)
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


def run(home: Path | None = None) -> list[Check]:
    """Look at everything."""
    checks: list[Check] = [_python(), *_backends(), _sandbox_packages()]
    has_engine, engine = _engine()
    checks += [_go(needed=not has_engine), engine]
    checks += _sandbox(home) if importlib.util.find_spec("psutil") else []
    return [*checks, _aws_credentials()]


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        return Check("Python", "ok", f"{version} at {sys.executable}")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", "missing", version, f"install Python {oldest} or newer and make the environment with it")


def _backends() -> list[Check]:
    checks = []
    for name, entry in registry.BACKENDS.items():
        if entry.missing:
            checks.append(Check(f"backend {name}", "optional", f"without {', '.join(entry.missing)}", entry.install))
        else:
            checks.append(Check(f"backend {name}", "ok", "installed"))
    return checks


def _sandbox_packages() -> Check:
    missing = [name for name in SANDBOX_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        mend = "pip install 'pulumi-mlops[sandbox]'"
        return Check("sandbox packages", "missing", f"without {', '.join(missing)}", mend)
    return Check("sandbox packages", "ok", "installed")


def _go(*, needed: bool) -> Check:
    go = shutil.which("go")
    if go is None:
        state: Literal["missing", "optional"] = "missing" if needed else "optional"
        return Check(
            "Go", state, "only needed to build the engine and the Kubernetes sandbox", "install Go: https://go.dev/dl"
        )
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  (the user's Go)
    return Check("Go", "ok", said.strip().removeprefix("go version "))


def _engine() -> tuple[bool, Check]:
    from pulumi_mlops_sandbox import building, engine  # noqa: PLC0415  (its own dependencies come with an extra)

    found = engine.find()
    if found is not None:
        return True, Check("Pulumi engine", "ok", f"{found.version} at {found.pulumi}")
    detail = f"neither on PATH nor in {building.cache()}"
    return False, Check("Pulumi engine", "optional", detail, "pulumi-mlops sandbox up (makes it)")


def _sandbox(home: Path | None) -> list[Check]:
    from pulumi_mlops_sandbox.environment import Sandbox  # noqa: PLC0415  (as above: it needs psutil)

    sandbox = Sandbox(home)
    host = sandbox.home / "engine" / "pulumi-language-python"
    start = "pulumi-mlops sandbox up"
    checks = [
        Check("language host", "ok", str(host))
        if host.is_file()
        else Check("language host", "optional", "no sandbox yet", start)
    ]
    for plane in sandbox.status():
        what = f"{plane.name} control plane"
        mend = f"{start} --plane {plane.name}"
        checks.append(Check(what, "ok", plane.url or "") if plane.running else Check(what, "optional", "stopped", mend))
    return checks


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
