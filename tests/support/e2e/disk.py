"""A disk that is too small, under the volume of a pod on a real node of the sandbox's."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
from kubernetes import client

from pulumi_mlops_sandbox.environment import Sandbox
from support.e2e.inside import Cluster
from support.e2e.real import told
from support.waiting import until


@dataclass(frozen=True)
class Disk:
    """What is mounted at a folder in the node."""

    node: int
    """A process of the node's."""
    folder: str

    def enlarge(self, megabytes: int) -> None:
        """Give it more room, as who owns a disk in a cloud does."""
        self.run("mount", "-o", f"remount,size={megabytes}m", self.folder)

    def run(self, *command: str) -> None:
        """Run a command where the node's mounts are."""
        subprocess.run(["nsenter", f"--target={self.node}", "--mount", "--", *command], check=True, timeout=60)


@contextmanager
def small(sandbox: Sandbox, cluster: Cluster, space: str, server: str, megabytes: int) -> Iterator[Disk]:
    """Put what a server of one replica has on a disk of its own; put it back afterwards."""
    record = json.loads((sandbox.home / "kubernetes.json").read_text())
    processes = psutil.Process(record["pid"]).children(recursive=True)
    node = next(one.pid for one in processes if one.name() == "containerd")
    disk = Disk(node, _folder(cluster, space, f"data-{server}-0"))
    beside = f"{disk.folder}.beside"
    with _stopped(cluster, space, server):
        disk.run("cp", "-a", disk.folder, beside)
        disk.run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk.folder)
        disk.run("cp", "-a", f"{beside}/.", disk.folder)
        disk.run("rm", "-r", beside)
    try:
        yield disk
    finally:
        with _stopped(cluster, space, server):
            disk.run("cp", "-a", disk.folder, beside)
            disk.run("umount", disk.folder)
            disk.run("cp", "-a", f"{beside}/.", disk.folder)
            disk.run("rm", "-r", beside)


def _folder(cluster: Cluster, space: str, claim: str) -> str:
    core: Any = client.CoreV1Api(cluster.api)
    name = core.read_namespaced_persistent_volume_claim(claim, space).spec.volume_name
    found = core.read_persistent_volume(name).spec
    return str((found.host_path or found.local).path)


@contextmanager
def _stopped(cluster: Cluster, space: str, server: str) -> Iterator[None]:
    core: Any = client.CoreV1Api(cluster.api)

    def gone() -> bool:
        return f"{server}-0" not in [pod.metadata.name for pod in core.list_namespaced_pod(space).items]

    told(cluster, space, "scale", f"statefulset/{server}", "--replicas=0")
    until(gone, f"{server} has ended")
    yield
    told(cluster, space, "scale", f"statefulset/{server}", "--replicas=1")
    told(cluster, space, "rollout", "status", f"statefulset/{server}", "--timeout=300s")
