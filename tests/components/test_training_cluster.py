"""What is wrong with a training cluster on every backend, told at once and before anything is registered."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, TrainingClusterRef, Unsupported
from support.facts import aws, azure, kubernetes
from support.mocks import Cloud

HUBS = {"aws": aws.HUB, "azure": azure.HUB, "kubernetes": kubernetes.HUB}


def refused(backend: str, **args: Any) -> list[str] | None:
    """Return the problems; nothing where the backend does not have what is asked for at all."""
    cloud = Cloud(preview=True)
    with pytest.raises((InvalidArgs, Unsupported)) as caught:
        cloud.run(lambda: mlops.TrainingCluster("gpus", platform=HUBS[backend], **args) and None)
    assert cloud.registered == []
    return [str(problem) for problem in caught.value.problems] if isinstance(caught.value, InvalidArgs) else None


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"spot": {}}, "spot.max_wait_hours: is required"),
        ({"spot": {"max_wait_hours": 0}}, "spot.max_wait_hours: must be above 0"),
        ({"spot": {"max_wait_hours": 999}}, "spot.max_wait_hours: must be at most 672"),
        ({"nodes": {"min": 3, "max": 2}}, "nodes.max: 2 is less than min, which is 3; write a larger max"),
        ({"nodes": {"max": 0}}, "nodes.max: must be at least 1"),
        ({"nodes": {"max": True}}, "nodes.max: needs a whole number"),
        ({"nodes": {"min": -1}}, "nodes.min: must be at least 0"),
        ({"nodes": 4}, "nodes: needs a mapping, such as {…}"),
        ({"interconnect": True}, "interconnect: joins several machines, and nodes.max is 1; write nodes={'max': 2}"),
        ({"interconnect": "yes"}, "interconnect: needs True or False"),
        ({"warm_minutes": 5, "idle_minutes": 5, "nodes": {"max": 2}}, "takes at most one of 'warm_minutes' and"),
        ({"warm_minutes": 0}, "warm_minutes: must be at least 1"),
        ({"idle_minutes": 5, "nodes": {"min": 2, "max": 2}}, "idle_minutes: would give nothing back: nodes.min and"),
        ({"max_hours": 0}, "max_hours: must be above 0"),
        ({"priority": "urgent"}, "priority: 'urgent' is not one of 'low', 'normal' or 'high'"),
        ({"persistent": {}, "nodes": {"max": 4}}, "persistent: keeps all machines, so that both counts are one"),
        (
            {"persistent": {"setup": "apt-get install"}, "nodes": {"min": 1, "max": 1}},
            "persistent.setup: is no script: its first line says what runs it",
        ),
        ({"compute": {"accelerator": "A100"}}, "compute.accelerator: 'A100' must be 'model:count'"),
        ({"node": {"max": 1}}, "node: is not an argument here; did you mean 'nodes'?"),
        ({"shares": "gpus"}, "shares: needs a TrainingCluster, this is str"),
    ],
)
def test_what_no_backend_takes(args: dict[str, Any], said: str) -> None:
    told = [found for backend in HUBS if (found := refused(backend, **args)) is not None]
    assert told, "no backend has it"
    for found in told:
        assert any(said in line for line in found), found


def test_every_problem_is_told_at_once() -> None:
    told = refused(
        "kubernetes", spot={}, nodes={"min": 0, "max": 0}, priority="urgent", max_hours=-1, compute={"cpus": 0}, color=1
    )
    assert told
    fields = {line.partition(":")[0] for line in told}
    assert fields == {"spot.max_wait_hours", "nodes.max", "priority", "max_hours", "compute.cpus", "color"}


@pytest.mark.parametrize(
    ("args", "theirs", "said"),
    [
        ({"nodes": {"max": 9}}, {}, "shares: 'gpus' has 4 machines, and nodes.max is 9; write less"),
        ({"spot": {"max_wait_hours": 1}}, {}, "shares: spot: machines are those of 'gpus'; say it there"),
        (
            {"compute": {"accelerator": "A100:1"}},
            {"accelerator": "A10G", "accelerators": 1},
            "shares: 'gpus' has A10G, and no A100",
        ),
        (
            {"compute": {"cpus": 8, "memory_gb": 16}},
            {},
            "shares: one machine of 'gpus' has 4 CPUs, and compute asks for 8, and a run would wait for ever",
        ),
        ({}, {"memory_gb": 8}, "shares: one machine of 'gpus' has 8 GiB of memory, and compute asks for 16"),
        ({}, {"platform": kubernetes.hub("other")}, "shares: 'gpus' is on platform 'other'; share one of 'churn'"),
        ({}, {"address": {"queue": "gpus", "runtime": "torch-distributed"}}, "shares: 'gpus' existed already"),
    ],
)
def test_what_cannot_be_shared(args: dict[str, Any], theirs: dict[str, Any], said: str) -> None:
    known = {"name": "gpus", "backend": "kubernetes", "cpus": 4, "memory_gb": 16, "nodes_max": 4}
    address = {"queue": "gpus", "cohort": "churn-dev.gpus", "flavor": "churn-dev.gpus", "runtime": "gpus"}
    ref = TrainingClusterRef(**({**known, "platform": kubernetes.HUB, "address": address} | theirs))
    told = refused("kubernetes", shares=ref, **args) or []
    assert any(line.startswith(said) for line in told), told
