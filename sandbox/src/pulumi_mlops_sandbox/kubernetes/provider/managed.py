"""Who owns which field: reads ``metadata.managedFields``, of which drift, imports and conflicts are made."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops_sandbox.kubernetes.provider import quantities
from pulumi_mlops_sandbox.kubernetes.provider.client import Object
from pulumi_mlops_sandbox.kubernetes.provider.quantities import Path

Fields = Mapping[str, Any]
"""A ``fieldsV1``: ``f:name`` of a field, ``k:{…}`` of a list's entry, ``v:…`` of a set's member; a leaf is empty."""
_MISSING = object()
_PREDECESSORS = ("before-first-apply", "kubectl", "pulumi-kubernetes", "pulumi-resource-kubernetes")


def entries(live: Object) -> list[Object]:
    """Return the entries that own parts of the object itself, not of its status or scale."""
    found = live.get("metadata", {}).get("managedFields") or []
    return [item for item in found if not item.get("subresource")]


def applied(live: Object, manager: str) -> Fields | None:
    """Return what a manager has applied, or None if it has applied nothing."""
    for item in entries(live):
        if item.get("manager") == manager and item.get("operation") == "Apply":
            fields: Fields = item.get("fieldsV1") or {}
            return fields
    return None


def managers(live: Object) -> list[str]:
    """Name who has written the object."""
    return sorted({str(item.get("manager")) for item in entries(live)})


def taken_over(live: Object, manager: str) -> list[Object] | None:
    """Return the patch that hands a manager what kubectl or another Pulumi wrote, as for an imported object.

    Applying under a new name would leave every dropped field behind, and every changed one would be a conflict.
    """
    if applied(live, manager) is not None:
        return None
    mine: Object = {}
    kept, template = [], {}
    for item in live.get("metadata", {}).get("managedFields") or []:
        ours = not item.get("subresource") and str(item.get("manager")).startswith(_PREDECESSORS)
        if ours:
            _merge(mine, item.get("fieldsV1") or {})
            template = item
        else:
            kept.append(item)
    if not mine:
        return None
    entry = {**template, "manager": manager, "operation": "Apply", "fieldsV1": mine}
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, entry]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def _merge(into: Object, fields: Fields) -> None:
    for key, inner in fields.items():
        _merge(into.setdefault(key, {}), inner)


def chosen(live: Object) -> Object:
    """Return what somebody has asked for: without the defaults where all of it was applied, else the whole."""
    found = entries(live)
    if not found or any(item.get("operation") != "Apply" for item in found):
        return live
    mine: Object = {}
    for item in found:
        _merge(mine, item.get("fieldsV1") or {})
    picked: Object = _pick(live, mine)
    metadata = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
    return {**_identity(live), **picked, "metadata": {**picked.get("metadata", {}), **metadata}}


def _identity(live: Object) -> Object:
    """Return what nobody owns: version and kind."""
    return {name: live[name] for name in ("apiVersion", "kind") if name in live}


def _pick(value: Any, fields: Fields) -> Any:
    inner = {key: item for key, item in fields.items() if key != "."}
    if not inner:
        return value
    if isinstance(value, dict):
        return {key: _pick(item, inner[f"f:{key}"]) for key, item in value.items() if f"f:{key}" in inner}
    if isinstance(value, list):
        kept = []
        for item in value:
            for key, rest in inner.items():
                if key.startswith("v:") and json.loads(key[2:]) == item:
                    kept.append(item)
                elif key.startswith("k:") and _matches(item, json.loads(key[2:])):
                    kept.append(_pick(item, rest))
        return kept
    return value


def _matches(item: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(item, dict) and all(item.get(name) == value for name, value in keys.items())


def owns(fields: Fields | None, path: tuple[str, ...]) -> bool:
    """Say whether a set of fields has a path of names."""
    for name in path:
        if fields is None or f"f:{name}" not in fields:
            return False
        fields = fields[f"f:{name}"]
    return True


def owned_by_others(live: Object, manager: str, path: tuple[str, ...]) -> bool:
    """Say whether somebody else owns a field and this manager does not."""
    others = [
        item.get("fieldsV1") for item in live["metadata"].get("managedFields") or [] if item.get("manager") != manager
    ]
    return any(owns(item, path) for item in others) and not owns(applied(live, manager), path)


def observed(live: Object, asked: Object, manager: str, *, built_in: bool) -> Object:
    """Return the inputs as they would have to be for the object to be as it is: what was asked, and has drifted or not.

    Only what was asked for is looked at: defaults and other managers' fields are no drift.
    """
    found = _Observer(built_in).object((), live, asked, applied(live, manager))
    return found | _identity(asked)


class _Observer:
    """Walks through an object and what was asked of it, side by side with the fields that are owned.

    ``fields`` is None where ownership is not followed: inside of what is owned as a whole, or by others.
    """

    def __init__(self, built_in: bool) -> None:
        self.built_in = built_in

    def object(self, path: Path, live: Object, asked: Object, fields: Fields | None) -> Object:
        found = {}
        for key, wanted in asked.items():
            inner = self.inner(fields, f"f:{key}")
            value = self.value((*path, key), live.get(key, _MISSING), wanted, inner)
            if value is not _MISSING:
                found[key] = value
        return found

    @staticmethod
    def inner(fields: Fields | None, key: str) -> Fields | None:
        return fields.get(key) if fields else None

    def value(self, path: Path, live: Any, asked: Any, fields: Fields | None) -> Any:
        if live is _MISSING or live is None:
            # A zero value of a built-in kind is left out by the apiserver.
            return asked if asked in (None, {}, []) or (self.built_in and not asked) else _MISSING
        if isinstance(live, dict) and isinstance(asked, dict):
            return self.object(path, live, asked, fields)
        if isinstance(live, list) and isinstance(asked, list):
            return self.items(path, live, asked, fields)
        if self.built_in and quantities.holds(path) and quantities.same(live, asked):
            return asked
        return asked if live == asked and isinstance(live, bool) == isinstance(asked, bool) else live

    def items(self, path: Path, live: list[Any], asked: list[Any], fields: Fields | None) -> list[Any]:
        if live == asked:
            return asked
        owned = [key for key in fields or {} if key != "."]
        if any(key.startswith("v:") for key in owned):
            return [item for item in asked if item in live]
        pairs = _pairs(live, asked, [key for key in owned if key.startswith("k:")])
        if pairs is None:
            return live
        found = []
        for index, (present, wanted, key) in enumerate(pairs):
            value = self.value((*path, index), present, wanted, self.inner(fields, key) if key else None)
            if value is not _MISSING:
                found.append(value)
        return found


def _pairs(live: list[Any], asked: list[Any], owned: list[str]) -> list[tuple[Any, Any, str]] | None:
    """Pair the entries that were asked for with those that are there: by key, by name, or by place."""
    if owned:
        return list(_by_key(live, asked, owned))
    if len(live) != len(asked):
        return None  # the list is one value, and another one now
    if all(isinstance(item, dict) and "name" in item for item in [*live, *asked]):
        present = {item["name"]: item for item in live}
        return [(present.get(item["name"], _MISSING), item, "") for item in asked]
    return [(present, wanted, "") for present, wanted in zip(live, asked, strict=True)]


def _by_key(live: list[Any], asked: list[Any], owned: list[str]) -> Iterator[tuple[Any, Any, str]]:
    names = list(json.loads(owned[0][2:]))

    def identity(item: Any) -> tuple[Any, ...]:
        return tuple(item.get(name) for name in names)

    present = {identity(item): item for item in live if isinstance(item, dict)}
    keys = {identity(json.loads(key[2:])): key for key in owned}
    for wanted in asked:
        # A key that was not given has a default, such as a port's protocol.
        given = {name: wanted[name] for name in names if isinstance(wanted, dict) and name in wanted}
        match = next((item for item in present.values() if given and _matches(item, given)), _MISSING)
        yield match, wanted, keys.get(identity(match), "") if match is not _MISSING else ""


_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[([^\]]*)\]|([^.\[\]]+)')


def _steps(path: str) -> tuple[str, ...]:
    """Read a path of names, as in ``metadata.annotations["a.b"]``; nothing where it goes into a list."""
    found = list(_STEP.finditer(path))
    return () if any(item[2] is not None for item in found) else tuple(item[1] or item[3] for item in found)


def let_go(body: Object, live: Object, manager: str, ignored: tuple[str, ...]) -> None:
    """Leave ignored fields as they are: to their owner, or at the value that they have."""
    for rule in ignored:
        steps = _steps(rule)
        if not steps:
            continue
        target: Any = body
        present: Any = live
        for step in steps[:-1]:
            target = target.get(step) if isinstance(target, Mapping) else None
            present = present.get(step) if isinstance(present, Mapping) else None
        if not isinstance(target, dict) or steps[-1] not in target:
            continue
        if owned_by_others(live, manager, steps):
            del target[steps[-1]]
        elif isinstance(present, Mapping) and steps[-1] in present:
            target[steps[-1]] = present[steps[-1]]
