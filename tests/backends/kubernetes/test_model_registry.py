"""ModelRegistry and Model on Kubernetes, as an engineer of clusters would check them."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops.core import private
from support.facts.kubernetes import HUB, hub
from support.mocks import Cloud

MODEL = mlops.ModelRef(
    name="churn",
    backend="kubernetes",
    platform=HUB,
    gate={"auc": ">=0.9"},
    address={"model": "churn", "registry": "models"},
)


def make(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> Any:
    def program() -> Any:
        return mlops.ModelRegistry("models", platform=platform, **args).ref.export()

    return cloud.run(program)


def server(cloud: Cloud) -> dict[str, Any]:
    spec: dict[str, Any] = cloud.one("Deployment").inputs["spec"]["template"]["spec"]
    return spec


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}


def settings(cloud: Cloud, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.one("ConfigMap", name).inputs["data"]["settings.json"])
    return found


def test_the_server_sends_nobody_to_the_object_store(cloud: Cloud) -> None:
    """MLflow's class for S3 does, where no plugin of the server's stands for it."""
    make(cloud)
    (container,) = server(cloud)["containers"]
    (folder,) = [one["value"] for one in container["env"] if one["name"] == "PYTHONPATH"]
    written = server(cloud)["initContainers"][0]["command"][-1]
    assert f"cat > {folder}/proxied.py <<'END'\n{objects.program('proxied.py')}" in written
    assert "[mlflow.artifact_repository]\ns3 = proxied:Proxied\n" in written


def test_a_worker_may_take_its_time_to_start(cloud: Cloud) -> None:
    """On a busy node it takes longer than the five seconds after which Uvicorn would kill it, again and again."""
    make(cloud)
    (container,) = server(cloud)["containers"]
    (options,) = [argument for argument in container["args"] if argument.startswith("--uvicorn-opts=")]
    name, _, seconds = options.partition("=")[2].partition("=")
    assert name == "--timeout-worker-healthcheck"
    assert int(seconds) >= 30


def test_the_server_keeps_everything_outside_of_itself(cloud: Cloud) -> None:
    make(cloud)
    (container,) = server(cloud)["containers"]
    assert "--artifacts-destination=s3://artifacts/mlflow/models" in container["args"]
    assert "--serve-artifacts" in container["args"]
    given = environment(container)
    assert given["MLFLOW_BACKEND_STORE_URI"] == "$(DB_URI)", "no process has it among its arguments"
    assert given["DB_URI"] == {"secretKeyRef": {"name": "models-mlflow-db-app", "key": "uri"}}
    assert given["AWS_SECRET_ACCESS_KEY"] == {
        "secretKeyRef": {"name": "churn-store-writer", "key": "AWS_SECRET_ACCESS_KEY"}
    }
    database = cloud.one("Cluster")
    assert database.name in cloud.one("Deployment").depends_on
    assert database.inputs["spec"]["smartShutdownTimeout"] <= 30, "its server keeps connections open"


def test_only_known_hosts_may_ask(cloud: Cloud) -> None:
    make(cloud, published=True)
    (container,) = server(cloud)["containers"]
    (allowed,) = [argument for argument in container["args"] if argument.startswith("--allowed-hosts=")]
    hosts = allowed.partition("=")[2].split(",")
    assert {"models-mlflow", "models-mlflow:*", "models-mlflow.churn-dev.svc.cluster.local:*"} <= set(hosts)
    assert "models.ml.example.com" in hosts
    assert not any("*" in host.removesuffix(":*") for host in hosts)


def test_nobody_comes_in_without_a_password(cloud: Cloud) -> None:
    make(cloud)
    (container,) = server(cloud)["containers"]
    assert "--app-name=basic-auth" in container["args"]
    configure, migrate, _ = server(cloud)["initContainers"]
    assert "admin_password = $(escaped" in configure["command"][-1]
    assert "['upgrade', os.environ['DB_URI']]" in migrate["command"][-1]
    keys = cloud.one("Secret", "models-mlflow")
    assert keys.secret == {"data"}
    data = {key: base64.b64decode(value).decode() for key, value in keys.inputs["data"].items()}
    assert len(base64.urlsafe_b64decode(data["webhooks"])) == 32, "a Fernet key"
    assert not any(data["password"] in json.dumps(found.inputs) for found in cloud.all("Deployment"))


@pytest.mark.parametrize(("stage", "replicas", "budgets"), [("dev", 1, 0), ("prod", 2, 1)])
def test_prod_has_two_that_are_never_both_away(stage: str, replicas: int, budgets: int) -> None:
    cloud = Cloud()
    make(cloud, hub(stage=stage))
    spec = cloud.one("Deployment").inputs["spec"]
    assert spec["replicas"] == replicas
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert len(cloud.all("PodDisruptionBudget")) == budgets
    assert cloud.one("Cluster").protect is (stage == "prod")


def test_approvers_are_users_with_secrets_of_their_own(cloud: Cloud) -> None:
    make(cloud, approvers=[{"user": "lead"}])
    wanted = settings(cloud, "models-registry-settings")
    assert wanted["users"] == [{"name": "lead", "password": "USER_LEAD", "role": "approver"}]
    (container,) = cloud.one("Job").inputs["spec"]["template"]["spec"]["containers"]
    assert environment(container)["USER_LEAD"] == {"secretKeyRef": {"name": "models-user-lead", "key": "password"}}
    assert cloud.one("Secret", "models-user-lead").secret == {"data"}


def test_consumers_may_read(cloud: Cloud) -> None:
    exported = make(cloud, consumers=[{"namespace": "team-b"}])
    (rule,) = cloud.one("Role").inputs["rules"]
    assert rule["resourceNames"] == ["models-user-reader"]
    assert rule["verbs"] == ["get"]
    callers = cloud.one("NetworkPolicy", "models-net-callers").inputs["spec"]["ingress"][0]["from"]
    names = [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in callers]
    assert "team-b" in names
    assert exported["consumers"] == [{"namespace": "team-b"}]


def test_events_become_webhooks_and_a_way_out(cloud: Cloud) -> None:
    make(cloud, events={"deploy": {"to": "https://ci.example.com:8443/hook"}})
    assert settings(cloud, "models-registry-settings")["webhooks"] == [
        {"name": "mlops-deploy", "url": "WEBHOOK_DEPLOY"}
    ]
    told = base64.b64decode(cloud.one("Secret", "models-webhooks").inputs["data"]["deploy"]).decode()
    assert told == "https://ci.example.com:8443/hook"
    (way,) = cloud.one("NetworkPolicy", "models-net-events").inputs["spec"]["egress"]
    assert [port["port"] for port in way["ports"]] == [8443]


def test_another_setting_is_another_job_and_nothing_else() -> None:
    names, others = [], []
    for url in ("https://a.example.com", "https://b.example.com"):
        cloud = Cloud()
        make(cloud, events={"deploy": {"to": url}})
        names.append(cloud.one("Job").inputs["metadata"]["name"])
        others.append(
            [found.inputs for found in cloud.registered if found.type.split(":")[-1] in ("Deployment", "Cluster")]
        )
    assert names[0] != names[1]
    assert others[0] == others[1]
    assert all(re.fullmatch(r"models-registry-[0-9a-f]{8}", name) for name in names)


def test_a_model_is_made_by_a_job_and_kept_by_its_definition() -> None:
    registry = mlops.ModelRegistryRef(
        name="models",
        backend="kubernetes",
        platform=HUB,
        approvers=[{"user": "lead"}],
        address={"server": "models-mlflow"},
    )

    def program() -> Any:
        made = mlops.Model(
            "churn", registry=registry, description="Who leaves", metadata={"team": "growth"}, protect=True
        )
        return made.ref.export()

    cloud = Cloud()
    exported = cloud.run(program)
    (model,) = settings(cloud, "churn-model-settings")["models"]
    assert (model["name"], model["description"]) == ("churn", "Who leaves")
    assert model["tags"]["team"] == "growth"
    assert {found.name for found in cloud.registered if found.protect} == {"churn-model-settings"}
    assert exported["address"] == {"model": "churn", "registry": "models", "door": None, "files": None}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"events": {"deploy": {"to": "arn:aws:sqs:x"}}}, "events.deploy.to: 'arn:aws:sqs:x' is not an http or https"),
        ({"approvers": [{"user": "Lead Engineer"}]}, "approvers[0].user: 'Lead Engineer' must be"),
        ({"approvers": [{"user": "admin"}]}, "approvers[0].user: 'admin' must be"),
        ({"consumers": [{"namespace": "Team B"}]}, "consumers[0].namespace: 'Team B' is not the name of a namespace"),
    ],
)
def test_bad_input(cloud: Cloud, args: dict[str, Any], says: str) -> None:
    with pytest.raises(mlops.InvalidArgs) as caught:
        make(cloud, **args)
    assert says in str(caught.value)
    assert cloud.registered == []


class _Mlflow(BaseHTTPRequestHandler):
    """As much of MLflow's API as a look-up asks, with three versions; the real one answers in tests/acceptance."""

    versions: ClassVar[list[dict[str, Any]]] = [
        {"name": "churn", "version": "3", "run_id": "r3", "tags": [{"key": "approval", "value": "Approved"}]},
        {"name": "churn", "version": "2", "run_id": "r2", "tags": [{"key": "approval", "value": "Approved"}]},
    ]
    metrics: ClassVar[dict[str, float]] = {"r3": 0.8, "r2": 0.93}
    asked: ClassVar[list[tuple[str, str | None]]] = []
    pages: ClassVar[int] = 0

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(path.query).items()}
        self.asked.append((path.path.rsplit("mlflow/", maxsplit=1)[-1], self.headers.get("Authorization")))
        status, answer = 200, self.answer(path.path, query)
        if answer is None:
            status, answer = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, path: str, query: dict[str, str]) -> dict[str, Any] | None:
        if path.endswith("model-versions/search"):
            if "page_token" not in query:
                return {"model_versions": self.versions[:1], "next_page_token": "2"}
            return {"model_versions": self.versions[1:]}
        if path.endswith("runs/get"):
            return {"run": {"data": {"metrics": [{"key": "auc", "value": self.metrics[query["run_id"]]}]}}}
        if path.endswith("get-download-uri"):
            return {"artifact_uri": f"mlflow-artifacts:/1/models/m-{query['version']}/artifacts"}
        if path.endswith("model-versions/get") and query["version"] == "2":
            return {"model_version": self.versions[1]}
        return None

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    _Mlflow.asked.clear()
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Mlflow)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{running.server_address[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI_MODELS", address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME_MODELS", "ci")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD_MODELS", "pw")
    monkeypatch.setattr(private, "mocked", lambda: False)
    yield address
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.mark.usefixtures("mlflow")
def test_the_newest_version_that_passes_the_gate() -> None:
    cloud = Cloud()
    found = cloud.run(MODEL.approved)
    assert (found.version, found.address["image"]) == (2, None)
    assert found.address["uri"] == "s3://artifacts/mlflow/models/1/models/m-2/artifacts"
    (warning,) = cloud.warnings
    assert warning.startswith("Model 'churn': version 3 is approved but misses its gate (auc is 0.8, wanted >=0.9)")
    assert {login for _, login in _Mlflow.asked} == {f"Basic {base64.b64encode(b'ci:pw').decode()}"}


@pytest.mark.usefixtures("mlflow")
def test_one_version_by_number() -> None:
    assert Cloud().run(lambda: MODEL.version(2)).version == 2
    with pytest.raises(mlops.MlopsError, match="has no version 9 in registry 'models' yet"):
        Cloud().run(lambda: MODEL.version(9))


@pytest.mark.usefixtures("mlflow")
def test_a_registry_that_is_down_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI_MODELS", "http://127.0.0.1:9")
    with pytest.raises(mlops.MlopsError, match=r"The model registry 127.0.0.1 does not answer: .* Look at its pods"):
        Cloud().run(MODEL.approved)


@pytest.mark.usefixtures("mlflow")
def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI_MODELS", "sqlite:///mlflow.db")
    with pytest.raises(mlops.MlopsError, match="write an http or https address"):
        Cloud().run(MODEL.approved)


def test_nothing_is_asked_under_mocks(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI_MODELS", "http://127.0.0.1:9")
    waiting = cloud.run(lambda: MODEL.approved(otherwise="wait"))
    assert waiting.waiting
