"""Fetch the history of a feature group as Parquet files: the rows of the last days as they are known at one moment.

It runs in whatever reads the rows, beside ``facts.py``, and needs boto3. Athena selects the rows from the group's
offline table, and writes them below a folder of the artifact store, from where they are fetched.

    python history.py fetch 'athena://db/table?key=id&time=at&kind=timestamp&answers=s3://bucket/queries/' 90 /tmp/rows

What is selected: rows whose event time is within these days and not in the future, each as it was written last. Rows
that are marked as deleted are left out, and so are those of the same key that are as old as the deletion or older.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# boto3 is in the images that reach AWS.

from __future__ import annotations

import datetime as dt
import json
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WRITTEN, CALLED, GONE = "write_time", "api_invocation_time", "is_deleted"
"""Columns that Feature Store adds to the features."""
_PARTS = ("year", "month", "day")
"""What tables of Parquet files are partitioned by, of the event time; and by the hour."""
_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 10.0
_WORKGROUP = "primary"


class HistoryError(Exception):
    """Something that whoever runs this has to know."""


class Table(NamedTuple):
    """A table with the rows of a group."""

    database: str
    name: str
    keys: list[str]
    time: str
    kind: str
    """What an event time is: ``timestamp`` (a text of ISO 8601) or ``float`` (seconds since 1970)."""
    answers: str
    """The folder that answers of queries go to, which ends in a slash."""


def table_of(address: str) -> Table:
    """Read the address of a table."""
    found = urlsplit(address)
    told = parse_qs(found.query, strict_parsing=True)
    if found.scheme != "athena":
        raise HistoryError(f"{address} is no table that this program reads")
    return Table(found.netloc, found.path[1:], told["key"], told["time"][0], told["kind"][0], told["answers"][0])


def query(table: Table, columns: Sequence[str], parts: Sequence[str], since: dt.datetime, until: dt.datetime) -> str:
    """Write what selects the rows, in the words of Athena.

    :param columns: the columns that are wanted.
    :param parts: what the table is partitioned by.
    """
    keys = ", ".join(map(_quoted, table.keys))
    event = _quoted(table.time)
    first, last = str(since.timestamp()), str(until.timestamp())
    if table.kind == "timestamp":
        event = f"from_iso8601_timestamp({event})"
        first, last = (f"from_iso8601_timestamp('{_written(one)}')" for one in (since, until))
    within = [f"{event} <= {last}", f"{WRITTEN} <= from_iso8601_timestamp('{_written(until)}')"]
    if all(part in parts for part in _PARTS):  # Athena reads no files of other days
        within.append(f"year || '-' || month || '-' || day >= '{since:%Y-%m-%d}'")
    again = f"PARTITION BY {keys}, {_quoted(table.time)} ORDER BY {CALLED} DESC, {WRITTEN} DESC"
    # Names are quoted, and the rest is the program's own.
    return f"""\
WITH known AS (
  SELECT *, {event} AS mlops_time, row_number() OVER ({again}) AS mlops_row
  FROM {_quoted(table.database)}.{_quoted(table.name)}
  WHERE {" AND ".join(within)}
), gone AS (
  SELECT {keys}, max(mlops_time) AS mlops_gone FROM known WHERE {GONE} GROUP BY {keys}
)
SELECT {", ".join(map(_quoted, columns))}
FROM known LEFT JOIN gone USING ({keys})
WHERE mlops_row = 1 AND NOT {GONE} AND mlops_time > {first} AND (mlops_gone IS NULL OR mlops_time > mlops_gone)"""  # noqa: S608 (see above)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _written(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Aws:
    """What is asked."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        import boto3  # noqa: PLC0415 (the image has it where there is such an input)

        self.glue: Any = boto3.client("glue")
        self.athena: Any = boto3.client("athena")
        self.s3: Any = boto3.client("s3")
        self.pause = pause

    def columns(self, table: Table) -> tuple[list[str], list[str]]:
        """Return the features of a table, and what it is partitioned by."""
        found = self.glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]
        parts = [one["Name"] for one in found.get("PartitionKeys", [])]
        names = [one["Name"] for one in found["StorageDescriptor"]["Columns"]]
        return [one for one in names if one not in (WRITTEN, CALLED, GONE, *parts)], parts

    def unload(self, table: Table, text: str) -> tuple[str, str]:
        """Have Athena write rows; return the folder and the query."""
        folder = f"{table.answers}{uuid.uuid4().hex}/"
        started: str = self.athena.start_query_execution(
            QueryString=f"UNLOAD (\n{text}\n) TO '{folder}' WITH (format = 'PARQUET')",
            QueryExecutionContext={"Database": table.database},
            WorkGroup=_WORKGROUP,
            ResultConfiguration={"OutputLocation": f"{table.answers}manifests/"},
        )["QueryExecutionId"]
        seconds = _FIRST_SECONDS
        while True:
            status = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return folder, started
            if status["State"] in ("FAILED", "CANCELLED"):
                told = status.get("StateChangeReason", "no reason given")
                raise HistoryError(f"query {started} of {table.name} has {status['State'].lower()}: {told}")
            self.pause(seconds)
            seconds = min(2 * seconds, _LONGEST_SECONDS)

    def download(self, folder: str, target: Path) -> int:
        """Fetch what is below a folder; return how many files it was."""
        bucket, _, prefix = folder[len("s3://") :].partition("/")
        number = 0
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", []):
                self.s3.download_file(bucket, one["Key"], str(target / f"part-{number}.parquet"))
                number += 1
        return number


def fetch(address: str, days: int, target: Path, now: dt.datetime, asked: Any = None) -> dict[str, Any]:
    """Fetch rows into a folder; return what they are."""
    aws, table = asked or Aws(), table_of(address)
    target.mkdir(parents=True, exist_ok=True)
    since = now - dt.timedelta(days=days)
    columns, parts = aws.columns(table)
    folder, started = aws.unload(table, query(table, columns, parts, since, now))
    files = aws.download(folder, target)
    if not files:
        raise HistoryError(f"{table.name} has no rows since {_written(since)}")
    return {"since": _written(since), "until": _written(now), "query": started, "files": files}


def main(arguments: Sequence[str]) -> int:
    """Fetch, and tell an error in one line."""
    _, address, days, folder = arguments
    try:
        now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)  # noqa: UP017 (Python 3.9)
        found = fetch(address, int(days), Path(folder), now)
    except HistoryError as error:
        sys.stderr.write(f"history: {error}\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
