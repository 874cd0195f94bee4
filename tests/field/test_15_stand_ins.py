"""Stand-ins do what the real provider does: names that are too long are refused, an update is waited for."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.aws.provider.tables.sagemaker import FeatureGroupKind
from pulumi_mlops_sandbox.provider.contract import AutoName, ProviderError
from pulumi_mlops_sandbox.provider.naming import Naming
from support.facts.aws import HUB
from support.mocks import Cloud

IMAGE = {"image": "a/b:1"}


@pytest.mark.parametrize(("logical", "prefix"), [("x" * 56, None), ("a", "p" * 57)])
def test_a_name_over_the_limit_is_refused(logical: str, prefix: str | None) -> None:
    with pytest.raises(ProviderError, match="random chars is longer than maximum length 63"):
        Naming(logical, b"seed").make(AutoName(limit=63), prefix)
    assert len(Naming(logical[:55], b"seed").make(AutoName(limit=63), prefix and prefix[:56])) <= 63


def endpoint(name: str, *variants: str) -> mlops.Endpoint:
    parts: Any = [{"name": one, "model": IMAGE} for one in variants]
    return mlops.Endpoint(name, platform=HUB, variants=parts, compute={"cpus": 2})


@pytest.mark.parametrize(("name", "variant"), [("e" * 40, "v" * 15), ("e" * 15, "v" * 40)])
def test_a_model_whose_name_would_be_too_long_is_refused(
    name: str, variant: str, refused_at_preview: Callable[..., str]
) -> None:
    said = refused_at_preview(lambda: endpoint(name, "a", variant))
    assert (
        f"variants[1].name: {variant!r} and the endpoint's name have 56 characters together, and AWS takes 55" in said
    )


def test_the_longest_names_are_taken() -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint("e" * 40, "a", "v" * 14) and None)
    for made in cloud.all("sagemaker/model") + cloud.all("sagemaker/endpointConfiguration"):
        assert len(Naming(made.name, b"seed").make(AutoName(limit=63))) <= 63


def test_a_time_to_live_waits_for_the_update_before_it_and_for_its_own() -> None:
    """New features are sent by the program and the time to live by the provider, in one edit."""
    told: list[str] = []
    busy = iter(["InProgress", "Successful", "InProgress", "InProgress", "Successful"])

    class Group(FeatureGroupKind):
        def __init__(self) -> None:
            """Ask nobody."""

        def invoke(self, operation: str, *_: Any, **__: Any) -> Any:
            told.append(operation)
            return {"LastUpdateStatus": {"Status": next(busy)}} if operation.startswith("describe") else {}

        def poll(self, done: Callable[[], bool], what: str, *_: Any) -> None:
            while not done():
                assert what

    online = {"onlineStoreConfig": {"ttlDuration": {"unit": "Hours", "value": 1}}}
    Group().updated("g", {}, online, frozenset({"onlineStoreConfig"}), {})
    assert told == ["describe_feature_group"] * 2 + ["update_feature_group"] + ["describe_feature_group"] * 3
