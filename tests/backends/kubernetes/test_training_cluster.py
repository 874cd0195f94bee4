"""TrainingCluster on Kubernetes: a queue with a quota, who goes first in it, and how a run is started."""

from collections.abc import Mapping
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, TrainingClusterRef, Unsupported
from support.facts.kubernetes import HUB, hub
from support.mocks import Cloud

FOUR: dict[str, Any] = {"nodes": {"max": 4}}


def make(cloud: Cloud, on: mlops.PlatformRef = HUB, **args: Any) -> TrainingClusterRef:
    made: list[TrainingClusterRef] = []
    cloud.run(lambda: made.append(mlops.TrainingCluster("gpus", platform=on, **args).ref))
    return made[0]


def spec(kind: str, **args: Any) -> Mapping[str, Any]:
    cloud = Cloud()
    make(cloud, **args)
    one = cloud.one(kind, "gpus-quota") if kind == "ClusterQueue" else cloud.one(kind)
    found: Mapping[str, Any] = one.inputs["spec"]
    return found


def quota(found: Mapping[str, Any], word: str = "nominalQuota") -> dict[str, str]:
    (group,) = found["resourceGroups"]
    (flavor,) = group["flavors"]
    assert group["coveredResources"] == [one["name"] for one in flavor["resources"]]
    return {one["name"]: one[word] for one in flavor["resources"]}


def test_all_runs_together_take_what_all_machines_have() -> None:
    found = spec("ClusterQueue", compute={"accelerator": "A10G:2", "cpus": 16, "memory_gb": 64}, **FOUR)
    assert quota(found) == {"cpu": "64", "memory": "256Gi", "nvidia.com/gpu": "8"}
    assert set(quota(found, "borrowingLimit").values()) == {"0"}
    assert found["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "churn-dev"}}


def test_what_has_no_namespace_is_named_after_the_platform(cloud: Cloud) -> None:
    terms = make(cloud)
    parts = {"ClusterQueue": "gpus-quota", "ResourceFlavor": "gpus-flavor", "WorkloadPriorityClass": "gpus-priority"}
    for kind, name in parts.items():
        meta = cloud.one(kind, name).inputs["metadata"]
        assert meta["name"] == "churn-dev.gpus"
        assert "namespace" not in meta
    assert cloud.one("LocalQueue").inputs["spec"] == {"clusterQueue": "churn-dev.gpus-runs"}
    assert cloud.one("LocalQueue").inputs["metadata"]["namespace"] == "churn-dev"
    assert (terms.address["priority"], terms.address["runtime"]) == ("churn-dev.gpus", "gpus")


def test_the_long_names_of_two_platforms_are_two_names() -> None:
    names = set()
    for platform in ("a-platform-of-a-name-of-forty-letters-1", "a-platform-of-a-name-of-forty-letters-2"):
        cloud = Cloud()
        cloud.run(
            lambda name=platform: (
                mlops.TrainingCluster("a-cluster-of-a-name-of-forty-letters-abc", platform=hub(name))  # type: ignore[misc]
                and None
            )
        )
        names |= {one.inputs["metadata"]["name"] for one in cloud.all("ClusterQueue")}
    assert len(names) == 4
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize(("priority", "value"), [("low", -1000), ("normal", 0), ("high", 1000), (None, 0)])
def test_who_goes_first(cloud: Cloud, priority: Any, value: int) -> None:
    make(cloud, priority=priority)
    assert cloud.one("WorkloadPriorityClass").inputs["value"] == value
    assert "spec" not in cloud.one("WorkloadPriorityClass").inputs


def test_who_shares_borrows_by_priority_and_has_nothing_of_its_own(cloud: Cloud) -> None:
    def program() -> None:
        gpus = mlops.TrainingCluster("gpus", platform=HUB, spot={"max_wait_hours": 6}, **FOUR)
        mlops.TrainingCluster("spare", platform=HUB, nodes={"max": 2}, shares=gpus, priority="low")

    cloud.run(program)
    (flavor,) = cloud.all("ResourceFlavor")
    owner, other = (cloud.one("ClusterQueue", f"{name}-quota").inputs["spec"] for name in ("gpus", "spare"))
    # Kueue takes from whoever borrows: the owner's own runs do as well.
    own = cloud.one("ClusterQueue", "gpus-runs").inputs["spec"]
    assert own["cohortName"] == owner["cohortName"]
    assert quota(own, "borrowingLimit") == quota(owner)
    assert set(quota(own).values()) == {"0"}
    assert owner["cohortName"] == other["cohortName"] == "churn-dev.gpus"
    assert quota(other) == {"cpu": "0", "memory": "0"}
    assert quota(other, "borrowingLimit") == {"cpu": "8", "memory": "32Gi"}
    assert other["resourceGroups"][0]["flavors"][0]["name"] == flavor.inputs["metadata"]["name"]
    assert "gpus-flavor" in cloud.one("ClusterQueue", "spare-quota").depends_on
    for found in (owner, other):
        assert found["preemption"] == {
            "withinClusterQueue": "LowerPriority",
            "reclaimWithinCohort": "LowerPriority",
            "borrowWithinCohort": {"policy": "LowerPriority"},
        }
    runtime = cloud.one("TrainingRuntime", "spare-runtime").inputs["spec"]["template"]["spec"]
    assert runtime["failurePolicy"]["maxRestarts"] > 0  # the machines of the other one may be taken away


@pytest.mark.parametrize(
    ("args", "labels", "taints"),
    [
        ({}, {}, set()),
        (
            {"spot": {"max_wait_hours": 1}},
            {"karpenter.sh/capacity-type": "spot"},
            {"karpenter.sh/capacity-type"},
        ),
        ({"interconnect": True, **FOUR}, {"feature.node.kubernetes.io/rdma.available": "true"}, set()),
        ({"compute": {"accelerator": "A10G:1"}}, {}, {"nvidia.com/gpu"}),
        (
            {"compute": {"accelerator": "A10G:1", "pin": {"kubernetes": "pool=gpus"}}},
            {"pool": "gpus"},
            {"nvidia.com/gpu", "pool"},
        ),
    ],
)
def test_nodes_are_named_by_labels_and_their_taints_are_tolerated(args: Any, labels: Any, taints: set[str]) -> None:
    found = spec("ResourceFlavor", **args)
    assert found.get("nodeLabels", {}) == labels
    assert {one["key"] for one in found.get("tolerations", [])} == taints


def job(**args: Any) -> Mapping[str, Any]:
    (found,) = spec("TrainingRuntime", **args)["template"]["spec"]["replicatedJobs"]
    assert found["name"] == "node"
    template: Mapping[str, Any] = found["template"]
    return template


def test_a_run_is_started_by_torch_in_restricted_pods() -> None:
    runtime = spec("TrainingRuntime")
    assert runtime["mlPolicy"] == {"numNodes": 1, "torch": {}}
    found = job(compute={"accelerator": "A10G:1"})
    assert found["metadata"]["labels"] == {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    pod = found["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["name"] == "node"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": False,
    }
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["automountServiceAccountToken"] is False
    assert pod["volumes"] == [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}]
    assert "image" not in container


def test_the_longest_run_ends_its_jobs_and_a_node_that_goes_ends_none() -> None:
    assert job(max_hours=1.5)["spec"]["activeDeadlineSeconds"] == 5400
    assert "activeDeadlineSeconds" not in job()["spec"]
    assert job()["spec"]["podFailurePolicy"]["rules"][0]["action"] == "Ignore"


def test_pods_of_runs_reach_each_other_and_nobody_else(cloud: Cloud) -> None:
    make(cloud)
    policy = cloud.one("NetworkPolicy").inputs["spec"]
    labels = {"matchLabels": {"pulumi-mlops/training-cluster": "gpus"}}
    assert policy["podSelector"] == labels
    assert policy["ingress"] == [{"from": [{"podSelector": labels}]}]
    assert policy["egress"] == [{"to": [{"podSelector": labels}]}]
    assert job()["spec"]["template"]["metadata"]["labels"] == labels["matchLabels"]


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"nodes": {"max": 9}}, "nodes.max"),
        ({"compute": {"accelerator": "A10G:1"}}, "nodes.max"),
        ({"compute": {"accelerator": "A11G:1"}}, "compute.accelerator"),
        ({"compute": {"pin": {"kubernetes": "gpus"}}}, "compute.pin.kubernetes"),
        ({"compute": {"cpus": 99999}}, "compute.cpus"),
    ],
)
def test_what_the_platform_could_never_hold(args: dict[str, Any], field: str) -> None:
    small = hub(quota={"cpus": 32, "memory_gb": 64, "accelerators": 0})
    cloud = Cloud(preview=True)
    with pytest.raises(InvalidArgs) as caught:
        make(cloud, small, **args)
    assert field in {problem.field for problem in caught.value.problems}
    assert cloud.registered == []


@pytest.mark.parametrize(
    "args",
    [{"nodes": {"min": 1, "max": 2}}, {"warm_minutes": 5}, {"idle_minutes": 5, **FOUR}, {"persistent": {}}],
)
def test_what_a_cluster_does_not_have(cloud: Cloud, args: Any) -> None:
    if "persistent" in args:
        args = {"persistent": {}, "nodes": {"min": 1, "max": 1}}
    with pytest.raises(Unsupported):
        make(cloud, **args)
    assert cloud.registered == []


def test_a_queue_of_an_admin_says_nothing_of_its_machines() -> None:
    with pytest.raises(InvalidArgs, match="compute: is required: a queue does not say what its nodes are"):
        Cloud().run(lambda: mlops.TrainingCluster.existing("theirs", platform=HUB) and None)
    found: list[TrainingClusterRef] = []
    wanted: Any = {"compute": {"accelerator": "A10G:1"}, "nodes": {"max": 3}}
    Cloud().run(lambda: found.append(mlops.TrainingCluster.existing("theirs", platform=HUB, **wanted)))
    assert (found[0].accelerator, found[0].nodes_max) == ("A10G", 3)
    assert (found[0].address["queue"], found[0].address["runtime_kind"]) == ("theirs", "ClusterTrainingRuntime")
