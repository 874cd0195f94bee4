"""The capability matrix: what every backend and engine can do, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops.core import registry
from pulumi_mlops.core.capabilities import FROM_BEST_TO_WORST, Entry, Level, Table, level


@dataclass(frozen=True)
class Row:
    """One line of the capability matrix."""

    capability: str
    cells: dict[str, Entry]


def matrix(backends: list[str] | None = None) -> Iterator[Row]:
    """Yield the whole table of the named backends (by default of all that are installed), a capability a row."""
    names = backends or [name for name, entry in registry.backends().items() if not entry.missing]
    tables = {name: registry.load(name).capabilities for name in names}
    keys = {key for capabilities in tables.values() for key in capabilities}
    for key in sorted(keys, key=lambda key: (len(key) > 1, sorted(key))):
        cells = {name: tables[name].get(key) or _of_parts(tables[name], key) for name in names}
        yield Row(" + ".join(sorted(key)), cells)


def _of_parts(capabilities: Table, key: frozenset[str]) -> Entry:
    """Judge what a table does not list: one name is not offered, a combination is as good as its worst part."""
    if len(key) == 1:
        return Entry("absent", "not offered")
    levels: list[Level] = [level(capabilities, name) for name in key]
    return Entry(max(levels, key=FROM_BEST_TO_WORST.index))
