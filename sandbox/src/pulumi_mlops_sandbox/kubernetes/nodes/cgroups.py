"""The control groups of a node's pods: one of ours in each hierarchy of version 1, or one in version 2's only one."""

import os
from pathlib import Path

from pulumi_mlops_sandbox.errors import SandboxError

ROOT = Path("/sys/fs/cgroup")
NEEDED = ("cpu", "cpuset", "memory", "pids")
ENABLED = (*NEEDED, "io", "hugetlb")
INHERITED = ("cpuset.cpus", "cpuset.mems")
"""Files of version 1 that are empty in a new group, which then may hold nothing."""

WEIGHTS = {"cpu.shares": 10 * 1024, "cpu.weight": 1000}
"""By file, of either version: ten times as much of the processors as any one of the processes beside it. A group has as
much as one alone unless told, so that all pods together starve on a busy machine, and their probes fail."""


def version() -> int:
    """Say which version this machine has."""
    return 2 if (ROOT / "cgroup.controllers").is_file() else 1


def missing() -> list[str]:
    """Name the controllers that pods need and this machine does not have."""
    if version() == 2:  # noqa: PLR2004  (of cgroups)
        there = (ROOT / "cgroup.controllers").read_text().split()
    else:
        there = [path.name for path in ROOT.glob("*")] if ROOT.is_dir() else []
    return [name for name in NEEDED if name not in there]


def make(name: str) -> None:
    """Make a node's groups."""
    try:
        if version() == 2:  # noqa: PLR2004  (of cgroups)
            there = (ROOT / "cgroup.controllers").read_text().split()
            enabled = " ".join(f"+{controller}" for controller in ENABLED if controller in there)
            (ROOT / "cgroup.subtree_control").write_text(enabled)
            (ROOT / name).mkdir(exist_ok=True)
            _weigh(ROOT / name)
            return
        for hierarchy in _hierarchies():
            group = hierarchy / name
            group.mkdir(exist_ok=True)
            for file in INHERITED:
                if (hierarchy / file).exists() and not (group / file).read_text().strip():
                    (group / file).write_text((hierarchy / file).read_text())
            _weigh(group)
    except OSError as error:
        raise SandboxError(
            f"No control group can be made for a node ({error.filename}: {error.strerror}): a container without rights "
            "to them can run none. Use a cluster of another kind, such as kind, by its kubeconfig."
        ) from error


def _weigh(group: Path) -> None:
    for file, weight in WEIGHTS.items():
        if (group / file).exists():
            (group / file).write_text(str(weight))


def remove(name: str) -> list[Path]:
    """Remove a node's groups, the innermost first; return those that still hold processes."""
    left = []
    parents = [ROOT, *ROOT.iterdir()] if ROOT.is_dir() else []  # in version 1 also where runc makes some by itself
    for hierarchy in parents:
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            try:
                Path(folder).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                left.append(Path(folder))
    return left


def _hierarchies() -> list[Path]:
    """List the hierarchies of version 1; some are links to others, and version 2 may be there without controllers."""
    return [
        path
        for path in sorted(ROOT.iterdir())
        if path.is_dir() and not path.is_symlink() and (path / "tasks").is_file()
    ]
