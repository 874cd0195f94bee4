"""The types by which bodies are judged: extracted once, and as Microsoft's own data and models have them."""

import gzip
import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.kinds import KINDS
from pulumi_mlops_sandbox.azure.types import extract, judge, wanted
from pulumi_mlops_sandbox.azure.types.model import HERE, READ_ONLY, Types

DATA = os.environ.get("PULUMI_MLOPS_AZURE_TYPES")
"""A folder with `arm-types.json.gz`: Microsoft's types in the newest version, where somebody has them."""
UNTYPED = {
    "alerts",
    "metrics",
    "subscriptions",
    "locations",
    "deletedvaults",
    "status",
    "vmsizes",
    "usages",
    "names",
    "capabilityhosts",
}
# Where the newest data differs and the judge's older data is good enough: nothing of ours writes it.
KNOWN = ("ipamPoolPrefixAllocations", "provisionedIops", "provisionedBandwidthMibps", "fileSharePaidBursting")


def _tool() -> ModuleType:
    path = Path(__file__).parents[3] / "tools" / "generate_arm_overlay.py"
    spec = importlib.util.spec_from_file_location("generate_arm_overlay", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore")  # of marshmallow, which azure-ai-ml uses as older versions wanted it
def test_the_overlay_is_that_of_the_models() -> None:
    assert (HERE / "overlay.json").read_text() == _tool().text()


def test_each_type_that_is_served_is_judged() -> None:
    unjudged = {kind for kind in KINDS if judge.types().body(kind) is None}
    assert {kind.rpartition("/")[2] for kind in unjudged} == UNTYPED
    assert set(judge.types().index) == {kind.lower() for kind in wanted.WANTED}


def test_what_is_fixed_by_hand_is_there() -> None:
    types = judge.types()
    for kind, paths in types.fixed.items():
        for path in paths:
            found = [types.rows[types.index[kind]]]
            for name in path.split("."):
                found = [inner for row in found for inner in _members(types, row, name)]
            assert found, f"{kind} has no {path}"


def _members(types: Types, row: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    held = row.get("properties", row.get("baseProperties", {}))
    if name in held:
        yield types.rows[held[name]["type"]]
    for number in row["elements"].values() if row["$type"] == "DiscriminatedObjectType" else ():
        yield from _members(types, types.rows[number], name)


def test_types_are_kept_where_they_were_extracted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = extract.ensure()
    monkeypatch.setattr(extract, "extract", lambda *_: pytest.fail("they are there already"))
    assert extract.ensure() == found


@pytest.mark.skipif(DATA is None, reason="PULUMI_MLOPS_AZURE_TYPES names no folder with Microsoft's newest types")
def test_our_types_agree_with_the_newest() -> None:
    newest = json.loads(gzip.decompress((Path(str(DATA)) / "arm-types.json.gz").read_bytes()))
    rows, compared, wrong = newest["types"], 0, []
    for key, number in newest["index"].items():
        kind = key.partition("@")[0].lower()
        ours = judge.types().body(kind)
        if ours is None:
            continue
        row = rows[number]
        row = rows[_number(row["body"])] if row["$type"] == "ResourceType" else row
        compared += 1
        wrong += [f"{kind}: {said}" for said in _differences(_Both(rows), ours, row)]
    print(f"{compared} types compared, {len(wrong)} differences", *wrong, sep="\n")  # noqa: T201  (a figure for the report)
    assert compared > 60
    assert [one for one in wrong if not any(known in one for known in KNOWN)] == []


def _number(reference: Any) -> int:
    return int(reference["$ref"][2:]) if isinstance(reference, dict) else int(reference)


class _Both:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.seen = rows, set[tuple[int, int]]()

    def theirs(self, reference: Any) -> dict[str, Any]:
        return self.rows[_number(reference)]


def _differences(both: _Both, ours: dict[str, Any], theirs: dict[str, Any], path: str = "") -> Iterator[str]:
    """Compare what may be written: properties, whether they are required, values of enumerations."""
    pair = (id(ours), id(theirs))
    if pair in both.seen:
        return
    both.seen.add(pair)
    yield from _of_properties(both, ours, theirs, path)
    if theirs["$type"] == "UnionType":
        told = (both.theirs(one).get("value") for one in theirs["elements"])
        values = {str(value) for value in told if value is not None}
        if values != set(judge.types().literals(ours)):
            yield f"{path}: {sorted(values ^ set(judge.types().literals(ours)))}"
    if theirs["$type"] == "ArrayType" and ours["$type"] == "ArrayType":
        yield from _differences(
            both, judge.types().rows[ours["itemType"]], both.theirs(theirs["itemType"]), f"{path}[]"
        )
    if theirs["$type"] == "DiscriminatedObjectType":
        for name, number in theirs["elements"].items():
            mine = ours.get("elements", {}).get(name)
            if mine is None:
                yield f"{path}<{name}> is missing"
            else:
                yield from _differences(both, judge.types().rows[mine], both.theirs(number), f"{path}<{name}>")


def _of_properties(both: _Both, ours: dict[str, Any], theirs: dict[str, Any], path: str) -> Iterator[str]:
    held = ours.get("properties", ours.get("baseProperties", {}))
    wanted_ones = theirs.get("properties", theirs.get("baseProperties", {}))
    for name, member in wanted_ones.items():
        if member["flags"] & READ_ONLY or name in {"apiVersion", "type", "name", "id"}:
            continue
        if name not in held:
            yield f"{path}.{name} is missing"
            continue
        if (member["flags"] ^ held[name]["flags"]) & 1:
            yield f"{path}.{name}: required is {held[name]['flags'] & 1}"
        inner = judge.types().rows[held[name]["type"]]
        if not held[name]["flags"] & READ_ONLY and inner["$type"] != "AnyType":
            yield from _differences(both, inner, both.theirs(member["type"]), f"{path}.{name}")
    for name in held.keys() - wanted_ones.keys():
        if not held[name]["flags"] & READ_ONLY:
            yield f"{path}.{name} is gone"
