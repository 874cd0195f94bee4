"""When a process that the engine started has to end: the engine says so, or it is gone."""

import os
import signal
from queue import Empty, SimpleQueue


class Ending:
    """Made before anything else is done: from then on no signal is missed.

    Signals come in numbers, some while an earlier one is handled. Python handles each between two steps of the main
    thread, which may hold a lock there; a handler that asks for the same lock, as ``Event.set`` does, waits for ever.
    ``SimpleQueue.put`` is the call of Python's that may be interrupted by itself.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._said: SimpleQueue[int] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _frame: object) -> None:
        self._said.put(number)

    def wait(self, looks_every: float) -> None:
        """Wait until a signal comes or the parent is gone, which was killed and could not say goodbye."""
        while os.getppid() == self._parent:
            try:
                self._said.get(timeout=looks_every)
            except Empty:
                continue
            return
