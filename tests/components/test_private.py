"""Pulumi's private parts stand in one module, and are what that module takes them for."""

import ast
import asyncio
import gc
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import Settings, mocks
from pulumi.runtime.settings import SETTINGS, get_monitor
from pulumi.runtime.sync_await import _sync_await

import pulumi_mlops
from pulumi_mlops.core import private
from support.mocks import Cloud

PACKAGE = Path(pulumi_mlops.__file__).parent
HOME = PACKAGE / "core" / "private.py"
PROTOCOL = PACKAGE / "policies" / "pack.py"
"""A policy pack is asked by the engine in a protocol, whose messages Pulumi generates and keeps as they are."""
PUBLIC = {"is_dry_run", "invoke"}
"""What the library uses of ``pulumi.runtime`` that Pulumi documents."""


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_collected_while_parsing() -> Iterator[None]:
    """Log what earlier tests left behind before files are parsed.

    A traceback that is logged while garbage is collected parses too, and Python 3.11 cannot parse twice at one time.
    To collect takes seconds where Pulumi's SDKs are loaded: it is done once, not for each file.
    """
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def own(path: Path) -> Iterator[str]:
    """Name every private part of Pulumi that a file uses, in whatever form it is written."""
    tree = ast.parse(path.read_text())
    borrowed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            names = [f"{module}.{name.name}" if module else name.name for name in node.names]
            ours = [name for name in names if name.split(".")[0] == "pulumi"]
            borrowed |= {name.asname or name.name.split(".")[0] for name in node.names} if ours else set()
            yield from (name for name in ours if is_private(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name.split(".")[0] in borrowed and is_private(name):
                yield name


def is_private(name: str) -> bool:
    """Whether a dotted name is private, or is of ``pulumi.runtime`` beyond what the library may use."""
    parts = name.split(".")
    inner = parts[2] if parts[:2] == ["pulumi", "runtime"] and len(parts) > 2 else "invoke"
    return inner not in PUBLIC or any(part.startswith("_") and not part.startswith("__") for part in parts)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_other_module_touches_a_private_part(path: Path) -> None:
    assert bool(list(own(path))) == (path in (HOME, PROTOCOL))


@pytest.mark.parametrize(
    "line",
    [
        "from pulumi.runtime.sync_await import _sync_await",
        "from pulumi.runtime import mocks",
        "import pulumi.runtime.settings",
        "import pulumi\npulumi.runtime.settings.SETTINGS",
        "import pulumi as p\np.Output._future",
        "from pulumi import Output\nOutput._is_known",
        "from pulumi._types import input_type",
    ],
)
def test_the_search_finds_each_form(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(line)
    assert list(own(tmp_path / "a.py"))


def test_what_is_private_has_the_form_that_is_relied_on() -> None:
    assert str(inspect.signature(_sync_await)).startswith("(awaitable:")
    assert not inspect.signature(get_monitor).parameters
    assert inspect.isclass(mocks.MockMonitor)
    assert {"monitor", "project"} <= set(inspect.signature(Settings.__init__).parameters)


def test_a_program_under_mocks_is_recognised() -> None:
    assert Cloud().run(private.mocked)
    assert Cloud(preview=True).run(private.mocked)


def test_pulumis_own_mocks_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mocks(mocks.Mocks):
        def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
            return args.args

        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            return args.name, args.inputs

    monkeypatch.setattr(SETTINGS, "monitor", mocks.MockMonitor(Mocks()))
    assert private.mocked()


@pytest.mark.parametrize("monitor", [None, object()])
def test_an_engine_is_not_taken_for_mocks(monitor: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SETTINGS, "monitor", monitor)
    assert not private.mocked()


def test_a_value_is_waited_for_inside_a_running_program() -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "there"

    async def program() -> tuple[str, str]:
        return private.resolve(later()), await later()

    async def failing() -> str:
        await asyncio.sleep(0)
        raise LookupError("no")

    assert asyncio.run(program()) == ("there", "there")
    assert Cloud().run(lambda: private.resolve(pulumi.Output.from_input("known").future())) == "known"
    with pytest.raises(LookupError):
        Cloud().run(lambda: private.resolve(failing()))
