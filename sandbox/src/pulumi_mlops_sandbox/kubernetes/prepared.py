"""What every cluster starts from, made once and kept in the user's cache: the binary, and a filled, empty cluster."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.building import IDENTITY
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import binaries, crds, furniture
from pulumi_mlops_sandbox.kubernetes.cluster import Cluster, Product
from pulumi_mlops_sandbox.kubernetes.inventory import Inventory, everything
from pulumi_mlops_sandbox.kubernetes.played import PlayedNodes
from pulumi_mlops_sandbox.progress import step

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Prepared:
    """All that a cluster starts from."""

    product: Product
    empty: Path
    """A folder about a cluster as new."""

    @property
    def identity(self) -> str:
        """What the empty cluster was made of."""
        return (self.empty / IDENTITY).read_text()

    @property
    def data(self) -> Path:
        """Its etcd's folder."""
        return self.empty / "etcd"

    @property
    def definitions(self) -> list[dict[str, object]]:
        """The custom resource definitions in it."""
        read: list[dict[str, object]] = json.loads((self.empty / "definitions.json").read_text())
        return read

    @property
    def builtin(self) -> Inventory:
        """What is in it."""
        read: Inventory = json.loads((self.empty / "builtin.json").read_text())
        return read


def ensure() -> Prepared:
    """Find everything in the cache, or make it. Safe to interrupt; two at once wait for each other."""
    made = product()
    return Prepared(made, _empty(made))


def product() -> Product:
    """Find the binary in the cache, or build it."""
    name = f"kubernetes-{binaries.KUBERNETES}"
    identity = building.digest(*binaries.sources([binaries.PACKAGE]), repr((binaries.LINKED, binaries.BEHAVIOURS)))
    folder = building.once(
        name, binaries.WHAT, lambda: building.made_of(name, identity), lambda work: _make_product(work, identity)
    )
    return Product(folder)


def _empty(made: Product) -> Path:
    name = f"kubernetes-{binaries.KUBERNETES}-empty"
    identity = building.digest(HERE / "crds.py", HERE / "furniture.py", made.folder / IDENTITY)
    return building.once(
        name,
        "an empty cluster",
        lambda: building.made_of(name, identity),
        lambda work: _make_empty(work, made, identity),
    )


def _make_product(work: Path, identity: str) -> None:
    target = work / "product"
    target.mkdir()
    binaries.build(work, target)
    (target / IDENTITY).write_text(identity)


def _make_empty(work: Path, made: Product, identity: str) -> None:
    """Start a cluster with nothing in it, fill it with what it shall always have, and keep what etcd then holds."""
    target = work / "product"
    target.mkdir()
    definitions = crds.fetch(work)
    cluster = Cluster(made, work / "cluster", PlayedNodes(made))
    with step("Filling a first cluster with definitions and nodes (once)"):
        try:
            cluster.start_storage()
            furniture.furnish(cluster.api(), definitions, made.storage_class)
            cluster.start_controllers()
            builtin = everything(cluster.api())
        finally:
            cluster.stop()
    shutil.copytree(cluster.data, target / "etcd")
    (target / "definitions.json").write_text(json.dumps(definitions))
    (target / "builtin.json").write_text(json.dumps(builtin, indent=1))
    (target / IDENTITY).write_text(identity)


def main() -> None:
    """Have everything: ``python -m pulumi_mlops_sandbox.kubernetes.prepared``."""
    try:
        sys.stdout.write(f"{ensure().product.binary}\n")
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
