"""Dataset: a folder of files with a format, and the versions of it that runs read."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import FeatureType
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component, Scope
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.existing import ExistingThing, folder, take_over
from pulumi_mlops.core.inputs import (
    ByEngine,
    Flag,
    In,
    Needs,
    OneOf,
    Spec,
    Whole,
    given,
    refuse,
)
from pulumi_mlops.core.refs import Of

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.dataset import DatasetArgs, ExistingDatasetArgs

Format = Literal["parquet", "csv", "jsonl"]
Partition = Literal["hour", "day", "month"]
PARTITION = "dt"
"""What partitions are called: those of a day are folders such as ``dt=2026-11-30/``."""
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def _with_a_format(info: ValidationInfo, what: str) -> None:
    if "format" in info.data and info.data["format"] is None:
        raise refuse(f"{what} of files that have no format; write format='parquet', 'csv' or 'jsonl' as well")


def _columns(value: dict[str, FeatureType], info: ValidationInfo) -> dict[str, FeatureType]:
    """Judge the names of columns; whatever reads a table takes them in any case."""
    if value:
        _with_a_format(info, "nobody reads columns")
    if wrong := [name for name in value if not _COLUMN.fullmatch(name)]:
        raise refuse(
            f"{', '.join(map(repr, wrong))}: write letters, digits and underscores, the first no digit, at most 128"
        )
    seen: dict[str, str] = {}
    for name in value:
        if (other := seen.setdefault(name.lower(), name)) != name:
            raise refuse(f"{other!r} and {name!r} differ in case alone, and are one column to what reads tables")
    if info.data.get("partition") and PARTITION in seen:
        raise refuse(
            f"{seen[PARTITION]!r} is what partitions are called; leave it out, or give the column another name"
        )
    return value


def _partition(value: Partition | None, info: ValidationInfo) -> Partition | None:
    if value is not None:
        _with_a_format(info, "there are no partitions")
    return value


class DatasetSpec(Spec):
    """What a dataset is asked to be."""

    one_of = OneOf("wandb", "clearml", optional=True, advice="versions are entered in one place")

    platform: Of[PlatformRef]
    """The platform that it belongs to."""
    format: Format | None = None
    """What the files are: ``parquet``, ``csv`` with a line of names, or ``jsonl``; files of any kind unless told. It
    cannot be changed later."""
    partition: Annotated[Partition | None, Needs("dataset.partition", given)] = None
    """Whether files are in a folder for each ``hour``, ``day`` or ``month``, such as ``dt=2026-11-30/``, in UTC. It
    cannot be changed later."""
    columns: dict[str, FeatureType] = {}
    """The columns with their types, where they are known, without the partition. Changing them changes what is told of
    the files, not the files."""
    retention_days: Annotated[Annotated[Whole, Field(ge=1)] | None, Needs("dataset.retention", given)] = None
    """Days after which a partition is deleted; without partitions, days that a file is kept after another one took its
    place. Kept unless told. Changing it updates in place."""
    parents: list[Of[DatasetRef]] = []
    """Datasets that it is made of: each version of it says of which version of theirs it was made."""
    wandb: Annotated[Of[ExperimentTrackerRef] | None, ByEngine("wandb")] = None
    """A tracker in Weights & Biases, in whose project each version is an artifact as well. Whoever writes the dataset
    may record there."""
    clearml: Annotated[Of[ExperimentTrackerRef] | None, ByEngine("clearml")] = None
    """A tracker in ClearML, in whose project each version is a dataset of ClearML's as well. Whoever writes the dataset
    may record there."""
    description: str | None = None
    """What is in it. Changing it updates in place."""
    protect: Flag | None = None
    """Refuse to delete the dataset; as the stage says unless told."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("partition")
    @classmethod
    def _partitions(cls, value: Partition | None, info: ValidationInfo) -> Partition | None:
        return _partition(value, info)

    @field_validator("columns")
    @classmethod
    def _names(cls, value: dict[str, FeatureType], info: ValidationInfo) -> dict[str, FeatureType]:
        return _columns(value, info)

    @field_validator("wandb", "clearml")
    @classmethod
    def _of_the_engine(cls, value: ExperimentTrackerRef | None, info: ValidationInfo) -> ExperimentTrackerRef | None:
        if value is None:
            return value
        if value.engine != info.field_name:
            raise refuse(
                f"{value.name!r} records runs in {value.engine}; give a tracker of {info.field_name}, "
                f"ExperimentTracker(…, {info.field_name}={{…}})"
            )
        platform = info.data.get("platform")
        if isinstance(platform, PlatformRef) and not bridges.same(platform, value.platform):
            raise refuse(
                f"{value.name!r} is on platform {value.platform.name!r}, whose secrets keep its keys; write a tracker "
                f"of platform {platform.name!r}"
            )
        return value

    @property
    def tracker(self) -> ExperimentTrackerRef | None:
        """Where versions are entered as well."""
        return self.wandb or self.clearml

    def uses(self) -> frozenset[str]:
        """Name what parents on other platforms need."""
        needed = (bridges.needed("dataset", self.platform, parent.platform) for parent in self.parents)
        return frozenset().union(*needed)

    def problems_of(self, name: str) -> Iterator[Problem]:
        """Judge the parents beside the name of the dataset that they are of."""
        seen: set[tuple[str, str, str, str]] = set()
        own = _identity(name, self.platform)
        for index, parent in enumerate(self.parents):
            where = f"parents[{index}]"
            if (known := _identity(parent.name, parent.platform)) in seen:
                yield Problem(where, f"names {parent.name!r} twice; leave one out")
            seen.add(known)
            path = _path_to(own, parent)
            if path == [parent.name]:
                yield Problem(where, "is the dataset itself; leave it out")
            elif path:
                yield Problem(where, f"is made of the dataset itself ({' of '.join(path)}); leave it out")


def kind_of_files(format: str | None, partition: str | None) -> str:  # noqa: A002 (what users call it)
    """Say what cannot be changed under files, as backends write it down beside them.

    >>> kind_of_files("parquet", "day"), kind_of_files("csv", None), kind_of_files(None, None)
    ('parquet/day', 'csv', 'files')
    """
    return "/".join(filter(None, [format or "files", partition]))


def fixed_problems(spec: DatasetSpec, there: str | None) -> Iterator[Problem]:
    """Refuse what cannot be changed under files that are there.

    :param there: what a backend wrote down beside them; nothing where there is no such dataset yet.
    """
    if there is None:
        return
    known, _, parts = there.partition("/")
    now = {"format": (None if known == "files" else known, spec.format), "partition": (parts or None, spec.partition)}
    for field_, (before, after) in now.items():
        if before != after:
            yield Problem(
                field_,
                f"cannot become {after!r} where it is {before!r}, since files are there that are so; keep it, or make "
                "another Dataset and move its readers",
            )


def _identity(name: str, platform: PlatformRef) -> tuple[str, str, str, str]:
    return (platform.backend, platform.name, platform.stage, name)


def _path_to(own: tuple[str, str, str, str], ref: "DatasetRef") -> list[str]:
    """Return by which datasets one leads to another that it is made of; nothing where it does not."""
    if _identity(ref.name, ref.platform) == own:
        return [ref.name]
    return next(([ref.name, *found] for parent in ref.parents if (found := _path_to(own, parent))), [])


class ExistingDatasetSpec(ExistingThing):
    """What is said of a folder that exists already."""

    platform: Of[PlatformRef]
    """The platform on which it is used."""
    location: str
    """Address of the folder. It is a plain value, since it is looked up while the program runs."""
    format: Format | None = None
    """What the files are; files of any kind unless told."""
    partition: Annotated[Partition | None, Needs("dataset.partition", given)] = None
    """Whether files are in a folder for each hour, day or month, such as ``dt=2026-11-30/``."""
    columns: dict[str, FeatureType] = {}
    """The columns with their types, where they are known, without the partition."""
    key: Annotated[In[str] | None, Needs("dataset.existing.key", given)] = None
    """The key that encrypts the files; the default is the one of the first file that is found there."""

    @field_validator("location")
    @classmethod
    def _folder(cls, value: str) -> str:
        return folder(value)

    @field_validator("partition")
    @classmethod
    def _partitions(cls, value: Partition | None, info: ValidationInfo) -> Partition | None:
        return _partition(value, info)

    @field_validator("columns")
    @classmethod
    def _names(cls, value: dict[str, FeatureType], info: ValidationInfo) -> dict[str, FeatureType]:
        return _columns(value, info)


FOLDER = Task[[Scope, DatasetSpec], DatasetRef]("Dataset", capability="dataset")
"""Keep files as the backend keeps a dataset's: an engine that has more to say of versions builds over it."""
EXISTING = Task[[str, ExistingDatasetSpec], DatasetRef]("Dataset.existing")
"""Look at a folder that no program of ours made."""


class Dataset(Component[DatasetSpec, DatasetRef]):
    """A folder of files with a format, partitions and a retention, encrypted as the platform's files are.

    A version of it is a list of the files that were there, with the version or the digest of each. It is published by
    ``pulumi_mlops/jobs/dataset.py`` in whatever writes the files, and never changes.
    """

    location: Output[str]
    """Address of the folder, which ends in a slash."""

    spec_type = DatasetSpec
    ref_type = DatasetRef
    existing_type = ExistingDatasetSpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[DatasetArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingDatasetArgs]") -> DatasetRef:
        """Use a folder that exists already: it is read and written, and never changed or deleted as a whole."""
        return take_over(EXISTING, ExistingDatasetSpec, name, args)

    def latest(self) -> DatasetView:
        """Return the newest version that is there when it is read."""
        return self.ref.latest()

    def version(self, number: int) -> DatasetView:
        """Return a version by its number; see :meth:`DatasetRef.version`."""
        return self.ref.version(number)

    def at(self, day: str | dt.date) -> DatasetView:
        """Return the version that was the newest at the end of a day; see :meth:`DatasetRef.at`."""
        return self.ref.at(day)
