"""What S3 does with versions, and which tables of Glue Athena can read."""

import pytest
from botocore.exceptions import ClientError

from support.sandbox.control_plane import ControlPlane


def test_a_bucket_is_emptied_of_versions_and_markers_after_versioning_ended(plane: ControlPlane) -> None:
    s3, bucket = plane.client("s3"), "versions-of-mine"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
        s3.delete_object(Bucket=bucket, Key=key)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    found = s3.list_object_versions(Bucket=bucket)
    every = [*found["Versions"], *found["DeleteMarkers"]]
    keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in every]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)


DAILY = {
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy-MM-dd",
    "projection.dt.range": "NOW-30DAYS,NOW",
    "storage.location.template": "s3://acme-rows/dt=${dt}/",
}


def table(plane: ControlPlane, parameters: dict[str, str]) -> None:
    keys = [{"Name": "dt", "Type": "string"}]
    plane.client("glue").create_database(DatabaseInput={"Name": "sales"})
    plane.client("glue").create_table(
        DatabaseName="sales", TableInput={"Name": "rows", "PartitionKeys": keys, "Parameters": parameters}
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"projection.enabled": "false", "projection.dt.type": "week"},
        {"projection.dt.format": "yyyy-MM-dd-HH", "projection.dt.interval.unit": "HOURS"},
        {"projection.dt.type": "enum", "projection.dt.values": "a,b"},
        {"projection.dt.type": "injected"},
    ],
)
def test_a_projection_that_athena_takes(plane: ControlPlane, change: dict[str, str]) -> None:
    table(plane, DAILY | change)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"projection.dt.type": "week"}, "it is one of enum, integer, date, injected"),
        ({"projection.dt.type": "enum"}, "an enum has values"),
        ({"projection.dt.range": "NOW-30DAYS"}, "two values with a comma"),
        ({"projection.dt.format": ""}, "a date has a format"),
        ({"projection.dt.format": "yyyy-MM-dd-HH"}, "interval.unit is required"),
        ({"storage.location.template": "s3://acme-rows/"}, "has no ${dt}"),
        ({"storage.location.template": "s3://acme-rows/dt=${dt}"}, "ends in /"),
    ],
)
def test_a_projection_that_athena_refuses(plane: ControlPlane, change: dict[str, str], told: str) -> None:
    with pytest.raises(ClientError) as refused:
        table(plane, DAILY | change)
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"
    assert told in str(refused.value)
