"""A registry on containers that run: MLflow, its rows in Postgres and its files in SeaweedFS, and what it serves."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from pulumi_mlops.backends.kubernetes.runtime import CONTAINER
from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded
from pulumi_mlops_sandbox.kubernetes.gateways import ask
from pulumi_mlops_sandbox.kubernetes.load import Load, error
from pulumi_mlops_sandbox.kubernetes.operators.manifests import METRICS
from pulumi_mlops_sandbox.stack import Stack
from support.e2e import browser
from support.e2e.inside import Cluster
from support.e2e.kept import kept
from support.e2e.outside import shown, succeeded
from support.e2e.real import inside, nothing_is_left, project, timed, told
from support.e2e.receiver import Call, got, listens
from support.trial import Trial, trial
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE, HOST = "reg-dev", "models.reg.example.com"
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "reg",
    backend="kubernetes",
    stage="dev",
    existing={
        "gateway": {"name": "gateways/public", "domain": "reg.example.com", "tls": False},
        "metrics": "METRICS",
    },
)
registry = mlops.ModelRegistry(
    "models",
    platform=platform,
    approvers=[{"user": "lead"}],
    consumers=[{"namespace": "TOLD"}],
    events={"deploy": {"to": "http://receiver.TOLD.svc.cluster.local:8080/deploy"}},
    published=True,
)
churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"}, description="Who leaves")
score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    compute={"cpus": 1, "memory_gb": 1.5},
    scaling={"min": 1, "max": 1},
    release={"canary": {"percent": 20, "bake_minutes": 1}},
)
pulumi.export("url", score.url)
pulumi.export("status", score.status)
"""
TRAIN = """
import json, sys, mlflow, numpy
from sklearn.linear_model import LogisticRegression
seed, asked = json.loads(sys.argv[1])
x = numpy.random.default_rng(seed).normal(size=(400, 3))
y = (x @ numpy.random.default_rng(seed + 1).normal(size=3) > 0).astype(int)
model = LogisticRegression().fit(x, y)
mlflow.set_experiment("training")
with mlflow.start_run():
    mlflow.log_metric("auc", model.score(x, y))
    logged = mlflow.sklearn.log_model(model, name="model", pip_requirements=[])
    version = mlflow.register_model(logged.model_uri, "churn")
print(json.dumps([int(version.version), model.predict(numpy.array(asked)).tolist()]))
"""
FAILING = """
import json, mlflow
class Failing(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        raise RuntimeError("this version fails")
mlflow.set_experiment("training")
with mlflow.start_run():
    mlflow.log_metric("auc", 1.0)
    logged = mlflow.pyfunc.log_model(name="model", python_model=Failing(), pip_requirements=[])
    version = mlflow.register_model(logged.model_uri, "churn").version
print(json.dumps(int(version)))
"""
"""A version that passes its gate and raises at every request."""
APPROVE = """
import json, sys, mlflow
mlflow.MlflowClient().set_model_version_tag("churn", sys.argv[1], "approval", sys.argv[2])
print("null")
"""
LOAD = """
import json, sys, mlflow, numpy
model = mlflow.sklearn.load_model(f"models:/churn/{sys.argv[1]}")
print(json.dumps(model.predict(numpy.array(json.loads(sys.argv[2]))).tolist()))
"""
OLDER = """
import os
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
command.downgrade(_get_alembic_config(os.environ["DB_URI"]), "-1")
"""
UNLOADED = """
import json, urllib.request
def ask(path):
    url, headers = f"http://127.0.0.1:8080/v2/repository/{path}", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, b"{}", headers), timeout=30) as answer:
        return answer.read()
names = [one["name"] for one in json.loads(ask("index"))]
for name in names:
    ask(f"models/{name}/unload")
print(json.dumps(names))
"""
"""Takes its models from a server: by whoever is inside of its pod."""
ASKED = [[0.5, -1.0, 2.0], [-2.0, 0.25, 0.0], [1.5, 1.5, -1.5], [-0.1, -0.2, -0.3], [3.0, -3.0, 1.0]]


@dataclass
class Registry:
    """The stack, and how people come to its MLflow."""

    stack: Stack
    cluster: Cluster
    receiver: Trial
    folder: Path

    def login(self, user: str) -> tuple[str, str]:
        found = self.cluster.secret(SPACE, "models-mlflow" if user == "admin" else f"models-user-{user}")
        return found["username"], found["password"]

    def client(self, user: str, program: str, *arguments: str, by: str) -> Any:
        """Run a program of a data scientist's with MLflow's own client, which prints JSON last."""
        name, password = self.login(user)
        with self._way(by) as way:
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "MLFLOW_TRACKING_USERNAME": name,
                "MLFLOW_TRACKING_PASSWORD": password,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                **way,
            }
            done = subprocess.run(
                [str(packages.ensure() / "python"), "-W", "ignore", "-c", program, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def _way(self, by: str) -> Iterator[dict[str, str]]:
        """Lead to MLflow by its name at the gateway, as if its domain led there, or by a port-forward."""
        if by == "gateway":
            proxy = f"http://{gateways.address(self.cluster.kubeconfig)}:80"
            yield {"MLFLOW_TRACKING_URI": f"http://{HOST}", "http_proxy": proxy}
        else:
            with forwarded(self.cluster.kubeconfig, SPACE, "service/models-mlflow", 5000) as port:
                yield {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}

    def status(self, path: str, user: str = "", **body: str) -> int:
        """Ask at the gateway, and say how it was answered."""
        headers = {"Host": HOST, "Content-Type": "application/json"}
        if user:
            headers["Authorization"] = f"Basic {base64.b64encode(':'.join(self.login(user)).encode()).decode()}"
        url = f"http://{gateways.address(self.cluster.kubeconfig)}{path}"
        request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def query(self, query: str) -> list[str]:
        """Ask the database in its pod."""
        found = inside(self.cluster, SPACE, "models-mlflow-db-1", "postgres", "psql", "-At", "mlflow", "-c", query)
        return found.splitlines()

    def got(self) -> list[Call]:
        """List what the receiver was told."""
        return got(self.receiver)


@pytest.fixture(scope="module")
def registry(
    real: Sandbox, cluster: Cluster, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory, figures: list[str]
) -> Iterator[Registry]:
    with trial(kubeconfig, f"reg-told-{secrets.token_hex(3)}") as receiver:
        listens(receiver)
        folder, program = (
            tmp_path_factory.mktemp("reg"),
            PROGRAM.replace("TOLD", receiver.namespace).replace("METRICS", METRICS),
        )
        stack, began = project(real, folder, "reg", program), time.monotonic()
        try:
            succeeded(stack.up())
            figures.append(timed("registry: up from nothing", began))
            yield Registry(stack, cluster, receiver, folder)
        finally:
            succeeded(stack.destroy())


@pytest.fixture(scope="module")
def trained(registry: Registry, figures: list[str]) -> list[Any]:
    """Train one version on each way, and have the first one approved; return what it predicts."""
    began = time.monotonic()
    number, predicted = registry.client("lead", TRAIN, json.dumps([1, ASKED]), by="gateway")
    figures.append(timed("registry: trained and registered by the gateway", began))
    assert number == 1
    began = time.monotonic()
    assert registry.client("lead", TRAIN, json.dumps([7, ASKED]), by="port-forward")[0] == 2
    figures.append(timed("registry: trained and registered by port-forward", began))
    registry.client("lead", APPROVE, "1", "Approved", by="gateway")
    found: list[Any] = predicted
    return found


def test_nothing_is_served_before_an_approval(registry: Registry) -> None:
    assert "url" not in registry.stack.outputs()
    assert served(registry) == []


def served(registry: Registry) -> list[Any]:
    found = registry.cluster.kind("serving.kserve.io/v1beta1", "InferenceService").get(namespace=SPACE).to_dict()
    return list(found["items"])


@pytest.mark.usefixtures("trained")
def test_a_version_is_approved_in_its_page(registry: Registry) -> None:
    """As docs/kubernetes.md says that people do it; the browser has their login, and goes by the gateway."""
    if browser.program() is None:
        pytest.skip(f"No headless browser on this machine; any of these is one: {', '.join(browser.PROGRAMS)}")
    login = base64.b64encode(":".join(registry.login("lead")).encode()).decode()
    proxy = f"http://{gateways.address(registry.cluster.kubeconfig)}:80"
    url, part = f"http://{HOST}/#/models/churn/versions/2", "document.querySelector('[data-testid={}]')"
    with browser.page(registry.folder, url, login=f"Basic {login}", proxy=proxy) as page:
        page.click(
            "[...document.querySelectorAll('[role=button]')].find(one => one.innerText.trim() == 'Tags')", "Tags"
        )
        for field, text in (("name", "approval"), ("value", "Approved")):
            page.click(part.format(f"tags-form-input-{field}"), field)
            page.type(text)
        page.click(part.format("add-tag-button"), "Add")
        page.there(r"/approval\s+Approved/.test(document.body.innerText)", "the tag")
    tags = registry.query("select key, value from model_version_tags where name = 'churn' and version = 2")
    assert "approval|Approved" in tags


def test_each_may_do_what_the_program_says(registry: Registry, trained: list[Any]) -> None:
    model = "/api/2.0/mlflow/registered-models/get?name=churn"
    assert [registry.status(model, user) for user in ("", "reader", "lead", "admin")] == [401, 200, 200, 200]
    tag = "/api/2.0/mlflow/model-versions/set-tag"
    said = {"name": "churn", "version": "2", "key": "approval", "value": "Rejected"}
    assert [registry.status(tag, user, **said) for user in ("reader", "lead")] == [403, 200]
    made = {"username": "mallory", "password": "long-enough-for-it"}
    assert registry.status("/api/2.0/mlflow/users/create", "admin", **made) >= 400, "no user is made at the gateway"
    assert registry.client("reader", LOAD, "1", json.dumps(ASKED), by="port-forward") == trained


def test_consumers_reach_it_inside_and_nobody_else(registry: Registry, apart: Trial) -> None:
    server = f"models-mlflow.{SPACE}.svc.cluster.local/5000"
    tries = ("bash", "-c", f"timeout 5 bash -c '</dev/tcp/{server}' && echo open || echo shut")
    assert registry.receiver.run("receiver", *tries).strip() == "open"
    listens(apart)
    assert apart.run("receiver", *tries).strip().splitlines()[-1] == "shut"
    assert inside(registry.cluster, SPACE, "reg-store-0", "seaweedfs", *tries) == "shut"


@pytest.mark.usefixtures("trained")
def test_an_approval_is_told_and_signed(registry: Registry) -> None:
    def told_of(version: str) -> list[Call]:
        return [one for one in registry.got() if json.loads(one[2])["data"]["version"] == version]

    path, headers, body = until(lambda: told_of("1"), "the webhook arrives")[0]
    assert path == "/deploy"
    event = json.loads(body)
    assert (event["entity"], event["action"]) == ("model_version_tag", "set")
    assert event["data"].items() >= {"name": "churn", "key": "approval", "value": "Approved"}.items()
    signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.".encode() + body
    key = registry.cluster.secret(SPACE, "models-mlflow")["signature"]
    digest = hmac.new(key.encode(), signed, hashlib.sha256).digest()
    assert headers["x-mlflow-signature"] == f"v1,{base64.b64encode(digest).decode()}"


@pytest.mark.usefixtures("trained")
def test_rows_are_in_postgres_and_files_in_the_object_store(registry: Registry) -> None:
    versions = registry.query("select version, storage_location from model_versions where name = 'churn' order by 1")
    assert [row.partition("|")[0] for row in versions] == ["1", "2"]
    assert set(registry.query("select username from users order by 1")) >= {"admin", "lead", "reader"}
    with kept(registry.cluster, SPACE, "reg") as bucket:
        listed = bucket.keys("mlflow/models/")
    assert len([key for key in listed if key.endswith("/MLmodel")]) == 2, listed


def test_the_approved_version_is_served(registry: Registry, trained: list[Any], figures: list[str]) -> None:
    began = time.monotonic()
    succeeded(registry.stack.up())
    url = str(registry.stack.outputs()["url"])
    where, given = gateways.address(registry.cluster.kubeconfig), {"inputs": ASKED}
    until(lambda: ask(where, url, given)[0] == 200, f"{url} answers")
    figures.append(timed("registry: up with an approved version until it answers", began))
    for _ in range(50):
        assert ask(where, url, given) == (200, {"predictions": trained})
    assert len(served(registry)) == 1


def test_a_model_that_was_unloaded_comes_back(registry: Registry, trained: list[Any], figures: list[str]) -> None:
    """The server lives on without it: its probe asks for the model, and has the container started again."""
    where, url = gateways.address(registry.cluster.kubeconfig), str(registry.stack.outputs()["url"])
    address = f"{url.removesuffix('/invocations')}/v2/repository/models/score/unload"
    assert ask(where, address, {})[0] == 404, "nobody takes it away from outside"
    core: Any = client.CoreV1Api(registry.cluster.api)
    (pod,) = core.list_namespaced_pod(SPACE, label_selector="component=predictor").items
    began = time.monotonic()
    assert json.loads(inside(registry.cluster, SPACE, pod.metadata.name, CONTAINER, "python", "-c", UNLOADED))

    def restarts() -> int:
        found = core.read_namespaced_pod(pod.metadata.name, SPACE).status.container_statuses
        return sum(one.restart_count for one in found if one.name == CONTAINER)

    until(lambda: ask(where, url, {"inputs": ASKED})[0] != 200, "it does not answer")
    until(lambda: restarts() == 1, "its container is started again", 300)
    until(lambda: ask(where, url, {"inputs": ASKED}) == (200, {"predictions": trained}), "it answers", 120)
    figures.append(timed("registry: a model that was unloaded answers again", began))


def test_a_version_that_raises_goes_back(registry: Registry, trained: list[Any], figures: list[str]) -> None:
    """MLServer answers 400 for it, as for a malformed request."""
    number = registry.client("lead", FAILING, by="gateway")
    registry.client("lead", APPROVE, str(number), "Approved", by="gateway")
    url, where = str(registry.stack.outputs()["url"]), gateways.address(registry.cluster.kubeconfig)
    with Load(where, url, body={"inputs": ASKED}) as load:
        with load.phase("registry: a version that raises") as seen:
            refused = registry.stack.up()
        registry.client("lead", APPROVE, str(number), "Rejected", by="gateway")
        with load.phase("registry: after it") as after:
            succeeded(registry.stack.up())
    figures += [phase.line() for phase in load.phases]
    assert refused.code != 0
    assert re.search(r"rolled back: refusals of main: \S+ per cent of requests are answered by 4xx", refused.output)
    assert {one.status for one in seen.failed} == {400}
    first, last = seen.failed[0].sent, seen.failed[-1].sent
    meanwhile = [one for one in seen.answers if first <= one.sent <= last]
    assert len(seen.failed) / len(meanwhile) < 0.2 + error(0.2, len(meanwhile))
    assert after.failed == []
    assert ask(where, url, {"inputs": ASKED}) == (200, {"predictions": trained})


@pytest.mark.usefixtures("trained")
def test_a_database_of_an_older_mlflow_is_migrated_when_a_server_starts(registry: Registry, figures: list[str]) -> None:
    """There is one MLflow here: its database is brought to the form that the release before left."""
    revision = "select version_num from alembic_version"
    newest, versions = registry.query(revision), registry.query("select name, version from model_versions order by 2")
    server = ("deployment/models-mlflow", "mlflow")
    inside(registry.cluster, SPACE, *server, "python", "-c", OLDER)
    assert registry.query(revision) != newest
    began = time.monotonic()
    told(registry.cluster, SPACE, "delete", "pod", "--selector=app.kubernetes.io/name=mlflow")
    told(registry.cluster, SPACE, "rollout", "status", "deployment/models-mlflow", "--timeout=600s")
    figures.append(timed("registry: another server, which migrates the database", began))
    found = registry.cluster.get("apps/v1", "Deployment", "models-mlflow", SPACE)
    assert found
    migrate = next(one for one in found["spec"]["template"]["spec"]["initContainers"] if one["name"] == "migrate")
    for again in (False, True):
        if again:
            inside(registry.cluster, SPACE, *server, *migrate["command"])
        assert registry.query(revision) == newest
        assert registry.query("select name, version from model_versions order by 2") == versions
    assert registry.status("/api/2.0/mlflow/registered-models/get?name=churn", "lead") == 200


def test_a_second_up_changes_nothing(registry: Registry) -> None:
    assert shown(registry.stack.up()) == []
    assert shown(registry.stack.refresh()) == []


def test_destroy_leaves_nothing(registry: Registry, figures: list[str]) -> None:
    began = time.monotonic()
    succeeded(registry.stack.destroy())
    figures.append(timed("registry: destroy", began))
    nothing_is_left(registry.cluster, SPACE)
