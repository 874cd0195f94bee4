"""The first process in the namespaces of a node; started without packages: `python -I -S inside.py STATE PROGRAMS`.

It arranges the file system that the node sees, says so, and stays, taking leave of every process that ends. When the
process that started it closes the pipe, or ends in whatever way, it ends too, and the kernel ends everything else here.
"""

import ctypes
import os
import select
import signal
import sys
from pathlib import Path

HIDDEN = ("/run", "/var/lib", "/var/log")
"""Folders of the machine's in which parts of a node write by themselves: they get empty ones instead."""
STATE, PROGRAMS = "/run/node/state", "/run/node/programs"
"""Where the node finds what is kept, and its programs, whatever they are called outside: a socket's path is short."""
NEEDED = ("/run/containerd", "/run/netns", "/run/nri", "/run/lock", "/var/lib/cni")
SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/route_localnet": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/bridge/bridge-nf-call-ip6tables": "1",
}
BIND, SHARED, RECURSIVE = 0x1000, 0x100000, 0x4000
READY = b"ready\n"


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount by the system call itself: the program `mount` would write down what it did."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None)
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} {target}: {os.strerror(number)}")


def arrange(state: str, programs: str) -> None:
    """Arrange the file system."""
    kept = {os.open(state, os.O_PATH): STATE, os.open(programs, os.O_PATH): PROGRAMS}  # one may lie in a hidden folder
    mount("none", "/", flags=SHARED | RECURSIVE)  # within our namespace: what a container shall see of later mounts
    for folder in HIDDEN:
        mount("tmpfs", folder, "tmpfs", options="mode=0755")
        mount("none", folder, flags=SHARED)
    for folder in NEEDED:
        Path(folder).mkdir()
    for descriptor, target in kept.items():
        Path(target).mkdir(parents=True)
        mount(f"/proc/self/fd/{descriptor}", target, flags=BIND | RECURSIVE)
        os.close(descriptor)


def settle() -> None:
    """Set what the node's network needs; each of these belongs to its namespace alone."""
    for name, value in SETTINGS.items():
        Path("/proc/sys", name).write_text(value)


def stay() -> None:
    """Wait until the pipe is closed, and meanwhile for every process whose parent is gone."""
    awake, wakes = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wakes)
    while True:
        ready, _, _ = select.select([0, awake], [], [])
        if 0 in ready and not os.read(0, 64):
            return
        if awake in ready:
            os.read(awake, 4096)
        reap()


def reap() -> None:
    """Wait for the processes that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    arrange(*sys.argv[1:])
    settle()
    os.write(1, READY)
    stay()
