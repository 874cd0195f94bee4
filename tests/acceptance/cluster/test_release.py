"""Releases on containers that run, under steady load: what is good takes over, what is bad goes back, none is lost."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load, error, share
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded
from support.e2e.real import timed
from support.e2e.released import Released, released
from support.e2e.served import answers
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE = "till-dev"
CANARY = {"canary": {"percent": 20, "bake_minutes": 1}}
LINEAR = {"linear": {"step_percent": 40, "interval_minutes": 1}}
WATCHED = 45.0
"""Seconds of a step in which its share is looked at: each is watched for a minute at least."""
TOLD = {("firing", "EndpointErrors", "main")}
"""Of the endpoint's errors; nobody counts its Deployments here, which is told too."""


@pytest.fixture(scope="module")
def till(real: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with released(real, tmp_path_factory.mktemp("till"), "till") as made:
        yield made


@pytest.fixture(scope="module")
def load(till: Released, cluster: Cluster, figures: list[str]) -> Iterator[Load]:
    with Load(*answers(till.stack, cluster)) as running:
        yield running
    figures += running.lines()


def test_a_good_version_goes_out_by_canary(till: Released, load: Load) -> None:
    with load.phase("canary") as seen:
        succeeded(till.up(2, CANARY))
        load.keep_up(20)
    assert seen.failed == []
    both = seen.both("1", "2")
    assert both[-1].sent - both[0].sent > WATCHED
    assert abs(share(both, "2") - 0.2) < error(0.2, len(both))
    assert [one.version for one in seen.answers[-20:]] == ["2"] * 20


def test_another_goes_out_in_steps_while_a_caller_makes_mistakes(
    till: Released, load: Load, figures: list[str]
) -> None:
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


def test_a_version_with_errors_goes_back(till: Released, load: Load) -> None:
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


def test_a_version_that_refuses_what_others_answer_goes_back(till: Released, load: Load) -> None:
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


def test_going_back_to_what_serves_moves_nothing(till: Released, load: Load) -> None:
    with load.phase("back in the program") as seen:
        assert {word.split()[0] for word in shown(till.up(3, CANARY))} <= {"update", "delete", "create", "replace"}
    assert seen.failed == []
    assert set(seen.versions) == {"3"}


def test_a_slow_version_goes_back(till: Released, load: Load) -> None:
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
    till: Released, load: Load, cluster: Cluster, figures: list[str]
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


def test_after_all_that_the_next_one_works(till: Released, load: Load) -> None:
    with load.phase("all at once") as seen:
        succeeded(till.up(7))
        load.keep_up(20)
    assert seen.failed == []
    assert [one.version for one in seen.answers[-20:]] == ["7"] * 20


def test_the_next_up_changes_nothing(till: Released) -> None:
    assert shown(till.stack.up()) == []
    assert shown(till.stack.refresh()) == []


def rules(cluster: Cluster) -> Any:
    """Read how the route divides."""
    route = cluster.get("gateway.networking.k8s.io/v1", "HTTPRoute", "score", SPACE)
    assert route
    return route["spec"]["rules"]
