"""The offline store of Feast: Parquet files under a prefix of any S3 server, one more file for each batch of rows.

Feast loads it by the name in ``feature_store.yaml``, as its documentation describes for stores of one's own. Its two
file stores do not reach such a server from Feast's image: one wants a package that the image lacks, the other downloads
an extension of DuckDB from the internet. Both also write a batch by rewriting the one file that holds everything.

A prefix holds ``schema.parquet`` (no rows, the columns as they are declared now) and any number of files beside it,
written by Feast or by anything else. A column that a file lacks is empty in its rows.
"""
# pyright: reportMissingImports=false, reportMissingModuleSource=false
# Feast and Arrow are in the image that runs this, not in the library's own environment.

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow.dataset
import pyarrow.parquet
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.ibis import (
    get_historical_features_ibis,
    pull_all_from_table_or_query_ibis,
    pull_latest_from_table_or_query_ibis,
)
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob
from feast.repo_config import FeastConfigBaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from feast import FeatureView, RepoConfig
    from feast.data_source import DataSource
    from feast.feature_logging import LoggingConfig, LoggingSource
    from feast.infra.registry.base_registry import BaseRegistry

_SCHEMA = "schema.parquet"
SWITCH = "pulumi-mlops/offline"
"""The tag of a feature view whose value is ``off`` when it has no offline store. Feast's own flag of that name makes
each materialisation write the rows that it read once more."""


def declare(source: FileSource, schema: pyarrow.Schema) -> None:
    """Write down which columns the files of a source have, so that a source without rows can be read as well."""
    filesystem, folder = _place(source)
    pyarrow.parquet.write_table(schema.empty_table(), f"{folder}/{_SCHEMA}", filesystem=filesystem)


def append(source: FileSource, table: pyarrow.Table) -> None:
    """Write rows as one more file, in the declared types."""
    filesystem, folder = _place(source)
    schema = _declared(filesystem, folder)
    if unknown := set(table.column_names) - set(schema.names):
        raise ValueError(f"{', '.join(sorted(unknown))}: not declared; the columns are {', '.join(schema.names)}")
    rows = pyarrow.table(
        {
            field.name: table[field.name].cast(field.type)
            if field.name in table.column_names
            else pyarrow.nulls(table.num_rows, field.type)
            for field in schema
        },
        schema=schema,
    )
    now = dt.datetime.now(tz=dt.UTC)
    name = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex}.parquet"  # nobody else writes it: writers need no lock
    pyarrow.parquet.write_table(rows, f"{folder}/{name}", filesystem=filesystem)


def read(source: DataSource, _repository: str) -> ibis.Table:
    """Describe all rows of a source; they are read when somebody asks, and then only the columns asked for."""
    filesystem, folder = _place(source)
    schema = _declared(filesystem, folder)
    files = pyarrow.dataset.dataset(folder, schema=schema, format="parquet", filesystem=filesystem)
    return ibis.memtable(files)


def _declared(filesystem: Any, folder: str) -> pyarrow.Schema:
    return pyarrow.parquet.read_schema(f"{folder}/{_SCHEMA}", filesystem=filesystem)


def _place(source: DataSource) -> tuple[Any, str]:
    if not isinstance(source, FileSource):
        raise TypeError(f"{source.name!r} is a {type(source).__name__}; this store reads FileSources")
    filesystem, path = FileSource.create_filesystem_and_path(source.path, source.s3_endpoint_override)
    return filesystem, path.rstrip("/")


def _no_writer(*_: object) -> None:
    raise NotImplementedError("saved datasets are not kept here; write what you retrieved with its to_df()")


class ParquetOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast is not in this environment
    """What ``feature_store.yaml`` says of this store; Feast finds it by its name."""

    type: str = "feast_offline.ParquetOfflineStore"


class ParquetOfflineStore(OfflineStore):  # type: ignore[misc]  # Feast is not in this environment
    """Rows in Parquet files; joins run in DuckDB, within this process."""

    @staticmethod
    def pull_latest_from_table_or_query(**request: Any) -> RetrievalJob:
        """Return the newest row of each key within a time: what is brought into the online store."""
        return pull_latest_from_table_or_query_ibis(**request, data_source_reader=read, data_source_writer=_no_writer)

    @staticmethod
    def pull_all_from_table_or_query(**request: Any) -> RetrievalJob:
        """Return all rows within a time."""
        return pull_all_from_table_or_query_ibis(**request, data_source_reader=read, data_source_writer=_no_writer)

    @staticmethod
    def get_historical_features(**request: Any) -> RetrievalJob:
        """Return the features of each key as they were at the time given with it."""
        return get_historical_features_ibis(**request, data_source_reader=read, data_source_writer=_no_writer)

    def get_table_column_names_and_types_from_data_source(
        self,
        config: RepoConfig,  # noqa: ARG002 (Feast's signature)
        data_source: DataSource,
    ) -> list[tuple[str, str]]:
        """Return the declared columns, which are those that a push has to have."""
        return [(field.name, str(field.type)) for field in _declared(*_place(data_source))]

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,  # noqa: ARG004 (Feast's signature)
        feature_view: FeatureView,
        table: pyarrow.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Keep the rows of a push."""
        if feature_view.tags.get(SWITCH) == "off":
            raise ValueError(f"{feature_view.name!r} has no offline store; push to the online store only")
        append(feature_view.batch_source, table)
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig, data: Any, source: LoggingSource, logging_config: LoggingConfig, registry: BaseRegistry
    ) -> None:
        """Refuse: nothing here declares where the log of a feature service would go."""
        raise NotImplementedError("feature services are not logged")
