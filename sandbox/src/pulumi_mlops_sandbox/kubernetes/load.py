"""Steady requests at an endpoint from several threads: who answered, how, and how fast, by the phases of a test."""

import contextlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.gateways import ask

OK = 200
_THREADS = 10
_LOOKS_EVERY = 0.1
_WITHIN = 20.0
"""Seconds after which a request counts as lost."""


@dataclass(frozen=True)
class Answer:
    """One request, and what became of it."""

    sent: float
    took: float
    status: int
    """That of the answer; 0 where there was none."""
    version: str
    pod: str
    phase: str
    number: int
    """Which request it was: the ``n`` that it sent."""
    said: str = ""
    """What was wrong with it."""

    @property
    def failed(self) -> bool:
        """Whether it was not answered as it should be."""
        return self.status != OK


@dataclass
class Phase:
    """A part of the test, and the requests that were sent in it."""

    name: str
    answers: list[Answer] = field(default_factory=list)
    sent: int = 0

    @property
    def failed(self) -> list[Answer]:
        """The requests that failed."""
        return [one for one in self.answers if one.failed]

    @property
    def versions(self) -> Counter[str]:
        """How many each version answered."""
        return Counter(one.version for one in self.answers)

    def pods(self, beginning: str) -> list[Answer]:
        """Take the answers of pods whose name begins so."""
        return [one for one in self.answers if one.pod.startswith(beginning)]

    def both(self, old: str, new: str) -> list[Answer]:
        """Take what was sent while two versions answered: from the first answer of the new to the last of the old."""
        first = min(one.sent for one in self.answers if one.version == new)
        last = max(one.sent for one in self.answers if one.version == old)
        return [one for one in self.answers if first <= one.sent <= last]

    def line(self) -> str:
        """Tell its figures."""
        took = sorted(one.took for one in self.answers if not one.failed)
        by = ", ".join(f"{version or '-'}: {count}" for version, count in sorted(self.versions.items()))
        return (
            f"{self.name:<28} sent {len(self.answers):>5}  failed {len(self.failed):>4}  "
            f"p50 {_milliseconds(took, 0.5):>6}  p99 {_milliseconds(took, 0.99):>6}  answered by {by}"
        )


def share(answers: Sequence[Answer], version: str) -> float:
    """Return the part that a version answered."""
    return sum(one.version == version for one in answers) / len(answers)


def error(of: float, count: int) -> float:
    """Say how far a share of so many may be off by chance: four standard deviations, once in 16,000.

    >>> error(0.5, 100)
    0.2
    """
    return 4 * math.sqrt(of * (1 - of) / count)


class Load:
    """Sends so many requests a second, whether or not those before were answered, as long as it is entered."""

    def __init__(self, where: str, url: str, a_second: float = 5.0, body: Any = None) -> None:
        """Ask by the address of a gateway; for the same, or for a number that is to come back with the answer."""
        self.where, self.url, self.a_second, self.body = where, url, a_second, body
        self.phases: list[Phase] = []
        self._now = Phase("before")
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(index,)) for index in range(_THREADS)]
        self._counting = threading.Lock()
        self._begun = 0.0

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        """Begin a phase; when it ends, all its requests have been answered or lost."""
        now = Phase(name)
        self.phases.append(now)
        with self._counting:
            before, self._now = self._now, now
        try:
            yield now
        finally:
            with self._counting:
                self._now = before
            self._settle(now)

    def _settle(self, phase: Phase) -> None:
        """Wait until all requests of a phase have an end."""
        deadline = time.monotonic() + 2 * _WITHIN
        while len(phase.answers) < phase.sent:
            if time.monotonic() > deadline:
                raise SandboxError(f"{phase.name}: {phase.sent - len(phase.answers)} requests have no end.")
            time.sleep(_LOOKS_EVERY)

    def keep_up(self, seconds: float) -> None:
        """Let it go on for a while."""
        self._ends.wait(seconds)

    def lines(self) -> Iterator[str]:
        """Tell the figures of each phase, and of all."""
        for phase in self.phases:
            yield phase.line()
        yield Phase("all", [one for phase in self.phases for one in phase.answers]).line()

    def _send(self, index: int) -> None:
        number = index
        while True:
            due = self._begun + number / self.a_second
            if self._ends.wait(max(0.0, due - time.monotonic())):
                return
            with self._counting:
                phase, sent = self._now, time.monotonic()
                phase.sent += 1
            status, said = self._asked(number)
            took = time.monotonic() - sent
            told: dict[str, Any] = said if isinstance(said, dict) else {}
            wrong = "" if status == OK else str(said)[:200]
            who = (str(told.get("version", "")), str(told.get("pod", "")))
            phase.answers.append(Answer(sent, took, status, *who, phase.name, number, wrong))
            number += len(self._threads)

    def _asked(self, number: int) -> tuple[int, Any]:
        """Ask once; the wrong answer to another's request is a failure too."""
        body = {"n": number} if self.body is None else self.body
        status, said = ask(self.where, self.url, body, _WITHIN)
        if isinstance(said, str):
            with contextlib.suppress(ValueError):
                said = json.loads(said)
        given = said.get("given") if isinstance(said, dict) else None
        if status == OK and self.body is None and given != body:
            return 0, f"asked {number}, told {given}"
        return status, said


def _milliseconds(sorted_seconds: Sequence[float], quantile: float) -> str:
    if not sorted_seconds:
        return "-"
    return f"{1000 * sorted_seconds[min(int(len(sorted_seconds) * quantile), len(sorted_seconds) - 1)]:.0f} ms"
