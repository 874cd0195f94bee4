"""The node is restarted: service comes back, and nothing is lost that was answered with success."""

from collections.abc import Iterator

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load
from support.e2e.borrowed import Borrowed
from support.e2e.care import Care, cared_for
from support.e2e.inside import Cluster
from support.e2e.kept import kept
from support.e2e.outside import shown
from support.e2e.served import answers

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def care(real: Sandbox, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Care]:
    if isinstance(real, Borrowed):
        pytest.skip("the node is not ours to restart")
    with cared_for(real, cluster, tmp_path_factory.mktemp("again"), "again") as made:
        yield made


def test_the_node_is_restarted(care: Care, real: Sandbox, figures: list[str]) -> None:
    number = care.registered()
    with kept(care.cluster, care.space, "again") as store:
        store.write("kept/file", b"written before")
    real.down()
    real.up(["kubernetes"])
    care.cluster = Cluster(real)
    assert number in care.versions()
    with Load(*answers(care.stack, care.cluster)) as running, running.phase("after a restart") as seen:
        running.keep_up(10)
    figures += running.lines()
    assert seen.failed == []
    with kept(care.cluster, care.space, "again") as store:
        assert store.read("kept/file") == b"written before"
    assert shown(care.stack.up()) == []
