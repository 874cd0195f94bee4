"""What a resource kind accepts and returns, read from the classes of its Pulumi SDK, so that no table repeats it."""

import inspect
import typing
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, Literal

import pulumi
from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type

Form = Literal["string", "integer", "number", "boolean", "list", "map", "object", "asset", "any"]
_SCALARS: Mapping[Any, Form] = {str: "string", int: "integer", float: "number", bool: "boolean"}


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


def properties(args: type) -> Mapping[str, Property]:
    """Read the properties of an SDK's ``…Args`` (or ``_…State``) class, by their names on the wire."""
    return _properties(args)


@lru_cache(maxsize=None)
def _properties(args: type) -> Mapping[str, Property]:
    wire_names = input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args).parameters
    required = {wire_names[name] for name, item in parameters.items() if item.default is inspect.Parameter.empty}
    return {name: Property(_type(hint), name in required) for name, hint in input_type_types(args).items()}


def _type(hint: Any) -> Type:
    if hint in _SCALARS:
        return Type(_SCALARS[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is not None and not isinstance(origin, type) or origin is typing.Union:
        return _choice(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return Type("map", item=_type(arguments[1]))
    if origin is not None and issubclass(origin, typing.Sequence):
        return Type("list", item=_type(arguments[0]))
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return Type("string", enum=tuple(str(item.value) for item in hint))
        if issubclass(hint, (pulumi.Asset, pulumi.Archive)):
            return Type("asset")
        if is_input_type(hint):
            return Type("object", fields=_properties(hint))
    return Type("any")


def _choice(arguments: tuple[Any, ...]) -> Type:
    """Pick the value type out of ``T | Awaitable[T] | Output[T]``; keep an enum's values as hints."""
    values = [
        item
        for item in arguments
        if item is not type(None)
        and typing.get_origin(item) not in {pulumi.Output, Awaitable}
        and item is not pulumi.Output
    ]
    found = [_type(item) for item in values]
    return next((item for item in found if item.form != "any"), Type("any"))
