"""The layers hold: what imports what, and that the package's public names agree with each other."""

import ast
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import pulumi_mlops
from pulumi_mlops.core import registry

PACKAGE = Path(pulumi_mlops.__file__).parent
BACKENDS = PACKAGE / "backends"
SDKS = {package for entry in registry.backends().values() for package in entry.packages} | {"botocore"}
NEUTRAL = [*PACKAGE.glob("*.py"), *(PACKAGE / "components").rglob("*.py"), *BACKENDS.glob("*.py")]


def imported(path: Path) -> Iterator[str]:
    """Name every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            assert node.module is not None
            yield from (f"{node.module}.{name.name}" for name in node.names)


def within(module: str, parent: str) -> bool:
    return module == parent or module.startswith(f"{parent}.")


@pytest.mark.parametrize("path", [path for path in NEUTRAL if "cli" not in path.parts], ids=lambda path: path.name)
def test_the_neutral_layers_import_no_cloud(path: Path) -> None:
    clouds = SDKS | {entry.folder for entry in registry.backends().values()}
    assert not [module for module in imported(path) if any(within(module, cloud) for cloud in clouds)]


@pytest.mark.parametrize("folder", [path for path in BACKENDS.iterdir() if path.is_dir() and any(path.glob("*.py"))])
def test_a_backend_imports_no_other_backend(folder: Path) -> None:
    own = f"pulumi_mlops.backends.{folder.name}"
    others = {entry.folder for entry in registry.backends().values()} - {own}
    for path in folder.rglob("*.py"):
        assert not [module for module in imported(path) if any(within(module, other) for other in others)], path


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_library_needs_neither_the_sandbox_nor_the_extra_of_its_command(path: Path) -> None:
    foreign = {"pulumi_mlops_sandbox", "platformdirs"} | (
        set() if path.parent == PACKAGE / "cli" else {"typer", "rich"}
    )
    assert not [module for module in imported(path) if any(within(module, name) for name in foreign)]


def test_importing_the_package_is_cheap() -> None:
    heavy = [*sorted(SDKS), "pydantic"]
    program = f"import sys, pulumi_mlops; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_lists_of_public_names_agree() -> None:
    (block,) = (node for node in ast.parse((PACKAGE / "__init__.py").read_text()).body if isinstance(node, ast.If))
    typed = {
        name.name: statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }
    assert typed == pulumi_mlops._MODULE_OF
    assert sorted(typed) == sorted(pulumi_mlops.__all__)


@pytest.mark.parametrize("name", pulumi_mlops.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(pulumi_mlops, name)
    if isinstance(found, types.UnionType):  # the forms of arguments that exclude each other
        forms = [form.__name__ for form in get_args(found)]
        assert [form.partition("With")[0] for form in forms] == [name] * len(forms)
        assert set(forms) <= set(pulumi_mlops.__all__)
    else:
        assert found.__name__ == name
