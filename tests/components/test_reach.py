"""Addresses that a program names are called at preview: within bounds, and never under mocks."""

import socket
import threading
import time
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from pulumi_mlops.core import private, reach


class _Refuses(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def silent() -> Iterator[str]:
    """Somebody who takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(pulumi.log, "warn", lambda line, _component: found.append(line))
    monkeypatch.setattr(reach, "SECONDS", 0.5)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return found


def warn(**addresses: Any) -> None:
    reach.warn(SimpleNamespace(component=None), addresses)  # type: ignore[arg-type]  # of a scope, the component alone


def test_who_answers_is_there_also_by_refusing(server: str, said: list[str]) -> None:
    warn(url=server)
    assert not said


def test_where_nobody_answers_one_line_says_so(said: list[str]) -> None:
    address = nobody()
    warn(url=address, other=None)
    (line,) = said
    assert line.startswith(f"url: {address} does not answer from here (")
    assert "refused" in line


def test_all_of_them_wait_together_and_not_longer(silent: str, said: list[str]) -> None:
    began = time.monotonic()
    warn(api=silent, web=f"{silent}/web", files=f"{silent}/files")
    assert time.monotonic() - began < 5
    assert len(said) == 3


class Later:
    """Something that becomes an address, and needs no loop of events."""

    def __await__(self) -> Generator[None, None, str]:
        yield
        return nobody()


def test_what_is_known_later_is_not_called(said: list[str]) -> None:
    warn(url=Later())
    assert not said


@pytest.mark.parametrize("why", ["mocks", "update"])
def test_nothing_is_called_under_mocks_and_in_updates(
    why: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "mocks":
        monkeypatch.setattr(private, "mocked", lambda: True)
    else:
        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    warn(url=nobody())
    assert not said
