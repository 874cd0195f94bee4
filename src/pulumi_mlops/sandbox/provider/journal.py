"""Creations that the engine may not have recorded, so that a killed engine leaks nothing.

An entry is written before a create call (intent) and completed with the object's id after it. It is removed once the
engine refers to that id for the same URN, which shows that it has the object in its state. Entries hold no values.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One creation."""

    urn: str
    name: str = ""
    """The physical name that was asked for, when there is one."""
    id: str = ""


class Journal:
    """The folder of entries; safe for many processes, since each entry is one file that is replaced in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, urn: str) -> Path:
        return self.folder / f"{hashlib.sha256(urn.encode()).hexdigest()[:32]}.json"

    def find(self, urn: str) -> Entry | None:
        """Return the entry of a URN, if there is one that can be read."""
        try:
            return Entry(**json.loads(self._path(urn).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, entry: Entry) -> None:
        """Keep an entry, in place of an older one of the same URN."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(entry.urn)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(asdict(entry)))
        part.replace(path)

    def forget(self, urn: str) -> None:
        """Drop the entry of a URN."""
        self._path(urn).unlink(missing_ok=True)

    def acknowledge(self, urn: str, object_id: str) -> None:
        """Drop the entry of an object that the engine knows."""
        entry = self.find(urn)
        if entry is not None and entry.id == object_id:
            self.forget(urn)
