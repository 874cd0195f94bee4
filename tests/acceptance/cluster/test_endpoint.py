"""An endpoint on containers that run: it answers through the gateway, has its secrets, and goes without a trace."""

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from moto.server import ThreadedMotoServer

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.nodes import requirements
from pulumi_mlops_sandbox.kubernetes.nodes.addresses import Addresses
from pulumi_mlops_sandbox.kubernetes.operators import running
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]

SPACE = "shop-dev"
RUNNING = "PULUMI_MLOPS_ACCEPTANCE_HOME"
"""Names the folder of a sandbox that has all of it already: for whoever works on these tests."""
SERVER = """
import hashlib, http.server, json, os, urllib.parse
asked = 0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.say(f"http_requests_total {asked}" if self.path == "/metrics" else "ok")
    def do_POST(self):
        global asked
        asked += 1
        given = self.rfile.read(int(self.headers["Content-Length"]))
        with open(urllib.parse.urlsplit(os.environ["MLOPS_SECRET_TOKEN"]).path) as file:
            token = file.read()
        known = hashlib.sha256(token.encode()).hexdigest()
        self.say(json.dumps({"given": json.loads(given), "token": known, "all": sorted(os.environ)}))
    def say(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *said):
        pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform(
    "shop",
    backend="kubernetes",
    stage="dev",
    secrets={{"token": "geheim"}},
    existing={{
        "gateway": {{"name": "gateways/public", "domain": "ml.example.com", "tls": False}},
        "object_store": {{
            "url": config.require("store"),
            "bucket": "artifacts",
            "access_key": "writer",
            "secret_key": "writes",
        }},
        "cidrs": [config.require("outside")],
    }},
)
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={{"image": {objects.PYTHON!r}}},
    serve={{"command": ["python", "-c", {SERVER!r}], "health": "/health"}},
    compute={{"cpus": 1, "memory_gb": 0.25}},
    scaling={{"min": 1, "max": 1}},
    secrets={{"TOKEN": platform.secret("token")}},
    capture_percent=100,
)
pulumi.export("url", score.url)
"""
SECRET = hashlib.sha256(b"geheim").hexdigest()


def until(holds: Callable[[], Any], what: str, within: float = 120.0) -> Any:
    deadline = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run a sandbox with the operators that serve models; one that has them already stays."""
    if RUNNING in os.environ:
        yield Sandbox(Path(os.environ[RUNNING]))
        return
    if found := "; ".join(requirements.problems(building.cache())):
        pytest.skip(f"no real node can run here: {found}")
    sandbox = Sandbox(tmp_path_factory.mktemp("real") / "home")
    try:
        sandbox.up(["kubernetes"], "real")
        running.install(sandbox, ("kserve", "gateway"))
        yield sandbox
    finally:
        sandbox.down()


@pytest.fixture(scope="module")
def cluster(real: Sandbox) -> Cluster:
    return Cluster(real)


@pytest.fixture(scope="module")
def store(real: Sandbox) -> Iterator[tuple[str, Any]]:
    """Run an S3 server on this machine, where the node's pods reach it as something outside of their network."""
    block = json.loads((real.home / "kubernetes-real" / "addresses.json").read_text())["block"]
    host = str(Addresses(IPv4Network(block)).host)
    server = ThreadedMotoServer(ip_address=host, port=0)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="writer", aws_secret_access_key="writes"
    )
    s3.create_bucket(Bucket="artifacts")
    yield url, s3
    server.stop()


@pytest.fixture(scope="module")
def shop(real: Sandbox, store: tuple[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    project = tmp_path_factory.mktemp("shop")
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    stack = Stack(real, project)
    stack.configure(store=store[0], outside=f"{urlsplit(store[0]).hostname}/32")
    succeeded(stack.up())
    yield stack
    succeeded(stack.destroy())


def asked(stack: Stack, cluster: Cluster, body: Any, path: str = "/invocations") -> tuple[int, Any]:
    """Ask at the address that `url` says, as if its domain led to the gateway."""
    url = urlsplit(stack.outputs()["url"])
    gateway = cluster.get("gateway.networking.k8s.io/v1", "Gateway", "public", "gateways")
    assert gateway
    address = gateway["status"]["addresses"][0]["value"]
    request = urllib.request.Request(
        f"http://{address}{path}",
        json.dumps(body).encode(),
        {"Host": url.hostname or "", "Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_answers_through_the_gateway(shop: Stack, cluster: Cluster) -> None:
    status, said = until(lambda: (found := asked(shop, cluster, {"n": 1}))[0] == 200 and found, "it answers")
    assert said["given"] == {"n": 1}
    assert status == 200
    for number in range(50):
        status, said = asked(shop, cluster, {"n": number})
        assert (status, said["given"]) == (200, {"n": number})


def test_a_secret_arrives_as_a_file(shop: Stack, cluster: Cluster) -> None:
    _, said = asked(shop, cluster, {})
    assert said["token"] == SECRET
    assert not any(name.startswith("AWS_") for name in said["all"]), "the model has no login of the store"


def test_a_second_up_changes_nothing(shop: Stack) -> None:
    assert shown(shop.up()) == []
    assert shown(shop.refresh()) == []


def test_destroy_leaves_nothing(shop: Stack, cluster: Cluster) -> None:
    succeeded(shop.destroy())
    core: Any = client.CoreV1Api(cluster.api)

    def gone() -> bool:
        try:
            core.read_namespace(SPACE)
        except ApiException as error:
            return bool(error.status == 404)
        return False

    until(gone, "the namespace is gone")
    claims = [volume.spec.claim_ref for volume in core.list_persistent_volume().items]
    assert SPACE not in [claim.namespace for claim in claims if claim]
