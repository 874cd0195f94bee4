"""Which folder of this machine stands in for which image.

No image is there in a sandbox. Somebody says that the programs of one are in a folder, and a job that would start the
image starts a copy of the folder instead. It is kept in ``images.json`` in the sandbox's home, for all clouds.
"""

import fnmatch
import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pulumi_mlops import images

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
        """Find what stands in for an image; an image of the library's own has its packages, whatever its repository."""
        found = next((one for one in self.all() if fnmatch.fnmatchcase(image, one.image)), None)
        if found is not None:
            return found
        short = image.rpartition("/")[2]
        for name in images.IMAGES:
            if short == f"{name}:{images.tag(name)}":
                return StandIn(image, str(self._of_library(name)))
        raise NoStandInError(image)

    def _of_library(self, name: str) -> Path:
        """Make a folder whose Python has the packages of an image, which are fetched if they are not there."""
        from pulumi_mlops_sandbox.kubernetes.nodes import environments  # noqa: PLC0415 (few jobs start one)

        folder = self.path.parent / "images" / f"{name}-{images.tag(name)}"
        python = environments.environment(name) / "bin" / "python"
        program = folder / "bin" / "python3"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@"\n')  # a link would not find its packages
        program.chmod(0o755)
        return folder

    def _write(self, said: list[StandIn]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".tmp")
        written.write_text(json.dumps([asdict(one) for one in said], indent=2))
        written.replace(self.path)
