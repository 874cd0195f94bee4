"""Reads what a stack is now out of what `pulumi stack export` prints."""

from collections.abc import Mapping
from typing import Any

from pulumi_mlops.policies.resources import UNKNOWN, Resource, Stack, resource
from pulumi_mlops.policies.wire import SECRET, SIGNATURE


def exported(document: Mapping[str, Any]) -> Stack:
    """Read the resources of a stack; secrets are not looked into."""
    rows = [each for each in (document.get("deployment") or {}).get("resources") or () if not each.get("delete")]
    providers = {f"{each['urn']}::{each.get('id', '')}": each.get("inputs") or {} for each in rows}
    return Stack(_resource(each, providers) for each in rows)


def _resource(row: Mapping[str, Any], providers: Mapping[str, Mapping[str, Any]]) -> Resource:
    known = {**(row.get("outputs") or {}), **(row.get("inputs") or {})}
    values = {key: _plain(value) for key, value in known.items()}
    if row.get("id"):
        values["id"] = row["id"]
    return resource(
        row["type"],
        row["urn"].rpartition("::")[2],
        values,
        urn=row["urn"],
        protect=bool(row.get("protect")),
        parent=row.get("parent", ""),
        provider={key: _plain(value) for key, value in providers.get(row.get("provider", ""), {}).items()},
        depends={key: urns or () for key, urns in (row.get("propertyDependencies") or {}).items()},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return UNKNOWN if value[SIGNATURE] == SECRET else None
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
