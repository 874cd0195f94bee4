"""TrainingCluster on Azure: a compute without public addresses, whose size is fixed and in its name."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, TrainingClusterRef, Unsupported
from pulumi_mlops.backends.azure import live
from pulumi_mlops.core import private
from support.facts.azure import HUB, SETTINGS, WORKSPACE, hub
from support.mocks import Cloud, Registration

FOUR: dict[str, Any] = {"nodes": {"max": 4}}


def make(cloud: Cloud, on: mlops.PlatformRef = HUB, name: str = "gpus", **args: Any) -> TrainingClusterRef:
    made: list[TrainingClusterRef] = []
    cloud.run(lambda: made.append(mlops.TrainingCluster(name, platform=on, **args).ref), **SETTINGS)
    return made[0]


def compute(**args: Any) -> Registration:
    cloud = Cloud()
    make(cloud, **args)
    return cloud.one("machinelearningservices/Compute")


def machines(**args: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = compute(**args).inputs["properties"]["properties"]
    return found


def refused(on: mlops.PlatformRef = HUB, **args: Any) -> list[str]:
    cloud = Cloud(preview=True)
    with pytest.raises(InvalidArgs) as caught:
        make(cloud, on, **args)
    assert cloud.registered == []
    return [str(problem) for problem in caught.value.problems]


def test_machines_are_none_without_a_run_and_nobody_reaches_them() -> None:
    found = machines(**FOUR)
    assert found["scaleSettings"] == {"minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M"}
    assert found["enableNodePublicIp"] is False
    assert found["remoteLoginPortPublicAccess"] == "Disabled"
    assert compute().inputs["properties"]["disableLocalAuth"] is True
    assert "subnet" not in found


def test_they_act_as_an_identity_that_pulls_images(cloud: Cloud) -> None:
    terms = make(cloud)
    assert [one.inputs["scope"] for one in cloud.all("authorization/RoleAssignment")] == [HUB.address["registry_id"]]
    assert cloud.one("machinelearningservices/Compute").inputs["identity"]["type"] == "UserAssigned"
    assert "gpus-right-acrpull-images" in cloud.one("machinelearningservices/Compute").depends_on
    assert set(terms.address) >= {"compute", "identity", "client", "principal"}


@pytest.mark.parametrize(
    ("args", "idle"),
    [({"idle_minutes": 20, **FOUR}, "PT20M"), ({"warm_minutes": 45, **FOUR}, "PT45M"), ({}, "PT2M")],
)
def test_how_long_an_idle_machine_waits(args: dict[str, Any], idle: str) -> None:
    assert machines(**args)["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == idle


def test_counts_keep_the_name_and_another_size_takes_another() -> None:
    first = compute(**FOUR)
    assert compute(nodes={"min": 1, "max": 9}).inputs["computeName"] == first.inputs["computeName"]
    others = [compute(compute={"cpus": 32}), compute(spot={"max_wait_hours": 1}), compute(name="other")]
    names = {one.inputs["computeName"] for one in (first, *others)}
    assert len(names) == 4
    assert all(re.fullmatch(r"[a-z](?![a-z0-9-]*-\d+$)[a-z0-9-]{1,22}[a-z0-9]", name) for name in names)
    assert first.delete_before_replace is False


@pytest.mark.parametrize("name", ["a", "a-name-as-long-as-a-name-can-be-at-all-40", "cut-right-at-hy-phen-x"])
def test_names_are_within_the_limit(name: str) -> None:
    assert re.fullmatch(
        r"[a-z](?![a-z0-9-]*-\d+$)[a-z0-9-]{1,22}[a-z0-9]", compute(name=name[:40]).inputs["computeName"]
    )


def test_spot_is_low_priority_and_is_warned_of() -> None:
    cloud = Cloud(preview=True)
    terms = make(cloud, spot={"max_wait_hours": 6})
    assert (
        cloud.one("machinelearningservices/Compute").inputs["properties"]["properties"]["vmPriority"] == "LowPriority"
    )
    assert terms.spot_wait_hours == 6
    assert any("low priority" in line for line in cloud.warnings)


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        ({"accelerator": "A100:8"}, "Standard_ND96asr_v4"),
        ({"cpus": 16}, "Standard_HC44rs"),
        ({"accelerator": "H100:8"}, "Standard_ND96isr_H100_v5"),
        ({"pin": {"azure": "Standard_HB120rs_v3"}}, "Standard_HB120rs_v3"),
    ],
)
def test_joined_machines_have_infiniband(wanted: dict[str, Any], size: str) -> None:
    assert machines(compute=wanted, interconnect=True, **FOUR)["vmSize"] == size


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"compute": {"accelerator": "A100:4"}, "interconnect": True, **FOUR},
            "interconnect: Standard_NC96ads_A100_v4 has no InfiniBand; write accelerator='A100:8'",
        ),
        (
            {"compute": {"pin": {"azure": "Standard_D8as_v4"}}, "interconnect": True, **FOUR},
            "interconnect: Standard_D8as_v4 has no InfiniBand",
        ),
        ({"compute": {"accelerator": "T4:8"}}, "compute.accelerator: no size of Azure has 8 of T4"),
        ({"compute": {"accelerator": "A10G:1"}}, "compute: no size of Azure's compute for training has all of that"),
        ({"compute": {"pin": {"azure": "ml.g5.xlarge"}}}, "compute.pin.azure: 'ml.g5.xlarge' is not a size of Azure"),
    ],
)
def test_machines_that_there_are_not(args: dict[str, Any], said: str) -> None:
    (told,) = refused(**args)
    assert told.startswith(said)


@pytest.mark.parametrize("args", [{"priority": "low"}, {"persistent": {}}])
def test_what_azure_does_not_have(cloud: Cloud, args: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        make(cloud, **args)
    assert cloud.registered == []


def test_more_than_the_quota_of_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def quota(_: object, size: str, *, low_priority: bool) -> tuple[str, int]:
        asked.append((size, low_priority))
        return "Standard DASv4 Family", 15

    monkeypatch.setattr(live, "quota", quota)
    (told,) = refused(nodes={"max": 4})
    assert told.startswith("nodes.max: 4 of Standard_D4as_v4 have 16 CPUs, and the quota of Standard DASv4 Family in")
    make(Cloud(), nodes={"max": 3}, spot={"max_wait_hours": 1})
    assert asked == [("Standard_D4as_v4", False), ("Standard_D4as_v4", True)]


THEIRS = {"within": "theirs"}


def opened(monkeypatch: pytest.MonkeyPatch, mode: str | None) -> None:
    network = {"managedNetwork": {"isolationMode": mode}} if mode else {}
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "of_workspace", lambda *_: {"properties": network})
    monkeypatch.setattr(live, "sizes", lambda _: frozenset())
    monkeypatch.setattr(live, "quota", lambda *_, **__: None)


def theirs(**facts: Any) -> mlops.PlatformRef:
    made = hub(**facts)
    return mlops.PlatformRef.load({**made.export(), "address": {**made.address, **THEIRS}})


@pytest.mark.parametrize("mode", [None, "Disabled"])
def test_a_workspace_without_a_network_needs_a_subnet(monkeypatch: pytest.MonkeyPatch, mode: str | None) -> None:
    opened(monkeypatch, mode)
    (told,) = refused(theirs())
    assert told.startswith("platform: the workspace has no managed network")
    cloud = Cloud()
    make(cloud, theirs(subnets=["/subnets/one"]))
    inner = cloud.one("machinelearningservices/Compute").inputs["properties"]["properties"]
    assert inner["subnet"] == {"id": "/subnets/one"}


def test_a_workspace_with_a_network_takes_no_subnet(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch, "AllowInternetOutbound")
    cloud = Cloud()
    make(cloud, theirs(subnets=["/subnets/one"]))
    assert "subnet" not in cloud.one("machinelearningservices/Compute").inputs["properties"]["properties"]


def existing(monkeypatch: pytest.MonkeyPatch, there: dict[str, Any] | None, **args: Any) -> TrainingClusterRef:
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "compute", lambda _, name: there if name == "theirs" else None)
    made: list[TrainingClusterRef] = []
    Cloud().run(
        lambda: made.append(mlops.TrainingCluster.existing("gpus", platform=HUB, **{"called": "theirs", **args})),
        **SETTINGS,
    )
    return made[0]


def test_a_compute_that_is_there_tells_all_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = f"{WORKSPACE}/identity"
    there = {
        "id": f"{WORKSPACE}/computes/theirs",
        "identity": {"userAssignedIdentities": {identity: {"clientId": "c", "principalId": "p"}}},
        "properties": {
            "computeType": "AmlCompute",
            "properties": {
                "vmSize": "Standard_ND96asr_v4",
                "scaleSettings": {"minNodeCount": 1, "maxNodeCount": 3},
            },
        },
    }
    found = existing(monkeypatch, there)
    assert (found.accelerator, found.accelerators, found.nodes_min, found.nodes_max) == ("A100", 8, 1, 3)
    assert found.interconnect
    assert (found.address["identity"], found.address["principal"]) == (identity, "p")


def test_one_that_is_not_there_or_runs_no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgs, match="there is no compute 'other' in the platform's workspace"):
        existing(monkeypatch, None, called="other")
    with pytest.raises(InvalidArgs, match="is of type 'ComputeInstance', and runs need an 'AmlCompute'"):
        existing(monkeypatch, {"properties": {"computeType": "ComputeInstance"}})
