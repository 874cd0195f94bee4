"""What AWS alone can judge, and what is there already forbids."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.aws import live
from support.facts.aws import HUB, REGISTRY, STORE
from support.mocks import Cloud

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


FILES = {"image": "repo:1"}
MACHINE = {"memory_gb": 2}


def endpoint(**args: Any) -> list[str]:
    cloud = Cloud(preview=True)
    wanted = {"platform": HUB} | ({} if "variants" in args else {"model": FILES}) | args
    try:
        cloud.run(lambda: mlops.Endpoint("score", **wanted) and None)
    except InvalidArgs as error:
        assert cloud.registered == []
        return [str(problem) for problem in error.problems]
    return []


def variants(count: int) -> list[dict[str, Any]]:
    return [{"name": f"v{number}", "model": FILES} for number in range(count)]


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (
            {"release": {"canary": {"percent": 50, "bake_minutes": 60}}},
            {"release": {"canary": {"percent": 51, "bake_minutes": 61}}},
            ["release.canary.percent: 51: AWS takes 1 to 50", "release.canary.bake_minutes: 61: AWS takes at most 60"],
        ),
        (
            {"release": {"linear": {"step_percent": 10, "interval_minutes": 20}}},
            {"release": {"linear": {"step_percent": 9, "interval_minutes": 5}}},
            ["release.linear.step_percent: 9: AWS takes 10 to 50"],
        ),
        (
            {"release": {"linear": {"step_percent": 50, "interval_minutes": 60}}},
            {"release": {"linear": {"step_percent": 50, "interval_minutes": 61}}},
            ["release.linear.interval_minutes: 61: AWS takes at most 60"],
        ),
        (
            {"compute": MACHINE, "mode": {"serverless": {"max_concurrency": 200, "provisioned": 200}}},
            {"compute": MACHINE, "mode": {"serverless": {"max_concurrency": 201, "provisioned": 201}}},
            [
                "mode.serverless.max_concurrency: 201: AWS takes 1 to 200",
                "mode.serverless.provisioned: 201: AWS takes 1 to 200",
            ],
        ),
        (
            {"mode": {"asynchronous": {"max_concurrency": 1000}}},
            {"mode": {"asynchronous": {"max_concurrency": 1001}}},
            ["mode.asynchronous.max_concurrency: 1001: AWS takes 1 to 1000"],
        ),
        (
            {"variants": variants(10)},
            {"variants": variants(11)},
            [
                "variants: 11: AWS takes at most 10",
                "variants: 11 alarms would watch a release, 11 of them the endpoint's own, and AWS takes 10; take",
            ],
        ),
        (
            {"release": {"rollback_alarms": [f"theirs-{number}" for number in range(9)]}},
            {"release": {"rollback_alarms": [f"theirs-{number}" for number in range(10)]}},
            ["release.rollback_alarms: 11 alarms would watch a release, 1 of them the endpoint's own, and AWS"],
        ),
        (
            {"variants": variants(5), "health": {"latency_ms": 90}},
            {"variants": variants(6), "health": {"latency_ms": 90}},
            ["variants: 12 alarms would watch a release, 12 of them the endpoint's own, and AWS takes 10; take fewer"],
        ),
    ],
)
def test_what_aws_bounds_of_an_endpoint(good: dict[str, Any], bad: dict[str, Any], said: list[str]) -> None:
    assert endpoint(**good) == []
    found = endpoint(**bad)
    assert len(found) == len(said)
    assert [line[: len(wanted)] for line, wanted in zip(found, said, strict=True)] == said


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ("a" * 64, []),
        ("last_seen-at", []),
        ("a" * 65, [f"features: '{'a' * 65}': AWS takes at most 64 letters, digits, hyphens and underscores"]),
        (
            "age_",
            ["features: 'age_': AWS takes at most 64 letters, digits, hyphens and underscores, a letter or digit"],
        ),
        ("write_time", ["features: 'write_time': write none of api_invocation_time, is_deleted, write_time"]),
    ],
)
def test_the_names_of_features(feature: str, said: list[str]) -> None:
    found = group(features={**WANTED["features"], feature: "float"})
    assert len(found) == len(said)
    assert [line[: len(wanted)] for line, wanted in zip(found, said, strict=True)] == said


def test_how_long_descriptions_are() -> None:
    assert group(description="x" * 128) == []
    assert group(description="x" * 129) == ["description: 129 characters: AWS takes at most 128 characters"]
    cloud = Cloud(preview=True)
    with pytest.raises(InvalidArgs, match="description: 1025 characters: AWS takes at most 1024 characters"):
        cloud.run(lambda: mlops.Model("churn", registry=REGISTRY, description="x" * 1025) and None)


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
        (
            {"consumers": [{"account": "12"}]},
            "consumers[0].account: '12' is not an AWS account; write its twelve digits",
        ),
        ({"account": "12"}, "account: '12' is not an AWS account"),
        ({"region": "Frankfurt"}, "region: 'Frankfurt' is not an AWS region; write one such as 'eu-west-1'"),
        ({"log_days": 3654}, "log_days: 3654 is not a retention that CloudWatch Logs has; write one of 1, 3, 5"),
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
