"""Which provider leads to a platform: one that is made has the stack's settings, one of another stack is compared."""

from typing import Any

import pulumi
import pulumi_azure_native as azure
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.azure import providers
from support.facts.azure import SETTINGS, hub
from support.mocks import ANSWERS, SUBSCRIPTION, Cloud

CLIENT = "azure-native:authorization:getClientConfig"
OTHER = "00000000-0000-4000-8000-000000000002"


def made(cloud: Cloud) -> list[Any]:
    return [item for item in cloud.registered if item.type == "pulumi:providers:azure-native"]


def test_the_default_provider_is_used_where_it_leads_there() -> None:
    cloud = Cloud()
    cloud.run(lambda: mlops.Platform("hub", backend="azure").artifacts, **SETTINGS)
    assert not made(cloud)


def test_a_provider_of_the_platform_has_the_settings_of_the_stack() -> None:
    cloud = Cloud()
    more = {"azure-native__clientId": "c", "azure-native__useOidc": "true"}
    cloud.run(
        lambda: mlops.Platform("hub", backend="azure", region="northeurope", account=OTHER).artifacts,
        **SETTINGS,
        **more,
    )
    (found,) = made(cloud)
    assert (found.inputs["location"], found.inputs["subscriptionId"]) == ("northeurope", OTHER)
    assert (found.inputs["clientId"], found.inputs["useOidc"]) == ("c", "true")


def test_a_region_of_another_platform_costs_no_provider_and_another_subscription_one() -> None:
    cloud = Cloud()

    def program() -> None:
        mlops.Identity("one", platform=hub(subscription=OTHER))
        mlops.Identity("two", platform=hub(subscription=OTHER))
        mlops.Identity("three", platform=hub("other", location="northeurope", region="northeurope"))

    cloud.run(program, **SETTINGS)
    (found,) = made(cloud)
    assert found.name == f"churn-dev-azure-native-{OTHER}"
    assert found.inputs["subscriptionId"] == OTHER
    used = {
        item.name: item.provider.split("::")[-2] if item.provider else ""
        for item in cloud.all("managedidentity/UserAssignedIdentity")
    }
    assert used == {"one-identity": found.name, "two-identity": found.name, "three-identity": ""}


def test_a_provider_of_another_subscription_is_refused() -> None:
    def program() -> None:
        there = azure.Provider("there", subscription_id=OTHER)
        mlops.Identity("team", platform=hub(), opts=pulumi.ResourceOptions(provider=there))

    cloud = Cloud(answers={CLIENT: {**ANSWERS[CLIENT], "subscriptionId": OTHER}})
    with pytest.raises(InvalidArgs, match=f"is in subscription {SUBSCRIPTION}, and the provider in opts is of {OTHER}"):
        cloud.run(program, **SETTINGS)


def test_a_platform_beside_a_provider_of_another_place_is_refused() -> None:
    def program() -> None:
        there = azure.Provider("there", subscription_id=OTHER, location="northeurope")
        mlops.Platform(
            "hub",
            backend="azure",
            region="westeurope",
            account=SUBSCRIPTION,
            opts=pulumi.ResourceOptions(provider=there),
        )

    cloud = Cloud(answers={CLIENT: {**ANSWERS[CLIENT], "subscriptionId": OTHER}})
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(program, **SETTINGS)
    assert {problem.field for problem in caught.value.problems} == {"region", "account"}


def test_what_two_platforms_differ_in() -> None:
    one, other = hub(), hub("other", location="northeurope", region="northeurope", subscription=OTHER)
    assert providers.apart(one, hub("same")) == []
    assert providers.apart(one, other) == ["place", "account"]


def test_a_platform_without_a_region_or_a_subscription_is_told_both() -> None:
    client = {"clientId": "", "objectId": "", "subscriptionId": "", "tenantId": ""}
    cloud = Cloud(answers={"azure-native:authorization:getClientConfig": client})
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: mlops.Platform("hub", backend="azure").artifacts, **dict.fromkeys(SETTINGS, ""))
    assert {problem.field for problem in caught.value.problems} == {"region", "account"}
    assert "azure-native:subscriptionId" in str(caught.value)
