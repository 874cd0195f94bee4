"""What is refused of a machine: accelerators that no label names, and amounts that the API does not read."""

import re
from collections.abc import Iterator

from pulumi_mlops.backends.kubernetes.runtime import AMD_PRODUCTS, PRODUCTS, SLICED, machine
from pulumi_mlops.core.compute import ACCELERATOR, Compute
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import nearest

_LEAST_CPUS, _LEAST_MEMORY_GB = 0.001, 1 / 64
_MOST_CPUS, _MOST_MEMORY_GB = 10_000, 1_000_000  # no node has them
_PIN = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?=[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def compute_problems(field: str, compute: Compute) -> Iterator[Problem]:
    """Refuse an accelerator that no label of nodes names, and a pin that is no label."""
    pin = (compute.pin or {}).get("kubernetes")
    if pin is not None and not _PIN.fullmatch(pin):
        yield Problem(
            f"{field}.pin.kubernetes",
            f"{pin!r} is not a node's label; write label=value, such as 'node.kubernetes.io/instance-type=g5.xlarge'",
        )
    parts = ACCELERATOR.fullmatch(compute.accelerator or "")
    known = [*PRODUCTS, *AMD_PRODUCTS]
    if parts and parts["slice"] and (parts["whole"] in AMD_PRODUCTS or parts["whole"] not in SLICED):
        yield Problem(
            f"{field}.accelerator",
            f"{parts['whole']!r} is not cut into slices; write one of {', '.join(SLICED)} before the slice",
        )
    elif parts and pin is None and parts["whole"] not in known:
        yield Problem(
            f"{field}.accelerator",
            f"{parts['whole']!r} has no GPU product here{nearest(parts['whole'], known)}; write one of "
            f"{', '.join(known)}, or name nodes that have it: pin={{'kubernetes': 'label=value'}}",
        )


def quantity_problems(field: str, compute: Compute) -> Iterator[Problem]:
    """Refuse amounts that would be written as none, or as more than the API reads."""
    size = machine(compute)
    if not _LEAST_CPUS <= size.cpus <= _MOST_CPUS:
        yield Problem(f"{field}.cpus", f"{size.cpus:g}: write at least {_LEAST_CPUS} and at most {_MOST_CPUS}")
    if not _LEAST_MEMORY_GB <= size.memory_gb <= _MOST_MEMORY_GB:
        yield Problem(
            f"{field}.memory_gb",
            f"{size.memory_gb:g} GiB: write at least {_LEAST_MEMORY_GB:.3f} and at most {_MOST_MEMORY_GB}",
        )
