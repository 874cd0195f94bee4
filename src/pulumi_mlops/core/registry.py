"""Which engines there are. Imports none of them: an engine is loaded when a platform or a component names it.

Other distributions name engines of their own by entry points of the groups ``pulumi_mlops.backends`` and
``pulumi_mlops.engines``: ``name = "module:ENGINE"``.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import ParamSpec, TypeVar

from pulumi_mlops.core.engines import Engine, Task
from pulumi_mlops.core.errors import MissingBackend, Unsupported

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Entry:
    """Where an engine is and what must be installed for it."""

    target: str
    """``module:attribute``."""
    packages: tuple[str, ...] = ()
    """Packages that it imports."""
    install: str = ""
    """The line that installs them."""

    @property
    def folder(self) -> str:
        """The package that its module is in."""
        return self.target.partition(":")[0].rpartition(".")[0]

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]

    def load(self) -> Engine:
        """Import it."""
        module, _, attribute = self.target.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute, None)
        except ImportError as error:
            raise MissingBackend(f"{self.target} cannot be imported: {error}.") from error
        if not isinstance(found, Engine):
            raise MissingBackend(f"{self.target} is not an Engine; the entry point must name one, as 'module:ENGINE'.")
        return found


@cache
def backends() -> dict[str, Entry]:
    """Return every backend by name."""
    return _entries("backends")


@cache
def engines() -> dict[str, Entry]:
    """Return every engine by name that is no backend."""
    return _entries("engines")


def _entries(kind: str) -> dict[str, Entry]:
    """Read what installed distributions bring, and what is ours; ours wins."""
    installed = {point.name: Entry(point.value) for point in entry_points(group=f"pulumi_mlops.{kind}")}
    return installed | ours(kind)


@cache
def ours(kind: str) -> dict[str, Entry]:
    """Return the backends or engines of this distribution; no list of installed distributions is read for them."""
    found: dict[str, Entry] = importlib.import_module(f"pulumi_mlops.{kind}").ENTRIES
    return found


def _entry(name: str) -> Entry | None:
    """Find an engine; ours first, so that they need no list of what is installed."""
    return ours("backends").get(name) or ours("engines").get(name) or backends().get(name) or engines().get(name)


def load(name: str) -> Engine:
    """Import an engine by name, or say which names there are and what to install."""
    entry = _entry(name)
    if entry is None:
        raise MissingBackend(f"There is no backend {name!r}; write one of: {', '.join(sorted(backends()))}.")
    if entry.missing:
        who = titled(name)
        raise MissingBackend(f"{who[0].upper()}{who[1:]} needs {' and '.join(entry.missing)}; run: {entry.install}")
    return entry.load()


def load_engine(name: str) -> Engine:
    """Import the engine that arguments name, which may be one of a distribution that does not register it."""
    if not known(name):
        raise MissingBackend(
            f"There is no engine {name!r} among those that are installed; its distribution must name it by an entry "
            "point of the group pulumi_mlops.engines."
        )
    return load(name)


def is_backend(name: str) -> bool:
    """Tell a backend from an engine that belongs to none."""
    return name in ours("backends") or (name not in ours("engines") and (name in backends() or name not in engines()))


def titled(name: str) -> str:
    """Name an engine as errors do: ``backend 'example'`` or ``engine 'another'``."""
    return f"{'backend' if is_backend(name) else 'engine'} {name!r}"


def known(name: str) -> bool:
    """Tell whether there is an engine of this name."""
    return _entry(name) is not None


def find(name: str, task: Task[P, R]) -> Callable[P, R]:
    """Return the function of an engine that does something, or say that it has none."""
    function = load(name).find(task)
    if function is None:
        raise Unsupported(f"{task.name}: {titled(name)} cannot do this; `pulumi-mlops matrix` lists what it can.")
    return function
