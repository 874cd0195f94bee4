"""Azure's own addresses, for programs that run in the sandbox: a proxy that ends TLS and leads to this very Azure.

A job is told the addresses that it would be told in Azure, ``https://management.azure.com`` and those of its accounts,
vaults and workspace. It reaches them through ``HTTPS_PROXY``, by certificates of an authority of the sandbox's own.
Nothing leads any further.
"""

import re
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import ClassVar

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.azure.call import Tenant
from pulumi_mlops_sandbox.certificates import Authority, private

_HOSTS = (
    (re.compile(r"management\.azure\.com"), ""),
    (re.compile(r"([a-z0-9]+)\.(?:blob|dfs)\.core\.windows\.net"), "/blob/{0}"),
    (re.compile(r"([a-z0-9-]+)\.vault\.azure\.net"), "/vault/{0}"),
    (re.compile(r"([a-z0-9]+)\.monitoring\.azure\.com"), "/monitoring/{0}"),
    (re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.api\.azureml\.ms"), ""),
)
"""Azure's hosts, and where what they have is here."""
_BAD_GATEWAY = 502


def mapped(host: str, path: str) -> str | None:
    """Return where a path of one of Azure's hosts is here; nothing for any other host."""
    for pattern, prefix in _HOSTS:
        if found := pattern.fullmatch(host.lower()):
            return prefix.format(*found.groups()) + path
    return None


class Contexts:
    """With what connections to hosts are answered: a certificate for each that is asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._lock = folder, threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._authority = Authority("pulumi-mlops sandbox")
        self.file = folder / "authority.pem"
        self.file.write_text(self._authority.certificate)

    def of(self, host: str) -> ssl.SSLContext:
        """Return with what a connection to a host is answered."""
        with self._lock:
            if host not in self._contexts:
                signed, file = self._authority.server([host]), self.folder / f"{host}.pem"
                private(file, signed.key + signed.certificate)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(file)
                self._contexts[host] = context
            return self._contexts[host]


class Proxy(ThreadingTCPServer):
    """Listens on this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.tenant = tenant
        self.contexts = Contexts(tenant.jobs.home / "certificates")
        threading.Thread(target=self.serve_forever, name="proxy", daemon=True).start()

    @property
    def variables(self) -> dict[str, str]:
        """Lead a program here."""
        address, file = f"http://127.0.0.1:{self.server_address[1]}", str(self.contexts.file)
        return {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), address),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), file),
        }


class _Tunnel(StreamRequestHandler):
    """One connection of a program: it asks for a host, and then speaks TLS."""

    def handle(self) -> None:
        """Answer it."""
        proxy = self.server
        assert isinstance(proxy, Proxy)  # noqa: S101 (nothing else makes one)
        method, _, rest = self.rfile.readline(65536).decode("latin-1").partition(" ")
        while self.rfile.readline(65536).strip():
            pass
        host = rest.partition(" ")[0].rpartition(":")[0]
        if method != "CONNECT" or mapped(host, "/") is None:
            self.wfile.write(f"HTTP/1.1 {_BAD_GATEWAY} Nothing leaves the sandbox\r\n\r\n".encode())
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.wfile.flush()
        try:
            with proxy.contexts.of(host).wrap_socket(self.connection, server_side=True) as inner:
                _Asked(inner, self.client_address, host, proxy.tenant)
        except (ssl.SSLError, OSError):
            return  # who asked is gone, or does not trust us


class _Asked(BaseHTTPRequestHandler):
    """Requests within a tunnel."""

    protocol_version = "HTTP/1.1"
    methods: ClassVar = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE")

    def __init__(self, connection: socket.socket, address: object, host: str, tenant: Tenant) -> None:
        self.host, self.tenant = host, tenant
        for method in self.methods:
            setattr(self, f"do_{method}", self._pass)
        super().__init__(connection, address, None)  # type: ignore[arg-type]  # no server is asked for anything

    def _pass(self) -> None:
        path, _, query = self.path.partition("?")
        builder = EnvironBuilder(
            path=mapped(self.host, path) or path,
            query_string=query,
            method=self.command,
            headers=[(name, value) for name, value in self.headers.items() if name.lower() != "host"],
            data=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        answer: Response = self.tenant.handle(Request(builder.get_environ()))
        content = b"" if self.command == "HEAD" else answer.get_data()
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing: GET /_sandbox/requests lists the requests."""
