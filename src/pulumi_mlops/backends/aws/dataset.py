"""Dataset on AWS: a bucket of its own with its lifecycle, and a table of Glue by which Athena reads it.

A bucket has one lifecycle configuration, which its owner writes as a whole: so a dataset has a bucket of its own, and
the artifact store's stays the platform's. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi_aws as aws
from pulumi import Output

from pulumi_mlops.backends.aws import buckets, live
from pulumi_mlops.backends.aws.addresses import DatasetAddress, PlatformAddress
from pulumi_mlops.backends.aws.policy import Statement
from pulumi_mlops.components.dataset import PARTITION, DatasetSpec, fixed_problems, kind_of_files
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import VERSIONS

FACTS = "mlops-dataset"
"""Tag of a bucket that says what its files are: that cannot be changed under them."""
_HADOOP = "org.apache.hadoop"
_TEXT = (f"{_HADOOP}.mapred.TextInputFormat", f"{_HADOOP}.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
_PARQUET = tuple(f"{_HADOOP}.hive.ql.io.parquet.MapredParquet{way}Format" for way in ("Input", "Output"))
_QUOTED = {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"}
# https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
_READ: Mapping[str, tuple[tuple[str, ...], str, Mapping[str, str]]] = {
    "parquet": (_PARQUET, f"{_HADOOP}.hive.ql.io.parquet.serde.ParquetHiveSerDe", {}),
    "csv": (_TEXT, f"{_HADOOP}.hive.serde2.OpenCSVSerde", _QUOTED),
    "jsonl": (_TEXT, "org.openx.data.jsonserde.JsonSerDe", {}),
}
"""How files of a format are read: input and output format, the library, and its settings."""
_CLASSES = {"parquet": "parquet", "csv": "csv", "jsonl": "json"}
_TYPES = {"string": "string", "integer": "bigint", "float": "double", "boolean": "boolean", "timestamp": "timestamp"}
# https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html#partition-projection-date-type
_PROJECTED = {"hour": ("yyyy-MM-dd-HH", "HOURS"), "day": ("yyyy-MM-dd", "DAYS"), "month": ("yyyy-MM", "MONTHS")}
_EARLIEST = "2000-01-01-00"
"""From when on Athena looks for partitions, where no retention says it."""


def bucket_name(platform: PlatformRef, name: str, account: str) -> str:
    """Name the bucket of a dataset, where all that is in its name is known."""
    region = platform.region or live.default_region()
    return f"{physical(platform.name, platform.stage, name, limit=buckets.PREFIX)}-{account}-{region}"


def dataset(scope: Scope, spec: DatasetSpec) -> DatasetRef:
    """Make the bucket, and what tells Athena of it."""
    at = PlatformAddress.of(spec.platform)
    bucket = buckets.closed(
        scope,
        "bucket",
        buckets.name(scope, scope.name, at.account, at.region),
        at.key,
        rules=list(_lifecycle(scope, spec)),
        policy=_written_once,
        protect=spec.protect,
        tags={FACTS: kind_of_files(spec.format, spec.partition)},
    )
    events = aws.s3.BucketNotification(scope.child("events"), bucket=bucket.bucket, eventbridge=True, opts=scope.opts)
    location = Output.format("s3://{0}/", bucket.bucket)
    database = aws.glue.CatalogDatabase(
        scope.child("catalog"),
        name=physical(scope.project, scope.stage, scope.name, "dataset", separator="_", limit=255),
        description=spec.description or f"Dataset {scope.name} of {scope.project} ({scope.stage})",
        location_uri=location,
        parameters={"mlops-parents": ",".join(parent.name for parent in spec.parents)} if spec.parents else {},
        tags=scope.tags,
        opts=scope.opts,
    )
    table = _table(scope, spec, database, location) if spec.format and spec.columns else None
    return DatasetRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        location=location,
        format=spec.format,
        partition=spec.partition,
        columns=spec.columns,
        retention_days=spec.retention_days,
        parents=spec.parents,
        address=DatasetAddress(key=at.key, database=database.name, table=table.name if table else None).plain(),
        native={"bucket": bucket, "events": events, "catalog": database, **({"table": table} if table else {})},
    )


def _lifecycle(scope: Scope, spec: DatasetSpec) -> Iterator[Mapping[str, Any]]:
    """Write what becomes of old files: of partitions by the time of writing, of others when replaced."""
    days = spec.retention_days
    if days is None:
        yield buckets.superseded(scope.profile.version_days)
    elif spec.partition is None:
        yield buckets.superseded(days)
    else:
        yield buckets.superseded(scope.profile.version_days)
        old = {"status": "Enabled", "filter": {"prefix": f"{PARTITION}="}}
        yield {"id": "partitions", **old, "expiration": {"days": days}}
        # What is left of a file whose last version is gone.
        yield {"id": "markers", **old, "expiration": {"expired_object_delete_marker": True}}


def _written_once(bucket: "aws.s3.Bucket") -> list[Statement]:
    """Forbid everybody to write a version anew, and to take one away.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    versions = Output.format("{0}/{1}*", bucket.arn, VERSIONS)
    everybody = {"Effect": "Deny", "Principal": "*", "Resource": versions}
    return [
        {
            "Sid": "VersionsOnce",
            **everybody,
            "Action": "s3:PutObject",
            "Condition": {"Null": {"s3:if-none-match": "true"}},
        },
        {"Sid": "VersionsStay", **everybody, "Action": "s3:DeleteObject"},
    ]


def _table(
    scope: Scope, spec: DatasetSpec, database: "aws.glue.CatalogDatabase", location: Output[str]
) -> "aws.glue.CatalogTable":
    assert spec.format is not None  # noqa: S101 (asked for above)
    (read, write), library, settings = _READ[spec.format]
    types = _TYPES if spec.format == "parquet" else {**_TYPES, "timestamp": "string"}  # texts have times as they like
    parameters: dict[str, Any] = {"EXTERNAL": "TRUE", "classification": _CLASSES[spec.format]}
    if spec.format == "csv":
        parameters["skip.header.line.count"] = "1"
    if spec.partition:
        parameters |= _projection(spec.partition, spec.retention_days)
        parameters["storage.location.template"] = Output.format("{0}{1}=${{{1}}}/", location, PARTITION)
    return aws.glue.CatalogTable(
        scope.child("table"),
        name=scope.name.replace("-", "_"),
        database_name=database.name,
        description=spec.description,
        table_type="EXTERNAL_TABLE",
        parameters=parameters,
        partition_keys=[{"name": PARTITION, "type": "string"}] if spec.partition else [],
        storage_descriptor={
            "location": location,
            "columns": [{"name": name.lower(), "type": types[kind]} for name, kind in spec.columns.items()],
            "input_format": read,
            "output_format": write,
            "ser_de_info": {"serialization_library": library, "parameters": settings},
        },
        opts=scope.opts,
    )


def _projection(partition: str, days: int | None) -> dict[str, str]:
    """Say which partitions there may be, so that nobody has to enter each in the catalogue."""
    form, unit = _PROJECTED[partition]
    since = _EARLIEST[: len(form)] if days is None else f"NOW-{days + 1}DAYS"
    of = f"projection.{PARTITION}."
    return {
        "projection.enabled": "true",
        f"{of}type": "date",
        f"{of}format": form,
        f"{of}range": f"{since},NOW",
        f"{of}interval": "1",
        f"{of}interval.unit": unit,
    }


def dataset_problems(name: str, spec: DatasetSpec) -> Iterator[Problem]:
    """Refuse another format or another partition of files that are there."""
    account = live.account(spec.platform)
    if account is not None:
        there = live.bucket_tags(spec.platform, bucket_name(spec.platform, name, account))
        yield from fixed_problems(spec, (there or {}).get(FACTS))
