"""What train accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
    from pulumi_mlops.components.endpoint_ref import CapturedView
    from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
    from pulumi_mlops.components.feature_group import OfflineView
    from pulumi_mlops.components.model import ModelVersionRef
    from pulumi_mlops.components.training_ref import TrainingClusterRef
    from pulumi_mlops.core.refs import Has, SecretRef
    from pulumi_mlops.steps.step import Condition, Out, Parameter

__all__ = ["TrainArgs"]


class TrainArgs(TypedDict, total=False):
    """What a training is asked to do."""

    when: Condition | None
    """What must hold for it to run: ``judge.metric("auc") >= 0.9``. It runs always unless told. A step that does not
    run is skipped with everything that takes from it, and the pipeline succeeds."""
    image: Required[Input[str]]
    """The image, such as ``platform.image("churn", sha)``. It has Python 3.9 or newer as ``python3``: a small program
    of the library starts the command."""
    command: Required[Sequence[Input[str]]]
    """The program and its arguments. ``$(NAME)`` stands for a variable, such as ``$(MLOPS_INPUT_X)``."""
    inputs: Mapping[str, Out | DatasetView | OfflineView | CapturedView | Has[ModelVersionRef]]
    """What it reads, by name: what another step made, a version of a dataset or of a model, the history of a feature
    group, or what an endpoint was asked and answered, ``score.requests(hours=24)``. The container finds the folder of
    each under ``MLOPS_INPUT_<NAME>``."""
    outputs: Sequence[str]
    """What it makes, by name: it writes files into the folder that ``MLOPS_OUTPUT_<NAME>`` names. With several machines
    only the first one's files count."""
    publish: Mapping[str, Has[DatasetRef]]
    """Datasets whose next version an output becomes when the step has succeeded: ``{"scores": scores}``. Its files are
    added to the dataset in a folder of the run, below the partition of the day where the dataset has partitions, and
    the version names those that the step read as its parents. A step that is begun again replaces what it added."""
    metrics: Sequence[str]
    """What it measures: numbers that it writes as JSON, ``{"auc": 0.93}``, into the file that ``MLOPS_METRICS`` names.
    One that is missing at the end is an error."""
    parameters: Mapping[str, Parameter | str | bool | int | float]
    """Values by name: the container finds each as ``MLOPS_PARAMETER_<NAME>``."""
    environment: Mapping[str, Input[str]]
    """Further variables. Names that begin with ``MLOPS_`` belong to the library."""
    secrets: Mapping[str, Has[SecretRef]]
    """Secrets that it reads, by the name under which it finds each; see the page on workloads."""
    tracker: Has[ExperimentTrackerRef] | None
    """Where it records its runs. It may record there, and finds the tracker's own variables, keys among them."""
    compute: Compute | None
    """The machine, or one of the machines; 2 CPUs and 4 GiB unless told."""
    max_hours: float
    """Hours after which it is ended and counts as failed."""
    retries: int
    """How often it is begun again after it failed."""
    cluster: Has[TrainingClusterRef] | None
    """The training cluster on which it runs, instead of a machine of its own."""
    nodes: int
    """On how many machines it runs."""
    launcher: Literal["torchrun"] | None
    """Who starts the command on each machine and tells the processes of each other: ``torchrun`` of the image's
    PyTorch, with a process for each accelerator, or one where there is none. Nobody unless told: with several machines
    each then runs the command, and finds ``MLOPS_NODE_RANK``, ``MLOPS_NODES`` and ``MLOPS_MAIN_NODE``, the host of the
    first."""
    checkpoints: bool
    """Whether it has a folder, ``MLOPS_CHECKPOINTS``, whose files are kept and are there again when it is begun
    again."""
