"""A container as a process: its words, its variables, its folders, what it prints, and how it is stopped.

What a cloud puts at fixed places of a container's file system is in a scratch folder here: their names are replaced in
words and variables, and what a program has written in itself is not.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pulumi_mlops_sandbox.running.images import StandIn

GRACE_SECONDS = 10.0
"""From the signal that asks a process to end to the one that ends it."""
_LOOKS_SECONDS = 0.05
_TELLS_SECONDS = 1.0
_NOT_FOUND = 127
_LEFT_OUT = shutil.ignore_patterns(".git", "__pycache__")
_PLACE = re.compile(r"(?<![\w./-])/(?:opt/ml|tmp)(?=[^\w.-]|$)")
_SYSTEM = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""Variables of this machine without which its programs do not run."""


@dataclass
class Ended:
    """How a process ended."""

    code: int
    lines: list[str]
    """What it printed."""
    late: bool = False
    """It ran for longer than it may."""

    @property
    def last(self) -> str:
        """The last line that says something."""
        return next((line for line in reversed(self.lines) if line.strip()), "")


@dataclass
class Container:
    """What a container is given."""

    image: StandIn
    words: Sequence[str]
    variables: Mapping[str, str]
    """By the names of the container's own file system."""
    root: Path
    """What is the container's file system: ``/opt/ml`` is below it, and ``/tmp``."""
    seconds: float
    """How long it may run."""
    stop: threading.Event = field(default_factory=threading.Event)
    say: Callable[[list[str]], None] = lambda _lines: None
    """Takes what it prints, some lines at a time."""
    placed: bool = False
    """The words name places of this machine already."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Variables by the names of this machine's file system."""

    def place(self, path: str) -> Path:
        """Return where a path of the container is on this machine."""
        return self.root / path.lstrip("/")

    def inside(self, text: str) -> str:
        """Replace the container's fixed places in a text."""
        return _PLACE.sub(lambda found: f"{self.root}{found[0]}", text)

    def prepare(self) -> Path:
        """Make its folders, and return the one in which it works: a copy of what stands in for its image."""
        work = self.root / "work"
        if not work.exists():
            if self.image.folder:
                shutil.copytree(self.image.folder, work, symlinks=True, ignore=_LEFT_OUT)
            for folder in (work, self.root / "tmp", self.root / "opt/ml"):
                folder.mkdir(parents=True, exist_ok=True)
        return work

    def run(self) -> Ended:
        """Run it to its end."""
        work = self.prepare()
        words = list(self.words) if self.placed else [self.inside(word) for word in self.words]
        try:
            process = subprocess.Popen(  # noqa: S603 (what the user had it run)
                words,
                cwd=work,
                env=self._environment(work),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            said = f"exec: {words[0]}: {error.strerror}"
            self.say([said])
            return Ended(_NOT_FOUND, [said])
        return self._follow(process)

    def _environment(self, work: Path) -> dict[str, str]:
        found = {name: os.environ[name] for name in _SYSTEM if name in os.environ}
        path = [str(work / "bin"), str(work), str(Path(sys.executable).parent), found.get("PATH", os.defpath)]
        given = {name: self.inside(value) for name, value in self.variables.items()}
        own = {"PATH": os.pathsep.join(path), "HOME": str(self.root / "tmp"), "TMPDIR": str(self.root / "tmp")}
        return {**found, **own, **self.more, **given}

    def _follow(self, process: "subprocess.Popen[str]") -> Ended:
        lines: list[str] = []
        assert process.stdout is not None  # noqa: S101 (asked for)
        reading = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reading.start()
        begun, told, said_at, asked = time.monotonic(), 0, 0.0, 0.0
        ended = Ended(0, lines)
        while process.poll() is None:
            now = time.monotonic()
            ended.late = ended.late or now - begun > self.seconds
            if (self.stop.is_set() or ended.late) and not asked:
                asked = now
                _signal(process, signal.SIGTERM)
            elif asked and now - asked > GRACE_SECONDS:
                _signal(process, signal.SIGKILL)
            if now - said_at > _TELLS_SECONDS and len(lines) > told:
                told, said_at = self._tell(lines, told), now
            _wait(process)
        _signal(process, signal.SIGKILL)  # what it has left behind
        reading.join(GRACE_SECONDS)
        self._tell(lines, told)
        ended.code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return ended

    def _tell(self, lines: list[str], told: int) -> int:
        upto = len(lines)
        if upto > told:
            self.say(lines[told:upto])
        return upto


def _wait(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_LOOKS_SECONDS)
    except subprocess.TimeoutExpired:
        return


def _read(stream: IO[str], lines: list[str]) -> None:
    with stream:
        lines.extend(line.rstrip("\n") for line in stream)


def _signal(process: "subprocess.Popen[str]", number: int) -> None:
    """Signal it and all that it has started."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return
