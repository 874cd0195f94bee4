"""The AWS control plane on localhost: `python -m pulumi_mlops_sandbox.aws.server --home DIR --port 0`.

boto3 and the stand-in provider speak to it over AWS's own protocols. It listens on 127.0.0.1 only, writes `aws.json`
into its home when it is ready, and saves its state there.
"""

import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # read when moto's IAM is imported
os.environ["MOTO_ACCOUNT_ID"] = "123456789012"  # else moto searches all partitions for whose the access key is

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.administration import PREFIX
from pulumi_mlops_sandbox.aws import admin, operations
from pulumi_mlops_sandbox.aws.executions import job_operations
from pulumi_mlops_sandbox.aws.executions import operations as executions
from pulumi_mlops_sandbox.aws.plane import Plane
from pulumi_mlops_sandbox.serving import QuietHandler, announce, run

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

default_user_config["lambda"] = {"use_docker": False}  # functions answer, they do not run
READY = "aws.json"


class Application:
    """The WSGI application: administration under /_sandbox, AWS everywhere else."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith(PREFIX):
            response: Response = admin.answer(self.plane, Request(environ))
            return response(environ, start_response)
        return self.plane.handle(environ, start_response)


class _Handler(QuietHandler, MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Write through our own logger."""
        logging.getLogger(__name__).log(logging.getLevelNamesMapping()[type.upper()], message, *args)


def serve(home: Path, port: int = 0, latency: float | None = None) -> tuple[Plane, BaseWSGIServer]:
    """Load the state and open the port; the caller runs `serve_forever`."""
    operations.load()
    home.mkdir(parents=True, exist_ok=True)
    plane = Plane(home, latency)
    plane.saver.load()
    job_operations.recover(plane)
    executions.recover(plane)
    plane.saver.start()
    server = make_server("127.0.0.1", port, Application(plane), threaded=True, request_handler=_Handler)
    plane.url = f"http://127.0.0.1:{server.server_port}"
    announce(home / READY, port=server.server_port)
    return plane, server


def main(arguments: list[str] | None = None) -> int:
    """Run the control plane until it is told to stop."""
    return run("aws", "AWS control plane on localhost", "AWS", serve, arguments)


if __name__ == "__main__":
    sys.exit(main())
