"""A real API server takes every object of a training cluster, and the pods of its runs, under *restricted*."""

import copy
import functools
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient, ApiException, CoreV1Api

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.environment import Sandbox
from support.admission import client, document, offer, pods_of, remove_namespace, restricted_namespace
from support.facts.kubernetes import HUB, IMAGE, NAMESPACE
from support.mocks import Cloud
from support.waiting import until

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "compute": {"accelerator": "A10G:1", "pin": {"kubernetes": "pool=gpus"}},
        "nodes": {"max": 4},
        "spot": {"max_wait_hours": 6},
        "max_hours": 12.5,
        "interconnect": True,
        "priority": "high",
        "tags": {"mail": "ml@example.com"},
    },
    "a slice": {"compute": {"accelerator": "A100-1g.5gb:1"}},
    "half a processor": {"compute": {"cpus": 0.5, "memory_gb": 0.5}, "nodes": {"max": 3}},
}


@functools.cache
def ran(case: str) -> Cloud:
    """Register the clusters of a case, once: one, and one that shares its machines."""
    cloud = Cloud()

    def program() -> None:
        gpus = mlops.TrainingCluster("gpus", platform=HUB, **CASES[case])
        compute: Any = {"compute": CASES[case].get("compute", {"cpus": 1})}
        mlops.TrainingCluster("spare", platform=HUB, shares=gpus, priority="low", **compute)

    cloud.run(program)
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
    core = CoreV1Api(found)
    until(lambda: core.list_namespaced_service_account(NAMESPACE).items, "the account that pods have")
    yield found
    remove_namespace(found, NAMESPACE)
    found.close()


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_everything_without_a_warning(api: ApiClient, case: str) -> None:
    kinds = set()
    for found in objects(case):
        assert offer(api, found) == [], found["kind"]
        kinds.add(found["kind"])
    assert {"ResourceFlavor", "ClusterQueue", "LocalQueue", "WorkloadPriorityClass", "TrainingRuntime"} <= kinds


@pytest.mark.parametrize("case", CASES)
def test_the_pods_of_a_run_are_admitted(api: ApiClient, case: str) -> None:
    for runtime in (found for found in objects(case) if found["kind"] == "TrainingRuntime"):
        (job,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
        template = copy.deepcopy(job["template"])
        template["spec"]["template"]["spec"]["containers"][0]["image"] = IMAGE
        metadata = {"name": runtime["metadata"]["name"], "namespace": NAMESPACE}
        whole = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}
        assert offer(api, whole) == []
        assert offer(api, pods_of(whole, {})) == []


def test_a_borrower_without_a_cohort_would_be_refused(api: ApiClient) -> None:
    """The limits of what is borrowed are judged by Kueue's own rules, which the sandbox has."""
    queue = next(
        found
        for found in objects("plain")
        if found["metadata"]["name"].endswith("spare") and "resourceGroups" in found.get("spec", {})
    )
    del queue["spec"]["cohortName"]
    with pytest.raises(ApiException, match="borrowingLimit"):
        offer(api, queue)
