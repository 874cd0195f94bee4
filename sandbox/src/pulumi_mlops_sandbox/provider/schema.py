"""What a resource kind accepts and returns: types of properties, and their form on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["string", "integer", "number", "boolean", "list", "map", "object", "asset", "any"]


@dataclass(frozen=True)
class Type:
    """The type of one value."""

    form: Form
    item: "Type | None" = None
    fields: "Mapping[str, Property]" = field(default_factory=dict)
    enum: tuple[str, ...] = ()


@dataclass(frozen=True)
class Property:
    """One property of an object."""

    type: Type
    required: bool = False


def dump(fields: Mapping[str, Property]) -> dict[str, Any]:
    """Return properties as JSON data, so that they can be kept: reading an SDK's classes takes seconds."""
    return {name: [item.required, _dump(item.type)] for name, item in fields.items()}


def _dump(kind: Type) -> list[Any]:
    return [kind.form, kind.item and _dump(kind.item), dump(kind.fields), list(kind.enum)]


def load(data: Mapping[str, Any]) -> dict[str, Property]:
    """Return the properties that :func:`dump` has kept."""
    return {name: Property(_load(kind), required) for name, (required, kind) in data.items()}


def _load(data: list[Any]) -> Type:
    form, item, fields, enum = data
    return Type(form, _load(item) if item else None, load(fields), tuple(enum))
