"""The process of a stand-in provider: serves until its engine leaves."""

import argparse
import atexit
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_mlops_sandbox.ending import Ending
from pulumi_mlops_sandbox.provider.diagnostics import Diagnostics
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.plugin import Plugin

LICENCE = "PULUMI_MLOPS_SANDBOX"
"""The environment variable that names the sandbox's home; without it no stand-in runs."""
_WORKERS = 64
_PARENT_POLL = 0.2
_LAST_CALLS = 120.0
_MESSAGE_LIMIT = 400 * 1024 * 1024


def home() -> Path:
    """Return the sandbox's home, or end the process: outside a sandbox a stand-in must never answer."""
    folder = os.environ.get(LICENCE)
    if not folder:
        sys.exit(f"sandbox provider: {LICENCE} is not set; this stand-in runs only inside `pulumi-mlops sandbox run`")
    return Path(folder)


def serve(make: Callable[[Journal, Diagnostics], Plugin]) -> None:
    """Serve one provider and print its port, as the engine expects."""
    folder = home()
    parser = argparse.ArgumentParser(description="A stand-in provider of the pulumi-mlops sandbox.")
    parser.add_argument("engine", nargs="?", help="address of the engine")
    arguments, _ = parser.parse_known_args()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    ending = Ending()
    service = make(Journal(folder / "creates"), Diagnostics(arguments.engine))
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS),
        options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT), ("grpc.max_send_message_length", _MESSAGE_LIMIT)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ending.wait(_PARENT_POLL)
    # An engine that was killed leaves calls in hand: they end, and the journal knows what they made.
    service.busy.wait(_LAST_CALLS)
    server.stop(None)
    atexit._run_exitfuncs()  # noqa: SLF001  (there is no other name for it)
    os._exit(0)  # the pool's idle threads and the clients' connections hold nothing worth waiting for
