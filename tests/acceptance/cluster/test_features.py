"""Features on containers that run: Feast with its registry in Postgres, rows in Valkey and as Parquet in SeaweedFS."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded
from pulumi_mlops_sandbox.kubernetes.gateways import ask
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.kept import kept
from support.e2e.outside import shown, succeeded
from support.e2e.real import inside, nothing_is_left, project, timed, told
from support.e2e.served import answers
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE = "feat-dev"
READS = """
import http.server, json, os, urllib.request
SERVER, VIEW = os.environ["MLOPS_FEATURE_SERVER_CUSTOMER_PROFILE"], os.environ["MLOPS_FEATURES_CUSTOMER_PROFILE"]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(b"ok")
    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = {"features": [f"{VIEW}:{name}" for name in given.get("features", ["age"])]}
        asked["entities"] = {"customer_id": given.get("customers", [0])}
        request = urllib.request.Request(
            f"{SERVER}/get-online-features", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.say(answer.read())
    def say(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *said):
        pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
"""A model that asks the feature server for what docs/workload.md says it finds in its environment."""
PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "feat",
    backend="kubernetes",
    stage="dev",
    existing={{"gateway": {{"name": "gateways/public", "domain": "feat.example.com", "tls": False}}}},
)
features = mlops.FeatureStore("features", platform=platform, materialize={{"cron": "0 3 1 1 *", "timezone": "UTC"}})
profile = mlops.FeatureGroup(
    "customer-profile",
    store=features,
    keys=["customer_id"],
    event_time="updated_at",
    features={{"customer_id": "integer", "updated_at": "timestamp", "age": "integer", "spend": "float", **MORE}},
    online={{"ttl_hours": 1}},
)
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={{"image": {objects.PYTHON!r}}},
    serve={{"command": ["python", "-c", {READS!r}], "health": "/health"}},
    compute={{"cpus": 1, "memory_gb": 0.25}},
    scaling={{"min": 1, "max": 1}},
    reads=[profile.online],
)
pulumi.export("url", score.url)
"""
PARQUET = """
import json, sys, pandas, pyarrow, pyarrow.parquet
rows = pandas.DataFrame(json.load(sys.stdin))
rows["updated_at"] = pandas.to_datetime(rows["updated_at"], utc=True)
types = {"customer_id": pyarrow.int64(), "updated_at": pyarrow.timestamp("us", tz="UTC"), "age": pyarrow.int64()}
schema = pyarrow.schema([*types.items(), ("spend", pyarrow.float64())])
pyarrow.parquet.write_table(pyarrow.Table.from_pandas(rows, schema), sys.stdout.buffer)
"""
Row = dict[str, Any]


def program(**more: str) -> str:
    return PROGRAM.replace("MORE", repr(more))


@pytest.fixture(scope="module")
def feat(real: Sandbox, tmp_path_factory: pytest.TempPathFactory, figures: list[str]) -> Iterator[Stack]:
    stack, began = project(real, tmp_path_factory.mktemp("feat"), "feat", program()), time.monotonic()
    try:
        succeeded(stack.up())
        figures.append(timed("features: up from nothing", began))
        yield stack
    finally:
        succeeded(stack.destroy())


@pytest.fixture(scope="module")
def asked(feat: Stack, cluster: Cluster) -> tuple[str, str]:
    """Say where the endpoint answers, and by which URL."""
    return answers(feat, cluster)


def push(cluster: Cluster, to: str, *rows: Row) -> None:
    """Push rows as a stream's consumer does."""
    body = {"push_source_name": "customer_profile", "to": to}
    body["df"] = {name: [row.get(name) for row in rows] for name in rows[0]}  # type: ignore[assignment]  # JSON
    with forwarded(cluster.kubeconfig, SPACE, "service/features-feast", 6566) as port:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/push", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


def row(customer: int, age: int, ago: timedelta = timedelta(), **more: Any) -> Row:
    moment = datetime.now(tz=UTC) - ago
    return {"customer_id": customer, "updated_at": moment.isoformat(), "age": age, "spend": age / 2, **more}


def read(asked: tuple[str, str], feature: str, *customers: int) -> list[Any]:
    """Ask the endpoint for what it reads."""
    status, said = ask(*asked, {"customers": list(customers), "features": [feature]})
    assert status == 200, said
    names = said["metadata"]["feature_names"]
    values: list[Any] = said["results"][names.index(feature)]["values"]
    return values


def materialise(cluster: Cluster, name: str, figures: list[str]) -> None:
    """Run what the CronJob runs, now."""
    began = time.monotonic()
    told(cluster, SPACE, "create", "job", name, "--from=cronjob/features-materialize")
    told(cluster, SPACE, "wait", f"job/{name}", "--for=condition=Complete", "--timeout=600s")
    figures.append(timed(f"features: {name} by the CronJob", began))


def test_what_is_pushed_is_read_by_the_endpoint(asked: tuple[str, str], cluster: Cluster) -> None:
    push(cluster, "online_and_offline", row(1, 31), row(2, 32))
    assert read(asked, "age", 1, 2, 3) == [31, 32, None]
    push(cluster, "online", row(1, 41))
    assert read(asked, "spend", 1, 2) == [20.5, 16.0]


def test_a_row_ends_when_its_time_has_come(asked: tuple[str, str], cluster: Cluster) -> None:
    """One is pushed that has half a minute left of the hour."""
    push(cluster, "online", row(4, 44, timedelta(minutes=59, seconds=30)), row(5, 45, timedelta(minutes=70)))
    pushed = time.monotonic()
    assert read(asked, "age", 4, 5) == [44, None], "the fifth had ended before it came"
    until(lambda: read(asked, "age", 4) == [None], "the fourth row ends", 60)
    assert time.monotonic() - pushed > 15
    assert read(asked, "age", 1, 2) == [41, 32]


def test_parquet_in_the_store_comes_online_by_the_cron_job(
    asked: tuple[str, str], cluster: Cluster, figures: list[str]
) -> None:
    rows = [row(customer, customer, timedelta(minutes=5)) for customer in range(100, 200)]
    made = subprocess.run(
        [str(packages.ensure() / "python"), "-W", "ignore", "-c", PARQUET],
        input=json.dumps(rows).encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    with kept(cluster, SPACE, "feat") as bucket:
        bucket.write("features/features/customer-profile/history.parquet", made.stdout)
        there = bucket.keys("features/features/customer-profile/")
    assert len(there) == 3, "the declaration, the rows that were pushed to both stores, and ours"
    assert read(asked, "age", 100, 199) == [None, None]
    materialise(cluster, "first-run", figures)
    assert read(asked, "age", *range(100, 200)) == list(range(100, 200))
    assert read(asked, "age", 1, 2) == [41, 32], "a newer row that is online stays"


def test_a_feature_is_added_without_a_lost_row(
    feat: Stack, asked: tuple[str, str], cluster: Cluster, figures: list[str]
) -> None:
    began = time.monotonic()
    (feat.folder / "__main__.py").write_text(program(segment="string"))
    changed = {change.name for change in succeeded(feat.up()).changes}
    figures.append(timed("features: up with one more feature", began))
    assert changed == {"customer-profile", "customer-profile-definition", "customer-profile-apply"}, (
        "nobody is restarted"
    )
    until(lambda: ask(*asked, {"features": ["segment"]})[0] == 200, "the server knows the feature", 60)
    assert read(asked, "age", 1, 2, *range(100, 200)) == [41, 32, *range(100, 200)]
    assert read(asked, "segment", 1, 100) == [None, None]
    push(cluster, "online_and_offline", row(2, 52, segment="gold"))
    assert read(asked, "segment", 2, 1) == ["gold", None]
    materialise(cluster, "second-run", figures)
    assert read(asked, "age", 2, 150) == [52, 150]


def test_rows_outlive_the_pods_of_both_stores(asked: tuple[str, str], cluster: Cluster) -> None:
    before = read(asked, "age", 1, 2, 150)
    assert None not in before
    told(cluster, SPACE, "delete", "pod", "features-online-0", "feat-store-0")
    until(lambda: ask(*asked, {"customers": [2]})[0] == 200, "the endpoint answers again")
    told(cluster, SPACE, "rollout", "status", "statefulset/feat-store", "--timeout=300s")
    until(lambda: read(asked, "age", 1, 2, 150) == before, "the rows are there again")
    with kept(cluster, SPACE, "feat") as bucket:
        assert "features/features/customer-profile/history.parquet" in bucket.keys("features/")
    views = "select feature_view_name from feature_views"
    found = inside(cluster, SPACE, "features-feast-db-1", "postgres", "psql", "-At", "feast", "-c", views)
    assert "customer_profile" in found.splitlines()


def test_only_who_reads_reaches_the_feature_server(cluster: Cluster) -> None:
    server = f"features-feast.{SPACE}.svc.cluster.local/6566"
    tries = ("bash", "-c", f"timeout 5 bash -c '</dev/tcp/{server}' && echo open || echo shut")
    served = told(cluster, SPACE, "get", "pods", "--selector=component=predictor", "--output=name")
    assert inside(cluster, SPACE, served, "kserve-container", *tries) == "open"
    assert inside(cluster, SPACE, "feat-store-0", "seaweedfs", *tries) == "shut"


def test_a_second_up_changes_nothing(feat: Stack) -> None:
    assert shown(feat.up()) == []
    assert shown(feat.refresh()) == []


def test_destroy_leaves_nothing(feat: Stack, cluster: Cluster, figures: list[str]) -> None:
    began = time.monotonic()
    succeeded(feat.destroy())
    figures.append(timed("features: destroy", began))
    nothing_is_left(cluster, SPACE)
