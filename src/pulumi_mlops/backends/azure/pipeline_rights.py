"""Rights of the steps of a pipeline: of its own identity, and of those as whom training clusters run."""

from collections.abc import Mapping
from dataclasses import replace

from pulumi import Output

from pulumi_mlops.backends.azure import access
from pulumi_mlops.backends.azure.addresses import FeatureGroupAddress, PlatformAddress, TrainingClusterAddress
from pulumi_mlops.backends.azure.experiment_tracker import RECORDS
from pulumi_mlops.backends.azure.rights import BLOBS, RECORDER, STARTER, Right, merged, rights
from pulumi_mlops.backends.azure.steps import cluster, image, machine
from pulumi_mlops.backends.azure.triggers import STARTS
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.feature_group import OfflineView
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.workload import Grant, Image, Place
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Step

_SECRETS = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
_ASSETS = tuple(f"Microsoft.MachineLearningServices/workspaces/data/{one}read" for one in ("", "versions/"))
_PUBLISHES = (*_ASSETS, "Microsoft.MachineLearningServices/workspaces/data/versions/write")
_PULLS = ("Microsoft.ContainerRegistry/registries/pull/read",)
"""What steps do elsewhere, as the role of those as whom a training cluster runs."""
_LOGS = "ExperimentRun/dcid.*"
"""Where the workspace keeps what jobs print, by their names, which nobody knows beforehand."""


def grants(steps: Mapping[str, Step]) -> list[Grant]:
    """List what steps name."""
    found: list[Grant] = []
    for name, step in steps.items():
        work = works(step)
        if work is not None:
            found += [_grant(one) for one in work.workload(name).rights]
        elif isinstance(step, RegisterStep):
            found += [("register", step.model), ("pull", Image(image(step)))]
    return found


def _grant(one: Grant) -> Grant:
    """Have a step read the rows of a group, which it finds in a folder, and not look the group up."""
    verb, thing = one
    return (verb, Place(FeatureGroupAddress.of(thing.group).rows)) if isinstance(thing, OfflineView) else one


def prints(at: PlatformAddress) -> Right:
    """Let jobs write down what they print."""
    why = "what a job prints is kept by the job's name, which nobody knows beforehand"
    return Right("Storage Blob Data Contributor", at.storage_id, "logs", (_LOGS,), why=why)


def on_clusters(scope: Scope, spec: PipelineSpec, runs: Output[str]) -> dict[str, Output[str]]:
    """Give those as whom training clusters run the rights of the steps on them; return the compute of each.

    By a role of the pipeline's own: Azure takes a role once for whoever gets it at one place, and other pipelines may
    run there as well.
    """
    at = PlatformAddress.of(spec.platform)
    found: dict[str, dict[str, Step]] = {}
    for name, step in spec.steps.items():
        if cluster(step) is not None:
            found.setdefault(place_of(step), {})[name] = step
    if not found:
        return {}
    does = f"Reads and writes what the steps of pipeline {scope.name} name"
    named = [grant for steps in found.values() for grant in grants(steps)]
    records = any(verb == "record" for verb, _ in named)
    reads = any(isinstance(thing, DatasetView) for _, thing in named)
    begins = any(verb == "start" for verb, _ in named)
    publishes = any(isinstance(thing, DatasetRef) for _, thing in named)
    looks = _PUBLISHES if publishes else _ASSETS if reads else ()
    actions = [*_PULLS, *(RECORDS if records else ()), *looks, *(STARTS if begins else ())]
    wanted = {
        key: [*rights(spec.platform, [*grants(steps), ("write", Place(runs))]), prints(at)]
        for key, steps in found.items()
    }
    # Images, and files that were there before, may be in groups that are not the platform's.
    groups = [at.group_id, *(_group(right) for several in wanted.values() for right in several)]
    role = access.role(scope, "steps", "steps", does, groups, actions=actions, data=[*BLOBS, _SECRETS])
    computes: dict[str, Output[str]] = {}
    for key, steps in found.items():
        place = cluster(next(iter(steps.values())))
        assert place is not None  # noqa: S101 (they are here for it)
        address = TrainingClusterAddress.of(place)
        # Trackers are in one workspace: what each of them asks for there is asked for once.
        given = merged([replace(_recording(right), role="Pipeline steps", custom=role.id) for right in wanted[key]])
        principal = Output.from_input(address.principal).apply(str)
        made = access.assign(scope, principal, at.subscription, given, part=f"on-{place.name}")
        computes[key] = access.after(address.id, made)
    return computes


def _group(right: Right) -> Output[str]:
    """Return the id of the resource group in which a right is given."""
    return Output.from_input(right.scope).apply(lambda id_: "/".join(str(id_).split("/")[:5]))


def _recording(right: Right) -> Right:
    return replace(right, where="runs") if right.role in (RECORDER, STARTER) else right


def starting(scope: Scope, at: PlatformAddress, given: list[Right]) -> list[Right]:
    """Make the role of steps that start another pipeline, where there are such."""
    if not any(right.role == STARTER for right in given):
        return given
    does = f"Starts pipelines for steps of {scope.name}"
    role = access.role(scope, "starts", "step starter", does, [at.group_id], actions=STARTS)
    return [replace(right, custom=role.id) if right.role == STARTER else right for right in given]


def place_of(step: Step) -> str:
    """Name where a step runs: its training cluster, or the size of its machines."""
    if (place := cluster(step)) is not None:
        return f"{place.platform.name}/{place.platform.stage}/{place.name}"
    found = machine(step)
    assert found is not None  # noqa: S101 (the checks have refused what has none)
    return found.name
