"""What the sandbox's cluster holds before anybody uses it: definitions of kinds, nodes, a storage class, a Gateway."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.api import Api, ApiError

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ESTABLISHED_WITHIN = 180.0


def node(name: str, zone: str, *, gpus: int = 0, model: str = "") -> dict[str, Any]:
    """Describe a node, generous enough that no test runs out of it; with GPUs of a model as NVIDIA labels them."""
    gpu_labels = {"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": model, "nvidia.com/gpu.count": str(gpus)}
    resources = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "500"}
    resources |= {"nvidia.com/gpu": str(gpus)} if gpus else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": "sandbox",
                "topology.kubernetes.io/zone": zone,
                **(gpu_labels if gpus else {}),
            },
        },
        "status": {"allocatable": resources, "capacity": resources},
    }


NODES = (
    node("cpu-1", "sandbox-a"),
    node("cpu-2", "sandbox-b"),
    node("gpu-1", "sandbox-a", gpus=4, model="NVIDIA-A10G"),
)


def _listener(name: str, protocol: str, port: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "protocol": protocol, "port": port, "allowedRoutes": {"namespaces": {"from": "All"}}, **more}


GATEWAYS = "gateways"
WAY_IN: tuple[tuple[str, dict[str, Any]], ...] = (
    (f"/api/v1/namespaces/{GATEWAYS}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": GATEWAYS}}),
    (
        "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sandbox",
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "sandbox"},
            "spec": {"controllerName": "sandbox.pulumi-mlops/gateway"},
        },
    ),
    (
        f"/apis/gateway.networking.k8s.io/v1/namespaces/{GATEWAYS}/gateways/public",
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "public", "namespace": GATEWAYS},
            "spec": {
                "gatewayClassName": "sandbox",
                "listeners": [
                    _listener("http", "HTTP", 80),
                    _listener("https", "HTTPS", 443, tls={"certificateRefs": [{"name": "public"}]}),
                ],
            },
        },
    ),
)
"""The gateway that the programs of the examples name: ``gateways/public``."""


def furnish(api: Api, definitions: Sequence[dict[str, Any]], storage_class: Path) -> None:
    """Put everything into an empty cluster."""
    for definition in definitions:
        api.apply(f"{DEFINITIONS}/{definition['metadata']['name']}", definition)
    described = yaml.safe_load(storage_class.read_text()) | {"allowVolumeExpansion": True}
    api.apply(f"/apis/storage.k8s.io/v1/storageclasses/{described['metadata']['name']}", described)
    for wanted in NODES:
        try:
            api.request("POST", "/api/v1/nodes", wanted)
        except ApiError as error:
            if error.status != 409:  # noqa: PLR2004  (Conflict: it is there)
                raise
    _wait_until_established(api)
    for path, wanted in WAY_IN:
        api.apply(path, wanted)


def _wait_until_established(api: Api) -> None:
    deadline = time.monotonic() + ESTABLISHED_WITHIN
    while waiting := [
        definition["metadata"]["name"]
        for definition in api.get(DEFINITIONS)["items"]
        if not any(
            condition["type"] == "Established" and condition["status"] == "True"
            for condition in (definition.get("status") or {}).get("conditions") or []
        )
    ]:
        if time.monotonic() > deadline:
            raise SandboxError(f"These definitions were not established in time: {', '.join(waiting)}")
        time.sleep(0.2)
