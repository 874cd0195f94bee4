"""The history of a feature group on AWS: which rows the query selects, run by SQLite, and how they arrive."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import history

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
ADDRESS = "athena://db/rows?key=id&time=at&kind={0}&answers=s3://bucket/queries/profile/"


def at(days: float) -> str:
    return (NOW - dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Athena:
    """A table of Feature Store, and what is asked for by boto3's names."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.base = sqlite3.connect(":memory:")
        self.base.execute("ATTACH ':memory:' AS db")
        self.base.create_function("from_iso8601_timestamp", 1, lambda text: text, deterministic=True)
        self.base.execute(
            "CREATE TABLE db.rows (id, at, n, write_time, api_invocation_time, is_deleted, year, month, day)"
        )
        self.asked: list[str] = []

    def put(self, key: str, days: float, n: int | None, *, written: float | None = None, deleted: bool = False) -> None:
        """Write a row that was true so many days ago; it arrived then unless told."""
        event: Any = at(days) if self.kind == "timestamp" else (NOW - dt.timedelta(days=days)).timestamp()
        arrived = at(days if written is None else written)
        parts = at(days)[:10].split("-")
        self.base.execute(
            "INSERT INTO db.rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (key, event, n, arrived, arrived, deleted, *parts)
        )

    def columns(self, _: history.Table) -> tuple[list[str], list[str]]:
        return ["id", "n"], ["year", "month", "day", "hour"]

    def unload(self, table: history.Table, text: str) -> tuple[str, str]:
        self.asked.append(text)
        return f"{table.answers}one/", "query-1"

    def download(self, folder: str, target: Path) -> int:
        assert folder == "s3://bucket/queries/profile/one/"
        rows = self.base.execute(self.asked[-1]).fetchall()
        for number, row in enumerate(sorted(rows)):
            (target / f"part-{number}.parquet").write_text(f"{row[0]}={row[1]}")
        return len(rows)


@pytest.fixture(params=["timestamp", "float"])
def athena(request: pytest.FixtureRequest) -> Iterator[Athena]:
    found = Athena(request.param)
    yield found
    found.base.close()


def read(athena: Athena, folder: Path, days: int = 90) -> list[str]:
    found = history.fetch(ADDRESS.format(athena.kind), days, folder, NOW, athena)
    assert (found["since"], found["until"]) == (at(days), at(0))
    return [path.read_text() for path in sorted(folder.iterdir())]


def test_rows_of_the_last_days_are_there_and_no_others(athena: Athena, tmp_path: Path) -> None:
    athena.put("a", 91, 1)
    athena.put("a", 89, 2)
    athena.put("a", 1, 3)
    athena.put("b", 0.5, 4)
    athena.put("a", -1, 5, written=0.5)
    assert read(athena, tmp_path) == ["a=2", "a=3", "b=4"], "neither what is old, nor what is not true yet"


def test_of_one_moment_the_row_counts_that_was_written_last(athena: Athena, tmp_path: Path) -> None:
    athena.put("a", 5, 1)
    athena.put("a", 5, 2, written=3)
    athena.put("a", 5, 3, written=-1)
    assert read(athena, tmp_path) == ["a=2"], "what is written later is not known yet"


def test_rows_before_a_deletion_are_gone_and_those_after_it_count(athena: Athena, tmp_path: Path) -> None:
    athena.put("a", 9, 1)
    athena.put("a", 5, None, deleted=True)
    athena.put("a", 2, 3)
    athena.put("b", 9, 4)
    athena.put("c", 7, 5)
    athena.put("c", 7, None, written=6, deleted=True)
    assert read(athena, tmp_path) == ["a=3", "b=4"]


def test_files_of_other_days_are_not_looked_at(athena: Athena, tmp_path: Path) -> None:
    athena.put("a", 1, 1)
    read(athena, tmp_path, days=30)
    assert "year || '-' || month || '-' || day >= '2026-10-31'" in athena.asked[-1]
    table = history.table_of(ADDRESS.format("float"))
    assert "year" not in history.query(table, ["id"], [], NOW, NOW), "a table of Iceberg has no such columns"


def test_no_rows_at_all_are_told(athena: Athena, tmp_path: Path) -> None:
    with pytest.raises(history.HistoryError, match="rows has no rows since 2026-09-01T12:00:00Z"):
        read(athena, tmp_path)


class Boto:
    """Glue and Athena, as boto3 names them."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.given: dict[str, Any] = {}

    def get_table(self, **_: str) -> dict[str, Any]:
        names = ["ID-1", "at", "write_time", "api_invocation_time", "is_deleted", "year"]
        columns = [{"Name": name} for name in names]
        return {"Table": {"StorageDescriptor": {"Columns": columns}, "PartitionKeys": [{"Name": "year"}]}}

    def start_query_execution(self, **given: Any) -> dict[str, str]:
        self.given = given
        return {"QueryExecutionId": "query-1"}

    def get_query_execution(self, **_: str) -> dict[str, Any]:
        state = self.states.pop(0)
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "SYNTAX_ERROR"}}}


def asking(boto: Boto) -> tuple[history.Aws, list[float]]:
    waited: list[float] = []
    aws = history.Aws.__new__(history.Aws)
    aws.glue = aws.athena = boto
    aws.pause = waited.append
    return aws, waited


def test_a_query_is_waited_for_and_writes_below_the_groups_own_folder() -> None:
    boto = Boto("QUEUED", "RUNNING", "SUCCEEDED")
    aws, waited = asking(boto)
    table = history.table_of(ADDRESS.format("timestamp"))
    assert aws.columns(table) == (["ID-1", "at"], ["year"])
    folder, query = aws.unload(table, "SELECT 1")
    assert (query, waited) == ("query-1", [0.5, 1.0])
    assert folder.startswith("s3://bucket/queries/profile/")
    assert boto.given["QueryString"] == f"UNLOAD (\nSELECT 1\n) TO '{folder}' WITH (format = 'PARQUET')"
    assert boto.given["ResultConfiguration"]["OutputLocation"].startswith("s3://bucket/queries/profile/")


def test_a_query_that_fails_is_told_with_its_reason() -> None:
    aws, _ = asking(Boto("FAILED"))
    with pytest.raises(history.HistoryError, match="query-1 of rows has failed: SYNTAX_ERROR"):
        aws.unload(history.table_of(ADDRESS.format("timestamp")), "SELECT")
