"""train: a model, or anything else that takes long, on one machine or on several."""

from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.components.training_ref import TrainingClusterRef
from pulumi_mlops.core.compute import ACCELERATOR
from pulumi_mlops.core.inputs import Flag, Needs, OneOf, Whole, given, refuse
from pulumi_mlops.core.refs import Of
from pulumi_mlops.steps.work import Work

if TYPE_CHECKING:
    from pulumi_mlops.args.train import TrainArgs

__all__ = ["TrainStep", "train"]


class TrainStep(Work):
    """What a training is asked to do."""

    kind = "train"
    one_of = OneOf("compute", "cluster", optional=True, advice="a cluster says what its machines are")

    outputs: Annotated[list[str], Field(min_length=1)] = ["model"]
    """What it makes, by name: it writes files into the folder that ``MLOPS_OUTPUT_<NAME>`` names. With several machines
    only the first one's files count."""
    cluster: Annotated[Of[TrainingClusterRef] | None, Needs("pipeline.cluster", given)] = None
    """The training cluster on which it runs, instead of a machine of its own."""
    nodes: Annotated[Annotated[Whole, Field(ge=1, le=64)], Needs("pipeline.distributed", lambda nodes: nodes != 1)] = 1
    """On how many machines it runs."""
    launcher: Annotated[Literal["torchrun"] | None, Needs("pipeline.distributed", given)] = None
    """Who starts the command on each machine and tells the processes of each other: ``torchrun`` of the image's
    PyTorch, with a process for each accelerator, or one where there is none. Nobody unless told: with several machines
    each then runs the command, and finds ``MLOPS_NODE_RANK``, ``MLOPS_NODES`` and ``MLOPS_MAIN_NODE``, the host of the
    first."""
    checkpoints: Annotated[Flag, Needs("pipeline.checkpoints")] = False
    """Whether it has a folder, ``MLOPS_CHECKPOINTS``, whose files are kept and are there again when it is begun
    again."""

    @field_validator("nodes")
    @classmethod
    def _within_the_cluster(cls, value: int, info: ValidationInfo) -> int:
        cluster = info.data.get("cluster")
        if isinstance(cluster, TrainingClusterRef) and value > cluster.nodes_max:
            raise refuse(f"{value} nodes are more than the {cluster.nodes_max} that {cluster.name!r} has; write less")
        return value

    @property
    def processes(self) -> int:
        """How many processes the launcher starts on each machine."""
        if self.cluster is not None:
            return max(1, self.cluster.accelerators)
        wanted = ACCELERATOR.fullmatch(self.machine.accelerator or "")
        return int(wanted["count"]) if wanted else 1

    @property
    def machines(self) -> int:
        """On how many machines it runs."""
        return self.nodes


def train(**args: "Unpack[TrainArgs]") -> TrainStep:
    """Train a model, on one machine or on several.

    :raises InvalidArgs: something is wrong with the arguments; every problem is listed.
    """
    return TrainStep.made_by(args)
