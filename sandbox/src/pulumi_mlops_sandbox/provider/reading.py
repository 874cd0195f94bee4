"""What a resource kind accepts and returns, read from the classes of its Pulumi SDK, so that no table repeats it.

Needs the SDK whole, which takes long to load; what is read is kept (:mod:`~pulumi_mlops_sandbox.provider.schema`).
"""

import inspect
import typing
from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

import pulumi
from pulumi._types import (
    input_type_py_to_pulumi_names,
    input_type_types,
    is_input_type,
    is_output_type,
    output_type_types,
    resource_types,
)

from pulumi_mlops_sandbox.provider.schema import Form, Property, Type

_SCALARS: Mapping[Any, Form] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def properties(args: type) -> Mapping[str, Property]:
    """Read the properties of an SDK's ``…Args`` (or ``_…State``) class, by their names on the wire."""
    return _properties(args)


@cache
def _properties(args: Any) -> Mapping[str, Property]:
    wire_names = input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args).parameters
    required = {wire_names[name] for name, item in parameters.items() if item.default is inspect.Parameter.empty}
    return {name: Property(_type(hint), name in required) for name, hint in input_type_types(args).items()}


_DEPTH = 3
"""How deep outputs are read: some SDKs nest a type in itself."""


def returned(resource: type[pulumi.Resource]) -> Mapping[str, Property]:
    """Read the outputs of a resource's class, by their names on the wire."""
    return {name: Property(_type(hint, _DEPTH)) for name, hint in resource_types(resource).items()}


@cache
def _output(kind: Any, depth: int) -> Mapping[str, Property]:
    return {name: Property(_type(hint, depth)) for name, hint in output_type_types(kind).items()}


def _type(hint: Any, depth: int = 0) -> Type:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SCALARS:
        return Type(_SCALARS[hint])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Type("map", item=_type(arguments[1], depth))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return Type("list", item=_type(arguments[0], depth))
    if arguments:
        return _choice(arguments, depth)
    return _class_type(hint, depth) if isinstance(hint, type) else Type("any")


def _class_type(hint: Any, depth: int) -> Type:
    if issubclass(hint, Enum):
        return Type("string", enum=tuple(str(item.value) for item in hint))
    if issubclass(hint, (pulumi.Asset, pulumi.Archive)):
        return Type("asset")
    if is_output_type(hint):
        return Type("object", fields=_output(hint, depth - 1)) if depth else Type("any")
    return Type("object", fields=properties(hint)) if is_input_type(hint) else Type("any")


def _choice(arguments: tuple[Any, ...], depth: int) -> Type:
    """Pick the value type out of ``T | Awaitable[T] | Output[T]``; keep an enum's values as hints."""
    values = [
        item
        for item in arguments
        if item is not type(None)
        and typing.get_origin(item) not in {pulumi.Output, Awaitable}
        and item is not pulumi.Output
    ]
    found = [_type(item, depth) for item in values]
    objects = [item for item in found if item.form == "object"]
    if len(objects) > 1:
        return _union(objects)
    return next((item for item in found if item.form != "any"), Type("any"))


def _union(variants: list[Type]) -> Type:
    """Make one type of several objects, of which the value itself says which it is."""
    fields: dict[str, Property] = {}
    for name in {name: None for variant in variants for name in variant.fields}:
        found = [variant.fields[name] for variant in variants if name in variant.fields]
        types = [item.type for item in found]
        objects = [item for item in types if item.form == "object"]
        if len(objects) == len(types):
            merged = objects[0] if all(item == objects[0] for item in objects) else _union(objects)
        else:
            merged = types[0] if all(item.form == types[0].form for item in types) else Type("any")
        needed = len(found) == len(variants) and all(item.required for item in found)
        fields[name] = Property(merged, needed)
    return Type("object", fields=fields)
