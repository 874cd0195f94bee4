"""The demonstration of ``make demo``: a real stack up, unchanged, edited, and down without a trace.

``python -m pulumi_mlops_sandbox.demo stacks/aws`` runs the stack's own files, copied into a folder of the demo,
with the real engine against the sandbox's control plane, goes once round the loop with a toy model, and ends with a
table of what was shown. What is shown is in ``sandbox/<cloud>/demo.py``: the cloud is the last word of the folder. With
``--nodes real`` containers run, and what is shown is in ``sandbox/<cloud>/nodes/demo.py``.
"""

import argparse
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pulumi_mlops.verify import report
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.planes import PLAYED, REAL
from pulumi_mlops_sandbox.progress import step
from pulumi_mlops_sandbox.stack import Result, Stack

_SHOWN_STEPS = 4
_LAST_LINES = 60


@dataclass
class Demo:
    """What was shown so far."""

    stack: Stack
    rows: list[tuple[str, str, str, float]] = field(default_factory=list)

    def show(self, title: str, action: Callable[[], Result], wanted: Callable[[Result], bool], says: str) -> Result:
        """Run one command, and stop when it did something else than it should."""
        started = time.monotonic()
        with step(title):
            result = action()
        if result.code or not wanted(result):
            raise SandboxError(f"{title}: wanted {says}, got {dict(result.counts)}:\n{result.output}")
        self.rows.append((title, says, _told(result), time.monotonic() - started))
        return result

    def once_round(self, backend: str) -> None:
        """Show the loop: a row for each part of what ``pulumi-mlops verify`` does."""
        said: deque[str] = deque(maxlen=_LAST_LINES)
        with (
            tempfile.TemporaryDirectory(prefix="pulumi-mlops-loop-") as folder,
            step("Once round the loop") as progress,
        ):
            command = [sys.executable, "-P", "-m", "pulumi_mlops_sandbox.loop", backend, folder]
            with subprocess.Popen(  # noqa: S603 (our own)
                command,
                env=self.stack.sandbox.environ(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                part = ""
                for line in process.stdout or ():
                    said.append(line)
                    part = line.rstrip("… \n") if line.endswith("…\n") else part
                    progress.update(part)
            if process.returncode:
                raise SandboxError(f"Once round the loop:\n{''.join(said)}")
            parts = json.loads(Path(folder, report.DATA).read_text())["parts"]
        self.rows += [(f"loop: {one['name']}", one["title"], one["said"], one["seconds"]) for one in parts]


def _told(result: Result) -> str:
    changes = [str(change) for change in result.changes]
    if not changes:
        return "nothing changed"
    if len(changes) <= _SHOWN_STEPS:
        return "\n".join(changes)
    return ", ".join(f"{count} {op}" for op, count in result.counts.items())


def only(op: str, *names: str) -> Callable[[Result], bool]:
    """Want just these resources to change, in just this way."""
    return lambda result: {change.name for change in result.changes} == set(names) and set(result.counts) == {op}


def table(rows: list[tuple[str, str, str, float]]) -> Table:
    """Lay out what was shown."""
    laid = Table(title="What was shown", show_lines=True)
    for column in ("step", "wanted", "happened"):
        laid.add_column(column)
    laid.add_column("seconds", justify="right")
    for title, says, told, seconds in rows:
        laid.add_row(title, says, told, f"{seconds:.1f}" if seconds else "")
    return laid


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """Copy a stack's files, so that the demo changes none of them."""
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-demo-") as place:
        target = Path(place, folder.name)
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
        yield target


def main() -> int:
    """Run the demonstration in a sandbox of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a stack's folder, such as stacks/aws")
    parser.add_argument("--nodes", default=None, choices=[PLAYED, REAL], help="what nodes a Kubernetes has")
    arguments = parser.parse_args()
    folder, nodes = arguments.folder, arguments.nodes
    console = Console()
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-sandbox-") as home, copied(folder) as files:
        sandbox = Sandbox(Path(home))
        try:
            sandbox.up((folder.name,), nodes)
            url = next(status.url for status in sandbox.status() if status.url)
            demo = Demo(Stack(sandbox, files))
            shown = f"{folder.name}.nodes.demo" if nodes == REAL else f"{folder.name}.demo"
            importlib.import_module(f"pulumi_mlops_sandbox.{shown}").show(demo, url)
            console.print(table(demo.rows))
        except SandboxError as error:
            console.print(f"Error: {error}", markup=False, highlight=False)
            return 1
        finally:
            sandbox.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
