"""BatchInference: the rows of a dataset, scored by a model, as the next version of another dataset."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.dataset import PARTITION
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.endpoint import ModelFiles, Served
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Flag, In, Needs, Number, Spec, Whole, given, is_deferred, needs, refuse
from pulumi_mlops.core.refs import Given, Of, Ref, SecretRef
from pulumi_mlops.core.schedules import Schedule
from pulumi_mlops.core.workload import taken
from pulumi_mlops.steps import score
from pulumi_mlops.steps.score import MODEL, ROWS, SCORES, ScoreStep
from pulumi_mlops.steps.step import named
from pulumi_mlops.steps.work import Files, readable

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.batch_inference import BatchInferenceArgs

STEP = "score"
"""The only step of its pipeline."""
_UNKNOWN = "server"
"""What stands for the image of the backend's own model server where it is not known yet."""
_FIELDS = {
    f"inputs.{ROWS}": "input",
    f"inputs.{MODEL}": "model",
    f"publish.{SCORES}": "output",
    "parameters": "keep",
}
"""The fields of the noun that parts of its step come from; all others are called alike."""
SERVER = Task[[], str | None]("BatchInference.server")
"""Name the image of the backend's own model server, if it has what loads a version: it scores where none is given."""


class BatchInferenceSpec(Spec):
    """What a batch inference is asked to be."""

    platform: Of[PlatformRef]
    """The platform on which it runs. Changing it makes another one."""
    model: Served
    """The model: a version of the registry, ``churn.approved(otherwise="wait")``, or an image with its files. The
    program finds the files below ``MLOPS_INPUT_MODEL``. A new version is used from the next run on."""
    image: In[str] | None = None
    """The image with the program, where ``model`` is a version of the registry. Without it the version is
    loaded in process, in the image of the backend's own model server."""
    command: list[In[str]] = []
    """The program and its arguments, which come with ``image``. It reads the rows below ``MLOPS_INPUT_ROWS``, in files
    of the format of ``input``, and writes one score a row in the same order, into files of that format below
    ``MLOPS_OUTPUT_SCORES``. It is run once for each part of the rows; an empty score is a row that failed."""
    input: Annotated[DatasetView, Given()]
    """The rows: a version of a dataset with a format, ``rows.latest()`` for the newest when a run begins."""
    output: Of[DatasetRef]
    """The dataset with a format whose next version the kept columns and the scores become."""
    keep: Annotated[list[str], Field(max_length=50)] = []
    """Columns of the input that stand before the scores of each row. They must be there."""
    tolerate_percent: Annotated[Number, Field(ge=0, le=100)] = 0
    """Share of rows that may fail: they are left out of the output, and counted. A run with more of them fails."""
    schedule: Annotated[Schedule | None, Needs("pipeline.schedule", given)] = None
    """When it runs by itself."""
    overlap: Annotated[Literal["allow", "skip"], Needs("pipeline.overlap.skip", lambda value: value == "skip")] = (
        "allow"
    )
    """What happens when it is to run while a run goes on: ``allow`` runs both, ``skip`` does not begin another."""
    environment: dict[str, In[str]] = {}
    """Further variables of the program. Names that begin with ``MLOPS_`` belong to the library."""
    secrets: dict[str, Of[SecretRef]] = {}
    """Secrets that it reads, by the name under which it finds each; see the page on workloads."""
    compute: Compute | None = None
    """The machine; 2 CPUs and 4 GiB unless told."""
    max_hours: Annotated[Number, Field(gt=0, le=672)] = 24
    """Hours after which a run is ended and counts as failed."""
    retries: Annotated[Annotated[Whole, Field(ge=0, le=10)], Needs("pipeline.retries")] = 0
    """How often it is begun again after it failed; it replaces what it had added to the output."""
    alerts: Annotated[Flag, Needs("pipeline.alerts")] = True
    """Whether those whom the platform alerts are told of a run that failed."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("model")
    @classmethod
    def _with_files(cls, value: ModelVersionRef | ModelFiles, info: ValidationInfo) -> ModelVersionRef | ModelFiles:
        if isinstance(value, ModelFiles):
            if isinstance(value.artifact, str) and not value.artifact.endswith("/"):
                raise refuse(f"{value.artifact!r} is an archive, and the program is given a folder, which ends in '/'")
            return value
        if not value.waiting:
            readable(value)
        platform = info.data.get("platform")
        if isinstance(platform, PlatformRef) and value.backend != platform.backend:
            told = f"version {value.version} of {value.name!r} lives on {value.backend!r}"
            raise refuse(f"{told}, and its files are not read here; copy them")
        return value

    @field_validator("image")
    @classmethod
    def _named_once(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and isinstance(info.data.get("model"), ModelFiles):
            raise refuse("stands in model already; leave it out, or give a version of the registry as model")
        return value

    @field_validator("command")
    @classmethod
    def _with_an_image(cls, value: list[object], info: ValidationInfo) -> list[object]:
        if "model" not in info.data or "image" not in info.data:
            return value
        has = isinstance(info.data["model"], ModelFiles) or info.data["image"] is not None
        if has and not value:
            raise refuse("is required with an image; write the program and its arguments")
        if value and not has:
            raise refuse("is a program of an image, and none is given; write image=… as well, or leave command out")
        return value

    @field_validator("input")
    @classmethod
    def _rows(cls, value: DatasetView) -> DatasetView:
        if value.dataset.format is None:
            raise refuse(f"{value.dataset.name!r} has no format, by which rows are told; give it one, format='csv'")
        return value

    @field_validator("output")
    @classmethod
    def _another_one(cls, value: DatasetRef, info: ValidationInfo) -> DatasetRef:
        if value.format is None:
            raise refuse(f"{value.name!r} has no format, in which scores are written; give it one, format='csv'")
        view = info.data.get("input")
        if isinstance(view, DatasetView) and _one(view.dataset, value):
            raise refuse("is the input itself, whose next version would have rows and scores; make another Dataset")
        return value

    @field_validator("keep")
    @classmethod
    def _columns(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if twice := sorted({name for name in value if value.count(name) > 1}):
            raise refuse(f"{', '.join(map(repr, twice))} is there twice; leave one out")
        if any(not name or len(name) > 128 or "{{" in name for name in value):  # noqa: PLR2004 (as of a dataset)
            raise refuse("names a column by 1 to 128 characters, without '{{'")
        view, output = info.data.get("input"), info.data.get("output")
        if isinstance(view, DatasetView) and (wrong := _missing(value, view.dataset)):
            has = ", ".join(view.dataset.columns)
            raise refuse(f"{', '.join(map(repr, wrong))}: no column of {view.dataset.name!r} (it has: {has})")
        if isinstance(output, DatasetRef):
            if output.partition and PARTITION in value:
                raise refuse(f"{PARTITION!r} is what partitions of {output.name!r} are called; leave it out")
            known = [*output.columns, *([PARTITION] if output.partition else [])]
            if output.columns and (wrong := [name for name in value if name not in known]):
                told = f"{', '.join(map(repr, wrong))}: no column of {output.name!r}"
                raise refuse(f"{told}; add it there, or leave it out")
        return value

    @field_validator("environment")
    @classmethod
    def _not_ours(cls, value: dict[str, object]) -> dict[str, object]:
        if ours := taken(value):
            raise refuse(f"{', '.join(map(repr, ours))}: names that begin with MLOPS_ are the library's; write others")
        return value

    @field_validator("secrets")
    @classmethod
    def _names(cls, value: dict[str, SecretRef]) -> dict[str, SecretRef]:
        named(value)
        return value

    @property
    def waiting(self) -> bool:
        """Whether no version of the model is approved yet."""
        return isinstance(self.model, ModelVersionRef) and self.model.waiting

    def pipeline(self) -> PipelineSpec:
        """Return the pipeline that it is: one step, which scores and publishes."""
        model = self.model
        files: dict[str, ModelVersionRef | Files] = {}
        if isinstance(model, ModelFiles):
            image: object = model.image
            if model.artifact is not None:
                files = {MODEL: Files(model.artifact, model.artifact_key)}
        else:
            server = registry.load(self.platform.backend).find(SERVER)
            image = self.image if self.image is not None else (server() if server else None) or _UNKNOWN
            files = {} if model.waiting else {MODEL: model}
        step = ScoreStep.made_by(
            {
                "image": image,
                "command": score.command(self.command),
                "inputs": {ROWS: self.input, **files},
                "outputs": [SCORES],
                "publish": {SCORES: self.output},
                "metrics": list(score.MEASURED),
                "parameters": score.settings(self.input, self.output, self.keep, self.tolerate_percent),
                "environment": self.environment,
                "secrets": self.secrets,
                "compute": self.compute,
                "max_hours": self.max_hours,
                "retries": self.retries,
            }
        )
        return PipelineSpec(
            platform=self.platform,
            steps={STEP: step},
            schedule=self.schedule,
            overlap=self.overlap,
            alerts=self.alerts,
            tags=self.tags,
        )

    def uses(self) -> frozenset[str]:
        """Name what its pipeline needs."""
        whole = self.pipeline()
        own = {"pipeline.datasets", *needs(PipelineSpec, vars(whole)), *whole.uses()}
        if isinstance(self.model, ModelVersionRef):
            own |= {"pipeline.versions", *(["batch_inference.server"] if self.image is None else [])}
            own |= bridges.needed(bridges.of_version(self.model.shared), self.platform, self.model.platform)
        return frozenset(own)

    def claims(self, name: str) -> Iterator[tuple[str, str]]:
        """Name the pipeline that it is."""
        yield "Pipeline", name

    def problems_of(self, name: str) -> Iterator[Problem]:
        """Judge it as the pipeline that it is, in the words of its own fields."""
        whole = self.pipeline()
        backend = registry.load(self.platform.backend)
        for problem in (*whole.problems_of(name), *([] if self.waiting else backend.problems(name, whole))):
            field = problem.field.removeprefix(f"steps.{STEP}.")
            start = next((one for one in _FIELDS if field.startswith(one)), None)
            yield Problem(field if start is None else _FIELDS[start], problem.message)


def _one(dataset: DatasetRef, other: DatasetRef) -> bool:
    """Tell whether two refs are of one dataset, by name or by address."""
    if bridges.same(dataset.platform, other.platform) and dataset.name == other.name:
        return True
    known = not is_deferred(dataset.location) and not is_deferred(other.location)
    return known and dataset.location == other.location


def _missing(keep: list[str], dataset: DatasetRef) -> list[str]:
    """List the columns that a dataset with known columns does not have; its partition counts as one."""
    known = [*dataset.columns, *([PARTITION] if dataset.partition else [])]
    return [name for name in keep if dataset.columns and name not in known]


@dataclass(frozen=True, kw_only=True)
class BatchInferenceRef(Ref):
    """Rows that are scored by a schedule, or when somebody starts it."""

    noun = "batch_inference"
    parts: ClassVar[tuple[str, ...]] = ("pipeline",)

    platform: PlatformRef
    status: Literal["live", "waiting"]
    pipeline: PipelineRef | None = None
    """The pipeline that it is, to be started, followed, or waited for by others; None while it waits."""
    output: DatasetRef


class BatchInference(Component[BatchInferenceSpec, BatchInferenceRef]):
    """The rows of a dataset, scored by a model, as the next version of another dataset.

    It is a pipeline of its own name with one step, and runs, is told of and is found as pipelines are:
    ``pulumi.export("nightly", nightly.ref.pipeline.export())``. A name stands for one of the two on a platform. While
    ``model.approved(otherwise="wait")`` waits, nothing is created and ``status`` is ``waiting``.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    :raises Unsupported: the backend cannot do this.
    """

    status: Output[str]
    """``live``, or ``waiting`` for a first approved version."""

    spec_type = BatchInferenceSpec
    ref_type = BatchInferenceRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[BatchInferenceArgs]") -> None:
        self.build(name, args, opts)
