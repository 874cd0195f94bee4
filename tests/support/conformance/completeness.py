"""What a backend must have to be one: the list that a new one is finished by."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi_mlops.backends
from pulumi_mlops import bridges
from pulumi_mlops.components.monitor import MANAGED
from pulumi_mlops.core import primitives, registry
from pulumi_mlops.core.capabilities import Table, level
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.naming import snake
from support.conformance.evidence import NATIVE
from support.conformance.programs import PROGRAMS
from support.conformance.words import WORDS

FOLDER = Path(next(iter(pulumi_mlops.backends.__path__)))
EXTRA = "CONFORMANCE_EXTRA_BACKENDS"
"""Environment variable: a further folder of backends, for the test of this very list."""
FILES = ("capabilities.py", "engine.py", "notes.py", "platform.py")
"""What each backend of this repository has."""
WITH_NOUNS = ("access.py", "checks.py", "live.py")
"""What one has that builds more than a platform."""
HOMES = {
    part.task: f"{part.function.__module__.rpartition('.')[2]}.py"
    for name in registry.ours("backends")
    for part in registry.load(name).provides
}
"""Everything that backends build or answer, and the file that it is in: what any of ours does is asked of each, and the
files have the same names, so that who knows one backend finds their way in another."""
TASKS = sorted(HOMES)

PRIMITIVES = {task.name: task.capability for task in (*primitives.PRIMITIVES, MANAGED)}
"""What a table says of each primitive."""


def backends() -> dict[str, Path | None]:
    """Find every backend: those that the registry names, and those that have a folder."""
    folders = [FOLDER, *([Path(os.environ[EXTRA])] if EXTRA in os.environ else [])]
    found: dict[str, Path | None] = dict.fromkeys(registry.backends())
    for folder in folders:
        found |= {item.parent.name: item.parent for item in sorted(folder.glob("*/__init__.py"))}
    return found


def missing(name: str, folder: Path | None) -> list[str]:
    """List everything that a backend lacks, a line each."""
    engine = _load(name, folder)
    table: Table = engine.capabilities if engine else {}
    return [
        *_registration(name),
        *_files(folder, engine),
        *_tasks(engine, table),
        *_entries(name, engine, table, folder),
    ]


def _load(name: str, folder: Path | None) -> Engine | None:
    if name in registry.backends():
        return registry.load(name)
    if folder is None or not (folder / "engine.py").exists():
        return None
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", folder / "engine.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    engine: Engine = module.ENGINE
    return engine


def _registration(name: str) -> Iterator[str]:
    if name not in registry.backends():
        yield f"registry.backends(): no line for {name!r}"


def _files(folder: Path | None, engine: Engine | None) -> Iterator[str]:
    """List the files that it lacks; another distribution lays out its files as it likes."""
    if folder is None:
        return
    tasks = set(engine.tasks) if engine else set()
    wanted = {*FILES, *(HOMES[task] for task in tasks & set(HOMES)), *(WITH_NOUNS if tasks - {"Platform"} else ())}
    yield from (f"file {file}: not there" for file in sorted(wanted) if not (folder / file).exists())


def _tasks(engine: Engine | None, table: Table) -> Iterator[str]:
    """List what it does not do though its table has it; the type checkers compare the rest."""
    for task in TASKS:
        noun, _, question = task.partition(".")
        asked = PRIMITIVES.get(task) or snake(noun) + (".existing" if question == "existing" else "")
        has = task == "Platform" or level(table, asked) != "absent"
        if task == bridges.APART.name:  # asked of whoever bridges something
            has = any(level(table, name) != "absent" for name in bridges.NAMES)
        if has and not (engine and task in engine.tasks):
            yield f"ENGINE: nothing does {task}"


def _entries(backend: str, engine: Engine | None, table: Table, folder: Path | None) -> Iterator[str]:
    if engine is None:
        yield "ENGINE: not there"
    if level(table, "platform") == "absent":
        yield "CAPABILITIES: no entry for 'platform'"
    # What is not listed is absent. A backend of this repository says of each part of its nouns why, and what to write.
    for name in sorted(PROGRAMS) if folder else ():
        if " + " not in name and frozenset([name]) not in table and level(table, name.partition(".")[0]) != "absent":
            yield f"CAPABILITIES: no entry for {name!r}"
    for key, entry in table.items():
        name = " + ".join(sorted(key))
        if entry.level in ("absent", "lossy") and not (entry.reason and entry.instead):
            yield f"CAPABILITIES: {name!r} is {entry.level}, without a reason and what to write instead"
    if backend not in WORDS:
        yield f"tests/support/conformance/words.py: no Words for {backend!r}"
    yield from _evidence(backend, table)


def _evidence(backend: str, table: Table) -> Iterator[str]:
    if backend not in NATIVE:
        yield f"tests/support/conformance/evidence.py: no native evidence for {backend!r}"
        return
    told: Mapping[str, Any] = NATIVE[backend]
    made = {
        " + ".join(sorted(key)) for key, entry in table.items() if entry.level != "absent" and " + " not in sorted(key)
    }
    made = {name for name in made if " + " not in name}
    for name in sorted(made - {name for name, pieces in told.items() if pieces}):
        yield f"tests/support/conformance/evidence.py: {backend!r} says nothing of {name!r}, which is not absent"
    for name in sorted(set(told) - made):
        yield f"tests/support/conformance/evidence.py: {backend!r} speaks of {name!r}, which its table does not have"
