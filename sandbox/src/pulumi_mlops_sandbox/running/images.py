"""Which folder of this machine stands in for which image.

No image is there in a sandbox. Somebody says that the programs of one are in a folder, and a job that would start the
image starts a copy of the folder instead. It is kept in ``images.json`` in the sandbox's home, for all clouds.
"""

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "images.json"


@dataclass(frozen=True)
class StandIn:
    """What stands in for an image."""

    image: str
    """The image's address, with ``*`` for any part of it."""
    folder: str = ""
    """A folder with its programs: a job's working folder is a copy of it. Without one, it has this machine's alone."""
    entrypoint: Sequence[str] = ()
    """What the image starts where a job names no command."""


class NoStandInError(Exception):
    """Nothing stands in for an image."""

    def __init__(self, image: str) -> None:
        super().__init__(
            f"The sandbox has no stand-in for the image {image}, so nothing ran. Name a folder with its programs: "
            f"pulumi-mlops sandbox image {image} FOLDER"
        )


class Images:
    """All that was said."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def all(self) -> list[StandIn]:
        """List them; the first that fits counts."""
        try:
            said = json.loads(self.path.read_text())
        except FileNotFoundError:
            return []
        return [StandIn(**one) for one in said]

    def put(self, image: str, folder: str = "", entrypoint: Sequence[str] = ()) -> None:
        """Have a folder stand in for an image, before all others."""
        if folder:
            folder = str(Path(folder).resolve())
            if not Path(folder).is_dir():
                raise ValueError(f"there is no folder {folder}")
        self._write([StandIn(image, folder, list(entrypoint)), *(one for one in self.all() if one.image != image)])

    def remove(self, image: str = "*") -> None:
        """Forget what was said of an image, or of all that a pattern means."""
        self._write([one for one in self.all() if not fnmatch.fnmatchcase(one.image, image)])

    def of(self, image: str) -> StandIn:
        """Find what stands in for an image."""
        found = next((one for one in self.all() if fnmatch.fnmatchcase(image, one.image)), None)
        if found is None:
            raise NoStandInError(image)
        return found

    def _write(self, said: list[StandIn]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".tmp")
        written.write_text(json.dumps([asdict(one) for one in said], indent=2))
        written.replace(self.path)
