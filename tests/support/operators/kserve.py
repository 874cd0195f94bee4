"""KServe itself, built from its Go module: the controller with its webhooks, and the agent that captures traffic."""

import base64
import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.kubernetes.access import Access
from pulumi_mlops_sandbox.kubernetes.crds import SOURCES
from pulumi_mlops_sandbox.progress import step
from support import services
from support.e2e.inside import Cluster
from support.waiting import until

MODULE = "github.com/kserve/kserve"
VERSION = next(source.version for source in SOURCES if source.module == MODULE)
PROGRAMS = {"kserve": "./cmd/manager", "agent": "./cmd/agent"}
SPACE = "kserve"
DEFINITIONS = ("clusterservingruntimes", "inferencegraphs", "trainedmodels")
"""What its controller watches, and the sandbox's cluster has no use for."""
LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
"""What KServe's chart gives the storage initializer."""


def built() -> Path:
    """Find the folder with its programs and its manifests, or build it once: about ten minutes."""
    name = f"kserve-{VERSION}"

    def find() -> Path | None:
        folder = building.cache() / name
        return folder if all((folder / program).is_file() for program in PROGRAMS) else None

    return building.once(name, f"KServe {VERSION}", find, _build)


def _build(work: Path) -> None:
    product, source = work / "product", work / "source"
    product.mkdir()
    with step(f"Building KServe v{VERSION} (once, about ten minutes)") as progress:
        shutil.copytree(building.module(MODULE, VERSION, work, progress, what="KServe"), source)
        for folder in (source, *source.rglob("*")):
            folder.chmod(0o755 if folder.is_dir() else 0o644)  # the module cache is read-only
        for program, package in PROGRAMS.items():
            command = ["go", "build", "-v", "-trimpath", "-buildvcs=false", "-o", str(product / program), package]
            building.go(
                command, source, progress, "packages", what=f"KServe's {package}", environment={"CGO_ENABLED": "0"}
            )
    shutil.copytree(source / "config", product / "config")


def _certificate(folder: Path, access: Path) -> str:
    """Make a certificate for the webhooks, and return its authority as the API server wants to have it told."""
    made = Access(access)
    made.make()
    folder.mkdir(parents=True)
    shutil.copy(made.certificate, folder / "tls.crt")
    shutil.copy(made.key, folder / "tls.key")
    return base64.b64encode(made.ca.read_bytes()).decode()


def _apply(cluster: Cluster, thing: dict[str, Any]) -> None:
    kind = cluster.kind(thing["apiVersion"], thing["kind"])
    space = thing["metadata"].get("namespace")
    cluster.dynamic.server_side_apply(
        kind, thing, field_manager="admin", force_conflicts=True, **({"namespace": space} if space else {})
    )


def _install(cluster: Cluster, config: Path) -> None:
    """Put into the cluster what an admin would, as KServe's chart has it for the Standard mode."""
    crds = config / "crd" / "full"
    for name in DEFINITIONS:
        _apply(cluster, yaml.safe_load((crds / f"serving.kserve.io_{name}.yaml").read_text()))
    for path in (crds / "clusterstoragecontainer").glob("serving*.yaml"):
        _apply(cluster, yaml.safe_load(path.read_text()))
    _apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    settings = yaml.safe_load((config / "configmap" / "inferenceservice.yaml").read_text())
    settings["metadata"]["namespace"] = SPACE
    data = settings["data"]
    del data["_example"]
    data["deploy"] = json.dumps({"defaultDeploymentMode": "Standard"})
    data["ingress"] = json.dumps(json.loads(data["ingress"]) | {"disableIstioVirtualHost": True})
    _apply(cluster, settings)
    storage = yaml.safe_load((config / "storagecontainers" / "default.yaml").read_text())
    storage["spec"]["container"]["securityContext"] = LOCKED

    def applied() -> bool:
        with contextlib.suppress(Exception):  # its definition is not served yet
            _apply(cluster, storage)
            return True
        return False

    until(applied, "ClusterStorageContainer")


def _hooks(cluster: Cluster, config: Path, port: int, certificate: str) -> None:
    """Have the API server ask KServe, at an address instead of a Service."""
    for hooks in yaml.safe_load_all((config / "webhook" / "manifests.yaml").read_text()):
        if not hooks or not hooks["kind"].endswith("WebhookConfiguration"):
            continue
        del hooks["metadata"]["creationTimestamp"]
        for hook in hooks["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"https://127.0.0.1:{port}{path}", "caBundle": certificate}
        _apply(cluster, hooks)


@contextlib.contextmanager
def running(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Install KServe in a cluster and run its controller for as long as the block."""
    product = built()
    _install(cluster, product / "config")
    certificate = _certificate(folder / "k8s-webhook-server" / "serving-certs", folder / "pki")
    port, health = services.free_port(), services.free_port()
    command = [str(product / "kserve"), "-metrics-addr", "127.0.0.1:0", "-webhook-port", str(port)]
    command += ["-health-probe-addr", f"127.0.0.1:{health}"]
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "TMPDIR": str(folder), "POD_NAMESPACE": SPACE}
    with services.running(command, folder / "kserve.log", environment) as process:
        until(lambda: services.answers(f"http://127.0.0.1:{health}/readyz"), "KServe", process=process)
        _hooks(cluster, product / "config", port, certificate)
        yield
