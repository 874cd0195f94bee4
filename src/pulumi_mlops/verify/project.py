"""The project of a verification: a folder with a program, a state of its own, and how far it has come.

It lies apart from every other stack of the user: its state is a file of this machine, so that it asks for no account of
Pulumi Cloud and is seen by nobody else.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml
from pulumi import automation
from pulumi.automation.errors import create_command_error

from pulumi_mlops.clients import stacks
from pulumi_mlops.core.errors import MlopsError

STACK = "verify"
PROGRAM = "from pulumi_mlops.verify.program import declare\n\ndeclare()\n"
PROGRESS, PASSPHRASE = "progress.json", "passphrase"
_LAST_LINES = 15
_ENDS_WITHIN = 300.0
"""Seconds within which `pulumi` has ended what is under way, when it is asked to."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Up:
    """What an ``up`` did, or why it did not."""

    changes: int
    failure: str | None = None
    """Its last words, where it failed."""

    @property
    def good(self) -> bool:
        """Whether it went through."""
        return self.failure is None


def folder(name: str) -> Path:
    """Return where a verification of a name is kept."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "pulumi-mlops" / "verify" / name


class Interruptible(automation.PulumiCommand):
    """The command `pulumi`, which is asked to end, and waited for, when whoever runs it is interrupted.

    Pulumi's own leaves it running then, with a lock on the stack, and it would go on to make things.
    """

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Say | None = None,
        on_error: Say | None = None,
    ) -> automation.CommandResult:
        """Run it to its end."""
        whole = [self.command, "--non-interactive", *args]
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        said: tuple[list[str], list[str]] = ([], [])
        with subprocess.Popen(  # noqa: S603 (Pulumi's own command)
            whole,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us, who then ask it once
        ) as process:
            streams = zip((process.stdout, process.stderr), (on_output, on_error), said, strict=True)
            readers = [threading.Thread(target=_read, args=one) for one in streams]
            for reader in readers:
                reader.start()
            try:
                for reader in readers:
                    reader.join()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(_ENDS_WITHIN)
                except subprocess.TimeoutExpired:
                    process.kill()
                raise
        result = automation.CommandResult("\n".join(said[0]), "\n".join(said[1]), process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result


def _read(stream: IO[str], told: Say | None, lines: list[str]) -> None:
    for line in stream:
        lines.append(line.rstrip())
        if told:
            told(lines[-1])


class Project:
    """A stack of its own, driven by Pulumi's Automation API."""

    def __init__(self, place: Path, settings: Mapping[str, Any], say: Say) -> None:
        self.place, self.settings, self._say = place, settings, say

    def begin(self) -> None:
        """Write the project down, or find the one that an earlier verification left."""
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.place / "state").mkdir(exist_ok=True)
        secret = self.place / PASSPHRASE
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(32))
        runtime: dict[str, Any] = {"name": "python"}
        if sys.prefix != sys.base_prefix:
            runtime["options"] = {"toolchain": "pip", "virtualenv": sys.prefix}
        (self.place / "Pulumi.yaml").write_text(yaml.safe_dump({"name": self.settings["name"], "runtime": runtime}))
        (self.place / "__main__.py").write_text(PROGRAM)

    def progress(self) -> dict[str, Any]:
        """Read how far it has come."""
        path = self.place / PROGRESS
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def remember(self, progress: Mapping[str, Any]) -> None:
        """Write down how far it has come, whole or not at all."""
        part = self.place / f"{PROGRESS}.part"
        part.write_text(json.dumps(progress, indent=1))
        part.replace(self.place / PROGRESS)

    def up(self) -> Up:
        """Bring the program up."""
        return self._done(lambda stack: stack.up(on_output=self._told, color="never", log_to_std_err=False))

    def preview(self) -> Up:
        """Preview the program; nothing is made."""
        try:
            seen = self._stack().preview(on_output=self._told, color="never")
        except automation.CommandError as error:
            return Up(0, last_lines(str(error)))
        changes = sum(count for op, count in seen.change_summary.items() if op not in ("same", automation.OpType.SAME))
        return Up(changes)

    def destroy(self) -> Up:
        """Take everything down."""
        return self._done(lambda stack: stack.destroy(on_output=self._told, color="never"))

    def settle(self) -> None:
        """Let go of a lock, and of operations under way, that a verification left which was killed."""
        stack = self._stack()
        stack.cancel()
        state = stack.export_stack()
        deployment = dict(state.deployment or {})
        if deployment.pop("pending_operations", None):
            stack.import_stack(automation.Deployment(version=state.version, deployment=deployment))
            stack.refresh(on_output=self._told, color="never")

    def resources(self) -> list[str]:
        """Name what the state still has, but for the stack itself and its providers."""
        found = (self._stack().export_stack().deployment or {}).get("resources") or []
        kinds = ("pulumi:pulumi:", "pulumi:providers:")
        return [one["urn"].rpartition("::")[2] for one in found if not str(one["type"]).startswith(kinds)]

    def outputs(self) -> stacks.Stack:
        """Read what the stack exports, for a client."""
        found = {name: one.value for name, one in self._stack().outputs().items() if not one.secret}
        return stacks.Stack(STACK, found)

    def forget(self) -> None:
        """Delete the project and its state, when nothing is left of it elsewhere."""
        shutil.rmtree(self.place)

    def _done(self, act: Callable[[automation.Stack], Any]) -> Up:
        try:
            done = act(self._stack())
        except automation.CommandError as error:
            return Up(0, last_lines(str(error)))
        changed = done.summary.resource_changes or {}
        return Up(sum(count for op, count in changed.items() if op != "same"))

    def _stack(self) -> automation.Stack:
        options = automation.LocalWorkspaceOptions(
            pulumi_command=Interruptible(),
            work_dir=str(self.place),
            env_vars={
                # Without attributes beside each file: those of an engine that is killed may stay empty, and nothing
                # is read any more.
                "PULUMI_BACKEND_URL": f"{(self.place / 'state').as_uri()}?metadata=skip",
                "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.place / PASSPHRASE),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        )
        try:
            stack = automation.create_or_select_stack(STACK, work_dir=str(self.place), opts=options)
            stack.set_config("settings", automation.ConfigValue(json.dumps(self.settings)))
        except FileNotFoundError as error:
            raise MlopsError("There is no `pulumi` on the PATH; install it, or name its folder in PATH.") from error
        return stack

    def _told(self, line: str) -> None:
        with (self.place / "pulumi.log").open("a") as log:
            log.write(f"{line}\n")
        if line.strip():
            self._say(line.rstrip())


def last_lines(text: str) -> str:
    """Return the end of Pulumi's diagnostics, or of all that it said: that is where the reason is."""
    _, diagnostics, found = text.rpartition("Diagnostics:\n")
    for after in ("\nOutputs:", "\nResources:") if diagnostics else ():
        found = found.partition(after)[0]
    lines = [line.strip() for line in found.splitlines() if line.strip() and not line.strip().startswith("@")]
    return "\n".join(lines[-_LAST_LINES:])
