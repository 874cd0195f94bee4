"""Which provider leads to a platform: one that is made has the stack's settings, one of another stack is compared."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.core.errors import InvalidArgs
from support.mocks import ACCOUNT, ANSWERS, REGION, Cloud

CALLER = "aws:index/getCallerIdentity:getCallerIdentity"
SETTINGS = {
    "aws__profile": "deployer",
    "aws__assumeRoles": json.dumps([{"roleArn": "arn:aws:iam::111122223333:role/deploy"}]),
    "aws__defaultTags": json.dumps({"tags": {"cost": "4711"}}),
    "aws__maxRetries": "3",
    "aws__s3UsePathStyle": "true",
}


def loaded(region: str = "eu-west-1", account: str = ACCOUNT) -> mlops.PlatformRef:
    ref = {
        "noun": "platform", "schema": 1, "name": "shared", "backend": "aws", "stage": "prod", "region": region,
        "artifacts": "s3://shared/",
        "address": {
            "account": account, "region": region, "partition": "aws", "domain": "amazonaws.com", "bucket": "shared",
            "key": f"arn:aws:kms:{region}:{account}:key/1", "logs": "/mlops/shared", "log_days": 30.0,
            "topic": f"arn:aws:sns:{region}:{account}:alerts",
        },
    }  # fmt: skip
    return mlops.PlatformRef.load(ref)


def providers(cloud: Cloud) -> list[Any]:
    return [item for item in cloud.registered if item.type == "pulumi:providers:aws"]


def test_a_provider_of_the_platform_has_the_settings_of_the_stack() -> None:
    cloud = Cloud()
    cloud.run(lambda: mlops.Platform("hub", backend="aws", region="eu-west-1"), **SETTINGS)
    (made,) = providers(cloud)
    assert (made.inputs["region"], made.inputs["profile"]) == ("eu-west-1", "deployer")
    assert made.document("assumeRoles") == [{"roleArn": "arn:aws:iam::111122223333:role/deploy"}]
    assert made.document("defaultTags") == {"tags": {"cost": "4711"}}
    assert (made.document("maxRetries"), made.document("s3UsePathStyle")) == (3, True)


def test_a_platform_of_another_region_brings_one_provider() -> None:
    cloud = Cloud()

    def program() -> None:
        mlops.FeatureStore("one", platform=loaded())
        mlops.FeatureStore("two", platform=loaded())

    cloud.run(program, **SETTINGS)
    (made,) = providers(cloud)
    assert made.name == f"shared-prod-aws-{ACCOUNT}-eu-west-1"
    assert made.document("allowedAccountIds") == [ACCOUNT]
    assert (made.inputs["region"], made.inputs["profile"]) == ("eu-west-1", "deployer")
    children = [item for item in cloud.registered if item.custom and item.type != "pulumi:providers:aws"]
    assert children
    assert {item.provider.split("::")[-2] for item in children} == {made.name}


def test_where_the_default_provider_leads_to_the_platform_none_is_made() -> None:
    cloud = Cloud()
    cloud.run(lambda: mlops.FeatureStore("one", platform=loaded(REGION)), **SETTINGS)
    assert providers(cloud) == []


@pytest.mark.parametrize("region", [REGION, "eu-west-1"])
def test_credentials_of_another_account_are_refused(region: str) -> None:
    cloud = Cloud(preview=True)
    with pytest.raises(
        InvalidArgs, match=f"is in account 444455556666, and the credentials of .* {ACCOUNT}; set aws:p"
    ):
        cloud.run(lambda: mlops.FeatureStore("one", platform=loaded(region, "444455556666")), **SETTINGS)
    assert [item for item in cloud.registered if item.type != "pulumi:providers:aws"] == []


def test_a_provider_in_opts_wins_and_is_compared() -> None:
    def program(region: str) -> None:
        own = aws.Provider("own", region=region)
        mlops.FeatureStore("one", platform=loaded(), opts=pulumi.ResourceOptions(provider=own))

    cloud = Cloud()
    cloud.run(lambda: program("eu-west-1"), **SETTINGS)
    assert [made.name for made in providers(cloud)] == ["own"]
    cloud = Cloud()
    with pytest.raises(InvalidArgs, match="is in region eu-west-1, and the provider in opts is of us-east-2"):
        cloud.run(lambda: program("us-east-2"), **SETTINGS)


def test_a_region_beside_a_provider_of_another_one_is_refused() -> None:
    def program(region: str) -> None:
        own = aws.Provider("own", region="eu-west-1", profile="other")
        mlops.Platform("hub", backend="aws", region=region, opts=pulumi.ResourceOptions(provider=own))

    cloud = Cloud()
    cloud.run(lambda: program("eu-west-1"), **SETTINGS)
    assert [made.name for made in providers(cloud)] == ["own"]
    with pytest.raises(InvalidArgs, match="region: 'us-east-2' is not the region of the provider in opts, 'eu-west-1'"):
        Cloud().run(lambda: program("us-east-2"), **SETTINGS)


def test_mocks_that_answer_nothing_are_no_other_account() -> None:
    cloud = Cloud(answers={**ANSWERS, CALLER: {}})
    cloud.run(lambda: mlops.FeatureStore("one", platform=loaded(REGION, "444455556666")), **SETTINGS)
    assert cloud.registered
