"""Resources as rules see them: a good platform for each cloud, and what makes each rule refuse it."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pulumi_mlops.policies import Resource, Settings, resource
from pulumi_mlops.policies.costs.told import CostSettings

SETTINGS = Settings(
    regions=("us-east-1", "westeurope"),
    machines=("ml.m5.*", "Standard_DS3_v2", "m5.large"),
    registries=("123456789012.dkr.ecr.us-east-1.amazonaws.com/", "acme.azurecr.io/", "ghcr.io/acme/"),
    budget_ceiling=1000,
    cost=CostSettings(ceiling=Decimal(1500), prices=str(Path(__file__).parent / "prices.csv")),
)
"""Settings under which every rule has something to say."""
GONE: Any = object()
Resources = dict[str, Resource]
Edit = Callable[[Resources], None]


@dataclass(frozen=True)
class Bad:
    """One way to break one rule on one cloud."""

    rule: str
    cloud: str
    edit: Edit
    on: str
    """The resource on which the rule is to find it."""


def made(*given: tuple[str, str, Mapping[str, Any]], protected: tuple[str, ...] = ()) -> Resources:
    """Make resources of token, name and properties."""
    return {name: resource(token, name, dict(props), protect=name in protected) for token, name, props in given}


def edited(name: str, path: str, value: Any = GONE) -> Edit:
    """Set a property of a resource, or take it away; `~` is a slash of a key."""

    def edit(resources: Resources) -> None:
        one = resources[name]
        props = copy.deepcopy(dict(one.value))
        place: Any = props
        *way, last = [int(word) if word.isdigit() else word.replace("~", "/") for word in path.split("/")]
        for word in way:
            place = place[word]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
        resources[name] = resource(one.token, name, props, urn=one.urn, protect=one.protect, provider=one.provider)

    return edit


def without(*names: str) -> Edit:
    """Take resources away."""

    def edit(resources: Resources) -> None:
        for name in names:
            del resources[name]

    return edit


def unprotected(name: str) -> Edit:
    """Take the protection of a resource away."""

    def edit(resources: Resources) -> None:
        resources[name] = replace(resources[name], protect=False)

    return edit


def lost(name: str, step: str) -> Edit:
    """Have a change replace or delete a resource."""

    def edit(resources: Resources) -> None:
        resources[name] = replace(resources[name], step=step)

    return edit


def with_one(token: str, name: str, props: Mapping[str, Any]) -> Edit:
    """Add a resource."""

    def edit(resources: Resources) -> None:
        resources[name] = resource(token, name, dict(props))

    return edit
