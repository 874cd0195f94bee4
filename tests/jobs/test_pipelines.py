"""The programs beside the steps of pipelines on Kubernetes: the best trial, the version, the start of a run."""

import importlib
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest

from pulumi_mlops.jobs import best

JOBS = Path(best.__file__).parent


def listed(*measured: float) -> list[dict[str, str]]:
    """Write trials as Argo lists them; those that failed are not there."""
    return [
        {"trial": str(2 * number), "metrics": json.dumps({"auc": value, "n": number})}
        for number, value in enumerate(measured)
    ]


@pytest.mark.parametrize(("sign", "trial"), [("max", "4"), ("min", "0")])
def test_the_best_trial_is_written_down(tmp_path: Path, sign: str, trial: str) -> None:
    file = tmp_path / "trials.json"
    file.write_text(json.dumps(listed(0.1, 0.5, 0.9, 0.9)))
    command = [sys.executable, str(JOBS / "best.py"), str(file), "auc", sign, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (tmp_path / "out" / "trial").read_text() == trial
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["n"] == int(trial) // 2
    assert f"trial {trial} of 4" in done.stdout


def test_a_search_of_which_no_trial_succeeded_has_no_best(tmp_path: Path) -> None:
    file = tmp_path / "trials.json"
    file.write_text("[]")
    assert best.main(str(file), "auc", "max", str(tmp_path)) == 1


class _Registry(BaseHTTPRequestHandler):
    """MLflow's registry, as far as versions go."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.asked.append((self.headers["Authorization"], query["filter"][0]))
        self._say({"model_versions": self.versions[::-1]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.asked and len(self.versions) >= 3:
            self._say({"error_code": "PERMISSION_DENIED"}, 403)
            return
        version = {**body, "version": str(len(self.versions) + 1)}
        self.versions.append(version)
        self._say({"model_version": version})

    def _say(self, answer: dict[str, Any], code: int = 200) -> None:
        text = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass

    versions: list[dict[str, Any]]
    asked: list[tuple[str, str]]


@pytest.fixture
def registry() -> Iterator[tuple[str, type[_Registry]]]:
    handler = type("Registry", (_Registry,), {"versions": [], "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()


def told(run: str = "u-1", **more: Any) -> dict[str, Any]:
    facts = {"mlops-pipeline": "retrain", "mlops-run": run, "mlops-step": "fit", "mlops-code": "image:1"}
    version = {"model": "churn", "source": f"s3://b/{run}/fit/model", "image": None, "metadata": {"team": "growth"}}
    return {**version, "facts": facts, "metrics": {"auc": "MLOPS_MEASURED_0"}, **more}


def registered(url: str, version: dict[str, Any], **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "MLOPS_REGISTRY": url,
        "MLOPS_VERSION": json.dumps(version),
        "MLOPS_MEASURED_0": '{"auc": 0.93, "loss": 0.1}',
        "MLFLOW_TRACKING_USERNAME": "pipeline-retrain",
        "MLFLOW_TRACKING_PASSWORD": "secret",
        **more,
    }
    command = [sys.executable, str(JOBS / "register.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_version_waits_for_approval_and_says_where_it_comes_from(registry: tuple[str, type[_Registry]]) -> None:
    url, server = registry
    assert registered(url, told(image="serve:1")).stdout == "register: version 1 of churn waits for approval\n"
    (version,) = server.versions
    assert version["source"] == "s3://b/u-1/fit/model"
    assert {tag["key"]: tag["value"] for tag in version["tags"]} == {
        "approval": "Pending",
        "auc": "0.93",
        "mlops-code": "image:1",
        "mlops-pipeline": "retrain",
        "mlops-run": "u-1",
        "mlops-step": "fit",
        "serving_image": "serve:1",
        "team": "growth",
    }
    assert server.asked == [("Basic cGlwZWxpbmUtcmV0cmFpbjpzZWNyZXQ=", "name = 'churn'")]


def test_a_version_names_the_datasets_that_were_read(registry: tuple[str, type[_Registry]]) -> None:
    url, server = registry
    facts = {"inputs": {"y": {"dataset": "rows", "version": 3}, "x": {"step": "prep"}}}
    assert registered(url, told(), MLOPS_MADE_BY=json.dumps(facts)).returncode == 0
    (version,) = server.versions
    assert {"key": "mlops-data-y", "value": "rows@3"} in version["tags"]


def test_the_same_step_of_the_same_run_registers_once(registry: tuple[str, type[_Registry]]) -> None:
    url, server = registry
    for run in ("u-1", "u-1", "u-2"):
        assert registered(url, told(run)).returncode == 0
    assert [version["version"] for version in server.versions] == ["1", "2"]


def test_a_registry_that_refuses_says_so(registry: tuple[str, type[_Registry]]) -> None:
    url, server = registry
    server.versions += [{"source": "", "version": "0"}] * 3
    done = registered(url, told())
    assert done.returncode == 1
    assert "MLflow refused POST model-versions/create: 403" in done.stderr
    assert "secret" not in done.stderr


class Cluster:
    """An API server with workflows and one ConfigMap."""

    def __init__(self) -> None:
        self.succeeded: list[str] = []
        self.going = False
        self.data: dict[str, str] = {}
        self.made: dict[str, dict[str, Any]] = {}
        self.down = False

    def get(self, path: str) -> dict[str, Any]:
        if "/configmaps/" in path:
            return {"data": self.data}
        if "phase%3DSucceeded" in path:
            assert "pulumi-mlops/pipeline%3Dretrain" in path
            return {"items": [{"metadata": {"uid": uid}, "status": {"finishedAt": uid}} for uid in self.succeeded]}
        assert "completed%21%3Dtrue" in path
        return {"items": [{}] if self.going else []}

    def merge(self, _path: str, patch: dict[str, Any]) -> None:
        if self.down:
            raise ConnectionError
        self.data |= patch["data"]

    def create(self, path: str, body: dict[str, Any]) -> None:
        name = body["metadata"]["name"]
        if name in self.made:
            raise HTTPError(path, 409, "AlreadyExists", None, None)  # type: ignore[arg-type]  # as urllib does
        self.made[name] = body


class Approvals:
    def __init__(self) -> None:
        self.versions: list[int] = []

    def call(self, _method: str, _path: str, **query: Any) -> dict[str, Any]:
        assert query["filter"] == "name = 'churn' AND tags.approval = 'Approved'"
        return {"model_versions": [{"version": number} for number in sorted(self.versions, reverse=True)]}


class Looked:
    """A starter, and what it sees."""

    def __init__(self, module: Any, overlap: str) -> None:
        self.cluster, self.approvals = Cluster(), Approvals()
        self.published: list[int] = []
        self.firing: list[str] = []
        settings = {
            "namespace": "churn-dev",
            "template": "score",
            "owner": {"kind": "WorkflowTemplate", "name": "score", "uid": "t-1"},
            "pipeline": "score",
            "seen": "score-seen",
            "overlap": overlap,
            "pipelines": ["retrain"],
            "datasets": {"rows": "s3://mlops/datasets/rows/"},
            "alarms": ["Drift"],
            "metrics": "http://prometheus.monitoring.svc:9090",
            "models": [{"name": "churn", "url": "http://models-mlflow:5000", "login": "LOGIN_0"}],
        }
        self.starter = module.Starter(
            settings,
            self.cluster,
            lambda _: self.approvals,
            lambda where: self.published if where == "s3://mlops/datasets/rows/" else [],
            lambda _, name: self.firing if name == "Drift" else [],
        )

    def look(self) -> int:
        self.starter.look()
        return len(self.cluster.made)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(JOBS))
    return importlib.import_module("starter")


def test_what_is_there_at_first_starts_nothing_and_what_is_new_does(module: Any) -> None:
    looked = Looked(module, "allow")
    looked.cluster.succeeded, looked.approvals.versions = ["1"], [3]
    assert looked.look() == 0
    assert looked.look() == 0
    looked.cluster.succeeded.append("2")
    looked.approvals.versions += [2, 4]
    assert looked.look() == 3
    assert looked.look() == 3
    run = next(iter(looked.cluster.made.values()))
    assert run["spec"] == {"workflowTemplateRef": {"name": "score"}}
    assert run["metadata"]["labels"] == {"pulumi-mlops/pipeline": "score"}
    assert run["metadata"]["ownerReferences"] == [{"kind": "WorkflowTemplate", "name": "score", "uid": "t-1"}]
    assert run["metadata"]["annotations"] == {"pulumi-mlops/started-by": "pipeline retrain (2)"}


def test_each_version_that_is_published_starts_one(module: Any) -> None:
    looked = Looked(module, "allow")
    looked.published = [1, 2]
    assert looked.look() == 0
    looked.published = [1, 2, 3, 4]
    assert looked.look() == 2
    assert looked.look() == 2
    causes = {run["metadata"]["annotations"]["pulumi-mlops/started-by"] for run in looked.cluster.made.values()}
    assert causes == {"data rows (3)", "data rows (4)"}


def test_an_alert_starts_one_however_many_series_it_has_and_again_after_it_was_over(module: Any) -> None:
    looked = Looked(module, "allow")
    looked.firing = ["2026-11-30T03:00:00Z"]
    assert looked.look() == 0, "it fired before anybody looked"
    looked.firing = []
    looked.look()
    looked.firing = ["2026-11-30T04:00:00Z", "2026-11-30T04:01:00Z"]
    assert looked.look() == 1
    looked.firing = ["2026-11-30T04:01:00Z"]
    assert looked.look() == 1
    looked.firing = []
    looked.look()
    looked.firing = ["2026-11-30T05:00:00Z"]
    assert looked.look() == 2


def test_versions_are_found_where_they_are_published(module: Any, tmp_path: Path) -> None:
    for name in ("2.json", "10.json", ".writing-7-11.json", "notes.txt"):
        (tmp_path / "_versions").mkdir(exist_ok=True)
        (tmp_path / "_versions" / name).write_text("{}")
    assert module.published(f"{tmp_path}/") == [2, 10]


def test_prometheus_is_asked_which_series_of_an_alert_fire(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = [
        {"labels": {"alertname": "Drift"}, "state": state, "activeAt": f"2026-11-30T0{hour}:00:00Z"}
        for hour, state in enumerate(["firing", "pending"])
    ]
    other = {"labels": {"alertname": "Other"}, "state": "firing", "activeAt": "2026-11-30T09:00:00Z"}
    answer = json.dumps({"status": "success", "data": {"alerts": [*alerts, other]}}).encode()
    asked: list[str] = []

    def urlopen(url: str, timeout: int) -> io.BytesIO:
        asked.append(url)
        assert timeout
        return io.BytesIO(answer)

    monkeypatch.setattr(module, "urlopen", urlopen)
    assert module.firing("http://prometheus:9090/", "Drift") == ["2026-11-30T00:00:00Z"]
    assert asked == ["http://prometheus:9090/api/v1/alerts"]


def test_a_version_that_is_approved_again_starts_again_only_under_another_name(module: Any) -> None:
    looked = Looked(module, "allow")
    looked.look()
    looked.approvals.versions = [1]
    assert looked.look() == 1
    looked.approvals.versions = []
    looked.look()
    looked.approvals.versions = [1]
    assert looked.look() == 1


def test_what_it_could_not_write_down_starts_nothing_twice(module: Any) -> None:
    looked = Looked(module, "allow")
    looked.look()
    looked.cluster.succeeded.append("1")
    looked.cluster.down = True
    with pytest.raises(ConnectionError):
        looked.look()
    looked.cluster.down = False
    assert looked.look() == 1


def test_while_a_run_goes_on_another_is_skipped_if_asked(module: Any) -> None:
    skips, allows = Looked(module, "skip"), Looked(module, "allow")
    for looked in (skips, allows):
        looked.look()
        looked.cluster.going = True
        looked.cluster.succeeded.append("1")
        looked.look()
        looked.cluster.going = False
        looked.look()
    assert (len(skips.cluster.made), len(allows.cluster.made)) == (0, 1)
