"""What is built or fetched once and kept in the user's cache: locked, with progress, safe to interrupt."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import platformdirs

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import Step, step

Found = TypeVar("Found")


def cache() -> Path:
    """Name the folder in which what was built is kept; PULUMI_MLOPS_CACHE moves it."""
    override = os.environ.get("PULUMI_MLOPS_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("pulumi-mlops")


def once(name: str, what: str, find: Callable[[], Found | None], make: Callable[[Path], None]) -> Found:
    """Find a thing, or make it and keep it as ``<cache>/<name>``. Safe to interrupt; two at once wait for each other.

    `make` is given an empty folder and leaves what is to be kept in its subfolder ``product``.
    """
    found = find()
    if found is not None:
        return found
    root = cache()
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / f"{name}.lock", f"Waiting for another process that prepares {what}"):
        found = find()
        if found is not None:
            return found
        for leftover in root.glob(f"{name}.tmp-*"):
            shutil.rmtree(leftover)  # of an interrupted run: whoever holds the lock is alone
        work = Path(tempfile.mkdtemp(prefix=f"{name}.tmp-", dir=root))
        try:
            make(work)
            target = root / name
            shutil.rmtree(target, ignore_errors=True)
            (work / "product").rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    found = find()
    if found is None:
        raise SandboxError(f"{what[:1].upper()}{what[1:]} in {root} does not work. Remove {target} and try again.")
    return found


IDENTITY = "made-of"
"""The file that says of what something was made: another content is another thing."""


def digest(*parts: Path | str) -> str:
    """Tell one content of files and texts from another."""
    content = hashlib.sha256()
    for part in parts:
        content.update(part.encode() if isinstance(part, str) else part.read_bytes())
    return content.hexdigest()


def made_of(name: str, identity: str) -> Path | None:
    """Find what is kept under a name, if it was made of just this."""
    folder = cache() / name
    try:
        return folder if (folder / IDENTITY).read_text() == identity else None
    except OSError:
        return None


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


def go(
    command: Sequence[str],
    folder: Path,
    progress: Step,
    unit: str,
    *,
    what: str,
    otherwise: str = "",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a Go command, showing how many lines of progress it has said; return its standard output."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603  (the user's own Go)
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
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
            f"`{' '.join(command[:3])}` failed while preparing {what}:\n{tail}\n"
            f"Is a Go module proxy reachable (`go env GOPROXY`)?{otherwise and ' '}{otherwise}"
        )
    return said


def module(path: str, version: str, folder: Path, progress: Step, *, what: str, otherwise: str = "") -> Path:
    """Download exactly one version of a Go module, as some proxies list none; return the folder that holds it."""
    command = ["go", "mod", "download", "-json", f"{path}@v{version}"]
    said = go(command, folder, progress, "lines", what=what, otherwise=otherwise)
    try:
        return Path(json.loads(said)["Dir"])
    except (ValueError, KeyError) as error:
        raise SandboxError(f"`{' '.join(command)}` gave no folder: {said[-500:]}") from error
