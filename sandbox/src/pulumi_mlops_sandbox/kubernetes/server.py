"""The Kubernetes control plane on localhost: `python -m pulumi_mlops_sandbox.kubernetes.server --home DIR --port 0`.

It starts the real parts, watches over them, and answers questions about the sandbox on a port of its own. When they are
ready it writes `kubeconfig` and `kubernetes.json` into its home; objects are kept in `kubernetes/` there, or in
`kubernetes-real/` where the nodes are real.
"""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from werkzeug.serving import BaseWSGIServer, make_server

from pulumi_mlops_sandbox.certificates import private
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import prepared
from pulumi_mlops_sandbox.kubernetes.admin import Application
from pulumi_mlops_sandbox.kubernetes.nodes import product
from pulumi_mlops_sandbox.kubernetes.plane import FOLDERS, Plane
from pulumi_mlops_sandbox.planes import PLAYED, REAL
from pulumi_mlops_sandbox.serving import LICENCE, QuietHandler, withdraw

READY = "kubernetes.json"
KUBECONFIG = "kubeconfig"
LOOKS_EVERY = 0.5
"""Seconds between two looks at the parts."""


class Stopped(BaseException):
    """Somebody told the sandbox to stop."""


def serve(plane: Plane, home: Path, port: int) -> NoReturn:
    """Start everything, say that it is ready, and watch over it until somebody stops it or a part ends."""
    plane.start()
    server = make_server("127.0.0.1", port, Application(plane), threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        private(home / KUBECONFIG, plane.cluster.kubeconfig())
        announce(home, server, plane)
        pause = threading.Event()
        while not (said := plane.ended()):
            pause.wait(LOOKS_EVERY)
        raise SandboxError(said)
    finally:
        server.shutdown()


def announce(home: Path, server: BaseWSGIServer, plane: Plane) -> None:
    """Write process and ports where the other parts of the sandbox look for them."""
    told = {
        "pid": os.getpid(),
        "port": server.server_port,
        **plane.facts(),
    }
    private(home / READY, json.dumps(told))


def main(arguments: list[str] | None = None) -> int:
    """Run the control plane until it is told to stop."""
    parser = argparse.ArgumentParser(
        prog="pulumi_mlops_sandbox.kubernetes.server", description="Kubernetes control plane on localhost"
    )
    parser.add_argument("--home", type=Path, help=f"folder for its state; the default is ${LICENCE}")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--nodes", choices=list(FOLDERS), default=PLAYED, help="what pods run on, or seem to")
    options = parser.parse_args(arguments)
    home: Path | None = options.home or (Path(os.environ[LICENCE]) if os.environ.get(LICENCE) else None)
    if home is None:
        parser.error(f"this is a cluster for a sandbox: set {LICENCE}, or give --home")
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    code = 0
    plane = None
    try:
        node = product.ensure() if options.nodes == REAL else None
        plane = Plane(prepared.ensure(), home, node)
        serve(plane, home, options.port)
    except Stopped:
        pass
    except (SandboxError, OSError) as error:
        sys.stderr.write(f"sandbox kubernetes: {error}\n")
        code = 1
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # once is enough
        if plane is not None:
            plane.stop()
        withdraw(home / READY)
    return code


def _stop(_number: int, _frame: object) -> NoReturn:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
