"""The program that sends measurements: a Pushgateway that refuses, is busy or away, and what Azure Monitor is sent."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import azure.identity
import pytest

from pulumi_mlops.jobs import measure

AT = dt.datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=dt.UTC)
GROUP = "/metrics/job/mlops/endpoint/score/monitor/drift"


class Server(ThreadingHTTPServer):
    """Answers as it is told, in this order, and then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.asked: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{GROUP}"


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        server.asked.append((self.command, self.path, body))
        self.send_response(server.answers.pop(0) if server.answers else 200)
        self.end_headers()
        self.wfile.write(b"said why")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class has it)
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(measure, "PAUSES", (0.0, 0.0))
    found = Server()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def test_a_group_is_replaced_by_what_was_measured(server: Server) -> None:
    measure.put(server.url, {"data_drift": 0.25, "rows": 7}, AT)
    ((method, path, body),) = server.asked
    assert (method, path) == ("PUT", GROUP)
    assert [line for line in body.splitlines() if not line.startswith("#")] == [
        "mlops_data_drift 0.25",
        "mlops_rows 7",
        "mlops_measured_seconds 1700000000.5",
    ]
    assert body.endswith("\n"), "a Pushgateway refuses a text without its last line end"


def test_who_is_busy_is_asked_again(server: Server) -> None:
    server.answers = [503, 429]
    measure.put(server.url, {"rows": 7}, AT)
    assert len(server.asked) == 3


@pytest.mark.parametrize(("answers", "asked"), [([400], 1), ([500, 502, 503], 3)])
def test_who_refuses_is_told_of(server: Server, answers: list[int], asked: int) -> None:
    server.answers = list(answers)
    with pytest.raises(measure.MeasureError, match=f"answered {answers[-1]}: said why"):
        measure.put(server.url, {"rows": 7}, AT)
    assert len(server.asked) == asked


def test_who_is_not_there_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PAUSES", ())
    with pytest.raises(measure.MeasureError, match="was not reached"):
        measure.put(f"http://127.0.0.1:1{GROUP}", {"rows": 7}, AT)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_sent(server: Server, value: float) -> None:
    with pytest.raises(measure.MeasureError, match="data_drift: no finite number"):
        measure.put(server.url, {"rows": 7, "data_drift": value}, AT)
    assert server.asked == []


@pytest.mark.parametrize("address", ["", "s3://a/b", "file:///x", "https://metrics.example.com/metrics/job/x"])
def test_other_addresses_are_none(address: str) -> None:
    with pytest.raises(measure.MeasureError, match="no address for numbers"):
        measure.put(address, {"rows": 7}, AT)


def test_azure_monitor_is_sent_one_metric_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, Any], str]] = []

    class Credential:
        def __init__(self, **_options: Any) -> None:
            self.token = "t"

        def get_token(self, scope: str) -> "Credential":
            assert scope == "https://monitoring.azure.com/.default"
            return self

    def keep(url: str, body: bytes, *, method: str, headers: dict[str, str]) -> None:
        sent.append((url, json.loads(body), f"{method} {headers['Authorization']}"))

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Credential)
    monkeypatch.setattr(measure, "_send", keep)
    resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    measure.put(f"azure-monitor://westeurope{resource}?namespace=mlops&Monitor=drift", {"data_drift": 0.25}, AT)
    assert {url for url, _, _ in sent} == {f"https://westeurope.monitoring.azure.com{resource}/metrics"}
    assert {how for _, _, how in sent} == {"POST Bearer t"}
    first, last = (body["data"]["baseData"] for _, body, _ in sent)
    assert sent[0][1]["time"] == "2023-11-14T22:13:20Z"
    assert first == {
        "metric": "data_drift",
        "namespace": "mlops",
        "dimNames": ["Monitor"],
        "series": [{"dimValues": ["drift"], "min": 0.25, "max": 0.25, "sum": 0.25, "count": 1}],
    }
    assert last["metric"] == measure.MEASURED
