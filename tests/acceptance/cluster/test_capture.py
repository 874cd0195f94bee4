"""An endpoint that keeps what it is asked, under load, while its object store goes away and comes back."""

from collections.abc import Iterator

import pytest

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load, Phase
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.kept import kept
from support.e2e.outside import succeeded
from support.e2e.real import project
from support.e2e.served import SERVER, answers
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

SPACE = "tape-dev"
PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "tape",
    backend="kubernetes",
    stage="dev",
    existing={{"gateway": {{"name": "gateways/public", "domain": "tape.example.com", "tls": False}}}},
)
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={{"image": {objects.PYTHON!r}}},
    serve={{"command": ["python", "-c", {SERVER!r}], "health": "/health"}},
    compute={{"cpus": 1, "memory_gb": 0.25}},
    scaling={{"min": 1, "max": 1}},
    capture_percent=100,
)
pulumi.export("url", score.url)
"""
A_SECOND = 5.0
"""Twice as many events. KServe's agent has room for a hundred, and holds requests back when they are not written."""


@pytest.fixture(scope="module")
def tape(real: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = project(real, tmp_path_factory.mktemp("tape"), "tape", PROGRAM)
    try:
        succeeded(stack.up())
        yield stack
    finally:
        succeeded(stack.destroy())


def store(cluster: Cluster, replicas: int) -> None:
    """Take the object store away, or have it back."""
    sets = cluster.kind("apps/v1", "StatefulSet")
    sets.patch(
        name="tape-store",
        namespace=SPACE,
        body={"spec": {"replicas": replicas}},
        content_type="application/merge-patch+json",
    )

    def there() -> bool:
        found = cluster.get("apps/v1", "StatefulSet", "tape-store", SPACE)
        assert found
        return int(found["status"].get("readyReplicas") or 0) == int(found["status"].get("replicas") or 0) == replicas

    until(there, f"the store has {replicas} replicas")


def written(cluster: Cluster) -> set[int]:
    """Read the numbers of the requests of which the store has both the request and its answer."""
    with kept(cluster, SPACE, "tape") as store:
        requests, responses = store.captured("score")
    return {body.get("n") for body in requests} & {body["given"].get("n") for body in responses}


def numbers(phase: Phase) -> set[int]:
    """Take the requests of a phase that were answered."""
    return {one.number for one in phase.answers if not one.failed}


def test_a_store_that_is_away_costs_no_answer(tape: Stack, cluster: Cluster, figures: list[str]) -> None:
    """What is asked meanwhile is missing in the store; what was asked before and is asked afterwards is there."""
    with Load(*answers(tape, cluster), A_SECOND) as load:
        with load.phase("kept") as before:
            load.keep_up(30)
        until(lambda: numbers(before) <= written(cluster), "all is kept")
        with load.phase("the store is away") as away:
            store(cluster, 0)
            load.keep_up(60)
        with load.phase("the store comes back") as coming:
            store(cluster, 1)
            load.keep_up(20)
        with load.phase("kept again") as back:
            load.keep_up(20)
    try:
        until(lambda: numbers(before) | numbers(back) <= written(cluster), "all is kept again")
    finally:
        there = written(cluster)
        figures += load.lines()
        for phase in load.phases:
            figures.append(f"{phase.name}: of {len(numbers(phase))} answered {len(numbers(phase) & there)} are kept")
    assert [*before.failed, *away.failed, *coming.failed, *back.failed] == []
