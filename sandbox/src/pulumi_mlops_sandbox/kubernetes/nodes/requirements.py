"""What a machine needs for a real node, and how it is refused where something is not there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import cgroups, product

GIB = 1 << 30
EVICTED = GIB
"""Bytes on the disk of the sandbox's folder below which the kubelet evicts pods."""
KEPT = EVICTED + GIB
"""Bytes that are left when images have been brought: what pods write until somebody looks."""
FREE = KEPT + 2 * GIB
"""Bytes that a node needs before it has any image: its own are 0.5 GB, what it remembers of a cluster 0.5 GB."""
BUILDING = 8 * GIB
"""Bytes that building its programs takes: sources, and what Go keeps of them."""
PROGRAMS = ("ip", "nsenter", "unshare")
MODULES = {Path("/proc/sys/net/bridge"): "br_netfilter", Path("/proc/sys/fs/overlayfs"): "overlay"}
"""Modules of the kernel, each with what is there when it is; file systems are listed by name also."""
INSTEAD = "Leave out `--nodes real` for played nodes, or use another cluster, such as one of kind's, by its kubeconfig."


def require(home: Path) -> None:
    """Refuse a machine that cannot have a real node."""
    if found := list(problems(home)):
        raise SandboxError(f"A real node cannot run here: {'; '.join(found)}. {INSTEAD}")


def problems(home: Path) -> Iterator[str]:
    """Say what is in the way, each by what to do about it where something can be done."""
    if sys.platform != "linux":
        yield f"it needs Linux, and this is {sys.platform}"
        return
    if os.geteuid() != 0:
        yield "it needs root, which makes its namespaces (run the command by sudo)"
        return
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        yield f"there is no {' and no '.join(missing)} (install iproute2 and util-linux)"
        return
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "true"],  # noqa: S607  (as above)
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        yield f"this container may make no namespaces ({tried.stderr.strip()})"
    if controllers := cgroups.missing():
        yield f"there is no control group for {', '.join(controllers)}"
    for path, module in MODULES.items():
        if not path.exists() and not _is_known(module):
            yield f"the kernel's module {module} is not loaded (run: modprobe {module})"
    if shutil.which("apt-get") is None and (lacking := product.lacking()):
        yield f"there is no {', '.join(lacking)}, and no apt-get to fetch it by"
    built = product.find() is not None
    if said := short(home, FREE + (0 if built else BUILDING)):
        yield said + ("" if built else f", {BUILDING / GIB:.0f} of them to build it")


def short(folder: Path, needed: int) -> str:
    """Say that the disk of a folder, which need not be there yet, has less room than something needs; else nothing."""
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(existing).free
    return "" if free >= needed else f"{existing} has {free / GIB:.1f} GiB free and {needed / GIB:.1f} are needed"


def warning(folder: Path) -> str:
    """Say what ends when the disk of a node's folder runs short, while it does; else nothing."""
    if not (said := short(folder, KEPT)):
        return ""
    return (
        f"{said}: below {EVICTED / GIB:.0f} GiB the kubelet evicts pods, and when nothing is left the object store "
        "refuses what is written (InternalError). Make room, or run `pulumi-mlops sandbox down`."
    )


def _is_known(module: str) -> bool:
    """Say whether a file system is there, be it as a module or built in."""
    return f"\t{module}\n" in Path("/proc/filesystems").read_text()
