"""MLflow itself takes what is generated for it: init containers, server and Jobs run exactly as the pods run them.

Only addresses and folders are substituted. Database and object store are real servers of their kinds, and the look-ups
of the library ask the server that came up.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import client_versions, tracking
from pulumi_mlops.core import private
from pulumi_mlops_sandbox import packages
from support import services
from support.facts.kubernetes import HUB, OBJECT_STORE
from support.mlflow_here import Installation, installed, objects
from support.mocks import Cloud
from support.waiting import until

pytestmark = pytest.mark.long

PORT = "5000"
WRITER = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "writes"}


def generated(receiver: str, *, approvers: list[str], description: str = "Who leaves", **metadata: str) -> Cloud:
    """Register a registry and a model under mocks."""
    cloud = Cloud()

    def program() -> None:
        registry = mlops.ModelRegistry(
            "models",
            platform=HUB,
            approvers=[{"user": one} for one in approvers],
            consumers=[{"namespace": "team-b"}],
            events={"deploy": {"to": receiver}},
            published=True,
        )
        mlops.Model("churn", registry=registry, description=description, metadata=metadata)
        mlops.Model("renewal", registry=registry)

    cloud.run(program)
    return cloud


class Receiver(BaseHTTPRequestHandler):
    """Somebody who is told of approvals."""

    got: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers.items()), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def setup(installation: Installation, cloud: Cloud) -> None:
    """Run what brings the server to what the program says."""
    installation.take(cloud)
    installation.job(cloud, "models-registry")
    installation.job(cloud, "churn-model")
    installation.job(cloud, "renewal-model")


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    Receiver.got.clear()
    running = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(scope="module")
def mlflow(receiver: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run the stores, then what the pod runs, then the Jobs."""
    folder = tmp_path_factory.mktemp("mlflow")
    binaries = packages.ensure()
    cloud = generated(f"{receiver}/deploy", approvers=["lead"], keeper="growth", season="autumn")
    with installed(cloud, Installation("models-mlflow", binaries, folder, receiver)) as made:
        setup(made, cloud)
        yield made


def test_only_who_asks_by_a_known_name_is_answered(mlflow: Installation) -> None:
    query = "registered-models/get?name=churn"
    service = f"models-mlflow.churn-dev.svc.cluster.local:{mlflow.port}"
    for host in ("models-mlflow", service, f"localhost:{mlflow.port}", "models.ml.example.com"):
        assert mlflow.ask(query, "admin", host=host)["registered_model"]["name"] == "churn"
    for host in ("evil.example.com", f"models-mlflow.other.svc:{mlflow.port}", "169.254.169.254"):
        assert mlflow.refused(query, "admin", host=host) == 403


def test_the_client_registers_and_decides(
    mlflow: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are given as the admin, and an approver's login decides; what the client wrote is what look-ups find.

    In a model of its own: other tests count the versions of the first.
    """

    def come_in(who: str) -> None:
        user, password = mlflow.login(who)
        for name, value in (("URI", mlflow.url), ("USERNAME", user), ("PASSWORD", password)):
            monkeypatch.setenv(f"MLFLOW_TRACKING_{name}_MODELS", value)

    come_in("lead")
    monkeypatch.setattr(private, "mocked", lambda: False)
    (tmp_path / "inner").mkdir()
    (tmp_path / "MLmodel").write_text("flavors: {}")
    (tmp_path / "inner" / "weights").write_bytes(bytes(range(256)) * 4096)
    ref = mlops.ModelRef(
        name="renewal", backend="kubernetes", platform=HUB, address={"model": "renewal", "registry": "models"}
    )
    client = mlops.client(ref)
    with pytest.raises(mlops.MlopsError, match="403 Forbidden"):
        client.register("renewal", tmp_path)
    come_in("admin")
    made = client.register(
        "renewal", tmp_path, metrics={"auc": 0.93}, metadata={"team": "growth"}, image="r.example/s:1"
    )
    assert (made.approval, made.metrics, made.metadata, made.image) == (
        "pending",
        {"auc": 0.93},
        {"team": "growth"},
        "r.example/s:1",
    )
    folder = str(made.files).removeprefix(f"s3://{OBJECT_STORE['bucket']}/")
    kept = objects(mlflow.store).list_objects_v2(Bucket=OBJECT_STORE["bucket"])["Contents"]
    found = {one["Key"].partition(f"{folder}/")[2]: one["Size"] for one in kept if folder in one["Key"]}
    assert found == {"MLmodel": 11, "inner/weights": 256 * 4096}
    come_in("lead")
    gone = client.approve("renewal", made.version, reason="it's better, by 2 %", by="lead")
    assert gone.decision
    assert (gone.approval, gone.decision.reason, gone.metadata) == (
        "approved",
        "it's better, by 2 %",
        {"team": "growth"},
    )
    version = ref.approved()
    assert (version.version, version.image) == (made.version, "r.example/s:1")
    assert version.files
    assert version.files == f"{made.files}/"
    tracked = tracking.server(ref)
    assert tracked
    with contextlib.closing(tracked):
        told = tracked.get("model-versions/get", name="renewal", version=made.version) or {}
        tags = {tag["key"]: tag["value"] for tag in told["model_version"]["tags"]}
        own = tags["mlops-registration"]
        listed = list(client_versions.listed(tracked, f"name = 'renewal' AND tags.`mlops-registration` = '{own}'"))
    assert [one["version"] for one in listed] == [str(made.version)], "a version is found whose answer was lost"
    assert client.reject("renewal", made.version, reason="drifts", by="lead").approval == "rejected"
    assert [one.version for one in client.versions("renewal", approval="approved")] == []


def test_nobody_comes_in_without_a_login(mlflow: Installation) -> None:
    assert mlflow.refused("registered-models/get?name=churn") == 401
    mlflow.secrets["models-user-stranger", "username"] = "stranger"
    mlflow.secrets["models-user-stranger", "password"] = "guessed-at-random"
    assert mlflow.refused("registered-models/get?name=churn", "stranger") == 401
    mlflow.secrets["models-user-stranger", "username"] = "admin"
    assert mlflow.refused("registered-models/get?name=churn", "stranger") == 401


def test_the_model_is_what_the_program_says(mlflow: Installation) -> None:
    found = mlflow.ask("registered-models/get?name=churn", "reader")["registered_model"]
    assert found["description"] == "Who leaves"
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    assert (tags["keeper"], tags["season"]) == ("growth", "autumn")


TRAIN = """
import json, sys, mlflow
class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float]):
        return model_input
mlflow.set_experiment("training")
numbers = []
for auc in json.loads(sys.argv[1]):
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", auc)
        if not numbers:
            logged = mlflow.pyfunc.log_model(name="model", python_model=Model(), pip_requirements=[])
            version = mlflow.register_model(logged.model_uri, "churn")
        else:  # as trainers do who keep the files of their models with the run
            mlflow.log_text("flavors: {}", "model/MLmodel")
            place = mlflow.get_artifact_uri("model")
            version = mlflow.MlflowClient().create_model_version("churn", place, run_id=run.info.run_id)
    numbers.append(int(version.version))
print(json.dumps(numbers))
"""
APPROVE = """
import json, sys, mlflow
client = mlflow.MlflowClient()
for number in json.loads(sys.argv[1]):
    client.set_model_version_tag("churn", str(number), "approval", "Approved")
print("null")
"""
USE = """
import json, mlflow
print(json.dumps(mlflow.pyfunc.load_model("models:/churn/1").predict([1.5])))
"""


@pytest.fixture(scope="module")
def trained(mlflow: Installation) -> Installation:
    """Train three versions, and approve the first two: the second misses the gate."""
    assert mlflow.client("lead", TRAIN, "[0.95, 0.85, 0.99]") == [1, 2, 3]
    mlflow.client("lead", APPROVE, "[1, 2]")
    return mlflow


@pytest.fixture
def looking(trained: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Let the library's look-ups ask the server, as a reader."""
    user, password = trained.login("reader")
    monkeypatch.setenv("MLFLOW_TRACKING_URI_MODELS", trained.url)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME_MODELS", user)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD_MODELS", password)
    monkeypatch.setattr(private, "mocked", lambda: False)
    return trained


def model(**gate: str) -> mlops.ModelRef:
    address = {"model": "churn", "registry": "models"}
    return mlops.ModelRef(name="churn", backend="kubernetes", platform=HUB, gate=gate, address=address)


@pytest.mark.usefixtures("looking")
def test_the_newest_approved_version_that_passes_the_gate_is_found() -> None:
    assert Cloud().run(model().approved).version == 2
    cloud = Cloud()
    found = cloud.run(model(auc=">=0.9").approved)
    assert found.version == 1
    (warning,) = cloud.warnings
    assert "version 2 is approved but misses its gate (auc is 0.85, wanted >=0.9)" in warning
    # The third would pass, and is not approved.
    assert Cloud().run(lambda: model(auc=">=0.98").approved(otherwise="wait")).waiting


def test_the_address_of_a_version_is_where_its_files_are(looking: Installation) -> None:
    for number in (1, 3):
        uri = Cloud().run(lambda number=number: model().version(number)).address["uri"]
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        assert (bucket, prefix.startswith("mlflow/models/")) == (OBJECT_STORE["bucket"], True)
        there = objects(looking.store).list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")
        assert f"{prefix}/MLmodel" in [found["Key"] for found in there["Contents"]]
    with pytest.raises(mlops.MlopsError, match="has no version 9 in registry 'models' yet"):
        Cloud().run(lambda: model().version(9))


def test_nobody_is_sent_to_the_object_store(mlflow: Installation) -> None:
    """Clients ask the server whether they may go there by themselves, and believe it."""
    with urllib.request.urlopen(f"{mlflow.url}/api/3.0/mlflow/server-info", timeout=60) as answer:
        said = json.loads(answer.read())
    assert {said[f"multipart_{way}_enabled"] for way in ("uploads", "downloads")} == {False}


def test_a_reader_needs_no_key_of_the_object_store(trained: Installation) -> None:
    assert trained.client("reader", USE) == [1.5]


def test_each_may_do_what_the_program_says(trained: Installation) -> None:
    approval = {"name": "churn", "version": "3", "key": "approval", "value": "Rejected"}
    assert trained.refused("model-versions/set-tag", "reader", **approval) == 403
    for user in ("reader", "lead"):
        assert trained.refused("users/create", user, username="mallory", password="long-enough-for-it") == 403
        assert trained.refused("webhooks", user) == 403
    trained.ask("model-versions/set-tag", "lead", **approval)
    found = trained.ask("model-versions/get?name=churn&version=3", "reader")["model_version"]
    assert {"key": "approval", "value": "Rejected"} in found["tags"]


def test_an_approval_is_told_and_signed(trained: Installation) -> None:
    def told() -> list[tuple[str, dict[str, str], bytes]]:
        second = {"name": "churn", "version": "2"}.items()
        return [got for got in Receiver.got if json.loads(got[2])["data"].items() >= second]

    until(told, "the webhook arrives")
    path, headers, body = told()[0]
    assert path == "/deploy"
    event = json.loads(body)
    assert (event["entity"], event["action"]) == ("model_version_tag", "set")
    assert event["data"].items() >= {"name": "churn", "key": "approval", "value": "Approved"}.items()
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.".encode() + body
    secret = trained.secrets["models-mlflow", "signature"]
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    assert headers["x-mlflow-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_another_program_changes_what_it_says_and_nothing_else(trained: Installation) -> None:
    before = trained.ask("webhooks", "admin")["webhooks"]
    other = trained.ask("webhooks", "admin", name="by-hand", url=f"{trained.receiver}/by-hand", **_ALL)["webhook"]
    setup(trained, generated(f"{trained.receiver}/deploy", approvers=["lead"], keeper="growth", season="autumn"))
    assert _ids(trained.ask("webhooks", "admin")) == {before[0]["webhook_id"], other["webhook_id"]}, "run again"

    former = trained.login("lead")
    setup(
        trained, generated(f"{trained.receiver}/elsewhere", approvers=["boss"], description="Who stays", keeper="sales")
    )
    trained.secrets["models-user-former", "username"], trained.secrets["models-user-former", "password"] = former
    assert trained.refused("registered-models/get?name=churn", "former") == 401, "no approver any more"
    approval = {"name": "churn", "version": "3", "key": "approval", "value": "Rejected"}
    trained.ask("model-versions/set-tag", "boss", **approval)
    found = trained.ask("registered-models/get?name=churn", "reader")["registered_model"]
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    assert (found["description"], tags["keeper"], "season" in tags) == ("Who stays", "sales", False)
    hooks = {hook["name"]: hook["url"] for hook in trained.ask("webhooks", "admin")["webhooks"]}
    assert hooks == {
        "mlops-deploy": f"{trained.receiver}/elsewhere",
        "by-hand": f"{trained.receiver}/by-hand",
    }
    assert _versions(trained) == [1, 2, 3]


_ALL: dict[str, Any] = {"events": [{"entity": "MODEL_VERSION", "action": "CREATED"}]}


def _ids(answer: dict[str, Any]) -> set[str]:
    return {hook["webhook_id"] for hook in answer["webhooks"]}


def _versions(trained: Installation) -> list[int]:
    found = trained.ask("model-versions/search?filter=name%3D%27churn%27", "admin")["model_versions"]
    return sorted(int(version["version"]) for version in found)


def test_what_is_secret_is_in_no_log(trained: Installation) -> None:
    said = (trained.folder / "server.log").read_text()
    assert not [key for key, value in trained.secrets.items() if len(value) > 8 and value in said]


def registering() -> Cloud:
    """Register a pipeline under mocks that makes versions of one model, and begins when one of another is approved."""
    cloud = Cloud()

    def program() -> None:
        registry = mlops.ModelRegistry("models", platform=HUB, approvers=[{"user": "lead"}])
        forecast = mlops.Model("forecast", registry=registry)
        demand = mlops.Model("demand", registry=registry)
        fit = mlops.train(image="registry.example.com/fit:1", command=["fit"], metrics=["auc"])
        kept = mlops.register(forecast, fit.out("model"), metrics=[fit.metric("auc")], metadata={"keeper": "growth"})
        steps = {"fit": fit, "keep": kept}
        mlops.Pipeline("retrain", platform=HUB, steps=steps, alerts=False, triggers=[{"approval": demand}])

    cloud.run(program)
    return cloud


def test_a_pipeline_registers_versions_of_its_model_and_of_no_other(mlflow: Installation) -> None:
    cloud = registering()
    before = dict(mlflow.secrets)
    mlflow.take(cloud)
    mlflow.secrets |= before
    mlflow.job(cloud, "forecast-model")
    mlflow.job(cloud, "demand-model")
    for _ in range(2):
        mlflow.job(cloud, "retrain-registrant-models")
    templates = cloud.one("WorkflowTemplate").inputs["spec"]["templates"]
    step = next(one for one in templates if one["name"] == "step-keep")
    command, environment = mlflow.process(step["container"], step)
    environment |= {"MLOPS_REGISTRY": mlflow.url, "MLOPS_MEASURED_0": '{"auc": 0.93}'}
    environment["MLOPS_VERSION"] = environment["MLOPS_VERSION"].replace("{{workflow.uid}}", "u-1")

    def register(**changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=environment | changed,
            capture_output=True,
            text=True,
            timeout=services.BOUND_SECONDS,
            check=False,
        )

    assert "version 1 of forecast waits" in register().stdout
    assert "version 1 of forecast is there" in register().stdout
    found = mlflow.ask("model-versions/get?name=forecast&version=1", "admin")["model_version"]
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    assert found["source"] == "s3://artifacts/pipelines/retrain/u-1/fit/model"
    assert (tags["approval"], tags["auc"], tags["keeper"], tags["mlops-run"]) == ("Pending", "0.93", "growth", "u-1")
    other = register(MLOPS_VERSION=environment["MLOPS_VERSION"].replace('"forecast"', '"churn"'))
    assert other.returncode == 1
    assert "403" in other.stderr
    mlflow.secrets["models-user-pipeline", "username"] = environment["MLFLOW_TRACKING_USERNAME"]
    mlflow.secrets["models-user-pipeline", "password"] = environment["MLFLOW_TRACKING_PASSWORD"]
    listed = "model-versions/search?filter=name%3D%27demand%27%20AND%20tags.approval%3D%27Approved%27"
    mlflow.ask("model-versions/create", "admin", name="demand", source="s3://artifacts/models/demand/1")
    assert mlflow.ask(listed, "pipeline").get("model_versions", []) == []
    mlflow.ask("model-versions/set-tag", "admin", name="demand", version="1", key="approval", value="Approved")
    assert [one["version"] for one in mlflow.ask(listed, "pipeline")["model_versions"]] == ["1"]
