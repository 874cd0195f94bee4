"""Finds the real Pulumi engine, or makes one.

In this order: ``pulumi`` on PATH, what an earlier run left in the cache, Pulumi's own installer, and last a build
from Pulumi's Go modules, for machines that reach a module proxy but not Pulumi's downloads.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pulumi_mlops.sandbox.errors import SandboxError
from pulumi_mlops.sandbox.progress import Step, step

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


@dataclass(frozen=True)
class Engine:
    """A Pulumi engine that can be used."""

    pulumi: Path
    version: str
    scripts: Path
    """The folder with the files named in ``SCRIPTS``."""


def cache() -> Path:
    """Name the folder in which engines are kept; PULUMI_MLOPS_CACHE moves it."""
    override = os.environ.get("PULUMI_MLOPS_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("pulumi-mlops")


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
    """Find the engine, or make it. Safe to interrupt; two at once wait for each other."""
    engine = find()
    if engine is not None:
        return engine
    root = cache()
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / f"engine-{VERSION}.lock", "Waiting for another process that prepares the Pulumi engine"):
        engine = find()
        if engine is not None:
            return engine
        for leftover in root.glob(f"engine-{VERSION}.tmp-*"):
            shutil.rmtree(leftover)  # of an interrupted run: whoever holds the lock is alone
        work = Path(tempfile.mkdtemp(prefix=f"engine-{VERSION}.tmp-", dir=root))
        try:
            _make(work)
            target = root / f"engine-{VERSION}"
            shutil.rmtree(target, ignore_errors=True)
            (work / "product").rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    engine = find()
    if engine is None:
        raise SandboxError(f"The engine in {root} does not start. Remove that folder and run the command again.")
    return engine


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


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Hold a file lock, which the system releases however the process ends."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(waiting):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _on_path() -> Iterator[Path]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        candidate = shutil.which("pulumi", path=folder) if folder else None
        if candidate and not _is_launcher(Path(candidate)):
            yield Path(candidate)
            return


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
    import psutil  # noqa: PLC0415  (an extra: `doctor` must work without it)

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
        _go(["go", "mod", "tidy"], source, progress, "modules")
    with step(f"Building the Pulumi engine v{VERSION} (once, some minutes)") as progress:
        _go(build, source, progress, "packages compiled")


def _fetch_scripts(work: Path, folder: Path) -> None:
    with step("Fetching the files that run Python programs") as progress:
        said = _go(["go", "mod", "download", "-json", f"{SDK_MODULE}@v{VERSION}"], work, progress, "lines")
    try:
        module = Path(json.loads(said)["Dir"])
    except (ValueError, KeyError) as error:
        raise SandboxError(f"`go mod download -json {SDK_MODULE}@v{VERSION}` gave no folder: {said[-500:]}") from error
    for name, path in SCRIPTS.items():
        shutil.copyfile(module / path, folder / name)
        (folder / name).chmod(0o755)


def _go(command: Sequence[str], folder: Path, progress: Step, unit: str) -> str:
    """Run a Go command, showing how many lines of progress it has said; return its standard output."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603  (the user's own Go)
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        assert process.stderr is not None  # noqa: S101  (for the type checker)
        try:
            for line in process.stderr:
                lines.append(line)
                progress.update(f"{len(lines)} {unit}")
            said = process.stdout.read()  # a few lines of JSON at most, so that the pipe cannot fill
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        tail = "".join([*lines[-12:], said[-500:]]).strip()
        raise SandboxError(
            f"`{' '.join(command[:3])}` failed while preparing the Pulumi engine:\n{tail}\n"
            "Is a Go module proxy reachable (`go env GOPROXY`)? Or put a `pulumi` on PATH."
        )
    return said


def main() -> None:
    """Have an engine: ``python -m pulumi_mlops.sandbox.engine``."""
    try:
        sys.stdout.write(f"{ensure().pulumi}\n")
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
