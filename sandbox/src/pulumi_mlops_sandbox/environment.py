"""A sandbox: its folder, the control planes that run for it, and the environment in which Pulumi uses them."""

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import platformdirs
import psutil

from pulumi_mlops_sandbox import building, engine, project, start, wrapper
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.planes import CONTROL_PLANES, PROVIDERS, ControlPlane, Provider
from pulumi_mlops_sandbox.progress import step

READY_WITHIN = 300.0
STOPPED_WITHIN = 120.0
"""Longer than all parts of a real node take on a busy machine, one after the other."""
HERE = Path(__file__).parent
AS_FILE = (sys.executable, "-P")
"""-P: the folder of the file, in which modules have names such as `aws`, is not searched."""
ALONE = (sys.executable, "-I", "-S", str(HERE / "start.py"))
"""-I -S: what only stands for another process needs no packages and no settings of the user's."""

HIDDEN = (
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_IGNORE_AMBIENT_PLUGINS",
    "PULUMI_RUNTIME_VIRTUALENV",
)
"""Variables of the user's that would win over the sandbox's."""


@dataclass(frozen=True)
class Status:
    """What is known of one control plane."""

    name: str
    running: bool
    pid: int | None = None
    url: str | None = None


def default_home() -> Path:
    """Where the sandbox lives unless told; PULUMI_MLOPS_SANDBOX_HOME moves it."""
    override = os.environ.get("PULUMI_MLOPS_SANDBOX_HOME")
    return Path(override) if override else platformdirs.user_state_path("pulumi-mlops") / "sandbox"


class Sandbox:
    """A folder with everything of one sandbox. Several can run side by side."""

    def __init__(self, home: Path | None = None, planes: Sequence[ControlPlane] = CONTROL_PLANES) -> None:
        self.home = (home or default_home()).resolve()
        self._planes = planes
        self._furnished = False

    def up(self, planes: Collection[str] | None = None, nodes: str | None = None) -> None:
        """Prepare the engine and start control planes that do not run yet: those named, else those that already run.

        Where none is named and none runs, the first one is started. `nodes` says what nodes a Kubernetes has: without
        it what they were the last time, and at first played ones.
        """
        chosen = self._chosen(planes)
        if nodes is not None:
            self._check_nodes(chosen, nodes)
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with building.locked(self.home / ".lock", f"Waiting for another process that works on {self.home}"):
            if not self._furnished:
                self._furnish(engine.ensure())
                self._furnished = True
            for plane in chosen:
                if self._running(plane) is None:
                    kind = nodes or self._nodes(plane)
                    plane.prepare(self.home, kind)
                    if plane.nodes:
                        self._nodes_record(plane).write_text(kind)
                    self._start(plane)

    def down(self) -> None:
        """Stop the control planes; what exists in them is kept on disk."""
        for plane in self._planes:
            process = self._process(plane)
            if process is not None:
                process.terminate()
                try:
                    process.wait(STOPPED_WITHIN)
                except psutil.TimeoutExpired as error:
                    raise SandboxError(
                        f"The {plane.name} control plane (process {process.pid}) does not stop; see {self.log(plane)}."
                    ) from error
            self._record(plane).unlink(missing_ok=True)
            plane.clean(self.home)
        self._unload()

    def status(self) -> list[Status]:
        """Say which control planes run."""
        return [self._running(plane) or Status(plane.name, running=False) for plane in self._planes]

    def warnings(self) -> list[str]:
        """Say what is about to go wrong in what runs."""
        running = [plane for plane in self._planes if self._running(plane)]
        return [said for plane in running if (said := plane.warn(self.home, self._nodes(plane)))]

    def log(self, plane: ControlPlane) -> Path:
        """Name the file to which a control plane writes."""
        return self.home / f"{plane.name}.log"

    def env(self) -> dict[str, str]:
        """Make the variables that lead a process into the sandbox. They hold nothing secret."""
        variables = {
            "PULUMI_MLOPS_SANDBOX": str(self.home),
            # Without a file of attributes beside each file: an engine killed while it writes one leaves it empty, and
            # the state cannot be read any more.
            "PULUMI_BACKEND_URL": f"{wrapper.state(self.home)}?metadata=skip",
            "PULUMI_HOME": str(self.home / "pulumi"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.home / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "NO_PROXY": _joined(",", "127.0.0.1,localhost", os.environ.get("NO_PROXY", "")),
            "no_proxy": _joined(",", "127.0.0.1,localhost", os.environ.get("no_proxy", "")),
            "PATH": _joined(os.pathsep, *(str(folder) for folder in self._path), os.environ.get("PATH", "")),
        }
        running = {plane.name: status.url for plane in self._planes if (status := self._running(plane))}
        if not running:
            raise SandboxError("No control plane runs. Start one: pulumi-mlops sandbox up")
        for plane in self._planes:  # also those that do not run: nothing may lead to a real account
            variables |= plane.environment(self.home, running.get(plane.name))
            if server := self._server(plane):  # of an address that a proxy does not find
                variables["NO_PROXY"] = variables["no_proxy"] = _joined(",", variables["NO_PROXY"], server)
        return variables

    def environ(self) -> dict[str, str]:
        """Make a whole environment for a child process: the user's, less real accounts, plus the sandbox."""
        return {name: value for name, value in os.environ.items() if not self._hides(name)} | self.env()

    def shell(self) -> str:
        """Lines for a shell's ``eval``."""
        variables = self.env()
        hidden = sorted(name for name in os.environ if self._hides(name) and name not in variables)
        lines = [f"unset {name}" for name in hidden]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        return "\n".join(lines)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        planes: Collection[str] | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the sandbox, which is brought up if need be, with further variables; return what it said."""
        self.up(planes or self._wanted(command, cwd))
        environment = self.environ() | variables
        return subprocess.run(  # noqa: S603  (the user's own command)
            [_resolved(command[0], environment), *command[1:]],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def become(
        self, command: Sequence[str], planes: Collection[str] | None = None, nodes: str | None = None
    ) -> NoReturn:
        """Replace this process by a command in the sandbox, so that keys and signals reach it."""
        self.up(planes or self._wanted(command, None), nodes)
        environment = self.environ()
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(_resolved(command[0], environment), list(command), environment)  # noqa: S606  (the user's own command)

    # ------------------------------------------------------------------ which control planes

    def _chosen(self, names: Collection[str] | None) -> list[ControlPlane]:
        if names is None:
            return [plane for plane in self._planes if self._running(plane)] or [*self._planes[:1]]
        known = {plane.name: plane for plane in self._planes}
        for name in names:
            if name not in known:
                raise SandboxError(f"There is no control plane {name!r}; there are: {', '.join(known)}")
        return [plane for plane in self._planes if plane.name in names]

    def _wanted(self, command: Sequence[str], cwd: Path | None) -> Collection[str] | None:
        """Look at the project that a command is about; nothing where it names no control plane."""
        known = {name: plane.name for plane in self._planes for name in (plane.name, plane.provider.name)}
        return project.needs(command, cwd or Path.cwd(), known) or None

    def _nodes(self, plane: ControlPlane) -> str:
        """Say what nodes a control plane has: what it had the last time, else what it has unless somebody says so."""
        try:
            recorded = self._nodes_record(plane).read_text()
        except OSError:
            recorded = ""
        return recorded if recorded in plane.nodes else next(iter(plane.nodes), "")

    def _nodes_record(self, plane: ControlPlane) -> Path:
        return self.home / f"{plane.name}.nodes"

    def _check_nodes(self, chosen: Sequence[ControlPlane], nodes: str) -> None:
        """Refuse nodes that no chosen control plane can have, and others than those that run."""
        able = [plane for plane in chosen if plane.nodes]
        if not able:
            names = " or ".join(f"--plane {plane.name}" for plane in self._planes if plane.nodes)
            raise SandboxError(f"`--nodes` is for a control plane that has nodes: add {names}.")
        for plane in able:
            if nodes not in plane.nodes:
                raise SandboxError(f"There are no nodes {nodes!r}; there are: {', '.join(plane.nodes)}")
            if self._process(plane) is not None and (has := self._nodes(plane)) != nodes:
                raise SandboxError(
                    f"The {plane.name} control plane runs with {has} nodes. Stop it first (pulumi-mlops sandbox down), "
                    "or use another --home: both kinds keep what is in them."
                )

    # ------------------------------------------------------------------ the folder

    @property
    def _path(self) -> tuple[Path, ...]:
        return self.home / "bin", self.home / "engine", Path(sys.executable).parent

    def _hides(self, name: str) -> bool:
        return name in HIDDEN or any(name.startswith(plane.hides) for plane in self._planes)

    def _furnish(self, found: engine.Engine) -> None:
        """Lay out the engine, what it needs beside it, the providers, and a passphrase.

        The engine looks for its language host in its own folder, and warns about one found only on PATH.
        """
        for name in ("bin", "engine", "state", "projects"):
            (self.home / name).mkdir(exist_ok=True)
        beside = self.home / "engine"
        _link(found.pulumi, beside / "pulumi")
        for name in engine.SCRIPTS:
            shutil.copy2(found.scripts / name, beside / name)
        executor = beside / "pulumi-language-python-exec"
        module = (*ALONE, str(self.home), "module", "")
        _launcher(beside / "pulumi-language-python", *module, "pulumi_mlops_sandbox.language_host", str(executor))
        _launcher(self.home / "bin" / "pulumi", *AS_FILE, str(HERE / "wrapper.py"), str(beside / "pulumi"))
        for provider in (*(plane.provider for plane in self._planes), *PROVIDERS):
            self._install_provider(provider)
        passphrase = self.home / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))

    def _install_provider(self, provider: Provider) -> None:
        """Put a provider where the engine keeps plugins, in the version that the SDK asks for."""
        try:
            version = metadata.version(provider.package)
        except metadata.PackageNotFoundError:
            return  # `doctor` says so; no program can ask for it
        plugins = self.home / "pulumi" / "plugins"
        for outdated in plugins.glob(f"resource-{provider.name}-v*"):
            if outdated.is_dir() and outdated.name != f"resource-{provider.name}-v{version}":
                shutil.rmtree(outdated)
        folder = plugins / f"resource-{provider.name}-v{version}"
        folder.mkdir(parents=True, exist_ok=True)
        _launcher(folder / f"pulumi-resource-{provider.name}", *ALONE, str(self.home), "module", "", provider.module)

    # ------------------------------------------------------------------ the processes

    def _record(self, plane: ControlPlane) -> Path:
        return self.home / f"{plane.name}.json"

    def _server(self, plane: ControlPlane) -> str:
        """Name the host of what a control plane serves beside its own address; nothing where there is none."""
        try:
            return urlsplit(json.loads(self._record(plane).read_text()).get("server", "")).hostname or ""
        except (OSError, ValueError):
            return ""

    def _process(self, plane: ControlPlane) -> psutil.Process | None:
        """Find the process that the record names, if it is alive and not another one that got its number."""
        try:
            pid = json.loads(self._record(plane).read_text())["pid"]
            process = psutil.Process(pid)
            ours = process.status() != psutil.STATUS_ZOMBIE and plane.server in process.cmdline()
            return process if ours and str(self.home) in process.cmdline() else None
        except (OSError, ValueError, KeyError, psutil.Error):
            return None

    def _unload(self) -> None:
        """End the process of `loaded.py`, which serves what it has in hand to its end."""
        try:
            process = psutil.Process(int((self.home / start.LOCK).read_text()))
            if {str(HERE / "loaded.py"), str(self.home)} <= {*process.cmdline()}:
                process.terminate()
                process.wait(STOPPED_WITHIN)
        except (OSError, ValueError, psutil.Error):
            return  # there is none, or it is still needed

    def _running(self, plane: ControlPlane) -> Status | None:
        process = self._process(plane)
        if process is None:
            return None
        url = f"http://127.0.0.1:{json.loads(self._record(plane).read_text())['port']}"
        return Status(plane.name, running=True, pid=process.pid, url=url) if _healthy(url) else None

    def _start(self, plane: ControlPlane) -> None:
        hung = self._process(plane)
        if hung is not None:
            raise SandboxError(
                f"The {plane.name} control plane (process {hung.pid}) runs and does not answer; see {self.log(plane)}. "
                "End it and start it again: pulumi-mlops sandbox down && pulumi-mlops sandbox up"
            )
        self._record(plane).unlink(missing_ok=True)
        command = [sys.executable, "-m", plane.server, "--home", str(self.home), "--port", "0"]
        command += ["--nodes", self._nodes(plane)] if plane.nodes else []
        environment = {name: value for name, value in os.environ.items() if not self._hides(name)}
        environment["PULUMI_MLOPS_SANDBOX"] = str(self.home)
        with step(f"Starting the {plane.name} control plane") as progress, self.log(plane).open("ab") as log:
            offset = log.tell()
            process = subprocess.Popen(  # noqa: S603  (our own module)
                command,
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            deadline = time.monotonic() + READY_WITHIN
            while self._running(plane) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    self._give_up(plane, process, offset)
                progress.update("not ready yet")
                time.sleep(0.05)
            process.returncode = 0  # a daemon now: Python warns of children that it forgets

    def _give_up(self, plane: ControlPlane, process: "subprocess.Popen[bytes]", offset: int) -> NoReturn:
        what = f"did not become ready within {READY_WITHIN:.0f} s"
        if process.poll() is None:
            process.kill()
            process.wait()
        else:
            what = f"ended with exit code {process.returncode}"
        with self.log(plane).open(errors="replace") as log:
            log.seek(offset)
            tail = "\n".join(log.read().splitlines()[-8:])
        raise SandboxError(f"The {plane.name} control plane {what}. The end of {self.log(plane)}:\n{tail}")


def _healthy(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/_sandbox/health", timeout=5) as response:
            return bool(response.status == 200)  # noqa: PLR2004  (HTTP's OK)
    except (OSError, urllib.error.URLError):
        return False


def _joined(separator: str, *parts: str) -> str:
    """Join lists, each entry once: `env` inside `env` changes nothing."""
    return separator.join(dict.fromkeys(entry for part in parts for entry in part.split(separator) if entry))


def _resolved(command: str, environment: Mapping[str, str]) -> str:
    found = shutil.which(command, path=environment["PATH"])
    if found is None:
        raise SandboxError(f"There is no command {command!r}. Write it as in: pulumi-mlops sandbox run -- pulumi up")
    return found


def _launcher(path: Path, *command: str) -> None:
    text = f'#!/bin/sh\n# {engine.LAUNCHER_MARK}\nexec {shlex.join(command)} "$@"\n'
    if path.is_file() and path.read_text() == text:
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.replace(path)


def _link(source: Path, target: Path) -> None:
    """Have an executable in another folder, under its own name there."""
    real = source.resolve()
    with real.open("rb") as handle:
        script = handle.read(2) == b"#!"
    if script or real.name != "pulumi":  # a version manager's stand-in, which must be called where it is
        _launcher(target, str(source))
        return
    size_and_age = [(path.stat().st_size, path.stat().st_mtime) for path in (real, target) if path.is_file()]
    if size_and_age[1:] == size_and_age[:1]:
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.link(real, partial)
    except OSError:  # another file system
        shutil.copy2(real, partial)
    partial.replace(target)
