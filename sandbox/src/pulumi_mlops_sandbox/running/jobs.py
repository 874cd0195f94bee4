"""Jobs of an emulated cloud: each in a thread, which somebody can wait for and stop."""

import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)


class Jobs:
    """Those that run."""

    def __init__(self, home: Path) -> None:
        self.home = home / "jobs"
        self._lock = threading.Lock()
        self._running: dict[str, tuple[threading.Event, threading.Thread]] = {}

    def start(self, name: str, run: Callable[[threading.Event], None]) -> None:
        """Run something by itself; it is given an event that says when to stop."""
        stop = threading.Event()

        def guarded() -> None:
            try:
                run(stop)
            except Exception:
                log.exception("job %s", name)
            finally:
                with self._lock:
                    if self._running.get(name, (None,))[0] is stop:
                        del self._running[name]

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        with self._lock:
            self._running[name] = (stop, thread)
        thread.start()

    def runs(self, name: str) -> bool:
        """Say whether it runs."""
        with self._lock:
            return name in self._running

    def stop(self, name: str) -> None:
        """Ask it to stop."""
        with self._lock:
            found = self._running.get(name)
        if found is not None:
            found[0].set()

    def wait(self, name: str, seconds: float | None = None) -> None:
        """Wait for its end."""
        with self._lock:
            found = self._running.get(name)
        if found is not None:
            found[1].join(seconds)

    def stop_all(self) -> None:
        """End all, and wait for them."""
        with self._lock:
            all_of_them = list(self._running.values())
        for stop, _thread in all_of_them:
            stop.set()
        for _stop, thread in all_of_them:
            thread.join()

    def end(self) -> None:
        """End all for good, and leave no folder."""
        self.stop_all()
        remove(self.home)

    def scratch(self) -> Path:
        """Make a folder for what one is given and leaves; whoever asks removes it."""
        self.home.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self.home))


def remove(folder: Path) -> None:
    """Remove a scratch folder."""
    shutil.rmtree(folder, ignore_errors=True)
