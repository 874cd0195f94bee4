"""State on disk, saved soon after each change and when a server stops."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)
DEBOUNCE = 0.25  # seconds from a change to its place on disk; what a kill -9 may lose at most, plus the writing


class UnreadableStateError(Exception):
    """The state was written by another version of what reads it, or is damaged."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"{path} cannot be read: {why}. Use the versions that wrote it, or delete it to begin anew.")


class Saver:
    """Writes a file that survives the process, atomically; several requests for it become one."""

    def __init__(self, path: Path, dump: Callable[[], bytes]) -> None:
        self.path = path
        """Where the state is."""
        self._dump = dump
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Save in the background from now on."""
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Save a last time and end."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
        self.save()

    def soon(self) -> None:
        """Ask for a save."""
        self._wanted.set()

    def save(self) -> None:
        """Write the state now."""
        with self._writing:
            written = self._dump()
            temporary = self.path.with_suffix(".tmp")
            temporary.write_bytes(written)
            temporary.chmod(0o600)
            temporary.replace(self.path)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait()
            self._stopping.wait(DEBOUNCE)
            self._wanted.clear()
            try:
                self.save()
            except Exception:
                log.exception("the state could not be saved")
