"""Apply one feature group to Feast's registry: its keys, its features and its source, and nobody else's.

Runs once for each version of a definition, in a Job. It can be run again at any time: Feast replaces what has the same
name, and rows in the stores stay as they are.

    python features.py group.json [repository]
"""
# pyright: reportMissingImports=false, reportMissingModuleSource=false
# Feast and Arrow are in the image that runs this, not in the library's own environment.

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import feast_offline
import pyarrow as pa
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Bool, Float64, Int64, String, UnixTimestamp

_TYPES = {"string": String, "integer": Int64, "float": Float64, "boolean": Bool, "timestamp": UnixTimestamp}
_KEYS = {"string": ValueType.STRING, "integer": ValueType.INT64}
_COLUMNS = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def source(group: dict[str, Any]) -> FileSource:
    """Return where the rows of a group are kept."""
    return FileSource(
        name=f"{group['view']}.parquet",
        path=group["location"],
        file_format=ParquetFormat(),
        timestamp_field=group["event_time"],
        s3_endpoint_override=group["endpoint"],
    )


def objects(group: dict[str, Any]) -> list[Any]:
    """Write a group in Feast's words; its keys are its own, so that no other group can change their types."""
    name, features, rows = group["view"], group["features"], source(group)
    push = PushSource(name=name, batch_source=rows)
    keys = [
        Entity(name=f"{name}.{key}", join_keys=[key], value_type=_KEYS[features[key]], tags=group["tags"])
        for key in group["keys"]
    ]
    view = FeatureView(
        name=name,
        entities=keys,
        # The time is the source's, and comes with each answer: it is no feature.
        schema=[Field(name=key, dtype=_TYPES[kind]) for key, kind in features.items() if key != group["event_time"]],
        ttl=dt.timedelta(hours=group["ttl_hours"] or 0),
        source=push,
        online=group["online"],
        description=group["description"] or "",
        tags=group["tags"] | {feast_offline.SWITCH: "on" if group["offline"] else "off"},
    )
    return [*keys, rows, push, view]


def main(definition: str, repository: str) -> None:
    """Apply the group that a file describes."""
    group = json.loads(Path(definition).read_text())
    feast_offline.declare(
        source(group), pa.schema([(name, _COLUMNS[kind]) for name, kind in group["features"].items()])
    )
    FeatureStore(repo_path=repository).apply(objects(group))
    sys.stdout.write(f"applied {group['view']!r} with {len(group['features'])} columns\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else str(Path(__file__).parent))  # noqa: PLR2004 (its own and two)
