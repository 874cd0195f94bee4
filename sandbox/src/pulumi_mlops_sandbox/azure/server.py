"""Azure Resource Manager on localhost: `python -m pulumi_mlops_sandbox.azure.server --home DIR --port 0`.

Microsoft's clients and the stand-in provider speak to it over plain HTTP. It listens on 127.0.0.1 only, writes
`azure.json` into its home when it is ready, and saves its state there.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.administration import PREFIX
from pulumi_mlops_sandbox.azure import admin
from pulumi_mlops_sandbox.azure.plane import Plane
from pulumi_mlops_sandbox.azure.types import judge
from pulumi_mlops_sandbox.serving import QuietHandler, announce, run

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

READY = "azure.json"


class Application:
    """The WSGI application: administration under /_sandbox, Azure everywhere else."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path.startswith(PREFIX):
            return admin.answer(self._plane, request)(environ, start_response)
        return self._plane.handle(request)(environ, start_response)


def serve(home: Path, port: int = 0, latency: float | None = None) -> tuple[Plane, BaseWSGIServer]:
    """Load the state and open the port; the caller runs `serve_forever`."""
    home.mkdir(parents=True, exist_ok=True)
    judge.types()  # fetched once, before anybody waits for an answer
    plane = Plane(home, latency)
    plane.saver.start()
    server = make_server("127.0.0.1", port, Application(plane), threaded=True, request_handler=QuietHandler)
    plane.url = f"http://127.0.0.1:{server.server_port}"
    announce(home / READY, port=server.server_port, url=plane.url)
    return plane, server


def main(arguments: list[str] | None = None) -> int:
    """Run the control plane until it is told to stop."""
    return run("azure", "Azure Resource Manager on localhost", "Azure", serve, arguments)


if __name__ == "__main__":
    sys.exit(main())
