"""An API server and a Prometheus that a test plays, for the program of the release Job."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pulumi_mlops.jobs import release

if TYPE_CHECKING:
    from collections.abc import Callable

ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/churn-dev/httproutes/score"
SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/churn-dev/inferenceservices"
SERVICE = "/api/v1/namespaces/churn-dev/services/score"


def rules(**weights: int) -> list[dict[str, Any]]:
    backends = [{"name": f"score-{name}-predictor", "port": 80, "weight": weight} for name, weight in weights.items()]
    return [{"backendRefs": backends, "timeouts": {"request": "60s"}}]


def service(status: str = "True", message: str = "") -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Ready", "status": status, "message": message}]}}


class Handler(BaseHTTPRequestHandler):
    server: "Stage"

    def answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def refused(self) -> bool:
        assert self.headers["Authorization"] == "Bearer token-of-the-pod"
        self.server.trouble -= 1
        if self.server.trouble >= 0:
            self.answer(503, {})
        return self.server.trouble >= 0

    def do_GET(self) -> None:
        if not self.refused():
            found = self.server.objects.get(self.path)
            self.answer(200 if found else 404, found or {})

    def do_PATCH(self) -> None:
        patch, path = json.loads(self.body()), urlsplit(self.path)
        assert path.query == "fieldManager=pulumi-mlops-release"
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        if not self.refused():
            self.answer(200, self.server.merge(path.path, patch))

    def do_POST(self) -> None:
        query = parse_qs(self.body().decode())["query"][0]
        if self.server.silent:
            self.answer(503, {})
            return
        value = self.server.measured(query)
        if value is None and query.startswith(("count(up", "count(requests")):
            value = self.server.scraped
        result = [] if value is None else [{"metric": {}, "value": [0, str(value)]}]
        self.answer(200, {"status": "success", "data": {"resultType": "vector", "result": result}})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Stage(ThreadingHTTPServer):
    """Plays the API server and Prometheus, on one port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, dict[str, Any]] = {
            ROUTE: {"metadata": {}, "spec": {"rules": rules(old=1)}},
            f"{SERVICES}/score-new": service(),
        }
        self.written: list[list[dict[str, Any]]] = []
        self.measured: Callable[[str], float | None] = lambda _: None
        self.scraped: float | None = 1
        """How many replicas Prometheus measures of whatever it is asked."""
        self.silent = False
        self.trouble = 0
        """How many more requests to the API fail."""
        self.on_write: Callable[[], None] = lambda: None

    def merge(self, path: str, patch: dict[str, Any]) -> dict[str, Any]:
        found = self.objects[path]
        remarks = found["metadata"].setdefault("annotations", {})
        for key, value in patch["metadata"]["annotations"].items():
            remarks.pop(key, None)
            remarks |= {} if value is None else {key: value}
        found["spec"] |= patch["spec"]
        self.written.append(found["spec"]["rules"])
        self.on_write()
        return found

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def route(self) -> dict[str, Any]:
        return self.objects[ROUTE]

    @property
    def annotations(self) -> dict[str, str]:
        found: dict[str, str] = self.route["metadata"].get("annotations", {})
        return found

    def shares(self) -> list[dict[str, int]]:
        """Return the weights of each rule that was written, by revision."""
        return [
            {
                one["name"].removeprefix("score-").removesuffix("-predictor"): one["weight"]
                for one in rule[0]["backendRefs"]
            }
            for rule in self.written
        ]


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.then: Callable[[float], None] = lambda _: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.then(self.seconds)


class Callers:
    """Send requests as the route divides them, and are refused: by whom how often is the test's choice.

    Counts are kept as a Prometheus has them: those of each revision, at each time that it looked.
    """

    def __init__(self, stage: Stage, clock: Clock, **refuse: "Callable[[float], float]") -> None:
        """:param refuse: the share that a revision refuses, by the time."""
        self.stage, self.clock, self.refuse = stage, clock, refuse
        self.counts: dict[str, list[tuple[float, float, float]]] = {name: [(-2000.0, 0.0, 0.0)] for name in refuse}
        self.a_second = 20.0
        self.variants = {"old": "main", "new": "main"}
        self._sent_until = -1200.0
        while self._sent_until < 0:
            self._send(self._sent_until + 15)
        clock.then, stage.measured = self._send, self.measured

    def _send(self, now: float) -> None:
        took, self._sent_until = now - self._sent_until, now
        references = self.stage.route["spec"]["rules"][0]["backendRefs"]
        whole = sum(one["weight"] for one in references)
        for one in references:
            name = one["name"].removeprefix("score-").removesuffix("-predictor")
            sent = self.a_second * took * one["weight"] / whole
            _, refused, every = self.counts[name][-1]
            self.counts[name].append((now, refused + sent * self.refuse[name](now), every + sent))

    def measured(self, query: str) -> float | None:
        """Answer what is asked of the counters."""
        asked = re.match(r'sum\(clamp_min\(requests\{mlops_revision=~?"(?P<names>[^"]+)"(?P<more>[^}]*)\}', query)
        if asked is None:
            return None
        (variant,) = re.findall('mlops_variant="([^"]+)"', asked["more"]) or [None]
        ago = [int(seconds) for seconds in re.findall(r"offset (\d+)s", query)]
        since, until = max(ago), min(ago) if len(ago) > 1 else 0
        names = [name.removeprefix("score-") for name in asked["names"].split("|")]
        column = 1 if "refused" in asked["more"] else 2
        return sum(
            self._count(name, until, column) - self._count(name, since, column)
            for name in names
            if variant in (None, self.variants[name])
        )

    def _count(self, name: str, ago: float, column: int) -> float:
        return [one for one in self.counts[name] if one[0] <= self.clock.seconds - ago][-1][column]


CHECKS = [
    {"name": "errors of main", "query": "errors", "above": 5, "means": "{value} per cent of requests fail"},
    {"name": "alarm Theirs", "query": "ALERTS", "above": 0, "means": "alarm Theirs is firing"},
]
COMPARED = [
    {
        "name": "refusals of main",
        "revision": "score-new",
        "new": 'mlops_revision="score-new"',
        "old": 'mlops_variant="main"',
        "every": "requests{<pods>}",
        "refused": "requests{<pods>,refused}",
        "above": 5,
    }
]
CANARY = [{"percent": 10, "seconds": 600}, {"percent": 100, "seconds": 120}]


def told(stage: Stage, **changes: Any) -> dict[str, Any]:
    known = {
        "endpoint": "score",
        "namespace": "churn-dev",
        "route": "score",
        "revisions": ["score-new"],
        "rules": rules(new=1),
        "steps": CANARY,
        "metrics": stage.url,
        "checks": CHECKS,
        "compared": COMPARED,
        "trial_seconds": 120,
        "counted": [{"name": "requests of main", "query": "count(requests)", "means": "send some"}],
        "insists": True,
        "sized_by_load": False,
        "patience_seconds": 180,
        "start_seconds": 900,
        "size_seconds": 900,
        "every_seconds": 15,
    }
    return known | changes


def run(stage: Stage, clock: Clock, account: Path, **changes: Any) -> None:
    api = release.Api(stage.url, account, pause=0)
    release.Release(told(stage, **changes), api, clock.now, clock.sleep).run()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("token-of-the-pod\n")
    return tmp_path
