"""Machines as they are: disks inside, families that are new, accelerators that come by eight."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import instances, limits
from pulumi_mlops_sandbox.aws.sagemaker import endpoint_config
from support.facts.aws import HUB, KEY
from support.mocks import Cloud

TYPES: list[str] = limits.told("sagemaker", limits.HOSTING)["enum"]


def endpoint(**compute: Any) -> mlops.Endpoint:
    return mlops.Endpoint("score", platform=HUB, model={"image": "a/b:1"}, compute=compute)  # type: ignore[arg-type]


def test_every_family_of_sagemaker_is_known() -> None:
    """A family that is new fails here, and not in an `up`."""
    found = {instances.family(name) for name in TYPES}
    assert found == instances.LOCAL_DISK | instances.NETWORK_DISK
    assert not instances.LOCAL_DISK & instances.NETWORK_DISK


def test_the_sandbox_has_the_same_list() -> None:
    assert endpoint_config.LOCAL_DISK is instances.LOCAL_DISK


def test_every_machine_of_ours_is_one_of_sagemakers() -> None:
    assert {machine.name for machine in instances.INSTANCES} <= set(TYPES)


@pytest.mark.parametrize(
    ("pin", "local"),
    [
        ("ml.p4de.24xlarge", True),
        ("ml.trn2.48xlarge", True),
        ("ml.p6-b200.48xlarge", True),
        ("ml.dl1.24xlarge", True),
        ("ml.g7e.2xlarge", True),
        ("ml.r7gd.large", True),
        ("ml.m7i.large", False),
        ("ml.c6gn.large", False),
        ("ml.inf2.xlarge", False),
    ],
)
def test_no_key_goes_with_a_disk_in_the_machine(pin: str, local: bool) -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(pin={"aws": pin}) and None)
    key = cloud.one("sagemaker/endpointConfiguration").inputs.get("kmsKeyArn")
    assert key == (None if local else KEY)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("A100:1", "compute.accelerator: no SageMaker instance has 1 of A100, and each that it has is paid for"),
        ("A100:1", "write 'A100:8'"),
        ("L4:2", "write 'L4:1' or 'L4:4' or 'L4:8'"),
        ("Inferentia2:8", "write 'Inferentia2:1' or 'Inferentia2:6' or 'Inferentia2:12'"),
        ("H200:4", "write 'H200:8'"),
    ],
)
def test_nobody_gets_more_accelerators_than_asked_for(
    wish: str, said: str, refused_at_preview: Callable[..., str]
) -> None:
    assert said in refused_at_preview(lambda: endpoint(accelerator=wish))


@pytest.mark.parametrize(("wish", "machine"), [("H100:1", "ml.p5.4xlarge"), ("H100:8", "ml.p5.48xlarge")])
def test_one_is_one_where_there_is_such_a_machine(wish: str, machine: str) -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(accelerator=wish) and None)
    (variant,) = cloud.one("sagemaker/endpointConfiguration").inputs["productionVariants"]
    assert variant["instanceType"] == machine


@pytest.mark.parametrize("pin", ["ml.m5.xlrge", "ml.z9.large"])
def test_a_machine_that_is_not_there_is_refused(pin: str, refused_at_preview: Callable[..., str]) -> None:
    assert f"compute.pin.aws: {pin!r} is not an instance type of endpoints" in refused_at_preview(
        lambda: endpoint(pin={"aws": pin})
    )
