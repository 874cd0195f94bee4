"""Azure Resource Manager on localhost: `python -m pulumi_mlops_sandbox.azure.server --home DIR --port 0`.

Microsoft's clients and the stand-in provider speak to it over plain HTTP. It listens on 127.0.0.1 only, writes
`azure.json` into its home when it is ready, and saves its state there.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.azure import admin
from pulumi_mlops_sandbox.azure.plane import Plane
from pulumi_mlops_sandbox.azure.types import judge
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.saving import UnreadableStateError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LICENCE = "PULUMI_MLOPS_SANDBOX"
READY = "azure.json"


class Application:
    """The WSGI application: administration under /_sandbox, Azure everywhere else."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path.startswith(admin.PREFIX):
            return admin.answer(self._plane, request)(environ, start_response)
        return self._plane.handle(request)(environ, start_response)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: GET /_sandbox/requests lists the requests."""


def serve(home: Path, port: int = 0, latency: float | None = None) -> tuple[Plane, BaseWSGIServer]:
    """Load the state and open the port; the caller runs `serve_forever`."""
    home.mkdir(parents=True, exist_ok=True)
    judge.types()  # fetched once, before anybody waits for an answer
    plane = Plane(home, latency)
    plane.saver.start()
    server = make_server("127.0.0.1", port, Application(plane), threaded=True, request_handler=_Handler)
    plane.url = f"http://127.0.0.1:{server.server_port}"
    announce(home, plane.url, server.server_port)
    return plane, server


def announce(home: Path, url: str, port: int) -> None:
    """Write process and address where the other parts of the sandbox look for them."""
    temporary = home / f"{READY}.tmp"
    temporary.write_text(json.dumps({"pid": os.getpid(), "port": port, "url": url}))
    temporary.replace(home / READY)


def main(arguments: list[str] | None = None) -> int:
    """Run the control plane until it is told to stop."""
    parser = argparse.ArgumentParser(
        prog="pulumi_mlops_sandbox.azure.server", description="Azure Resource Manager on localhost"
    )
    parser.add_argument("--home", type=Path, help=f"folder for its state; the default is ${LICENCE}")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, help="seconds that a creation, an update or a deletion takes")
    options = parser.parse_args(arguments)
    home: Path | None = options.home or (Path(os.environ[LICENCE]) if os.environ.get(LICENCE) else None)
    if home is None:
        parser.error(f"this is a stand-in for Azure and runs in a sandbox only: set {LICENCE}, or give --home")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s sandbox azure %(levelname)s %(name)s: %(message)s")
    try:
        plane, server = serve(home, options.port, options.latency)
    except (UnreadableStateError, SandboxError, OSError) as error:
        sys.stderr.write(f"sandbox azure: {error}\n")
        return 1

    def stop(_number: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()
    plane.saver.stop()
    if json.loads((home / READY).read_text()).get("pid") == os.getpid():  # not that of a successor
        (home / READY).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
