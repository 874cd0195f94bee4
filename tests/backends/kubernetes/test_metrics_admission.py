"""A real API server takes every object of what is measured, and the Pushgateway's pod, under *restricted*."""

from collections.abc import Iterator

import pytest
from kubernetes.client import ApiClient, CoreV1Api

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.environment import Sandbox
from support.admission import client, document, offer, pods_of, remove_namespace, restricted_namespace
from support.facts.kubernetes import hub
from support.mocks import Cloud
from support.waiting import until
from support.watching import watched

NAMESPACE = "seen-dev"
HUB = hub("seen", pull_secret="seen-pull")


@pytest.fixture(scope="module")
def api(cluster: Sandbox) -> Iterator[ApiClient]:
    found = client(cluster.env()["KUBECONFIG"])
    offer(found, restricted_namespace(NAMESPACE), keep=True)
    accounts = CoreV1Api(found)
    until(lambda: accounts.list_namespaced_service_account(NAMESPACE).items, "the namespace has its account")
    yield found
    remove_namespace(found, NAMESPACE)
    found.close()


def test_the_api_server_takes_everything_without_a_warning(api: ApiClient) -> None:
    cloud = Cloud()
    endpoint = mlops.EndpointRef(name="score", backend="kubernetes", platform=HUB, status="live", address={})
    cloud.run(lambda: watched(HUB, endpoint, stale_after_hours=3) and None)
    objects = [document(made) for made in cloud.registered if made.type.startswith("kubernetes:")]
    assert {one["kind"] for one in objects} == {
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "PodMonitor",
        "PrometheusRule",
        "Service",
    }
    pods = [pods_of(one, {}) for one in objects if one["kind"] == "Deployment"]
    warnings = {f"{one['kind']} {one['metadata']['name']}": offer(api, one) for one in [*objects, *pods]}
    assert not any(warnings.values()), warnings
