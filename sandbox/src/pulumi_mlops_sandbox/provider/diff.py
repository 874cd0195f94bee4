"""What differs between two sets of inputs, and what that means for the object."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from pulumi_mlops_sandbox.provider.contract import Traits
from pulumi_mlops_sandbox.provider.schema import Type
from pulumi_mlops_sandbox.provider.values import UNKNOWN, has_unknown, plain

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


def loosely(old: Any, new: Any) -> bool:
    """Compare without case and blanks."""
    return "".join(str(old).split()).lower() == "".join(str(new).split()).lower()


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
    walk = _Walk(traits.sets, [item.replace("[*]", "") for item in ignore], traits.loose)
    for name in sorted({*olds, *news} - {DEFAULTS}):
        old, new = plain(olds.get(name)), plain(news.get(name))
        if new is not None or name not in traits.sticky:
            walk.step(name, old, new)
    return walk.found


class _Walk:
    """Goes through two values side by side."""

    def __init__(self, sets: frozenset[str], ignored: list[str], loose: frozenset[str]) -> None:
        self.sets = sets
        self.ignored = ignored
        self.loose = loose
        self.found = Difference()

    def hidden(self, path: str) -> bool:
        """Say whether the program wants no differences there."""
        return any(
            path == rule or bare(path) == rule or path.startswith((rule + ".", rule + "[")) for rule in self.ignored
        )

    def step(self, path: str, old: Any, new: Any) -> None:
        """Compare the values at one path."""
        if self.hidden(path) or old is new or (_empty(old) and _empty(new)):
            return
        if old is None:
            self.found.added.add(path)
        elif new is None:
            self.found.deleted.add(path)
        elif isinstance(old, dict) and isinstance(new, dict):
            for key in sorted({*old, *new} - {DEFAULTS}):
                inner = f"{path}.{key}" if key.replace("_", "").isalnum() else f"{path}[{json.dumps(key)}]"
                self.step(inner, old.get(key), new.get(key))
        elif isinstance(old, list) and isinstance(new, list):
            self.items(path, old, new)
        elif UNKNOWN in (old, new) or not (_same(old, new) or (path in self.loose and loosely(old, new))):
            self.found.updated.add(path)

    def items(self, path: str, old: list[Any], new: list[Any]) -> None:
        """Compare two lists: by position, or as sets where order means nothing."""
        if bare(path) in self.sets and not has_unknown(new) and _bag(old) == _bag(new):
            return
        for index, (before, after) in enumerate(zip_longest(old, new)):
            self.step(f"{path}[{index}]", before, after)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, (dict, list)) and not value)


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
        cut = {
            key: project(read[key], item, fields[key].type if key in fields else None) if key in read else item
            for key, item in asked.items()
        }
        return {key: item for key, item in cut.items() if item is not None}
    if isinstance(read, list) and isinstance(asked, list) and len(read) == len(asked):
        if _bag(read) == _bag(asked):
            return asked
        item_kind = kind.item if kind is not None else None
        return [project(item, wanted, item_kind) for item, wanted in zip(read, asked, strict=True)]
    if not read and not asked:
        return asked
    return asked if _same(asked, read) else read
