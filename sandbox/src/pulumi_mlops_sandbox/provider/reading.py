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
from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type

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


def _type(hint: Any) -> Type:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SCALARS:
        return Type(_SCALARS[hint])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Type("map", item=_type(arguments[1]))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return Type("list", item=_type(arguments[0]))
    if arguments:
        return _choice(arguments)
    return _class_type(hint) if isinstance(hint, type) else Type("any")


def _class_type(hint: type) -> Type:
    if issubclass(hint, Enum):
        return Type("string", enum=tuple(str(item.value) for item in hint))
    if issubclass(hint, (pulumi.Asset, pulumi.Archive)):
        return Type("asset")
    return Type("object", fields=properties(hint)) if is_input_type(hint) else Type("any")


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
