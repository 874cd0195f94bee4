"""What differs between two sets of inputs, and what that means for the object."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops.sandbox.provider.contract import Traits
from pulumi_mlops.sandbox.provider.schema import Type
from pulumi_mlops.sandbox.provider.values import UNKNOWN, has_unknown, plain

DEFAULTS = "__defaults"


@dataclass
class Difference:
    """The result of a comparison: wire path → what happened there."""

    added: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def paths(self) -> set[str]:
        """Return every path that differs."""
        return self.added | self.updated | self.deleted


def bare(path: str) -> str:
    """Drop the list indices of a path."""
    kept, inside = [], False
    for character in path:
        if character == "[":
            inside = True
        elif character == "]":
            inside = False
        elif not inside:
            kept.append(character)
    return "".join(kept)


def top(path: str) -> str:
    """Return the property to which a path belongs."""
    return bare(path).split(".", 1)[0]


def same_text(old: str, new: str) -> bool:
    """Compare two strings; JSON documents by meaning, policies by what they allow."""
    if old == new:
        return True
    if old[:1] not in "{[" or new[:1] not in "{[" or not old or not new:
        return False
    try:
        return bool(_normal(json.loads(old)) == _normal(json.loads(new)))
    except ValueError:
        return False


def _normal(document: Any, in_statement: bool = False) -> Any:
    """Bring a policy to one form: a list of one is its element, lists of strings have no order."""
    if isinstance(document, dict):
        inside = in_statement or "Statement" in document
        return {key: _normal(item, inside) for key, item in document.items()}
    if isinstance(document, list):
        items = [_normal(item, in_statement) for item in document]
        if not in_statement:
            return items
        if len(items) == 1:
            return items[0]
        return sorted(items, key=str) if all(isinstance(item, str) for item in items) else items
    return document


def compare(olds: Mapping[str, Any], news: Mapping[str, Any], traits: Traits, ignore: Iterable[str] = ()) -> Difference:
    """Compare old and new inputs."""
    found = Difference()
    ignored = [item.replace("[*]", "") for item in ignore]
    hidden: Callable[[str], bool] = lambda path: any(
        path == rule or path.startswith((rule + ".", rule + "[")) or bare(path) == rule for rule in ignored
    )
    for name in sorted({*olds, *news} - {DEFAULTS}):
        old, new = plain(olds.get(name)), plain(news.get(name))
        if new is None and name in traits.sticky:
            continue
        _walk(name, old, new, traits.sets, hidden, found)
    return found


def _walk(
    path: str, old: Any, new: Any, sets: frozenset[str], hidden: Callable[[str], bool], found: Difference
) -> None:
    if hidden(path) or old is new:
        return
    if _empty(old) and _empty(new):
        return
    if old is None:
        found.added.add(path)
    elif new is None:
        found.deleted.add(path)
    elif new is UNKNOWN or old is UNKNOWN:
        found.updated.add(path)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new} - {DEFAULTS}):
            step = f"{path}.{key}" if key.replace("_", "").isalnum() else f"{path}[{json.dumps(key)}]"
            _walk(step, old.get(key), new.get(key), sets, hidden, found)
    elif isinstance(old, list) and isinstance(new, list):
        if bare(path) in sets and not has_unknown(new) and _bag(old) == _bag(new):
            return
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            _walk(f"{path}[{index}]", before, after, sets, hidden, found)
    elif not _same(old, new):
        found.updated.add(path)


def _empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def _bag(items: list[Any]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True, default=str) for item in items)


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, str) and isinstance(new, str):
        return same_text(old, new)
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).lower() == str(new).lower()
    if isinstance(old, (int, float, str)) and isinstance(new, (int, float, str)):
        return str(old) == str(new)
    return bool(old == new)


def project(read: Any, asked: Any, kind: Type | None = None) -> Any:
    """Cut what was read down to what was asked for, so that the cloud's own defaults are not taken for drift.

    ``None`` in what was read means that the cloud was asked and has no such value.
    """
    if isinstance(read, dict) and isinstance(asked, dict) and (kind is None or kind.form != "map"):
        fields = kind.fields if kind is not None else {}
        return {
            key: project(read[key], item, fields[key].type if key in fields else None) if key in read else item
            for key, item in asked.items()
        }
    if isinstance(read, list) and isinstance(asked, list) and len(read) == len(asked):
        if _bag(read) == _bag(asked):
            return asked
        item_kind = kind.item if kind is not None else None
        return [project(item, wanted, item_kind) for item, wanted in zip(read, asked, strict=True)]
    if not read and not asked:
        return asked
    return asked if _same(asked, read) else read
