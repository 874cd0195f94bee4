"""The real node beside a control plane, both in the node's network: started in order, and ended without a trace."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.certificates import private
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import access
from pulumi_mlops_sandbox.kubernetes.access import Access
from pulumi_mlops_sandbox.kubernetes.api import ApiError
from pulumi_mlops_sandbox.kubernetes.cluster import Cluster, Site, nodes_are_ready
from pulumi_mlops_sandbox.kubernetes.nodes import (
    addresses,
    cgroups,
    configuration,
    images,
    leftovers,
    requirements,
)
from pulumi_mlops_sandbox.kubernetes.nodes.addresses import Addresses
from pulumi_mlops_sandbox.kubernetes.nodes.inside import PROGRAMS, STATE
from pulumi_mlops_sandbox.kubernetes.nodes.layers import Image
from pulumi_mlops_sandbox.kubernetes.nodes.namespaces import Namespaces
from pulumi_mlops_sandbox.kubernetes.nodes.product import SYSTEM_PATH, NodeProduct
from pulumi_mlops_sandbox.kubernetes.nodes.trust import Trust
from pulumi_mlops_sandbox.kubernetes.parts import Part

MANIFESTS = Path(__file__).parent / "manifests"
PORT = 6443
KUBELET = f"system:node:{configuration.NAME}"
PROXY = "system:kube-proxy"
USERS = {**access.USERS, KUBELET: ("system:nodes",), PROXY: ()}
LABELS = {"topology.kubernetes.io/region": "sandbox", "topology.kubernetes.io/zone": "sandbox-a"}
OWN = (
    "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-network-policies",
    "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
    "/apis/apps/v1/namespaces/local-path-storage/deployments/local-path-provisioner",
)
"""What pods need before any of them is of use. Metrics come a little later."""
FORGOTTEN = ("kubelet", "logs", "volumes")
"""What a cluster as new does not keep of the node; containerd's images stay."""


class RealNodes:
    """One node on which containers run."""

    def __init__(self, product: NodeProduct, home: Path, ending: threading.Event) -> None:
        """Run in a home what a product has, until the cluster ends."""
        self._product, self._home, self._name = product, home, leftovers.called(home)
        self._ending = ending
        self._namespaces: Namespaces | None = None
        self._addresses: Addresses | None = None
        self.state = home

    @property
    def namespaces(self) -> Namespaces:
        """Where the node's parts run."""
        assert self._namespaces is not None, "the node has not been started"  # noqa: S101  (a mistake of ours)
        return self._namespaces

    @property
    def addresses(self) -> Addresses:
        """Which addresses it has."""
        assert self._addresses is not None, "the node has not been started"  # noqa: S101  (a mistake of ours)
        return self._addresses

    def open(self, cluster: Cluster) -> Site:
        """Make the namespaces and the link, and start containerd in them."""
        requirements.require(self._home)
        self.state = cluster.folder / "node"
        leftovers.clean(self._home)
        building.cache().mkdir(parents=True, exist_ok=True)
        with building.locked(building.cache() / "node-addresses.lock", "Waiting for another node to choose addresses"):
            self._addresses = addresses.choose(cluster.folder / "addresses.json", int(self._name[-8:], 16))
            configuration.write(self.state, self._addresses, self._name)
            self._namespaces = Namespaces(self.state, self._product.folder, cluster.folder / "logs" / "namespaces.log")
            self._namespaces.connect(self._name, self._addresses)
        cgroups.make(self._name)
        self._ask_about_connections()
        arguments = ["--config", f"{STATE}/containerd.toml", "--log-level", "info"]
        cluster.start_program(self._part("containerd", arguments), (*self.namespaces.everything, "containerd"))
        return self._site(cluster)

    def start(self, cluster: Cluster) -> None:
        """Start the kubelet and kube-proxy, and what every pod needs; wait until it is there."""
        cluster.wait("containerd", self._containerd_is_there)
        self.bring(images.node(self._product.programs))
        self._tell(cluster)
        kubelet = [
            f"--config={STATE}/kubelet.json",
            f"--kubeconfig={STATE}/kubelet.kubeconfig",
            f"--hostname-override={configuration.NAME}",
            f"--node-ip={self.addresses.node}",
            f"--root-dir={STATE}/kubelet",
            f"--cert-dir={STATE}/kubelet/pki",
            f"--node-labels={','.join(f'{label}={value}' for label, value in LABELS.items())}",
        ]
        cluster.start_program(self._part("kubelet", kubelet), (*self.namespaces.everything, "node", "kubelet"))
        proxy = self._part("kube-proxy", [f"--config={STATE}/kube-proxy.json"])
        cluster.start_program(proxy, (*self.namespaces.everything, "node", "kube-proxy"))
        api = cluster.api()
        cluster.wait("the node", lambda: nodes_are_ready(api))
        for manifests in sorted(MANIFESTS.glob("*.yaml")):
            self.apply(cluster, Template(manifests.read_text()).substitute(self._told()))
        for path in OWN:
            cluster.wait(path.rpartition("/")[2], partial(_runs, cluster, path))

    def bring(self, wanted: Iterable[Image]) -> list[str]:
        """Give containerd the images that it does not have, until the cluster ends; name those."""
        return images.bring(wanted, self._ctr(), self.state, self._ending)

    def apply(self, cluster: Cluster, manifests: str) -> None:
        """Apply manifests as kubectl does, on the server's side."""
        kubeconfig = cluster.folder / "admin.kubeconfig"
        private(kubeconfig, cluster.kubeconfig())
        command = [*self._product.kubectl, f"--kubeconfig={kubeconfig}", "apply", "--server-side", "--force-conflicts"]
        done = subprocess.run(  # noqa: S603  (our own binary)
            [*command, "--field-manager=sandbox", "-f", "-"],
            input=manifests,
            env={
                "HOME": str(cluster.folder),
                "PATH": os.environ.get("PATH", os.defpath),
            },  # no proxy, no cache of the user's
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SandboxError(f"The cluster does not take what the node needs: {done.stderr.strip()[-1000:]}")

    def ended(self) -> str:
        """Say that the namespaces have ended, and with them everything."""
        return self._namespaces.ended() if self._namespaces else ""

    def close(self) -> None:
        """End everything in the namespaces, and remove what the kernel does not remove with them."""
        if self._namespaces is not None:
            self._namespaces.end()
            self._namespaces = None
        leftovers.clean(self._home)

    def forget(self) -> None:
        """Remove what pods have left behind, once the node has ended."""
        for name in FORGOTTEN:
            shutil.rmtree(self.state / name, ignore_errors=True)

    # ------------------------------------------------------------------ the control plane

    def _site(self, cluster: Cluster) -> Site:
        node, services = str(self.addresses.node), self.addresses.services
        trust = Trust(cluster.folder / "pki")
        trust.make()
        entry = Access(cluster.folder / "pki", (node, str(self.addresses.apiserver), access.LOOPBACK), USERS)
        return Site(
            access=entry,
            server=f"https://{node}:{PORT}",
            apiserver=(
                "--bind-address=0.0.0.0",  # of the node's network, into which only this machine leads
                f"--advertise-address={node}",
                f"--secure-port={PORT}",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                f"--service-cluster-ip-range={services}",
                f"--kubelet-certificate-authority={entry.ca}",
                *trust.arguments(),
            ),
            controller_manager=(
                "--allocate-node-cidrs=true",
                f"--cluster-cidr={self.addresses.pods}",
                "--node-monitor-grace-period=2m",  # on a busy machine a heartbeat may be late
            ),
            enter=self.namespaces.network,
        )

    # ------------------------------------------------------------------ the node

    def _part(self, name: str, arguments: list[str]) -> Part:
        return Part(name, arguments, collects_at=50, environment=self._environment())

    def _environment(self) -> dict[str, str]:
        debian = f"{PROGRAMS}/debian/usr"
        path = [f"{PROGRAMS}/bin", f"{PROGRAMS}/tools", f"{debian}/sbin", f"{debian}/bin", SYSTEM_PATH]
        environment = {"PATH": ":".join(path)}
        for folder in (self._product.folder / "debian/usr/lib").glob("*-linux-gnu"):
            environment["LD_LIBRARY_PATH"] = f"{debian}/lib/{folder.name}"
            if (folder / "xtables").is_dir():
                environment["XTABLES_LIBDIR"] = f"{debian}/lib/{folder.name}/xtables"
        return environment

    def _ctr(self) -> tuple[str, ...]:
        return (*self.namespaces.everything, f"{PROGRAMS}/bin/ctr", "--address", configuration.SOCKET)

    def _containerd_is_there(self) -> bool:
        return Path(f"/proc/{self.namespaces.pid}/root{configuration.SOCKET}").exists()

    def _ask_about_connections(self) -> None:
        for rule in configuration.asked(self.addresses):
            command = [*self.namespaces.everything, "iptables", "-w", "-t", "mangle", *rule.split()]
            done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)  # noqa: S603  (Debian's)
            if done.returncode != 0:
                raise SandboxError(f"`iptables {rule}` failed, without which no policy holds: {done.stderr.strip()}")

    def _tell(self, cluster: Cluster) -> None:
        """Lay down by what the node's parts know the apiserver, and are known by it."""
        for user, name in ((KUBELET, "kubelet"), (PROXY, "kube-proxy")):
            private(self.state / f"{name}.kubeconfig", cluster.access.kubeconfig(cluster.server, user))
        for source in (cluster.access.certificate, cluster.access.key, Trust(cluster.folder / "pki").clients):
            private(self.state / source.name, source.read_text())

    def _told(self) -> dict[str, str]:
        return {
            "busybox": images.BUSYBOX,
            "coredns": images.COREDNS,
            "dns": str(self.addresses.dns),
            "kube_network_policies": images.NETWORK_POLICIES,
            "local_path": images.LOCAL_PATH,
            "metrics_server": images.METRICS_SERVER,
            "queue": str(configuration.QUEUE),
            "volumes": f"{STATE}/volumes",
        }


def _runs(cluster: Cluster, path: str) -> bool:
    """Say whether every pod of a Deployment or DaemonSet, as it is now described, is available."""
    try:
        found: dict[str, Any] = cluster.api().get(path)
    except ApiError:
        return False
    status = found.get("status", {})
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    wanted = status.get("desiredNumberScheduled", found["spec"].get("replicas", 0))
    there = status.get("numberAvailable", status.get("availableReplicas", 0))
    return bool(wanted) and there == wanted
