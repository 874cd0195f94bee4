"""The sandbox's cluster: begun as a copy of the empty one or with a real node, kept on disk, made empty on demand."""

import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from pulumi_mlops_sandbox.building import IDENTITY
from pulumi_mlops_sandbox.certificates import private
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import furniture
from pulumi_mlops_sandbox.kubernetes.cluster import Cluster
from pulumi_mlops_sandbox.kubernetes.inventory import NODES_NAMESPACES, Inventory, everything, inventory
from pulumi_mlops_sandbox.kubernetes.nodes import published
from pulumi_mlops_sandbox.kubernetes.nodes.product import NodeProduct
from pulumi_mlops_sandbox.kubernetes.nodes.real import RealNodes
from pulumi_mlops_sandbox.kubernetes.operators import install, manifests
from pulumi_mlops_sandbox.kubernetes.played import PlayedNodes
from pulumi_mlops_sandbox.kubernetes.prepared import Prepared
from pulumi_mlops_sandbox.kubernetes.registry import Standby
from pulumi_mlops_sandbox.planes import PLAYED, REAL

FOLDERS = {PLAYED: "kubernetes", REAL: "kubernetes-real"}
"""In a sandbox's home: a cluster of each kind has data of its own."""


class Plane:
    """A cluster with its data; its methods may be called by several threads."""

    def __init__(self, prepared: Prepared, home: Path, node: NodeProduct | None = None) -> None:
        """Find the cluster in a sandbox's home: with played nodes, or with a real one of the given programs."""
        self._prepared = prepared
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._real = None if node is None else RealNodes(node, home, self._ending)
        folder = home / FOLDERS[PLAYED if node is None else REAL]
        self.cluster = Cluster(prepared.product, folder, self._real or PlayedNodes(prepared.product))
        self._registry = Standby(folder / "mlflow", self.cluster.ports.mlflow)
        self._identity = folder / IDENTITY
        self._builtin = folder / "builtin.json"

    def start(self) -> None:
        """Start the cluster with what it held, or as new."""
        with self._lock:
            self._ending.clear()
            if self._real is None:
                self._begin()
            self.cluster.start_storage()
            if self._real is None:
                self._play()
            self.cluster.start_controllers()
            if self._real is not None and not self._builtin.exists():
                self._builtin.write_text(json.dumps(everything(self.cluster.api())))

    def stop(self) -> None:
        """Stop the cluster; what it holds is kept. An installation under way is given up."""
        self._ending.set()
        with self._lock:
            self._registry.stop()
            self.cluster.stop()

    def reset(self) -> None:
        """Make the cluster as new: everything in it is gone, however it was protected."""
        with self._lock:
            self.stop()
            shutil.rmtree(self.cluster.data)
            self._registry.forget()
            if self._real is not None:
                self._real.forget()
                self._builtin.unlink(missing_ok=True)
            self.start()

    def install(self, names: Sequence[str]) -> list[str]:
        """Install operators as they are; what is built of them has to be in the cache. Name what is there then."""
        if self._real is None:
            raise SandboxError("Operators run in pods, and on played nodes no container runs: they are played as well.")
        with self._lock:
            self._real.bring([*published.images(), *published.operators(names)])
            config = self.cluster.folder / "admin.kubeconfig"
            private(config, self.cluster.kubeconfig())
            held = self.inventory()
            install.install(config, names, self._ending)
            found = everything(self.cluster.api())
            builtin = {kind: [one for one in there if one not in held.get(kind, ())] for kind, there in found.items()}
            self._builtin.write_text(json.dumps(builtin))
        return list(names)

    def inventory(self) -> Inventory:
        """List what somebody has made in it."""
        with self._lock:
            if self._real is None:
                return inventory(self.cluster.api(), self._prepared.builtin)
            hidden = NODES_NAMESPACES | frozenset(manifests.NAMESPACES)
            return inventory(self.cluster.api(), json.loads(self._builtin.read_text()), hidden)

    def facts(self) -> dict[str, object]:
        """Say what a program outside needs to know, once the cluster runs."""
        told: dict[str, object] = {"server": self.cluster.server}
        if self._real is None:
            return told | {"mlflow_port": self.cluster.ports.mlflow}
        addresses = self._real.addresses
        return told | {"node": {"pid": self._real.namespaces.pid, "address": str(addresses.node)}}

    def ended(self) -> str:
        """Say which part has ended by itself, and how; nothing while all run, or while a reset is on its way."""
        if not self._lock.acquire(blocking=False):
            return ""
        try:
            return self.cluster.ended()
        finally:
            self._lock.release()

    def _play(self) -> None:
        """Have what stands for operators and for MLflow; where pods run, they are there themselves or not at all."""
        if self._identity.read_text() != self._prepared.identity:  # begun by another version of the library
            definitions = self._prepared.definitions
            furniture.furnish(self.cluster.api(), definitions, self._prepared.product.storage_class)
            self._identity.write_text(self._prepared.identity)
        self._registry.start()

    def _begin(self) -> None:
        """Copy the empty cluster where there is none; in one step, so that half a copy is never started."""
        data = self.cluster.data
        if data.exists():
            return
        partial = data.with_name("etcd.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(self._prepared.data, partial)
        self._identity.write_text(self._prepared.identity)
        partial.rename(data)
