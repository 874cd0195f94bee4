"""What only Azure can judge of feature stores and feature groups, before anything is registered."""

import json
from collections.abc import Iterator

from pulumi_mlops.backends.azure import live
from pulumi_mlops.backends.azure.addresses import FeatureStoreAddress
from pulumi_mlops.backends.azure.cron import ZONES, recurrence
from pulumi_mlops.backends.azure.endpoint_checks import zone_problem
from pulumi_mlops.backends.azure.feature_store import FEATURES, workspace_name
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred

_NAME, _LONGEST = "a feature set of Azure", 255


def store_problems(spec: FeatureStoreSpec) -> Iterator[Problem]:
    """Judge when a store materializes."""
    often = spec.materialize
    if often is None:
        return
    if recurrence(often.cron) is None:
        yield Problem(
            "materialize.cron",
            f"{often.cron!r} names months, and Azure's triggers recur by day, week or month; write '*' as the month",
        )
    if often.timezone not in ZONES:
        yield zone_problem("materialize.timezone", often.timezone)


def group_problems(name: str, spec: FeatureGroupSpec) -> Iterator[Problem]:
    """Judge the columns of a group, beside those that it has."""
    if spec.features.get(spec.event_time) == "float":
        told = "is a 'float', and a feature set of Azure wants a time there; make it a 'timestamp'"
        yield Problem("event_time", f"{spec.event_time!r} {told}")
    if len(name) > _LONGEST:
        yield Problem("name", f"{len(name)} characters: {_NAME} has at most {_LONGEST}")
    id_ = FeatureStoreAddress.of(spec.store).id
    store = live.beside_workspace(spec.store.platform, workspace_name(spec.store.platform, spec.store.name))
    found = live.feature_set(spec.store.platform, store if is_deferred(id_) else str(id_), name)
    told_of = ((found or {}).get("properties") or {}).get("properties") or {}
    known: dict[str, str] = json.loads(told_of.get(FEATURES) or "{}")
    way_out = "rows that are there have it; keep it, or make a new FeatureGroup of another name and move its readers"
    for feature, kind in known.items():
        if feature not in spec.features:
            yield Problem("features", f"{feature!r} cannot be removed from a group that exists: {way_out}")
        elif spec.features[feature] != kind:
            told = f"cannot become {spec.features[feature]!r} in a group that exists, where it is {kind!r}: {way_out}"
            yield Problem(f"features.{feature}", told)
