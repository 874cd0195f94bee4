"""The online store: PutRecord, GetRecord, DeleteRecord, BatchGetRecord.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Feature_Store_Runtime.html
"""

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker.kinds import FEATURE_GROUP
from pulumi_mlops_sandbox.aws.store import Record

_SERVICE = "sagemaker-featurestore-runtime"
_UNITS = {"Seconds": 1, "Minutes": 60, "Hours": 3600, "Days": 86400, "Weeks": 604800}
_INTEGER = re.compile(r"[+-]?\d{1,19}")
INTEGRAL = (-(2**63), 2**63 - 1)


def _refuse(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _group(call: Call, name: str) -> Record:
    group = call.plane.store.get(FEATURE_GROUP, call.region, name)
    if group["FeatureGroupStatus"] != "Created":
        raise _refuse(f"FeatureGroup {group['FeatureGroupName']} is in status {group['FeatureGroupStatus']}")
    return group


def _online(group: Record) -> None:
    if not group.get("OnlineStoreConfig", {}).get("EnableOnlineStore"):
        raise _refuse(f"The online store of FeatureGroup {group['FeatureGroupName']} is not enabled")


def _values(call: Call, group: Record) -> dict[str, Record]:
    """Hold the records of a group, by identifier."""
    features: dict[str, dict[str, Record]] = call.plane.store.extra.setdefault("features", {})
    return features.setdefault(group["FeatureGroupArn"], {})


@own(_SERVICE, "PutRecord")
def put(call: Call) -> dict[str, Any]:
    """Write a record, unless a newer one is there."""
    group = _group(call, call.params["FeatureGroupName"])
    _check_targets(call, group)
    values = _checked(group, call.params["Record"])
    identifier = values[group["RecordIdentifierFeatureName"]]["ValueAsString"]
    event = _moment(values[group["EventTimeFeatureName"]]["ValueAsString"])
    ttl = call.params.get("TtlDuration") or group.get("OnlineStoreConfig", {}).get("TtlDuration")
    entry = {"event": event, "values": values, "expires": _expiry(event, ttl), "deleted": False}
    if group.get("OnlineStoreConfig", {}).get("EnableOnlineStore"):
        _keep(_values(call, group), identifier, entry)
    return {}


@own(_SERVICE, "GetRecord")
def get(call: Call) -> dict[str, Any]:
    """Read a record; an absent, deleted or expired one is an empty answer."""
    group = _group(call, call.params["FeatureGroupName"])
    _online(group)
    wanted = call.params.get("FeatureNames") or []
    entry = _live(_values(call, group).get(call.params["RecordIdentifierValueAsString"]))
    return {} if entry is None else {"Record": _picked(group, entry, wanted)} | _expires(call, entry)


@own(_SERVICE, "DeleteRecord")
def delete(call: Call) -> dict[str, Any]:
    """Delete a record, softly unless asked otherwise."""
    group = _group(call, call.params["FeatureGroupName"])
    _online(group)
    _check_targets(call, group)
    records, identifier = _values(call, group), call.params["RecordIdentifierValueAsString"]
    event = _moment(call.params["EventTime"])
    if identifier in records and records[identifier]["event"] > event:
        raise _refuse("The EventTime is older than that of the record")
    if call.params.get("DeletionMode") == "HardDelete":
        records.pop(identifier, None)
    else:
        records[identifier] = {"event": event, "values": {}, "expires": None, "deleted": True}
    return {}


@own(_SERVICE, "BatchGetRecord")
def batch_get(call: Call) -> dict[str, Any]:
    """Read records of several groups; what cannot be read is an error of its own."""
    found: list[Record] = []
    errors: list[Record] = []
    for wanted in call.params["Identifiers"]:
        for identifier in wanted["RecordIdentifiersValueAsString"]:
            about = {"FeatureGroupName": wanted["FeatureGroupName"], "RecordIdentifierValueAsString": identifier}
            try:
                group = _group(call, wanted["FeatureGroupName"])
                _online(group)
                entry = _live(_values(call, group).get(identifier))
                if entry is not None:
                    found.append(
                        about
                        | {"Record": _picked(group, entry, wanted.get("FeatureNames") or [])}
                        | _expires(call, entry)
                    )
            except AwsError as error:
                errors.append(about | {"ErrorCode": error.code, "ErrorMessage": error.message})
    return {"Records": found, "Errors": errors, "UnprocessedIdentifiers": []}


def _checked(group: Record, record: list[Record]) -> dict[str, Record]:
    known = {feature["FeatureName"]: feature for feature in group["FeatureDefinitions"]}
    values = {value["FeatureName"]: value for value in record}
    if len(values) != len(record):
        raise _refuse("A feature is given twice in the record")
    for name, value in values.items():
        if name not in known:
            raise _refuse(f"Feature '{name}' is not part of FeatureGroup {group['FeatureGroupName']}")
        member = "ValueAsStringList" if known[name].get("CollectionType") else "ValueAsString"
        if member not in value:
            raise _refuse(f"Feature '{name}' needs {member}")
        for text in value[member] if member.endswith("List") else [value[member]]:
            _check_type(name, text, known[name]["FeatureType"])
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if group[member] not in values:
            raise _refuse(f"The record lacks '{group[member]}', the {member} of the FeatureGroup")
    return values


def _check_type(name: str, text: str, kind: str) -> None:
    if not _TYPES[kind](text):
        raise _refuse(f"The value of feature '{name}' is not of type {kind}")


def _is_integral(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text)) and INTEGRAL[0] <= int(text) <= INTEGRAL[1]


def _is_fractional(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


_TYPES: dict[str, Callable[[str], bool]] = {
    "Integral": _is_integral,
    "Fractional": _is_fractional,
    "String": lambda _text: True,
}


def _moment(text: str) -> float:
    """Read an event time: Unix seconds, or ISO 8601 with a zone."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _refuse("The event time must be ISO 8601 or Unix seconds") from None
    if moment.tzinfo is None:
        raise _refuse("The event time must have a time zone, such as Z")
    return moment.timestamp()


def _expiry(event: float, ttl: dict[str, Any] | None) -> float | None:
    return None if not ttl else event + ttl["Value"] * _UNITS[ttl["Unit"]]


def _keep(records: dict[str, Record], identifier: str, entry: Record) -> None:
    if identifier not in records or records[identifier]["event"] <= entry["event"]:
        records[identifier] = entry


def _live(entry: Record | None) -> Record | None:
    if entry is None or entry["deleted"]:
        return None
    moment = dt.datetime.now(dt.UTC).timestamp()
    return None if entry["expires"] is not None and entry["expires"] <= moment else entry


def _picked(group: Record, entry: Record, wanted: list[str]) -> list[Record]:
    known = [feature["FeatureName"] for feature in group["FeatureDefinitions"]]
    for name in wanted:
        if name not in known:
            raise _refuse(f"Feature '{name}' is not part of FeatureGroup {group['FeatureGroupName']}")
    return [value for name, value in entry["values"].items() if not wanted or name in wanted]


def _expires(call: Call, entry: Record) -> Record:
    if call.params.get("ExpirationTimeResponse") != "Enabled":
        return {}
    if entry["expires"] is None:
        return {"ExpiresAt": None}
    moment = dt.datetime.fromtimestamp(entry["expires"], dt.UTC)
    return {"ExpiresAt": moment.isoformat(timespec="seconds").replace("+00:00", "Z")}


def _check_targets(call: Call, group: Record) -> None:
    stores = {"OnlineStore": "OnlineStoreConfig", "OfflineStore": "OfflineStoreConfig"}
    for target in call.params.get("TargetStores") or []:
        if stores[target] not in group:
            raise _refuse(f"FeatureGroup {group['FeatureGroupName']} has no {target}")
