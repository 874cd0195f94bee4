"""Finds the real Pulumi engine, or makes one.

In this order: ``pulumi`` on PATH, what an earlier run left in the cache, Pulumi's own installer, and last a build
from Pulumi's Go modules, for machines that reach a module proxy but not Pulumi's downloads.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from pulumi_mlops_sandbox.building import cache, go, module, once
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import step

VERSION = "3.259.0"
"""The engine that is installed or built when there is none on PATH."""

MINIMUM = (3, 220, 0)
"""The oldest engine on PATH that is used: that of the oldest SDK that the library accepts."""

CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"

SCRIPTS = {
    "pulumi-language-python-exec": "python/cmd/pulumi-language-python-exec",
    "pulumi-resource-pulumi-python": "python/dist/pulumi-resource-pulumi-python",
}
"""What the engine needs beside it to run Python: file name, and where it is in the SDK's module."""

LAUNCHER_MARK = "pulumi-mlops sandbox launcher"
"""In every launcher that a sandbox writes, so that its own ``pulumi`` is never taken for an engine."""

_INSTALLER = """
import socket, sys
from semver import VersionInfo
from pulumi.automation import PulumiCommand
socket.setdefaulttimeout(5)
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""
INSTALLER_CONNECTS_WITHIN = 8.0
INSTALLER_ENDS_WITHIN = 600.0

WHAT = "the Pulumi engine"
OTHERWISE = "Or put a `pulumi` on PATH."


@dataclass(frozen=True)
class Engine:
    """A Pulumi engine that can be used."""

    pulumi: Path
    version: str
    scripts: Path
    """The folder with the files named in ``SCRIPTS``."""


def find() -> Engine | None:
    """Find the engine that is at hand without building or downloading anything."""
    scripts = cache() / f"engine-{VERSION}" / "bin"
    for pulumi in (*_on_path(), scripts / "pulumi"):
        version = version_of(pulumi)
        if version is None or _numbers(version) < MINIMUM:
            continue
        for folder in (pulumi.resolve().parent, scripts):
            if all((folder / name).is_file() for name in SCRIPTS):
                return Engine(pulumi, version, folder)
    return None


def ensure() -> Engine:
    """Find the engine, or make it."""
    return once(f"engine-{VERSION}", WHAT, find, _make)


def version_of(pulumi: Path) -> str | None:
    """Ask an engine for its version, without the v; nothing if it does not run."""
    if not pulumi.is_file():
        return None
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        said = subprocess.run(  # noqa: S603  (the engine that the user has)
            [pulumi, "version"], env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return said.strip().removeprefix("v") or None


def _on_path() -> Iterator[Path]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        candidate = shutil.which("pulumi", path=folder) if folder else None
        if candidate and not _is_a_sandboxs(Path(candidate)):
            yield Path(candidate)
            return


def _is_a_sandboxs(path: Path) -> bool:
    """Tell what a sandbox has laid out, whose folders are on PATH inside it: a launcher, or an engine beside one."""
    return any(_is_launcher(one) for one in (path, path.with_name("pulumi-language-python")) if one.is_file())


def _is_launcher(path: Path) -> bool:
    with path.open("rb") as handle:
        return LAUNCHER_MARK.encode() in handle.read(400)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(part) for part in found.groups()) if found else (0, 0, 0)


def _make(work: Path) -> None:
    """Leave ``bin/pulumi`` and the scripts in ``work/product``."""
    product = work / "product"
    on_path = next((path for path in _on_path() if _numbers(version_of(path) or "") >= MINIMUM), None)
    if on_path is None and _install(product):
        return
    _require_go()
    (product / "bin").mkdir(parents=True, exist_ok=True)
    if on_path is None:  # else only the scripts are missing
        _build(work, product / "bin" / "pulumi")
    _fetch_scripts(work, product / "bin")


def _install(target: Path) -> bool:
    """Try Pulumi's own installer, which needs Pulumi's download site; say whether it worked."""
    with step(f"Asking Pulumi's installer for the engine v{VERSION}") as progress:
        command = [sys.executable, "-c", _INSTALLER, str(target), VERSION]
        installer = subprocess.Popen(  # noqa: S603  (our own interpreter)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started = time.monotonic()
        while installer.poll() is None:
            elapsed = time.monotonic() - started
            # Once connected it runs Pulumi's install script as a child, which may take its time to download.
            downloading = target.exists() or _has_children(installer.pid)
            if elapsed > (INSTALLER_ENDS_WITHIN if downloading else INSTALLER_CONNECTS_WITHIN):
                os.killpg(installer.pid, 9)
                installer.wait()
                break
            progress.update("downloading" if downloading else "connecting")
            time.sleep(0.1)
    if installer.returncode == 0 and all((target / "bin" / name).is_file() for name in ("pulumi", *SCRIPTS)):
        return True
    sys.stderr.write("Pulumi's download site is not reachable from here; building from Go modules instead.\n")
    shutil.rmtree(target, ignore_errors=True)
    return False


def _has_children(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).children())
    except psutil.NoSuchProcess:
        return False


def _require_go() -> None:
    if shutil.which("go") is None:
        oldest = ".".join(map(str, MINIMUM))
        raise SandboxError(
            f"There is no Pulumi engine and no Go to build one. Install Pulumi {oldest} or newer "
            "(https://www.pulumi.com/docs/install) or Go 1.21 or newer (https://go.dev/dl), and run the command again."
        )


def _build(work: Path, binary: Path) -> None:
    """Build the engine out of its module.

    ``go install …@version`` asks for a list of versions, which some module proxies refuse; a module of our own that
    requires exactly one version asks only for that. The Automation API wants the version linked in.
    """
    source = work / "source"
    source.mkdir()
    (source / "go.mod").write_text(f"module engine.invalid/engine\n\ngo 1.21\n\nrequire {CLI_MODULE} v{VERSION}\n")
    (source / "tools.go").write_text(f'//go:build tools\n\npackage tools\n\nimport _ "{CLI_MODULE}/cmd/pulumi"\n')
    linked = f"-s -w -X {SDK_MODULE}/go/common/version.Version=v{VERSION}"
    build = ["go", "build", "-v", "-buildvcs=false", "-ldflags", linked, "-o", str(binary), f"{CLI_MODULE}/cmd/pulumi"]
    with step(f"Fetching the sources of the Pulumi engine v{VERSION} (once)") as progress:
        go(["go", "mod", "tidy"], source, progress, "modules", what=WHAT, otherwise=OTHERWISE)
    with step(f"Building the Pulumi engine v{VERSION} (once, some minutes)") as progress:
        go(build, source, progress, "packages compiled", what=WHAT, otherwise=OTHERWISE)


def _fetch_scripts(work: Path, folder: Path) -> None:
    with step("Fetching the files that run Python programs") as progress:
        source = module(SDK_MODULE, VERSION, work, progress, what=WHAT, otherwise=OTHERWISE)
    for name, path in SCRIPTS.items():
        shutil.copyfile(source / path, folder / name)
        (folder / name).chmod(0o755)


def main() -> None:
    """Have an engine: ``python -m pulumi_mlops_sandbox.engine``."""
    try:
        sys.stdout.write(f"{ensure().pulumi}\n")
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
