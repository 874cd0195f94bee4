"""The toy model's server answers as SageMaker asks; its model needs MLflow, and is not looked at here."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from pulumi_mlops import images
from pulumi_mlops.jobs import toy


def predict(rows: list[list[float]]) -> list[int]:
    if rows == [[0.0, 0.0]]:
        message = "broken on purpose"
        raise RuntimeError(message)
    return [int(sum(row) > 0) for row in rows]


@pytest.fixture
def url() -> Iterator[str]:
    server = toy.server(predict, 0, "127.0.0.1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url: str, body: bytes, content_type: str = "application/json") -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_says_that_it_is_there(url: str) -> None:
    with urllib.request.urlopen(f"{url}/ping", timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"dataframe_split": {"columns": ["x2", "x1"], "data": [[-1, 3], [-3, 1]]}}', "application/json"),
        (b'{"dataframe_records": [{"x1": 3, "x2": -1}, {"x1": 1, "x2": -3}]}', "application/json"),
        (b"3,-1\n1,-3\n", "text/csv; charset=utf-8"),
    ],
)
def test_rows_are_answered(url: str, body: bytes, content_type: str) -> None:
    assert ask(f"{url}/invocations", body, content_type) == (200, {"predictions": [1, 0]})


def test_a_model_that_fails_is_an_error_of_the_server_which_the_alarm_counts(url: str) -> None:
    assert ask(f"{url}/invocations", b"0,0", "text/csv") == (500, {"error": "broken on purpose"})


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"rows": 1}', b'{"dataframe_records": [{"x1": 1}]}'])
def test_what_is_no_rows_is_the_callers_error(url: str, body: bytes) -> None:
    assert ask(f"{url}/invocations", body)[0] == 400


def test_the_image_starts_it_by_the_word_that_sagemaker_says() -> None:
    printed = images.dockerfile(images.TOY)
    assert "/usr/local/bin/serve\n#!/bin/sh\nexec python3 /opt/ml/model/toy.py serve\nSERVE\n" in printed
    assert "\nmlflow-skinny==" in printed
    assert "\nscipy==" in printed, "MLflow reads the columns of a table by it"
