"""No argument is taken and forgotten: each changes something native on each backend, or a table says otherwise.

What a capability stands for is judged in ``test_capabilities``; here is what every backend takes without being asked.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from programs import (
    CANARY,
    PROGRAMS,
    SHADOW,
    STEPS,
    Build,
    endpoint,
    files,
    group,
    model,
    platform,
    registry,
    store,
    variants,
)
from running import BACKENDS, run, table_of, ways_to

from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.feature_store import FeatureGroupSpec, FeatureStoreSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec, ModelSpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.inputs import Spec

LARGE = {"cpus": 16, "memory_gb": 32}
# What most arguments are compared with: each is run once.
scaled = PROGRAMS["endpoint.scaling"].build
canaried = PROGRAMS["endpoint.release.canary"].build
stepped = PROGRAMS["endpoint.release.linear"].build
divided = PROGRAMS["endpoint.variants"].build
shadowed = PROGRAMS["endpoint.shadow"].build
announcing = PROGRAMS["model_registry.events"].build

ARGUMENTS: Mapping[str, tuple[Build, Build]] = {
    "Platform.stage": (lambda w: platform(w, stage="prod"), platform),
    "Platform.owner": (lambda w: platform(w, owner="ml-team"), platform),
    "Platform.tags": (lambda w: platform(w, tags={"team": "other"}), platform),
    "Platform.alerts": (lambda w: platform(w, alerts=["ml-team@example.com"]), platform),
    "FeatureStore.tags": (lambda w: store(w, tags={"tier": "gold"}), store),
    "FeatureGroup.description": (lambda w: group(w, description="Who buys"), group),
    "FeatureGroup.protect": (lambda w: group(w, protect=True), group),
    "FeatureGroup.tags": (lambda w: group(w, tags={"tier": "gold"}), group),
    "ModelRegistry.tags": (
        lambda w: registry(w, events={"deploy": {"to": w.told}}, tags={"tier": "gold"}),
        announcing,
    ),
    "ModelRegistry.events.on": (
        lambda w: registry(w, events={"deploy": {"to": w.told, "on": ["rejected"]}}),
        announcing,
    ),
    "Model.description": (lambda w: model(w, description="Who leaves"), model),
    "Model.metadata": (lambda w: model(w, metadata={"license": "internal"}), model),
    "Model.protect": (lambda w: model(w, protect=True), model),
    "Model.tags": (lambda w: model(w, tags={"tier": "gold"}), model),
    "Endpoint.compute.cpus": (lambda w: endpoint(w, compute={"cpus": 16, "memory_gb": 8}), endpoint),
    "Endpoint.compute.memory_gb": (lambda w: endpoint(w, compute={"cpus": 2, "memory_gb": 64}), endpoint),
    "Endpoint.variants.weight": (
        lambda w: endpoint(w, variants=[{**variant, "weight": 7} for variant in variants(w)]),
        divided,
    ),
    "Endpoint.variants.compute": (
        lambda w: endpoint(w, variants=[{**part, "compute": LARGE} for part in variants(w)]),
        divided,
    ),
    "Endpoint.shadow.compute": (
        lambda w: endpoint(w, shadow={"model": files(w, "-2"), **SHADOW, "compute": LARGE}),
        shadowed,
    ),
    "Endpoint.shadow.percent": (
        lambda w: endpoint(w, shadow={"model": files(w, "-2"), "percent": 7}),
        shadowed,
    ),
    "Endpoint.scaling.min": (lambda w: endpoint(w, scaling={"min": 2, "max": 2}), endpoint),
    "Endpoint.scaling.max": (
        lambda w: endpoint(w, scaling={**STEPS, "max": 9}),
        scaled,
    ),
    "Endpoint.scaling.requests_per_replica": (
        lambda w: endpoint(w, scaling={**STEPS, "requests_per_replica": 9}),
        scaled,
    ),
    "Endpoint.scaling.cooldown_in_seconds": (
        lambda w: endpoint(w, scaling={**STEPS, "cooldown_in_seconds": 7}),
        scaled,
    ),
    "Endpoint.scaling.cooldown_out_seconds": (
        lambda w: endpoint(w, scaling={**STEPS, "cooldown_out_seconds": 7}),
        scaled,
    ),
    "Endpoint.release.canary.percent": (
        lambda w: endpoint(w, release={"canary": {"percent": 7, "bake_minutes": 15}}),
        canaried,
    ),
    "Endpoint.release.canary.bake_minutes": (
        lambda w: endpoint(w, release={"canary": {"percent": 10, "bake_minutes": 7}}),
        canaried,
    ),
    "Endpoint.release.linear.step_percent": (
        lambda w: endpoint(w, release={"linear": {"step_percent": 50, "interval_minutes": 5}}),
        stepped,
    ),
    "Endpoint.release.linear.interval_minutes": (
        lambda w: endpoint(w, release={"linear": {"step_percent": 25, "interval_minutes": 7}}),
        stepped,
    ),
    "Endpoint.release.rollback_alarms": (
        lambda w: endpoint(w, release={**CANARY, "rollback_alarms": ["disk-full"]}),
        canaried,
    ),
    "Endpoint.health.errors_percent": (lambda w: endpoint(w, health={"errors_percent": 7}), endpoint),
    "Endpoint.health.latency_ms": (lambda w: endpoint(w, health={"latency_ms": 200}), endpoint),
    "Endpoint.environment": (lambda w: endpoint(w, environment={"WORKERS": "2"}), endpoint),
    "Endpoint.tags": (lambda w: endpoint(w, tags={"tier": "gold"}), endpoint),
}
ELSEWHERE = {
    "Platform.account": "what it must be is the cloud's own word; each backend's tests have it",
    "Platform.backend": "every program has it",
    "Platform.budget_thresholds": "belongs to platform.budget",
    "Platform.existing.database.port": "belongs to platform.existing.database",
    "Platform.existing.database.tls": "belongs to platform.existing.database",
    "Platform.existing.gateway.tls": "belongs to platform.existing.gateway",
    "Platform.existing.object_store.reader_access_key": "belongs to platform.existing.object_store",
    "Platform.existing.object_store.reader_secret_key": "belongs to platform.existing.object_store",
    "Platform.existing.object_store.region": "belongs to platform.existing.object_store",
    "Platform.network.private.cidr": "the cloud's own ranges; each backend's tests have it",
    "Platform.network.private.zones": "the cloud's own zones; each backend's tests have it",
    "Platform.quota.accelerators": "belongs to platform.quota",
    "Platform.quota.storage_gb": "belongs to platform.quota",
    "ModelRegistry.events.to": "belongs to model_registry.events, by a name of the user's",
    "FeatureStore.materialize.timezone": "belongs to feature_store.materialize",
    "Endpoint.compute.pin": "a word of one cloud; each backend's tests have it",
    "Endpoint.mode.asynchronous.notify": "a word of one cloud; each backend's tests have it",
    "Endpoint.mode.serverless.provisioned": "belongs to endpoint.serverless",
    "Endpoint.scaling.schedules.timezone": "belongs to endpoint.scaling.schedule",
}
"""Arguments of which no neutral program here knows enough, with the reason."""

LOSSY = {"ModelRegistry.events.on": "model_registry.events"}
"""Arguments that a backend may take without effect, if its table calls the capability lossy: it warns of it then."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_has_an_effect(backend: str, name: str) -> None:
    with_it, without = (run(build, backend) for build in ARGUMENTS[name])
    assert (with_it.error, without.error) == (None, None)
    if name in LOSSY and table_of(backend)[frozenset([LOSSY[name]])].level == "lossy":
        assert run(ARGUMENTS[name][0], backend, "first preview").warnings
        return
    assert said(with_it.children) != said(without.children), f"{name} changes nothing on {backend}"


def said(children: list[Any]) -> list[Any]:
    return sorted(((item.type, item.name, str(item.inputs), item.protect) for item in children), key=str)


def test_every_argument_is_tried() -> None:
    specs = (PlatformSpec, FeatureStoreSpec, FeatureGroupSpec, ModelRegistrySpec, ModelSpec, EndpointSpec)
    known = {path for spec in specs for path in leaves(spec, spec.__name__.removesuffix("Spec"))}
    tried = {path for backend in BACKENDS for name in PROGRAMS for path in written(name, backend)}
    accounted = tuple(f"{path}." for path in (*ARGUMENTS, *ELSEWHERE))
    assert sorted(path for path in known - tried if not f"{path}.".startswith(accounted)) == []
    gone = [path for path in ELSEWHERE if not any(f"{found}.".startswith(f"{path}.") for found in known)]
    assert gone == [], "these are no arguments any more"


def leaves(spec: type[Spec], path: str) -> Iterator[str]:
    """Name every argument by its path, through nested parts and lists of parts."""
    for name, field in spec.model_fields.items():
        inner = part_of(field.annotation)
        yield from leaves(inner, f"{path}.{name}") if inner else [f"{path}.{name}"]


def part_of(annotation: Any) -> type[Spec] | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((found for arm in get_args(annotation) if (found := part_of(arm))), None)


def written(name: str, backend: str) -> Iterator[str]:
    """Name the arguments that the programs for a capability wrote, as the engine was told of them."""
    for build in ways_to(name):
        for item in run(build, backend).components:
            yield from paths(item.inputs, item.type.rpartition(":")[2])


def paths(value: Any, path: str) -> Iterator[str]:
    yield path
    for part in value if isinstance(value, list) else []:
        yield from paths(part, path)
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from paths(part, f"{path}.{key}")
