"""Nodes that are played: kwok says of pods, volumes and operators' objects what would be said if they ran."""

import json
from pathlib import Path
from typing import Any

import urllib3

from pulumi_mlops_sandbox.kubernetes import access
from pulumi_mlops_sandbox.kubernetes.access import Access
from pulumi_mlops_sandbox.kubernetes.api import Api, ApiError
from pulumi_mlops_sandbox.kubernetes.cluster import Cluster, Product, Site, nodes_are_ready
from pulumi_mlops_sandbox.kubernetes.parts import Part

OWN_STAGES = Path(__file__).parent / "stages"
FORWARDED = 5000
"""The port of MLflow's server in a pod."""
POD_LOG = "2026-01-01T00:00:00.000000000Z stdout F Nothing runs in this pod: the sandbox plays it.\n"


class PlayedNodes:
    """The nodes of a cluster on which no container runs."""

    def __init__(self, product: Product) -> None:
        self._product = product

    def open(self, cluster: Cluster) -> Site:
        """Have the control plane on this machine's own address."""
        return Site(
            access=Access(cluster.folder / "pki"),
            server=f"https://{access.LOOPBACK}:{cluster.ports.apiserver}",
            apiserver=(
                f"--bind-address={access.LOOPBACK}",
                f"--secure-port={cluster.ports.apiserver}",
                "--endpoint-reconciler-type=none",  # it would look for an address that is not loopback
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.96.0.0/16",
            ),
            controller_manager=("--node-monitor-grace-period=5m",),  # on a busy machine a heartbeat may be late
        )

    def start(self, cluster: Cluster) -> None:
        """Start kwok, and wait until the nodes are ready."""
        cluster.start_part(self._kwok(cluster))
        api = cluster.api()
        self._tell_kubelets_port(cluster, api)
        cluster.wait("the nodes", lambda: nodes_are_ready(api))
        cluster.wait("kwok", lambda: self._is_healthy(cluster))

    def ended(self) -> str:
        """Say nothing: kwok is a part of the cluster."""
        return ""

    def close(self) -> None:
        """Leave nothing: there is nothing but kwok."""

    def _kwok(self, cluster: Cluster) -> Part:
        answers = cluster.folder / "answers.yaml"
        logs = cluster.folder / "pods.log"
        logs.write_text(POD_LOG)
        answers.write_text("\n---\n".join(json.dumps(answer) for answer in _answers(cluster.ports.mlflow, logs)))
        configured = [*self._product.stages, *sorted(OWN_STAGES.glob("*.yaml")), answers]
        arguments = [
            f"--kubeconfig={cluster.kubeconfig_of('kwok')}",
            "--manage-all-nodes",
            *(f"--config={path}" for path in configured),
            "--cidr=10.244.0.1/16",
            f"--node-ip={access.LOOPBACK}",
            f"--node-port={cluster.ports.nodes}",
            f"--server-address={access.LOOPBACK}:{cluster.ports.nodes}",
            f"--tls-cert-file={cluster.access.certificate}",
            f"--tls-private-key-file={cluster.access.key}",
            "--v=warn",
        ]
        return Part("kwok", arguments, collects_at=50)

    def _tell_kubelets_port(self, cluster: Cluster, api: Api) -> None:
        """Let the nodes name this start's port: kwok does so only for those that never were ready."""
        status = {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": cluster.ports.nodes}}}}
        for node in api.get("/api/v1/nodes")["items"]:
            path = f"/api/v1/nodes/{node['metadata']['name']}/status"
            api.request("PATCH", path, status, content_type="application/merge-patch+json")

    def _is_healthy(self, cluster: Cluster) -> bool:
        try:
            kubelet = Api(f"https://{access.LOOPBACK}:{cluster.ports.nodes}", cluster.access.ca)
            return bool(kubelet.get("/healthz") == "ok")
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
