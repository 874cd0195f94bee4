"""What a dataset is asked, and the versions of it as values, whatever the backend."""

import datetime as dt
import json
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from support.facts.aws import HUB
from support.mocks import Cloud


def raw(name: str = "raw", **args: Any) -> mlops.DatasetRef:
    return mlops.DatasetRef(name=name, backend="aws", platform=HUB, location=f"s3://{name}/", **args)


def problems(cloud: Cloud, name: str = "rows", **args: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgs) as refused:
        cloud.run(lambda: mlops.Dataset(name, platform=HUB, **args) and None)
    assert not cloud.registered
    return {one.field: one.message for one in refused.value.problems}


def test_one_error_lists_all(cloud: Cloud) -> None:
    found = problems(
        cloud,
        format="avro",
        partition="week",
        retention_days=0,
        columns={"id": "text"},
        parents=["raw"],
        protect="yes",
    )
    assert set(found) == {"format", "partition", "retention_days", "columns.id", "parents[0]", "protect"}
    assert found["retention_days"] == "must be at least 1"
    assert "did you mean" not in found["partition"]
    assert "'text' is not one of 'string'" in found["columns.id"]
    assert "give the Dataset" in found["parents[0]"]


@pytest.mark.parametrize(
    ("args", "field", "told"),
    [
        ({"partition": "day"}, "partition", "there are no partitions of files that have no format"),
        ({"columns": {"id": "string"}}, "columns", "nobody reads columns of files that have no format"),
        ({"format": "csv", "columns": {"1st": "string"}}, "columns", "the first no digit"),
        ({"format": "csv", "columns": {"Id": "string", "id": "string"}}, "columns", "differ in case alone"),
        ({"format": "csv", "partition": "day", "columns": {"DT": "string"}}, "columns", "what partitions are called"),
        ({"retention_days": 1.5}, "retention_days", "needs a whole number"),
        ({"parents": [raw(), raw()]}, "parents[1]", "names 'raw' twice"),
        ({"parents": [raw("rows")]}, "parents[0]", "is the dataset itself"),
        ({"parents": [raw(parents=[raw("rows")])]}, "parents[0]", "made of the dataset itself (raw of rows)"),
    ],
)
def test_what_contradicts_itself_is_refused(cloud: Cloud, args: Any, field: str, told: str) -> None:
    assert told in problems(cloud, **args)[field]


@pytest.mark.parametrize(
    ("build", "field", "told"),
    [
        (lambda later: mlops.Dataset("rows", platform=HUB, format=later), "format", "a plain value is needed"),
        (lambda later: mlops.Dataset("rows", platform=HUB, parents=[later]), "parents[0]", "the Dataset itself"),
        (lambda later: raw("rows").version(later), "number", "is an Output"),
        (lambda later: raw("rows").at(later), "day", "is an Output"),
    ],
)
def test_an_output_has_no_place_where_it_decides_what_is_made(cloud: Cloud, build: Any, field: str, told: str) -> None:
    with pytest.raises(InvalidArgs) as refused:
        cloud.run(lambda: build(pulumi.Output.from_input("csv")) and None)
    (found,) = refused.value.problems
    assert found.field == field
    assert told in found.message


def test_a_column_may_be_called_as_partitions_are_where_there_are_none(cloud: Cloud) -> None:
    cloud.run(lambda: mlops.Dataset("rows", platform=HUB, format="csv", columns={"dt": "string"}) and None)


def test_versions_are_values() -> None:
    rows = raw("rows")
    assert rows.version(3) == rows.version(3) != rows.version(4)
    assert [view.label for view in (rows.latest(), rows.version(3), rows.at("2026-11-01"))] == [
        "rows@latest",
        "rows@3",
        "rows@2026-11-01",
    ]
    assert rows.at(dt.date(2026, 11, 1)) == rows.at("2026-11-01")


@pytest.mark.parametrize("number", [0, -3, 1.5, True, "3", None])
def test_a_number_that_is_none_is_refused(number: Any) -> None:
    with pytest.raises(InvalidArgs, match=r"Dataset 'rows'.*\n.*number: "):
        raw("rows").version(number)


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("tomorrow", "'tomorrow' is not a day"),
        ("2026-13-01", "is not a day"),
        ("2026-11-1", "is not a day"),
        ("20261101", "is not a day"),
        (20261101, "a day is needed"),
        (dt.datetime(2026, 11, 1, tzinfo=dt.UTC), r"\.date\(\) of it"),
        (None, "is None"),
        ("9999-01-01", "is not over"),
        (dt.datetime.now(tz=dt.UTC).date(), "is not over"),
    ],
)
def test_a_day_that_is_none_or_not_over_is_refused(day: Any, told: str) -> None:
    with pytest.raises(InvalidArgs, match=told):
        raw("rows").at(day)


def test_parents_leave_the_stack_and_come_back() -> None:
    rows = raw("rows", parents=[raw(parents=[raw("source", columns={"id": "string"})])], retention_days=400)
    exported = json.loads(json.dumps(rows.export()))
    assert mlops.DatasetRef.load(exported) == rows
    # The engine drops nulls, and knows floats only.
    del exported["format"]
    exported["retention_days"] = 400.0
    loaded = mlops.DatasetRef.load(exported)
    assert loaded == rows
    assert isinstance(loaded.retention_days, int)
    assert [parent.name for parent in loaded.parents[0].parents] == ["source"]


def test_an_identity_takes_datasets_beside_feature_groups(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs) as refused:
        cloud.run(lambda: mlops.Identity("etl", platform=HUB, reads=[HUB], writes=["rows"]) and None)
    told = {one.field: one.message for one in refused.value.problems}
    assert told["reads[0]"].startswith("needs a FeatureView or a DatasetView or a Dataset, this is Platform")
    assert "rows.latest()" in told["reads[0]"]
    assert told["writes[0]"].startswith("needs a FeatureGroup or a Dataset, this is str")


def test_what_the_engine_records_are_names(cloud: Cloud) -> None:
    rows = raw("rows")
    trust: Any = {"role": "arn:aws:iam::444455556666:role/ci"}
    cloud.run(
        lambda: mlops.Identity("etl", platform=HUB, reads=[rows.at("2026-11-01")], writes=[rows], trusts=trust) and None
    )
    (made,) = [one for one in cloud.registered if one.type.endswith(":Identity")]
    assert (made.inputs["reads"], made.inputs["writes"]) == (["rows@2026-11-01"], ["rows"])
