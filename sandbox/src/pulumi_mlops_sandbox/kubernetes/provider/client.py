"""HTTP to the apiserver: one request, its warnings, its errors. The official client takes a second to import."""

import json
import re
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from pulumi_mlops_sandbox.kubernetes.provider.kubeconfig import Access

Object = dict[str, Any]
APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
_BUSY = frozenset({429, 503})
_PATIENCE = 20.0
_CONNECTIONS = 64
_REFUSED = 400
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class StatusError(Exception):
    """The apiserver said no: its ``Status``."""

    def __init__(self, code: int, status: Mapping[str, Any]) -> None:
        super().__init__(str(status.get("message") or f"HTTP {code}"))
        self.code = code
        self.reason = str(status.get("reason") or "")
        details = status.get("details") or {}
        self.kind = str(details.get("kind") or "")
        self.causes: list[Mapping[str, Any]] = list(details.get("causes") or [])

    @property
    def message(self) -> str:
        """What the apiserver said."""
        return str(self)

    @property
    def immutable(self) -> bool:
        """Say whether the apiserver refused because a field can never change."""
        return self.code == 422 and "field is immutable" in self.message  # noqa: PLR2004 - Unprocessable Entity

    @property
    def stale(self) -> bool:
        """Say whether somebody else wrote the object after it was read."""
        return self.code == 409 and self.reason == "Conflict" and not self.causes  # noqa: PLR2004 - Conflict


class Client:
    """A connection to one cluster."""

    def __init__(self, access: Access, cancelled: threading.Event) -> None:
        self.access = access
        self.cancelled = cancelled
        headers = urllib3.make_headers(basic_auth=f"{access.user}:{access.password}") if access.user else {}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        tls: Object = {"ssl_context": _trust(access)} if access.server.startswith("https:") else {}
        if access.insecure:
            tls["assert_hostname"] = False
        if access.server_name:
            tls["server_hostname"] = access.server_name
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS,
            headers=headers,
            retries=False,
            timeout=urllib3.Timeout(connect=5, read=65),
            **tls,
        )

    def get(self, path: str, **parameters: Any) -> Object:
        """Read an object or a list."""
        return self.request("GET", path, parameters)

    def request(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        body: Any = None,
        media: str = "application/json",
        *,
        warn: Callable[[str], None] | None = None,
    ) -> Object:
        """Make a request, again while the apiserver is busy; raise :class:`StatusError` when it says no."""
        attempts = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, StatusError) and error.code in _BUSY),
            wait=wait_exponential(multiplier=0.1, max=2),
            stop=stop_after_delay(_PATIENCE),
            sleep=self._pause,
            reraise=True,
        )
        query = f"?{urlencode(parameters)}" if parameters else ""
        answer: urllib3.BaseHTTPResponse = attempts(self._once, method, f"{path}{query}", body, media)
        if warn is not None:
            for header in answer.headers.getlist("Warning"):
                for text in _WARNING.findall(header):
                    warn(re.sub(r"\\(.)", r"\1", text))
        return _content(answer.data)

    def _pause(self, seconds: float) -> None:
        self.cancelled.wait(seconds)

    def _once(self, method: str, target: str, body: Any, media: str) -> urllib3.BaseHTTPResponse:
        answer = self._pool.request(
            method,
            f"{self.access.server}{target}",
            body=None if body is None else json.dumps(body).encode(),
            headers={**self._pool.headers, "Accept": "application/json", "Content-Type": media},
        )
        if answer.status >= _REFUSED:
            raise StatusError(answer.status, _content(answer.data))
        return answer


def _content(data: bytes) -> Object:
    """Read a body, which is text where no API is: ``404 page not found``."""
    try:
        content = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace").strip()}
    return content if isinstance(content, dict) else {"message": str(content)}


def _trust(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.authority.decode() if access.authority else None)
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.certificate:
        # The library reads certificates from files only.
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder, "certificate"), Path(folder, "key")
            for path, content in ((certificate, access.certificate), (key, access.key)):
                path.touch(mode=0o600)
                path.write_bytes(content)
            context.load_cert_chain(certificate, key)
    return context
