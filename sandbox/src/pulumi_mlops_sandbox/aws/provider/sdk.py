"""The classes of ``pulumi_aws`` behind a type token: what a resource accepts and what it returns."""

import importlib
import re
import warnings
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from pulumi_mlops_sandbox.provider import schema
from pulumi_mlops_sandbox.provider.kept import Kept
from pulumi_mlops_sandbox.provider.schema import Property

_KEYWORDS = {"lambda": "lambda_"}
Properties = Mapping[str, Property]


def inputs(token: str) -> Properties:
    """Return the inputs of a type token."""
    return _described(token)[0]


def outputs(token: str) -> Properties:
    """Return the outputs of a type token."""
    return _described(token)[1]


@cache
def _described(token: str) -> tuple[Properties, Properties]:
    found = _KEPT.described(token, token.rsplit(":", 1)[0].replace(":", "-").replace("/", "-"))
    return schema.load(found["inputs"]), schema.load(found["outputs"])


def _read(token: str) -> dict[str, Any]:
    from pulumi_mlops_sandbox.provider import reading  # noqa: PLC0415  (it loads the SDK)

    module, name = _module(token)
    # Where a nested type has taken the name, the resource's own class is called …InitArgs.
    args: type = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    state: type = getattr(module, f"_{name}State")
    return {"inputs": schema.dump(reading.properties(args)), "outputs": schema.dump(reading.properties(state))}


def _module(token: str) -> tuple[ModuleType, str]:
    _, place, name = token.split(":")
    package, file = place.split("/")
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", file).lower()
    with warnings.catch_warnings():  # the SDK warns of its own deprecated classes while it loads
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"pulumi_aws.{_KEYWORDS.get(package, package)}.{snake}"), name


_KEPT = Kept("pulumi_aws", __file__, _read)
