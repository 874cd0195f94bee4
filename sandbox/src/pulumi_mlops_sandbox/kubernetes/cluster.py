"""A cluster in a folder: etcd, apiserver, controller manager, scheduler and nodes, started and stopped in order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol

import urllib3

from pulumi_mlops_sandbox.certificates import private
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import access, binaries, ports
from pulumi_mlops_sandbox.kubernetes.access import Access
from pulumi_mlops_sandbox.kubernetes.api import Api, ApiError
from pulumi_mlops_sandbox.kubernetes.furniture import DEFINITIONS
from pulumi_mlops_sandbox.kubernetes.parts import Part, Running

SOCKET = "etcd.sock:0"
"""A socket in the cluster's folder, where all parts are started and nobody else may enter: etcd asks for no password.
It has no port; etcd's form wants one."""
ETCD = f"unix://{SOCKET}"
ETCD_PEERS = "unix://etcd-peers.sock:0"
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"
"""Made by the controller manager; no pod can be made without one."""
POLL = 0.05
READY_WITHIN = 150.0


@dataclass(frozen=True)
class Product:
    """What clusters are made of: the binary, and kwok's own stages beside it."""

    folder: Path

    @property
    def binary(self) -> Path:
        """The binary that plays every part."""
        return self.folder / binaries.BINARY

    @property
    def storage_class(self) -> Path:
        """The class of volumes that kwok provides."""
        return self.folder / binaries.STAGES / binaries.STORAGE_CLASS

    @property
    def stages(self) -> list[Path]:
        """How nodes, pods and volumes behave, as kwok describes it."""
        return sorted(set((self.folder / binaries.STAGES).glob("*.yaml")) - {self.storage_class})


@dataclass(frozen=True)
class Site:
    """Where a control plane stands, and what its parts are told beyond what those of every cluster are."""

    access: Access
    server: str
    """The apiserver's address."""
    apiserver: tuple[str, ...]
    controller_manager: tuple[str, ...]
    enter: tuple[str, ...] = ()
    """The beginning of a command line that starts a part where it belongs."""


class Nodes(Protocol):
    """What runs pods, or plays that it does."""

    def open(self, cluster: "Cluster") -> Site:
        """Prepare a place for the control plane, before any part of it starts."""
        ...

    def start(self, cluster: "Cluster") -> None:
        """Start, beside a control plane that runs, and wait until pods would run."""
        ...

    def ended(self) -> str:
        """Say what has ended that was not a part of the cluster's; nothing while all is well."""
        ...

    def close(self) -> None:
        """End what `open` began; the cluster's parts have ended, or end with it."""
        ...


class Cluster:
    """The processes of one cluster, and the folder with its data."""

    def __init__(self, product: Product, folder: Path, nodes: Nodes) -> None:
        self._product, self.folder, self.nodes = product, folder, nodes
        self._site: Site | None = None
        self._running: list[Running] = []
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ports = ports.choose(folder / "ports.json")

    @property
    def site(self) -> Site:
        """Where the control plane stands: known from its start on."""
        assert self._site is not None, "the cluster has not been started"  # noqa: S101  (a mistake of ours)
        return self._site

    @property
    def access(self) -> Access:
        """Who may enter."""
        return self.site.access

    @property
    def server(self) -> str:
        """The apiserver's address."""
        return self.site.server

    @property
    def data(self) -> Path:
        """The folder of etcd, which holds every object."""
        return self.folder / "etcd"

    def api(self) -> Api:
        """Make a client that may do everything."""
        return Api(self.server, self.access.ca, self.access.token(access.ADMIN))

    def kubeconfig(self) -> str:
        """Write the admin's kubeconfig."""
        return self.access.kubeconfig(self.server, access.ADMIN)

    def start(self) -> None:
        """Start all parts, and wait until the cluster does what it is asked."""
        self.start_storage()
        self.start_controllers()

    def start_controllers(self) -> None:
        """Start what acts upon the objects."""
        for part in (self._controller_manager(), self._scheduler()):
            self.start_part(part)
        self.nodes.start(self)
        self.wait("the default service account", partial(_is_served, self.api(), DEFAULT_ACCOUNT))

    def start_storage(self) -> None:
        """Start just what answers requests: etcd and the apiserver."""
        self._site = self.nodes.open(self)
        self.access.make()
        (self.folder / SOCKET).unlink(missing_ok=True)  # of an etcd that was killed
        self.start_part(self._etcd())
        self.wait("etcd", (self.folder / SOCKET).exists)
        self.start_part(self._apiserver())
        self.wait("the apiserver", self._apiserver_is_ready)
        api = self.api()
        for definition in api.get(DEFINITIONS)["items"]:
            spec = definition["spec"]
            version = next(version["name"] for version in spec["versions"] if version["storage"])
            kind = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}?limit=1"
            self.wait(spec["names"]["kind"], partial(_is_served, api, kind))

    def stop(self) -> None:
        """Stop the nodes and all parts, the last one first."""
        self.nodes.close()
        while self._running:
            self._running[-1].stop()
            self._running.pop()

    def ended(self) -> str:
        """Say which part has ended by itself, and how; nothing while all run."""
        return self.nodes.ended() or next((said for part in self._running if (said := part.ended())), "")

    # ------------------------------------------------------------------ the parts

    def _etcd(self) -> Part:
        arguments = [
            f"--data-dir={self.data}",
            "--name=sandbox",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={ETCD_PEERS}",
            f"--initial-advertise-peer-urls={ETCD_PEERS}",
            f"--initial-cluster=sandbox={ETCD_PEERS}",
            "--unsafe-no-fsync",  # a sandbox may lose its last writes when the machine loses power
            "--log-level=warn",
        ]
        return Part("etcd", arguments, collects_at=50)

    def _apiserver(self) -> Part:
        arguments = [
            f"--etcd-servers={ETCD}",
            f"--tls-cert-file={self.access.certificate}",
            f"--tls-private-key-file={self.access.key}",
            f"--token-auth-file={self.access.tokens}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.access.accounts}",
            f"--service-account-signing-key-file={self.access.accounts}",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true",
            "--profiling=false",
            *self.site.apiserver,
        ]
        return Part("kube-apiserver", arguments)  # a third of its start would be for collecting more often

    def _controller_manager(self) -> Part:
        arguments = [
            f"--kubeconfig={self.kubeconfig_of('system:kube-controller-manager')}",
            f"--service-account-private-key-file={self.access.accounts}",
            f"--root-ca-file={self.access.ca}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
            *self.site.controller_manager,
        ]
        return Part("kube-controller-manager", arguments, collects_at=50)

    def _scheduler(self) -> Part:
        kubeconfig = self.kubeconfig_of("system:kube-scheduler")
        arguments = [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"]
        return Part("kube-scheduler", arguments, collects_at=50)

    def kubeconfig_of(self, user: str) -> Path:
        """Write the file by which a part finds the apiserver."""
        path = self.folder / f"{user.removeprefix('system:')}.kubeconfig"
        private(path, self.access.kubeconfig(self.server, user))
        return path

    # ------------------------------------------------------------------ waiting

    def start_part(self, part: Part) -> None:
        """Start a part of the control plane; it ends with the cluster."""
        self.start_program(part, (*self.site.enter, self._product.binary, part.name))

    def start_program(self, part: Part, command: Sequence[str | Path]) -> None:
        """Start a part by the beginning of its command line; it ends with the cluster."""
        self._running.append(Running(part, command, self.folder))

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait until something is as it should be, or a part has ended."""
        deadline = time.monotonic() + READY_WITHIN
        while not ready():
            if said := self.ended():
                raise SandboxError(said)
            if time.monotonic() > deadline:
                self._give_up(what)
            time.sleep(POLL)

    def _give_up(self, what: str) -> NoReturn:
        logs = self.folder / "logs"
        raise SandboxError(f"In {READY_WITHIN:.0f} s {what} did not become ready. What the parts say is in {logs}.")

    def _apiserver_is_ready(self) -> bool:
        try:
            return bool(self.api().get("/readyz") == "ok")
        except (ApiError, urllib3.exceptions.HTTPError):
            return False


def nodes_are_ready(api: Api) -> bool:
    """Say whether there are nodes, and all take pods."""
    nodes = api.get("/api/v1/nodes")["items"]
    return bool(nodes) and all(
        any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node.get("status", {}).get("conditions", [])
        )
        and not node["spec"].get("taints")
        for node in nodes
    )


def _is_served(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except ApiError:
        return False
    return True
