"""What AWS has for the client of features: the Feature Store runtime, which takes one record a request."""

import contextvars
import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pulumi_mlops.backends.aws import data_plane
from pulumi_mlops.backends.aws.addresses import FeatureGroupAddress
from pulumi_mlops.backends.aws.sessions import AT_ONCE
from pulumi_mlops.clients.frames import Row
from pulumi_mlops.clients.patience import PassingError, Patience
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.core.errors import MlopsError

_SERVICE = "sagemaker-featurestore-runtime"
_MOST = 100
"""Keys of one request.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchGetRecord.html
"""


class Features:
    """Rows of feature groups, as the client writes and reads them."""

    def put_features(self, group: FeatureGroupRef, rows: Sequence[Row], patience: Patience) -> None:
        """Put records, several at once; one that is put twice is there once online."""
        runtime, name = data_plane.client(group.platform, _SERVICE, patience), str(FeatureGroupAddress.of(group).name)
        what = f"feature group {group.name!r}"

        def put(row: Row) -> None:
            record = [
                {"FeatureName": key, "ValueAsString": text(value)} for key, value in row.items() if value is not None
            ]

            def call() -> None:
                with data_plane.passing(what):
                    runtime.put_record(FeatureGroupName=name, Record=record)

            patience.ask(f"F{what[1:]}", call, repeatable=True)

        done = 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            # What is asked reads the stack's settings, which are this context's.
            waiting = [pool.submit(contextvars.copy_context().run, put, row) for row in rows]
            try:
                for one in waiting:
                    one.result()
                    done += 1
            except MlopsError as error:
                for one in waiting:
                    one.cancel()
                raise type(error)(f"{error} At least {done} of {len(rows)} rows were written before.") from error

    def get_features(
        self, group: FeatureGroupRef, keys: Sequence[Row], features: Sequence[str], patience: Patience
    ) -> Sequence[Row | None]:
        """Read records, a hundred a request."""
        (key,) = group.keys
        wanted = list(dict.fromkeys(text(one[key]) for one in keys))
        found: dict[str, Row] = {}
        for first in range(0, len(wanted), _MOST):
            found |= self._batch(group, wanted[first : first + _MOST], [key, group.event_time, *features], patience)
        return [found.get(text(one[key])) for one in keys]

    @staticmethod
    def _batch(
        group: FeatureGroupRef, keys: Sequence[str], features: Sequence[str], patience: Patience
    ) -> dict[str, Row]:
        runtime, name = data_plane.client(group.platform, _SERVICE, patience), str(FeatureGroupAddress.of(group).name)
        found: dict[str, Row] = {}
        left = set(keys)

        def call() -> None:
            with data_plane.passing(f"feature group {group.name!r}"):
                asked = {"FeatureGroupName": name, "FeatureNames": features}
                said = runtime.batch_get_record(Identifiers=[{**asked, "RecordIdentifiersValueAsString": sorted(left)}])
            if said.get("Errors"):
                one = said["Errors"][0]
                raise MlopsError(f"AWS reads no rows of feature group {group.name!r}: {one['ErrorMessage']}")
            for record in said.get("Records", []):
                row = {one["FeatureName"]: one.get("ValueAsString") for one in record["Record"]}
                found[record["RecordIdentifierValueAsString"]] = {each: row.get(each) for each in features}
            undone = [one for part in said.get("UnprocessedIdentifiers", []) for one in _of(part)]
            left.clear()
            left.update(undone)
            if undone:
                raise PassingError("busy", f"is busy: {len(undone)} rows were not read")

        patience.ask(f"Feature group {group.name!r}", call, repeatable=True)
        return found


def _of(part: dict[str, Any]) -> list[str]:
    return list(part["RecordIdentifiersValueAsString"])


def text(value: Any) -> str:
    """Write a value as a record has it: booleans are numbers there, and times are ISO 8601 in milliseconds."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return repr(value) if isinstance(value, float) else str(value)
