"""What exists already on AWS: what is read of it, what has to agree, what is said when it is not there."""

import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.aws import live
from pulumi_mlops.core import private
from support.facts.aws import HUB, IMAGE, REGISTRY, STORE
from support.mocks import ACCOUNT, REGION, Cloud

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/theirs"
GROUP: dict[str, Any] = {
    "FeatureGroupArn": f"{ARN}:feature-group/Profile-2024",
    "RecordIdentifierFeatureName": "CustomerId",
    "EventTimeFeatureName": "at",
    "FeatureDefinitions": [
        {"FeatureName": "CustomerId", "FeatureType": "String"},
        {"FeatureName": "at", "FeatureType": "String"},
        {"FeatureName": "age", "FeatureType": "Integral"},
    ],
    "OnlineStoreConfig": {"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": "alias/theirs"}},
    "OfflineStoreConfig": {
        "S3StorageConfig": {"S3Uri": "s3://theirs/rows", "KmsKeyId": KEY},
        "DataCatalogConfig": {"Database": "sagemaker_featurestore", "TableName": "profile_2024_1712345678"},
    },
}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Hold what the account has, by the name of the look-up; nothing else is there."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "key_arn", lambda _, key: KEY if key in (KEY, "alias/theirs") else pytest.fail(key))
    for kind in ("feature_group", "model_group", "endpoint", "role", "database"):
        monkeypatch.setattr(live, kind, lambda _, name, kind=kind: found.get(f"{kind} {name}"))
    monkeypatch.setattr(live, "table", lambda _, database, name: found.get(f"table {database}/{name}"))
    monkeypatch.setattr(live, "has_model_groups", lambda _, prefix: f"groups {prefix}" in found)
    return found


def refused(program: Any) -> str:
    with pytest.raises(InvalidArgs) as caught:
        Cloud().run(lambda: program() and None)
    return str(caught.value)


def rights(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cloud.one("iam/rolePolicy").inputs["policy"])["Statement"]
    return found


def test_all_facts_of_a_group_are_read(there: dict[str, Any]) -> None:
    there["feature_group Profile-2024"] = GROUP
    profile = mlops.FeatureGroup.existing("profile", platform=HUB, called="Profile-2024")
    assert (profile.name, profile.keys, profile.event_time) == ("profile", ["CustomerId"], "at")
    assert profile.features == {"CustomerId": "string", "at": "timestamp", "age": "integer"}
    assert (profile.has_online, profile.has_offline) == (True, True)


def test_rights_on_a_group_are_those_of_its_own_keys_and_table(there: dict[str, Any]) -> None:
    there["feature_group Profile-2024"] = GROUP
    cloud = Cloud()

    def program() -> None:
        profile = mlops.FeatureGroup.existing("profile", platform=HUB, called="Profile-2024")
        trusts: Any = {"role": f"arn:aws:iam::{ACCOUNT}:role/ci"}
        mlops.Identity(
            "team", platform=HUB, reads=[profile.online, profile.as_of(days=9)], writes=[profile], trusts=trusts
        )

    cloud.run(program)
    statements = rights(cloud)
    by_action = {action: one["Resource"] for one in statements for action in one["Action"]}
    assert by_action["sagemaker:GetRecord"] == by_action["sagemaker:PutRecord"] == GROUP["FeatureGroupArn"]
    tables = f"arn:aws:glue:{REGION}:{ACCOUNT}:table/sagemaker_featurestore/profile_2024_1712345678"
    assert tables in by_action["glue:GetTable"]
    rows = f"arn:aws:s3:::theirs/rows/{ACCOUNT}/sagemaker/{REGION}/offline-store/Profile-2024-??????????/*"
    assert rows in by_action["s3:GetObject"]
    where = [(one["Action"], one["Resource"]) for one in statements if one["Action"][0].startswith("kms:")]
    keys = {
        (action, key) for actions, of in where for action in actions for key in ([of] if isinstance(of, str) else of)
    }
    answers = HUB.address["key"]  # what Athena answers is in the platform's own store
    assert keys == {
        ("kms:Decrypt", KEY),
        ("kms:GenerateDataKey", KEY),
        ("kms:Decrypt", answers),
        ("kms:GenerateDataKey", answers),
    }


def test_a_group_without_keys_of_kms_needs_none(there: dict[str, Any]) -> None:
    there["feature_group profile"] = {**GROUP, "OnlineStoreConfig": {"EnableOnlineStore": True}}
    cloud = Cloud()

    def program() -> None:
        profile = mlops.FeatureGroup.existing("profile", platform=HUB)
        mlops.Identity("team", platform=HUB, reads=[profile.online], trusts={"role": "ci"})

    cloud.run(program)
    assert not [one for one in rights(cloud) if "kms:Decrypt" in one["Action"]]


def test_what_is_said_of_a_group_has_to_agree(there: dict[str, Any]) -> None:
    there["feature_group profile"] = GROUP
    said = refused(
        lambda: mlops.FeatureGroup.existing(
            "profile",
            store=STORE,
            features={"CustomerId": "string", "at": "timestamp", "age": "float", "wage": "float"},
            keys=["age"],
            event_time="age",
            online=False,
            offline="s3://ours/rows/",
        )
    )
    for line in (
        "features.age: is 'float' here, and AWS holds it as Integral",
        "features: 'wage' is not in the group; did you mean 'age'?",
        "keys: are ['age'] here, and the group has ['CustomerId']",
        "event_time: is 'age' here, and the group has 'at'",
        "online: is False here, and the group has one",
        "offline: is 's3://ours/rows/' here, and the group has s3://theirs/rows/",
        "store: is the catalogue 'churn_dev_features', and the group is in 'sagemaker_featurestore'",
    ):
        assert line in said
    assert "FeatureGroup 'profile': 7 problems" in said


def test_some_of_the_features_may_be_said(there: dict[str, Any]) -> None:
    there["feature_group profile"] = GROUP
    profile = mlops.FeatureGroup.existing(
        "profile", platform=HUB, features={"age": "boolean"}, offline="s3://theirs/rows"
    )
    assert profile.features == {"CustomerId": "string", "at": "timestamp", "age": "boolean"}


@pytest.mark.parametrize(
    ("take", "what"),
    [
        (lambda: mlops.FeatureGroup.existing("profile", platform=HUB), "feature group 'profile'"),
        (lambda: mlops.Model.existing("churn", platform=HUB), "model package group 'churn'"),
        (lambda: mlops.Endpoint.existing("score", platform=HUB), "endpoint 'score'"),
        (lambda: mlops.Identity.existing("team", platform=HUB), "role 'team'"),
        (
            lambda: mlops.ModelRegistry.existing("models", platform=HUB),
            "model package group whose name begins with 'models-'",
        ),
        (
            lambda: mlops.FeatureStore.existing(
                "features", platform=HUB, writer={"role": "writer"}, rows="s3://theirs/rows/"
            ),
            "database 'features' of Glue",
        ),
    ],
)
@pytest.mark.usefixtures("there")
def test_what_is_not_there_is_said_in_one_sentence(take: Any, what: str) -> None:
    assert f"- called: there is no {what} in account {ACCOUNT}, {REGION}" in refused(take)


def test_what_is_found_in_another_account_is_refused(there: dict[str, Any]) -> None:
    other = GROUP["FeatureGroupArn"].replace(ACCOUNT, "444455556666")
    there["feature_group profile"] = {**GROUP, "FeatureGroupArn": other}
    said = refused(lambda: mlops.FeatureGroup.existing("profile", platform=HUB))
    assert f"found {other}, and the platform is in account {ACCOUNT}" in said


def test_a_model_of_another_account_is_named_by_its_arn(there: dict[str, Any]) -> None:
    arn = f"arn:aws:sagemaker:{REGION}:444455556666:model-package-group/central-churn"
    there[f"model_group {arn}"] = {"ModelPackageGroupArn": arn}
    churn = mlops.Model.existing("churn", platform=HUB, called=arn)
    assert (churn.address["group"], churn.address["arn"]) == (arn, arn)


def test_a_model_of_a_registry_has_the_name_that_the_registry_gives(there: dict[str, Any]) -> None:
    name = "churn-dev-models-bought"
    there[f"model_group {name}"] = {"ModelPackageGroupArn": f"{ARN}:model-package-group/{name}"}
    bought = Cloud().run(lambda: mlops.Model.existing("bought", registry=REGISTRY))
    assert bought.address["arn"] == f"{ARN}:model-package-group/{name}"


def test_rights_on_the_files_of_a_model_are_those_of_its_folder_and_key(there: dict[str, Any]) -> None:
    there["model_group churn"] = {"ModelPackageGroupArn": f"{ARN}:model-package-group/churn"}
    cloud = Cloud()

    def program() -> None:
        churn = mlops.Model.existing("churn", platform=HUB, files="s3://theirs/churn", key=KEY)
        mlops.Identity("ci", platform=HUB, registers=[churn], trusts={"role": "ci"})

    cloud.run(program)
    by_action = {action: one["Resource"] for one in rights(cloud) for action in one["Action"]}
    assert by_action["s3:PutObject"] == "arn:aws:s3:::theirs/churn/*"
    assert by_action["kms:GenerateDataKey"] == KEY
    assert by_action["sagemaker:DescribeModelPackage"] == f"{ARN}:model-package/churn/*"


def test_who_serves_a_version_may_use_the_key_of_its_files(
    there: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = f"{ARN}:model-package-group/churn"
    there["model_group churn"] = {"ModelPackageGroupArn": group}
    container = {"Image": IMAGE, "ModelDataUrl": "s3://theirs/churn/1.tar.gz"}
    package = {
        "ModelPackageVersion": 1,
        "ModelPackageArn": f"{ARN}:model-package/churn/1",
        "InferenceSpecification": {"Containers": [container]},
    }
    monkeypatch.setattr(live, "approved_packages", lambda *_: iter([package]))
    churn = Cloud().run(lambda: mlops.Model.existing("churn", platform=HUB, key=KEY).approved())
    monkeypatch.setattr(private, "mocked", lambda: True)
    cloud = Cloud()
    cloud.run(lambda: mlops.Endpoint("score", platform=HUB, model=churn) and None)
    statements = [(one["Action"], one["Resource"]) for one in rights(cloud)]
    assert (["kms:Decrypt"], KEY) in statements
    assert (["s3:GetObject"], "arn:aws:s3:::theirs/churn/1.tar.gz") in statements


def test_how_an_endpoint_is_called_is_read(there: dict[str, Any]) -> None:
    there["endpoint Score-2024"] = {
        "EndpointArn": f"{ARN}:endpoint/score-2024",
        "EndpointStatus": "InService",
        "ProductionVariants": [{"VariantName": "blue"}],
        "AsyncInferenceConfig": {},
        "DataCaptureConfig": {"EnableCapture": True, "DestinationS3Uri": "s3://theirs/captured"},
    }

    def program() -> dict[str, Any]:
        return mlops.Endpoint.existing("score", platform=HUB, called="Score-2024").export()

    export = Cloud().run(program)
    assert export["url"] == f"https://runtime.sagemaker.{REGION}.amazonaws.com/endpoints/Score-2024/async-invocations"
    assert (export["variants"], export["captured"], export["status"]) == (["blue"], "s3://theirs/captured", "live")


def test_an_endpoint_that_does_not_answer_is_warned_of(there: dict[str, Any]) -> None:
    there["endpoint score"] = {"EndpointArn": f"{ARN}:endpoint/score", "EndpointStatus": "Failed"}
    cloud = Cloud()
    cloud.run(lambda: mlops.Endpoint.existing("score", platform=HUB) and None)
    assert cloud.warnings == ["Endpoint 'score': 'score' is Failed now, and does not answer"]


def test_a_role_has_the_path_that_is_read(there: dict[str, Any]) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/teams/storefront"
    there["role storefront"] = {"Arn": arn}
    team = Cloud().run(lambda: mlops.Identity.existing("team", platform=HUB, called="storefront"))
    assert (team.kind, team.principal) == ("role", arn)
    elsewhere = "arn:aws:iam::444455556666:role/storefront"
    assert mlops.Identity.existing("other", platform=HUB, called=elsewhere).principal == elsewhere


def test_a_group_is_made_in_a_store_that_exists(there: dict[str, Any]) -> None:
    there["database theirs"] = {"Name": "theirs"}
    cloud = Cloud(preview=True)

    def program() -> None:
        store = mlops.FeatureStore.existing(
            "features", platform=HUB, called="theirs", writer={"role": "writer"}, rows="s3://theirs/rows"
        )
        features: Any = {"id": "string", "at": "timestamp"}
        mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features)

    cloud.run(program)
    made = cloud.one("sagemaker/featureGroup").inputs
    assert made["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/writer"
    assert made["offlineStoreConfig"]["s3StorageConfig"]["s3Uri"] == "s3://theirs/rows/"
    assert made["offlineStoreConfig"]["dataCatalogConfig"]["database"] == "theirs"


def test_all_that_is_wrong_is_one_error() -> None:
    arn: Any = f"{ARN}:endpoint/x"
    assert "called: 'arn:" in refused(lambda: mlops.Endpoint.existing("x", platform=HUB, called=arn))
    wrong: Any = {"writer": {"role": "a role"}, "rows": "s3://theirs/"}
    said = refused(lambda: mlops.FeatureStore.existing("features", platform=HUB, **wrong))
    assert "- writer.role: 'a role' is not an IAM role" in said
    said = refused(lambda: mlops.FeatureStore.existing("features", platform=HUB, called="arn:x"))
    assert "3 problems" in said
    for field in ("called", "writer", "rows"):
        assert f"- {field}: " in said
