"""What reports for pull requests are made of."""

from collections.abc import Iterable, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Write a table, a line a row."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells)]


def folded(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Write a table of which only the title is seen until somebody opens it."""
    return ["", f"<details><summary>{title}</summary>", "", *table(head, rows), "", "</details>"]
