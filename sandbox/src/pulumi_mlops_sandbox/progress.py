"""Progress of what takes longer than a breath: a live line on a terminal, plain lines elsewhere.

Everything goes to standard error, so that what a command prints can be piped or evaluated.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.status import Status

PLAIN_INTERVAL = 15.0
"""Seconds between two plain lines about the same step."""


class Step(Protocol):
    """One thing that is being done."""

    def update(self, detail: str) -> None:
        """Say how far it is."""


class _LiveStep:
    def __init__(self, status: "Status", title: str) -> None:
        self._status, self._title, self._started = status, title, time.monotonic()

    def update(self, detail: str) -> None:
        elapsed = int(time.monotonic() - self._started)
        self._status.update(f"{self._title} [dim]({elapsed // 60}:{elapsed % 60:02d}) {detail}[/dim]")


class _PlainStep:
    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._said = time.monotonic()
        _say(f"{title} …")

    def update(self, detail: str) -> None:
        now = time.monotonic()
        if now - self._said >= PLAIN_INTERVAL:
            self._said = now
            _say(f"{self._title} … {int(now - self._started)} s: {detail}")


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show that something is being done until the block ends."""
    if not sys.stderr.isatty():
        yield _PlainStep(title)
        return
    from rich.console import Console  # noqa: PLC0415  (imported where it is shown: `--help` stays quick)

    with Console(stderr=True).status(title) as status:
        yield _LiveStep(status, title)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
