"""What a step takes on Kubernetes beside files of other steps: versions of datasets, requests of endpoints, a tracker.

A version is a list of files, which Argo does not know, nor which hours of an endpoint's requests are asked for: a
container of ours fetches them before the step's own begins, and holds the object store's key for it. Who records is a
user of the tracker, whom pods with a label reach.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
from pulumi import Input

from pulumi_mlops.backends.kubernetes import access, argo, dataset, mlflow, runtime, trust, workload
from pulumi_mlops.backends.kubernetes.addresses import Door, FeatureGroupAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.experiment_tracker import recorder
from pulumi_mlops.backends.kubernetes.objects import App, Fields, camel_case, resources, restricted
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import SECRET, TrackerRef, Workload, variable, variables
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.work import (
    BASELINE,
    CAPTURED,
    DATASET,
    FACTS,
    FETCH,
    HISTORY,
    INPUT,
    OF_VERSION,
    READS,
    RECORD,
    Work,
    together_with,
)

FOLDER = "/etc/mlops"
"""Where pods of a pipeline find the library's programs."""
INPUTS, DATASETS = "/mnt/inputs", "/mnt/datasets"
_READ = f"{DATASETS}/.read"
"""What was read: a file for each input that was fetched."""
FACTS_FILE = f"{argo.TMP}/facts.json"
RECORDS = "pulumi-mlops/records-in"
"""The label of pods that record, whose value is the tracker that they reach."""
MEASURES = "pulumi-mlops/measures-for"
"""The label of pods that measure, whose value is the watch that they reach."""


def folder(step: Work, name: str) -> str:
    """Return where a container finds an input."""
    return f"{DATASETS if name in step.fetches else INPUTS}/{name}"


@dataclass(frozen=True)
class Trackers:
    """The trackers of a pipeline's steps, each with the pipeline's own login, by their names."""

    refs: Mapping[str, TrackerRef]
    native: Mapping[str, pulumi.Resource]
    ways: list[pulumi.Resource]

    def of(self, step: Work, name: str) -> Workload[FeatureView]:
        """Return what a step runs, which records as the pipeline's user."""
        load = step.workload(name)
        return load if load.tracker is None else replace(load, tracker=self.refs[load.tracker.name])


def trackers(app: App, spec: PipelineSpec) -> Trackers:
    """Let a pipeline record in the trackers that its steps name: those pods alone reach each."""
    used = [work.tracker for step in spec.steps.values() if (work := works(step)) is not None and work.tracker]
    named = {one.name: one for one in used}
    refs: dict[str, TrackerRef] = {}
    native: dict[str, pulumi.Resource] = {}
    ways: list[pulumi.Resource] = []
    for name, tracker in sorted(named.items()):
        made = recorder(app, tracker)
        refs[name], native = made.tracker, native | made.native
        ways += access.call(app, f"records-{name}", {**app.selector, RECORDS: name}, made.doors)
    return Trackers(refs, native, ways)


def measured(app: App, spec: PipelineSpec) -> list[pulumi.Resource]:
    """Let the pods of those steps that measure reach where their measurements go, and no others."""
    used = [work.watch for step in spec.steps.values() if (work := works(step)) is not None and work.watch]
    doors = {one.name: Door.read(one.facts["door"]) for one in used}
    return [
        way
        for name, door in sorted(doors.items())
        for way in access.call(app, f"measures-{name}", {**app.selector, MEASURES: name}, [door])
    ]


def label(step: Work) -> dict[str, str]:
    """Return the labels of pods that record, and of those that measure."""
    found = {} if step.tracker is None else {RECORDS: step.tracker.name}
    return found if step.watch is None else {**found, MEASURES: step.watch.name}


def before(load: Workload[FeatureView]) -> list[str]:
    """Return what reads the keys of a tracker before the command."""
    return ["python3", f"{FOLDER}/{FETCH}"] if load.keys else []


def told(step: Work, load: Workload[FeatureView]) -> dict[str, Input[str]]:
    """Name the variables of what a step takes, and of its record."""
    secrets: dict[str, Input[str]] = {variable(SECRET, one): f"file://{runtime.SECRETS}/{one}" for one in step.secrets}
    tracking = variables({}, {}, load.tracker, workload.keys(load))
    found = {key: argo.literal(value) for key, value in {**step.told(), **tracking}.items()}
    found |= {variable(INPUT, one): folder(step, one) for one in step.inputs}
    for name, view in step.views.items():
        where = FeatureGroupAddress.of(view.group).location
        found[variable(HISTORY, name)] = together_with(f"{view.group.name}@{view.days}", where)
    return {**secrets, **found, RECORD: FACTS_FILE, READS: _READ if step.fetches else f"{argo.TMP}/read"}


def volumes(step: Work) -> list[Fields]:
    """Return the volume that versions of datasets, and what endpoints captured, are fetched to."""
    return [{"name": "datasets", "emptyDir": {}}] if step.fetches else []


def mounts(step: Work) -> list[Fields]:
    """Return where containers find it."""
    return [{"name": "datasets", "mountPath": DATASETS}] if step.fetches else []


def fetched(step: Work, platform: PlatformRef, env: list[Fields]) -> Fields:
    """Write the container that fetches what Argo cannot before a step begins.

    :param env: the variables of the step, of which those are taken that say what is fetched.
    """
    if not step.fetches:
        return {}
    wanted = {"MLOPS_STEP", READS, *(variable(INPUT, one) for one in step.fetches)}
    wanted |= {name for name in step.told() if name.startswith((DATASET, CAPTURED, BASELINE, OF_VERSION))}
    container: Fields = {
        "name": "datasets",
        "image": mlflow.IMAGE,  # has boto3, and is on the nodes where there is a registry
        "command": ["python3", f"{FOLDER}/{FACTS}"],
        "env": [
            *(one for one in env if one["name"] in wanted),
            *dataset.variables(platform, PlatformAddress.of(platform).store.reader),
        ],
        "resources": resources("100m", "512Mi"),
        "volume_mounts": [
            {"name": "program", "mount_path": FOLDER, "read_only": True},
            {"name": "datasets", "mount_path": DATASETS},
            *trust.mounts(platform),
        ],
    }
    return {"initContainers": [camel_case(restricted(container))]}


def trusted(step: Work, platform: PlatformRef) -> list[Fields]:
    """Return the volume by which that container knows the object store."""
    return list(camel_case(trust.volumes(platform))) if step.fetches else []
