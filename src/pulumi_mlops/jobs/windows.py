"""The rows that a monitor compares: a baseline, a window of captured calls, and ground truth, in bounded memory.

Of more rows than are worth comparing a sample is kept, which is drawn evenly and the same each time; what is wrong with
single values is counted over all of them.
"""

# pyright: reportMissingImports=false
# The image has pandas and Arrow, and this environment does not.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

LARGEST = 200_000
"""Rows of a sample: with so many, chance moves a distance by less than 0.001."""
_CHUNK = 20_000
_FIELDS = 500
"""Names of fields that are remembered: whoever asks may invent others."""
_FREE_TEXT = 1000
"""Words that a feature may have; one with more is a name or a text, whose values nobody can compare."""
_READERS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}


class Unusable(Exception):  # noqa: N818 (says what happened)
    """What a monitor was given cannot be compared; the text says why, and what to do."""


class Sample:
    """An even sample of rows that come in pieces."""

    def __init__(self, largest: int = LARGEST) -> None:
        self.rows = 0
        self._largest = largest
        self._random = np.random.default_rng(0)
        self._frames: list[Any] = []
        self._keys: list[Any] = []

    def add(self, frame: Any) -> None:
        """Take some rows."""
        self.rows += len(frame)
        self._frames.append(frame)
        self._keys.append(self._random.random(len(frame)))
        if sum(map(len, self._frames)) > self._largest + 5 * _CHUNK:
            self._shrink()

    def _shrink(self) -> None:
        keys = np.concatenate(self._keys)
        frame = pd.concat(self._frames, ignore_index=True)
        if len(keys) > self._largest:
            kept = np.sort(np.argpartition(keys, self._largest)[: self._largest])
            keys, frame = keys[kept], frame.iloc[kept].reset_index(drop=True)
        self._frames, self._keys = [frame], [keys]

    def frame(self) -> Any:
        """Return what was kept."""
        if not self._frames:
            return pd.DataFrame()
        self._shrink()
        return self._frames[0]


def read(folder: Path, what: str, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Yield the rows of a folder of Parquet, CSV or lines of JSON, piece by piece."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() in _READERS]
    if not paths:
        raise Unusable(f"{what} has no file whose name ends in {', '.join(_READERS)}; write its rows as one of these")
    for path in paths:
        try:
            for piece in _pieces(path, columns):
                yield piece if columns is None else piece[[one for one in columns if one in piece.columns]]
        except (OSError, ValueError) as error:  # what all three readers raise
            raise Unusable(f"{path.name} of {what} cannot be read: {error}") from None


def _pieces(path: Path, columns: Sequence[str] | None) -> Any:
    kind = _READERS[path.suffix.lower()]
    if kind == "parquet":
        there = pq.ParquetFile(path)
        wanted = None if columns is None else [one for one in columns if one in there.schema_arrow.names]
        return (one.to_pandas() for one in there.iter_batches(_CHUNK, columns=wanted))
    if kind == "csv":
        return pd.read_csv(path, chunksize=_CHUNK)
    return pd.read_json(path, lines=True, chunksize=_CHUNK, dtype=False)


def word(value: Any) -> Any:
    """Write a value as a word: 1, 1.0 and "1" are one; what is missing stays so."""
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def words(column: Any) -> Any:
    """Write a column as words."""
    return column.map(word).astype(object).where(lambda one: one.notna(), None)


@dataclass
class Feature:
    """What a column of the baseline holds."""

    name: str
    numeric: bool
    low: float = 0.0
    high: float = 0.0
    known: frozenset[str] | None = None
    """Its words; None where it has too many to compare."""
    bad: float = 0.0
    """The share of the baseline's own rows that have no value."""

    @property
    def comparable(self) -> bool:
        """Whether its values can be compared at all."""
        return self.numeric or self.known is not None

    @classmethod
    def of(cls, name: str, column: Any) -> Feature:
        """Look at a column."""
        missing = float(column.isna().mean())
        if pd.api.types.is_numeric_dtype(column):
            values = column.astype(float)
            there = values[np.isfinite(values)]
            low, high = (float(there.min()), float(there.max())) if len(there) else (-np.inf, np.inf)
            return cls(name, numeric=True, low=low, high=high, bad=missing)
        found = frozenset(words(column.dropna()).unique())
        return cls(name, numeric=False, known=found if len(found) <= _FREE_TEXT else None, bad=missing)

    def read(self, column: Any) -> Any:
        """Read a column as this feature is: numbers, or words."""
        if not self.numeric:
            return words(column)
        return pd.to_numeric(column, errors="coerce").astype(float)

    def wrong(self, column: Any, values: Any) -> dict[str, int]:
        """Count what no value of this feature can be: absent, of another type, or nothing that the baseline has."""
        absent = column.isna()
        count = {"missing": int(absent.sum()), "wrong_type": int((values.isna() & ~absent).sum())}
        if self.numeric:
            count["outside"] = int(((values < self.low) | (values > self.high)).sum())
        elif self.known is not None:
            count["outside"] = int((~values[~absent].isin(self.known)).sum())
        return count


@dataclass
class Baseline:
    """What was normal."""

    frame: Any
    rows: int
    features: dict[str, Feature]
    """Those of requests, in the order of the columns."""
    answers: dict[str, Feature]
    """Those of answers that are looked at."""

    @classmethod
    def of(cls, folder: Path, answers: Iterable[str], others: Iterable[str]) -> Baseline:
        """Read the baseline.

        :param answers: columns that are no features, but what the model answered.
        :param others: columns that are neither: a label, an id.
        """
        sample = Sample()
        for piece in read(folder, "the baseline"):
            sample.add(piece)
        frame = sample.frame()
        answers, others = set(answers), set(others)
        found = {str(name): Feature.of(str(name), frame[name]) for name in frame.columns if str(name) not in others}
        for name, one in found.items():
            frame[name] = one.read(frame[name])
        features = {name: one for name, one in found.items() if name not in answers}
        if not features or frame.empty:
            raise Unusable("the baseline has no row with a feature; write the features of each row, and the answer")
        return cls(frame, sample.rows, features, {name: one for name, one in found.items() if name in answers})


@dataclass
class Window:
    """What was asked and answered in a window of time."""

    frame: Any
    rows: int = 0
    wrong: dict[str, dict[str, int]] = field(default_factory=dict)
    """Values that cannot be, by feature, counted over all rows."""
    answered: frozenset[str] = frozenset()
    """Which fields answers had."""


def gathered(calls: Iterable[list[dict[str, Any]]], baseline: Baseline, kept: Sequence[str]) -> Window:
    """Read the rows of a window.

    :param kept: further columns that are kept as words.
    """
    sample, window = Sample(), Window(frame=None)
    columns = {**baseline.features, **baseline.answers}
    fields: set[str] = set()
    for rows in _chunks(calls):
        pieces: dict[str, Any] = {}
        for row in rows:
            if len(fields) < _FIELDS:
                fields.update(row)
        for name, feature in columns.items():
            written = pd.Series([_plain(row.get(name)) for row in rows], dtype=object)
            pieces[name] = feature.read(written)
            count = window.wrong.setdefault(name, {})
            for kind, number in feature.wrong(written, pieces[name]).items():
                count[kind] = count.get(kind, 0) + number
        for name in kept:
            if name not in pieces:
                pieces[name] = words(pd.Series([_plain(row.get(name)) for row in rows], dtype=object))
        sample.add(pd.DataFrame(pieces))
    window.rows, window.frame = sample.rows, sample.frame()
    window.answered = frozenset(fields - set(baseline.features))
    return window


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (list, dict)) else value


def _chunks(calls: Iterable[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for rows in calls:
        found += rows
        if len(found) >= _CHUNK:
            yield found
            found = []
    if found:
        yield found


def with_truth(frame: Any, folder: Path, truth: Mapping[str, Any], call: str) -> tuple[Any, str]:
    """Return the rows of a window that have a label, and its column; the last of several labels counts.

    :param call: the column with the id of each call, by which rows are found that have no id of their own.
    """
    join, label = truth["join"], truth["label"]
    own = words(frame[join])
    asked = own if own.notna().any() else words(frame[call])
    wanted = frozenset(asked.dropna())
    found: dict[str, Any] = {}
    for piece in read(folder, "the ground truth", [join, label]):
        missing = [one for one in (join, label) if one not in piece.columns]
        if missing:
            raise Unusable(f"the ground truth has no column {missing[0]!r}; it has to have {join!r} and {label!r}")
        keys = words(piece[join])
        there = keys.isin(wanted) & piece[label].notna()
        found.update(zip(keys[there], piece[label][there], strict=True))
    labels = asked.map(found)
    column = f"truth of {label}"
    return frame.assign(**{column: labels})[labels.notna()].reset_index(drop=True), column
