"""What BatchInference accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.args.endpoint import (
        ModelFiles,
    )
    from pulumi_mlops.args.schedules import Schedule
    from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
    from pulumi_mlops.components.model import ModelVersionRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.refs import Has, SecretRef

__all__ = ["BatchInferenceArgs"]


class BatchInferenceArgs(TypedDict, total=False):
    """What a batch inference is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform on which it runs. Changing it makes another one."""
    model: Required[Has[ModelVersionRef] | ModelFiles]
    """The model: a version of the registry, ``churn.approved(otherwise="wait")``, or an image with its files. The
    program finds the files below ``MLOPS_INPUT_MODEL``. A new version is used from the next run on."""
    image: Input[str] | None
    """The image with the program, where ``model`` is a version of the registry. Without it the version is loaded in
    process, in the image of the backend's own model server."""
    command: Sequence[Input[str]]
    """The program and its arguments, which come with ``image``. It reads the rows below ``MLOPS_INPUT_ROWS``, in files
    of the format of ``input``, and writes one score a row in the same order, into files of that format below
    ``MLOPS_OUTPUT_SCORES``. It is run once for each part of the rows; an empty score is a row that failed."""
    input: Required[DatasetView]
    """The rows: a version of a dataset with a format, ``rows.latest()`` for the newest when a run begins."""
    output: Required[Has[DatasetRef]]
    """The dataset with a format whose next version the kept columns and the scores become."""
    keep: Sequence[str]
    """Columns of the input that stand before the scores of each row. They must be there."""
    tolerate_percent: float
    """Share of rows that may fail: they are left out of the output, and counted. A run with more of them fails."""
    schedule: Schedule | None
    """When it runs by itself."""
    overlap: Literal["allow", "skip"]
    """What happens when it is to run while a run goes on: ``allow`` runs both, ``skip`` does not begin another."""
    environment: Mapping[str, Input[str]]
    """Further variables of the program. Names that begin with ``MLOPS_`` belong to the library."""
    secrets: Mapping[str, Has[SecretRef]]
    """Secrets that it reads, by the name under which it finds each; see the page on workloads."""
    compute: Compute | None
    """The machine; 2 CPUs and 4 GiB unless told."""
    max_hours: float
    """Hours after which a run is ended and counts as failed."""
    retries: int
    """How often it is begun again after it failed; it replaces what it had added to the output."""
    alerts: bool
    """Whether those whom the platform alerts are told of a run that failed."""
    tags: Mapping[str, str]
    """Further tags."""
