"""A real API server takes every object of an endpoint as it stands, and every pod that follows, under *restricted*."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient, ApiException

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.environment import Sandbox
from support.admission import client, document, offer, pods_of, remove_namespace, restricted_namespace
from support.facts.kubernetes import GROUP, HUB, IMAGE, NAMESPACE, hub, version
from support.mocks import Cloud

FILES = {"image": IMAGE, "artifact": "s3://artifacts/m/"}
CASES: dict[str, dict[str, Any]] = {
    "plain": {"model": version()},
    "files": {"model": FILES},
    "everything": {
        "model": version(),
        "scaling": {"min": 2, "max": 4, "requests_per_replica": 400},
        "reads": [GROUP.online],
        "secrets": {"HUB": mlops.SecretRef.existing("hub", backend="kubernetes")},
        "capture_percent": 100,
        "release": {"canary": {"percent": 10}, "rollback_alarms": ["Theirs"]},
        "health": {"latency_ms": 200},
        "invokers": [{"namespace": "shop"}],
        "compute": {"accelerator": "A10G:1"},
        "tags": {"mail": "ml@example.com"},
    },
    "variants": {
        "variants": [{"name": "a", "model": FILES}, {"name": "b", "model": version(), "weight": 2.5}],
        "scaling": {"min": 2, "max": 2},
    },
    "shadow": {"model": version(), "shadow": {"model": version(4), "percent": 12.5}},
    "a pinned node": {"model": version(), "compute": {"cpus": 1, "pin": {"kubernetes": "pool=fast"}}},
    "nothing around": {"model": FILES, "platform": hub(gateway=None, metrics=None)},
}


@functools.cache
def ran(case: str) -> Cloud:
    """Register the endpoint of a case, once."""
    cloud = Cloud()
    cloud.run(lambda: mlops.Endpoint("score", **({"platform": HUB} | CASES[case])))
    return cloud


def objects(case: str) -> list[dict[str, Any]]:
    """Return the objects of a case; they are the caller's to change."""
    return [
        document(made) for made in ran(case).registered if made.custom and not made.type.startswith("pulumi:providers:")
    ]


@pytest.fixture(scope="module")
def api(cluster: Sandbox) -> Iterator[ApiClient]:
    found = client(cluster.env()["KUBECONFIG"])
    offer(found, restricted_namespace(NAMESPACE), keep=True)
    for name in ("score", "score-release"):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
        offer(found, account, keep=True)
    yield found
    remove_namespace(found, NAMESPACE)
    found.close()


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_everything_without_a_warning(api: ApiClient, case: str) -> None:
    refused = {}
    for found in objects(case):
        if found["kind"] == "ServiceAccount" and found["metadata"]["name"] in ("score", "score-release"):
            continue  # they are there
        try:
            warnings = offer(api, found)
        except ApiException as error:
            warnings = [str(error.reason)]
        if warnings:
            refused[f"{found['kind']} {found['metadata']['name']}"] = warnings
    assert refused == {}


@pytest.mark.parametrize("case", CASES)
def test_the_pods_that_follow_are_admitted(api: ApiClient, case: str) -> None:
    made = objects(case)
    runtimes = {found["metadata"]["name"]: found for found in made if found["kind"] == "ServingRuntime"}
    pods = [pods_of(found, runtimes) for found in made if found["kind"] in ("InferenceService", "Job")]
    assert len(pods) >= 1
    for pod in pods:
        assert offer(api, pod) == []


def test_a_pod_that_is_not_locked_down_is_refused(api: ApiClient) -> None:
    """The namespace judges: the test above could fail."""
    (made,) = [found for found in objects("files") if found["kind"] == "InferenceService"]
    pod = pods_of(made, {})
    del pod["spec"]["securityContext"]["seccompProfile"]
    with pytest.raises(ApiException, match="violates PodSecurity"):
        offer(api, pod)
