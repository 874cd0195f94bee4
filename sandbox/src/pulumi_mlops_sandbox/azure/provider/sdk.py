"""The classes of ``pulumi_azure_native`` behind a type token: what they accept and return, and their api-version."""

import importlib
import inspect
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pulumi_mlops_sandbox.provider import schema
from pulumi_mlops_sandbox.provider.kept import Kept
from pulumi_mlops_sandbox.provider.schema import Property, Type

_VERSION = re.compile(r"Uses Azure REST API version (\d{4}-\d\d-\d\d(?:-preview)?)")


@dataclass(frozen=True)
class Described:
    """One resource's class."""

    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property]
    version: str
    """The api-version; empty for what is no resource of Azure Resource Manager."""


@cache
def described(token: str) -> Described:
    """Describe a type token."""
    found = _KEPT.described(token, token.removeprefix("azure-native:").replace(":", "-"))
    return Described(schema.load(found["inputs"]), schema.load(found["outputs"]), found["version"])


def _read(token: str) -> dict[str, Any]:
    from pulumi_mlops_sandbox.provider import reading  # noqa: PLC0415  (it loads the SDK)

    _, place, name = token.split(":")
    with warnings.catch_warnings():  # the SDK warns of its own deprecated classes while it loads
        warnings.simplefilter("ignore", DeprecationWarning)
        module = importlib.import_module(f"pulumi_azure_native.{place}")
    resource = getattr(module, name)
    # Where a nested type has taken the name, the resource's own class is called …InitArgs.
    args: type = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    version = _VERSION.search(inspect.getsource(resource))
    return {
        "inputs": schema.dump({key: _open(item) for key, item in reading.properties(args).items()}),
        "outputs": schema.dump(reading.returned(resource)),
        "version": version[1] if version else "",
    }


def _open(item: Property) -> Property:
    """Forget the values of enums: the real provider leaves them to Azure."""
    return Property(_opened(item.type), item.required)


def _opened(kind: Type) -> Type:
    fields = {name: _open(item) for name, item in kind.fields.items()}
    return Type(kind.form, kind.item and _opened(kind.item), fields)


_KEPT = Kept("pulumi_azure_native", __file__, _read)
