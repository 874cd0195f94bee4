"""Steady requests while a release goes on: how many were sent, and what became of them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from pulumi_mlops.core.errors import MlopsError


@dataclass
class Load:
    """Asks so many times a second, in order, as long as it is entered."""

    ask: Callable[[], Any]
    a_second: float = 4
    sent: int = 0
    failures: list[str] = field(default_factory=list)
    """What was said of each request that failed."""
    _ends: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        count = 4  # a slow answer leaves the others going
        self._threads = [threading.Thread(target=self._go, args=(one, count), daemon=True) for one in range(count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, seconds: float) -> None:
        """Let it go on for a while."""
        self._ends.wait(seconds)

    def _go(self, first: int, step: int) -> None:
        began, number = time.monotonic(), first
        while not self._ends.wait(max(0.0, began + number / self.a_second - time.monotonic())):
            said = None
            try:
                self.ask()
            except MlopsError as error:
                said = str(error)
            with self._counting:
                self.sent += 1
                self.failures += [said] if said else []
            number += step
