"""One program in two regions of one account: what IAM and Budgets keep once for the account has the region's name."""

from collections.abc import Callable

import pytest

import pulumi_mlops as mlops
from support.facts.aws import hub
from support.mocks import Cloud

GLOBAL = ("iam/role", "iam/policy", "budgets/budget")
IMAGE = {"image": "example/churn:1"}


def platform(region: str) -> None:
    private = {"private": {}}
    mlops.Platform("churn", backend="aws", region=region, alerts=["a@example.com"], monthly_budget=9, network=private)  # type: ignore[arg-type]


def store(region: str) -> None:
    mlops.FeatureStore("features", platform=hub(region=region))


def endpoint(region: str) -> None:
    where = hub(region=region)
    mlops.Endpoint("score", platform=where, model=IMAGE, compute={"cpus": 2}, invokers=[{"role": "web"}])  # type: ignore[arg-type]


def identity(region: str) -> None:
    trusts = {"account": {"id": "111122223333"}}
    mlops.Identity("i" * 40, platform=hub(region=region), trusts=trusts)  # type: ignore[arg-type]


def registry(region: str) -> None:
    mlops.ModelRegistry("models", platform=hub(region=region), approvers=[{"role": "lead"}])


def names(program: Callable[[str], None], region: str) -> dict[str, list[str]]:
    cloud = Cloud()
    cloud.run(lambda: program(region), aws__region=region)
    return {item.inputs["name"]: item.ignore_changes for item in cloud.registered if any(
        item.type.startswith(f"aws:{kind}:") for kind in GLOBAL
    )}  # fmt: skip


@pytest.mark.parametrize("program", [platform, store, endpoint, identity, registry])
def test_names_of_two_regions_do_not_meet(program: Callable[[str], None]) -> None:
    found = [names(program, region) for region in ("us-east-1", "eu-west-1", "eu-central-1")]
    assert len({name for one in found for name in one}) == sum(map(len, found)) >= 3
    assert all(len(name) <= 64 for one in found for name in one)  # IAM's limit
    assert not any(found[0].values())  # names there are as before
    assert set(map(tuple, found[1].values())) == {("name",)}  # a role that is made again takes its groups with it
