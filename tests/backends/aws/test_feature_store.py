"""FeatureStore and FeatureGroup on AWS."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import Unsupported
from support.facts.aws import HUB, KEY, STORE, hub
from support.mocks import Cloud

FEATURES = {"id": "string", "at": "timestamp", "age": "integer", "spend": "float", "vip": "boolean"}


def make(cloud: Cloud, **args: Any) -> Any:
    given = {
        "store": STORE,
        "features": FEATURES,
        "keys": ["id"],
        "event_time": "at",
        "online": {"ttl_hours": 72},
    } | args
    cloud.run(lambda: mlops.FeatureGroup("profile", **given) and None)
    return cloud.one("sagemaker/featureGroup")


def test_the_store_is_a_catalogue_and_an_identity_that_writes(cloud: Cloud) -> None:
    address = cloud.run(lambda: dict(mlops.FeatureStore("my-features", platform=HUB).ref.address))
    assert cloud.one("glue/catalogDatabase").inputs["name"] == "churn_dev_my_features"
    assert address["offline"] == "s3://artifacts/features/my-features/"
    rights = cloud.one("iam/rolePolicy").document("policy")["Statement"]
    written = [one["Resource"] for one in rights if "s3:PutObject" in one["Action"]]
    assert written == ["arn:aws:s3:::artifacts/features/my-features/*"]
    (glue,) = [one["Resource"] for one in rights if "glue:CreateTable" in one["Action"]]
    assert [arn.split(":")[-1] for arn in glue] == [
        "catalog",
        "database/churn_dev_my_features",
        "table/churn_dev_my_features/*",
    ]


def test_a_group(cloud: Cloud) -> None:
    group = make(cloud)
    assert group.inputs["featureGroupName"] == "churn-dev-profile"
    assert (group.inputs["recordIdentifierFeatureName"], group.inputs["eventTimeFeatureName"]) == ("id", "at")
    assert {one["featureName"]: one["featureType"] for one in group.inputs["featureDefinitions"]} == {
        "id": "String",
        "at": "String",
        "age": "Integral",
        "spend": "Fractional",
        "vip": "Integral",
    }
    assert group.inputs["onlineStoreConfig"] == {
        "enableOnlineStore": True,
        "securityConfig": {"kmsKeyId": KEY},
        "ttlDuration": {"unit": "Hours", "value": 72},
    }
    assert group.inputs["offlineStoreConfig"] == {
        "s3StorageConfig": {"s3Uri": STORE.address["offline"], "kmsKeyId": KEY},
        "tableFormat": "Glue",
        "dataCatalogConfig": {
            "catalog": "AwsDataCatalog",
            "database": "churn_dev_features",
            "tableName": "churn_dev_profile",
        },
    }
    assert group.inputs["roleArn"] == STORE.address["role"]
    assert group.ignore_changes == ["featureDefinitions"]


@pytest.mark.parametrize(
    ("args", "present", "absent"),
    [
        ({"online": None}, "offlineStoreConfig", "onlineStoreConfig"),
        ({"offline": None}, "onlineStoreConfig", "offlineStoreConfig"),
    ],
)
def test_one_store_only(cloud: Cloud, args: dict[str, Any], present: str, absent: str) -> None:
    group = make(cloud, **args)
    assert present in group.inputs
    assert absent not in group.inputs


def test_iceberg_and_no_end_of_life(cloud: Cloud) -> None:
    group = make(cloud, online={}, offline={"format": "iceberg"})
    assert group.inputs["offlineStoreConfig"]["tableFormat"] == "Iceberg"
    assert "ttlDuration" not in group.inputs["onlineStoreConfig"]


@pytest.mark.parametrize(
    ("stage", "protect", "guarded"),
    [("dev", None, False), ("prod", None, True), ("prod", False, False), ("dev", True, True)],
)
def test_protection_is_the_stages_unless_told(cloud: Cloud, stage: str, protect: bool | None, guarded: bool) -> None:
    store = mlops.FeatureStoreRef(**{**vars(STORE), "platform": hub(stage=stage)})
    assert make(cloud, store=store, protect=protect).protect is guarded


def test_a_key_of_two_features_is_not_to_be_had(cloud: Cloud) -> None:
    with pytest.raises(Unsupported, match="one record identifier") as caught:
        make(cloud, keys=["id", "age"])
    assert "customer_id#country" in str(caught.value)
    assert cloud.registered == []


def test_whoever_reads_waits_for_the_group(cloud: Cloud) -> None:
    def program() -> None:
        platform = mlops.Platform("churn", backend="aws")
        store = mlops.FeatureStore("features", platform=platform)
        group = mlops.FeatureGroup(
            "profile",
            store=store,
            features=FEATURES,
            keys=["id"],
            event_time="at",
            online={},  # type: ignore[arg-type]
        )
        mlops.Endpoint("score", platform=platform, model={"image": "x"}, reads=[group.online])

    cloud.run(program)
    assert "features-rights" in cloud.one("sagemaker/featureGroup").depends_on
    rights = cloud.one("iam/rolePolicy", "score-rights")
    assert "profile-group" in rights.depends_on
    (read,) = [
        one["Resource"] for one in rights.document("policy")["Statement"] if "sagemaker:GetRecord" in one["Action"]
    ]
    assert read.startswith("arn:aws:sagemaker:")
    environment = cloud.one("sagemaker/model").inputs["primaryContainer"]["environment"]
    assert environment == {
        "MLOPS_FEATURES_PROFILE": "churn-dev-profile",
        "MLOPS_FEATURE_SERVER_PROFILE": "https://featurestore-runtime.sagemaker.us-east-1.amazonaws.com",
    }
