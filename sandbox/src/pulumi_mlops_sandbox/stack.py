"""A stack in the sandbox, driven by the plain `pulumi` command: for the demo, the tests and the benchmarks."""

import json
import subprocess
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox import wrapper
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi marks a value that is no plain one; outputs of a stack have secrets of that kind."""
UNCHANGED = frozenset({"same", "read", "refresh", "read-discard"})


@dataclass(frozen=True)
class Step:
    """One thing that the engine did."""

    op: str
    """``create``, ``update``, ``replace``, ``delete``, … as Pulumi calls them."""
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.op} {self.type.rsplit(':', 1)[-1]} {self.name}"


@dataclass(frozen=True)
class Result:
    """What a command did and said."""

    code: int
    output: str
    steps: list[Step]

    @property
    def changes(self) -> list[Step]:
        """The steps that changed something."""
        return changing(self.steps)

    @property
    def counts(self) -> Counter[str]:
        """How often each operation came up."""
        return Counter(step.op for step in self.changes)


def changing(steps: Sequence[Step]) -> list[Step]:
    """Take the steps that change something."""
    return [step for step in steps if step.op not in UNCHANGED and step.type != "pulumi:pulumi:Stack"]


class Stack:
    """One stack of a project."""

    def __init__(self, sandbox: Sandbox, folder: Path, name: str = "dev") -> None:
        self.sandbox, self.folder, self.name = sandbox, folder, name

    def configure(self, **settings: str) -> None:
        """Set plain configuration values; a value that is JSON becomes a structure where Pulumi reads it as one."""
        pairs = [word for key, value in settings.items() for word in ("--plaintext", f"{key}={value}")]
        self._pulumi("config", "set-all", *pairs)

    def configure_secret(self, key: str, value: str) -> None:
        """Set a secret; the value goes in by standard input, so that no process list shows it."""
        self.sandbox.up()
        done = subprocess.run(  # noqa: S603 (the sandbox's own)
            ["pulumi", "config", "set", "--secret", key, "-s", self.name],  # noqa: S607 (on the sandbox's own PATH)
            cwd=self.folder,
            env=self.sandbox.environ(),
            input=value,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SandboxError(done.stderr)

    def get(self, key: str) -> str:
        """Read one configuration value."""
        return self._pulumi("config", "get", key).stdout.strip()

    def preview(self, *options: str) -> Result:
        """Preview the program."""
        return self._steps("preview", *options)

    def up(self, *options: str) -> Result:
        """Bring the program up, without the preview that doubles the time; :meth:`preview` is a command of its own."""
        return self._steps("up", "--yes", "--skip-preview", *options)

    def preview_and_up(self, *options: str) -> Result:
        """Bring the program up after its preview, in one command, whose events have no step of the preview."""
        return self._steps("up", "--yes", *options)

    def refresh(self, *options: str) -> Result:
        """Compare the state with what is there."""
        return self._steps("refresh", "--yes", "--skip-preview", *options)

    def destroy(self) -> Result:
        """Take everything down."""
        return self._steps("destroy", "--yes", "--skip-preview")

    def unprotect(self) -> None:
        """Let `destroy` delete what the stage protects."""
        self._pulumi("state", "unprotect", "--all", "--yes")

    def outputs(self) -> dict[str, Any]:
        """Read the outputs; secrets are masked."""
        resources = self.state().get("resources", ())
        found = [each.get("outputs", {}) for each in resources if each["type"] == "pulumi:pulumi:Stack"]
        return {name: _masked(value) for outputs in found for name, value in outputs.items()}

    def export(self) -> str:
        """Export the stack, as ``pulumi stack export`` prints it."""
        return self._pulumi("stack", "export").stdout

    def state(self) -> dict[str, Any]:
        """Read the state as Pulumi keeps it, from its file: a ``pulumi`` command takes half a second for that."""
        project = self.folder / "Pulumi.yaml"
        name = wrapper.project_name(project)
        file = self.sandbox.home / "state" / ".pulumi" / "stacks" / name / f"{self.name}.json"
        if not file.is_file():
            raise SandboxError(f"There is no stack {self.name} of the project {name} in {self.sandbox.home}")
        state: dict[str, Any] = json.loads(file.read_text())["checkpoint"]["latest"] or {}
        return state

    def _pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.sandbox.run(["pulumi", *arguments, "-s", self.name, "--non-interactive"], cwd=self.folder)
        if done.returncode:
            raise SandboxError(f"pulumi {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done

    def _steps(self, command: str, *options: str) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "events")
            arguments = [
                command,
                *options,
                "-s",
                self.name,
                "--non-interactive",
                "--color",
                "never",
                "--event-log",
                str(log),
            ]
            # The engine offers its event log, as the Automation API uses it, only among its debugging commands.
            done = self.sandbox.run(["pulumi", *arguments], cwd=self.folder, PULUMI_DEBUG_COMMANDS="true")
            events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        done_by = steps(events, planned=command == "preview")
        return Result(done.returncode, done.stdout + done.stderr, done_by)


def _masked(value: Any) -> Any:
    """Put Pulumi's own word in the place of each secret."""
    if isinstance(value, dict):
        return "[secret]" if SIGNATURE in value else {key: _masked(each) for key, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list) else value


def steps(events: Iterable[Mapping[str, Any]], *, planned: bool) -> list[Step]:
    """Read the steps out of the engine's events: those that it planned in a preview, or those that it finished."""
    details = [event.get("resourcePreEvent" if planned else "resOutputsEvent") for event in events]
    found = [detail["metadata"] for detail in details if detail and detail.get("planning", False) == planned]
    return [Step(_op(metadata), metadata["type"], metadata["urn"].rsplit("::", 1)[-1]) for metadata in found]


def _op(metadata: Mapping[str, Any]) -> str:
    """Name what was done; of a refresh what it found, which the engine tells only in the command of that name."""
    op, old, new = str(metadata["op"]), metadata.get("old"), metadata.get("new")
    if op != "refresh" or not old:
        return op
    return "delete" if not new else op if old.get("inputs") == new.get("inputs") else "update"


def inventory(url: str) -> dict[str, list[str]]:
    """List everything that exists in a control plane of the sandbox."""
    with urllib.request.urlopen(f"{url}/_sandbox/inventory", timeout=30) as answer:  # noqa: S310 (localhost)
        found: dict[str, list[str]] = json.load(answer)
    return {kind: ids for kind, ids in found.items() if ids}
