"""What Kubernetes has for the client of features: Feast's server, reached through the API server.

https://docs.feast.dev/reference/feature-servers/python-feature-server
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pulumi_mlops.backends.kubernetes import tracking
from pulumi_mlops.backends.kubernetes.addresses import FeatureGroupAddress
from pulumi_mlops.clients import http
from pulumi_mlops.clients.frames import Row
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.core.errors import MlopsError

_ROWS = 1000
"""Rows of one request."""
_LONGEST = 300
_NO_TIME = -(2**63)
"""What Feast keeps of a time that is missing: pandas' word for none, as a number (measured, 0.67.0)."""
_NEVER = "1970-01-01T00:00:00"
_ABSENT = {"NOT_FOUND", "OUTSIDE_MAX_AGE"}


class Features:
    """Rows of feature groups, as the client writes and reads them."""

    def put_features(self, group: FeatureGroupRef, rows: Sequence[Row], patience: Patience) -> None:
        """Push rows. Offline, what is pushed twice is there twice: it is asked again only of a store without that."""
        view = FeatureGroupAddress.of(group).view
        both = "online_and_offline" if group.has_offline else "online"
        to = both if group.has_online else "offline"
        done = 0
        for part in _parts(group, rows):
            columns = {name: [_written(group, name, row.get(name)) for row in part] for name in group.features}
            body = {"push_source_name": view, "df": columns, "to": to}
            try:
                _ask(group, "push", body, patience, repeatable=not group.has_offline)
            except MlopsError as error:
                raise type(error)(f"{error} {done} of {len(rows)} rows were written before.") from error
            done += len(part)

    def get_features(
        self, group: FeatureGroupRef, keys: Sequence[Row], features: Sequence[str], patience: Patience
    ) -> Sequence[Row | None]:
        """Ask for the newest values."""
        view, found = FeatureGroupAddress.of(group).view, list[Row | None]()
        for first in range(0, len(keys), _ROWS):
            part = keys[first : first + _ROWS]
            body = {
                "features": [f"{view}:{name}" for name in features],
                "entities": {name: [key[name] for key in part] for name in group.keys},
            }
            said = _ask(group, "get-online-features", body, patience, repeatable=True)
            columns = dict(zip(said["metadata"]["feature_names"], said["results"], strict=True))
            found += [_row(group, columns, key, place) for place, key in enumerate(part)]
        return found


def _parts(group: FeatureGroupRef, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Divide rows so that a column of numbers or of times has a value in each row of a part, or in none.

    Feast makes frames of pandas of what is pushed, where a column of whole numbers with a gap is one of fractions; of
    one of times it then keeps none at all (measured, 0.67.0).
    """
    gapped = [name for name, kind in group.features.items() if kind in ("integer", "timestamp")]
    alike: dict[tuple[bool, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(row.get(name) is None for name in gapped), []).append(row)
    for found in alike.values():
        for first in range(0, len(found), _ROWS):
            yield found[first : first + _ROWS]


def _row(group: FeatureGroupRef, columns: Mapping[str, Any], key: Row, place: int) -> Row | None:
    asked = {name: column for name, column in columns.items() if name not in group.keys}
    told = [column["event_timestamps"][place] for column in asked.values() if column.get("event_timestamps")]
    moments = [moment for moment in told if not moment.startswith(_NEVER)]
    # One that is not there has no status of its own where a key has several parts (measured, 0.67.0), and no time.
    if all(column["statuses"][place] in _ABSENT for column in asked.values()) or (told and not moments):
        return None
    values = {name: column["values"][place] for name, column in asked.items()}
    missing = {name for name, value in values.items() if value == _NO_TIME and group.features[name] == "timestamp"}
    return {
        **key,
        group.event_time: max(moments, default=None),
        **{name: None if name in missing else value for name, value in values.items()},
    }


def _written(group: FeatureGroupRef, name: str, value: Any) -> Any:
    """Write a value as Feast takes it: the event time in ISO 8601, and other times in seconds since 1970."""
    if not isinstance(value, dt.datetime):
        return value
    return value.isoformat() if name == group.event_time else int(value.timestamp())


def _ask(group: FeatureGroupRef, path: str, body: Any, patience: Patience, *, repeatable: bool) -> Any:
    address = FeatureGroupAddress.of(group)
    request = http.Request(
        address=f"{address.url.rstrip('/')}/{path}",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=json.dumps(body).encode(),
        seconds=patience.seconds,
        opened=lambda: tracking.forward(group.platform, address.door),
    )
    what = f"The server of feature group {group.name!r}"
    found = patience.ask(what, lambda: http.send(request), repeatable=repeatable)
    if found.status != HTTPStatus.OK:
        said = " ".join(found.body.decode(errors="replace").split())[:_LONGEST]
        raise MlopsError(f"{what} refused /{path}: {found.status} {said}")
    return json.loads(found.body or b"null")
