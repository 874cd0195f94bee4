"""The classes of ``pulumi_aws`` behind a type token: what a resource accepts and what it returns."""

import importlib
import re
import warnings
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from pulumi_mlops.sandbox.provider.schema import Property, properties

_KEYWORDS = {"lambda": "lambda_"}


def _module(token: str) -> tuple[ModuleType, str]:
    _, place, name = token.split(":")
    package, file = place.split("/")
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", file).lower()
    with warnings.catch_warnings():  # the SDK warns of its own deprecated classes while it loads
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"pulumi_aws.{_KEYWORDS.get(package, package)}.{snake}"), name


@cache
def inputs(token: str) -> Mapping[str, Property]:
    """Return the inputs of a type token."""
    module, name = _module(token)
    # Where a nested type has taken the name, the resource's own class is called …InitArgs.
    args: type = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    return properties(args)


@cache
def outputs(token: str) -> Mapping[str, Property]:
    """Return the outputs of a type token."""
    module, name = _module(token)
    state: type = getattr(module, f"_{name}State")
    return properties(state)
