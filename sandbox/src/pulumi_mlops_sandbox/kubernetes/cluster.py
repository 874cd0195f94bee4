"""A cluster in a folder: etcd, apiserver, controller manager, scheduler and kwok, started and stopped in order."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import urllib3

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import access, binaries, ports
from pulumi_mlops_sandbox.kubernetes.access import Access, private
from pulumi_mlops_sandbox.kubernetes.api import Api, ApiError
from pulumi_mlops_sandbox.kubernetes.furniture import DEFINITIONS
from pulumi_mlops_sandbox.kubernetes.parts import Part, Running

OWN_STAGES = Path(__file__).parent / "stages"
FORWARDED = 5000
"""The port of MLflow's server in a pod."""

SOCKET = "etcd.sock:0"
"""A socket in the cluster's folder, where all parts are started and nobody else may enter: etcd asks for no password.
It has no port; etcd's form wants one."""
ETCD = f"unix://{SOCKET}"
ETCD_PEERS = "unix://etcd-peers.sock:0"
POD_LOG = "2026-01-01T00:00:00.000000000Z stdout F Nothing runs in this pod: the sandbox plays it.\n"
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


class Cluster:
    """The processes of one cluster, and the folder with its data."""

    def __init__(self, product: Product, folder: Path) -> None:
        self._product, self.folder = product, folder
        self.access = Access(folder / "pki")
        self._running: list[Running] = []
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.access.make()
        self.ports = ports.choose(folder / "ports.json")

    @property
    def server(self) -> str:
        """The apiserver's address."""
        return f"https://{access.LOOPBACK}:{self.ports.apiserver}"

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
        for part in (self._controller_manager(), self._scheduler(), self._kwok()):
            self._start(part)
        api = self.api()
        self._tell_kubelets_port(api)
        self._wait("the nodes", lambda: _nodes_are_ready(api))
        self._wait("the default service account", partial(_is_served, api, DEFAULT_ACCOUNT))
        self._wait("kwok", self._kwok_is_healthy)

    def start_storage(self) -> None:
        """Start just what answers requests: etcd and the apiserver."""
        (self.folder / SOCKET).unlink(missing_ok=True)  # of an etcd that was killed
        self._start(self._etcd())
        self._wait("etcd", (self.folder / SOCKET).exists)
        self._start(self._apiserver())
        self._wait("the apiserver", self._apiserver_is_ready)
        api = self.api()
        for definition in api.get(DEFINITIONS)["items"]:
            spec = definition["spec"]
            version = next(version["name"] for version in spec["versions"] if version["storage"])
            kind = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}?limit=1"
            self._wait(spec["names"]["kind"], partial(_is_served, api, kind))

    def stop(self) -> None:
        """Stop all parts, the last one first."""
        while self._running:
            self._running[-1].stop()
            self._running.pop()

    def ended(self) -> str:
        """Say which part has ended by itself, and how; nothing while all run."""
        return next((said for part in self._running if (said := part.ended())), "")

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
            f"--bind-address={access.LOOPBACK}",
            f"--secure-port={self.ports.apiserver}",
            "--endpoint-reconciler-type=none",  # it would look for an address that is not loopback
            f"--tls-cert-file={self.access.certificate}",
            f"--tls-private-key-file={self.access.key}",
            f"--token-auth-file={self.access.tokens}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.access.accounts}",
            f"--service-account-signing-key-file={self.access.accounts}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true",
            "--profiling=false",
        ]
        return Part("kube-apiserver", arguments, collects_at=40)

    def _controller_manager(self) -> Part:
        arguments = [
            f"--kubeconfig={self._kubeconfig_of('system:kube-controller-manager')}",
            f"--service-account-private-key-file={self.access.accounts}",
            f"--root-ca-file={self.access.ca}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
            "--node-monitor-grace-period=5m",  # on a busy machine a heartbeat may be late
        ]
        return Part("kube-controller-manager", arguments, collects_at=50)

    def _scheduler(self) -> Part:
        kubeconfig = self._kubeconfig_of("system:kube-scheduler")
        arguments = [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"]
        return Part("kube-scheduler", arguments, collects_at=50)

    def _kwok(self) -> Part:
        answers = self.folder / "answers.yaml"
        logs = self.folder / "pods.log"
        logs.write_text(POD_LOG)
        answers.write_text("\n---\n".join(json.dumps(answer) for answer in _answers(self.ports.mlflow, logs)))
        configured = [*self._product.stages, *sorted(OWN_STAGES.glob("*.yaml")), answers]
        arguments = [
            f"--kubeconfig={self._kubeconfig_of('kwok')}",
            "--manage-all-nodes",
            *(f"--config={path}" for path in configured),
            "--cidr=10.244.0.1/16",
            f"--node-ip={access.LOOPBACK}",
            f"--node-port={self.ports.nodes}",
            f"--server-address={access.LOOPBACK}:{self.ports.nodes}",
            f"--tls-cert-file={self.access.certificate}",
            f"--tls-private-key-file={self.access.key}",
            "--v=warn",
        ]
        return Part("kwok", arguments, collects_at=50)

    def _kubeconfig_of(self, user: str) -> Path:
        path = self.folder / f"{user.removeprefix('system:')}.kubeconfig"
        private(path, self.access.kubeconfig(self.server, user))
        return path

    def _tell_kubelets_port(self, api: Api) -> None:
        """Let the nodes name this start's port: kwok does so only for those that never were ready."""
        status = {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": self.ports.nodes}}}}
        for node in api.get("/api/v1/nodes")["items"]:
            path = f"/api/v1/nodes/{node['metadata']['name']}/status"
            api.request("PATCH", path, status, content_type="application/merge-patch+json")

    # ------------------------------------------------------------------ waiting

    def _start(self, part: Part) -> None:
        self._running.append(Running(part, self._product.binary, self.folder))

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
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

    def _kwok_is_healthy(self) -> bool:
        try:
            kubelet = Api(f"https://{access.LOOPBACK}:{self.ports.nodes}", self.access.ca)
            return bool(kubelet.get("/healthz") == "ok")
        except (ApiError, urllib3.exceptions.HTTPError):
            return False

    def _apiserver_is_ready(self) -> bool:
        try:
            return bool(self.api().get("/readyz") == "ok")
        except (ApiError, urllib3.exceptions.HTTPError):
            return False


def _answers(port: int, log: Path) -> list[dict[str, Any]]:
    """Say how the kubelets answer for every pod: where a forwarded connection ends, and what its log is."""
    target = {"ports": [FORWARDED], "target": {"address": access.LOOPBACK, "port": port}}
    specs = {
        "ClusterPortForward": {"forwards": [target]},
        "ClusterLogs": {"logs": [{"logsFile": str(log), "follow": False}]},
    }
    return [
        {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": kind, "metadata": {"name": "every-pod"}, "spec": spec}
        for kind, spec in specs.items()
    ]


def _nodes_are_ready(api: Api) -> bool:
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
