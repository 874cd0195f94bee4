"""What this backend writes for KServe is judged by KServe: its webhooks, its controller, its agent.

Not a part of `make test`, since building KServe takes ten minutes: `make operators`.
"""

import contextlib
import json
import re
import shutil
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import serving
from pulumi_mlops_sandbox.planes import CONTROL_PLANES
from pulumi_mlops_sandbox.stack import Stack
from support import services
from support.e2e.inside import Cluster
from support.e2e.outside import ROOT, shown, succeeded
from support.operators import kserve
from support.waiting import until

pytestmark = [pytest.mark.operators, pytest.mark.timeout(1800)]

PROGRAM = """
import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform(
    "shop",
    backend="kubernetes",
    secrets={"token": "t"},
    existing={"gateway": {"name": "gateways/public", "domain": "shop.example.com"}, "metrics": "http://p.monitoring:9090"},
)
files = {"image": "registry.example.com/serve:1", "artifact": "s3://artifacts/a"}
larger = {**files, "artifact": "s3://artifacts/b"}
mlops.Endpoint(
    "rank",
    platform=platform,
    variants=[{"name": "one", "model": files, "weight": 9}, {"name": "two", "model": larger, "weight": 1}],
    compute={"cpus": config.get_int("cpus") or 4, "memory_gb": 3},
    scaling={"min": 2, "max": config.get_int("most") or 2, "requests_per_replica": 60},
    secrets={"TOKEN": platform.secret("token")},
    capture_percent=100,
)
mlops.Endpoint(
    "see",
    platform=platform,
    model={"image": "registry.example.com/serve:1"},
    shadow={"model": larger},
    compute={"accelerator": "A10G:1"},
    scaling={"min": 1, "max": 3, "requests_per_replica": 60},
)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Cluster]]:
    """Run a cluster in which KServe is itself."""
    folder = tmp_path_factory.mktemp("kserve")
    unplayed = "support.operators.unplayed"
    planes = [replace(plane, server=unplayed) for plane in CONTROL_PLANES if plane.name == "kubernetes"]
    sandbox = Sandbox(folder / "sandbox", planes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        sandbox.up(["kubernetes"])
    try:
        found = Cluster(sandbox)
        with kserve.running(found, folder):
            yield sandbox, found
    finally:
        sandbox.down()


@pytest.fixture(scope="module")
def churn(cluster: tuple[Sandbox, Cluster], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Bring `stacks/kubernetes` up, with an approved version."""
    project = tmp_path_factory.mktemp("churn") / "project"
    shutil.copytree(ROOT / "stacks" / "kubernetes", project, ignore=shutil.ignore_patterns("__pycache__"))
    stack = Stack(cluster[0], project)
    with serving(cluster[0]) as registry:
        succeeded(stack.up())
        registry.approve("churn", registry.register("churn"))
        succeeded(stack.up())
        yield stack
        succeeded(stack.destroy())


@pytest.fixture(scope="module")
def shop(cluster: tuple[Sandbox, Cluster], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Bring images of the user's up: variants, a shadow, accelerators, captured traffic."""
    project = tmp_path_factory.mktemp("shop")
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    stack = Stack(cluster[0], project)
    succeeded(stack.up())
    yield stack
    succeeded(stack.destroy())


@pytest.fixture(params=["churn", "shop"])
def served(request: pytest.FixtureRequest, cluster: tuple[Sandbox, Cluster]) -> tuple[Stack, "Served"]:
    """Take both in turn."""
    return request.getfixturevalue(request.param), Served(cluster[1], f"{request.param}-dev")


class Served:
    """What KServe has made in a namespace."""

    def __init__(self, cluster: Cluster, space: str) -> None:
        self._cluster, self._space = cluster, space

    def all(self, api_version: str, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            self._cluster.kind(api_version, kind).get(namespace=self._space).to_dict()["items"]
        )
        return found

    def revisions(self) -> list[dict[str, Any]]:
        return self.all("serving.kserve.io/v1beta1", "InferenceService")

    def pods(self) -> list[dict[str, Any]]:
        return [
            pod for pod in self.all("v1", "Pod") if "serving.kserve.io/inferenceservice" in pod["metadata"]["labels"]
        ]

    def chosen(self, selector: Mapping[str, Any]) -> set[str]:
        wanted = (selector.get("matchLabels") or {}).items()
        return {pod["metadata"]["name"] for pod in self.pods() if wanted <= pod["metadata"]["labels"].items()}


class _Model(BaseHTTPRequestHandler):
    """A model server, ready for everything."""

    def do_GET(self) -> None:
        self._say(b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(b'{"out": 1}')

    def _say(self, text: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _model() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _probed(url: str) -> bool:
    """Ask as a kubelet does, which the agent answers itself."""
    request = urllib.request.Request(url, headers={"User-Agent": "kube-probe/1.36", "K-Network-Probe": "queue"})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:
        return bool(answer.status == 200)
    return False


def test_every_revision_is_ready(served: tuple[Stack, Served]) -> None:
    """KServe's webhooks take it, its Deployment is valid, its pods are admitted with all that KServe adds."""
    _, found = served
    revisions, pods = found.revisions(), found.pods()
    assert revisions
    for revision in revisions:
        ready = {one["type"]: one["status"] for one in revision["status"]["conditions"]}
        assert ready["Ready"] == ready["PredictorReady"] == "True"
        assert revision["status"]["deploymentMode"] == "Standard"
        own = [
            pod for pod in pods if pod["metadata"]["labels"]["app"] == f"isvc.{revision['metadata']['name']}-predictor"
        ]
        assert len(own) >= revision["spec"]["predictor"].get("minReplicas", 1)
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert found.all("networking.k8s.io/v1", "Ingress") == [], "nobody but the endpoint's own route leads here"


def test_what_kserve_sets_by_itself_changes_nothing(served: tuple[Stack, Served]) -> None:
    stack, _ = served
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []


def test_the_pods_are_those_that_everything_else_means(served: tuple[Stack, Served]) -> None:
    """Ways in and out, budgets, metrics, scaling and the route go by labels and names that KServe gives."""
    _, found = served
    every = {pod["metadata"]["name"] for pod in found.pods()}
    assert every
    for part in ("callers", "calls-out"):
        policies = [
            one
            for one in found.all("networking.k8s.io/v1", "NetworkPolicy")
            if one["metadata"]["name"].endswith(f"-{part}")
        ]
        assert set.union(*(found.chosen(one["spec"]["podSelector"]) for one in policies)) == every
    monitors = found.all("monitoring.coreos.com/v1", "PodMonitor")
    assert set.union(*(found.chosen(one["spec"]["selector"]) for one in monitors)) == every
    for budget in found.all("policy/v1", "PodDisruptionBudget"):
        if budget["metadata"]["labels"]["app.kubernetes.io/name"] == "model-server":
            assert len(found.chosen(budget["spec"]["selector"])) >= 2
    deployments = {one["metadata"]["name"] for one in found.all("apps/v1", "Deployment")}
    for scaled in found.all("keda.sh/v1alpha1", "ScaledObject"):
        assert scaled["spec"]["scaleTargetRef"]["name"] in deployments
    ports = {
        (one["metadata"]["name"], port["port"]) for one in found.all("v1", "Service") for port in one["spec"]["ports"]
    }
    for route in found.all("gateway.networking.k8s.io/v1", "HTTPRoute"):
        for to in route["spec"]["rules"][0]["backendRefs"]:
            assert (to["name"], to["port"]) in ports


def test_the_agent_keeps_what_is_asked_and_answered(served: tuple[Stack, Served], tmp_path: Path) -> None:
    """Run KServe's agent with the arguments and the environment of a pod of ours, before a server and a store."""
    _, found = served
    pods = [pod for pod in found.pods() if any(one["name"] == "agent" for one in pod["spec"]["containers"])]
    assert pods
    containers = {one["name"]: one for one in pods[0]["spec"]["containers"]}
    agent, main = containers["agent"], containers["kserve-container"]
    logins = {one["valueFrom"]["secretKeyRef"]["name"] for one in agent["env"] if one.get("valueFrom")}
    assert {name.rpartition("-store-")[2] for name in logins} == {"writer"}
    assert not any("valueFrom" in one for one in main["env"]), "the model has no login of the store"
    with _model() as port, services.s3(tmp_path) as store:
        own = {one["name"]: one["value"] for one in agent["env"] if one.get("value") is not None}
        own["SERVING_READINESS_PROBE"] = re.sub(r'"port":8080', f'"port":{port}', own["SERVING_READINESS_PROBE"])
        login = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        s3 = boto3.client(
            "s3", endpoint_url=store, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        s3.create_bucket(Bucket="artifacts")
        arguments = ["" if text is None else text for text in agent["args"]]
        arguments[arguments.index("--component-port") + 1] = str(port)
        listens = services.free_port()
        command = [str(kserve.built() / "agent"), "--port", str(listens), *arguments]
        address = f"http://127.0.0.1:{listens}"
        path = agent["readinessProbe"]["httpGet"]["path"]
        with services.running(command, tmp_path / "agent.log", {**own, **login, "AWS_ENDPOINT_URL": store}) as process:
            until(lambda: _probed(f"{address}{path}"), "the agent", process=process)
            request = urllib.request.Request(
                f"{address}/invocations", b'{"in": 2}', {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert json.loads(answer.read()) == {"out": 1}

            def kept() -> list[str]:
                return [one["Key"] for one in s3.list_objects_v2(Bucket="artifacts").get("Contents", [])]

            until(lambda: len(kept()) == 2, "what was captured")
            names = sorted(kept())
    assert [name.rpartition("-")[2] for name in names] == ["request.json", "response.json"]
    endpoint = pods[0]["metadata"]["labels"]["app.kubernetes.io/instance"]
    assert all(name.startswith(f"captured/{endpoint}/") for name in names)


def test_it_is_scaled_and_released_again(shop: Stack, cluster: tuple[Sandbox, Cluster]) -> None:
    """KServe takes each edit: who counts the replicas, and another size, for which a new revision follows the old."""
    found = Served(cluster[1], "shop-dev")

    def scalers() -> dict[str, str]:
        mark = "serving.kserve.io/autoscalerClass"
        deployments = [one["metadata"] for one in found.all("apps/v1", "Deployment")]
        return {
            one["name"].rpartition("-predictor")[0]: one["annotations"][mark]
            for one in deployments
            if one["name"].startswith("rank-")
        }

    before = scalers()
    assert set(before.values()) == {"none"}
    shop.configure(most="4")
    succeeded(shop.up())
    until(lambda: set(scalers().values()) == {"external"}, "another scaler")
    assert scalers().keys() == before.keys(), "the same revisions serve"
    shop.configure(most="2")
    succeeded(shop.up())
    until(lambda: set(scalers().values()) == {"none"}, "no scaler")

    shop.configure(cpus="3")
    succeeded(shop.up())
    until(lambda: len(scalers()) == 2 and not scalers().keys() & before.keys(), "the old ones are gone")
    assert shown(shop.up()) == []
    assert shown(shop.refresh()) == []
