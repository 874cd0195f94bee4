"""The real projects' own packages, in a virtual environment of their own in the user's cache.

MLflow, Feast, and servers of the kinds that they talk to (Postgres, Valkey, S3) are no dependencies of the library:
tests and sandbox run them as processes, so that what is generated is judged by those that it is for. The pins are in
``packages.txt``; another list, or another Python, is another environment.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from pulumi_mlops_sandbox.building import cache, once
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import Step, step

WHAT = "MLflow, Feast and their servers"
DATABASE = "mlflow.db"
"""An empty database of MLflow's beside the programs: filling one with tables takes longer than a start."""
_PINS = "packages.txt"
_LOOK_SECONDS = 0.5


def pins() -> str:
    """Return the pinned requirements."""
    return resources.files("pulumi_mlops_sandbox").joinpath(_PINS).read_text()


def _name() -> str:
    digest = hashlib.sha256(pins().encode()).hexdigest()[:12]
    return f"packages-{digest}-py{sys.version_info.major}{sys.version_info.minor}"


def find() -> Path | None:
    """Find the folder with the environment's programs, or nothing."""
    folder = cache() / _name() / "bin"
    return folder if (folder / "python").is_file() and (folder.parent / DATABASE).is_file() else None


def ensure() -> Path:
    """Find the folder with the environment's programs (``python``, ``mlflow``, ``feast``), or make it: 1.4 GB."""
    return once(_name(), WHAT, find, _make)


def _make(work: Path) -> None:
    product = work / "product"
    with step(f"Installing {WHAT}") as progress:
        install(pins(), product, work, progress)
        upgrade = [str(product / "bin" / "mlflow"), "db", "upgrade", f"sqlite:///{product / DATABASE}"]
        _run(upgrade, work, progress)


def install(requirements: str, product: Path, work: Path, progress: Step) -> None:
    """Make an environment of pinned requirements, with this Python."""
    listed, total = work / _PINS, len(requirements.splitlines())
    listed.write_text(requirements)
    uv = _uv(work)
    # Relocatable, since the folder is moved to its place when it is complete.
    _run([uv, "venv", "--relocatable", "--python", sys.executable, str(product)], work, progress, product, total)
    command = [uv, "pip", "install", "--compile-bytecode", "--python", str(product / "bin" / "python")]
    _run([*command, "-r", str(listed)], work, progress, product, total)


def _uv(work: Path) -> str:
    """Find uv beside this Python or on PATH, or install it for this once."""
    beside = Path(sys.executable).with_name("uv")
    if beside.is_file():
        return str(beside)
    if found := shutil.which("uv"):
        return found
    with step("Installing uv") as progress:
        _run([sys.executable, "-m", "venv", str(work / "installer")], work, progress)
        python = work / "installer" / "bin" / "python"
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], work, progress)
    return str(python.with_name("uv"))


def _run(command: Sequence[str], work: Path, progress: Step, product: Path | None = None, total: int = 0) -> None:
    """Run a step of the installation, showing how many packages are there."""
    log = work / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(  # noqa: S603  (installers that were named above)
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            while True:
                try:
                    process.wait(_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    there = len(list(product.glob("lib/*/site-packages/*.dist-info"))) if product else 0
                    progress.update(f"{there} of {total} packages" if total else "")
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise SandboxError(
            f"`{' '.join(command[:3])}` failed while preparing {WHAT}:\n{log.read_text()[-1500:].strip()}\n"
            "Is a Python package index reachable?"
        )


def main() -> None:
    """Have them: ``python -m pulumi_mlops_sandbox.packages``."""
    try:
        sys.stdout.write(f"{ensure()}\n")
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
