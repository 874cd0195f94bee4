"""The types that bodies are judged by: Microsoft's, with what later versions added and took away."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REQUIRED, READ_ONLY, WRITE_ONLY = 1, 2, 4
_STEP = re.compile(r"\[\]|\{\}|<[^>]+>|[^.\[{<]+")
_SIMPLE = {"string": "StringType", "integer": "IntegerType", "boolean": "BooleanType", "any": "AnyType"}


@dataclass
class Types:
    """All types, by number."""

    rows: list[dict[str, Any]]
    index: dict[str, int]
    overlay: dict[str, dict[str, dict[str, Any]]]
    fixed: dict[str, list[str]]

    def body(self, kind: str) -> dict[str, Any] | None:
        """Find the type of a resource's body."""
        number = self.index.get(kind.lower())
        return None if number is None else self.rows[number]

    def literals(self, row: dict[str, Any]) -> list[str]:
        """List the values of an enumeration."""
        if row["$type"] == "StringLiteralType":
            return [str(row["value"])]
        if row["$type"] != "UnionType":
            return []
        members = (self.rows[number] for number in row["elements"])
        return [str(one["value"]) for one in members if one["$type"] == "StringLiteralType"]

    def find(self, path: str) -> dict[str, Any]:
        """Find a type by ``<resource type>: properties.a[]{}<Variant>.b``."""
        kind, _, rest = path.partition(": ")
        row = self.rows[self.index[kind]]
        for step in _STEP.findall(rest):
            row = self._step(row, step)
        return row

    def patch(self, changes: list[dict[str, Any]]) -> None:
        """Add what a later version has, and take away what it has not."""
        for change in changes:
            row = self.find(change["at"])
            held = row.get("properties", row.get("baseProperties", {}))
            for name, said in change.get("add", {}).items():
                held[name] = {"type": self._made(said), "flags": 0}
            for name in change.get("remove", ()):
                held.pop(name, None)
            for name, flags in change.get("flags", {}).items():
                held[name] = {**held[name], "flags": held[name]["flags"] | flags}
            for name, values in change.get("values", {}).items():
                old = self.literals(self.rows[held[name]["type"]])
                held[name] = {**held[name], "type": self._made("=" + "|".join([*old, *values]))}

    def _step(self, row: dict[str, Any], step: str) -> dict[str, Any]:
        if step == "[]":
            number = row["itemType"]
        elif step == "{}":
            number = row["additionalProperties"]
        elif step.startswith("<"):
            number = row["elements"][step[1:-1]]
        else:
            number = row.get("properties", row.get("baseProperties", {}))[step]["type"]
        found: dict[str, Any] = self.rows[number]
        return found

    def _made(self, said: str) -> int:
        if said.startswith("@"):
            return next(number for number, row in enumerate(self.rows) if row is self.find(said[1:]))
        if said.startswith("="):
            values = [self._add({"$type": "StringLiteralType", "value": one}) for one in said[1:].split("|")]
            return self._add({"$type": "UnionType", "elements": values})
        if said.startswith("["):
            return self._add({"$type": "ArrayType", "itemType": self._made(said[1:-1])})
        return self._add({"$type": _SIMPLE[said]})

    def _add(self, row: dict[str, Any]) -> int:
        self.rows.append(row)
        return len(self.rows) - 1


@cache
def load(path: Path) -> Types:
    """Read the types that were extracted, and what stands beside them here."""
    extracted = json.loads(path.read_text())
    read = {name: json.loads((HERE / f"{name}.json").read_text()) for name in ("overlay", "fixed", "patch")}
    types = Types(extracted["types"], extracted["index"], read["overlay"], read["fixed"])
    types.patch(read["patch"])
    return types
