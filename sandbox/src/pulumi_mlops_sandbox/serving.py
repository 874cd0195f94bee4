"""An emulated cloud as a process: where it keeps its state, when it is ready, how it ends."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.running.jobs import Jobs
from pulumi_mlops_sandbox.saving import Saver, UnreadableStateError

LICENCE = "PULUMI_MLOPS_SANDBOX"


class Served(Protocol):
    """What is served: it keeps its state, and has jobs that run."""

    @property
    def saver(self) -> Saver:
        """Writes the state."""
        ...

    @property
    def jobs(self) -> Jobs:
        """What runs."""
        ...


class QuietHandler(WSGIRequestHandler):
    """Keeps connections open, and says nothing of requests."""

    protocol_version = "HTTP/1.1"  # without it nobody answers `Expect: 100-continue`, and S3 uploads wait a second

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: GET /_sandbox/requests lists the requests."""


def announce(ready: Path, **told: object) -> None:
    """Write process and address where the other parts of the sandbox look for them."""
    temporary = ready.with_name(f"{ready.name}.tmp")
    temporary.write_text(json.dumps({"pid": os.getpid(), **told}))
    temporary.replace(ready)


def withdraw(ready: Path) -> None:
    """Take back that we are ready, unless a successor is."""
    try:
        if json.loads(ready.read_text()).get("pid") == os.getpid():
            ready.unlink()
    except (OSError, ValueError):
        return


def run(
    name: str,
    title: str,
    cloud: str,
    serve: Callable[[Path, int, float | None], tuple[Served, BaseWSGIServer]],
    arguments: list[str] | None = None,
) -> int:
    """Run a control plane until it is told to stop.

    :param name: of the plane, which its files have too.
    :param title: what it is, in a line.
    :param cloud: what it stands in for.
    :param serve: loads the state and opens the port.
    """
    parser = argparse.ArgumentParser(prog=f"pulumi_mlops_sandbox.{name}.server", description=title)
    parser.add_argument("--home", type=Path, help=f"folder for its state; the default is ${LICENCE}")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, help="seconds that a creation, an update or a deletion takes")
    options = parser.parse_args(arguments)
    home: Path | None = options.home or (Path(os.environ[LICENCE]) if os.environ.get(LICENCE) else None)
    if home is None:
        parser.error(f"this is a stand-in for {cloud} and runs in a sandbox only: set {LICENCE}, or give --home")
    os.environ[LICENCE] = str(home)
    form = f"%(asctime)s sandbox {name} %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form)
    try:
        plane, server = serve(home, options.port, options.latency)
    except (UnreadableStateError, SandboxError, OSError) as error:
        sys.stderr.write(f"sandbox {name}: {error}\n")
        return 1

    def stop(_number: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    plane.jobs.end()
    server.server_close()
    plane.saver.stop()
    withdraw(home / f"{name}.json")
    return 0
