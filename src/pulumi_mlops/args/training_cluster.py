"""What TrainingCluster accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.components.training_ref import TrainingClusterRef
    from pulumi_mlops.core.refs import Has

__all__ = ["ExistingTrainingClusterArgs", "Nodes", "Persistent", "Spot", "TrainingClusterArgs"]


class ExistingTrainingClusterArgs(TypedDict, total=False):
    """What is said of a cluster that exists already."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    platform: Required[Has[PlatformRef]]
    """The platform whose runs it takes."""
    compute: Compute | None
    """One machine of it, where nobody else can tell."""
    nodes: Nodes | None
    """How many machines it has, where nobody else can tell."""


class Nodes(TypedDict, total=False):
    """How many machines there are."""

    min: int
    """Machines that are there also while nothing runs; none unless told."""
    max: int
    """The most machines that there are at one time, of all runs together: with ``compute`` it is the quota."""


class Persistent(TypedDict, total=False):
    """Machines that stay as a cluster, with a scheduler of their own, between runs."""

    setup: str | None
    """Text of a shell script that each machine runs when it is made, never a secret; nothing is run unless told. On
    AWS: it is kept below ``training/`` of the artifact store, and runs when the machine is set up
    (``OnInitComplete``)."""


class Spot(TypedDict, total=False):
    """Cheaper machines that may be taken away: a run goes on from its last checkpoint when it gets others."""

    max_wait_hours: Required[float]
    """How long a run may wait for machines, all of its waits together. A run that waits longer fails."""


class TrainingClusterArgs(TypedDict, total=False):
    """What a training cluster is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    compute: Compute
    """One machine: ``{"accelerator": "A100:8"}``, or CPUs and memory. The default has 4 CPUs and 16 GiB. On Kubernetes:
    what each pod of a run asks for; ``pin`` names nodes by a label."""
    nodes: Nodes
    """How many machines there are; one at the most unless told."""
    spot: Spot | None
    """Run on cheaper machines that may be taken away: ``{"max_wait_hours": 6}``. On Azure: low priority. On Kubernetes:
    nodes with the label ``karpenter.sh/capacity-type: spot``; their taint of that name is tolerated."""
    persistent: Persistent | None
    """Machines that stay as a cluster: ``{}``. Unless told, they come for runs and go after them. On AWS: a HyperPod
    cluster with Slurm, whose controller is an ``ml.m5.xlarge`` of its own, and an IAM role of its machines. See
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod.html."""
    warm_minutes: int | None
    """Minutes that the machines of a run are kept for another one like it, which then starts at once. They are paid for
    as long. On AWS: 360 at most. A pool has a quota of its own. On Azure: the same as ``idle_minutes``: machines are
    one pool."""
    idle_minutes: int | None
    """Minutes without a run after which machines above ``nodes.min`` are given back; the backend's own unless told. On
    Azure: the default is two minutes."""
    max_hours: float | None
    """The longest run that is admitted; one that takes longer is ended. The backend's own bound unless told."""
    interconnect: bool
    """Whether machines are joined by a network for remote direct memory access, as distributed training wants. On AWS:
    instances with an Elastic Fabric Adapter. On Azure: sizes with InfiniBand, which have an ``r`` behind their number.
    On Kubernetes: nodes with the label ``feature.node.kubernetes.io/rdma.available: true``."""
    priority: Literal["low", "normal", "high"] | None
    """Whose runs go first where clusters share machines: ``low``, ``normal`` or ``high``. A run of higher priority
    takes those of lower ones, which go on from their checkpoints. The default is ``normal``. On Kubernetes: a
    WorkloadPriorityClass: -1000, 0 or 1000."""
    shares: Has[TrainingClusterRef] | None
    """Another cluster of the platform, on whose machines runs go as well: as many as ``nodes.max`` while it has no use
    for them, or of lower priority. The default is machines of its own. On Kubernetes: a cohort: the machines of the
    other one are borrowed, and pre-emption goes by priority."""
    tags: Mapping[str, str]
    """Further tags."""
