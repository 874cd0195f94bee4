"""An endpoint is asked through a gateway: what does not answer is told, not raised."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pulumi_mlops_sandbox.kubernetes.gateways import ask

URL = "http://score.ml.example.com/invocations"


@contextmanager
def says(text: bytes) -> Iterator[str]:
    """Run a server that says this to everybody, and hangs up."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.wfile.write(text)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def answer(status: str, body: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{body}".encode()


def test_an_answer_and_a_refusal_are_told_with_their_status() -> None:
    with says(answer("200 OK", '{"n": 1}')) as where:
        assert ask(where, URL, {}) == (200, {"n": 1})
    with says(answer("503 Service Unavailable", "no healthy upstream")) as where:
        assert ask(where, URL, {}) == (503, "no healthy upstream")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="hangs-up"),
        pytest.param(answer("200 OK", '{"n": ', 400), id="ends-early"),
        pytest.param(answer("200 OK", "<html>"), id="no-json"),
    ],
)
def test_what_is_no_answer_has_no_status(said: bytes) -> None:
    with says(said) as where:
        assert ask(where, URL, {})[0] == 0


def test_nobody_is_there() -> None:
    with says(b"") as where:
        pass
    status, told = ask(where, URL, {})
    assert status == 0
    assert "refused" in told
