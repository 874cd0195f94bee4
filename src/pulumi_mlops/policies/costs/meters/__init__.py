"""Reads what of each resource is paid for: a row a kind. A kind that no row knows is said to be uncovered."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from pulumi_mlops.policies.costs.meters import aws, azure, kubernetes
from pulumi_mlops.policies.costs.meters.free import FREE
from pulumi_mlops.policies.costs.uses import Meter, Metered
from pulumi_mlops.policies.resources import UNKNOWN, Resource, Stack, Undecided

ROWS: Final[Mapping[str, Meter]] = {**aws.ROWS, **azure.ROWS, **kubernetes.ROWS}
BY_CLOUD: Final[Mapping[str, tuple[str, ...]]] = {
    "aws": tuple(aws.ROWS),
    "azure": tuple(azure.ROWS),
    "kubernetes": tuple(kubernetes.ROWS),
}
PLACES: Final[Mapping[str, tuple[str, ...]]] = {"aws": ("region",), "azure": ("location",)}
"""Where a cloud's resources, and its provider, say the region."""

VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {"aws": ("AWS_REGION", "AWS_DEFAULT_REGION")}
"""What a cloud's provider goes by where nothing else tells the region."""


def metered(stack: Stack) -> list[Metered]:
    """Read all resources of a stack."""
    return [found for each in stack.resources if each.cloud for found in _uses(each, stack)]


def _uses(one: Resource, stack: Stack) -> Iterator[Metered]:
    place = partial(Metered, one.urn, one.type, one.name, one.cloud, region(one, stack))
    meter = ROWS.get(one.type)
    if meter is None:
        if one.type not in FREE:
            yield place(None)
        return
    try:
        for use in meter(one, stack):
            yield place(use)
    except Undecided as undecided:
        yield place(None, undecided=undecided.path or one.type.rpartition(":")[2])
    except Exception:  # noqa: BLE001  (whatever a program wrote there: what cannot be read is not read)
        yield place(None)


def region(one: Resource, stack: Stack) -> str:
    """Tell where a resource is: by itself or its provider, by its stack if that is in one place, or as providers do."""
    found = list(_places(one.cloud, one))
    if not found and one.cloud in PLACES:
        found = list(dict.fromkeys(place for each in stack.resources for place in _places(one.cloud, each)))
        found = found if len(found) == 1 else []
    if not found:
        found = [place for name in VARIABLES.get(one.cloud, ()) if (place := os.environ.get(name))]
    return found[0].lower().replace(" ", "") if found else ""


def _places(cloud: str, one: Resource) -> Iterator[str]:
    for values in (one.value, one.provider):
        for key in PLACES.get(cloud, ()):
            yield from _text(values, key)


def _text(values: Any, key: str) -> Iterable[str]:
    found = values.get(key) if isinstance(values, Mapping) else None
    return () if found is UNKNOWN or not isinstance(found, str) or not found else (found,)
