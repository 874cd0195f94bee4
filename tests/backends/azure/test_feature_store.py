"""FeatureStore and FeatureGroup on Azure: a specification that is uploaded, and a version for each content of it."""

import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.azure import live
from support.facts.azure import HUB, SETTINGS
from support.mocks import Cloud

FEATURES = {"id": "string", "at": "timestamp", "age": "integer"}


def build(cloud: Cloud, features: dict[str, Any] | None = None, store: Any = None, **args: Any) -> None:
    least: dict[str, Any] = {"features": features or FEATURES, "keys": ["id"], "event_time": "at"}

    def program() -> Any:
        where = mlops.FeatureStore("features", platform=HUB, **(store or {}))
        return {"ref": mlops.FeatureGroup("profile", store=where, **(least | args)).ref.export()}

    cloud.run(program, **SETTINGS)


def of(cloud: Cloud, name: str) -> Any:
    return [item for item in cloud.registered if item.type.endswith(f":{name}")]


def test_the_specification_says_where_rows_are_and_what_they_are(cloud: Cloud) -> None:
    build(cloud)
    (blob,) = of(cloud, "Blob")
    text = blob.inputs["source"]["text"]
    assert "path: wasbs://artifacts@churndev1.blob.core.windows.net/features/features/profile/" in text
    assert "  - name: age\n    type: long" in text
    assert "    name: at" in text
    assert not blob.inputs["blobName"].startswith("features/"), "no reader of rows meets it"


def test_one_more_feature_is_another_version_and_the_one_before_stays() -> None:
    one, more = Cloud(), Cloud()
    build(one)
    build(more, {**FEATURES, "spend": "float"})
    (before,), (after,) = of(one, "FeaturesetVersion"), of(more, "FeaturesetVersion")
    assert before.name != after.name
    assert before.inputs["version"] != after.inputs["version"]
    assert after.inputs["version"] in after.inputs["properties"]["specification"]["path"]
    assert json.loads(after.inputs["properties"]["properties"]["mlops-features"])["spend"] == "float"


def test_a_store_is_a_workspace_with_an_account_without_keys(cloud: Cloud) -> None:
    build(cloud)
    (workspace,), (account,) = of(cloud, "Workspace"), of(cloud, "StorageAccount")
    assert workspace.inputs["kind"] == "FeatureStore"
    assert account.inputs["isHnsEnabled"] is True
    assert account.inputs["allowSharedKeyAccess"] is False
    (leads,) = of(cloud, "WorkspaceConnection")
    assert leads.inputs["connectionName"].startswith("OfflineStoreConnectionName-")
    assert leads.inputs["properties"]["category"] == "ADLSGen2"


def test_rows_are_materialized_when_the_store_says(cloud: Cloud) -> None:
    build(cloud, store={"materialize": {"cron": "30 3 * * MON", "timezone": "Europe/Berlin"}})
    (version,) = of(cloud, "FeaturesetVersion")
    when = version.inputs["properties"]["materializationSettings"]["schedule"]
    assert (when["frequency"], when["timeZone"]) == ("Week", "W. Europe Standard Time")
    assert when["schedule"] == {"hours": [3], "minutes": [30], "weekDays": ["Monday"]}


def test_a_feature_of_a_group_that_exists_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        "properties": {"properties": {"mlops-features": json.dumps({**FEATURES, "gone": "float", "age": "float"})}}
    }
    monkeypatch.setattr(live, "feature_set", lambda *_: known)
    with pytest.raises(InvalidArgs) as refused:
        build(Cloud())
    assert {problem.field for problem in refused.value.problems} == {"features", "features.age"}


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"features": {**FEATURES, "at": "float"}}, "event_time"),
        ({"store": {"materialize": {"cron": "0 3 * 6 *"}}}, "materialize.cron"),
        ({"store": {"materialize": {"cron": "0 3 * * *", "timezone": "America/Adak"}}}, "materialize.timezone"),
    ],
)
def test_what_azure_has_not_is_refused_first(args: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgs) as refused:
        build(Cloud(), **args)
    assert [problem.field for problem in refused.value.problems] == [field]
