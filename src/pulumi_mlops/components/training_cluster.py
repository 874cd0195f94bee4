"""TrainingCluster: the machines on which training runs, how many of them, and on which terms."""

from typing import TYPE_CHECKING, Annotated, Unpack

from pulumi import ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.components.training_ref import Priority, TrainingClusterRef
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.compute import Compute, Machine
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.existing import Existing, take_over
from pulumi_mlops.core.inputs import Flag, Needs, Number, OneOf, Spec, Whole, given, refuse
from pulumi_mlops.core.refs import Of

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.training_cluster import ExistingTrainingClusterArgs, TrainingClusterArgs

Minutes = Annotated[Whole, Field(ge=1)]
MOST_NODES = 1000


class Nodes(Spec):
    """How many machines there are."""

    min: Annotated[Whole, Field(ge=0, le=MOST_NODES), Needs("training_cluster.nodes.min")] = 0
    """Machines that are there also while nothing runs; none unless told."""
    max: Annotated[Whole, Field(ge=1, le=MOST_NODES)] = 1
    """The most machines that there are at one time, of all runs together: with ``compute`` it is the quota."""

    @field_validator("max")
    @classmethod
    def _at_least_as_many(cls, value: int, info: ValidationInfo) -> int:
        least = info.data.get("min", 0)
        if value < least:
            raise refuse(f"{value} is less than min, which is {least}; write a larger max or a smaller min")
        return value


class Spot(Spec):
    """Cheaper machines that may be taken away: a run goes on from its last checkpoint when it gets others."""

    max_wait_hours: Annotated[Number, Field(gt=0, le=672)]
    """How long a run may wait for machines, all of its waits together. A run that waits longer fails."""


class Persistent(Spec):
    """Machines that stay as a cluster, with a scheduler of their own, between runs."""

    setup: str | None = None
    """Text of a shell script that each machine runs when it is made, never a secret; nothing is run unless told."""

    @field_validator("setup")
    @classmethod
    def _a_script(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("#!"):
            raise refuse("is no script: its first line says what runs it, such as '#!/bin/bash'")
        return value


def _larger(compute: Compute, shared: TrainingClusterRef) -> str | None:
    """Say what one machine has more of than one of another cluster, as far as both are known."""
    for word, mine, most in (
        ("CPUs", compute.cpus, shared.cpus),
        ("GiB of memory", compute.memory_gb, shared.memory_gb),
    ):
        if mine and most and mine > most:
            return f"one machine of {shared.name!r} has {most:g} {word}, and compute asks for {mine:g}"
    return None


class TrainingClusterSpec(Spec):
    """What a training cluster is asked to be."""

    one_of = OneOf(
        "warm_minutes",
        "idle_minutes",
        optional=True,
        advice="warm_minutes keeps the machines of one run for the next one like it, idle_minutes those that all share",
    )

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    compute: Compute = Compute(cpus=4, memory_gb=16)
    """One machine: ``{"accelerator": "A100:8"}``, or CPUs and memory. The default has 4 CPUs and 16 GiB."""
    nodes: Nodes = Nodes()
    """How many machines there are; one at the most unless told."""
    spot: Annotated[Spot | None, Needs("training_cluster.spot", given)] = None
    """Run on cheaper machines that may be taken away: ``{"max_wait_hours": 6}``."""
    persistent: Annotated[Persistent | None, Needs("training_cluster.persistent", given)] = None
    """Machines that stay as a cluster: ``{}``. Unless told, they come for runs and go after them."""
    warm_minutes: Annotated[Minutes | None, Needs("training_cluster.warm", given)] = None
    """Minutes that the machines of a run are kept for another one like it, which then starts at once. They are paid
    for as long."""
    idle_minutes: Annotated[Minutes | None, Needs("training_cluster.idle", given)] = None
    """Minutes without a run after which machines above ``nodes.min`` are given back; the backend's own unless told."""
    max_hours: Annotated[Annotated[Number, Field(gt=0, le=672)] | None, Needs("training_cluster.max_hours", given)] = (
        None
    )
    """The longest run that is admitted; one that takes longer is ended. The backend's own bound unless told."""
    interconnect: Annotated[Flag, Needs("training_cluster.interconnect")] = False
    """Whether machines are joined by a network for remote direct memory access, as distributed training wants."""
    priority: Annotated[Priority | None, Needs("training_cluster.priority", given)] = None
    """Whose runs go first where clusters share machines: ``low``, ``normal`` or ``high``. A run of higher priority
    takes those of lower ones, which go on from their checkpoints. The default is ``normal``."""
    shares: Annotated[Of[TrainingClusterRef] | None, Needs("training_cluster.shares", given)] = None
    """Another cluster of the platform, on whose machines runs go as well: as many as ``nodes.max`` while it has no use
    for them, or of lower priority. The default is machines of its own."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("persistent")
    @classmethod
    def _they_stay(cls, value: Persistent | None, info: ValidationInfo) -> Persistent | None:
        nodes = info.data.get("nodes")
        if value is not None and isinstance(nodes, Nodes) and nodes.min != nodes.max:
            raise refuse(
                "keeps all machines, so that both counts are one; write "
                f"nodes={{'min': {nodes.max}, 'max': {nodes.max}}}, or leave persistent out"
            )
        return value

    @field_validator("idle_minutes")
    @classmethod
    def _nobody_is_given_back(cls, value: int | None, info: ValidationInfo) -> int | None:
        nodes = info.data.get("nodes")
        if value is not None and isinstance(nodes, Nodes) and nodes.min == nodes.max:
            raise refuse(
                f"would give nothing back: nodes.min and nodes.max are both {nodes.max}; leave one of them out"
            )
        return value

    @field_validator("interconnect")
    @classmethod
    def _between_several(cls, value: bool, info: ValidationInfo) -> bool:
        nodes = info.data.get("nodes")
        if value and isinstance(nodes, Nodes) and nodes.max == 1:
            raise refuse("joins several machines, and nodes.max is 1; write nodes={'max': 2}, or leave it out")
        return value

    @field_validator("shares")
    @classmethod
    def _of_the_same_machines(cls, value: TrainingClusterRef | None, info: ValidationInfo) -> TrainingClusterRef | None:
        if value is None:
            return value
        platform, nodes, compute = (info.data.get(name) for name in ("platform", "nodes", "compute"))
        if isinstance(platform, PlatformRef) and (platform.name, platform.stage) != (
            value.platform.name,
            value.platform.stage,
        ):
            raise refuse(f"{value.name!r} is on platform {value.platform.name!r}; share one of {platform.name!r}")
        if twice := [name for name in ("spot", "persistent", "interconnect") if info.data.get(name)]:
            raise refuse(f"{' and '.join(twice)}: machines are those of {value.name!r}; say it there")
        if isinstance(nodes, Nodes) and nodes.max > value.nodes_max:
            raise refuse(f"{value.name!r} has {value.nodes_max} machines, and nodes.max is {nodes.max}; write less")
        model = (compute.accelerator or "").partition(":")[0] if isinstance(compute, Compute) else ""
        if model and model.lower() != (value.accelerator or "").lower():
            raise refuse(f"{value.name!r} has {value.accelerator or 'no accelerators'}, and no {model}")
        if isinstance(compute, Compute) and (larger := _larger(compute, value)):
            raise refuse(f"{larger}, and a run would wait for ever; write compute={{…}} that fits into one of them")
        return value

    def described(self, name: str, machine: Machine) -> TrainingClusterRef:
        """Return the ref with what is said here; a backend adds what only it knows."""
        return TrainingClusterRef(
            name=name,
            backend=self.platform.backend,
            platform=self.platform,
            cpus=machine.cpus,
            memory_gb=machine.memory_gb,
            accelerator=machine.accelerator or None,
            accelerators=machine.accelerators,
            nodes_min=self.nodes.min,
            nodes_max=self.nodes.max,
            spot_wait_hours=self.spot.max_wait_hours if self.spot else None,
            persistent=self.persistent is not None,
            warm_minutes=self.warm_minutes,
            max_hours=self.max_hours,
            interconnect=self.interconnect,
            priority=self.priority,
        )

    def uses(self) -> frozenset[str]:
        """Machines that come and go are told apart from those that stay."""
        return frozenset() if self.persistent else frozenset({"training_cluster.elastic"})


class ExistingTrainingClusterSpec(Existing):
    """What is said of a cluster that exists already."""

    platform: Of[PlatformRef]
    """The platform whose runs it takes."""
    compute: Annotated[Compute | None, Needs("training_cluster.existing.compute", given)] = None
    """One machine of it, where nobody else can tell."""
    nodes: Annotated[Nodes | None, Needs("training_cluster.existing.nodes", given)] = None
    """How many machines it has, where nobody else can tell."""


EXISTING = Task[[str, ExistingTrainingClusterSpec], TrainingClusterRef]("TrainingCluster.existing")
"""Look up a cluster that no program of ours made."""


class TrainingCluster(Component[TrainingClusterSpec, TrainingClusterRef]):
    """The machines on which training runs: what one is, how many there are, and on which terms.

    ``compute`` times ``nodes.max`` is all that runs on it may take together.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    :raises Unsupported: the backend cannot do this, or not together; the message names the nearest thing.
    """

    spec_type = TrainingClusterSpec
    ref_type = TrainingClusterRef
    existing_type = ExistingTrainingClusterSpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[TrainingClusterArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingTrainingClusterArgs]") -> TrainingClusterRef:
        """Use a cluster that exists already: runs are given to it, and it is never changed or deleted."""
        return take_over(EXISTING, ExistingTrainingClusterSpec, name, args)
