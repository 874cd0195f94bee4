"""The AWS control plane on localhost: `python -m pulumi_mlops_sandbox.aws.server --home DIR --port 0`.

boto3 and the stand-in provider speak to it over AWS's own protocols. It listens on 127.0.0.1 only, writes `aws.json`
into its home when it is ready, and saves its state there.
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
from typing import TYPE_CHECKING, Any

os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # read when moto's IAM is imported
os.environ["MOTO_ACCOUNT_ID"] = "123456789012"  # else moto searches all partitions for whose the access key is

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.aws import admin, operations
from pulumi_mlops_sandbox.aws.plane import Plane
from pulumi_mlops_sandbox.saving import UnreadableStateError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

default_user_config["lambda"] = {"use_docker": False}  # functions answer, they do not run
LICENCE = "PULUMI_MLOPS_SANDBOX"
READY = "aws.json"


class Application:
    """The WSGI application: administration under /_sandbox, AWS everywhere else."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith(admin.PREFIX):
            response: Response = admin.answer(self.plane, Request(environ))
            return response(environ, start_response)
        return self.plane.handle(environ, start_response)


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # without it nobody answers `Expect: 100-continue`, and S3 uploads wait a second

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: GET /_sandbox/requests lists the requests."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Write through our own logger."""
        logging.getLogger(__name__).log(logging.getLevelNamesMapping()[type.upper()], message, *args)


def serve(home: Path, port: int = 0, latency: float | None = None) -> tuple[Plane, BaseWSGIServer]:
    """Load the state and open the port; the caller runs `serve_forever`."""
    operations.load()
    home.mkdir(parents=True, exist_ok=True)
    plane = Plane(home, latency)
    plane.snapshot.load()
    plane.snapshot.start()
    server = make_server("127.0.0.1", port, Application(plane), threaded=True, request_handler=_Handler)
    announce(home, server.server_port)
    return plane, server


def announce(home: Path, port: int) -> None:
    """Write process and port where the other parts of the sandbox look for them."""
    temporary = home / f"{READY}.tmp"
    temporary.write_text(json.dumps({"pid": os.getpid(), "port": port}))
    temporary.replace(home / READY)


def main(arguments: list[str] | None = None) -> int:
    """Run the control plane until it is told to stop."""
    parser = argparse.ArgumentParser(
        prog="pulumi_mlops_sandbox.aws.server", description="AWS control plane on localhost"
    )
    parser.add_argument("--home", type=Path, help=f"folder for its state; the default is ${LICENCE}")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, help="seconds that a creation, an update or a deletion takes")
    options = parser.parse_args(arguments)
    home: Path | None = options.home or (Path(os.environ[LICENCE]) if os.environ.get(LICENCE) else None)
    if home is None:
        parser.error(f"this is a stand-in for AWS and runs in a sandbox only: set {LICENCE}, or give --home")
    os.environ[LICENCE] = str(home)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s sandbox aws %(levelname)s %(name)s: %(message)s")
    try:
        plane, server = serve(home, options.port, options.latency)
    except (UnreadableStateError, OSError) as error:
        sys.stderr.write(f"sandbox aws: {error}\n")
        return 1

    def stop(_number: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()
    plane.snapshot.stop()
    if json.loads((home / READY).read_text()).get("pid") == os.getpid():  # not that of a successor
        (home / READY).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
