"""What a change may replace or delete though data is in it: a setting of the stack names it, beside the change."""

import fnmatch
import json
from collections.abc import Iterable
from typing import Final

REPLACEABLE: Final = "pulumi-mlops:replaceable"
"""The setting: a list of names of components or resources, or of URNs; `*` is any text."""


def names(told: str) -> tuple[str, ...]:
    """Read the names that a stack's setting holds: JSON, as `pulumi` keeps a list."""
    try:
        found = json.loads(told or "[]")
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise ValueError(f"{REPLACEABLE} is a list of names, such as [churn-models]")
    return tuple(found)


def named(globs: Iterable[str], name: str, urn: str = "") -> bool:
    """Say whether a resource is meant by its name or its URN."""
    return any(fnmatch.fnmatchcase(name, glob) or fnmatch.fnmatchcase(urn, glob) for glob in globs)
