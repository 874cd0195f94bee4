"""A real node, where the machine can have one and its programs are built: it comes up, does its work, and goes.

One node for all of it, as its start is what takes time.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.utils import FailToCreateError

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.nodes import product, requirements
from pulumi_mlops_sandbox.kubernetes.nodes.leftovers import called
from support.trial import SERVICE, Trial
from support.waiting import until

EMPTY = "emptyDir: {}"


def absent() -> str:
    """Say why there can be no node here; nothing where there can."""
    if found := "; ".join(requirements.problems(building.cache())):
        return found
    return "" if product.find() else "the node's programs are not built: run `make node`"


pytestmark = pytest.mark.skipif(bool(absent()), reason=absent() or "none")

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-b}
spec:
  podSelector: {matchLabels: {app: a}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 8080}]}]
  egress: []
"""


def traces(own: str) -> dict[str, list[str]]:
    """List what a node could leave behind on this machine; nodes of others, which come and go, are left out."""
    told: dict[str, list[str]] = {}
    for name, command in {
        "links": ["ip", "-brief", "link"],
        "addresses": ["ip", "-brief", "address"],
        "routes": ["ip", "route", "show", "table", "all"],
        "mounts": ["findmnt", "--list", "--noheadings", "--output", "TARGET,FSTYPE"],
        "control groups": ["find", "/sys/fs/cgroup", "-maxdepth", "2", "-name", "mlops*"],
    }.items():
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        told[name] = sorted(line for line in lines if own in line or "mlops" not in line)
    for place in ("/var/lib", "/var/log", "/opt", "/etc", "/usr/libexec", "/run"):
        told[place] = sorted(path.name for path in Path(place).iterdir()) if Path(place).is_dir() else []
    return told


def changed(home: Path, before: dict[str, list[str]]) -> set[str]:
    """Name what is there of a node that was not there before, or the other way round."""
    return {name for name, lines in traces(called(home)).items() if lines != before[name]}


def settled(home: Path, before: dict[str, list[str]], left: set[str]) -> None:
    """Wait until nothing but this is there that was not: the kernel takes a link away a moment after its namespace."""
    with suppress(AssertionError):
        until(lambda: changed(home, before) == left, within=10)
    now = traces(called(home))
    told = {name: sorted({*now[name]} ^ {*before[name]}) for name in now if now[name] != before[name]}
    assert set(told) == left, told


def namespaces(pids: list[int]) -> set[str]:
    """Name the namespaces of processes."""
    found = set()
    for pid in pids:
        for kind in ("net", "pid", "mnt"):
            with suppress(OSError):
                found.add(str(Path(f"/proc/{pid}/ns/{kind}").readlink()))
    return found


def supervised(home: Path) -> list[psutil.Process]:
    """List the processes that a sandbox's cluster has, those in the namespaces among them."""
    server = psutil.Process(json.loads((home / "kubernetes.json").read_text())["pid"])
    return [server, *server.children(recursive=True)]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """List those that have not ended."""
    found = []
    for process in processes:
        with suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return (tmp_path_factory.mktemp("real") / "home").resolve()


@pytest.fixture(scope="module")
def before(home: Path) -> dict[str, list[str]]:
    return traces(called(home))


@pytest.fixture(scope="module")
def sandbox(before: dict[str, list[str]], home: Path) -> Iterator[Sandbox]:
    del before  # only its time matters
    made = Sandbox(home)
    try:
        made.up(["kubernetes"], "real")
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def node(sandbox: Sandbox) -> Iterator[Trial]:
    """Have three pods under *restricted*, of which one keeps its data in a volume."""
    made = Trial(sandbox.home / "kubeconfig", "trial")
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    made.core.create_namespace({"metadata": {"name": "trial", "labels": restricted}})
    made.apply(CLAIM)
    made.apply(SERVICE)
    made.pods({"a": "persistentVolumeClaim: {claimName: data}", "b": EMPTY, "c": EMPTY}, with_token="b")
    yield made
    made.api.close()


def test_a_node_does_its_work(node: Trial, home: Path) -> None:
    """One test, so that two workers do not start a node each."""
    a_restricted_pod_answers_by_name(node)
    the_apiserver_answers_a_pod_that_trusts_its_authority(node, home)
    a_policy_holds(node)
    metrics_are_served_by_an_apiserver_behind_the_apiserver(node)


def a_restricted_pod_answers_by_name(node: Trial) -> None:
    until(lambda: node.asks("b", "a.trial.svc.cluster.local"))  # the names of a new Service take a moment
    until(lambda: node.asks("c", "a"))
    assert "uid=1000" in node.run("b", "id")
    assert "Read-only" in node.run("b", "touch", "/x")


def the_apiserver_answers_a_pod_that_trusts_its_authority(node: Trial, home: Path) -> None:
    where = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert node.run("b", "ls", where).split() == ["ca.crt", "namespace", "token"]
    authority = node.run("b", "cat", f"{where}/ca.crt")
    assert authority.strip() == (home / "kubernetes-real/pki/ca.crt").read_text().strip()
    with config.new_client_from_config_dict(
        {
            "current-context": "pod",
            "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
            "clusters": [
                {
                    "name": "pod",
                    "cluster": {
                        "server": json.loads((home / "kubernetes.json").read_text())["server"],
                        "certificate-authority": str(home / "kubernetes-real/pki/ca.crt"),
                    },
                }
            ],
            "users": [{"name": "pod", "user": {"token": node.run("b", "cat", f"{where}/token")}}],
        }
    ) as api:
        me = client.AuthenticationV1Api(api).create_self_subject_review({})
        assert me.status.user_info.username == "system:serviceaccount:trial:default"
        with pytest.raises(ApiException, match="Forbidden"):
            client.CoreV1Api(api).list_namespaced_secret("trial")


def a_policy_holds(node: Trial) -> None:
    address = node.address("b")
    until(lambda: node.asks("a", address))
    node.apply(POLICY)
    until(lambda: not node.asks("c", "a"))
    until(lambda: node.asks("b", "a"))
    assert not node.asks("a", address), "and nothing is let out"
    own = node.address("a")
    assert not node.asks("c", own), "nor by the pod's own address"


def metrics_are_served_by_an_apiserver_behind_the_apiserver(node: Trial) -> None:
    def used() -> list[Any]:
        try:
            listed = client.CustomObjectsApi(node.api).list_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes")
        except ApiException:
            return []
        return list(listed["items"])

    assert [item["metadata"]["name"] for item in until(used, within=90)] == ["node"]


def killed(home: Path, before: dict[str, list[str]]) -> None:
    """Kill the supervisor, and wait until everything has ended with it.

    What goes with the link stays for minutes where a connection has something to send.
    """
    had = supervised(home)
    had[0].kill()
    until(lambda: not alive(had))
    assert {"control groups"} <= changed(home, before) <= {"control groups", "links", "addresses", "routes"}


@pytest.mark.acceptance
def test_killed_at_any_moment_it_comes_back_with_what_it_held(
    node: Trial, sandbox: Sandbox, before: dict[str, list[str]]
) -> None:
    home = sandbox.home
    with suppress(FailToCreateError):  # it is there where the other tests ran before
        node.apply(POLICY)
    until(lambda: not node.asks("c", "a"))
    killed(home, before)
    sandbox.down()
    settled(home, before, set())
    sandbox.up(["kubernetes"])
    killed(home, before)
    sandbox.up(["kubernetes"])
    until(lambda: node.ready("a") and node.ready("b") and node.ready("c"))
    until(lambda: node.asks("b", "a"))  # by name, of what the volume kept
    assert not node.asks("c", "a"), "and policies hold as before"


@pytest.mark.acceptance
@pytest.mark.usefixtures("node")
def test_it_goes_without_a_trace(sandbox: Sandbox, before: dict[str, list[str]]) -> None:
    own = called(sandbox.home)
    assert own in "".join(traces(own)["routes"])
    processes = supervised(sandbox.home)
    had = namespaces([process.pid for process in processes]) - namespaces([os.getpid()])
    assert len({name for name in had if name.startswith("net")}) > 3, "the node has one, and each pod"
    sandbox.down()
    assert alive(processes) == []
    assert had & namespaces(psutil.pids()) == set()
    settled(sandbox.home, before, set())
