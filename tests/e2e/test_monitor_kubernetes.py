"""A monitor in a cluster: admitted by the real API server; what its pod runs are processes that are told the same."""

import base64
import csv
import datetime as dt
import http.server
import io
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulumi_mlops import images
from pulumi_mlops.jobs import dataset
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.nodes import environments
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import Cloud, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
SPACE, ARGO = "whole-dev", "argoproj.io/v1alpha1"
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

hub = mlops.Platform("whole", backend="kubernetes", existing={"metrics": "http://prometheus.monitoring.svc:9090"})
usual = mlops.Dataset("usual", platform=hub, format="csv")
retrain = mlops.Pipeline(
    "retrain",
    platform=hub,
    parameters={"days": 90},
    steps={
        "fit": mlops.train(
            image="registry.example.com/train:1", command=["fit"], parameters={"days": mlops.parameter("days")}
        )
    },
)
score = mlops.Endpoint(
    "score", platform=hub, model={"image": "registry.example.com/churn:1"}, compute={"cpus": 1, "memory_gb": 1},
    capture_percent=100,
)
drift = mlops.Monitor(
    "drift", endpoint=score, baseline=usual.latest(), minimum_rows=100, window_hours=6,
    signals=[{"kind": "data_drift", "threshold": 0.2}], image="registry.example.com/drift:1",
    on_breach={"run": retrain, "cooldown_hours": 24, "parameters": {"days": 30}},
    compute={"cpus": 1, "memory_gb": 1},
)
pulumi.export("platform", hub.ref.export())
pulumi.export("usual", usual.location)
"""
AS_POD = """
import runpy, sys
from pathlib import Path
jobs, account, server = sys.argv[1:4]
sys.path.insert(0, jobs)
import cluster
cluster.Cluster.of_this_pod = classmethod(lambda kind: kind(server, Path(account)))
sys.argv = [f"{jobs}/drift.py"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""What stands for the pod's own way to the API server: a token, and where that is."""
Row = dict[str, float]


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("kubernetes", "aws")


def rows(count: int, *, shifted: float, seed: int) -> list[Row]:
    chance = random.Random(seed)  # noqa: S311 (rows of a test)
    return [{"age": chance.gauss(40 + shifted, 8), "spend": chance.gauss(100, 20)} for _ in range(count)]


class Gateway(http.server.BaseHTTPRequestHandler):
    """Takes numbers as a Pushgateway does."""

    taken: list[str]

    def do_POST(self) -> None:
        self.taken.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.end_headers()

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[str]]]:
    taken: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Taking", (Gateway,), {"taken": taken}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    thread.join()
    server.server_close()


class Pod:
    """The pod of a look, as its template has it, on this machine."""

    def __init__(self, cluster: Cluster, folder: Path, account: Path, outside: dict[str, str]) -> None:
        self.cluster, self.folder, self.account, self.outside = cluster, folder, account, outside
        self.jobs = str(Path(dataset.__file__).parent)
        self.python = str(environments.environment(images.DRIFT) / "bin" / "python")

    def environment(self, number: int) -> dict[str, str]:
        """Return what the container is told, with folders of this machine."""
        spec = self.cluster.kind(ARGO, "WorkflowTemplate").get(name="drift-monitor", namespace=SPACE).to_dict()["spec"]
        (step,) = [one for one in spec["templates"] if one["name"] == "step-look"]
        told = {one["name"]: one["value"] for one in step["container"]["env"] if "value" in one}
        here = f"{self.folder}/{number}"
        found = {
            name: value.replace("{{workflow.uid}}", f"run-{number}")
            if not value.startswith(("/mnt/", "/tmp/"))  # noqa: S108 (in the container)
            else f"{here}{value}"
            for name, value in told.items()
        }
        found["MLOPS_WATCH"] = f"{self.outside['gateway']}/metrics{told['MLOPS_WATCH'].partition('/metrics')[2]}"
        return {**found, **self.outside, "PATH": "/usr/bin:/bin", "HOME": here}

    def look(self, number: int) -> dict[str, Any]:
        """Fetch as the first container does, and compare as the second; return what was found."""
        told = self.environment(number)
        report = Path(told["MLOPS_OUTPUT_REPORT"])
        for place in (report, Path(told["MLOPS_METRICS"]).parent):
            place.mkdir(parents=True, exist_ok=True)
        where = [self.cluster.api.configuration.host, str(self.account)]
        for words in (
            [sys.executable, f"{self.jobs}/facts.py"],
            [self.python, "-c", AS_POD, self.jobs, where[1], where[0]],
        ):
            done = subprocess.run(words, env=told, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        assert (report / "report.html").stat().st_size > 1000
        found: dict[str, Any] = json.loads((report / "result.json").read_text())
        return found


def account(cluster: Cluster, folder: Path) -> Path:
    """Write down what a pod of the account finds."""
    folder.mkdir()
    (folder / "token").write_text(cluster.token(SPACE, "drift-monitor-starts"))
    known = yaml.safe_load(Path(cluster.kubeconfig).read_text())["clusters"][0]["cluster"]
    authority = known.get("certificate-authority")
    (folder / "ca.crt").write_bytes(
        Path(authority).read_bytes() if authority else base64.b64decode(known["certificate-authority-data"])
    )
    return folder


def capture(s3: Any, bucket: str, asked: list[Row], name: str) -> None:
    """Write events as KServe's agent does, twenty in a file."""
    now = dt.datetime.now(dt.UTC)
    events = []
    for number, row in enumerate(asked):
        inputs = [{"name": key, "shape": [1, 1], "datatype": "FP64", "data": [value]} for key, value in row.items()]
        output = [{"name": "predict", "shape": [1], "datatype": "FP64", "data": [float(row["age"] > 40)]}]
        for kind, body in (("request", {"inputs": inputs}), ("response", {"model_name": "m", "outputs": output})):
            events.append(
                {
                    "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
                    "reqType": f"org.kubeflow.serving.inference.{kind}",
                    "contentType": "application/json",
                    "id": f"{name}-{number}",
                    "occurrenceTime": f"{now:%Y-%m-%dT%H:%M:%S}.1Z",
                }
            )
    for place in range(0, len(events), 20):
        key = f"captured/score/{SPACE}/score-1/predictor/{name}-{place}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(events[place : place + 20]).encode())


def test_a_drift_is_seen_and_training_starts_once(
    empty_sandbox: Sandbox,
    project: Any,
    tmp_path: Path,
    gateway: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack(empty_sandbox, project(PROGRAM, name="whole"))
    succeeded(stack.up())
    assert shown(stack.up()) == []
    cluster, cloud = Cluster(empty_sandbox), Cloud(empty_sandbox)
    assert cluster.kind(ARGO, "CronWorkflow").get(name="drift-monitor", namespace=SPACE)
    s3, usual = cloud.client("s3"), stack.outputs()["usual"]
    bucket, _, below = usual.removeprefix("s3://").partition("/")
    s3.create_bucket(Bucket=bucket)
    text = io.StringIO()
    writer = csv.DictWriter(text, ["age", "spend"])
    writer.writeheader()
    writer.writerows(rows(2000, shifted=0, seed=1))
    s3.put_object(Bucket=bucket, Key=f"{below}1.csv", Body=text.getvalue().encode())
    address, taken = gateway
    outside = {
        "AWS_ENDPOINT_URL_S3": cloud.url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MLOPS_S3_ADDRESSING": "path",
    }
    for name, value in outside.items():
        monkeypatch.setenv(name, value)
    assert dataset.main(["publish", usual]) == 0
    pod = Pod(cluster, tmp_path, account(cluster, tmp_path / "account"), {**outside, "gateway": address})

    def started() -> list[Any]:
        found = cluster.kind(ARGO, "Workflow").get(namespace=SPACE).to_dict()["items"]
        return [one for one in found if one["spec"]["workflowTemplateRef"]["name"] == "retrain"]

    assert pod.look(1)["status"] == "insufficient"
    capture(s3, bucket, rows(300, shifted=0, seed=2), "usual")
    found = pod.look(2)
    assert (found["status"], found["rows"], found["breached"]) == ("judged", 300, False), found
    assert started() == []
    capture(s3, bucket, rows(900, shifted=25, seed=3), "shifted")
    for number in (3, 4):
        found = pod.look(number)
        assert (found["rows"], found["breached"]) == (1200, True), found
        (run,) = started()
        assert {one["name"]: one["value"] for one in run["spec"]["arguments"]["parameters"]} == {"days": "30"}
    assert len(taken) == 4
    assert "mlops_data_drift" in taken[-1]
    cluster.kind(ARGO, "Workflow").delete(name=run["metadata"]["name"], namespace=SPACE)
    succeeded(stack.destroy())
