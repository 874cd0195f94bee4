"""Score the rows of a dataset: run a program, or load a model of MLflow's, and join kept columns to the scores.

    python3 score.py COMMAND ARGUMENT…

It reads files below ``MLOPS_INPUT_ROWS`` in parts, has each part scored, and writes kept columns and scores below
``MLOPS_OUTPUT_SCORES``. The program finds one part at a time in these folders, in a file of the input's format, and
writes one score a row in the same order, in files of that format: a line of a CSV file with its header, a line of JSON
that is an object or a value, a row of Parquet. An empty score is a row that failed. A part that fails is scored in
halves, so that one bad row does not take those beside it along. Without a command, the model below
``MLOPS_INPUT_MODEL`` is loaded in process.

``MLOPS_PARAMETER_FROM`` and ``…_TO`` are the formats, ``…_KEEP_<N>`` the kept columns, ``…_TOLERATE_PERCENT`` the share
of rows that may fail. Parquet needs pyarrow in the image; nothing else needs more than Python 3.9.
"""

# pyright: reportMissingImports=false
# What reads Parquet and models is in the image that scores.

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

PARAMETER = "MLOPS_PARAMETER_"
ROWS, MODEL, SCORES, METRICS = "MLOPS_INPUT_ROWS", "MLOPS_INPUT_MODEL", "MLOPS_OUTPUT_SCORES", "MLOPS_METRICS"
PARTITION = "dt"
PART_ROWS = 10_000
"""How many rows are scored at a time."""
HALVES = 200
"""How often a part is scored again in halves, in a whole run: each time a program may load its model."""
SCORE = "score"
"""The column of scores that have no names of their own."""
_SHOWN = 20
Row = dict[str, Any]


class ScoreError(Exception):
    """Why the run fails."""


class PartError(Exception):
    """Why a part was not scored."""


@dataclass(frozen=True)
class Part:
    """Some rows of a file, and where they are among all."""

    first: int
    """The number of its first row, from 1."""
    rows: list[Row]
    columns: list[str]
    batch: Any = None
    """The same as Arrow has them, with their types, where they come from Parquet."""

    def halves(self) -> list[Part]:
        """Return both halves."""
        half = len(self.rows) // 2
        found = []
        for start, end in ((0, half), (half, len(self.rows))):
            batch = None if self.batch is None else self.batch.slice(start, end - start)
            found.append(Part(self.first + start, self.rows[start:end], self.columns, batch))
        return found


def data(folder: Path) -> list[Path]:
    """List the files of a folder that are data, in order."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if not any(part[:1] in "_." for part in path.relative_to(folder).parts)]


def parts(path: Path, form: str, size: int) -> Iterator[tuple[list[str], list[Row], Any]]:
    """Read a file in parts: columns, rows, and what Arrow has of them."""
    if form == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 (in images that read Parquet)

        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=size):
                yield list(batch.schema.names), batch.to_pylist(), batch
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows: list[Row] = []
        reader = csv.DictReader(file) if form == "csv" else (json.loads(line) for line in file if line.strip())
        for row in reader:
            rows.append(row)
            if len(rows) == size:
                yield list(rows[0]), rows, None
                rows = []
        if rows:
            yield list(rows[0]), rows, None


def columns(path: Path, form: str) -> tuple[list[str], int]:
    """Return the columns of a file, and how many rows it has."""
    if form == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

        with pq.ParquetFile(path) as file:
            return list(file.schema_arrow.names), int(file.metadata.num_rows)
    if form == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            return next(reader, []), sum(1 for row in reader if row)
    names, count = list[str](), 0
    for found, rows, _ in parts(path, form, PART_ROWS):
        names, count = names or found, count + len(rows)
    return names, count


def write_part(part: Part, folder: Path, form: str) -> None:
    """Write rows into a file, as the program reads them."""
    folder.mkdir(parents=True)
    path = folder / f"{ROWS.rpartition('_')[2].lower()}.{form}"
    if part.batch is not None:
        import pyarrow as pa  # noqa: PLC0415 (as above)
        import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

        pq.write_table(pa.Table.from_batches([part.batch]), path)
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        if form == "csv":
            writer = csv.DictWriter(file, part.columns)
            writer.writeheader()
            writer.writerows(part.rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in part.rows)


def scored(value: Any) -> Row | None:
    """Read one score: an object, or a value without a name; nothing where the row failed.

    >>> scored({"p": 0.5}), scored(0.5), scored({"p": ""}), scored(float("nan"))
    ({'p': 0.5}, {'score': 0.5}, None, None)
    """
    row = value if isinstance(value, dict) else {SCORE: value}
    empty = (one is None or one == "" or (isinstance(one, float) and math.isnan(one)) for one in row.values())
    return None if all(empty) else row


class Program:
    """The user's program, which is run once for each part."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], form: str) -> None:
        self.command, self.environment, self.form = list(command), dict(environment), form
        self.process: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
        raise SystemExit(128 + number)

    def __call__(self, part: Part) -> list[Row | None]:
        """Score a part."""
        root = Path(tempfile.mkdtemp(prefix="part-"))
        try:
            own = {ROWS: str(root / "rows"), SCORES: str(root / "scores")}
            write_part(part, Path(own[ROWS]), self.form)
            Path(own[SCORES]).mkdir()
            # Words that named these folders have been filled in before: they lead to those of the part as well.
            words = [self._within(word, own) for word in self.command]
            with subprocess.Popen(words, env={**self.environment, **own}) as self.process:  # noqa: S603 (the user's own)
                code = self.process.wait()
            self.process = None
            if code:
                raise PartError(f"the program ended with {code}")
            return self._read(Path(own[SCORES]))
        except FileNotFoundError as error:
            raise ScoreError(f"there is no program {self.command[0]!r} in the image") from error
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _within(self, word: str, own: Mapping[str, str]) -> str:
        for name, folder in own.items():
            word = word.replace(self.environment[name].rstrip("/"), folder)
        return word

    def _read(self, folder: Path) -> list[Row | None]:
        try:
            return [
                scored(row)
                for path in data(folder)
                for _, rows, _ in (parts(path, self.form, PART_ROWS) if self.form != "jsonl" else values(path))
                for row in rows
            ]
        except (ValueError, csv.Error) as error:
            raise PartError(f"its scores cannot be read: {error}") from error


def values(path: Path) -> Iterator[tuple[list[str], list[Any], Any]]:
    """Read lines of JSON that are objects or values; an empty one is the score of a row as well."""
    yield [], [json.loads(line) if line.strip() else None for line in path.read_text().splitlines()], None


class Model:
    """A model of MLflow's, loaded in process."""

    def __init__(self, folder: Path, keep: Sequence[str], form: str) -> None:
        import mlflow.pyfunc  # noqa: PLC0415 (in the image of the model server)

        where = next((path.parent for path in sorted(folder.rglob("MLmodel"))), folder)
        self.model: Any = mlflow.pyfunc.load_model(str(where))
        schema = self.model.metadata.get_input_schema()
        self.names = list(schema.input_names()) if schema is not None and schema.has_input_names() else []
        self.keep, self.form = set(keep), form

    def __call__(self, part: Part) -> list[Row | None]:
        """Score a part: by the columns of the model's signature, or by all that are not kept where it has none."""
        import pandas as pd  # noqa: PLC0415 (as above)

        if part.batch is not None:
            frame = part.batch.to_pandas()
        elif self.form == "csv":
            root = Path(tempfile.mkdtemp(prefix="part-"))
            write_part(part, root / "rows", self.form)
            frame = pd.read_csv(root / "rows/rows.csv")
            shutil.rmtree(root)
        else:
            frame = pd.DataFrame(part.rows)
        wanted = self.names or [name for name in frame.columns if name not in self.keep]
        try:
            found = self.model.predict(frame[wanted])
        except Exception as error:  # of whatever model
            raise PartError(f"{type(error).__name__}: {error}") from error
        if hasattr(found, "to_dict") and hasattr(found, "columns"):
            return [scored(row) for row in found.to_dict("records")]
        plain = found.tolist() if hasattr(found, "tolist") else list(found)
        return [scored(_named(one)) for one in plain]


def _named(one: Any) -> Any:
    """Name the numbers of one row where there are several."""
    return {f"{SCORE}_{index}": value for index, value in enumerate(one)} if isinstance(one, list) else one


@dataclass
class Output:
    """The file that is written, whose columns follow from the first row."""

    folder: Path
    form: str
    columns: list[str] = field(default_factory=list)
    _file: Any = None
    _write: Callable[[list[Row]], None] | None = None

    def add(self, rows: list[Row]) -> None:
        """Write some rows."""
        if not rows:
            return
        if self._write is None:
            self.columns = list(rows[0])
            self._write = self._opened(rows)
        for row in rows:
            if set(row) != set(self.columns):
                raise ScoreError(f"a row has the columns {', '.join(row)}, and others have {', '.join(self.columns)}")
        self._write(rows)

    def _opened(self, rows: list[Row]) -> Callable[[list[Row]], None]:
        path = self.folder / f"{SCORES.rpartition('_')[2].lower()}.{self.form}"
        if self.form == "parquet":
            import pyarrow as pa  # noqa: PLC0415 (as above)
            import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

            schema = pa.Table.from_pylist(rows).schema
            self._file = pq.ParquetWriter(path, schema)
            return lambda more: self._file.write_table(pa.Table.from_pylist(more, schema=schema))
        self._file = path.open("w", newline="", encoding="utf-8")
        if self.form == "csv":
            writer = csv.DictWriter(self._file, self.columns)
            writer.writeheader()
            return writer.writerows
        return lambda more: self._file.writelines(json.dumps(row, default=str) + "\n" for row in more)

    def close(self) -> None:
        """Write what is left."""
        if self._file is not None:
            self._file.close()


@dataclass
class Scoring:
    """One run."""

    score: Callable[[Part], list[Row | None]]
    output: Output
    keep: Sequence[str]
    tolerate_percent: float
    total: int
    failed: list[int] = field(default_factory=list)
    scored: int = 0
    halves: int = HALVES

    def run(self, part: Part, day: str) -> None:
        """Score a part, write it, and end the run where more has failed than may."""
        for piece, found in self._scores(part):
            rows = []
            for number, (row, one) in enumerate(zip(piece.rows, found)):  # noqa: B905 (as many, and Python 3.9)
                if one is None:
                    self.failed.append(piece.first + number)
                else:
                    rows.append(self._joined(row, one, day))
            self.output.add(rows)
            self.scored += len(rows)
            if self.over:
                raise ScoreError(self.told())

    @property
    def over(self) -> bool:
        """Whether more rows have failed than may."""
        return len(self.failed) * 100 > self.tolerate_percent * self.total

    def told(self) -> str:
        """Say how many rows failed."""
        shown = ", ".join(map(str, self.failed[:_SHOWN])) + (", …" if len(self.failed) > _SHOWN else "")
        share = 100 * len(self.failed) / self.total
        return (
            f"{len(self.failed)} of {self.total} rows failed ({share:.3g} %), and {self.tolerate_percent:g} % may: "
            f"rows {shown}"
        )

    def _scores(self, part: Part) -> Iterator[tuple[Part, list[Row | None]]]:
        try:
            found = self._once(part)
        except PartError as error:
            last = part.first + len(part.rows) - 1
            sys.stderr.write(f"score: rows {part.first} to {last} were not scored: {error}.\n")
            if len(part.rows) == 1 or not self.tolerate_percent or self.halves <= 0:
                yield part, [None] * len(part.rows)
                return
            self.halves -= 2
            for half in part.halves():
                yield from self._scores(half)
            return
        yield part, found

    def _once(self, part: Part) -> list[Row | None]:
        found = self.score(part)
        if len(found) != len(part.rows):
            raise PartError(f"there are {len(found)} scores for {len(part.rows)} rows")
        return found

    def _joined(self, row: Row, found: Row, day: str) -> Row:
        kept = {name: day if name == PARTITION and name not in row else row.get(name) for name in self.keep}
        if both := [name for name in found if name in kept]:
            raise ScoreError(f"the scores have a column {both[0]!r}, which is kept of the rows as well; rename one")
        return {**kept, **found}


def day_of(path: Path, folder: Path) -> str:
    """Return the partition of a file: what stands behind ``dt=``."""
    start = f"{PARTITION}="
    return next((part[len(start) :] for part in path.relative_to(folder).parts if part.startswith(start)), "")


def judged(folder: Path, form: str, keep: Sequence[str]) -> int:
    """Refuse rows that lack a kept column, before anything is scored; return how many rows there are."""
    total = 0
    for path in data(folder):
        names, count = columns(path, form)
        known = {*names, *([PARTITION] if day_of(path, folder) else [])}
        if count and (missing := [name for name in keep if name not in known]):
            where = path.relative_to(folder).as_posix()
            raise ScoreError(
                f"{', '.join(map(repr, missing))}: no column of {where}, which has {', '.join(sorted(known))}"
            )
        total += count
    if not total:
        raise ScoreError("the version of the input has no rows")
    return total


def main(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Score everything; return an exit code."""
    try:
        run = ran(command, environment)
    except ImportError as error:
        sys.stderr.write(f"score: the image lacks a package: {error}.\n")
        return 1
    except (ScoreError, ValueError) as error:
        sys.stderr.write(f"score: {error}.\n")
        return 1
    sys.stdout.write(f"score: {run.scored} rows are scored, {len(run.failed)} failed.\n")
    Path(environment[METRICS]).write_text(json.dumps({"scored": run.scored, "failed": len(run.failed)}))
    return 0


def ran(command: Sequence[str], environment: Mapping[str, str]) -> Scoring:
    """Score everything."""
    given = {key[len(PARAMETER) :]: value for key, value in environment.items() if key.startswith(PARAMETER)}
    numbered = sorted((int(key[len("KEEP_") :]), value) for key, value in given.items() if key.startswith("KEEP_"))
    keep, form = [value for _, value in numbered], given["FROM"]
    folder, output = Path(environment[ROWS]), Output(Path(environment[SCORES]), given["TO"])
    total = judged(folder, form, keep)
    score = Program(command, environment, form) if command else Model(Path(environment[MODEL]), keep, form)
    run = Scoring(score, output, keep, float(given["TOLERATE_PERCENT"]), total)
    first = 1
    for path in data(folder):
        for names, rows, batch in parts(path, form, PART_ROWS):
            run.run(Part(first, rows, names, batch), day_of(path, folder))
            first += len(rows)
    output.close()
    if not run.scored:
        raise ScoreError("no row was scored")
    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
