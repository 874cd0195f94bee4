"""What is asked of Azure while a program runs, and what is said when it does not answer."""

import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pulumi_mlops import MlopsError
from pulumi_mlops.backends.azure import live, sessions
from pulumi_mlops.core import private
from support.facts.azure import HUB, WORKSPACE
from support.mocks import SUBSCRIPTION


class Handler(BaseHTTPRequestHandler):
    server: "Manager"

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append((self.command, self.path, self.headers["Authorization"], self.rfile.read(size)))
        status, body = self.server.answers.pop(0)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Manager(ThreadingHTTPServer):
    """Plays Azure Resource Manager: gives one answer after the other."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    server = Manager()
    monkeypatch.setattr(private, "get_monitor", lambda: server)  # a run of its own, also where no other test ran before
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    _leads_to(monkeypatch, server.url)
    yield server
    server.shutdown()
    server.server_close()


def _leads_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(sessions.ENDPOINT, url)
    monkeypatch.setenv(sessions.TOKEN, "t0ken")
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(sessions, "_settings", lambda _: {})


def failure(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def test_a_thing_is_read_with_its_version_and_who_asks(arm: Manager) -> None:
    arm.answers = [(200, {"name": "score"})]
    assert live.of_workspace(HUB, "endpoint 'score'", "onlineEndpoints/score") == {"name": "score"}
    assert arm.asked == [("GET", f"{WORKSPACE}/onlineEndpoints/score?api-version={live.ML}", "Bearer t0ken", b"")]


def test_what_is_not_there_is_nothing(arm: Manager) -> None:
    arm.answers = [(404, failure("ResourceNotFound", "gone"))]
    assert live.subscription(None, SUBSCRIPTION) is None


def test_every_page_of_a_list_is_read(arm: Manager) -> None:
    arm.answers = [
        (200, {"value": [{"name": "b"}], "nextLink": f"{arm.url}/next?api-version=2022-12-01&$skip=1"}),
        (200, {"value": [{"name": "a"}]}),
    ]
    assert live.locations(None, SUBSCRIPTION) == ["a", "b"]
    assert arm.asked[1][1].startswith("/next?api-version=2022-12-01")
    assert arm.asked[1][1].count("api-version") == 1


def test_a_question_has_a_body(arm: Manager) -> None:
    arm.answers = [(200, {"nameAvailable": True})]
    assert live.post(None, "a name", "/x", "2024-01-01", {"name": "n"}) == {"nameAvailable": True}
    assert json.loads(arm.asked[0][3]) == {"name": "n"}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, failure("ExpiredAuthenticationToken", "The access token expired."), "az login"),
        (
            404,
            failure("SubscriptionNotFound", "The subscription 'x' could not be found."),
            "azure-native:subscriptionId",
        ),
        (
            403,
            failure(
                "AuthorizationFailed", "The client 'c' may not perform action 'Microsoft.X/read' over scope '/s' …"
            ),
            "Give Microsoft.X/read on /s to who deploys",
        ),
        (400, failure("BadRequest", "No."), r"refused what it was asked about regions: No \(BadRequest\)"),
        (200, b"<html>", None),
    ],
)
def test_a_refusal_is_one_line_with_the_way_out(arm: Manager, status: int, body: Any, told: str | None) -> None:
    arm.answers = [(status, body)]
    if told is None:
        assert live.get(None, "regions", "/x", "1") is not None
        return
    with pytest.raises(MlopsError, match=told) as caught:
        live.get(None, "regions", "/x", "1")
    assert "\n" not in str(caught.value)


def test_sizes_are_those_of_the_region_and_none_where_they_are_not_seen(arm: Manager) -> None:
    arm.answers.append((200, {"value": [{"name": "Standard_F2s_v2"}]}))
    assert live.sizes(dataclasses.replace(HUB, region="West Europe")) == {"standard_f2s_v2"}
    assert "/locations/westeurope/vmSizes?" in arm.asked[-1][1]
    arm.answers.append((403, {"error": {"code": "AuthorizationFailed", "message": "No."}}))
    assert live.sizes(dataclasses.replace(HUB, region="eastus")) == frozenset()


def test_a_quota_is_that_of_the_family_or_of_all_of_low_priority(arm: Manager) -> None:
    sizes = {"value": [{"name": "Standard_F2s_v2", "family": "standardFSv2Family"}, {"name": "Standard_X1"}]}
    named = {"value": "StandardFSv2Family", "localizedValue": "Standard FSv2 Family vCPUs"}
    rows = [{"name": named, "limit": 20}, {"name": {"value": "LowPriorityCores"}, "limit": 8}]
    arm.answers += [(200, sizes), (200, {"value": rows})]
    where = dataclasses.replace(HUB, region="North Europe")
    assert live.quota(where, "standard_f2s_V2", low_priority=False) == ("Standard FSv2 Family vCPUs", 20)
    assert "/locations/northeurope/usages?" in arm.asked[-1][1]
    assert live.quota(where, "Standard_F2s_v2", low_priority=True) == ("standardFSv2Family", 8)
    assert live.quota(where, "Standard_X1", low_priority=False) is None
    assert len(arm.asked) == 2


def test_an_azure_that_is_down_is_told_apart_from_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _leads_to(monkeypatch, f"http://127.0.0.1:{port}")
    monkeypatch.setattr(sessions, "_RETRIES", 0)
    with pytest.raises(MlopsError, match="Azure does not answer when it is asked about regions") as caught:
        live.get(None, "regions", "/x", "1")
    assert "az account show" in str(caught.value)


def test_nobody_is_asked_under_mocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "mocked", lambda: True)
    monkeypatch.setattr(sessions, "ask", lambda *_, **__: pytest.fail("Azure was asked"))
    assert live.get(None, "regions", "/x", "1") is None
    assert live.locations(None, SUBSCRIPTION) == []
    assert live.of_workspace(HUB, "endpoint", "onlineEndpoints/score") is None


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"tenantId": "t", "clientId": "c", "clientSecret": "s"}, "ClientSecretCredential"),
        ({"tenantId": "t", "clientId": "c", "oidcToken": "j"}, "ClientAssertionCredential"),
        ({}, "DefaultAzureCredential"),
    ],
)
def test_the_credentials_are_those_of_the_provider(settings: dict[str, str], kind: str) -> None:
    assert type(sessions._credential(settings)).__name__ == kind
