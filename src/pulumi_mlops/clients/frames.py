"""Rows out of whatever holds a table: dictionaries, columns, and the dataframes of other libraries.

None of these libraries is imported: a frame is asked for its rows by the methods that it has.
"""

import datetime as dt
import decimal
import importlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pulumi_mlops.core.errors import MlopsError

Plain: TypeAlias = str | int | float | bool | dt.datetime | None
Row: TypeAlias = dict[str, Any]
Frame: TypeAlias = Any
"""A list of dictionaries, a dictionary of columns, or a frame of pandas, Polars, Arrow, or of whoever speaks Arrow."""
_ASKED = ("to_pylist", "to_dicts")
"""How Arrow, and how Polars, give rows."""


def rows(frame: Frame) -> list[Row]:
    """Return the rows of a table, each value as Python has it; what is missing is None.

    :raises MlopsError: it is no table.
    """
    return [{str(name): plain(value) for name, value in one.items()} for one in _rows(frame)]


def _rows(frame: Any) -> list[Mapping[Any, Any]]:
    if isinstance(frame, Mapping):
        return _of_columns(frame)
    for method in _ASKED:
        ask: Any = getattr(frame, method, None)
        if ask:
            return list(ask())
    if hasattr(frame, "to_dict") and hasattr(frame, "columns"):  # pandas
        return list(frame.to_dict("records"))
    if hasattr(frame, "__arrow_c_stream__"):
        return list(_arrow("read a frame that speaks Arrow").table(frame).to_pylist())
    if isinstance(frame, str | bytes) or not isinstance(frame, Iterable):
        raise _no_table(frame)
    found = list(frame)
    if wrong := next((one for one in found if not isinstance(one, Mapping)), None):
        raise _no_table(wrong)
    return found


def _of_columns(frame: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    columns = {name: list(values) for name, values in frame.items() if _is_column(values)}
    if len(columns) != len(frame):
        return [frame]  # one row
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise MlopsError(f"the columns of a table are of one length; these are of {sorted(lengths)}")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _is_column(values: Any) -> bool:
    return isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping)


def _no_table(value: Any) -> MlopsError:
    return MlopsError(
        "rows are a dataframe, a list of dictionaries, or a dictionary of columns; this is of type "
        f"{type(value).__name__}"
    )


def plain(value: Any) -> Any:
    """Return a value as Python has it: a number of NumPy is a number, and what is not a number is missing.

    >>> plain(float("nan")), plain([1, float("nan")]), plain(decimal.Decimal("1.5"))
    (None, [1, None], 1.5)
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | decimal.Decimal):
        number = float(value)
        return None if math.isnan(number) else number
    if isinstance(value, dt.datetime):
        return plain_time(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return _foreign(value)


def _foreign(value: Any) -> Any:
    """Return a value of another library's as Python has it."""
    for method in ("tolist", "item", "as_py"):  # NumPy and Arrow
        if callable(ask := getattr(value, method, None)):
            return plain(ask())
    return None if value != value else value  # noqa: PLR0124 (what is missing in a frame is not even itself)


def plain_time(value: dt.datetime) -> dt.datetime | None:
    """Return a time as Python has it; one of pandas knows nanoseconds, and can be none."""
    if value != value:  # noqa: PLR0124 (pandas' NaT)
        return None
    convert: Any = getattr(value, "to_pydatetime", None)
    found: dt.datetime = convert(warn=False) if convert else value
    return found


def parquet(given: list[Row], columns: Mapping[str, str]) -> bytes:
    """Write rows as a file of Parquet, for which Arrow is needed.

    :param columns: the type of each, in the words of feature groups.
    """
    arrow = _arrow("write rows as Parquet")
    types = {
        "string": arrow.string(),
        "integer": arrow.int64(),
        "float": arrow.float64(),
        "boolean": arrow.bool_(),
        "timestamp": arrow.timestamp("us", tz="UTC"),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
    sink = arrow.BufferOutputStream()
    importlib.import_module("pyarrow.parquet").write_table(arrow.Table.from_pylist(given, schema=schema), sink)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def _arrow(what: str) -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise MlopsError(f"pyarrow is needed to {what}; run: pip install pyarrow") from None
