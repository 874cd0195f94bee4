"""What a small machine's policy makes of what pods ask for, judged by a real API server."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, dynamic
from kubernetes.client.exceptions import ApiException

from pulumi_mlops_sandbox.kubernetes.operators.small import CPU, MEMORY, POLICY
from support.waiting import until

GREEDY: dict[str, Any] = {"requests": {"cpu": "2", "memory": "3Gi"}, "limits": {"cpu": "2", "memory": "3Gi"}}
MODEST: dict[str, Any] = {"requests": {"memory": "8Mi"}, "limits": {"memory": "16Mi"}}
LIMITED: dict[str, Any] = {"limits": {"memory": "1Gi"}}


def admitted(core: Any, namespace: str, **resources: Any) -> dict[str, Any]:
    """Say what becomes of containers, and of one that prepares the pod; nothing is made."""

    def container(name: str) -> dict[str, Any]:
        return {"name": name, "image": "busybox", "resources": resources[name]}

    spec = {"containers": [container(name) for name in resources if name != "first"]}
    if "first" in resources:
        spec["initContainers"] = [container("first")]
    pod = core.create_namespaced_pod(namespace, {"metadata": {"name": "tried"}, "spec": spec}, dry_run="All")
    return {
        each.name: (each.resources.requests, each.resources.limits)
        for each in [*pod.spec.containers, *(pod.spec.init_containers or [])]
    }


def asked(core: Any, namespace: str) -> Any:
    """Say what CPU a container asks for that wants much; nothing while the new namespace has no account yet."""
    try:
        return admitted(core, namespace, one=GREEDY)["one"][0]["cpu"]
    except ApiException:
        return None


@pytest.fixture
def small(kinds: dynamic.DynamicClient, core: client.CoreV1Api, namespace: str) -> Iterator[None]:
    """Have the policy in the cluster, which other tests share."""
    kind = {each["kind"]: kinds.resources.get(api_version=each["apiVersion"], kind=each["kind"]) for each in POLICY}
    try:
        for each in POLICY:
            kind[each["kind"]].create(body=each)
        until(lambda: asked(core, namespace) == CPU, "the policy holds", 30)
        yield
    finally:
        for each in POLICY:
            kind[each["kind"]].delete(name=each["metadata"]["name"])
        until(lambda: asked(core, namespace) == GREEDY["requests"]["cpu"], "it holds no more", 30)


@pytest.mark.usefixtures("small")
def test_containers_ask_for_little_and_keep_their_limits(core: client.CoreV1Api, namespace: str) -> None:
    found = admitted(core, namespace, greedy=GREEDY, modest=MODEST, limited=LIMITED, nothing={}, first=GREEDY)
    little = {"cpu": CPU, "memory": MEMORY}
    assert found == {
        "greedy": (little, GREEDY["limits"]),
        "modest": ({"cpu": CPU, "memory": "8Mi"}, MODEST["limits"]),
        "limited": (little, LIMITED["limits"]),
        "nothing": ({"cpu": CPU}, None),
        "first": (little, GREEDY["limits"]),
    }
