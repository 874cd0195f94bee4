"""Alternating runs, their medians and ratios, and how they are printed."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Sample = Mapping[str, float]
"""One run: a figure by name."""


@dataclass(frozen=True)
class Row:
    """One line of the result: ours against the yardstick, run by run."""

    what: str
    unit: str
    ours: Sequence[float]
    yardstick: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Each run against the one beside it, since the machine's load changes from one minute to the next."""
        return [mine / other for mine, other in zip(self.ours, self.yardstick, strict=True)]

    def cells(self) -> list[str]:
        """Write the line."""
        low, high = min(self.ratios), max(self.ratios)
        spread = f"{low:.2f}-{high:.2f}" if len(self.ratios) > 1 else "one run"
        middle = [f"{_short(statistics.median(values))} {self.unit}" for values in (self.ours, self.yardstick)]
        return [self.what, *middle, f"{statistics.median(self.ratios):.2f}", spread]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 (three digits either way)


def alternate(runs: int, sides: Mapping[str, Callable[[], Sample]], *, thrown_away: int = 1) -> dict[str, list[Sample]]:
    """Run each side in turn. The first round is thrown away: it writes bytecode and fills the disk's cache."""
    made: dict[str, list[Sample]] = {name: [] for name in sides}
    for turn in range(thrown_away + runs):
        for name, measure in sides.items():
            sample = measure()
            if turn >= thrown_away:
                made[name].append(sample)
    return made


def figures(samples: Sequence[Sample], name: str) -> list[float]:
    """Pick one figure of each run."""
    return [sample[name] for sample in samples]


def show(title: str, rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
    """Print a table on a terminal, plain lines elsewhere."""
    heads = ["what", "ours", "yardstick", "ratio", "min-max"]
    if sys.stdout.isatty():
        table = Table(title=title, title_justify="left")
        for at, head in enumerate(heads):
            table.add_column(head, justify="right" if at else "left")
        for row in rows:
            table.add_row(*row.cells())
        console = Console()
        console.print(table)
        for note in notes:
            console.print(note, markup=False, highlight=False)
        return
    print(title)
    lines = [heads, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        first, *rest = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join([f"  {first}", *rest]))
    for note in notes:
        print(f"  {note}")
    print(flush=True)
