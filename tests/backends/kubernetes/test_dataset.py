"""Dataset on Kubernetes: its facts, the CronJob that deletes what is old, and the keys and ways of who uses it."""

import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.jobs import dataset as program
from support.facts.kubernetes import GROUP, HUB, OBJECT_STORE, hub
from support.mocks import Cloud, Registration

ROWS = mlops.DatasetRef(name="rows", backend="kubernetes", platform=HUB, location="s3://artifacts/datasets/rows/")


def make(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> None:
    cloud.run(lambda: mlops.Dataset("rows", platform=platform, **args) and None)


def of(cloud: Cloud, kind: str) -> list[Registration]:
    return [one for one in cloud.registered if one.type.endswith(f":{kind}")]


def identity(cloud: Cloud, **args: Any) -> list[str]:
    """Return the Secrets that an identity reads."""
    cloud.run(lambda: mlops.Identity("etl", platform=HUB, **args) and None)
    return [name for role in of(cloud, "Role") for rule in role.inputs["rules"] for name in rule["resourceNames"]]


def test_the_facts_are_written_down(cloud: Cloud) -> None:
    raw = mlops.DatasetRef(name="raw", backend="kubernetes", platform=HUB, location="s3://artifacts/datasets/raw/")
    make(cloud, format="parquet", partition="day", columns={"id": "string"}, parents=[raw], description="Who pays")
    (facts,) = of(cloud, "ConfigMap")
    assert facts.inputs["metadata"]["name"] == "rows-dataset"
    assert json.loads(facts.inputs["data"]["dataset.json"]) == {
        "location": "s3://artifacts/datasets/rows/",
        "files": "parquet/day",
        "columns": {"id": "string"},
        "retention_days": None,
        "parents": ["raw"],
        "description": "Who pays",
    }
    assert not of(cloud, "CronJob")


@pytest.mark.parametrize("partition", ["day", None])
def test_what_is_old_is_deleted_by_the_program(cloud: Cloud, partition: Any) -> None:
    make(cloud, format="parquet", partition=partition, retention_days=400)
    (job,) = of(cloud, "CronJob")
    spec = job.inputs["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    python, option, text, *arguments = container["command"]
    assert (python, option) == ("python", "-c")
    compile(text, "dataset.py", "exec")
    given = program.parser().parse_args(arguments)
    assert (given.what, given.location, given.days) == ("expire", "s3://artifacts/datasets/rows/", 400)
    assert given.partitions == (partition == "day")
    variables = {one["name"]: one for one in container["env"]}
    assert variables["AWS_ENDPOINT_URL_S3"]["value"] == OBJECT_STORE["url"]
    assert variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]["name"] == OBJECT_STORE["writer"]
    assert pod["automountServiceAccountToken"] is False


def test_it_reaches_the_object_store_and_nothing_else(cloud: Cloud) -> None:
    make(cloud, retention_days=400)
    out, into = sorted(of(cloud, "NetworkPolicy"), key=lambda one: one.name)
    (rule,) = out.inputs["spec"]["egress"]
    assert [port["port"] for port in rule["ports"]] == [8333]
    (entry,) = into.inputs["spec"]["ingress"]
    (peer,) = entry["from"]
    assert peer["podSelector"]["matchLabels"] == out.inputs["spec"]["podSelector"]["matchLabels"]


@pytest.mark.parametrize(
    ("args", "secrets"),
    [
        ({"reads": [ROWS]}, ["churn-store-reader"]),
        ({"reads": [ROWS.version(3)]}, ["churn-store-reader"]),
        ({"reads": [ROWS.latest(), GROUP.as_of(days=9)]}, ["churn-store-reader"]),
        ({"writes": [ROWS]}, ["churn-store-writer"]),
        ({"reads": [ROWS], "writes": [ROWS]}, ["churn-store-writer"]),
        ({"writes": [GROUP]}, []),
    ],
)
def test_who_reads_gets_the_key_that_reads_and_who_writes_the_other(
    cloud: Cloud, args: Any, secrets: list[str]
) -> None:
    assert identity(cloud, **args) == secrets
    reached = {one.name for one in of(cloud, "NetworkPolicy")}
    assert ("net-calls-to-store" in " ".join(reached)) == bool(secrets)


def test_what_lies_in_a_format_does_not_become_another(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"data": {"dataset.json": json.dumps({"files": "files"})}}
    monkeypatch.setattr(live, "namespaced", lambda *of: there if of[-1] == "rows-dataset" else None)
    with pytest.raises(InvalidArgs) as refused:
        make(cloud, format="csv")
    assert [one.field for one in refused.value.problems] == ["format"]
    assert "cannot become 'csv' where it is None" in str(refused.value)
    assert not cloud.registered


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_facts_are_protected_as_the_stage_says(cloud: Cloud, stage: str) -> None:
    make(cloud, hub(stage=stage))
    (facts,) = of(cloud, "ConfigMap")
    assert bool(facts.protect) == (stage == "prod")


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://acme.blob.core.windows.net/sales/rows/", "is no folder of the platform's object store"),
        ("s3://elsewhere/rows/", "has 'artifacts' alone"),
    ],
)
def test_a_folder_elsewhere_is_refused(cloud: Cloud, location: str, told: str) -> None:
    with pytest.raises(InvalidArgs, match=told):
        cloud.run(lambda: mlops.Dataset.existing("sales", platform=HUB, location=location) and None)


def test_a_store_of_the_users_may_have_more_buckets(cloud: Cloud) -> None:
    theirs = hub(store={**OBJECT_STORE, "door": {"name": "store", "port": 443}})
    cloud.run(lambda: mlops.Dataset.existing("sales", platform=theirs, location="s3://elsewhere/rows/") and None)
