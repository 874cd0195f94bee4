"""Steps that run a container to its end: what they are given is what every workload is given."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pulumi import Input, Output
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.endpoint_ref import CapturedView
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import FeatureView, OfflineView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import In, Needs, Number, Whole, given, is_deferred, nearest, refuse
from pulumi_mlops.core.primitives import WatchRef
from pulumi_mlops.core.refs import Given, Of, SecretRef
from pulumi_mlops.core.workload import Grant, Image, Key, Place, Workload, taken, twins, variable
from pulumi_mlops.steps.served import BaselineView
from pulumi_mlops.steps.step import Out, Parameter, Plain, Setting, Step, distinct, measures, named

START, FETCH, READ, FACTS, QUERY = "step.py", "start.py", "dataset.py", "facts.py", "history.py"
"""The programs of ``jobs/`` that begin a step: the first of all, the one for a tracker's keys, the one for datasets,
the one that writes the record of the step, and the one that queries the history of a feature group."""
SERVED = "served.py"
"""The program that reads what endpoints captured, and the baseline of what they serve, where a step does."""
DATASET, HISTORY, MADE, MODEL = "MLOPS_DATASET_", "MLOPS_HISTORY_", "MLOPS_MADE_", "MLOPS_MODEL_"
"""Variables that say of an input what it is: a version of a dataset, a history, an output of another step, a version of
a model."""
CAPTURED, BASELINE, OF_VERSION = "MLOPS_CAPTURED_", "MLOPS_BASELINE_", "MLOPS_VERSION_"
"""Variables of an input that is what an endpoint captured, or the baseline of what it serves, with the record of that
version."""
KEPT = "MLOPS_KEPT_"
"""Variables with the address at which each output is afterwards, for the record."""
RUN, CODE, RECORD, RECORDED, READS = "MLOPS_RUN", "MLOPS_CODE", "MLOPS_FACTS", "MLOPS_FACTS_AT", "MLOPS_READ"
"""Variables for the record of a step: the run, the image, the file, its address afterwards, and the folder with what
was read."""
STARTING = "starting.py"
"""The program of ``jobs/`` that starts another pipeline."""
STARTS = "MLOPS_START_"
"""Variables that say where a pipeline is that a step may start."""
TRACKER = "MLOPS_TRACKER"
"""The variable that says in which tracker a step records."""
WATCHED = "MLOPS_WATCH"
"""The variable that says where a step of the library sends its measurements."""
PUBLISH, PUBLISHES = "MLOPS_PUBLISH_", "publish.py"
"""Variables that say of an output which dataset it becomes the next version of, and the program that publishes it."""
INPUT = "MLOPS_INPUT_"
OUTPUT = "MLOPS_OUTPUT_"
PARAMETER = "MLOPS_PARAMETER_"
METRICS = "MLOPS_METRICS"
"""The variable that says into which file a step writes what it measured: JSON, a number for each name."""


_SMALL = Compute(cpus=2, memory_gb=4)


@dataclass(frozen=True)
class Files:
    """A folder of files that is of no registry and no dataset: being given it is what grants the right to read it."""

    uri: Input[str]
    """Its address, which ends in a slash."""
    key: Input[str] | None = None
    """The key that encrypts them, where it is not the platform's."""


Read = Annotated[Out | DatasetView | OfflineView | CapturedView | ModelVersionRef, Given()]
"""What a step can read."""


def delivered(steps: Iterable["Work"]) -> list[str]:
    """Name the programs that steps need beside those that begin every step, each once."""
    found: set[str] = set()
    for step in steps:
        found |= {*step.programs, *([SERVED] if step.of_endpoints else []), *([STARTING] if step.starts else [])}
        found |= {PUBLISHES} if step.publish else set()
    return sorted(found)


def _some(inputs: Mapping[str, object], kind: type) -> bool:
    return any(isinstance(one, kind) for one in inputs.values())


class Work(Step):
    """A container that runs to its end."""

    programs: ClassVar[tuple[str, ...]] = ()
    """Programs of ``jobs/`` that its command needs, beside those that begin every step: the container finds them in the
    folder that ``MLOPS_PROGRAMS`` names."""
    image: In[str]
    """The image, such as ``platform.image("churn", sha)``. It has Python 3.9 or newer as ``python3``: a small program
    of the library starts the command."""
    command: Annotated[list[In[str]], Field(min_length=1)]
    """The program and its arguments. ``$(NAME)`` stands for a variable, such as ``$(MLOPS_INPUT_X)``."""
    inputs: Annotated[
        dict[str, Read],
        Needs("pipeline.features", lambda inputs: _some(inputs, OfflineView)),
        Needs("pipeline.datasets", lambda inputs: _some(inputs, DatasetView)),
        Needs("pipeline.versions", lambda inputs: _some(inputs, ModelVersionRef)),
        Needs("pipeline.captured", lambda inputs: _some(inputs, CapturedView)),
    ] = {}
    """What it reads, by name: what another step made, a version of a dataset or of a model, the history of a feature
    group, or what an endpoint was asked and answered, ``score.requests(hours=24)``. The container finds the folder of
    each under ``MLOPS_INPUT_<NAME>``."""
    outputs: list[str] = []
    """What it makes, by name: it writes files into the folder that ``MLOPS_OUTPUT_<NAME>`` names. A folder that is
    empty at the end is an error."""
    publish: Annotated[dict[str, Of[DatasetRef]], Needs("pipeline.publish")] = {}
    """Datasets whose next version an output becomes when the step has succeeded: ``{"scores": scores}``. Its files are
    added to the dataset in a folder of the run, below the partition of the day where the dataset has partitions, and
    the version names those that the step read as its parents. A step that is begun again replaces what it added."""
    metrics: list[str] = []
    """What it measures: numbers that it writes as JSON, ``{"auc": 0.93}``, into the file that ``MLOPS_METRICS`` names.
    One that is missing at the end is an error."""
    parameters: dict[str, Annotated[Parameter | Plain, Setting()]] = {}
    """Values by name: the container finds each as ``MLOPS_PARAMETER_<NAME>``."""
    environment: dict[str, In[str]] = {}
    """Further variables. Names that begin with ``MLOPS_`` belong to the library."""
    secrets: dict[str, Of[SecretRef]] = {}
    """Secrets that it reads, by the name under which it finds each; see the page on workloads."""
    tracker: Annotated[Of[ExperimentTrackerRef] | None, Needs("pipeline.tracker", given)] = None
    """Where it records its runs. It may record there, and finds the tracker's own variables, keys among them."""
    compute: Compute | None = None
    """The machine, or one of the machines; 2 CPUs and 4 GiB unless told."""
    max_hours: Annotated[Number, Field(gt=0, le=672)] = 24
    """Hours after which it is ended and counts as failed."""
    retries: Annotated[Annotated[Whole, Field(ge=0, le=10)], Needs("pipeline.retries")] = 0
    """How often it is begun again after it failed."""

    @field_validator("inputs", "parameters", "secrets")
    @classmethod
    def _names(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        named(value)
        for first, second in twins(value):
            raise refuse(f"{first!r} and {second!r} make one variable; rename one")
        return value

    @field_validator("inputs")
    @classmethod
    def _there(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        for one in value.values():
            readable(one)
        return value

    @field_validator("outputs", "metrics")
    @classmethod
    def _distinct(cls, value: list[str], info: ValidationInfo) -> list[str]:
        (measures if info.field_name == "metrics" else named)(value)
        return distinct(value)

    @field_validator("publish")
    @classmethod
    def _made_and_kept(cls, value: dict[str, DatasetRef], info: ValidationInfo) -> dict[str, DatasetRef]:
        made = info.data.get("outputs")
        if made is not None and (wrong := [name for name in value if name not in made]):
            has = f"it has: {', '.join(made)}" if made else "it has none; write outputs=[…]"
            raise refuse(f"{wrong[0]!r} is no output of this step{nearest(wrong[0], made)} ({has})")
        seen: dict[tuple[str, ...], str] = {}
        for name, dataset in value.items():
            key = (dataset.backend, dataset.platform.name, dataset.platform.stage, dataset.name)
            if (other := seen.setdefault(key, name)) != name:
                told = f"{other!r} and {name!r} would be two versions of {dataset.name!r} at one time"
                raise refuse(f"{told}; write both into one output, or make another Dataset")
            if dataset.tracker is not None:
                engine = dataset.tracker.engine
                told = f"{dataset.name!r} enters its versions in {engine} as well, which no step does by itself"
                raise refuse(f"{told}; publish in the command by dataset.py, or leave {engine} out of the Dataset")
        return value

    @field_validator("environment")
    @classmethod
    def _not_ours(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        if ours := taken(value):
            raise refuse(f"{', '.join(map(repr, ours))}: names that begin with MLOPS_ are the library's; write others")
        return value

    @property
    def made(self) -> list[str]:
        """The names of what it makes."""
        return self.outputs

    @property
    def measured(self) -> list[str]:
        """The names of what it measures."""
        return self.metrics

    @property
    def machine(self) -> Compute:
        """The machine, or one of the machines."""
        return self.compute or _SMALL

    @property
    def machines(self) -> int:
        """On how many machines it runs."""
        return 1

    def takes(self) -> Iterator[Out]:
        """Yield what it takes of other steps."""
        yield from (one for one in self.inputs.values() if isinstance(one, Out))

    def parameters_used(self) -> Iterator[Parameter]:
        """Yield the parameters of the pipeline that it uses."""
        yield from super().parameters_used()
        yield from (one for one in self.parameters.values() if isinstance(one, Parameter))

    def started(self, programs: str) -> list[Input[str]]:
        """Return the whole command line of the container.

        :param programs: the folder in which the container finds the library's programs.
        """
        fetching = ["python3", f"{programs}/{FETCH}"] if self.tracker and self.tracker.keys else []
        return ["python3", f"{programs}/{START}", *fetching, *self.command]

    @property
    def starts(self) -> Mapping[str, PipelineRef]:
        """The pipelines that it may start, by name: it finds where each is as ``MLOPS_START_<NAME>``."""
        return {}

    @property
    def views(self) -> dict[str, OfflineView]:
        """What it reads of feature groups, by input."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, OfflineView)}

    @property
    def versions(self) -> dict[str, ModelVersionRef]:
        """What it reads of registries, by input."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, ModelVersionRef)}

    @property
    def datasets(self) -> dict[str, DatasetView]:
        """What it reads of datasets, by input."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, DatasetView)}

    @property
    def files(self) -> dict[str, Files]:
        """What it reads of other folders, by input; steps of the library alone do."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, Files)}

    @property
    def watch(self) -> WatchRef | None:
        """Where it sends measurements; steps of the library alone do."""
        return None

    @property
    def settings(self) -> Mapping[str, str]:
        """Variables of a step of the library's own, which are known when the program runs."""
        return {}

    @property
    def captured(self) -> dict[str, CapturedView]:
        """What it reads of the requests of endpoints, by input."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, CapturedView)}

    @property
    def baselines(self) -> dict[str, BaselineView]:
        """What it reads of what endpoints serve, by input."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, BaselineView)}

    @property
    def of_endpoints(self) -> bool:
        """Whether it reads something of endpoints."""
        return bool(self.captured or self.baselines)

    @property
    def fetched(self) -> dict[str, list[str]]:
        """The inputs that a program of the library fetches on every backend, as ``MLOPS_STEP`` lists them."""
        found = {"datasets": list(self.datasets), "captured": list(self.captured), "baselines": list(self.baselines)}
        return {kind: names for kind, names in found.items() if names}

    @property
    def fetches(self) -> list[str]:
        """The inputs that a program of the library fetches on every backend."""
        return [name for names in self.fetched.values() for name in names]

    def told(self) -> dict[str, Input[str]]:
        """Name the variables from which the record of the step is written, as far as no backend knows more of them."""
        found: dict[str, Input[str]] = {CODE: self.image, **self.settings}
        for name, view in self.datasets.items():
            found[variable(DATASET, name)] = together_with(view.label, view.dataset.location)
        for name, seen in self.captured.items():
            found[variable(CAPTURED, name)] = together_with(seen.label, seen.folder)
        for name, base in self.baselines.items():
            found[variable(BASELINE, name)] = together_with(base.label, base.runs)
            found[variable(OF_VERSION, name)] = base.record
        for name, version in self.versions.items():
            found[variable(MODEL, name)] = f"{version.name}@{version.version} {version.files}"
        if self.tracker is not None:
            found[TRACKER] = f"{self.tracker.name} {self.tracker.engine}"
        if self.watch is not None:
            found[WATCHED] = self.watch.address
        return found

    def published(self) -> dict[str, Input[str]]:
        """Name the variables that say which datasets its outputs become the next version of."""
        return {
            variable(PUBLISH, name): together_with(f"{dataset.name}/{dataset.partition or ''}", dataset.location)
            for name, dataset in self.publish.items()
        }

    def workload(self, name: str) -> Workload[FeatureView]:
        """Return what runs; folders for what it reads and makes are the backend's."""
        grants: list[Grant] = [("pull", Image(self.image))]
        grants += [("read", view) for view in (*self.views.values(), *self.datasets.values())]
        grants += [("read", version) for version in self.versions.values()]
        grants += [("read", Place(seen.folder)) for seen in self.captured.values()]
        grants += [("read", place) for base in self.baselines.values() for place in base.places]
        grants += [("read", Place(one.uri)) for one in self.files.values()]
        grants += [("use", Key(one.key)) for one in self.files.values() if one.key is not None]
        grants += [("read", secret) for secret in self.secrets.values()]
        grants += [("start", pipeline) for pipeline in self.starts.values()]
        grants += [("measure", self.watch)] if self.watch is not None else []
        grants += [("write", dataset) for dataset in self.publish.values()]
        return Workload(
            name=name,
            compute=self.machine,
            image=self.image,
            command=self.command,
            environment=self.environment,
            secrets=self.secrets,
            tracker=self.tracker,
            grants=tuple(grants),
        )


def published_problems(field: str, work: Work, platform: PlatformRef) -> Iterator[Problem]:
    """Refuse datasets of another platform: whoever publishes writes where the steps of this one may."""
    for name, dataset in work.publish.items():
        there = dataset.platform
        if (there.name, there.stage, there.backend) != (platform.name, platform.stage, platform.backend):
            told = f"{dataset.name!r} is of platform {there.name!r} ({there.stage}, {there.backend})"
            yield Problem(f"{field}.publish.{name}", f"{told}; publish into a Dataset of {platform.name!r}")


def history_problems(field: str, work: Work, platform: PlatformRef) -> Iterator[Problem]:
    """Refuse histories of another platform, whose rows the steps of this one do not reach."""
    for name, view in work.views.items():
        if (view.group.platform.name, view.group.platform.stage) != (platform.name, platform.stage):
            told = f"{view.group.name!r} is of platform {view.group.platform.name!r} ({view.group.platform.stage})"
            yield Problem(f"{field}.inputs.{name}", f"{told}; copy its rows into a Dataset of this one, and take that")


def start_problems(field: str, work: Work, platform: PlatformRef) -> Iterator[Problem]:
    """Refuse pipelines of another platform, which no step of this one may start."""
    for name, ref in work.starts.items():
        if not bridges.same(ref.platform, platform):
            told = f"{ref.name!r} is of platform {ref.platform.name!r}, which no step here may start"
            yield Problem(f"{field}.starts.{name}", f"{told}; name a pipeline of this platform")


def readable(source: object) -> None:
    """Refuse a version that has no files yet, or none of its own."""
    if not isinstance(source, ModelVersionRef):
        return
    if source.waiting:
        raise refuse(f"no version of {source.name!r} is approved yet; write it when one is, or take what a step makes")
    if source.files is None:
        told = "names no files that a step could read; give its version files of its own, or take what a step makes"
        raise refuse(f"version {source.version} of {source.name!r} {told}")


def together_with(word: str, address: Input[str]) -> Input[str]:
    """Write a word and an address into one variable."""
    return Output.format("{0} {1}", word, address) if is_deferred(address) else f"{word} {address}"


def settings(parameters: Mapping[str, object]) -> dict[str, str]:
    """Write plain parameters as variables.

    >>> settings({"lr": 0.1, "deep": True})
    {'MLOPS_PARAMETER_LR': '0.1', 'MLOPS_PARAMETER_DEEP': 'true'}
    """
    return {variable(PARAMETER, name): text(value) for name, value in parameters.items()}


def text(value: object) -> str:
    """Write one value as a program finds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
