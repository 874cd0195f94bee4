"""No argument is taken and forgotten: each changes something native on each backend, or a table says otherwise.

What asks for a capability is judged in ``test_capabilities``; here is what every backend takes without being asked.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.components.batch_inference import BatchInferenceSpec
from pulumi_mlops.components.dataset import DatasetSpec
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerSpec
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.components.loop import LoopSpec
from pulumi_mlops.components.model import ModelSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.monitor import MonitorSpec
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.components.training_cluster import TrainingClusterSpec
from pulumi_mlops.core.inputs import Spec
from pulumi_mlops.core.naming import snake
from pulumi_mlops.steps.evaluate import EvaluateStep
from pulumi_mlops.steps.prepare import PrepareStep
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import TuneStep
from support.conformance import loops, monitors, pipelines
from support.conformance.programs import (
    CANARY,
    PROGRAMS,
    SECRET,
    SHADOW,
    STEPS,
    Build,
    batch,
    cluster,
    dataset,
    endpoint,
    existing_dataset,
    files,
    group,
    made_of,
    model,
    platform,
    published,
    registry,
    store,
    variants,
)
from support.conformance.running import having, run, table_of
from support.conformance.words import Words

LARGE = {"cpus": 16, "memory_gb": 32}
# What most arguments are compared with: each is run once.
scaled = PROGRAMS["endpoint.scaling"].build
canaried = PROGRAMS["endpoint.release.canary"].build
stepped = PROGRAMS["endpoint.release.linear"].build
divided = PROGRAMS["endpoint.variants"].build
shadowed = PROGRAMS["endpoint.shadow"].build
announcing = PROGRAMS["model_registry.events"].build


def staying(words: Words, many: int = 3, **args: Any) -> mlops.TrainingCluster:
    """Declare machines that are seen: where none are made before a run, those that stay are."""
    if words.backend in having("training_cluster.persistent"):
        return cluster(words, nodes={"min": many, "max": many}, persistent={}, **args)
    return cluster(words, nodes={"max": many}, **args)


def reading_a_secret(words: Words) -> mlops.BatchInference:
    """Declare a batch inference that reads a secret of its platform."""
    hub = platform(words, secrets={"token": SECRET})
    return batch(words, hub, secrets={"token": hub.secret("token")})


ARGUMENTS: Mapping[str, tuple[Build, Build]] = {
    "Platform.stage": (lambda w: platform(w, stage="prod"), platform),
    "Platform.profile": (
        lambda w: platform(w, stage="blue", profile="prod"),
        lambda w: platform(w, stage="blue", profile="dev"),
    ),
    "Platform.owner": (lambda w: platform(w, owner="ml-team"), platform),
    "Platform.tags": (lambda w: platform(w, tags={"team": "other"}), platform),
    "Platform.tag_prefix": (
        lambda w: platform(w, owner="ml-team", tag_prefix="mlops-"),
        lambda w: platform(w, owner="ml-team"),
    ),
    "Platform.alerts": (lambda w: platform(w, alerts=["ml-team@example.com"]), platform),
    "FeatureStore.tags": (lambda w: store(w, tags={"tier": "gold"}), store),
    "FeatureGroup.description": (lambda w: group(w, description="Who buys"), group),
    "FeatureGroup.protect": (lambda w: group(w, protect=True), group),
    "FeatureGroup.tags": (lambda w: group(w, tags={"tier": "gold"}), group),
    "Dataset.clearml": (lambda w: published(w, "clearml", enters=True), lambda w: published(w, "clearml")),
    "Dataset.columns": (
        lambda w: dataset(w, format="csv", columns={"id": "string"}),
        lambda w: dataset(w, format="csv", columns={"id": "integer"}),
    ),
    "Dataset.description": (lambda w: dataset(w, description="Who pays"), dataset),
    "Dataset.format": (lambda w: dataset(w, format="csv"), dataset),
    "Dataset.parents": (lambda w: made_of(w, existing_dataset(w, hub := platform(w)), on=hub), made_of),
    "Dataset.protect": (lambda w: dataset(w, protect=True), dataset),
    "Dataset.wandb": (lambda w: published(w, "wandb", enters=True), lambda w: published(w, "wandb")),
    "Dataset.tags": (lambda w: dataset(w, tags={"tier": "gold"}), dataset),
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
        lambda w: endpoint(w, scaling={**STEPS, "cooldown_in_seconds": 120}),
        scaled,
    ),
    "Endpoint.scaling.cooldown_out_seconds": (
        lambda w: endpoint(w, scaling={**STEPS, "cooldown_out_seconds": 120}),
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
    "BatchInference.model": (lambda w: batch(w, model={"image": "registry.example.com/other:1"}), batch),
    "BatchInference.keep": (lambda w: batch(w, keep=["id"]), batch),
    "BatchInference.tolerate_percent": (lambda w: batch(w, tolerate_percent=1), batch),
    "BatchInference.environment": (lambda w: batch(w, environment={"LEVEL": "debug"}), batch),
    "BatchInference.secrets": (reading_a_secret, lambda w: batch(w, platform(w, secrets={"token": SECRET}))),
    "BatchInference.compute.cpus": (lambda w: batch(w, compute={"cpus": 16, "memory_gb": 4}), batch),
    "BatchInference.compute.memory_gb": (lambda w: batch(w, compute={"cpus": 2, "memory_gb": 64}), batch),
    "BatchInference.compute.accelerator": (lambda w: batch(w, compute={"accelerator": "T4:1"}), batch),
    "BatchInference.max_hours": (lambda w: batch(w, max_hours=2), batch),
    "BatchInference.tags": (lambda w: batch(w, tags={"tier": "gold"}), batch),
    "TrainingCluster.compute.cpus": (lambda w: staying(w, compute={"cpus": 16, "memory_gb": 16}), staying),
    "TrainingCluster.compute.memory_gb": (lambda w: staying(w, compute={"cpus": 4, "memory_gb": 64}), staying),
    "TrainingCluster.nodes.max": (lambda w: staying(w, many=5), staying),
    "TrainingCluster.tags": (lambda w: staying(w, tags={"tier": "gold"}), staying),
    **pipelines.STEPS,
    **pipelines.TRACKERS,
    **monitors.ARGUMENTS,
    **loops.ARGUMENTS,
}
ASKED = {
    "Platform.addons": "platform.addons",
    "Platform.budget_thresholds": "platform.budget",
    "Platform.consumers": "platform.consumers",
    "Platform.existing.alerts": "platform.existing.alerts",
    "Platform.existing.artifacts": "platform.existing.artifacts",
    "Platform.existing.cidrs": "platform.existing.cidrs",
    "Platform.existing.database": "platform.existing.database",
    "Platform.existing.gateway": "platform.existing.gateway",
    "Platform.existing.gateway.tokens": "platform.existing.gateway.tokens",
    "Platform.existing.group": "platform.existing.group",
    "Platform.existing.images": "platform.existing.images",
    "Platform.existing.key": "platform.existing.key",
    "Platform.existing.metrics": "platform.existing.metrics",
    "Platform.existing.object_store": "platform.existing.object_store",
    "Platform.existing.workspace": "platform.existing.workspace",
    "ModelRegistry.regions": "model_registry.regions",
    "Platform.images": "platform.images",
    "Platform.log_days": "platform.log_days",
    "Platform.monthly_budget": "platform.budget",
    "Platform.network.existing": "platform.network.existing",
    "Platform.network.existing.security_groups": "platform.network.existing.security_groups",
    "Platform.network.private": "platform.network.private",
    "Platform.quota": "platform.quota",
    "Platform.region": "platform.region",
    "Platform.secrets": "platform.secrets",
    "FeatureStore.materialize": "feature_store.materialize",
    "FeatureStore.platform": "feature_store",
    "Dataset.partition": "dataset.partition",
    "Dataset.platform": "dataset",
    "Dataset.retention_days": "dataset.retention",
    "FeatureGroup.event_time": "feature_group",
    "FeatureGroup.features": "feature_group",
    "FeatureGroup.keys": "feature_group",
    "FeatureGroup.offline": "feature_group.offline",
    "FeatureGroup.online": "feature_group.online",
    "FeatureGroup.store": "feature_group",
    "ModelRegistry.approvers": "model_registry.approvers",
    "ModelRegistry.consumers": "model_registry.consumers",
    "ModelRegistry.published": "model_registry.published",
    "ModelRegistry.events.to": "model_registry.events",
    "ModelRegistry.platform": "model_registry",
    "Model.gate": "model.gate",
    "Model.registry": "model",
    "TrainingCluster.compute.accelerator": "training_cluster.interconnect",
    "TrainingCluster.idle_minutes": "training_cluster.idle",
    "TrainingCluster.interconnect": "training_cluster.interconnect",
    "TrainingCluster.max_hours": "training_cluster.max_hours",
    "TrainingCluster.nodes.min": "training_cluster.nodes.min",
    "TrainingCluster.persistent": "training_cluster.persistent",
    "TrainingCluster.platform": "training_cluster",
    "TrainingCluster.priority": "training_cluster.priority",
    "TrainingCluster.shares": "training_cluster.shares",
    "TrainingCluster.spot": "training_cluster.spot",
    "TrainingCluster.warm_minutes": "training_cluster.warm",
    "Endpoint.capture_percent": "endpoint.capture.sampled",
    "Endpoint.compute.accelerator": "accelerator",
    "Endpoint.invokers": "endpoint.invokers",
    "Endpoint.isolated": "endpoint.isolated",
    "Endpoint.mode.asynchronous": "endpoint.asynchronous",
    "Endpoint.mode.serverless": "endpoint.serverless",
    "Endpoint.model": "endpoint",
    "Endpoint.platform": "endpoint",
    "Endpoint.reads": "endpoint.reads",
    "Endpoint.release.owner": "endpoint.release.registry",
    "Endpoint.release.unmeasured": "endpoint.release.unmeasured",
    "Endpoint.scaling.schedules": "endpoint.scaling.schedule",
    "Endpoint.secrets": "endpoint.secrets",
    "Endpoint.serve.command": "endpoint.serve.command",
    "Endpoint.serve.health": "endpoint.serve.health",
    "Endpoint.serve.port": "endpoint.serve.port",
    "Endpoint.serve.shared_memory_gb": "endpoint.serve.shared_memory",
    "Endpoint.serve.startup_minutes": "endpoint.serve.startup",
    "Endpoint.serve.timeout_seconds": "endpoint.serve.timeout",
    "Endpoint.shadow.model": "endpoint.shadow",
    "Endpoint.variants.model": "endpoint.variants",
    "Endpoint.variants.name": "endpoint.variants",
    "BatchInference.platform": "batch_inference",
    "BatchInference.input": "batch_inference",
    "BatchInference.output": "batch_inference",
    "BatchInference.image": "batch_inference.server",
    "BatchInference.command": "batch_inference.server",
    "BatchInference.schedule.cron": "pipeline.schedule",
    "BatchInference.schedule.timezone": "pipeline.schedule",
    "BatchInference.retries": "pipeline.retries",
    "BatchInference.overlap": "pipeline.overlap.skip",
    "BatchInference.alerts": "pipeline.alerts",
    **pipelines.ASKED,
    **monitors.ASKED,
    **loops.ASKED,
}
"""Arguments that ask for a capability, whose program judges them with all that they hold."""
WORDS_OF_ONE = (
    "Platform.account",
    "Platform.backend",
    "Endpoint.compute.pin",
    "Endpoint.serve.image",
    "TrainingCluster.compute.pin",
    *monitors.WORDS_OF_ONE,
    "BatchInference.compute.pin",
    *(f"{step}.compute.pin" for step in ("Prepare", "Evaluate", "Train")),
)
"""Arguments of which no neutral program knows a value; each backend's own tests have them."""
LOSSY = {"ModelRegistry.events.on": "model_registry.events"}
"""Arguments that a backend may take without effect, if its table calls the capability lossy: it warns of it then."""


PARTS = {kind.kind.title(): kind for kind in (PrepareStep, EvaluateStep, TrainStep, TuneStep, RegisterStep)}
"""The steps of a pipeline, which are arguments with arguments of their own."""


def capability(argument: str) -> str:
    """Name the capability of the noun that an argument is about."""
    noun = argument.partition(".")[0]
    return "pipeline" if noun in PARTS else snake(noun)


@pytest.mark.parametrize(
    ("backend", "name"),
    [(backend, name) for name in ARGUMENTS for backend in having(capability(name))],
)
def test_an_argument_has_an_effect(backend: str, name: str) -> None:
    with_it, without = (run(build, backend) for build in ARGUMENTS[name])
    assert (with_it.error, without.error) == (None, None)
    if name in LOSSY and table_of(backend)[frozenset([LOSSY[name]])].level == "lossy":
        assert run(ARGUMENTS[name][0], backend, "first preview").warnings
        return
    told = (with_it.export, without.export) if name in pipelines.TRACKERS else (None, None)
    assert (said(with_it.children), told[0]) != (said(without.children), told[1]), (
        f"{name} changes nothing on {backend}"
    )


def said(children: list[Any]) -> list[Any]:
    return sorted(((item.type, item.name, str(item.inputs), item.protect) for item in children), key=str)


def test_every_argument_is_tried() -> None:
    specs = (
        *(PlatformSpec, FeatureStoreSpec, FeatureGroupSpec, ModelRegistrySpec, ModelSpec, EndpointSpec),
        *(DatasetSpec, ExperimentTrackerSpec, TrainingClusterSpec, PipelineSpec, MonitorSpec),
        *(BatchInferenceSpec, LoopSpec),
    )
    named = {spec.__name__.removesuffix("Spec"): spec for spec in specs} | PARTS
    known = {f"{path}." for name, spec in named.items() for path in leaves(spec, name)}
    accounted = [f"{path}." for path in (*ARGUMENTS, *ASKED, *WORDS_OF_ONE)]
    assert sorted(path for path in known if not path.startswith(tuple(accounted))) == []
    assert [path for path in accounted if not any(found.startswith(path) for found in known)] == []
    assert sorted(set(ASKED.values()) - set(PROGRAMS)) == []


def leaves(spec: type[Spec], path: str) -> Iterator[str]:
    """Name every argument by its path, through nested parts and lists of parts."""
    for name, field in spec.model_fields.items():
        inner = part_of(field.annotation)
        yield from leaves(inner, f"{path}.{name}") if inner else [f"{path}.{name}"]


def part_of(annotation: Any) -> type[Spec] | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((found for arm in get_args(annotation) if (found := part_of(arm))), None)
