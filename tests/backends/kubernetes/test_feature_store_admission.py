"""A real API server takes every object of a feature store, and every pod that follows, under *restricted*."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient, ApiException

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.environment import Sandbox
from support.admission import client, document, offer, pods_of, remove_namespace, restricted_namespace
from support.facts.kubernetes import hub
from support.mocks import Cloud

NAMESPACE = "shop-dev"
CASES: dict[str, dict[str, Any]] = {
    "plain": {"platform": hub("shop")},
    "everything": {
        "platform": hub("shop", pull_secret="shop-pull"),
        "materialize": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
        "tags": {"mail": "ml@example.com"},
    },
    "a database of the user's": {
        "platform": hub("shop", database={"host": "db.example.com", "port": 5432, "secret": "db", "tls": "require"})
    },
}


def objects(case: str) -> list[dict[str, Any]]:
    cloud = Cloud()

    def program() -> None:
        store = mlops.FeatureStore("features", **CASES[case])
        features: Any = {"id": "string", "at": "timestamp", "age": "integer"}
        mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features, online={})

    cloud.run(program)
    return [document(made) for made in cloud.registered if made.type.startswith("kubernetes:")]


@pytest.fixture(scope="module")
def api(cluster: Sandbox) -> Iterator[ApiClient]:
    found = client(cluster.env()["KUBECONFIG"])
    offer(found, restricted_namespace(NAMESPACE), keep=True)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pods", "namespace": NAMESPACE}}
    offer(found, account, keep=True)
    yield found
    remove_namespace(found, NAMESPACE)
    found.close()


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_everything_without_a_warning(api: ApiClient, case: str) -> None:
    refused = {}
    for found in objects(case):
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
    workloads = [found for found in made if found["kind"] in ("Deployment", "StatefulSet", "Job")]
    workloads += [found | found["spec"]["jobTemplate"] for found in made if found["kind"] == "CronJob"]
    pods = [pods_of(found, {}) for found in workloads]
    assert len(pods) >= 3
    for pod in pods:
        pod["spec"]["serviceAccountName"] = "pods"
        if _mounts_data(pod):  # the claim that the controller of a StatefulSet adds
            pod["spec"]["volumes"].append({"name": "data", "emptyDir": {}})
        assert offer(api, pod) == []


def _mounts_data(pod: dict[str, Any]) -> bool:
    return any(mount["name"] == "data" for one in pod["spec"]["containers"] for mount in one["volumeMounts"])
