"""What AWS alone can judge, and what is there already forbids."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from facts import REGISTRY, STORE
from mocks import Cloud
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.aws import live

WANTED: dict[str, Any] = {
    "features": {"id": "string", "at": "timestamp", "age": "integer"},
    "keys": ["id"],
    "event_time": "at",
    "online": {},
}


def there(**changes: Any) -> dict[str, Any]:
    features = {"id": "String", "at": "String", "age": "Integral"} | changes.pop("features", {})
    return {
        "FeatureDefinitions": [{"FeatureName": name, "FeatureType": kind} for name, kind in features.items()],
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": {"TableFormat": "Glue", "DataCatalogConfig": {"Database": "churn_dev_features"}},
    } | changes


def group(**args: Any) -> list[str]:
    cloud = Cloud(preview=True)
    try:
        cloud.run(lambda: mlops.FeatureGroup("profile", **({"store": STORE} | WANTED | args)) and None)
    except InvalidArgs as error:
        assert cloud.registered == []
        return [str(problem) for problem in error.problems]
    return []


def test_a_group_that_is_as_wanted_or_lacks_a_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(live, "feature_group", lambda _, name: asked.append(name) or there())
    assert group() == []
    assert group(features={**WANTED["features"], "spend": "float"}) == []
    assert set(asked) == {"churn-dev-profile"}


@pytest.mark.parametrize(
    ("change", "args", "said"),
    [
        ({"features": {"old": "String"}}, {}, "features: 'old' cannot be removed from a group that exists: rows that"),
        (
            {"features": {"age": "Fractional"}},
            {},
            "features.age: cannot become 'integer' in a group that exists (AWS holds it as Fractional)",
        ),
        ({"RecordIdentifierFeatureName": "age"}, {}, "keys: cannot change from 'age' to 'id': AWS would replace"),
        ({"EventTimeFeatureName": "age"}, {}, "event_time: cannot change from 'age' to 'at'"),
        ({}, {"online": None}, "online: cannot change from 'on' to 'off'"),
        ({}, {"offline": None}, "offline: cannot change from 'on' to 'off'"),
        ({}, {"offline": {"format": "iceberg"}}, "offline.format: cannot change from 'parquet' to 'iceberg'"),
        (
            {"OfflineStoreConfig": {"DataCatalogConfig": {"Database": "elsewhere"}}},
            {},
            "store: cannot change from 'elsewhere' to 'churn_dev_features'",
        ),
        ({}, {"description": "new"}, "description: cannot change from None to 'new'"),
    ],
)
def test_what_would_lose_rows_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], args: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(live, "feature_group", lambda *_: there(**change))
    (problem,) = group(**args)
    assert problem.startswith(said)
    assert "make a new FeatureGroup of another name" in problem


@pytest.mark.parametrize(("old", "new", "refused"), [("a", "a", False), (None, None, False), ("a", "b", True)])
def test_a_models_description_stays(
    monkeypatch: pytest.MonkeyPatch, old: str | None, new: str | None, refused: bool
) -> None:
    monkeypatch.setattr(live, "model_group", lambda *_: {"ModelPackageGroupDescription": old} if old else {})
    cloud = Cloud(preview=True)

    def program() -> None:
        mlops.Model("churn", registry=REGISTRY, description=new)

    if not refused:
        cloud.run(program)
        return
    with pytest.raises(InvalidArgs, match="description: cannot change from 'a': AWS would replace the group"):
        cloud.run(program)
    assert cloud.registered == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"consumers": ["12"]}, "consumers: '12' is not an AWS account; write its twelve digits"),
        ({"account": "12"}, "account: '12' is not an AWS account"),
        ({"region": "Frankfurt"}, "region: 'Frankfurt' is not an AWS region; write one such as 'eu-west-1'"),
        ({"log_days": 31}, "log_days: 31 is not a retention that CloudWatch Logs has; write one of 1, 3, 5"),
    ],
)
def test_a_platform(cloud: Cloud, args: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: mlops.Platform("churn", backend="aws", **args))
    assert [str(problem)[: len(said)] for problem in caught.value.problems] == [said]
    assert cloud.registered == []


def test_a_platform_needs_a_region(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs, match="region: is required; write region='eu-west-1', or run: pulumi config set"):
        cloud.run(lambda: mlops.Platform("churn", backend="aws"), aws__region="")
