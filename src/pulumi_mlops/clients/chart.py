"""How the nouns of a stack hang together, drawn as SVG in columns: data on the left, what serves on the right.

What passes a column on its way goes between the boxes there: such a place is a box without a name while the boxes are
put in order, each near to those that it is connected with.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pulumi_mlops.clients.nouns import PLATFORM, Key, Link

_COLUMNS = (
    ("FeatureStore", "LabelingProject"),
    ("Dataset", "FeatureGroup", "TrainingCluster", "ExperimentTracker"),
    ("Pipeline", "ModelRegistry"),
    ("Model",),
    ("Endpoint", "BatchInference"),
    ("Monitor",),
)
_RANK = {noun: rank for rank, nouns in enumerate(_COLUMNS) for noun in nouns}
LEFT_OUT = frozenset({PLATFORM, "Identity"})
"""Everything stands on the platform, and who may do what is no flow."""
_BACK = frozenset({"run", "output", "publish", "starts"})
"""Arguments that name what comes after, not what is used."""
_WIDE, _HIGH, _THROUGH, _ACROSS, _BETWEEN, _EDGE = 176, 46, 12, 72, 18, 14
_LONGEST = 22
_SWEEPS = 6


@dataclass(frozen=True)
class _Arrow:
    """An arrow, which goes as data does."""

    source: Key
    target: Key
    how: str


Place = Key | tuple[_Arrow, int]
"""A noun, or an arrow that passes a column."""


def drawn(nouns: Sequence[Key], links: Sequence[Link]) -> str:
    """Draw a chart; a text without anything where there is nothing to draw."""
    shown = [one for one in nouns if one.noun not in LEFT_OUT]
    if not shown:
        return ""
    ranks = {one: _RANK.get(one.noun, len(_COLUMNS)) for one in shown}
    used = sorted(set(ranks.values()))
    column = {one: used.index(rank) for one, rank in ranks.items()}
    arrows = [_arrow(one, column) for one in links if one.user in column and one.used in column]
    layout = _Layout(column, arrows)
    parts = [*map(layout.line, arrows), *(layout.box(one) for one in shown)]
    size = f'width="{layout.width}" height="{layout.height}" viewBox="0 0 {layout.width} {layout.height}"'
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    return f'<svg role="img" aria-label="How the nouns hang together" {size}>{head}{"".join(parts)}</svg>'


def _arrow(link: Link, column: Mapping[Key, int]) -> _Arrow:
    words = link.how.split(".")
    fields = words[2:] if words[0] == "steps" else words
    if _BACK & set(fields) or column[link.user] < column[link.used]:
        return _Arrow(link.user, link.used, link.how)
    return _Arrow(link.used, link.user, link.how)


class _Layout:
    """Where everything is."""

    def __init__(self, column: Mapping[Key, int], arrows: Sequence[_Arrow]) -> None:
        self.column = column
        rows: list[list[Place]] = [[] for _ in range(max(column.values()) + 1)]
        for one, at in column.items():
            rows[at].append(one)
        self.ways: dict[_Arrow, list[Place]] = {}
        for arrow in arrows:
            between = range(column[arrow.source] + 1, column[arrow.target])
            self.ways[arrow] = [arrow.source, *((arrow, at) for at in between), arrow.target]
            for at in between:
                rows[at].append((arrow, at))
        _ordered(rows, list(self.ways.values()))
        heights = [sum(map(_high, row)) + _BETWEEN * (len(row) - 1) for row in rows]
        back = any(column[one.source] > column[one.target] for one in arrows)
        self.below = max(heights) + 2 * _EDGE
        self.height = self.below + (2 * _EDGE if back else 0)
        self.width = len(rows) * _WIDE + (len(rows) - 1) * _ACROSS + 2 * _EDGE
        self.middle: dict[Place, float] = {}
        for row, high in zip(rows, heights, strict=True):
            top = (self.below - high) / 2
            for place in row:
                self.middle[place] = top + _high(place) / 2
                top += _high(place) + _BETWEEN

    def left(self, at: int) -> int:
        """Return where a column begins."""
        return _EDGE + at * (_WIDE + _ACROSS)

    def box(self, one: Key) -> str:
        """Draw a noun, which leads to its row in the page."""
        x, y = self.left(self.column[one]), self.middle[one] - _HIGH / 2
        name = one.name if len(one.name) <= _LONGEST else f"{one.name[: _LONGEST - 1]}…"
        return (
            f'<a href="#{html.escape(anchor(one))}"><g class="box"><title>{html.escape(str(one))}</title>'
            f'<rect x="{x}" y="{y:g}" width="{_WIDE}" height="{_HIGH}" rx="7"/>'
            f'<text class="dim" x="{x + 12}" y="{y + 18:g}">{html.escape(one.noun)}</text>'
            f'<text class="name" x="{x + 12}" y="{y + 36:g}">{html.escape(name)}</text></g></a>'
        )

    def line(self, arrow: _Arrow) -> str:
        """Draw an arrow."""
        source, target = self.column[arrow.source], self.column[arrow.target]
        start, end = self.middle[arrow.source], self.middle[arrow.target]
        title = html.escape(f"{arrow.source} → {arrow.target}: {arrow.how}")
        if source < target:
            path, kind = " ".join(self._forward(source, self.ways[arrow])), "line"
        elif source == target:
            side = self.left(source) + _WIDE
            path, kind = f"M{side} {start:g}C{side + 44} {start:g} {side + 44} {end:g} {side} {end:g}", "line"
        else:
            path, kind = self._back(arrow), "line back"
        return f'<path class="{kind}" d="{path}" marker-end="url(#head)"><title>{title}</title></path>'

    def _back(self, arrow: _Arrow) -> str:
        """Lead down between columns, below all boxes, and up again between columns."""
        first, last = self.left(self.column[arrow.source]), self.left(self.column[arrow.target]) + _WIDE
        start, end, low = self.middle[arrow.source], self.middle[arrow.target], self.height - 4
        down, up, bend = first - _ACROSS / 2, last + _ACROSS / 2, _ACROSS / 4
        if down == up:
            return f"M{first} {start:g}C{down:g} {start:g} {down:g} {end:g} {last} {end:g}"
        return (
            f"M{first} {start:g}Q{down:g} {start:g} {down:g} {start + bend:g}V{low - bend:g}"
            f"Q{down:g} {low} {down - bend:g} {low}H{up + bend:g}Q{up:g} {low} {up:g} {low - bend:g}"
            f"V{end + bend:g}Q{up:g} {end:g} {last} {end:g}"
        )

    def _forward(self, at: int, way: Sequence[Place]) -> Iterator[str]:
        yield f"M{self.left(at) + _WIDE} {self.middle[way[0]]:g}"
        for before, place in pairwise(way):
            at += 1
            x, y, came = self.left(at), self.middle[place], self.middle[before]
            yield f"C{x - _ACROSS / 2:g} {came:g} {x - _ACROSS / 2:g} {y:g} {x} {y:g}"
            if not isinstance(place, Key):
                yield f"H{x + _WIDE}"


def anchor(one: Key) -> str:
    """Return the id of a noun's row."""
    return f"{one.noun}-{one.name}"


def _high(place: Place) -> int:
    return _HIGH if isinstance(place, Key) else _THROUGH


def _ordered(rows: list[list[Place]], ways: Sequence[Sequence[Place]]) -> None:
    """Put each column in order, by where the neighbours of its places are, to and fro until it is calm."""
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for way in ways:
        for one, other in pairwise(way):
            before.setdefault(other, []).append(one)
            after.setdefault(one, []).append(other)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        near = before if forth else after
        for row in rows if forth else reversed(rows):
            at = {place: index / len(other) for other in rows for index, place in enumerate(other)}

            def where(place: Place, at: Mapping[Place, float] = at, near: Mapping[Place, list[Place]] = near) -> float:
                found = [at[one] for one in near.get(place, [])]
                return sum(found) / len(found) if found else at[place]

            row.sort(key=where)
