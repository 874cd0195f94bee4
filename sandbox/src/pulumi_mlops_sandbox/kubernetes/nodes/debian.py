"""Debian's packages without an installation: downloaded by apt, unpacked into a folder, no maintainer's script run."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import step

MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders of the root that are links into /usr on every Debian of today; packages still name some of them."""
DOCUMENTATION = ("doc", "man", "locale", "lintian", "bug", "info")


def release() -> str:
    """Say which Debian, or descendant of it, this is: packages of another release are other packages."""
    try:
        told = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    found = re.search(r"^VERSION_CODENAME=(.*)$", told, re.MULTILINE)
    return found[1].strip('"') if found else ""


def missing(packages: Sequence[str]) -> list[str]:
    """Name what an installation of these packages would add to this machine, themselves and what they need."""
    said = _apt(["apt-get", "install", "--print-uris", "-qq", "--no-install-recommends", *packages], packages)
    return [re.sub(r"_.*", "", line.split()[1]) for line in said.splitlines() if line.startswith("'")]


def unpack(packages: Sequence[str], work: Path, target: Path) -> None:
    """Download exactly these packages and unpack them into a folder, where programs are in usr/bin and usr/sbin."""
    downloads = work / "packages"
    downloads.mkdir()
    with step(f"Fetching {len(packages)} packages of Debian (once)"):
        _apt(["apt-get", "download", "-qq", *packages], packages, downloads)
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(downloads.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", path, target], check=True)  # noqa: S603, S607  (what apt gave)
    for name in MERGED:
        folder = target / name
        if folder.is_dir() and not folder.is_symlink():
            shutil.copytree(folder, target / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(folder)
    for name in DOCUMENTATION:
        shutil.rmtree(target / "usr" / "share" / name, ignore_errors=True)
    shutil.rmtree(downloads)


def _apt(command: list[str], packages: Sequence[str], folder: Path | None = None) -> str:
    names = ", ".join(packages)
    if shutil.which(command[0]) is None:
        raise SandboxError(f"There is no apt-get to fetch {names} with: a real node needs Debian or Ubuntu.")
    done = subprocess.run(  # noqa: S603  (apt, with the names of our tables)
        command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SandboxError(
            f"apt-get does not give {names}: {done.stderr.strip()[-500:]}\n"
            "Run `apt-get update` as root, and the command again."
        )
    return done.stdout
