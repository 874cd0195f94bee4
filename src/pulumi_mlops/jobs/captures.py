"""Read what an endpoint kept of its requests and answers: the files of three services, rows of one form.

SageMaker writes lines with a request and its answer; KServe's agent writes events of one or the other, alone or in
arrays of JSON; Azure's data collector writes lines of one or the other into two folders. What a request holds is read
as its type says, or as it looks: CSV, lines of JSON, and the bodies of the protocols that model servers speak.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Row = dict[str, Any]

PREDICTION, SCORE, ID = "prediction", "score", "request_id"
"""Columns that rows get beside those of requests: an answer that is nothing but a value; the probability of its class,
or of the second of two, where each class has one; and what a request is called."""
_HALVES = {
    "org.kubeflow.serving.inference.request": "request",
    "org.kubeflow.serving.inference.response": "answer",
    "azureml.inference.request": "request",
    "azureml.inference.response": "answer",
    "azureml.inference.model_inputs": "request",
    "azureml.inference.model_outputs": "answer",
    "azureml.inference.inputs": "request",
    "azureml.inference.outputs": "answer",
}
_FOLDERS = frozenset({"request", "response", "model_inputs", "model_outputs"})
"""Folders of Azure's collections: what belongs together lies at the same path below two of them."""
_TABLES = ("instances", "predictions", "dataframe_records", "inputs", "outputs", "input_data", "data", "result")
"""Where a body of JSON has its rows, by the protocols of TensorFlow, MLflow, the open inference protocol and Azure."""


_NO_TIME = 1970
"""What Go writes for no time is of the year 1."""


@dataclass
class Call:
    """A request with its answer, or a half of it that waits for the other."""

    id: str
    time: dt.datetime | None = None
    request: Body | None = None
    answer: Body | None = None

    def with_half(self, other: Call) -> Call:
        """Put two halves together."""
        return Call(self.id, self.time or other.time, self.request or other.request, self.answer or other.answer)


@dataclass
class Body:
    """What was sent, and what its sender called it."""

    data: Any
    """Bytes, text, or JSON that is read already."""
    type: str = ""


@dataclass
class Told:
    """What could not be read."""

    files: int = 0
    calls: int = 0
    unread: int = 0
    """Lines and events that are of none of the formats, or bodies that are no rows."""
    unanswered: int = 0
    """Requests whose answer is not in the window, and the other way round."""
    first: str = ""
    """What was wrong first."""

    def wrong(self, what: str) -> None:
        """Count something that is not read."""
        self.unread += 1
        self.first = self.first or what


def rows(folder: Path, names: Sequence[str], told: Told, since: dt.datetime | None = None) -> Iterator[list[Row]]:
    """Yield the rows of each call.

    :param folder: the captured files, at any depth.
    :param names: what the values of a request are called that has no names of its own, in their order.
    :param told: is filled with what is not read.
    :param since: leaves out calls before this moment, as far as they say theirs.
    """
    for call in calls(folder, told):
        if since is not None and call.time is not None and call.time < since:
            continue
        if call.request is not None and call.request.data in (b"", "", None):
            continue  # nothing was asked: somebody looked whether the server is there
        try:
            found = joined(call, names, told)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            told.wrong(f"{call.id}: {type(error).__name__}: {error}")
            continue
        told.calls += 1
        yield found


def calls(folder: Path, told: Told) -> Iterator[Call]:
    """Yield each call as soon as its two halves were read."""
    waiting: defaultdict[tuple[str, bool], deque[Call]] = defaultdict(deque)  # two calls may have one id
    for path in sorted((path for path in folder.rglob("*") if path.is_file()), key=_together):
        told.files += 1
        for number, event in events(path, told):
            call = _call(event)
            if call is None:
                told.wrong(f"{path.name}:{number}: no event of a known format")
            elif call.request is not None and call.answer is not None:
                yield call
            elif others := waiting.get((call.id, call.request is None)):
                yield others.popleft().with_half(call)
                if not others:
                    del waiting[call.id, call.request is None]
            else:
                waiting[call.id, call.request is not None].append(call)
    alone = [call for calls in waiting.values() for call in calls]
    told.unanswered += len(alone)
    yield from (call for call in alone if call.request is not None)


def _together(path: Path) -> tuple[list[str], str]:
    """Sort halves of one hour beside each other, so that few of them wait at a time."""
    return [part for part in path.parts if part not in _FOLDERS], str(path)


def events(path: Path, told: Told) -> Iterator[tuple[int, Any]]:
    """Yield the events of a file: a line each, or one value, or an array of JSON."""
    with path.open("rb") as lines:
        first = lines.readline()
        if first.lstrip()[:1] == b"[" or not _whole(first):
            try:
                found = json.loads(first + lines.read())
            except ValueError as error:
                told.wrong(f"{path.name}: {error}")
                return
            yield from enumerate(found if isinstance(found, list) else [found], 1)
            return
        lines.seek(0)
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                event = json.loads(line)
            except ValueError as error:
                told.wrong(f"{path.name}:{number}: {error}")
                continue
            yield number, event


def _whole(line: bytes) -> bool:
    """Tell whether a line is a value of JSON by itself."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _call(event: Any) -> Call | None:
    """Read one event of any of the three services."""
    if not isinstance(event, dict):
        return None
    if "captureData" in event:
        return _sagemaker(event)
    half = _HALVES.get(str(event.get("reqType") or event.get("type")))
    if half is None:
        return None
    if "reqType" in event:  # https://github.com/kserve/kserve/blob/v0.20.0/pkg/logger/types.go
        body = Body(base64.b64decode(event.get("bytes") or ""), str(event.get("contentType") or ""))
        return Call(str(event.get("id") or ""), moment(event.get("occurrenceTime")), **{half: body})
    # https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data
    data = Body(event.get("data"), str(event.get("datacontenttype") or ""))
    if str(event.get("datainblob")).lower() == "true":
        return None  # it lies in another file, of which only the address is here
    return Call(str(event.get("correlationid") or event.get("id") or ""), moment(event.get("time")), **{half: data})


def _sagemaker(event: Row) -> Call:
    """Read a line of SageMaker's (https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html)."""
    captured, about = event["captureData"], event.get("eventMetadata") or {}
    halves = {}
    for half, name in (("request", "endpointInput"), ("answer", "endpointOutput")):
        part = captured.get(name)
        if part is not None:
            data = part.get("data")
            encoded = str(part.get("encoding")).upper() == "BASE64"
            kind = str(part.get("observedContentType") or part.get("encoding") or "")
            halves[half] = Body(base64.b64decode(data) if encoded else data, kind)
    called = about.get("inferenceId") or about.get("eventId") or ""
    return Call(str(called), moment(about.get("inferenceTime")), **halves)


def moment(text: Any) -> dt.datetime | None:
    """Read a time, which is in UTC where it does not say; to the microsecond, whatever more there is."""
    if not isinstance(text, str) or not text:
        return None
    main, point, rest = text.replace("Z", "+00:00").partition(".")
    if point:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        main = f"{main}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
    try:
        found = dt.datetime.fromisoformat(main)
    except ValueError:
        return None
    if found.year < _NO_TIME:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def joined(call: Call, names: Sequence[str], told: Told) -> list[Row]:
    """Put the rows of a request beside those of its answer."""
    asked = table(call.request, names) if call.request else []
    said = answers(call.answer) if call.answer else []
    if asked and said and len(asked) != len(said):
        told.wrong(f"{call.id}: {len(asked)} rows were asked, and {len(said)} were answered")
        said = []
    found = []
    for place in range(max(len(asked), len(said))):
        row: Row = {ID: call.id}
        if said:
            row.update(said[place])
        if asked:
            row.update(asked[place])
        found.append(row)
    return found


def table(body: Body, names: Sequence[str]) -> list[Row]:
    """Read the rows of a request."""
    data = _value(body)
    if isinstance(data, _Lines):
        return _separated(data, names)
    return _records(data, names)


def answers(body: Body) -> list[Row]:
    """Read the rows of an answer."""
    data = _value(body)
    if isinstance(data, _Lines):
        return [_answer([_number(cell) for cell in line]) for line in data]
    if isinstance(data, dict) and (columns := _tensors(data.get("outputs"))):
        if len(columns) == 1:
            return [_answer(value) for value in next(iter(columns.values()))]
        return _across(columns)
    for key in _TABLES:
        if isinstance(data, dict) and key in data:
            data = data[key]
            break
    if isinstance(data, dict):
        if data and all(isinstance(value, list) for value in data.values()):
            return [_answer(row) for row in _across(data)]
        return [_answer(data)]
    return [_answer(value) for value in data] if isinstance(data, list) else [_answer(data)]


def _answer(value: Any) -> Row:
    """Name what one row was answered."""
    if isinstance(value, dict):
        plain = {name: one for name, one in value.items() if not isinstance(one, (dict, list))}
        # The only field of an answer is the answer.
        return {PREDICTION: next(iter(plain.values())), **plain} if len(plain) == 1 else plain
    if isinstance(value, list):
        if len(value) == 1:
            return _answer(value[0])
        numbers = [float(one) for one in value]
        best = max(range(len(numbers)), key=numbers.__getitem__)
        return {PREDICTION: best, SCORE: numbers[1] if len(numbers) == 2 else numbers[best]}  # noqa: PLR2004 (of two)
    return {PREDICTION: value}


class _Lines(list[list[str]]):
    """Lines of separated values."""


def _value(body: Body) -> Any:
    """Read a body as its type says, or as it looks."""
    data = body.data
    if isinstance(data, (bytes, bytearray)):
        data = bytes(data).decode("utf-8-sig")
    if not isinstance(data, str):
        return data
    kind, text = body.type.lower(), data.strip()
    if "csv" not in kind:
        try:
            return json.loads(text)
        except ValueError:
            lines = text.splitlines()
            if "json" in kind or text[:1] in ("{", "["):
                return [json.loads(line) for line in lines if line.strip()]
    return _Lines(line for line in csv.reader(io.StringIO(text)) if line)


def _separated(lines: _Lines, names: Sequence[str]) -> list[Row]:
    known = set(names)
    first = [cell.strip() for cell in lines[0]]
    if first and known and all(cell in known for cell in first):
        names, lines = first, _Lines(lines[1:])
    return [_named([_number(cell) for cell in line], names) for line in lines]


def _number(cell: str) -> Any:
    """Read a cell: a number, nothing, or a word."""
    cell = cell.strip()
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        return cell
    return None if math.isnan(value) else int(value) if value.is_integer() and "." not in cell else value


def _named(values: Sequence[Any], names: Sequence[str]) -> Row:
    """Name the values of a row that has no names of its own."""
    if len(values) != len(names):
        raise ValueError(f"a row has {len(values)} values, and the baseline has {len(names)} features")
    return dict(zip(names, values, strict=True))


def _records(data: Any, names: Sequence[str]) -> list[Row]:
    """Read the rows of a request of JSON."""
    if isinstance(data, dict):
        return _rows_of(data, names)
    if not isinstance(data, list):
        raise TypeError(f"a request is of type {type(data).__name__}, and rows are needed")
    if data and not isinstance(data[0], (list, dict)):
        data = [data] if len(names) != 1 or len(data) == 1 else [[value] for value in data]
    return [dict(row) if isinstance(row, dict) else _named(row, names) for row in data]


def _rows_of(data: Row, names: Sequence[str]) -> list[Row]:
    """Read the rows of an object: by the key that a protocol gives them, as columns, or as one row."""
    split = data.get("dataframe_split") or (data if "columns" in data and "data" in data else None)
    if split:
        own = split.get("columns") or names
        return [_named(row, own) for row in split["data"]]
    if columns := _tensors(data.get("inputs")):
        (first, *more) = columns.values()
        matrix = not more and first and isinstance(first[0], list)
        return [_named(value, names) for value in first] if matrix else _across(columns)
    key = next((key for key in _TABLES if isinstance(data.get(key), (list, dict)) and key not in names), None)
    if key is not None:
        return _records(data[key], names)
    return _across(data) if data and all(isinstance(value, list) for value in data.values()) else [data]


def _tensors(found: Any) -> dict[str, list[Any]]:
    """Read tensors of the open inference protocol: a list of values for each, or of lists."""
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) and "shape" in one for one in found):
        return {}
    columns = {}
    for one in found:
        values, shape = list(_flat(one["data"])), one["shape"]
        wide = shape[1] if len(shape) > 1 else 1
        columns[str(one["name"])] = (
            values if wide == 1 else [values[place : place + wide] for place in range(0, len(values), wide)]
        )
    return columns


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _across(columns: dict[str, list[Any]]) -> list[Row]:
    """Turn columns into rows."""
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError("columns of one request are of several lengths")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
