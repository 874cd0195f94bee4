"""The first program on each machine of a training that ``lead.py`` leads: it fetches files, and hands over others.

It is one file that needs nothing but Python 3.9, so that it runs in any image:

    python3 follow.py PROGRAM ARGUMENT…

``MLOPS_LEAD`` is the address of who leads, and ``MLOPS_LEAD_KEY`` the file with what opens its door. What the program
says is said here, and there.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_HANDED_OVER, LEFT_ALONE = 70, 71
_BEAT_SECONDS = 5.0
_ALONE_SECONDS = 600
"""How long it goes on while who leads does not answer: machines would be held for nothing."""
_TRIES = 8
_TIMEOUT_SECONDS = 60
_LOG_BYTES = 1 << 20
"""How much of what a program says is kept for who leads while that does not answer."""
_CHUNK = 1 << 20
_REST_SECONDS = 5.0
"""How long what a program has said last may take to come."""


class Lead:
    """Who leads."""

    def __init__(self, address: str, key: str, node: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.host, self.key, self.node, self.sleep = urlsplit(address).netloc, key, node, sleep

    def tell(self, what: str, body: bytes = b"", tries: int = _TRIES, **query: object) -> None:
        """Say that something begins, goes on, or has ended."""
        asked = "&".join(f"{key}={value}" for key, value in {"node": self.node, **query}.items())
        self._tried(tries, lambda: self._done("POST", f"/{what}?{asked}", body))

    def files(self) -> tuple[dict[str, list[tuple[str, int]]], list[str]]:
        """List what there is to fetch, and what is to be brought: by the variable that says where each is."""
        found: dict[str, Any] = json.loads(self._tried(_TRIES, lambda: self._done("GET", "/files")))
        given = {name: [(path, size) for path, size in files] for name, files in found["given"].items()}
        return given, found["taken"]

    def fetch(self, name: str, path: str, size: int, to: Path) -> None:
        """Fetch one file."""
        to.parent.mkdir(parents=True, exist_ok=True)

        def get() -> bytes:
            with to.open("wb") as file:
                self._done("GET", f"/given/{name}/{quote(path)}", into=file)
            if (got := to.stat().st_size) != size:
                raise ConnectionError(f"{got} of {size} bytes came")
            return b""

        self._tried(_TRIES, get)

    def bring(self, where: str, path: Path) -> None:
        """Bring one file."""

        def put() -> bytes:
            with path.open("rb") as file:
                return self._done("PUT", f"/taken/{quote(where)}", file, size=path.stat().st_size)

        self._tried(_TRIES, put)

    def _tried(self, tries: int, do: Callable[[], bytes]) -> bytes:
        for tried in range(1, tries + 1):
            try:
                return do()
            except (OSError, http.client.HTTPException) as error:
                if tried == tries:
                    raise ConnectionError(f"who leads does not answer at {self.host}: {error}") from error
                self.sleep(min(2.0**tried, 30.0))
        raise AssertionError

    def _done(self, method: str, path: str, body: Any = b"", into: Any = None, size: int | None = None) -> bytes:
        connection = http.client.HTTPConnection(self.host, timeout=_TIMEOUT_SECONDS)
        try:
            headers = {"Authorization": f"Bearer {self.key}"}
            if size is not None:
                headers["Content-Length"] = str(size)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ConnectionError(f"{method} {path} is answered with {answer.status}")
            if into is None:
                return answer.read()
            shutil.copyfileobj(answer, into, _CHUNK)
            return b""
        finally:
            connection.close()


class Report:
    """What a program says, on its way to who leads; and whether that still answers."""

    def __init__(
        self, lead: Lead, alone: Callable[[], None], every: float = _BEAT_SECONDS, patience: float = _ALONE_SECONDS
    ) -> None:
        self.lead, self.alone, self.every, self.patience = lead, alone, every, patience
        self.log, self.lock, self.over = bytearray(), threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)

    def add(self, text: bytes) -> None:
        """Keep what was said, and forget the oldest of too much."""
        with self.lock:
            self.log += text
            del self.log[: max(0, len(self.log) - _LOG_BYTES)]

    def close(self) -> None:
        """Say the rest."""
        self.over.set()
        self.thread.join()

    def _beat(self) -> None:
        heard = time.monotonic()
        while True:
            last = self.over.wait(self.every)
            with self.lock:
                # Whole lines, until nothing follows.
                text = bytes(self.log if last else self.log[: self.log.rfind(b"\n") + 1])
            try:
                self.lead.tell("beat", text, tries=_TRIES if last else 1)
                heard = time.monotonic()
                with self.lock:
                    del self.log[: len(text)]
            except ConnectionError as error:
                sys.stderr.write(f"follow: {error}\n")
                if time.monotonic() - heard > self.patience:
                    sys.stderr.write("follow: nobody leads any more; the training is ended.\n")
                    self.alone()
                    return
            if last:
                return


def run(command: list[str], lead: Lead) -> tuple[int, bool]:
    """Run a program to its end, handing on the signals that ask it to stop; tell whether one did."""
    asked: list[int] = []
    left_alone: list[bool] = []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 (the step's own)

    def pass_on(number: int, _frame: object) -> None:
        asked.append(number)
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)

    def alone() -> None:
        left_alone.append(True)
        process.terminate()

    report = Report(lead, alone)
    report.thread.start()
    heard = threading.Thread(target=_hear, args=(process.stdout, report), daemon=True)
    heard.start()
    code = process.wait()
    # What it has begun and left behind may hold its output open for ever.
    heard.join(_REST_SECONDS)
    report.close()
    if left_alone:
        return LEFT_ALONE, True
    return (code if code >= 0 else 128 - code), bool(asked)


def _hear(output: IO[bytes], report: Report) -> None:
    """Say here what a program says, and keep it for who leads."""
    while text := os.read(output.fileno(), _CHUNK):
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        report.add(text)


def fetched(lead: Lead, given: Mapping[str, list[tuple[str, int]]], environment: Mapping[str, str]) -> None:
    """Fetch everything into the folders that the variables name."""
    for name, files in given.items():
        folder = Path(environment[name])
        folder.mkdir(parents=True, exist_ok=True)
        for path, size in files:
            lead.fetch(name, path, size, folder / path)


def handed_over(lead: Lead, taken: list[str], environment: Mapping[str, str]) -> None:
    """Hand over what is there of the folders and files that the variables name."""
    for name in taken:
        place = Path(environment[name])
        if place.is_file():
            lead.bring(name, place)
        for path in sorted(place.rglob("*")) if place.is_dir() else ():
            if path.is_file():
                lead.bring(f"{name}/{path.relative_to(place)}", path)


def main(command: list[str]) -> int:
    """Run a machine's part; return its exit code."""
    environment = os.environ
    node = environment.get("PET_NODE_RANK") or "0"
    lead = Lead(environment["MLOPS_LEAD"], Path(environment["MLOPS_LEAD_KEY"]).read_text().strip(), node)
    try:
        lead.tell("begin")
        given, taken = lead.files()
        fetched(lead, given, environment)
        code, asked = run(command, lead)
        if asked:
            # It is to begin again elsewhere, and then it hands over.
            return code
        if node == "0":
            handed_over(lead, taken, environment)
        lead.tell("end", code=code)
    except ConnectionError as error:
        sys.stderr.write(f"follow: {error}\n")
        return NOT_HANDED_OVER
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
