"""One part of the control plane as a process: started quietly, ended with whoever started it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TAIL = 8
"""Lines of a part's log that are quoted when it ends."""


@dataclass(frozen=True)
class Part:
    """How a part is started."""

    name: str
    arguments: Sequence[str]
    collects_at: int = 100
    """Go's GOGC: by how many per cent the heap grows before it is collected. Less is slower and smaller."""
    stops_within: float = 10.0
    """Seconds after which it is killed; every write is on disk by then."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables, or others than it would have."""


class Running:
    """A part that was started."""

    def __init__(self, part: Part, command: Sequence[str | Path], folder: Path) -> None:
        self.part = part
        self.log = folder / "logs" / f"{part.name}.log"
        self.log.parent.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),  # kwok would read settings in the user's
            "GOGC": str(part.collects_at),
            "SANDBOX_ENDS_WITH_STDIN": "1",
            **part.environment,
        }
        with self.log.open("wb") as log:
            # Its standard input is a pipe of ours: however we end, it closes, and the part ends too.
            self.process = subprocess.Popen(  # noqa: S603  (our own binary)
                [*command, *part.arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for us, who end the parts in order
            )

    def ended(self) -> str:
        """Say how it ended, with the end of its log; nothing while it runs."""
        code = self.process.poll()
        if code is None:
            return ""
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return "\n".join([f"{self.part.name} ended with {how}. The end of {self.log}:", *lines])

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(self.part.stops_within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
