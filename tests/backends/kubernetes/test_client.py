"""The client on Kubernetes: runs as Argo's controller writes them, logs of pods, and what a route leads to."""

import base64
import contextlib
import datetime as dt
import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import EndpointRef, ModelRef, NotFound, PipelineRef, Run
from pulumi_mlops.backends.kubernetes import live, reading, tracking
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.client import CLIENT
from pulumi_mlops.clients.lineage import Making, Read, Unknown, Version
from support.facts.kubernetes import HUB, IMAGE
from support.mocks import Cloud

RETRAIN = PipelineRef(
    name="retrain",
    backend="kubernetes",
    platform=HUB,
    runs="s3://artifacts/pipelines/retrain/",
    parameters={"days": 30, "least": 0.9},
    address={"template": "retrain"},
)
SCORE = EndpointRef(
    name="score",
    backend="kubernetes",
    platform=HUB,
    url="http://x",
    status="live",
    variants=["main"],
    address={"name": "score", "service": "score.churn-dev.svc.cluster.local"},
)
MODEL = ModelRef(name="churn", backend="kubernetes", platform=HUB, address={"model": "churn", "registry": "models"})
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/churn-dev/workflows"
Nodes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """Render a pipeline with retries, a search and a condition."""
    image: Any = {"image": IMAGE, "command": ["run"]}
    rows = mlops.prepare(**image, outputs=["rows"], retries=2, parameters={"days": mlops.parameter("days")})
    fit = mlops.train(**image, inputs={"x": rows.out("rows")})
    best = mlops.tune(fit, maximize="auc", over={"lr": {"choice": [1, 2, 3]}}, trials=3)
    judge = mlops.evaluate(**image, inputs={"m": best.out("model")}, metrics=["auc"])
    keep = mlops.register(MODEL, best.out("model"), when=judge.metric("auc") >= mlops.parameter("least"))
    after = mlops.prepare(**image, outputs=["said"], when=judge.metric("auc") >= 0.5)
    steps = {"rows": rows, "best": best, "judge": judge, "keep_it": keep, "after": after}
    cloud = Cloud()
    cloud.run(
        lambda: mlops.Pipeline("retrain", platform=HUB, steps=steps, parameters={"days": 30, "least": 0.9}) and None
    )
    found: dict[str, Any] = cloud.one("WorkflowTemplate").inputs["spec"]
    return found


class Cluster:
    """A cluster that has these objects, by path."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.made: list[tuple[str, Mapping[str, Any]]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, path: str, **query: str) -> Any:
        self.asked.append((path, query))
        return self.objects.get(path)

    def text(self, path: str, **query: str) -> str | None:
        self.asked.append((path, query))
        return self.objects.get(path)

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        self.made.append((path, body))
        return {"metadata": {**body["metadata"], "name": "retrain-x7k2p"}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(live, "of", lambda _: made)
    return made


def node(name: str, phase: str, kind: str = "Pod", within: str = "retrain-x7k2p", **facts: Any) -> dict[str, Any]:
    times = {"startedAt": "2026-11-30T03:00:00Z", "finishedAt": "2026-11-30T03:02:00Z"}
    return {
        "id": facts.pop("id", name),
        "displayName": name,
        "type": kind,
        "phase": phase,
        "boundaryID": within,
        **times,
        **facts,
    }


@pytest.fixture
def ran(cluster: Cluster, template: dict[str, Any]) -> Callable[..., Run]:
    def look(phase: str, *nodes: dict[str, Any], packed: bool = False, **spec: Any) -> Run:
        by_id = {one["id"]: one for one in nodes}
        kept = {"compressedNodes": base64.b64encode(gzip.compress(json.dumps(by_id).encode())).decode()}
        cluster.objects[f"{WORKFLOWS}/retrain-x7k2p"] = {
            "metadata": {"name": "retrain-x7k2p", "uid": "u-1", "labels": {"pulumi-mlops/pipeline": "retrain"}},
            "spec": {"arguments": {"parameters": [{"name": "days", "value": "7"}]}, **spec},
            "status": {
                "phase": phase,
                "startedAt": "2026-11-30T03:00:00Z",
                "storedWorkflowTemplateSpec": template,
                **(kept if packed else {"nodes": by_id}),
            },
        }
        found = CLIENT.look(RETRAIN, "retrain-x7k2p")
        assert found
        return found

    return look


def test_the_newest_runs_are_listed(cluster: Cluster) -> None:
    def workflow(name: str, day: int, phase: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "creationTimestamp": f"2026-11-{day}T03:00:00Z"}, "status": {"phase": phase}}

    listed = [workflow("older", 28, "Failed"), workflow("newest", 30, "Running"), workflow("oldest", 27, "Succeeded")]
    cluster.objects[WORKFLOWS] = {"items": listed}
    assert [(one.id, one.state) for one in CLIENT.runs(RETRAIN, 2)] == [("newest", "running"), ("older", "failed")]
    assert cluster.asked[-1] == (WORKFLOWS, {"labelSelector": "pulumi-mlops/pipeline=retrain"})


def test_a_cluster_knows_no_prices() -> None:
    assert CLIENT.spent(HUB) == Unknown("a cluster knows no prices; OpenCost beside it tells them")


def states(run: Run) -> dict[str, tuple[str, str]]:
    return {one.name: (one.state, one.reason or one.detail) for one in run.steps}


def test_a_run_is_a_workflow_of_the_template(cluster: Cluster) -> None:
    path = "/apis/argoproj.io/v1alpha1/namespaces/churn-dev/workflowtemplates/retrain"
    cluster.objects[path] = {"metadata": {"name": "retrain", "uid": "t-1"}}
    assert CLIENT.start(RETRAIN, {"days": "7"}) == "retrain-x7k2p"
    ((path, made),) = cluster.made
    assert path == WORKFLOWS
    template = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "name": "retrain", "uid": "t-1"}
    assert made["metadata"] == {
        "generateName": "retrain-",
        "labels": {"pulumi-mlops/pipeline": "retrain"},
        "ownerReferences": [template],
    }
    assert made["spec"] == {
        "workflowTemplateRef": {"name": "retrain"},
        "arguments": {"parameters": [{"name": "days", "value": "7"}]},
    }


def test_a_pipeline_that_is_gone_is_not_run(cluster: Cluster) -> None:
    with pytest.raises(NotFound, match="'retrain' cannot run: namespace 'churn-dev' has no WorkflowTemplate 'retrain'"):
        CLIENT.start(RETRAIN, {})
    assert not cluster.made


def test_one_that_no_controller_has_seen_waits(cluster: Cluster, template: dict[str, Any]) -> None:
    labels = {"pulumi-mlops/pipeline": "retrain"}
    cluster.objects[f"{WORKFLOWS}/r"] = {"metadata": {"name": "r", "labels": labels}, "spec": {}}
    cluster.objects["/apis/argoproj.io/v1alpha1/namespaces/churn-dev/workflowtemplates/retrain"] = {"spec": template}
    found = CLIENT.look(RETRAIN, "r")
    assert found
    assert (found.state, {state for state, _ in states(found).values()}) == ("waiting", {"waiting"})
    assert found.parameters == {"days": "30", "least": "0.9"}


def test_another_pipelines_run_is_none_of_this_one(cluster: Cluster) -> None:
    cluster.objects[f"{WORKFLOWS}/r"] = {"metadata": {"name": "r", "labels": {"pulumi-mlops/pipeline": "other"}}}
    assert CLIENT.look(RETRAIN, "r") is None


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_attempts_and_trials_are_counted(ran: Any, packed: bool) -> None:
    found = ran(
        "Running",
        node("rows", "Succeeded", "Retry", children=["rows(0)", "rows(1)"]),
        node("rows(0)", "Failed"),
        node("rows(1)", "Succeeded"),
        node("best", "Running", "DAG", id="best-1"),
        node("trials(0:lr:1)", "Succeeded", within="best-1"),
        node("trials(1:lr:2)", "Failed", within="best-1"),
        node("trials(2:lr:3)", "Running", within="best-1"),
        packed=packed,
    )
    assert states(found) == {
        "rows": ("succeeded", "attempt 2"),
        "best": ("running", "2 of 3 trials"),
        "judge": ("waiting", ""),
        "keep-it": ("waiting", ""),
        "after": ("waiting", ""),
    }
    assert found.parameters == {"days": "7", "least": "0.9"}


def test_a_condition_that_does_not_hold_is_said(ran: Any) -> None:
    done = [node(name, "Succeeded") for name in ("rows", "best", "judge", "after")]
    found = ran("Succeeded", *done, node("keep-it", "Skipped", "Skipped", message="when 'false' evaluated false"))
    assert states(found)["keep-it"] == ("skipped", "auc >= least did not hold")
    assert [one.name for one in found.unregistered] == ["keep-it"]


def test_a_failed_step_says_why_and_what_it_printed_last(cluster: Cluster, ran: Any) -> None:
    found = ran(
        "Failed",
        node("rows", "Failed", "Retry", message="No more retries left", children=["a0", "a1"]),
        node("rows(0)", "Failed", id="a0", message="Error (exit code 2)", startedAt="2026-11-30T03:00:00Z"),
        node("rows(1)", "Failed", id="a1", message="OOMKilled (exit code 137)", startedAt="2026-11-30T03:01:00Z"),
        node("best", "Omitted", "Skipped", message="omitted: depends condition not met"),
    )
    assert states(found) == {
        "rows": ("failed", "OOMKilled (exit code 137)"),
        "best": ("stopped", ""),
        "judge": ("stopped", ""),
        "keep-it": ("stopped", ""),
        "after": ("stopped", ""),
    }
    pods = "/api/v1/namespaces/churn-dev/pods"
    step = found.steps[0]
    assert CLIENT.last_lines(RETRAIN, found, step) == [
        "The pod is gone; what it printed is kept below s3://artifacts/pipelines/retrain/"
    ]
    annotations = {"workflows.argoproj.io/node-id": "a1"}
    cluster.objects[pods] = {"items": [{"metadata": {"name": "p", "annotations": annotations}}]}
    cluster.objects[f"{pods}/p/log"] = "Traceback\nMemoryError\n"
    assert CLIENT.last_lines(RETRAIN, found, step) == ["Traceback", "MemoryError"]


def test_one_that_somebody_stopped_did_not_fail(ran: Any) -> None:
    assert ran("Failed", node("rows", "Failed"), shutdown="Terminate").state == "stopped"


SOURCE = "s3://artifacts/pipelines/retrain/u-1/best/trial-2/model"


class Mlflow:
    """A server with one version."""

    def __init__(self, **tags: str) -> None:
        self.tags = tags

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        assert path == "model-versions/search"
        if query["filter"] not in (f"source_path = '{SOURCE}'", "name = 'churn'"):
            return {}
        tags = [{"key": key, "value": value} for key, value in self.tags.items()]
        return {"model_versions": [{"name": "churn", "version": "4", "source": SOURCE, "tags": tags}]}

    def close(self) -> None:
        return


FACTS = {
    "mlops-pipeline": "retrain",
    "mlops-run": "u-1",
    "mlops-step": "best",
    "mlops-code": IMAGE,
    "mlops-facts": "s3://artifacts/facts.json",
    "auc": "0.93",
    "team": "growth",
    "approval": "Approved",
}


def served(cluster: Cluster, **predictor: Any) -> None:
    """Have a route divide requests between two revisions, and copy some to a third."""
    refs = [{"name": "score-a-predictor", "weight": 90}, {"name": "score-b-predictor", "weight": 10}]
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "score-c-predictor"}, "percent": 5}}
    rules = [{"backendRefs": refs, "filters": [mirror]}, {"matches": []}]
    cluster.objects["/apis/gateway.networking.k8s.io/v1/namespaces/churn-dev/httproutes/score"] = {
        "spec": {"rules": rules}
    }
    labels = {"pulumi-mlops/variant": "main"}
    cluster.objects["/apis/serving.kserve.io/v1beta1/namespaces/churn-dev/inferenceservices/score-a"] = {
        "metadata": {"labels": labels},
        "spec": {"predictor": predictor or {"model": {"storageUri": f"{SOURCE}/"}}},
    }


def test_an_endpoint_is_traced_back_by_the_files_that_it_serves(
    cluster: Cluster, ran: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran("Succeeded", *[node(name, "Succeeded") for name in ("rows", "best", "judge", "keep-it")])
    workflow = cluster.objects.pop(f"{WORKFLOWS}/retrain-x7k2p")
    cluster.objects[WORKFLOWS] = {"items": [workflow]}
    served(cluster)
    monkeypatch.setattr(tracking, "server", lambda _: Mlflow(**FACTS))
    record = {"step": "best", "parameters": {"lr": "2"}, "inputs": {"y": {"dataset": "rows", "version": 3}}}
    monkeypatch.setattr(reading, "text", lambda *_: json.dumps(record))
    main, other, shadow = CLIENT.served(SCORE, [MODEL])
    assert [(one.variant, one.percent, one.shadow) for one in (main, other, shadow)] == [
        ("main", 90, False),
        ("score-b", 10, False),
        ("score-c", 5, True),
    ]
    assert other.version == Unknown("score-b is gone")
    version = main.version
    assert isinstance(version, Version)
    assert (version.version, version.approval, version.metrics) == (4, "approved", {"auc": "0.93"})
    assert version.metadata == {"team": "growth"}
    making = version.by
    assert isinstance(making, Making)
    assert (making.run, making.step, making.state) == ("retrain-x7k2p", "best", "succeeded")
    assert (making.parameters, making.settings) == ({"days": "7", "least": "0.9"}, {"lr": "2"})
    assert making.reads == (Read(kind="dataset", name="rows", version="3", step="best"),)


@pytest.mark.usefixtures("cluster")
def test_what_is_gone_is_unknown_and_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "server", lambda _: Mlflow(**FACTS))
    monkeypatch.setattr(reading, "text", lambda *_: Unknown("the object store does not answer"))
    version = CLIENT.version(MODEL, 4)
    assert version
    assert isinstance(version.by, Making)
    assert version.by.parameters == Unknown("Argo shows a run for 30 days, and has this one no more")
    assert version.by.reads == version.by.settings == Unknown("the object store does not answer")
    assert CLIENT.version(MODEL, 5) is None
    with pytest.raises(NotFound, match="is not there any more"):
        CLIENT.served(SCORE, [])


def test_a_service_without_a_route_leads_to_one(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    selector = {"serving.kserve.io/inferenceservice": "score-a"}
    cluster.objects["/api/v1/namespaces/churn-dev/services/score"] = {"spec": {"selector": selector}}
    cluster.objects["/apis/serving.kserve.io/v1beta1/namespaces/churn-dev/inferenceservices/score-a"] = {
        "metadata": {},
        "spec": {"predictor": {"containers": []}},
    }
    monkeypatch.setattr(tracking, "server", lambda _: contextlib.nullcontext())
    (one,) = CLIENT.served(SCORE, [])
    assert (one.percent, one.version) == (100, Unknown("it serves an image without files, which is of no registry"))


def test_a_request_to_the_store_is_signed_as_botocore_signs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = PlatformAddress.of(HUB).store
    now = dt.datetime(2026, 11, 30, 3, 0, tzinfo=dt.UTC)
    ours = reading.signed(store, "/artifacts/a%20b/facts.json", ("key", "secret"), now)
    request = botocore.awsrequest.AWSRequest("GET", f"{store.url}/artifacts/a%20b/facts.json")
    request.headers["x-amz-content-sha256"] = ours["x-amz-content-sha256"]
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now.replace(tzinfo=None))
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials("key", "secret"), "s3", store.region).add_auth(request)
    assert request.headers["Authorization"] == ours["Authorization"]
