"""Requests by HTTP to what a platform serves: in a given time, through the environment's proxies, also as a stream."""

import contextlib
import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from pulumi_mlops.clients.patience import How, PassingError
from pulumi_mlops.core.errors import MlopsError

Opened = Callable[[], socket.socket]
"""Opens a way to the server that is not by its address, such as a port-forward."""
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_BROKEN = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
_PIECE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent."""

    address: str
    method: str = "POST"
    headers: Mapping[str, str]
    body: bytes = b""
    seconds: float
    opened: Opened | None = None
    """How the server is reached, where that is not by the address."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Their names are in lower case."""
    body: bytes


def send(request: Request) -> Answer:
    """Send a request, and read the answer to its end.

    :raises PassingError: it may be otherwise the next time.
    """
    with _answering(request) as response, _broken():
        return Answer(response.status, _headers(response), response.read())


def stream(request: Request) -> Iterator[Answer | bytes]:
    """Send a request; yield the answer without its body, and then the body piece by piece as it comes.

    An answer that is no success has its body, and nothing follows.

    :raises PassingError: it may be otherwise the next time; only before the answer is yielded.
    """
    with _answering(request) as response:
        fine = response.status < HTTPStatus.MULTIPLE_CHOICES
        with _broken():
            body = b"" if fine else response.read()
        yield Answer(response.status, _headers(response), body)
        while fine:
            try:
                piece = response.read1(_PIECE)
            except (OSError, HTTPException) as error:
                raise MlopsError(f"the answer broke off: {_told(error)}") from error
            if not piece:
                return
            yield piece


@contextlib.contextmanager
def _answering(request: Request) -> Iterator[HTTPResponse]:
    connection = _connection(request)
    parts = urlsplit(request.address)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        try:
            connection.connect()
        except (OSError, HTTPException) as error:
            raise PassingError("unreached", f"is not reached at {parts.netloc}: {_told(error)}") from error
        with _broken():
            connection.request(request.method, target, body=request.body, headers=dict(request.headers))
            response = connection.getresponse()
            if response.status in (*_BUSY, *_BROKEN):
                text = response.read().decode(errors="replace")
                how: How = "busy" if response.status in _BUSY else "broken"
                told = " ".join(f"is busy: {response.status} {response.reason}: {text[:200]}".split()).rstrip(": ")
                raise PassingError(how, told, _after(response))
        yield response
    finally:
        connection.close()


@contextlib.contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise PassingError("late", "it takes longer") from error
    except (OSError, HTTPException) as error:
        raise PassingError("broken", f"broke the connection: {_told(error)}") from error


class _Opened(HTTPConnection):
    """HTTP over whatever socket is opened for it."""

    def __init__(self, host: str, opened: Opened, seconds: float) -> None:
        super().__init__(host, timeout=seconds)
        self.opened = opened

    def connect(self) -> None:
        """Open the socket."""
        self.sock = self.opened()
        self.sock.settimeout(self.timeout)


def _connection(request: Request) -> HTTPConnection:
    parts = urlsplit(request.address)
    host, secure = parts.hostname or "", parts.scheme == "https"
    if request.opened is not None:
        return _Opened(parts.netloc, request.opened, request.seconds)
    proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(parts.scheme)
    if proxy:
        by = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        where, port = by.hostname or "", by.port
    else:
        where, port = host, parts.port
    made = (
        HTTPSConnection(where, port, timeout=request.seconds, context=ssl.create_default_context())
        if secure
        else HTTPConnection(where, port, timeout=request.seconds)
    )
    if proxy:
        made.set_tunnel(host, parts.port or (443 if secure else 80))
    return made


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _after(response: HTTPResponse) -> float | None:
    """Read in how many seconds it wants to be asked again; a date is not looked at."""
    told = response.getheader("Retry-After") or ""
    return float(told) if told.isdigit() else None


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
