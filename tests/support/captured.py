"""Captured calls as the three services write them: what a model was asked and answered, row by row."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
TIME = "2026-11-30T{hour:02}:{minute:02}:07Z"


def batches(rows: Sequence[Row], answers: Sequence[Any], each: int) -> Iterator[tuple[int, list[Row], list[Any]]]:
    """Share rows out among calls."""
    for number, place in enumerate(range(0, len(rows), each)):
        yield number, list(rows[place : place + each]), list(answers[place : place + each])


def moment(number: int) -> str:
    return TIME.format(hour=12 + number % 3, minute=number % 60)


def sagemaker(folder: Path, rows: Sequence[Row], answers: Sequence[Any], each: int = 5) -> None:
    """Lines of CSV without names, in folders by the hour."""
    for number, asked, said in batches(rows, answers, each):
        at = moment(number)
        lines = [_line(row) for row in asked]
        event = {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "text/csv",
                    "mode": "INPUT",
                    "data": "\n".join(lines),
                    "encoding": "CSV",
                },
                "endpointOutput": {
                    "observedContentType": "text/csv; charset=utf-8",
                    "mode": "OUTPUT",
                    "data": "\n".join(map(str, said)),
                    "encoding": "CSV",
                },
            },
            "eventMetadata": {"eventId": f"e{number}", "inferenceTime": at},
            "eventVersion": "0",
        }
        path = folder / "score" / "main" / f"2026/11/30/{at[11:13]}" / "part.jsonl"
        _append(path, event)


def kserve(folder: Path, rows: Sequence[Row], answers: Sequence[Any], each: int = 5) -> None:
    """Events of a request or an answer, in arrays of some, out of order, with bodies of the open protocol."""
    events = []
    for number, asked, said in batches(rows, answers, each):
        inputs = [_tensor(name, [row[name] for row in asked]) for name in asked[0]]
        output = {"name": "predict", "shape": [len(said)], "datatype": "FP64", "data": said}
        for kind, body in (("request", {"inputs": inputs}), ("response", {"model_name": "m", "outputs": [output]})):
            events.append(
                {
                    "url": {"Scheme": "s3", "Host": "bucket"},
                    "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
                    "contentType": "application/json",
                    "reqType": f"org.kubeflow.serving.inference.{kind}",
                    "id": f"e{number}",
                    "inferenceService": "score-1",
                    "namespace": "churn-dev",
                    "component": "predictor",
                    "occurrenceTime": moment(number).replace("Z", ".123456789Z"),
                }
            )
    random.Random(1).shuffle(events)  # noqa: S311 (an order that is always the same)
    for place in range(0, len(events), 20):
        some = events[place : place + 20]
        path = folder / "churn-dev" / "score-1" / "predictor" / f"{some[0]['id']}-{place}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(some if len(some) > 1 else some[0]))


def azure(folder: Path, rows: Sequence[Row], answers: Sequence[Any], each: int = 5) -> None:
    """Lines of two collections, with data frames that are split."""
    for number, asked, said in batches(rows, answers, each):
        at, names = moment(number), list(asked[0])
        split = {"columns": names, "index": list(range(len(asked))), "data": [list(row.values()) for row in asked]}
        for kind, data in (("request", {"input_data": split}), ("response", said)):
            event = {
                "specversion": "1.0",
                "id": f"{kind}-{number}",
                "source": "/subscriptions/0/onlineEndpoints/score/deployments/main-1",
                "type": f"azureml.inference.{kind}",
                "datacontenttype": "application/json",
                "time": at,
                "data": data,
                "path": "/score",
                "method": "POST",
                "correlationid": f"e{number}",
                "xrequestid": f"e{number}",
            }
            _append(folder / kind / "score" / "main-1" / kind / f"2026/11/30/{at[11:13]}" / "instance.jsonl", event)


FORMATS: dict[str, Callable[..., None]] = {"sagemaker": sagemaker, "kserve": kserve, "azure": azure}


def _line(row: Row) -> str:
    return ",".join("" if value is None else str(value) for value in row.values())


def _tensor(name: str, values: Sequence[Any]) -> Row:
    kind = "BYTES" if any(isinstance(value, str) for value in values) else "FP64"
    return {"name": name, "shape": [len(values), 1], "datatype": kind, "data": values}


def _append(path: Path, event: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as out:
        out.write(json.dumps(event) + "\n")
