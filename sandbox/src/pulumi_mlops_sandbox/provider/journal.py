"""Creations that the engine may not have recorded, so that a killed engine leaks nothing.

An entry is written before a create call (intent) and completed with the object's id after it. It is removed once the
engine refers to that id, under this URN or another, which shows that it has the object in its state. Entries hold no
values of properties.
"""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

_POLL = 0.1
_PATIENCE = 300.0


@dataclass(frozen=True)
class Entry:
    """One creation."""

    urn: str
    id: str = ""
    """Empty while the create call is in hand."""
    intended: str = ""
    """The id that it will have, where that is known before it is made."""
    pid: int = field(default_factory=os.getpid)
    """The process that makes it."""

    @property
    def token(self) -> str:
        """The resource's type token."""
        return self.urn.split("::", 3)[2].rsplit("$", 1)[-1]


class Journal:
    """The folder of entries; safe for many processes, since each entry is one file that is replaced in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, urn: str) -> Entry | None:
        """Return the entry of a URN; wait for the process that is still making the object, if there is one."""
        limit = time.monotonic() + _PATIENCE
        while True:
            entry = self._read(urn)
            busy = entry is not None and not entry.id and entry.pid != os.getpid() and _alive(entry.pid)
            if not busy or time.monotonic() > limit:
                return entry
            time.sleep(_POLL)

    def begin(self, urn: str, intended: str = "") -> None:
        """Note that an object is about to be made."""
        self._write(Entry(urn, intended=intended))

    def made(self, urn: str, object_id: str) -> None:
        """Note the object that was made."""
        self._write(Entry(urn, object_id))
        self._mark(Entry(urn, object_id)).touch()

    def forget(self, urn: str) -> None:
        """Drop the entry of a URN."""
        entry = self._read(urn)
        if entry is not None:
            self._path(urn).unlink(missing_ok=True)
            self._mark(entry).unlink(missing_ok=True)

    def acknowledge(self, urn: str, object_id: str) -> None:
        """Drop the entries of an object that the engine knows, whatever URN it had when it was made."""
        suffix = self._mark(Entry(urn, object_id)).suffix
        if not self.folder.is_dir():
            return
        for mark in self.folder.glob(f"*{suffix}"):
            mark.with_suffix(".json").unlink(missing_ok=True)
            mark.unlink(missing_ok=True)

    def _read(self, urn: str) -> Entry | None:
        try:
            return Entry(**json.loads(self._path(urn).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _write(self, entry: Entry) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(entry.urn)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(asdict(entry)))
        part.replace(path)

    def _path(self, urn: str) -> Path:
        return self.folder / f"{_digest(urn)}.json"

    def _mark(self, entry: Entry) -> Path:
        """Name the empty file by which an entry is found from the object's type and id."""
        return self._path(entry.urn).with_suffix(f".{_digest(f'{entry.token} {entry.id}')}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process has taken the number, or it is alive: either way it is there
        return True
    return True
