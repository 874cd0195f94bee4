"""The online store of Feast: its store for Redis, rows that end when the feature view's ``ttl`` says so, fresh views.

Feast loads it by the name in ``feature_store.yaml``, as its documentation describes for stores of one's own. Its own
store answers with a row however old it is. Valkey 9 lets a field of a hash expire, and each feature is one.

What reads the registry keeps the views that it made of it, until it is read anew: Feast knows that by the registry's
address in memory and its version, and a registry in a database has no version. So a server may take an older one for
the newest: it wrote rows without the feature that had been added, and answered with success. Here each has a version.
"""
# pyright: reportMissingImports=false, reportMissingModuleSource=false
# Feast is in the image that runs this, not in the library's own environment.

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from feast import utils
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig, _versioned_fv_name
from feast.infra.registry.sql import SqlRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from feast import FeatureView, RepoConfig

    Rows = list[tuple[Any, dict[str, Any], Any, Any]]
    Progress = Callable[[int], Any] | None


_read = SqlRegistry.proto


def _read_anew(registry: SqlRegistry) -> Any:
    """Read the registry, and give what was read a version of its own."""
    found = _read(registry)
    found.version_id = str(uuid.uuid4())
    return found


SqlRegistry.proto = _read_anew


class ValkeyOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]  # Feast is not in this environment
    """What ``feature_store.yaml`` says of this store; Feast finds it by its name."""

    type: str = "feast_online.ValkeyOnlineStore"


class ValkeyOnlineStore(RedisOnlineStore):  # type: ignore[misc]  # Feast is not in this environment
    """Feast's store for Redis, whose rows end."""

    def online_write_batch(self, config: RepoConfig, table: FeatureView, data: Rows, progress: Progress) -> None:
        """Write rows, then say when they end."""
        super().online_write_batch(config, table, data, progress)
        if not table.ttl:
            return
        with self._get_client(config.online_store).pipeline(transaction=False) as pipe:
            for key, moment, fields in _ends(config, table, data):
                pipe.hpexpireat(key, moment, *fields, nx=True)
            pipe.execute()

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: Rows, progress: Progress
    ) -> None:
        """Do the same for the feature server."""
        await super().online_write_batch_async(config, table, data, progress)
        if not table.ttl:
            return
        client = await self._get_client_async(config.online_store)
        async with client.pipeline(transaction=False) as pipe:
            for key, moment, fields in _ends(config, table, data):
                pipe.hpexpireat(key, moment, *fields, nx=True)
            await pipe.execute()


def _ends(config: RepoConfig, table: FeatureView, data: Rows) -> Iterator[tuple[bytes, int, list[Any]]]:
    """Return key, end in milliseconds and fields of each row.

    Writing a field takes its end away, and an end is set where there is none: so a row that was not written, since a
    newer one is there, leaves the end of the newer one alone.
    """
    view = _versioned_fv_name(table, config)
    version = config.entity_key_serialization_version
    for entity, values, time, _ in data:
        end = utils.make_tzaware(time) + table.ttl
        fields = [*(_mmh3(f"{view}:{name}") for name in values), f"_ts:{view}"]
        yield (
            _redis_key(config.project, entity, entity_key_serialization_version=version),
            int(end.timestamp() * 1000),
            fields,
        )
