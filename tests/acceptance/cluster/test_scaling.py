"""Replicas on containers that run: they come with the load and go with it, and a release keeps their number."""

import time
from collections.abc import Iterator

import pytest

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load
from pulumi_mlops_sandbox.kubernetes.operators.manifests import METRICS
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded
from support.e2e.real import project
from support.e2e.served import SERVER, answers
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE = "rush-dev"
PROGRAM = f"""
import pathlib
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform(
    "rush",
    backend="kubernetes",
    stage="dev",
    existing={{
        "gateway": {{"name": "gateways/public", "domain": "rush.example.com", "tls": False}},
        "metrics": {METRICS!r},
    }},
)
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={{"image": {objects.PYTHON!r}}},
    serve={{"command": ["python", "-c", {SERVER!r}], "health": "/health"}},
    compute={{"cpus": 1, "memory_gb": 0.25}},
    scaling={{
        "min": 1,
        "max": 3,
        "requests_per_replica": 120,
        "cooldown_in_seconds": 15,
        "cooldown_out_seconds": 0,
    }},
    release={{"canary": {{"percent": 30, "bake_minutes": 1}}}},
    environment={{"VERSION": pathlib.Path(__file__).with_name("version").read_text()}},
)
pulumi.export("url", score.url)
"""
MUCH, LITTLE = 5.0, 0.5
"""Requests a second: work for three replicas, which get 300 of 120 each a minute, and for one."""


class Rush:
    """The project, and the replicas of its endpoint."""

    def __init__(self, stack: Stack, cluster: Cluster) -> None:
        self.stack, self.cluster = stack, cluster

    def write(self, version: int) -> None:
        """Write the program with this version."""
        (self.stack.folder / "version").write_text(str(version))

    def replicas(self) -> list[int]:
        """Count the replicas that serve, of each revision that there is."""
        found = self.cluster.kind("apps/v1", "Deployment").get(namespace=SPACE).to_dict()["items"]
        predictors = [one for one in found if one["metadata"]["name"].startswith("score-")]
        return sorted(int(one["status"].get("availableReplicas") or 0) for one in predictors)

    def come_to(self, *wanted: int, within: float) -> float:
        """Wait for numbers of replicas, and say how long it took."""
        begun = time.monotonic()
        until(lambda: self.replicas() == [*wanted], f"{wanted} replicas", within)
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def rush(real: Sandbox, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rush]:
    made = Rush(project(real, tmp_path_factory.mktemp("rush"), "rush", PROGRAM), cluster)
    made.write(1)
    try:
        succeeded(made.stack.up())
        yield made
    finally:
        succeeded(made.stack.destroy())


def test_replicas_come_and_go_with_the_load_and_a_release_keeps_them(
    rush: Rush, cluster: Cluster, figures: list[str]
) -> None:
    where = answers(rush.stack, cluster)
    assert rush.replicas() == [1]
    with Load(*where, MUCH) as load:
        with load.phase("1 replica to 3") as growing:
            grew = rush.come_to(3, within=420)
            load.keep_up(20)
        with load.phase("release") as released:
            rush.write(2)
            succeeded(rush.stack.up())
            assert max(rush.replicas()) == 3, "as many as before serve the new version"
            load.keep_up(20)
    figures += load.lines()
    with Load(*where, LITTLE) as load, load.phase("3 replicas to 1") as shrinking:
        shrank = rush.come_to(1, within=600)
        load.keep_up(30)
    figures += [*load.lines(), f"1 replica to 3 in {grew:.0f} s, 3 to 1 in {shrank:.0f} s"]
    assert [*growing.failed, *released.failed, *shrinking.failed] == []
    assert len({one.pod for one in growing.answers[-60:]}) == 3
    both = released.both("1", "2")
    assert len({one.pod for one in both if one.version == "2"}) == 3, "it has its size before it gets traffic"
    assert len({one.pod for one in released.answers[-60:]}) == 3
    assert set(shrinking.versions) == {"2"}
    assert len({one.pod for one in shrinking.answers[-10:]}) == 1


def test_the_next_up_leaves_the_number_to_the_load(rush: Rush) -> None:
    assert shown(rush.stack.up()) == []
    assert shown(rush.stack.refresh()) == []
