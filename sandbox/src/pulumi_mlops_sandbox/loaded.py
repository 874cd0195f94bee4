"""A Python that has everything loaded: ``python -u loaded.py HOME``, one for each sandbox, started by `start.py`.

Each ``pulumi`` command starts a language host, a program and a provider, and most of the time of each is spent on
loading the same modules. This process loads them once and forks itself for each process that is asked for. It loads
what earlier processes of its sandbox have loaded: the first command of a sandbox is as slow as it is without.

A fork is given only to who would get the same from an ordinary interpreter. Otherwise `start.py` becomes an ordinary
one. The reasons are:

- a file or a folder of a loaded module, or a folder of the path, is not as it was when the module was loaded;
- a variable that a module looked at while it was loaded, or that the interpreter or a library in C reads, differs;
- the interpreter, the user, a namespace or a resource limit differs;
- the program's folder has a module of the name of a loaded one.

What is loaded beforehand is Pulumi, its SDKs, this library and what they require (`LOADS`), never the user's own
modules. It has to have one thread; if a module starts another, nothing is forked any more. The process ends with
``pulumi-mlops sandbox down``, when its sandbox's folder is gone, and after half an hour without work.
"""

import atexit
import fcntl
import gc
import importlib
import marshal
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pulumi_mlops_sandbox import leaving, start

# fmt: off
LOADS = {*sys.stdlib_module_names, *(
    "annotated_types", "arpeggio", "attr", "attrs", "azure", "boto3", "botocore", "certifi", "charset_normalizer",
    "dateutil", "debugpy", "dill", "google", "grpc", "idna", "isodate", "jmespath", "jsonschema", "kubernetes",
    "oauthlib", "opentelemetry", "parver", "platformdirs", "psutil", "pulumi", "pulumi_aws", "pulumi_azure_native",
    "pulumi_kubernetes", "pulumi_mlops", "pulumi_mlops_sandbox", "pulumi_random", "pydantic", "pydantic_core",
    "referencing", "regex", "requests", "requests_oauthlib", "rpds", "s3transfer", "semver", "six", "typing_extensions",
    "typing_inspection", "urllib3", "websocket", "yaml",
)}
# fmt: on
"""Packages whose modules are loaded beforehand: Pulumi, this library, what they require, and Python's own."""
FIRST = ("grpc", "pulumi", "pulumi_mlops_sandbox.language_host")
NATIVE = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_", "GLIBC_", "GRPC_", "OPENSSL_", "SSL_", "PROTOCOL_BUFFERS_")
"""The beginnings of variables that are read in C, which nobody sees."""
IDLE = 1800.0
TICK = 5.0
LAST_WORDS = {"script": 5.0, "module": 150.0}
"""How long a child may take to end when who asked for it was killed; a provider finishes what it has in hand."""
CLOCK = 20_000_000
"""The nanoseconds by which a file's time may be behind the clock."""
ALL = "*"


@dataclass
class Job:
    """What a child is to be."""

    kind: str
    folder: str
    target: str
    arguments: list[str]
    environment: dict[str, str]
    ignored: list[int]
    surroundings: list[object]
    cwd: str
    umask: int
    streams: list[int] = field(default_factory=list)
    reports: int = -1


@dataclass
class Asked:
    """Somebody who asked for a child."""

    job: Job
    connection: socket.socket | None
    pid: int = 0
    reports: int = -1
    """The pipe by which a program tells at its end what it has loaded."""
    told: bytes = b""
    kills_at: float = 0


class Noticing(os._Environ[str]):  # noqa: SLF001
    """An environment that keeps in mind which variables somebody looked at."""

    seen: set[str] = set()  # noqa: RUF012  (one environment)

    def __getitem__(self, key: str) -> str:
        self.seen.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        self.seen.add(ALL)
        return super().__iter__()


class Loaded:
    """The modules that are loaded, and what they depend on."""

    def __init__(self, surroundings: list[object]) -> None:
        self.surroundings = surroundings
        self.environment = dict(os.environ)
        self.files: dict[str, tuple[int, ...]] = {}
        self.failed: set[str] = set()
        self.fit = True

    def load(self, names: Iterable[str]) -> None:
        """Load modules, and notice what they look at. What cannot be loaded here, a child will load."""
        new = [name for name in names if name not in sys.modules and name not in self.failed]
        if not new:
            return
        began = time.time_ns() - CLOCK
        plain = os.environ.__class__
        os.environ.__class__ = Noticing
        try:
            for name in new:
                try:
                    imported(name)
                except Exception:  # noqa: BLE001  (whatever it is, a child will meet it again, and say so)
                    self.failed.add(name)
        finally:
            os.environ.__class__ = plain
        found = {path: state(path) for path in sources() - self.files.keys()}
        # Of a file that is written while it is loaded nobody knows which text was loaded.
        self.files |= {path: seen if seen[0] < began else () for path, seen in found.items()}
        self.fit = self.fit and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
        gc.collect()
        gc.freeze()

    @property
    def written(self) -> dict[str, str]:
        """The variables that modules set while they were loaded."""
        return {name: value for name, value in os.environ.items() if self.environment.get(name) != value}

    def serves(self, job: Job) -> bool:
        """Whether a job would find in an ordinary interpreter what is loaded here."""
        wanted, own = job.environment, self.environment
        native = {name for name in (*wanted, *own) if name.startswith(NATIVE)}
        looked = {*wanted, *own} if ALL in Noticing.seen else Noticing.seen
        return (
            job.surroundings == self.surroundings
            and all(wanted.get(name) == own.get(name) for name in native | looked)
            and all(state(path) == before for path, before in self.files.items())
        )


def imported(name: str) -> None:
    """Import a module, after the packages around it.

    SDKs have packages that are loaded when an attribute is asked for. If a module of such a package came first, it
    would later be found in the package in the place of a class of the same name.
    """
    packages = name.split(".")[:-1]
    for depth in range(len(packages)):
        package = importlib.import_module(".".join(packages[: depth + 1]))
        getattr(package, "__all__", None)
    if name not in sys.modules:
        importlib.import_module(name)


def state(path: str) -> tuple[int, ...]:
    """Describe a file or a folder by what changes when it is written."""
    try:
        found = os.stat(path)  # noqa: PTH116  (of two thousand)
    except OSError:
        return (0,)
    return found.st_mtime_ns, found.st_size, found.st_ino


def sources() -> set[str]:
    """List the files and folders that the loaded modules came from, and those from which others would come."""
    found = {path for path in (*sys.path, sys.executable) if path}
    for module in tuple(sys.modules.values()):
        # Not `module.__file__`: it would have a module that is loaded when it is needed be loaded now.
        members = ModuleType.__getattribute__(module, "__dict__") if isinstance(module, ModuleType) else {}
        found |= {str(path) for path in (members.get("__file__"), *(members.get("__path__") or ())) if path}
    return found


def shadows(folder: str) -> bool:
    """Whether a program's folder has a module of the name of a loaded one."""
    tops = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
    try:
        names = os.listdir(folder) if folder else []  # noqa: PTH208
    except OSError:
        return False
    return bool({name.partition(".")[0] for name in names} & tops)


class Server:
    """Forks a child for each that asks."""

    def __init__(self, home: Path, lock: int) -> None:
        self._path, self._lock = home / start.SOCKET, lock
        self.loaded = Loaded(start.surroundings())
        """What a child has from the start."""
        self.loaded.load(FIRST)
        self._asked: list[Asked] = []
        self._listener: socket.socket | None = listening(self._path)
        self._inode = self._path.stat().st_ino
        self._over = False
        self._woken, self._wakes = socket.socketpair()
        for end in (self._woken, self._wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _stop(self, *_: object) -> None:
        self._over = True

    def serve(self) -> Job | None:
        """Serve until there is nobody left to serve; in a child, return what it is to be."""
        busy = time.monotonic()
        while self._listener or self._asked:
            if self._asked:
                busy = time.monotonic()
            if self._listener and (self._over or not self._found() or time.monotonic() - busy > IDLE):
                self._retire()
                continue
            for source in self._ready():
                job = self._answer(source)
                if job is not None:
                    return job
            self._reap()
        return None

    def _found(self) -> bool:
        """Whether who asks comes to this process, and not to another one or to none."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _retire(self) -> None:
        """Take no more work, and make room for another; what runs is served to its end."""
        if self._listener:
            self._listener.close()
            self._listener = None
            if self._found():
                self._path.unlink()
            os.close(self._lock)

    def _ready(self) -> list[Any]:
        sources: list[Any] = [self._woken, *([self._listener] if self._listener else [])]
        for asked in self._asked:
            sources += [asked.connection] if asked.connection else []
            sources += [asked.reports] if asked.reports >= 0 else []
        return select.select(sources, [], [], 1.0 if any(asked.kills_at for asked in self._asked) else TICK)[0]

    def _answer(self, source: Any) -> Job | None:
        if source is self._woken:
            with suppress(BlockingIOError):
                self._woken.recv(4096)
        elif source is self._listener:
            self._accept()
        for asked in tuple(self._asked):
            if asked.connection and asked.connection is source:
                return self._hear(asked, asked.connection)
            if asked.reports == source:
                self._note(asked)
        return None

    def _accept(self) -> None:
        assert self._listener  # noqa: S101  (for the type checker)
        connection, _ = self._listener.accept()
        try:
            job = received(connection)
        except (OSError, ValueError, EOFError, TypeError):  # not of this version, or gone
            connection.close()
            return
        fits = self.loaded.fit and not shadows(job.folder)
        if self.loaded.fit and not self.loaded.serves(job):
            self._retire()
            answer = start.STALE
        else:
            answer = start.YES if fits else start.NO
        if answer == start.YES:
            self._asked.append(Asked(job, connection))
        with suppress(OSError):  # who is gone already will be heard to be
            connection.sendall(answer)
        if answer != start.YES:
            close(job.streams)
            connection.close()

    def _hear(self, asked: Asked, connection: socket.socket) -> Job | None:
        """Start the child when it is wanted, pass signals on, and end it when nobody wants it any more."""
        try:
            said = connection.recv(64)
        except OSError:
            said = b""
        if not asked.pid:
            if said == start.GO:
                return self._fork(asked, connection)
            self._forget(asked)
        for number in said:
            os.kill(asked.pid, number)  # at least as a zombie it is there: it has not been waited for
        if asked.pid and not said:
            connection.close()
            asked.connection = None
            ended(asked.pid, signal.SIGTERM)
            asked.kills_at = time.monotonic() + LAST_WORDS[asked.job.kind]
        return None

    def _fork(self, asked: Asked, connection: socket.socket) -> Job | None:
        asked.reports, asked.job.reports = os.pipe()
        # A signal for the child must not meet the handlers of this process, which would lose it.
        signal.pthread_sigmask(signal.SIG_BLOCK, start.PASSED_ON)
        asked.pid = os.fork()
        if asked.pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, start.PASSED_ON)
        if not asked.pid:
            signal.set_wakeup_fd(-1)
            os.setpgid(0, 0)
            for each in self._asked:
                close([each.reports, *([] if each is asked else each.job.streams)])
            for end in (self._listener, self._woken, self._wakes, *(each.connection for each in self._asked)):
                if end:
                    end.close()
            if self._listener:
                os.close(self._lock)
            return asked.job
        close([asked.job.reports, *asked.job.streams])
        asked.job.streams = []
        os.set_blocking(asked.reports, False)
        with suppress(OSError):
            connection.sendall(start.STARTED + asked.pid.to_bytes(start.LENGTH, "big"))
        return None

    def _note(self, asked: Asked) -> None:
        """Take what a child tells of the modules that it has loaded."""
        with suppress(BlockingIOError):
            while asked.reports >= 0:
                chunk = os.read(asked.reports, 65536)
                asked.told += chunk
                if not chunk:
                    close([asked.reports])
                    asked.reports = -1

    def _reap(self) -> None:
        for asked in tuple(self._asked):
            pid, status = os.waitpid(asked.pid, os.WNOHANG) if asked.pid else (0, 0)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                with suppress(OSError):
                    if asked.connection:
                        asked.connection.sendall(start.ENDED + code.to_bytes(start.LENGTH, "big", signed=True))
                self._note(asked)
                self._forget(asked)
                if asked.told and self._listener:
                    with suppress(ValueError, EOFError, TypeError):  # one that was killed has not told all
                        self.loaded.load(marshal.loads(asked.told))  # noqa: S302  (a child's own words)
            elif asked.kills_at:
                ended(asked.pid, signal.SIGKILL if time.monotonic() > asked.kills_at else signal.SIGTERM)

    def _forget(self, asked: Asked) -> None:
        self._asked.remove(asked)
        if asked.connection:
            asked.connection.close()
        close([asked.reports, *asked.job.streams])


def listening(path: Path) -> socket.socket:
    """Listen under a name; this process stands in its folder, since the name of a socket has to be short."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o177)
    listener.bind(path.name)
    os.umask(umask)
    listener.listen(128)
    return listener


def received(connection: socket.socket) -> Job:
    """Take a request, and the standard streams that come with it."""
    connection.settimeout(5)
    head, streams, *_ = socket.recv_fds(connection, start.LENGTH, 3)
    length, body = int.from_bytes(head, "big"), b""
    try:
        while len(body) < length and (chunk := connection.recv(length - len(body))):
            body += chunk
        connection.settimeout(None)
        return Job(**marshal.loads(body), streams=streams)  # noqa: S302  (of the same user, by the socket's mode)
    except BaseException:
        close(streams)
        raise


def ended(pid: int, number: int) -> None:
    """End a child and what it has started."""
    with suppress(ProcessLookupError):  # before it has a group of its own
        os.killpg(pid, number)
        return
    os.kill(pid, number)


def close(numbers: Iterable[int]) -> None:
    """Close files by their numbers, where there are any."""
    for number in numbers:
        if number >= 0:
            os.close(number)


def run(job: Job, written: dict[str, str]) -> None:
    """Be, in a child, what an ordinary interpreter would be."""
    for number, stream in enumerate(job.streams):
        os.dup2(stream, number)
    close(job.streams)
    for signum in start.PASSED_ON:
        signal.signal(signum, signal.SIG_IGN if signum in job.ignored else signal.SIG_DFL)
    if signal.SIGINT not in job.ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, start.PASSED_ON)
    os.environ.clear()
    os.environ.update(job.environment | written)
    os.umask(job.umask)
    os.chdir(job.cwd)
    importlib.invalidate_caches()
    atexit.register(report, job.reports, frozenset(sys.modules))
    sys.argv = [job.target, *job.arguments]
    sys.orig_argv = [sys.executable, "-u", *sys.argv]
    if job.kind == "module":
        sys.modules.pop(job.target, None)  # it may be loaded as a module, and is the program now
        runpy.run_module(job.target, run_name="__main__", alter_sys=True)
        return
    if not sys.flags.safe_path:
        sys.path.insert(0, str(Path(job.target).parent))
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = job.target
    main.__dict__["__builtins__"] = __builtins__
    exec(compile(Path(job.target).read_bytes(), job.target, "exec"), main.__dict__)  # noqa: S102  (what a script is)


def report(pipe: int, known: frozenset[str]) -> None:
    """Tell which modules would have been good to have."""
    new = [name for name in sys.modules if name not in known and name.partition(".")[0] in LOADS]
    told = marshal.dumps(new)
    with suppress(OSError):  # nobody is there any more
        while told:
            told = told[os.write(pipe, told) :]
        os.close(pipe)


def locked() -> int | None:
    """Take the place of the sandbox's loaded process; nothing if there is one."""
    lock = os.open(start.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def main() -> None:
    """Serve the sandbox, and be a child of oneself."""
    home = Path(sys.argv[1])
    os.chdir(home)
    lock = locked()
    if lock is None:
        return
    server = Server(home, lock)
    job = server.serve()
    if job is not None:
        code: Any = None
        try:
            run(job, server.loaded.written)
        except SystemExit as exited:
            code = exited.code
        if code is None or isinstance(code, int):
            leaving.leave(code or 0)
        sys.exit(code)


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder of this file, in which modules have names such as `aws`
    main()
