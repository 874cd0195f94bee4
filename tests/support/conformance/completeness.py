"""What a backend must have to be one: the list that a new one is finished by."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi_mlops.backends
from pulumi_mlops.core import primitives, registry
from pulumi_mlops.core.capabilities import Table
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.naming import snake
from support.conformance.evidence import NATIVE
from support.conformance.programs import PROGRAMS
from support.conformance.words import WORDS

FOLDER = Path(next(iter(pulumi_mlops.backends.__path__)))
EXTRA = "CONFORMANCE_EXTRA_BACKENDS"
"""Environment variable: a further folder of backends, for the test of this very list."""
FILES = (
    "access.py",
    "capabilities.py",
    "checks.py",
    "endpoint.py",
    "engine.py",
    "existing.py",
    "feature_store.py",
    "identity.py",
    "live.py",
    "model_registry.py",
    "notes.py",
    "platform.py",
    "secrets.py",
)
"""The same file names in each, so that who knows one backend finds their way in another."""
TASKS = sorted({task for name in registry.ours("backends") for task in registry.load(name).tasks})
"""Everything that backends build or answer: what any of ours does is asked of each."""

PRIMITIVES = {task.name: task.capability for task in primitives.PRIMITIVES}
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
    if folder is None:
        return [f"backends/{name}: there is no such folder, though registry.backends() names it"]
    engine = _load(name, folder)
    table: Table = engine.capabilities if engine else {}
    return [*_registration(name), *_files(folder), *_tasks(engine, table), *_entries(name, engine, table)]


def _load(name: str, folder: Path) -> Engine | None:
    if name in registry.backends():
        return registry.load(name)
    if not (folder / "engine.py").exists():
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


def _files(folder: Path) -> Iterator[str]:
    yield from (f"file {file}: not there" for file in FILES if not (folder / file).exists())


def _tasks(engine: Engine | None, table: Table) -> Iterator[str]:
    """List what it does not do, but for nouns that it says it does not have; the type checkers compare the rest."""
    for task in TASKS:
        entry = table.get(frozenset([PRIMITIVES.get(task) or snake(task.partition(".")[0])]))
        if not (entry is not None and entry.level == "absent") and not (engine and task in engine.tasks):
            yield f"ENGINE: nothing does {task}"


def _entries(backend: str, engine: Engine | None, table: Table) -> Iterator[str]:
    if engine is None:
        yield "ENGINE: not there"
    for name in sorted(PROGRAMS):
        noun = table.get(frozenset([name.partition(".")[0]]))
        if " + " not in name and frozenset([name]) not in table and not (noun and noun.level == "absent"):
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
