"""The table against the SDK's classes: every property is carried, or refused by name."""

from collections.abc import Iterator

import pytest
from botocore.model import ListShape, Shape, StructureShape

from pulumi_mlops_sandbox.aws.provider import names
from pulumi_mlops_sandbox.aws.provider.kind import EVERYWHERE, RowKind
from pulumi_mlops_sandbox.aws.provider.row import EVERYTHING, Call, Row
from pulumi_mlops_sandbox.aws.provider.session import Session
from pulumi_mlops_sandbox.aws.provider.tables import ROWS
from pulumi_mlops_sandbox.provider.schema import Type

SESSION = Session({"region": "us-east-1", "accessKey": "x", "secretKey": "y"})


def kind(token: str) -> RowKind:
    row = ROWS[token]
    return (row.kind or RowKind)(row, SESSION)


def carried(row: Row) -> set[str]:
    """Name the properties about which the row says what happens to them."""
    auto = {row.name.property, row.name.prefix} if row.name else set()
    return {*row.refused, *row.local, *auto, *EVERYWHERE, *(("tags",) if row.tags else ())}


@pytest.mark.parametrize("token", sorted(ROWS))
def test_every_property_has_an_answer_to_a_change(token: str) -> None:
    subject = kind(token)
    row = subject.row
    if row.local == EVERYTHING:
        return
    parts = {name for part in row.parts for name in part.on}
    unanswered = [
        name
        for name in subject.traits.inputs
        if name not in carried(row) | parts and not subject.traits.forces_replacement(name)
    ]
    assert unanswered == []


@pytest.mark.parametrize("token", sorted(ROWS))
def test_the_row_names_only_properties_that_exist(token: str) -> None:
    subject = kind(token)
    row, known = subject.row, {*subject.traits.inputs, *subject.traits.outputs}
    used = {
        *(path.split(".")[0] for path in row.refused),
        *row.local,
        *row.identity,
        *row.sticky,
        *row.defaults,
        *row.sensitive,
        *row.recomputed,
    }
    used |= {name for part in row.parts for name in part.on} | {
        path.split(".")[0] for path in (*row.replace, *row.keep, *row.sets)
    }
    used |= {name for call in (row.create, *(part.put for part in row.parts)) for name in call.only or ()}
    used |= {name for get in row.reads for name in get.only or ()}
    assert sorted(used - known - {"*", "bucketPrefix", "statementIdPrefix", "namePrefix"}) == []


@pytest.mark.parametrize("token", sorted(ROWS))
def test_every_property_reaches_the_api(token: str) -> None:
    """Each input, nested ones too, has a member in the create call or in a part, or is the row's own business."""
    subject = kind(token)
    row = subject.row
    if row.local == EVERYTHING:
        return
    lost: set[str] = set()
    for name, item in subject.traits.inputs.items():
        if name in carried(row) - ({row.name.property} if row.name else set()):
            continue
        calls = [
            call for call in (row.create, *(part.put for part in row.parts)) if call.only is None or name in call.only
        ]
        missing = [set(_lost(subject, call, name, item.type)) for call in calls]
        text = str([row.create.ident, *(part.put.ident for part in row.parts)])
        if f"{{{name}}}" in text or (name in row.identity and row.name and name == row.name.property and not calls):
            continue
        lost |= set.intersection(*missing) if missing else {name}
    if type(subject).create is RowKind.create:
        assert sorted(lost - set(row.refused)) == []


def _lost(subject: RowKind, call: Call, name: str, kind_of: Type) -> Iterator[str]:
    shape = names.place(subject.input_shape(call.operation), call.at)
    yield from _walk(name, kind_of, _entry(shape), call.rename, name)


def _entry(shape: Shape) -> Shape:
    return shape.member if isinstance(shape, ListShape) else shape


def _walk(name: str, kind_of: Type, shape: Shape, renames: names.Renames, path: str) -> Iterator[str]:
    assert isinstance(shape, StructureShape)
    target = names.member(name, shape, renames, path)
    if target is None:
        yield path
        return
    inner = _entry(names.place(shape, target))
    while kind_of.form == "list" and kind_of.item is not None:
        kind_of = kind_of.item
    if kind_of.form == "object" and isinstance(inner, StructureShape):
        for field, item in kind_of.fields.items():
            yield from _walk(field, item.type, inner, renames, f"{path}.{field}")
