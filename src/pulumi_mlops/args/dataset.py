"""What Dataset accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.components.dataset_ref import DatasetRef
    from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.refs import Has

__all__ = ["DatasetArgs", "ExistingDatasetArgs"]


class DatasetArgs(TypedDict, total=False):
    """What a dataset is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it belongs to."""
    format: Literal["parquet", "csv", "jsonl"] | None
    """What the files are: ``parquet``, ``csv`` with a line of names, or ``jsonl``; files of any kind unless told. It
    cannot be changed later."""
    partition: Literal["hour", "day", "month"] | None
    """Whether files are in a folder for each ``hour``, ``day`` or ``month``, such as ``dt=2026-11-30/``, in UTC. It
    cannot be changed later."""
    columns: Mapping[str, Literal["string", "integer", "float", "boolean", "timestamp"]]
    """The columns with their types, where they are known, without the partition. Changing them changes what is told of
    the files, not the files. On AWS: times in ``csv`` and ``jsonl`` are texts in the table. On Azure: a property of the
    data asset, which has no types of its own."""
    retention_days: int | None
    """Days after which a partition is deleted; without partitions, days that a file is kept after another one took its
    place. Kept unless told. Changing it updates in place. On AWS: partitions are deleted that many days after their
    files were written, and stay for the days of the stage as old versions. On Azure: partitions are deleted that many
    days after their files were last changed, and stay for the days of the stage as old versions. On Kubernetes: a
    CronJob deletes, each night, partitions that ended so many days ago; without partitions, files that neither the
    newest version nor one of the last so many days has."""
    parents: Sequence[Has[DatasetRef]]
    """Datasets that it is made of: each version of it says of which version of theirs it was made."""
    wandb: Has[ExperimentTrackerRef] | None
    """A tracker in Weights & Biases, in whose project each version is an artifact as well. Whoever writes the dataset
    may record there."""
    clearml: Has[ExperimentTrackerRef] | None
    """A tracker in ClearML, in whose project each version is a dataset of ClearML's as well. Whoever writes the dataset
    may record there."""
    description: str | None
    """What is in it. Changing it updates in place."""
    protect: bool | None
    """Refuse to delete the dataset; as the stage says unless told."""
    tags: Mapping[str, str]
    """Further tags."""


class ExistingDatasetArgs(TypedDict, total=False):
    """What is said of a folder that exists already."""

    platform: Required[Has[PlatformRef]]
    """The platform on which it is used."""
    location: Required[str]
    """Address of the folder. It is a plain value, since it is looked up while the program runs."""
    format: Literal["parquet", "csv", "jsonl"] | None
    """What the files are; files of any kind unless told."""
    partition: Literal["hour", "day", "month"] | None
    """Whether files are in a folder for each hour, day or month, such as ``dt=2026-11-30/``."""
    columns: Mapping[str, Literal["string", "integer", "float", "boolean", "timestamp"]]
    """The columns with their types, where they are known, without the partition."""
    key: Input[str] | None
    """The key that encrypts the files; the default is the one of the first file that is found there. On AWS: ARN of a
    KMS key, whose policy must let the platform's account use it."""
