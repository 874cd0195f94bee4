"""What is known of a training cluster: apart from its arguments, since one of them is another cluster."""

from dataclasses import dataclass
from typing import Literal

from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.refs import Ref

Priority = Literal["low", "normal", "high"]


@dataclass(frozen=True, kw_only=True)
class TrainingClusterRef(Ref):
    """The machines that a run is given, and on which terms."""

    noun = "training_cluster"

    platform: PlatformRef
    cpus: float
    """Virtual CPUs of one machine; 0 where nobody knows, of a pinned one."""
    memory_gb: float
    """Memory of one machine in GiB; 0 where nobody knows, of a pinned one."""
    accelerator: str | None = None
    """Model of its accelerators."""
    accelerators: int = 0
    """How many accelerators one machine has."""
    nodes_min: int = 0
    nodes_max: int = 1
    """The most machines that a run can ask for."""
    spot_wait_hours: float | None = None
    """How long a run may wait for machines that may be taken away; None where they stay."""
    persistent: bool = False
    """Whether it is a cluster with a scheduler of its own, to which runs are given by hand."""
    warm_minutes: int | None = None
    max_hours: float | None = None
    """The longest run."""
    interconnect: bool = False
    priority: Priority | None = None
