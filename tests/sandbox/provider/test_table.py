"""The table against the SDK's classes: every property is carried, or refused by name."""

import pytest

from pulumi_mlops.sandbox.aws.provider import names
from pulumi_mlops.sandbox.aws.provider.kind import EVERYWHERE, RowKind
from pulumi_mlops.sandbox.aws.provider.row import EVERYTHING, Row
from pulumi_mlops.sandbox.aws.provider.session import Session
from pulumi_mlops.sandbox.aws.provider.tables import ROWS
from pulumi_mlops.sandbox.provider.schema import Type

SESSION = Session({"region": "us-east-1", "accessKey": "x", "secretKey": "y"})


def kind(token: str) -> RowKind:
    row = ROWS[token]
    return (row.kind or RowKind)(row, SESSION)


def carried(row: Row) -> set[str]:
    """The properties about which the row says what happens to them."""
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
    used = {*row.refused, *row.local, *row.identity, *row.sticky, *row.defaults, *row.sensitive, *row.recomputed}
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
    if row.kind is None or "create" not in vars(row.kind):
        assert sorted(lost) == []


def _lost(subject: RowKind, call, name, kind_of):  # type: ignore[no-untyped-def]
    shape = names.place(subject.input_shape(call.operation), call.at)
    if not hasattr(shape, "members"):
        shape = shape.member
    yield from _walk(name, kind_of, shape, call.rename, name)


def _walk(name, kind_of: Type, shape, renames, path):  # type: ignore[no-untyped-def]
    target = names.member(name, shape, renames, path)
    if target is None:
        yield path
        return
    inner = names.place(shape, target)
    while kind_of.form == "list" and kind_of.item is not None:
        kind_of = kind_of.item
        inner = inner.member if inner.type_name == "list" else inner
    if inner.type_name == "list":
        inner = inner.member
    if kind_of.form == "object" and inner.type_name == "structure":
        for field, item in kind_of.fields.items():
            yield from _walk(field, item.type, inner, renames, f"{path}.{field}")
