"""Typed addresses: what only a backend reads of a ref, as a frozen dataclass of that backend.

A ref carries its address as a plain mapping, which is what leaves a stack. The engine drops nulls and turns whole
numbers into floats on the way, so a backend never reads the mapping itself: ``SomeAddress.of(ref)`` fills in the
defaults and builds the parts inside.
"""

import functools
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.refs import Ref


@dataclass(frozen=True)
class Address:
    """Base of every address, and of every part of one."""

    @classmethod
    def of(cls, ref: Ref) -> Self:
        """Read the address of a ref.

        :raises InvalidArgs: the ref lacks a part, because a version of this library exported it that had none.
        """
        if missing := [part for part in required(cls) if ref.address.get(part) is None]:
            told = f"the ref says nothing of {', '.join(missing)}; run pulumi up in the stack that exports it"
            raise InvalidArgs(type(ref).__name__, ref.name, [Problem("address", told)])
        return cls.read(ref.address)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Build it out of a mapping; what is absent or null has its default."""
        inner = _parts(typing.cast("Any", cls))
        given = {name: value for name, value in plain.items() if value is not None and name in inner}
        return cls(**{name: part.read(value) if (part := inner[name]) else value for name, value in given.items()})

    def plain(self) -> dict[str, Any]:
        """Return it as the mapping that a ref carries."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value.plain() if isinstance(value, Address) else value for name, value in values.items()}


def required(kind: type[Address]) -> list[str]:
    """Name the parts that have no default."""
    return [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]


@functools.cache
def _parts(kind: Any) -> dict[str, type[Address] | None]:
    """Say of each field which address it holds, or that it holds a plain value."""
    return {item.name: _address_in(item.type) for item in fields(kind)}


def _address_in(hint: Any) -> type[Address] | None:
    arms = [hint, *typing.get_args(hint)]
    return next((arm for arm in arms if isinstance(arm, type) and issubclass(arm, Address)), None)
