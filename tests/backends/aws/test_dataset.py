"""Dataset on AWS: its bucket, what becomes of old files, its table, and rights that end at its folder."""

from collections.abc import Mapping
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.backends.aws import live
from support import rights
from support.facts.aws import HUB, KEY, hub
from support.mocks import ACCOUNT, REGION, Cloud

ROLE: Any = {"role": "arn:aws:iam::444455556666:role/ci"}
COLUMNS: Any = {"id": "string", "Spend": "float", "at": "timestamp"}
DATABASE = "churn_dev_rows_dataset"
ROWS = mlops.DatasetRef(
    name="rows",
    backend="aws",
    platform=HUB,
    location="s3://acme-rows/",
    address={"key": KEY, "database": DATABASE, "table": "rows"},
)
THEIRS = mlops.DatasetRef(name="sales", backend="aws", platform=HUB, location="s3://acme-sales/rows/")


def make(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> None:
    cloud.run(lambda: mlops.Dataset("rows", platform=platform, **args) and None)


def may(cloud: Cloud, **args: Any) -> rights.Rights:
    cloud.run(lambda: mlops.Identity("etl", platform=HUB, trusts=ROLE, **args) and None)
    return rights.of(cloud, "etl-rights")


def rules(cloud: Cloud) -> Mapping[str, Any]:
    found = cloud.one("s3/bucketLifecycleConfiguration", "rows-lifecycle").inputs["rules"]
    return {rule["id"]: rule for rule in found}


def table(cloud: Cloud) -> Mapping[str, Any]:
    return cloud.one("glue/catalogTable", "rows-table").inputs


def test_the_bucket_is_closed_as_the_artifact_store_is(cloud: Cloud) -> None:
    make(cloud, format="parquet", partition="day")
    bucket = cloud.one("s3/bucket", "rows-bucket")
    assert bucket.inputs["bucket"] == f"churn-dev-rows-{ACCOUNT}-{REGION}"
    assert bucket.inputs["tags"]["mlops-dataset"] == "parquet/day"
    assert cloud.one("s3/bucketVersioning", "rows-versions").inputs["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = cloud.one("s3/bucketServerSideEncryptionConfiguration", "rows-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == KEY
    assert cloud.one("s3/bucketPublicAccessBlock", "rows-closed").inputs["blockPublicPolicy"] is True


def test_versions_are_written_once_by_whomever(cloud: Cloud) -> None:
    make(cloud)
    policy = cloud.one("s3/bucketPolicy", "rows-policy").document("policy")["Statement"]
    everything = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}
    by = rights.Rights([everything, *({**one, "Principal": None} for one in policy)])
    arn = policy[0]["Resource"][0]
    tls = {"aws:SecureTransport": "true"}
    assert by("s3:PutObject", f"{arn}/_versions/1.json", **tls, **{"s3:if-none-match": "*"})
    assert not by("s3:PutObject", f"{arn}/_versions/1.json", **tls)
    assert not by("s3:DeleteObject", f"{arn}/_versions/1.json", **tls)
    assert by("s3:DeleteObjectVersion", f"{arn}/_versions/1.json", **tls), "else nobody could empty the bucket"
    assert by("s3:PutObject", f"{arn}/dt=2026-11-30/a.parquet", **tls)
    assert not by("s3:PutObject", f"{arn}/dt=2026-11-30/a.parquet", **{"aws:SecureTransport": "false"})


def test_without_a_retention_what_was_overwritten_can_be_restored_as_the_stage_says(cloud: Cloud) -> None:
    make(cloud)
    assert list(rules(cloud)) == ["superseded"]
    assert rules(cloud)["superseded"]["noncurrentVersionExpiration"] == {"noncurrentDays": 7}


def test_partitions_expire_and_versions_do_not(cloud: Cloud) -> None:
    make(cloud, format="csv", partition="hour", retention_days=400)
    found = rules(cloud)
    assert found["partitions"]["expiration"] == {"days": 400}
    assert found["partitions"]["filter"] == found["markers"]["filter"] == {"prefix": "dt="}
    assert found["superseded"]["noncurrentVersionExpiration"] == {"noncurrentDays": 7}


def test_without_partitions_what_was_replaced_expires(cloud: Cloud) -> None:
    make(cloud, retention_days=30)
    assert list(rules(cloud)) == ["superseded"]
    assert rules(cloud)["superseded"]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


@pytest.mark.parametrize(
    ("partition", "days", "told"),
    [
        ("hour", None, ("yyyy-MM-dd-HH", "HOURS", "2000-01-01-00")),
        ("day", 400, ("yyyy-MM-dd", "DAYS", "NOW-401DAYS")),
        ("month", None, ("yyyy-MM", "MONTHS", "2000-01")),
    ],
)
def test_athena_finds_partitions_by_itself(cloud: Cloud, partition: str, days: Any, told: tuple[str, str, str]) -> None:
    make(cloud, format="parquet", columns=COLUMNS, partition=partition, retention_days=days)
    form, unit, since = told
    said = table(cloud)["parameters"]
    assert said["projection.enabled"] == "true"
    assert {key: said[f"projection.dt.{key}"] for key in ("type", "format", "range", "interval.unit")} == {
        "type": "date",
        "format": form,
        "range": f"{since},NOW",
        "interval.unit": unit,
    }
    assert said["storage.location.template"] == f"s3://churn-dev-rows-{ACCOUNT}-{REGION}/dt=${{dt}}/"
    assert table(cloud)["partitionKeys"] == [{"name": "dt", "type": "string"}]


@pytest.mark.parametrize(
    ("form", "time", "library"),
    [
        ("parquet", "timestamp", "ParquetHiveSerDe"),
        ("csv", "string", "OpenCSVSerde"),
        ("jsonl", "string", "JsonSerDe"),
    ],
)
def test_a_table_has_the_columns_in_the_words_of_its_format(cloud: Cloud, form: str, time: str, library: str) -> None:
    make(cloud, format=form, columns=COLUMNS)
    kept = table(cloud)["storageDescriptor"]
    assert {column["name"]: column["type"] for column in kept["columns"]} == {
        "id": "string",
        "spend": "double",
        "at": time,
    }
    assert kept["serDeInfo"]["serializationLibrary"].endswith(library)
    assert ("skip.header.line.count" in table(cloud)["parameters"]) == (form == "csv")
    assert "projection.enabled" not in table(cloud)["parameters"]


def test_without_columns_there_is_no_table(cloud: Cloud) -> None:
    make(cloud, format="parquet")
    assert not [one for one in cloud.registered if one.type.endswith(":CatalogTable")]


@pytest.mark.parametrize(
    ("stage", "protect", "kept"),
    [("dev", None, False), ("prod", None, True), ("prod", False, False), ("dev", True, True)],
)
def test_what_is_kept_is_neither_deleted_nor_emptied(cloud: Cloud, stage: str, protect: Any, kept: bool) -> None:
    make(cloud, hub(stage=stage), protect=protect)
    bucket = cloud.one("s3/bucket", "rows-bucket")
    assert (bool(bucket.protect), bucket.inputs.get("forceDestroy")) == (kept, not kept)


@pytest.mark.parametrize("read", [ROWS, ROWS.latest(), ROWS.version(3)], ids=["dataset", "latest", "number"])
def test_a_reader_reads_below_the_dataset_and_nowhere_else(cloud: Cloud, read: Any) -> None:
    reader = may(cloud, reads=[read])
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        assert reader(action, "arn:aws:s3:::acme-rows/dt=2026-11-30/a.parquet")
        assert reader(action, "arn:aws:s3:::acme-rows/_versions/1.json")
        assert not reader(action, "arn:aws:s3:::acme-rows-2/a"), "a bucket whose name begins alike"
        assert not reader(action, "arn:aws:s3:::artifacts/models/churn/1")
    assert reader("s3:ListBucket", "arn:aws:s3:::acme-rows", **{"s3:prefix": "_versions/"})
    assert not reader("s3:ListBucket", "arn:aws:s3:::artifacts", **{"s3:prefix": ""})
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not reader(action, "arn:aws:s3:::acme-rows/a")
    catalogue = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    assert reader("glue:GetTable", f"{catalogue}:table/{DATABASE}/rows")
    assert not reader("glue:GetTable", f"{catalogue}:table/{DATABASE}/others")
    assert not reader("glue:UpdateTable", f"{catalogue}:table/{DATABASE}/rows")
    assert reader.decrypt(KEY, "s3")
    assert not reader.decrypt(KEY, None)
    assert not reader("kms:GenerateDataKey", KEY, **{"kms:ViaService": f"s3.{REGION}.amazonaws.com"})


def test_a_writer_writes_below_the_dataset_and_keeps_its_versions(cloud: Cloud) -> None:
    writer = may(cloud, writes=[ROWS])
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"):
        assert writer(action, "arn:aws:s3:::acme-rows/dt=2026-11-30/a.parquet")
        assert not writer(action, "arn:aws:s3:::artifacts/a")
    assert writer("s3:PutObject", "arn:aws:s3:::acme-rows/_versions/2.json")
    assert writer("s3:GetObject", "arn:aws:s3:::acme-rows/_versions/1.json")
    assert writer("s3:ListBucketVersions", "arn:aws:s3:::acme-rows", **{"s3:prefix": "dt="})
    assert not writer("s3:GetObject", "arn:aws:s3:::acme-rows/dt=2026-11-30/a.parquet"), "it is no reader"
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not writer(action, "arn:aws:s3:::acme-rows/_versions/1.json")
    assert not writer("s3:DeleteObjectVersion", "arn:aws:s3:::acme-rows/dt=2026-11-30/a.parquet")
    assert writer("kms:GenerateDataKey", KEY, **{"kms:ViaService": f"s3.{REGION}.amazonaws.com"})


def test_of_a_folder_that_was_there_a_reader_reads_the_folder(cloud: Cloud) -> None:
    reader = may(cloud, reads=[THEIRS])
    assert reader("s3:GetObject", "arn:aws:s3:::acme-sales/rows/a")
    assert not reader("s3:GetObject", "arn:aws:s3:::acme-sales/rows-2/a")
    assert reader("s3:ListBucket", "arn:aws:s3:::acme-sales", **{"s3:prefix": "rows/_versions/"})
    assert not reader("s3:ListBucket", "arn:aws:s3:::acme-sales", **{"s3:prefix": "private/"})


def test_what_lies_in_a_format_does_not_become_another(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "account", lambda _: ACCOUNT)
    asked: list[str] = []

    def tags(_: mlops.PlatformRef, name: str) -> dict[str, str]:
        asked.append(name)
        return {"mlops-dataset": "parquet/day"}

    monkeypatch.setattr(live, "bucket_tags", tags)
    with pytest.raises(InvalidArgs) as refused:
        make(cloud, platform=hub(region=REGION), format="csv")
    assert asked == [f"churn-dev-rows-{ACCOUNT}-{REGION}"]
    assert [one.field for one in refused.value.problems] == ["format", "partition"]
    assert "cannot become 'csv' where it is 'parquet'" in str(refused.value)
    assert not cloud.registered
    make(cloud, platform=hub(region=REGION), format="parquet", partition="day", retention_days=3)


@pytest.mark.parametrize(
    "location",
    ["https://acme.blob.core.windows.net/sales/rows/", "s3://UPPER/rows/", f"s3://{'a' * 64}/rows/", "gs://acme/rows/"],
)
def test_a_folder_of_another_cloud_is_refused(cloud: Cloud, location: str) -> None:
    with pytest.raises(InvalidArgs, match="is no folder of S3"):
        cloud.run(lambda: mlops.Dataset.existing("sales", platform=HUB, location=location) and None)


def test_a_parent_of_another_cloud_is_refused(cloud: Cloud) -> None:
    elsewhere = mlops.PlatformRef(name="churn", backend="azure", stage="dev", artifacts="https://a/b/")
    parent = mlops.DatasetRef(name="raw", backend="azure", platform=elsewhere, location="https://a/b/")
    with pytest.raises(Unsupported, match=r"bridge\.dataset\.backend"):
        make(cloud, parents=[parent])
    assert not cloud.registered
