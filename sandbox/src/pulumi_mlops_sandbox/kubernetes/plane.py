"""The sandbox's cluster: begun as a copy of the empty one, kept on disk, and made empty again on demand."""

import shutil
import threading
from pathlib import Path

from pulumi_mlops_sandbox.kubernetes import furniture
from pulumi_mlops_sandbox.kubernetes.cluster import Cluster
from pulumi_mlops_sandbox.kubernetes.inventory import Inventory, inventory
from pulumi_mlops_sandbox.kubernetes.prepared import IDENTITY, Prepared
from pulumi_mlops_sandbox.kubernetes.registry import Standby


class Plane:
    """A cluster with its data; its methods may be called by several threads."""

    def __init__(self, prepared: Prepared, folder: Path) -> None:
        self._prepared = prepared
        self._lock = threading.RLock()
        self.cluster = Cluster(prepared.product, folder)
        self._registry = Standby(folder / "mlflow", self.cluster.ports.mlflow)
        self._identity = folder / IDENTITY

    def start(self) -> None:
        """Start the cluster with what it held, or as new."""
        with self._lock:
            self._begin()
            self.cluster.start_storage()
            if self._identity.read_text() != self._prepared.identity:  # begun by another version of the library
                definitions = self._prepared.definitions
                furniture.furnish(self.cluster.api(), definitions, self._prepared.product.storage_class)
                self._identity.write_text(self._prepared.identity)
            self._registry.start()
            self.cluster.start_controllers()

    def stop(self) -> None:
        """Stop the cluster; what it holds is kept."""
        with self._lock:
            self._registry.stop()
            self.cluster.stop()

    def reset(self) -> None:
        """Make the cluster as new: everything in it is gone, however it was protected."""
        with self._lock:
            self.stop()
            shutil.rmtree(self.cluster.data)
            self._registry.forget()
            self.start()

    def inventory(self) -> Inventory:
        """List what somebody has made in it."""
        with self._lock:
            return inventory(self.cluster.api(), self._prepared.builtin)

    def ended(self) -> str:
        """Say which part has ended by itself, and how; nothing while all run, or while a reset is on its way."""
        if not self._lock.acquire(blocking=False):
            return ""
        try:
            return self.cluster.ended()
        finally:
            self._lock.release()

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
