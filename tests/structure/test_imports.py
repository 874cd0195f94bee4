"""No circle of imports in the packages, imports that only type checkers see and imports inside functions included."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["src/pulumi_mlops", "sandbox/src/pulumi_mlops_sandbox"]

Graph = Mapping[str, set[str]]


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Name what a file imports: the module, and for `from a import b` also `a.b`, which may be one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def graph(package: Path) -> Graph:
    """Map each module of a package to those of the same package that it imports.

    The package's own `__init__` is left out: it presents what is below, and what is below may name it.
    """
    files = {module_name(path, package): path for path in package.rglob("*.py")}
    del files[package.name]
    return {
        name: {other for other in imported(path) if other in files and other != name} for name, path in files.items()
    }


def circle(found: Graph) -> list[str]:
    """Name the modules of a circle in order, the first one twice; nothing where there is none."""
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    found = graph(ROOT / package)
    assert any(found.values())
    assert circle(found) == []


@pytest.mark.parametrize(
    ("line", "modules"),
    [
        ("import thing.rooms.door", {"thing.house", "thing.rooms.door"}),
        ("from thing.rooms import door", {"thing.house", "thing.rooms.door"}),
        ("if TYPE_CHECKING:\n    from thing.rooms.door import Door", {"thing.house", "thing.rooms.door"}),
        ("def enter():\n    from thing.rooms.door import Door", {"thing.house", "thing.rooms.door"}),
        ("import thing\nfrom thing.rooms import window", set()),
    ],
)
def test_a_circle_is_found(line: str, modules: set[str], tmp_path: Path) -> None:
    package = tmp_path / "thing"
    (package / "rooms").mkdir(parents=True)
    (package / "__init__.py").write_text("from thing import house")
    (package / "house.py").write_text(line)
    (package / "rooms" / "__init__.py").touch()
    (package / "rooms" / "door.py").write_text("from thing.house import House")
    (package / "rooms" / "window.py").touch()
    assert set(circle(graph(package))) == modules


def test_an_init_that_imports_what_is_beside_it_is_a_circle(tmp_path: Path) -> None:
    package = tmp_path / "thing"
    (package / "rooms").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "rooms" / "__init__.py").write_text("from thing.rooms import door, window")
    (package / "rooms" / "door.py").write_text("from thing.rooms import window")
    (package / "rooms" / "window.py").touch()
    assert set(circle(graph(package))) == {"thing.rooms", "thing.rooms.door"}
