"""Trouble on containers that run: service comes back, and nothing is lost that was answered with success."""

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from kubernetes import client

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.load import Load
from support.e2e.borrowed import Borrowed
from support.e2e.care import BACK_WITHIN, Care, cared_for
from support.e2e.disk import small
from support.e2e.inside import Cluster
from support.e2e.kept import Kept, kept
from support.e2e.outside import shown, succeeded
from support.e2e.real import timed, told
from support.e2e.served import answers
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE = "care-dev"
MOVED_WITHIN = 150.0
SMALL, MEBIBYTE = 200, 1 << 20


@pytest.fixture(scope="module")
def care(real: Sandbox, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Care]:
    with cared_for(real, cluster, tmp_path_factory.mktemp("care"), "care") as made:
        yield made


@pytest.fixture
def load(care: Care, cluster: Cluster, figures: list[str]) -> Iterator[Load]:
    with Load(*answers(care.stack, cluster)) as running:
        yield running
    figures += running.lines()


class Pods:
    """The pods of the namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self.core: Any = client.CoreV1Api(cluster.api)

    def ready(self, pattern: str) -> dict[str, str]:
        """Find those whose names match that are ready and not about to go: their names and identities."""
        listed = self.core.list_namespaced_pod(SPACE).items
        return {
            pod.metadata.name: pod.metadata.uid
            for pod in listed
            if re.match(pattern, pod.metadata.name) and not pod.metadata.deletion_timestamp
            if any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
        }

    def lose(self, pattern: str) -> None:
        """Take one away at once, as when its machine is lost; wait until as many are ready without it."""
        before = self.ready(pattern)
        name, identity = next(iter(before.items()))
        self.core.delete_namespaced_pod(name, SPACE, grace_period_seconds=0)

        def replaced() -> bool:
            now = self.ready(pattern)
            return len(now) >= len(before) and identity not in now.values()

        until(replaced, f"another pod {pattern} is ready", BACK_WITHIN)


@pytest.fixture
def pods(cluster: Cluster) -> Pods:
    return Pods(cluster)


def test_a_pod_of_the_endpoint_is_lost(care: Care, pods: Pods, load: Load) -> None:
    assert len(pods.ready("score-")) == 2, "there are two replicas"
    with load.phase("a pod is lost") as seen:
        load.keep_up(5)
        pods.lose("score-")
        load.keep_up(20)
    last = seen.answers[-50:]
    assert [one for one in last if one.failed] == []
    # What the pod had in hand is lost with it, and what is sent before anybody knows that it is gone.
    assert len(seen.failed) < len(seen.answers) / 10
    assert shown(care.stack.refresh()) == []


def test_the_object_store_is_lost(care: Care, cluster: Cluster, pods: Pods, load: Load) -> None:
    """Its disk is not: what was written is there, and the endpoint answers all the while."""
    del care
    with kept(cluster, SPACE, "care") as store:
        store.write("kept/file", b"written before")
    with load.phase("the object store is lost") as seen:
        pods.lose("care-store-")
        load.keep_up(20)
    with kept(cluster, SPACE, "care") as store:
        assert store.read("kept/file") == b"written before"
    assert seen.failed == []


def test_the_disk_of_the_object_store_is_full(
    care: Care, real: Sandbox, cluster: Cluster, load: Load, figures: list[str]
) -> None:
    """Who writes is told, the endpoint answers all the while, and with more room everything goes on."""
    if isinstance(real, Borrowed):
        pytest.skip("the node's disks are not ours to change")
    del care
    written: dict[str, bytes] = {}

    def write(store: Kept) -> bool:
        name, content = f"full/{len(written)}", secrets.token_bytes(MEBIBYTE)
        try:
            store.write(name, content)
        except (ClientError, BotoCoreError):
            return False
        written[name] = content
        return True

    with small(real, cluster, SPACE, "care-store", SMALL) as disk:
        with load.phase("the disk of the object store is full") as seen, kept(cluster, SPACE, "care") as store:
            while write(store):
                assert len(written) <= SMALL, "more is taken than there is room for"
            before = len(written)
            load.keep_up(20)
            disk.enlarge(2 * SMALL)
            until(lambda: write(store), "it takes more", BACK_WITHIN)
        figures.append(f"of {SMALL} MiB the object store gave {before}, and went on when there was more room")
        with kept(cluster, SPACE, "care") as store:
            assert [name for name, content in written.items() if store.read(name) != content] == []
    assert before > SMALL / 4
    assert seen.failed == []
    with kept(cluster, SPACE, "care") as store:
        assert [name for name, content in written.items() if store.read(name) != content] == []


@pytest.mark.parametrize("which", [r"models-mlflow-db-\d", "models-mlflow-[0-9a-f]{6}"], ids=["database", "server"])
def test_the_registry_is_lost(care: Care, pods: Pods, which: str) -> None:
    number = care.registered()
    pods.lose(which)
    assert number in care.versions()
    assert care.registered() == number + 1, "it takes more"


def test_the_database_is_moved(care: Care, cluster: Cluster, figures: list[str]) -> None:
    """As when its node is drained; the registry keeps connections open, for which a Postgres that ends waits."""
    number, began = care.registered(), time.monotonic()
    told(cluster, SPACE, "delete", "pod", "models-mlflow-db-1")
    assert number in care.versions()
    figures.append(timed("the registry answers after its database was moved", began))
    assert time.monotonic() - began < MOVED_WITHIN
    assert care.registered() == number + 1


def test_a_password_is_rotated(care: Care, cluster: Cluster) -> None:
    """As docs/recovery.md says: the RandomPassword is replaced, and the pods that read it are made anew."""
    before = cluster.secret(SPACE, "models-mlflow")["password"]
    number = care.registered()
    urns = [one["urn"] for one in care.stack.state()["resources"] if one["type"].endswith(":RandomPassword")]
    (admin,) = [urn for urn in urns if urn.endswith("::models-admin-password")]
    succeeded(care.stack.up("--replace", admin))
    assert cluster.secret(SPACE, "models-mlflow")["password"] != before
    assert number in care.versions()
    assert shown(care.stack.up()) == []
