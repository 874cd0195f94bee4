"""What every component does: providers, parents, tags, echoes, outputs."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import ResourceOptions

import pulumi_mlops as mlops
from support.facts.aws import HUB
from support.mocks import Cloud


def loop(platform: Any, opts: ResourceOptions | None = None) -> dict[str, pulumi.Resource]:
    """One of each noun."""
    store = mlops.FeatureStore("features", opts, platform=platform)
    group = mlops.FeatureGroup(
        "profile",
        opts,
        store=store,
        features={"id": "string", "at": "timestamp"},
        keys=["id"],
        event_time="at",
        online={},
    )
    registry = mlops.ModelRegistry(
        "models", opts, platform=platform, approvers=[{"role": "lead"}], events={"ci": {"to": "arn"}}
    )
    model = mlops.Model("churn", opts, registry=registry, gate={"auc": ">=0.9"})
    score = mlops.Endpoint(
        "score",
        opts,
        platform=platform,
        model={"image": "registry.example.com/serve:1"},
        reads=[group.online],
        scaling={"max": 2, "requests_per_replica": 9},
    )
    waits = mlops.Endpoint("waits", opts, platform=platform, model=model.approved(otherwise="wait"))
    return {"store": store, "group": group, "registry": registry, "model": model, "score": score, "waits": waits}


def providers(cloud: Cloud) -> dict[str, str]:
    """Name the provider of each native resource; its own name is the last part of its URN."""
    return {
        found.name: found.provider.split("::")[-2] if found.provider else ""
        for found in cloud.registered
        if found.custom and not found.type.startswith("pulumi:providers:")
    }


def with_opts(provider: aws.Provider) -> object:
    return loop(mlops.Platform("hub", ResourceOptions(provider=provider), backend="aws"))


def with_providers(provider: aws.Provider) -> object:
    return loop(mlops.Platform("hub", ResourceOptions(providers=[provider]), backend="aws"))


def by_reference(provider: aws.Provider) -> object:
    return loop(mlops.Platform("hub", ResourceOptions(provider=provider), backend="aws").ref)


def inside_another_component(provider: aws.Provider) -> object:
    outer = pulumi.ComponentResource("my:own:Thing", "outer", None, ResourceOptions(providers=[provider]))
    return loop(mlops.Platform("hub", ResourceOptions(parent=outer), backend="aws"))


@pytest.mark.parametrize("program", [with_opts, with_providers, by_reference, inside_another_component])
def test_the_platforms_provider_reaches_every_child_of_every_component(
    cloud: Cloud, program: Callable[[aws.Provider], object]
) -> None:
    cloud.run(lambda: program(aws.Provider("ours", region="eu-west-1")) and None)
    assert set(providers(cloud).values()) == {"ours"}
    assert all("::ours::" in provider for _, _, provider in cloud.invoked)


def test_two_platforms_two_providers(cloud: Cloud) -> None:
    def program() -> None:
        for side in ("left", "right"):
            provider = aws.Provider(f"on-{side}", region="eu-west-1")
            hub = mlops.Platform(side, ResourceOptions(provider=provider), backend="aws")
            mlops.FeatureStore(f"{side}-features", platform=hub)

    cloud.run(program)
    found = providers(cloud)
    assert {found["left-key"], found["left-features-catalog"]} == {"on-left"}
    assert {found["right-key"], found["right-features-catalog"]} == {"on-right"}


def test_own_options_win(cloud: Cloud) -> None:
    def program() -> None:
        hub = mlops.Platform("hub", ResourceOptions(provider=aws.Provider("ours")), backend="aws")
        other = aws.Provider("other")
        mlops.FeatureStore("one", ResourceOptions(provider=other), platform=hub)
        mlops.FeatureStore("many", ResourceOptions(providers=[other]), platform=hub)
        mlops.FeatureStore("named", ResourceOptions(providers={"aws": other}), platform=hub)

    cloud.run(program)
    found = providers(cloud)
    assert {found["one-catalog"], found["many-role"], found["named-rights"]} == {"other"}
    assert found["hub-key"] == "ours"


def test_a_region_and_an_account_make_a_provider_of_the_platforms_own(cloud: Cloud) -> None:
    cloud.run(lambda: loop(mlops.Platform("hub", backend="aws", region="eu-west-1", account="1" * 12)) and None)
    provider = cloud.one("pulumi:providers:aws")
    assert provider.name == "hub-aws"
    assert provider.inputs["region"] == "eu-west-1"
    assert provider.inputs["allowedAccountIds"] in (["1" * 12], '["111111111111"]')
    assert provider.parent == cloud.one("Platform").urn
    assert set(providers(cloud).values()) == {"hub-aws"}
    assert all("::hub-aws::" in used for _, _, used in cloud.invoked)


def test_every_child_hangs_under_its_component(cloud: Cloud) -> None:
    cloud.run(lambda: loop(HUB) and None)
    components = {found.urn: found.name for found in cloud.registered if not found.custom}
    for child in (found for found in cloud.registered if found.custom):
        assert child.name.startswith(f"{components[child.parent]}-")


def test_a_transformation_reaches_every_child(cloud: Cloud) -> None:
    seen: set[str] = set()

    def note(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        seen.add(args.name)
        return pulumi.ResourceTransformationResult(
            args.props, ResourceOptions.merge(args.opts, ResourceOptions(protect=True))
        )

    cloud.run(lambda: loop(HUB, ResourceOptions(transformations=[note])) and None)
    assert seen == {found.name for found in cloud.registered}
    assert all(found.protect for found in cloud.registered)


def test_every_taggable_child_carries_the_tags(cloud: Cloud) -> None:
    def program() -> None:
        hub = mlops.Platform(
            "hub", backend="aws", owner="ml", tags={"cost": "7"}, images=["churn"], secrets={"tok": "x"}
        )
        loop(hub)
        mlops.FeatureStore("tagged", platform=hub, tags={"cost": "8"})

    cloud.run(program)
    components = {found.urn: found for found in cloud.registered if not found.custom}
    for found in (found for found in cloud.registered if found.custom and "tags" in found.inputs):
        owner, tags = components[found.parent], found.inputs["tags"]
        assert {"project": "hub", "stage": "dev", "managed-by": "pulumi-mlops", "owner": "ml"}.items() <= tags.items()
        assert tags["component"] == f"{owner.type.split(':')[-1]}/{owner.name}"
        assert tags["cost"] == ("8" if owner.name == "tagged" else "7")


def test_arguments_are_echoed_without_secrets(cloud: Cloud) -> None:
    def program() -> None:
        hub = mlops.Platform("hub", backend="aws", stage="staging", secrets={"tok": "hunter2"})
        mlops.FeatureStore("features", platform=hub)

    cloud.run(program)
    assert cloud.one("Platform").inputs == {"backend": "aws", "stage": "staging", "secrets": ["tok"]}
    assert cloud.one("FeatureStore").inputs == {"platform": "hub"}


def test_the_outputs_are_registered_and_native_is_filled(cloud: Cloud) -> None:
    made: dict[str, Any] = {}

    def program() -> dict[str, Any]:
        made.update(loop(HUB))
        return {"url": made["score"].url, "status": made["score"].status, "waits": made["waits"].url}

    assert cloud.run(program) == {
        "url": "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/churn-dev-score/invocations",
        "status": "live",
        "waits": None,
    }
    assert cloud.outputs["waits"]["status"] == "waiting"
    assert set(made["score"].native) == {"endpoint", "configuration", "role", "logs", "model.main"}
    assert set(made["store"].native) == {"catalog", "role"}
    assert set(made["registry"].native) == {"approve", "event.ci"}
    assert isinstance(made["group"].native["group"], aws.sagemaker.FeatureGroup)
    assert isinstance(made["model"].native["group"], aws.sagemaker.ModelPackageGroup)


def test_a_first_preview_registers_what_the_update_makes() -> None:
    def program() -> None:
        loop(mlops.Platform("hub", backend="aws", network={"private": {}}, images=["a1"], secrets={"tok": "x"}))

    first, update = Cloud(preview=True, first=True), Cloud()
    first.run(program)
    update.run(program)
    assert first.names == update.names
