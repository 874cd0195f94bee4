"""Releases on containers that run, under steady load: what is good takes over, what is bad goes back, none is lost."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops.backends.kubernetes.health import VARIANT
from pulumi_mlops.components.endpoint import SHADOW
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load, error, share
from pulumi_mlops_sandbox.kubernetes.operators.manifests import METRICS
from pulumi_mlops_sandbox.stack import Result, Stack
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded
from support.e2e.real import project, timed
from support.e2e.receiver import got, listens
from support.e2e.served import SERVER, answers, counted
from support.trial import Trial, trial
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE = "till-dev"
PROGRAM = f"""
import json
import pathlib
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "till",
    backend="kubernetes",
    stage="dev",
    existing={{
        "gateway": {{"name": "gateways/public", "domain": "till.example.com", "tls": False}},
        "metrics": {METRICS!r},
        "alerts": "http://receiver.TOLD.svc.cluster.local:8080/alerts",
    }},
)
score = mlops.Endpoint(
    "score", platform=platform, **json.loads(pathlib.Path(__file__).with_name("score.json").read_text())
)
pulumi.export("url", score.url)
"""
CANARY = {"canary": {"percent": 20, "bake_minutes": 1}}
LINEAR = {"linear": {"step_percent": 40, "interval_minutes": 1}}
WATCHED = 45.0
"""Seconds of a step in which its share is looked at: each is watched for a minute at least."""
TOLD = {("firing", "EndpointErrors", "main")}
"""Of the endpoint's errors; nobody counts its Deployments here, which is told too."""
SHADOW_PERCENT, WEIGHTS = 50, {"red": 3, "blue": 1}


class Till:
    """The project, its endpoint as the program has it, and who is told of alerts."""

    def __init__(self, stack: Stack, receiver: Trial) -> None:
        self.stack, self.receiver = stack, receiver

    def alerts(self) -> set[tuple[str, str, str]]:
        """Return what Alertmanager told: status, alert and variant."""
        calls = [json.loads(body) for path, _, body in got(self.receiver) if path == "/alerts"]
        found = [(one["status"], one["labels"]) for call in calls for one in call["alerts"]]
        return {(status, labels["alertname"], labels["variant"]) for status, labels in found}

    def write(self, version: int, release: Mapping[str, Any] | None = None, **others: Any) -> None:
        """Write the program: a version, how it takes over, what else of its environment, and other arguments."""
        environment = {"VERSION": str(version), **others.pop("environment", {})}
        arguments = {
            "serve": {"command": ["python", "-c", SERVER], "health": "/health", "startup_minutes": 1},
            "compute": {"cpus": 1, "memory_gb": 0.25},
            "scaling": {"min": 1, "max": 1},
            "health": {"errors_percent": 5, "latency_ms": 500},
            "environment": environment,
            "release": release or {},
            **({"model": {"image": objects.PYTHON}} | others),
        }
        (self.stack.folder / "score.json").write_text(json.dumps(arguments))

    def up(self, version: int, release: Mapping[str, Any] | None = None, **others: Any) -> Result:
        """Bring it up."""
        self.write(version, release, **others)
        return self.stack.up()


@pytest.fixture(scope="module")
def till(real: Sandbox, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    with trial(kubeconfig, f"till-told-{secrets.token_hex(3)}") as receiver:
        listens(receiver)
        program = PROGRAM.replace("TOLD", receiver.namespace)
        made = Till(project(real, tmp_path_factory.mktemp("till"), "till", program), receiver)
        try:
            succeeded(made.up(1))
            yield made
        finally:
            succeeded(made.stack.destroy())


@pytest.fixture(scope="module")
def load(till: Till, cluster: Cluster, figures: list[str]) -> Iterator[Load]:
    with Load(*answers(till.stack, cluster)) as running:
        yield running
    figures += running.lines()


def test_a_good_version_goes_out_by_canary(till: Till, load: Load) -> None:
    with load.phase("canary") as seen:
        succeeded(till.up(2, CANARY))
        load.keep_up(20)
    assert seen.failed == []
    both = seen.both("1", "2")
    assert both[-1].sent - both[0].sent > WATCHED
    assert abs(share(both, "2") - 0.2) < error(0.2, len(both))
    assert [one.version for one in seen.answers[-20:]] == ["2"] * 20


def test_another_goes_out_in_steps_while_a_caller_makes_mistakes(till: Till, load: Load, figures: list[str]) -> None:
    """What a caller does wrong is refused by both, and no fault of the new version."""
    with (
        Load(load.where, load.url, a_second=2, body="a mistake") as careless,
        load.phase("linear") as seen,
        careless.phase("a caller's mistakes meanwhile") as mistakes,
    ):
        succeeded(till.up(3, LINEAR))
        load.keep_up(20)
    figures += [one.line() for one in careless.phases]
    assert {one.status for one in mistakes.answers} == {400}
    assert till.alerts().isdisjoint(TOLD), "nobody is told of a caller's mistakes"
    assert seen.failed == []
    both = seen.both("2", "3")
    first = [one for one in both if one.sent - both[0].sent < WATCHED]
    last = [one for one in both if both[-1].sent - one.sent < WATCHED]
    assert abs(share(first, "3") - 0.4) < error(0.4, len(first))
    assert abs(share(last, "3") - 0.8) < error(0.8, len(last))
    assert [one.version for one in seen.answers[-20:]] == ["3"] * 20


def test_a_version_with_errors_goes_back(till: Till, load: Load) -> None:
    with load.phase("errors") as seen:
        refused = till.up(4, CANARY, environment={"FAILS": "0.5"})
    assert refused.code != 0
    assert re.search(r"rolled back: errors of main: \S+ per cent of requests fail, more than 5", refused.output)
    assert {one.version for one in seen.failed} == {"4"}
    assert {one.status for one in seen.failed} == {500}
    both = seen.both("3", "4")
    assert abs(share(both, "4") - 0.2) < error(0.2, len(both))
    with load.phase("after errors") as after:
        load.keep_up(20)
    assert after.failed == []
    assert set(after.versions) == {"3"}


def test_a_version_that_refuses_what_others_answer_goes_back(till: Till, load: Load) -> None:
    """As MLServer does when an MLflow model raises."""
    with load.phase("refusals") as seen:
        refused = till.up(9, CANARY, environment={"FAILS": "0.5", "FAILS_WITH": "400"})
    assert refused.code != 0
    assert re.search(r"rolled back: refusals of main: \S+ per cent of requests are answered by 4xx", refused.output)
    assert {one.version for one in seen.failed} == {"9"}
    assert {one.status for one in seen.failed} == {400}
    both = seen.both("3", "9")
    assert abs(share(both, "9") - 0.2) < error(0.2, len(both))
    with load.phase("after refusals") as after:
        load.keep_up(20)
    assert after.failed == []
    assert set(after.versions) == {"3"}


def test_going_back_to_what_serves_moves_nothing(till: Till, load: Load) -> None:
    with load.phase("back in the program") as seen:
        assert {word.split()[0] for word in shown(till.up(3, CANARY))} <= {"update", "delete", "create", "replace"}
    assert seen.failed == []
    assert set(seen.versions) == {"3"}


def test_a_slow_version_goes_back(till: Till, load: Load) -> None:
    with load.phase("latency") as seen:
        refused = till.up(5, CANARY, environment={"SLOW": "1.5"})
    assert refused.code != 0
    assert re.search(r"rolled back: latency of main: ", refused.output)
    assert seen.failed == []
    both = seen.both("3", "5")
    assert abs(share(both, "5") - 0.2) < error(0.2, len(both))
    with load.phase("after latency") as after:
        load.keep_up(20)
    assert after.failed == []
    assert set(after.versions) == {"3"}


def test_a_version_that_never_becomes_ready_leaves_everything_as_it_was_and_failures_are_told(
    till: Till, load: Load, cluster: Cluster, figures: list[str]
) -> None:
    """What serves fails at some requests meanwhile: people are told of that by Alertmanager, as the platform says."""
    before = rules(cluster)
    with (
        Load(load.where, load.url, a_second=2, body="a failure") as failing,
        load.phase("never ready") as seen,
        failing.phase("failures meanwhile") as failures,
    ):
        began = time.monotonic()
        refused = till.up(6, CANARY, environment={"NEVER_READY": "1"})
        until(lambda: till.alerts() >= TOLD, "the alert is told", 420)
        figures.append(timed("failures were told within", began))
    figures.append(failures.line())
    assert {one.status for one in failures.answers} == {500}
    assert refused.code != 0
    assert "will not become ready" in refused.output
    assert seen.failed == []
    assert set(seen.versions) == {"3"}
    assert rules(cluster) == before


def test_after_all_that_the_next_one_works_beside_a_shadow(
    till: Till, load: Load, kubeconfig: Path, figures: list[str]
) -> None:
    with load.phase("all at once, with a shadow") as seen:
        succeeded(till.up(7, shadow={"model": {"image": objects.PYTHON}, "percent": SHADOW_PERCENT}))
    assert seen.failed == []
    before = counted(kubeconfig, SPACE, f"{VARIANT}={SHADOW}")
    with load.phase("shadow") as shadowed:
        load.keep_up(80)
    copied, count = counted(kubeconfig, SPACE, f"{VARIANT}={SHADOW}") - before, len(shadowed.answers)
    figures.append(f"of {count} requests {copied} were copied to the shadow, at {SHADOW_PERCENT} per cent")
    assert shadowed.failed == []
    assert set(shadowed.versions) == {"7"}
    assert shadowed.pods("score-shadow-") == [], "its answers go nowhere"
    assert abs(copied / count - SHADOW_PERCENT / 100) < error(SHADOW_PERCENT / 100, count)


def test_variants_get_their_weights(till: Till, load: Load, figures: list[str]) -> None:
    variants = [
        {"name": name, "weight": weight, "model": {"image": objects.PYTHON}} for name, weight in WEIGHTS.items()
    ]
    with load.phase("to variants, all at once") as seen:
        succeeded(till.up(8, model=None, variants=variants))
    assert seen.failed == []
    with load.phase("variants") as mixed:
        load.keep_up(80)
    count, weights = len(mixed.answers), sum(WEIGHTS.values())
    found = {name: len(mixed.pods(f"score-{name}-")) for name in WEIGHTS}
    figures.append(f"of {count} requests each variant got {found}, by weights {WEIGHTS}")
    assert mixed.failed == []
    assert set(mixed.versions) == {"8"}
    for name, weight in WEIGHTS.items():
        assert abs(found[name] / count - weight / weights) < error(weight / weights, count)


def test_the_next_up_changes_nothing(till: Till) -> None:
    assert shown(till.stack.up()) == []
    assert shown(till.stack.refresh()) == []


def rules(cluster: Cluster) -> Any:
    """Read how the route divides."""
    route = cluster.get("gateway.networking.k8s.io/v1", "HTTPRoute", "score", SPACE)
    assert route
    return route["spec"]["rules"]
