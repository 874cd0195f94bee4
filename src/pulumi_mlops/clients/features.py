"""Features a frame at a time: rows are judged before the first of them is written, and come back with their types."""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from pulumi_mlops.clients import frames
from pulumi_mlops.clients.base import Asking
from pulumi_mlops.clients.results import Written
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.core.errors import InvalidCall, Problem, Unsupported
from pulumi_mlops.core.inputs import nearest
from pulumi_mlops.core.refs import Has

_MOST_TOLD = 20
"""Problems of a frame that are told; one of a million rows has a million of them."""
_TOLD = {
    "string": "a text",
    "integer": "a whole number",
    "float": "a finite number",
    "boolean": "true or false",
    "timestamp": "a time with its zone, or one in ISO 8601",
}


class Features(Asking):
    """What is done with rows of feature groups."""

    def put_features(self, group: str | Has[FeatureGroupRef], rows: frames.Frame) -> Written:
        """Write rows to the stores that a group has.

        Each row has the keys and the event time; what else is missing in it is unknown from that time on. An older row
        never replaces a newer one online.

        :param group: the name of a feature group that the stack exports, or its ref.
        :param rows: a dataframe, a list of dictionaries, or a dictionary of columns.
        :raises InvalidCall: a row does not fit the group; nothing was written.
        """
        ref = self._ref(FeatureGroupRef, group)
        given = frames.rows(rows)
        problems = list(islice(_unknown(ref, given), _MOST_TOLD))
        judged: list[frames.Row] = []
        for number, row in enumerate(given):
            judged.append({})
            for name, value in row.items():
                if name in ref.features and value is not None:
                    found = _fitting(ref, name, value)
                    if found is None and len(problems) < _MOST_TOLD:
                        told = f"{value!r} is not {_wanted(ref, name)}"
                        problems.append(Problem(f"rows[{number}].{name}", told))
                    judged[-1][name] = found
            for name in (*ref.keys, ref.event_time):
                if row.get(name) is None and len(problems) < _MOST_TOLD:
                    problems.append(Problem(f"rows[{number}].{name}", "is missing"))
        if problems:
            raise InvalidCall(f"FeatureGroup {ref.name!r}", problems, "nothing was written")
        stores: tuple[Literal["online", "offline"], ...] = (
            *(("online",) if ref.has_online else ()),
            *(("offline",) if ref.has_offline else ()),
        )
        if judged:
            with self._asking(ref) as asked:
                asked.put_features(ref, judged, self._patience)
        return Written(group=ref.name, rows=len(judged), stores=stores)

    def get_features(
        self, group: str | Has[FeatureGroupRef], keys: Any, *, features: Sequence[str] | None = None
    ) -> list[frames.Row | None]:
        """Read the newest values of rows out of the online store, in the order of the keys.

        :param keys: values of the key, or a table of keys where there are several: a dataframe, dictionaries, columns.
        :param features: those that are wanted; all unless told.
        :return: for each key a row with its keys and features, or None where there is no row.
        """
        ref = self._ref(FeatureGroupRef, group)
        if not ref.has_online:
            raise Unsupported(
                f"FeatureGroup {ref.name!r} has no online store on backend {ref.backend!r}, out of which rows are read "
                "by key. Instead: its history in a step of a pipeline, group.as_of(days=90); or online={} where "
                "`pulumi-mlops matrix` says that the backend has feature_group.online."
            )
        wanted = [name for name in (features or ref.features) if name not in (*ref.keys, ref.event_time)]
        rows = _keys(ref, keys)
        problems = [
            Problem("features", f"{name!r} is none of the group{nearest(name, ref.features)}")
            for name in wanted
            if name not in ref.features
        ]
        for number, row in enumerate(rows):
            for name in ref.keys:
                if row.get(name) is None or _fitting(ref, name, row[name]) is None:
                    told = f"{row.get(name)!r} is not {_wanted(ref, name)}"
                    problems.append(Problem(f"keys[{number}].{name}", told))
        if problems:
            raise InvalidCall(f"FeatureGroup {ref.name!r}", problems[:_MOST_TOLD], "nothing was read")
        if not rows:
            return []
        with self._asking(ref) as asked:
            found = asked.get_features(ref, [_keyed(ref, row) for row in rows], wanted, self._patience)
        return [
            None if row is None else {name: _read(ref, name, value) for name, value in row.items()} for row in found
        ]


def _keyed(ref: FeatureGroupRef, row: Mapping[str, Any]) -> frames.Row:
    return {name: _fitting(ref, name, row[name]) for name in ref.keys}


def _keys(ref: FeatureGroupRef, keys: Any) -> list[frames.Row]:
    """Read keys: plain values where the group has one key."""
    if isinstance(keys, Sequence) and not isinstance(keys, str | bytes) and len(ref.keys) == 1:
        (only,) = ref.keys
        return [
            {str(name): frames.plain(value) for name, value in key.items()}
            if isinstance(key, Mapping)
            else {only: frames.plain(key)}
            for key in keys
        ]
    return frames.rows(keys)


def _unknown(ref: FeatureGroupRef, rows: Sequence[frames.Row]) -> Iterator[Problem]:
    for name in dict.fromkeys(name for row in rows for name in row):
        if name not in ref.features:
            there = ", ".join(ref.features)
            yield Problem(name, f"is no feature of the group{nearest(name, ref.features)} (it has: {there})")


def _wanted(ref: FeatureGroupRef, name: str) -> str:
    return _TOLD[ref.features[name]]


def _fitting(ref: FeatureGroupRef, name: str, value: Any) -> Any:
    """Return a value as its type has it; None where it is of another."""
    kind = ref.features[name]
    if kind == "float" and name == ref.event_time and isinstance(value, dt.datetime) and value.tzinfo:
        return value.timestamp()
    return _FITTING[kind](value)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    """Take a whole number; one that stood beside a missing one is a float in most frames."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value)


def _float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _timestamp(value: Any) -> dt.datetime | None:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo else None


_FITTING: Mapping[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _read(ref: FeatureGroupRef, name: str, value: Any) -> Any:
    """Return a value of a store as its type has it: some keep texts only, and times in seconds."""
    if value is None:
        return None
    kind = ref.features[name]
    if kind == "timestamp":
        moment = _timestamp(value)
        return moment or dt.datetime.fromtimestamp(float(value), dt.UTC)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")
    return {"integer": int, "float": float, "string": str}[kind](value)
