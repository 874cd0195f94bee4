"""The capability matrix: what every backend and engine can do, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops.core import registry
from pulumi_mlops.core.capabilities import FROM_BEST_TO_WORST, NOT_OFFERED, Entry, Level, Table, level


@dataclass(frozen=True)
class Row:
    """One line of the capability matrix."""

    capability: str
    cells: dict[str, Entry]
    """What each backend says, and each engine that has the noun."""


def installed() -> list[str]:
    """Name the backends and engines that are installed, backends first."""
    entries = {**registry.backends(), **registry.engines()}
    return sorted(
        (name for name, entry in entries.items() if not entry.missing), key=lambda n: not registry.is_backend(n)
    )


def matrix(names: list[str] | None = None) -> Iterator[Row]:
    """Yield the whole table of the named backends and engines (by default of all that are installed), a row each."""
    tables = {name: registry.load(name).capabilities for name in names or installed()}
    keys = {key for capabilities in tables.values() for key in capabilities}
    for key in sorted(keys, key=lambda key: (len(key) > 1, sorted(key))):
        cells = {
            name: table.get(key) or _of_parts(table, key)
            for name, table in tables.items()
            if registry.is_backend(name) or _nouns(key) <= {noun for other in table for noun in _nouns(other)}
        }
        yield Row(" + ".join(sorted(key)), cells)


def _nouns(key: frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in key}


def _of_parts(capabilities: Table, key: frozenset[str]) -> Entry:
    """Judge what a table does not list: one name is not offered, a combination is as good as its worst part."""
    if len(key) == 1:
        return NOT_OFFERED
    levels: list[Level] = [level(capabilities, name) for name in key]
    return Entry(max(levels, key=FROM_BEST_TO_WORST.index))
