"""Places as they are: Local Zones, zones without an interface endpoint, named zones, partitions and regions."""

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.network import SERVICES
from support.mocks import ACCOUNT, Cloud

LETTERS = "abcd"


def zones(region: str, letters: str = LETTERS) -> list[str]:
    return [f"{region}{letter}" for letter in letters]


def platform(region: str = "us-east-1", **private: Any) -> mlops.Platform:
    return mlops.Platform("churn", backend="aws", region=region, network={"private": private})  # type: ignore[arg-type]


@pytest.fixture
def cloud_has(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the region has: its zones, and the zones of a service where these are others."""

    def has(region: str, letters: str = LETTERS, without: tuple[str, ...] = (), **fewer: str) -> None:
        found = {
            service: (
                f"com.amazonaws.{region}.{service}",
                frozenset(zones(region, fewer.get(service.replace(".", "_"), letters))),
            )
            for service in SERVICES
            if service not in without
        }
        monkeypatch.setattr(live, "service_names", lambda *_: found)
        monkeypatch.setattr(live, "zones", lambda *_: zones(region, letters))

    return has


def test_only_availability_zones_are_asked_for() -> None:
    cloud = Cloud()
    cloud.run(lambda: platform() and None)
    (asked,) = [args for token, args, _ in cloud.invoked if token.endswith(":getAvailabilityZones")]
    assert asked["filters"] == [{"name": "zone-type", "values": ["availability-zone"]}]
    assert asked["state"] == "available"


def test_zones_without_an_interface_endpoint_are_passed_over(cloud_has: Callable[..., None]) -> None:
    cloud_has("us-east-1", sagemaker_runtime="bcd", kms="acd")
    cloud = Cloud()
    cloud.run(lambda: platform() and None)
    assert sorted(one.inputs["availabilityZone"] for one in cloud.all("ec2/subnet")) == ["us-east-1c", "us-east-1d"]


def test_zones_are_named_and_each_service_is_where_it_can_be(cloud_has: Callable[..., None]) -> None:
    cloud_has("us-east-1", logs="abd")
    cloud = Cloud()
    cloud.run(lambda: platform(zone_names=["us-east-1c", "us-east-1d"]) and None)
    assert sorted(one.inputs["availabilityZone"] for one in cloud.all("ec2/subnet")) == ["us-east-1c", "us-east-1d"]
    assert cloud.one("ec2/vpcEndpoint", "churn-logs").inputs["subnetIds"] == ["churn-subnet-1-id"]
    assert len(cloud.one("ec2/vpcEndpoint", "churn-kms").inputs["subnetIds"]) == 2


@pytest.mark.parametrize(
    ("has", "given", "said"),
    [
        (
            {},
            {"zone_names": ["us-east-1-bos-1a"]},
            "zone_names: 'us-east-1-bos-1a' is no zone of us-east-1; write some",
        ),
        ({"letters": "ab"}, {"zones": 3}, "network.private.zones: us-east-1 has 2 zones with every service"),
        ({"kms": "a"}, {}, "us-east-1 has 1 zones with every service (us-east-1a), and 2 are wanted"),
        (
            {"sts": "ab"},
            {"zone_names": ["us-east-1c"]},
            "none has an interface endpoint for sts; add one of us-east-1a",
        ),
        ({"without": ("sagemaker.api",)}, {}, "us-east-1 has no interface endpoint for sagemaker.api"),
        ({}, {"zone_names": ["us-east-1a", "us-east-1a"]}, "takes at most four zones, each once"),
    ],
)
def test_zones_that_cannot_be_are_refused(
    has: dict[str, Any],
    given: dict[str, Any],
    said: str,
    cloud_has: Callable[..., None],
    refused_at_preview: Callable[..., str],
) -> None:
    cloud_has("us-east-1", **has)
    assert said in refused_at_preview(lambda: platform(**given))


def test_endpoint_services_of_china_have_their_own_names() -> None:
    answers = {
        "aws:index/getPartition:getPartition": {"partition": "aws-cn", "id": "aws-cn", "dnsSuffix": "amazonaws.com.cn"},
        "aws:index/getRegion:getRegion": {
            "region": "cn-north-1",
            "id": "cn-north-1",
            "description": "",
            "endpoint": "",
        },
    }
    cloud = Cloud(answers=answers)
    cloud.run(lambda: platform("cn-north-1") and None)
    names = {one.name.removeprefix("churn-"): one.inputs["serviceName"] for one in cloud.all("ec2/vpcEndpoint")}
    assert names["sagemaker-api"] == "cn.com.amazonaws.cn-north-1.sagemaker.api"
    assert names["sts"] == "cn.com.amazonaws.cn-north-1.sts"
    assert (names["logs"], names["s3"]) == ("com.amazonaws.cn-north-1.logs", "com.amazonaws.cn-north-1.s3")
    policy = cloud.one("kms/key").document("policy")
    (logs,) = [one for one in policy["Statement"] if one["Sid"] == "Logs"]
    assert logs["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
    assert "arn:aws:" not in str(policy)


def test_names_that_the_region_says_are_taken(cloud_has: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no list of ours knows them."""
    cloud_has("eusc-de-east-1")
    there = live.service_names(None, "eusc-de-east-1")
    renamed = {service: (f"eu.{name}", where) for service, (name, where) in there.items()}
    monkeypatch.setattr(live, "service_names", lambda *_: renamed)
    cloud = Cloud(answers={"aws:index/getAvailabilityZones:getAvailabilityZones": {"names": zones("eusc-de-east-1")}})
    cloud.run(lambda: platform("eusc-de-east-1") and None)
    assert cloud.one("ec2/vpcEndpoint", "churn-kms").inputs["serviceName"] == "eu.com.amazonaws.eusc-de-east-1.kms"


def regions() -> list[str]:
    partitions = botocore.session.get_session().get_component("data_loader").load_data("endpoints")["partitions"]
    return [next(iter(partition["regions"])) for partition in partitions] + ["ap-southeast-10", "mx-central-1"]


@pytest.mark.parametrize("region", regions())
def test_every_form_of_a_region_is_taken(region: str) -> None:
    cloud = Cloud(preview=True, first=True)
    cloud.run(lambda: mlops.Platform("churn", backend="aws", region=region, account=ACCOUNT) and None)


@pytest.mark.parametrize("region", ["eu-west", "europe-west1", "EU-WEST-1", "eu-west-1a"])
def test_what_is_no_region_is_refused(region: str, refused_at_preview: Callable[..., str]) -> None:
    said = refused_at_preview(lambda: mlops.Platform("churn", backend="aws", region=region))
    assert "is not an AWS region" in said
