"""Starts Python out of a sandbox's loaded process: ``python -I -S start.py HOME KIND FOLDER TARGET ARGUMENTS…``.

KIND is `module`, for what `bare.py` runs, or `script`, for a file that runs the program of FOLDER. This process stands
for the one that it asks for: it hands over its standard streams, environment, working folder and umask, passes signals
on, ends the other one when its own parent is gone, and ends with the same exit code or by the same signal. Where no
loaded process answers, or where that one says that it does not fit, this process becomes an ordinary interpreter. See
`loaded.py`.

It runs several times for each ``pulumi`` command, so it imports little: `_socket` is the part of `socket` that is
written in C, and `pathlib` would take as long as all the rest.
"""

import _socket
import fcntl
import marshal
import os
import resource
import select
import signal
import sys
from contextlib import suppress

OFF = "PULUMI_MLOPS_SANDBOX_FORK"
"""The variable that, as `no`, has every process start as an ordinary interpreter."""
SOCKET, LOCK, LOG = "loaded.socket", "loaded.lock", "loaded.log"
YES, NO, STALE, GO, STARTED, ENDED = b"Y", b"N", b"S", b"G", b"P", b"E"
LENGTH = 8
"""Bytes in which a length, a process id or an exit status is sent."""
ANSWERS_WITHIN = 20.0
WATCHES = 0.5
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
SECRET = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")
"""Variables that belong to one program: the loaded process is started without them."""


def main() -> None:
    """Have the loaded process start what was asked for, or start it here."""
    home, kind, folder, target, *arguments = sys.argv[1:]
    connection = ask(home, kind, folder, target, arguments) if sys.platform == "linux" else None
    if connection is not None:
        stand_for(connection)
    command = [*(["-P", beside("bare.py")] if kind == "module" else ["-u"]), target, *arguments]
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606  (our own interpreter)


def ask(home: str, kind: str, folder: str, target: str, arguments: list[str]) -> _socket.socket | None:
    """Connect to the loaded process; without a fitting one have one started for the next time, and return nothing."""
    if os.environ.get(OFF) == "no":
        return None
    request: dict[str, object] = {
        "kind": kind,
        "folder": folder,
        "target": target,
        "arguments": arguments,
        "environment": dict(os.environ),
        "ignored": [int(number) for number in PASSED_ON if signal.getsignal(number) == signal.SIG_IGN],
        "surroundings": surroundings(),
    }
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(ANSWERS_WITHIN)
    try:
        request["cwd"] = cwd = os.getcwd()
        request["umask"] = umask = os.umask(0o077)
        os.umask(umask)
        os.chdir(home)  # the name of a socket has to be short
        try:
            connection.connect(SOCKET)
        finally:
            os.chdir(cwd)
        answer = sent(connection, marshal.dumps(request))
    except OSError:
        answer = STALE
    if answer == YES:
        return connection
    connection.close()
    if answer == STALE:
        with suppress(OSError):
            load(home)
    return None


def beside(name: str) -> str:
    """Name a file of this folder."""
    return f"{__file__.rpartition('/')[0]}/{name}"


def surroundings() -> list[object]:
    """Describe what a child has from its parent and cannot be handed over; it has to be the same."""
    limits = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    spaces = [os.readlink(f"/proc/self/ns/{space}") for space in ("mnt", "pid", "net", "user")]
    return [sys.executable, os.getuid(), spaces, [resource.getrlimit(getattr(resource, name)) for name in limits]]


def sent(connection: _socket.socket, request: bytes) -> bytes:
    """Send a request with the standard streams; return the answer."""
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    head = len(request).to_bytes(LENGTH, "big")
    connection.sendmsg([head], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    connection.sendall(request)
    try:
        return connection.recv(1)
    except TimeoutError:
        return b""  # it is there and busy: another one would not help


def load(home: str) -> None:
    """Start a loaded process that nobody waits for, unless one is about to be there."""
    lock = os.open(f"{home}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(lock)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            os.chdir(home)
            log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, stream in enumerate((nothing, log, log)):
                os.dup2(stream, number)
            os.closerange(3, 256)
            environment = {name: value for name, value in os.environ.items() if name not in SECRET}
            for number in PASSED_ON:
                signal.signal(number, signal.SIG_DFL)
            command = [sys.executable, "-u", beside("loaded.py"), home]
            os.execve(sys.executable, command, environment)  # noqa: S606  (our own interpreter)
    finally:
        os._exit(0)


def stand_for(connection: _socket.socket) -> None:
    """Have the child started, and be as good as it until it ends."""
    parent = os.getppid()
    for signum in PASSED_ON:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, lambda signum, _: passed(connection, signum))
    connection.settimeout(None)
    connection.sendall(GO)
    pid, said = 0, b""
    while True:
        if not select.select([connection], [], [], WATCHES)[0]:
            if os.getppid() != parent:  # killed, so that it could not end this process
                passed(connection, signal.SIGTERM)
                parent = os.getppid()
            continue
        chunk = b""
        with suppress(ConnectionError):
            chunk = connection.recv(64)
        if not chunk:
            lost(pid)
        said += chunk
        while len(said) > LENGTH:
            number = int.from_bytes(said[1 : 1 + LENGTH], "big", signed=True)
            if said[:1] == ENDED:
                end(number)
            pid, said = number, said[1 + LENGTH :]


def passed(connection: _socket.socket, signum: int) -> None:
    """Pass a signal on; where nobody is there to take it, that is noticed elsewhere."""
    with suppress(OSError):
        connection.send(bytes([signum]))


def end(code: int) -> None:
    """End as the child has ended."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


def lost(pid: int) -> None:
    """End the child of a loaded process that was killed: nobody can tell its exit code any more."""
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGTERM)
    sys.stderr.write("sandbox: the process that loads Python for this sandbox was ended; run the command again\n")
    os._exit(1)


if __name__ == "__main__":
    main()
