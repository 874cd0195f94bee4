"""Rows out of frames: of those that are played here by their methods, and of pandas and Arrow themselves."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import MlopsError
from pulumi_mlops.clients import frames
from pulumi_mlops_sandbox import packages

ROWS = [{"id": 1, "age": None}, {"id": 2, "age": 7.0}]


class Arrow:
    def to_pylist(self) -> list[dict[str, Any]]:
        return ROWS


class Polars:
    def to_dicts(self) -> list[dict[str, Any]]:
        return ROWS


class Pandas:
    columns = ("id", "age")

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return [{"id": 1, "age": float("nan")}, {"id": 2, "age": 7.0}]


@pytest.mark.parametrize(
    "frame",
    [ROWS, iter(ROWS), tuple(ROWS), {"id": [1, 2], "age": [None, 7.0]}, Arrow(), Polars(), Pandas()],
    ids=["list", "iterator", "tuple", "columns", "arrow", "polars", "pandas"],
)
def test_rows_are_the_same_out_of_any_frame(frame: Any) -> None:
    assert frames.rows(frame) == ROWS


def test_one_row_is_a_table() -> None:
    assert frames.rows({"id": 1, "name": "x"}) == [{"id": 1, "name": "x"}]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("a,b", "this is of type str"),
        (7, "this is of type int"),
        ([1, 2], "this is of type int"),
        ({"a": [1], "b": [1, 2]}, r"of one length; these are of \[1, 2\]"),
    ],
)
def test_what_is_no_table_is_said(frame: Any, said: str) -> None:
    with pytest.raises(MlopsError, match=said):
        frames.rows(frame)


PROGRAM = """
import datetime as dt, io, json, sys
sys.path += sys.argv[1:]
import numpy, pandas, pyarrow, pyarrow.parquet
assert "pulumi_mlops" not in sys.modules
from pulumi_mlops.clients import frames

at = pandas.Timestamp("2026-11-30T12:00:00.5", tz="Europe/Berlin")
frame = pandas.DataFrame({
    "id": numpy.array([1, 2], dtype="int32"), "age": [1.0, None], "at": [at, pandas.NaT], "name": ["x", None],
    "new": pandas.array([True, None], dtype="boolean"), "kind": pandas.Categorical(["a", "b"]),
    "list": [numpy.array([1.5, 2.5]), None],
})
table = pyarrow.Table.from_pandas(frame, preserve_index=False)

class Speaks:
    def __arrow_c_stream__(self, requested_schema=None):
        return table.__arrow_c_stream__(requested_schema)

def told(rows):
    return [{key: [type(one).__name__, str(one)] for key, one in row.items()} for row in rows]

kinds = {"id": "integer", "at": "timestamp", "name": "string", "new": "boolean", "age": "float"}
content = frames.parquet([{"id": 1, "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "new": True}], kinds)
back = pyarrow.parquet.read_table(io.BytesIO(content))
print(json.dumps({
    "pandas": told(frames.rows(frame)), "arrow": told(frames.rows(table)), "speaks": told(frames.rows(Speaks())),
    "columns": {field.name: str(field.type) for field in back.schema}, "rows": told(back.to_pylist()),
}))
"""


@pytest.mark.long
def test_pandas_and_arrow_themselves() -> None:
    """They are in the environment of MLflow and Feast, and not in the library's own."""
    ours = [one for one in sys.path if one.endswith("site-packages")]
    source = Path(frames.__file__).parents[2]
    python = str(packages.ensure() / "python")
    command = [python, "-W", "ignore", "-c", PROGRAM, str(source), *ours]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, second = found["pandas"]
    moment = dt.datetime.fromisoformat("2026-11-30T12:00:00.500000+01:00")
    assert first == {
        "id": ["int", "1"],
        "age": ["float", "1.0"],
        "at": ["datetime", str(moment)],
        "name": ["str", "x"],
        "new": ["bool", "True"],
        "kind": ["str", "a"],
        "list": ["list", "[1.5, 2.5]"],
    }
    assert {name: value[0] for name, value in second.items()} == {
        "id": "int",
        "age": "NoneType",
        "at": "NoneType",
        "name": "NoneType",
        "new": "NoneType",
        "kind": "str",
        "list": "NoneType",
    }
    assert found["arrow"] == found["speaks"] == found["pandas"]
    assert found["columns"] == {
        "id": "int64",
        "at": "timestamp[us, tz=UTC]",
        "name": "string",
        "new": "bool",
        "age": "double",
    }
    assert found["rows"][0]["age"] == ["NoneType", "None"]


def test_parquet_without_arrow_says_what_to_install() -> None:
    if "pyarrow" in sys.modules:
        pytest.skip("it is here")
    with pytest.raises(MlopsError, match="pyarrow is needed to write rows as Parquet; run: pip install pyarrow"):
        frames.parquet([{"id": 1}], {"id": "integer"})
