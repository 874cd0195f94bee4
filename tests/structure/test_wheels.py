"""The wheels hold what their distribution is: every file of its own package, and nothing of the other's."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = [(".", "pulumi_mlops"), ("sandbox", "pulumi_mlops_sandbox")]


def files_of(package: Path) -> set[str]:
    """Name every file of a package, data files among them, as a wheel names them."""
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    return {path.relative_to(package.parent).as_posix() for path in files}


@pytest.mark.parametrize(("project", "package"), PROJECTS, ids=[package for _, package in PROJECTS])
def test_a_wheel_holds_its_package_whole_and_no_other(project: str, package: str, tmp_path: Path) -> None:
    folder = ROOT / project
    build = [sys.executable, "-P", "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files_of(folder / "src" / package)


def test_the_sandbox_has_data_files() -> None:
    """Keep the test above honest: it would pass if it saw Python files only."""
    kinds = {Path(name).suffix for name in files_of(ROOT / "sandbox" / "src" / "pulumi_mlops_sandbox")}
    assert {".go", ".txt", ".yaml"} <= kinds
