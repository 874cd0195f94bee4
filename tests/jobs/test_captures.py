"""What an endpoint kept of its calls, in the formats of three services and the bodies of several protocols."""

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import captures
from support import captured

NAMES = ["age", "plan", "spend"]
ROWS: list[dict[str, Any]] = [
    {"age": 30 + number, "plan": ["a", "b"][number % 2], "spend": None if number % 5 == 0 else number + 0.5}
    for number in range(23)
]
ANSWERS = [number % 2 for number in range(23)]


def read(folder: Path, names: list[str] = NAMES, since: dt.datetime | None = None) -> tuple[list[Any], captures.Told]:
    told = captures.Told()
    return [row for rows in captures.rows(folder, names, told, since) for row in rows], told


@pytest.mark.parametrize("each", [1, 5])
@pytest.mark.parametrize("service", captured.FORMATS)
def test_what_was_asked_and_answered_is_read_as_it_was(service: str, each: int, tmp_path: Path) -> None:
    captured.FORMATS[service](tmp_path, ROWS, ANSWERS, each)
    found, told = read(tmp_path)
    assert (told.unread, told.unanswered, told.first) == (0, 0, "")
    plain = sorted(found, key=lambda row: row["age"])
    assert [{name: row[name] for name in NAMES} for row in plain] == ROWS
    assert [row["prediction"] for row in plain] == ANSWERS
    assert {row["request_id"] for row in plain} == {f"e{number}" for number in range(-(-len(ROWS) // each))}


@pytest.mark.parametrize("service", captured.FORMATS)
def test_calls_before_the_window_are_left_out(service: str, tmp_path: Path) -> None:
    captured.FORMATS[service](tmp_path, ROWS, ANSWERS, 1)
    found, _ = read(tmp_path, since=dt.datetime(2026, 11, 30, 13, tzinfo=dt.UTC))
    assert {(row["age"] - 30) % 3 for row in found} == {1, 2}, "every third call was at 12 o'clock"


def call(request: Any, answer: Any, kind: str = "application/json") -> list[dict[str, Any]]:
    told = captures.Told()
    made = captures.Call("x", None, captures.Body(request, kind), captures.Body(answer, kind))
    return [{k: v for k, v in row.items() if k != "request_id"} for row in captures.joined(made, NAMES, told)]


ASKED = [{"age": 30, "plan": "a", "spend": 1.5}, {"age": 31, "plan": "b", "spend": 2.5}]
LISTS = [list(row.values()) for row in ASKED]
COLUMNS = {name: [row[name] for row in ASKED] for name in NAMES}
REQUESTS = {
    "rows": ASKED,
    "lists": LISTS,
    "columns": COLUMNS,
    "instances": {"instances": ASKED},
    "instances of lists": {"instances": LISTS, "parameters": {}},
    "data frame": {"dataframe_split": {"columns": NAMES, "data": LISTS}},
    "another order": {"dataframe_split": {"columns": NAMES[::-1], "data": [one[::-1] for one in LISTS]}},
    "records": {"dataframe_records": ASKED},
    "input data": {"input_data": {"columns": NAMES, "index": [0, 1], "data": LISTS}},
    "inputs": {"inputs": COLUMNS},
    "data": {"data": LISTS},
    "tensors": {"inputs": [{"name": n, "shape": [2], "datatype": "X", "data": COLUMNS[n]} for n in NAMES]},
    "one tensor": {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "X", "data": [*LISTS[0], *LISTS[1]]}]},
    "one tensor, nested": {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "X", "data": LISTS}]},
    "lines": "\n".join(map(json.dumps, ASKED)),
    "bytes": json.dumps(ASKED).encode(),
}
RESPONSES = {
    "predictions": ({"predictions": [0, 1]}, [{"prediction": 0}, {"prediction": 1}]),
    "plain": ([0.25, 0.75], [{"prediction": 0.25}, {"prediction": 0.75}]),
    "tensor": (
        {"model_name": "m", "outputs": [{"name": "p", "shape": [2, 1], "datatype": "X", "data": [0, 1]}]},
        [{"prediction": 0}, {"prediction": 1}],
    ),
    "probabilities": (
        {"predictions": [[0.75, 0.25], [0.5, 0.5]]},
        [{"prediction": 0, "score": 0.25}, {"prediction": 0, "score": 0.5}],
    ),
    "of three classes": ([[0, 0.2, 0.8], [1, 0, 0]], [{"prediction": 2, "score": 0.8}, {"prediction": 0, "score": 1}]),
    "fields": (
        {"predictions": [{"churned": True, "risk": 0.9}, {"churned": False, "risk": 0.1}]},
        [{"churned": True, "risk": 0.9}, {"churned": False, "risk": 0.1}],
    ),
    "one field": ([{"risk": 0.9}, {"risk": 0.1}], [{"prediction": 0.9, "risk": 0.9}, {"prediction": 0.1, "risk": 0.1}]),
    "columns": ({"risk": [0.9, 0.1], "class": [1, 0]}, [{"risk": 0.9, "class": 1}, {"risk": 0.1, "class": 0}]),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_each_form_of_a_request(request_: Any) -> None:
    assert call(request_, [1, 0]) == [{"prediction": 1, **ASKED[0]}, {"prediction": 0, **ASKED[1]}]


@pytest.mark.parametrize(("answer", "wanted"), RESPONSES.values(), ids=RESPONSES)
def test_each_form_of_an_answer(answer: Any, wanted: list[dict[str, Any]]) -> None:
    assert call(ASKED, answer) == [{**said, **asked} for said, asked in zip(wanted, ASKED, strict=True)]


def test_one_row_by_itself() -> None:
    assert call(ASKED[0], 0.5) == [{"prediction": 0.5, **ASKED[0]}]
    assert call(LISTS[0], {"prediction": 1, "risk": 0.9}) == [{"prediction": 1, "risk": 0.9, **ASKED[0]}]


def test_separated_values_with_and_without_names() -> None:
    wanted = [{"prediction": 0.5, "age": 30, "plan": "a", "spend": None}]
    assert call("30,a,", "0.5", "text/csv") == wanted
    assert call("plan,spend,age\na,,30\n", "0.5\n", "text/csv; header=present") == wanted


def test_what_cannot_be_read_is_counted_and_said(tmp_path: Path) -> None:
    captured.sagemaker(tmp_path, ROWS[:2], ANSWERS[:2], 1)
    path = next(tmp_path.rglob("*.jsonl"))
    short = json.loads(path.read_text().splitlines()[0])
    short["captureData"]["endpointInput"]["data"] = "1,2"
    with path.open("a") as out:
        out.write("no json\n" + json.dumps({"hello": 1}) + "\n" + json.dumps(short) + "\n")
    found, told = read(tmp_path)
    assert len(found) == 2
    assert told.unread == 3
    assert told.first.startswith(f"{path.name}:")
    (tmp_path / "other.json").write_text("[{")
    assert read(tmp_path)[1].unread == 4


def test_a_request_whose_answer_is_not_there_is_a_row_all_the_same(tmp_path: Path) -> None:
    captured.azure(tmp_path, ROWS[:4], ANSWERS[:4], 1)
    for path in (tmp_path / "response").rglob("*.jsonl"):
        path.unlink()
    found, told = read(tmp_path)
    assert len(found) == 4
    assert told.unanswered == 4
    assert not any("prediction" in row for row in found)


def test_who_only_looks_whether_a_server_is_there_asks_nothing(tmp_path: Path) -> None:
    captured.kserve(tmp_path, ROWS[:2], ANSWERS[:2], 1)
    (path,) = tmp_path.rglob("*.json")
    empty = [{**event, "bytes": "", "id": "look"} for event in json.loads(path.read_text())[:1]]
    asked = [{**one, "reqType": "org.kubeflow.serving.inference.request"} for one in empty]
    path.write_text(json.dumps(json.loads(path.read_text()) + asked))
    found, told = read(tmp_path)
    assert (len(found), told.unread) == (2, 0)


def test_two_calls_of_one_id_are_two(tmp_path: Path) -> None:
    """Who asks may name a request, and name another one so."""
    captured.kserve(tmp_path, ROWS[:4], ANSWERS[:4], 1)
    for path in tmp_path.rglob("*.json"):
        path.write_text(json.dumps([{**event, "id": "same"} for event in json.loads(path.read_text())]))
    found, told = read(tmp_path)
    assert len(found) == 4
    assert told.unanswered == 0


def test_base64_of_sagemaker_is_read(tmp_path: Path) -> None:
    captured.sagemaker(tmp_path, ROWS[:1], ANSWERS[:1])
    path = next(tmp_path.rglob("*.jsonl"))
    event = json.loads(path.read_text())
    for half in event["captureData"].values():
        half.update(data=base64.b64encode(half["data"].encode()).decode(), encoding="BASE64")
    path.write_text(json.dumps(event))
    assert read(tmp_path)[0][0]["age"] == 30


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-30T12:00:07Z", "2026-11-30T12:00:07+00:00"),
        ("2026-11-30T12:00:07.123456789Z", "2026-11-30T12:00:07.123456+00:00"),
        ("2026-11-30T12:00:07.5+01:00", "2026-11-30T12:00:07.500000+01:00"),
        ("2026-11-30T12:00:07", "2026-11-30T12:00:07+00:00"),
        ("yesterday", None),
        ("0001-01-01T00:00:00Z", None),
        (None, None),
    ],
)
def test_times(text: Any, wanted: str | None) -> None:
    found = captures.moment(text)
    assert (found.isoformat() if found else None) == wanted
