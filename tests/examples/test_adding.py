"""What the pages say of adding a backend, an engine and a noun is done here: built out of the page, installed, used."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^`([\w./-]+)`[^`]*?\n\n```(?:python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A file of a page: its name, words on it, and its text."""
CHANGE = re.compile(
    r"^`([\w./-]+)`[^`]*?\n\n((?:```diff\n(?:.*?)^```\n+)+)|^`([\w./-]+)` gets at its end:\n\n```toml\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
"""Lines that a file of a page gets: somewhere, as differences, or at its end."""
PROGRAM = """
import pathlib, sys
from support.mocks import Cloud
import pulumi_mlops as mlops

text = pathlib.Path(sys.argv[1]).read_text()
for way in ("update", "preview"):
    cloud = Cloud(preview=way == "preview")
    cloud.run(lambda: exec(compile(text, sys.argv[1], "exec"), {"__name__": "program"}))
    told = [[item.type, item.name, item.inputs] for item in cloud.registered], cloud.outputs, cloud.warnings
    print(way, *told, mlops.__all__)
"""
"""Runs the program of a page as an update and as a preview, and writes a line for each."""


def section(page: str, title: str) -> str:
    """Read a section of a page."""
    text = (ROOT / "docs" / page).read_text()
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def files_of(page: str, title: str) -> dict[str, str]:
    """Read the files that a section of a page shows."""
    return dict(FILE.findall(section(page, title)))


def follow(text: str, copy: Path) -> list[str]:
    """Do in a copy of the repository what a page says; return the files that are touched."""
    touched = []
    for name, differences, at_its_end, tail in CHANGE.findall(text):
        target = copy / (name or at_its_end)
        touched.append(name or at_its_end)
        if tail:
            target.write_text(f"{target.read_text()}\n{tail}")
        for difference in re.findall(r"```diff\n(.*?)^```", differences, re.MULTILINE | re.DOTALL):
            lines = difference.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
            after = "".join(f"{line[1:]}\n" for line in lines)
            there = target.read_text()
            assert there.count(before) == 1, f"{name}: not once in it:\n{before}"
            target.write_text(there.replace(before, after))
    return touched


@dataclass(frozen=True)
class Installed:
    """A distribution that was made out of a page."""

    source: Path
    site: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        paths = {"PYTHONPATH": os.pathsep.join([str(self.site), str(ROOT / "tests")])}
        line = [sys.executable, *command]
        environment = os.environ | paths | variables
        return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def ask(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @functools.cached_property
    def said(self) -> dict[str, str]:
        """What the program of the page registers in each way; it is run once."""
        return by_way(self.ask("-c", PROGRAM, str(self.source / "program.py")))


def by_way(said: str) -> dict[str, str]:
    """Sort the lines of the program by the way that they are about."""
    return {line.partition(" ")[0]: line for line in said.splitlines()}


def install(folder: Path, files: dict[str, str]) -> Installed:
    """Write the files, build the wheel that an installer would, and put it where Python looks for distributions."""
    source = folder / "source"
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    (package,) = (source / "src").iterdir()
    (package / "__init__.py").touch()
    build = [sys.executable, "-P", "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return Installed(source, folder / "site")


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    files = files_of("adding-a-backend.md", "A backend with a platform alone")
    return install(tmp_path_factory.mktemp("backend"), files)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("engine"), files_of("adding-a-noun.md", "An engine of another distribution"))


@pytest.mark.parametrize("kind", ["backend", "engine"])
def test_type_checkers_take_it(kind: str, request: pytest.FixtureRequest) -> None:
    found: Installed = request.getfixturevalue(kind)
    done = found.run("-m", "mypy", "--strict", str(found.source / "src"), MYPYPATH=str(found.source / "src"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("kind", "name"), [("backend", "example"), ("engine", "acme")])
def test_doctor_and_matrix_list_it(kind: str, name: str, request: pytest.FixtureRequest) -> None:
    found: Installed = request.getfixturevalue(kind)
    told = json.loads(found.run("-m", "pulumi_mlops", "doctor", "--json").stdout)
    checks = {check["what"]: check["state"] for check in told}
    assert checks[f"{kind} {name}"] == checks["engine wandb"] == checks["backend aws"] == "ok"
    table = json.loads(found.ask("-m", "pulumi_mlops", "matrix", "--json"))
    assert {row for row, cells in table.items() if cells.get(name, {}).get("level") == "native"} == {
        "platform" if kind == "backend" else "experiment_tracker"
    }
    assert (name in table["endpoint"]) == (kind == "backend"), "an engine has no cell for nouns that it does not know"


@pytest.mark.parametrize("way", ["update", "preview"])
@pytest.mark.parametrize("kind", ["backend", "engine"])
def test_the_program_of_the_page_runs(kind: str, way: str, request: pytest.FixtureRequest) -> None:
    found: Installed = request.getfixturevalue(kind)
    said = found.said[way]
    assert ("example:index:Bucket" if kind == "backend" else "pulumi-mlops:index:ExperimentTracker") in said


def test_the_token_is_where_the_platforms_secrets_are(engine: Installed) -> None:
    said = engine.said["update"]
    assert said.count("not-for-anyones-eyes") == 1, "on AWS as it is, on Kubernetes as base64"
    assert "[withheld]" in said


def test_bad_arguments_of_an_engine_are_told_as_a_components(engine: Installed, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import acme_runs\nacme_runs.Runs(project='', token=3, colour='blue')\n")
    done = engine.run("-c", PROGRAM, str(program))
    told = done.stderr.partition("InvalidArgs: ")[2].splitlines()
    assert told[0] == "Runs 'acme': 3 problems; nothing was registered."
    assert [line.split(":")[0].strip("- ") for line in told[1:4]] == ["project", "token", "colour"]


def test_the_suite_takes_a_platform_alone(backend: Installed) -> None:
    done = backend.run(
        *("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/conformance"),
        *("-k", "example"),
        CONFORMANCE_FURTHER=str(backend.source / "conformance.py"),
    )
    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 100, "every capability of every noun is asked for"
    assert "skipped" not in done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the repository, and do there what the page says of a noun."""
    folder = tmp_path_factory.mktemp("noun")
    for name in ("src", "tools", "docs", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, folder)
    text = section("adding-a-noun.md", "A noun of this repository")
    for name, found in files_of("adding-a-noun.md", "A noun of this repository").items():
        if name.startswith("src/") or name == "program.py":
            (folder / name).write_text(found)
    assert len(follow(text, folder)) == 9
    for tool in ("generate_interface", "generate_docs"):
        in_copy(folder, f"tools/{tool}.py")
    return folder


def in_copy(folder: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder / "tests")])}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_noun_of_the_page_is_there(copy: Path) -> None:
    for said in by_way(in_copy(copy, "-c", PROGRAM, str(copy / "program.py"))).values():
        registered, _, exported = said.rpartition("[")
        assert "aws:cloudwatch/dashboard:Dashboard" in registered
        assert "'Dashboard'" in exported
    page = (copy / "docs" / "nouns" / "dashboard.md").read_text()
    assert "aws.cloudwatch.Dashboard" in page
    assert "native resources on kubernetes" not in page.lower()


def test_type_checkers_take_the_noun_of_the_page(copy: Path) -> None:
    in_copy(copy, "-m", "ruff", "check", "src/pulumi_mlops/components", "src/pulumi_mlops/backends")
    in_copy(copy, "-m", "ruff", "format", "--check", "src/pulumi_mlops/components", "src/pulumi_mlops/backends")
    files = ("src/pulumi_mlops/components/dashboard.py", "src/pulumi_mlops/backends/aws/dashboard.py")
    in_copy(copy, "-m", "pyright", "--pythonpath", sys.executable, *files, "src/pulumi_mlops/backends/aws/engine.py")


def test_the_suite_takes_the_noun_of_the_page(copy: Path) -> None:
    found = "(dashboard or nothing_is_missing or every_capability_has) and not engine"
    said = in_copy(copy, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/conformance", "-k", found)
    (passed,) = re.findall(r"(\d+) passed", said)
    assert int(passed) > 20
