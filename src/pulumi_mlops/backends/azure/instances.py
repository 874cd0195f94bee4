"""The machines of managed online endpoints, as facts: what each has, and the smallest that fits a wish."""

import re
from collections.abc import Sequence

from pulumi_mlops.core import compute as machines
from pulumi_mlops.core.compute import Compute, Machine


class Instance(Machine):
    """One size (https://learn.microsoft.com/azure/machine-learning/reference-managed-online-endpoints-vm-sku-list)."""


def _family(name: str, rows: str) -> list[Instance]:
    """Read sizes written as ``cpus:memory``."""
    sizes = [tuple(int(number) for number in row.split(":")) for row in rows.split()]
    return [Instance(f"Standard_{name.format(cpus)}", cpus, memory) for cpus, memory in sizes]


INSTANCES = [
    Instance("Standard_DS1_v2", 1, 3),
    Instance("Standard_DS2_v2", 2, 7),
    Instance("Standard_DS3_v2", 4, 14),
    Instance("Standard_DS4_v2", 8, 28),
    Instance("Standard_DS5_v2", 16, 56),
    *_family("D{}as_v4", "2:8 4:16 8:32"),
    *_family("F{}s_v2", "2:4 4:8 8:16 16:32 32:64 72:144"),
    *_family("E{}s_v3", "2:16 4:32 8:64 16:128 32:256 64:432"),
    Instance("Standard_NC4as_T4_v3", 4, 28, "T4", 1),
    Instance("Standard_NC8as_T4_v3", 8, 56, "T4", 1),
    Instance("Standard_NC16as_T4_v3", 16, 110, "T4", 1),
    Instance("Standard_NC64as_T4_v3", 64, 440, "T4", 4),
    Instance("Standard_NC24ads_A100_v4", 24, 220, "A100", 1),
    Instance("Standard_NC48ads_A100_v4", 48, 440, "A100", 2),
    Instance("Standard_NC96ads_A100_v4", 96, 880, "A100", 4),
    Instance("Standard_ND96asr_v4", 96, 900, "A100", 8),
    Instance("Standard_ND96amsr_A100_v4", 96, 1900, "A100", 8),
    Instance("Standard_NC40ads_H100_v5", 40, 320, "H100", 1),
    Instance("Standard_NC80adis_H100_v5", 80, 640, "H100", 2),
    Instance("Standard_ND96isr_H100_v5", 96, 1900, "H100", 8),
]
TRAINERS = [
    Instance("Standard_D16as_v4", 16, 64),
    Instance("Standard_D32as_v4", 32, 128),
    Instance("Standard_HC44rs", 44, 352),
    Instance("Standard_HB120rs_v3", 120, 448),
    Instance("Standard_ND40rs_v2", 40, 672, "V100", 8),
]
"""Further ones, on which Azure Machine Learning trains and does not serve."""
TRAINING_SIZES = [*INSTANCES, *TRAINERS]
_LETTERS = re.compile(r"Standard_[A-Z]+\d+(-\d+)?(?P<letters>[a-z]*)", re.IGNORECASE)
ACCELERATORS = sorted({instance.accelerator for instance in INSTANCES if instance.accelerator})
PREFIX = "Standard_"
"""What every size's name begins with."""


def counts(model: str, among: Sequence[Instance] = INSTANCES) -> list[int]:
    """Return how many accelerators of a model a machine has, from the smallest."""
    return machines.counts(among, model)


def has_infiniband(name: str) -> bool:
    """Tell whether a size has InfiniBand: the letter r behind its number says so.

    https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions

    >>> has_infiniband("Standard_ND96asr_v4"), has_infiniband("Standard_NC24ads_A100_v4")
    (True, False)
    """
    found = _LETTERS.match(name)
    return found is not None and "r" in found["letters"].lower()


def pick(compute: Compute, among: Sequence[Instance] = INSTANCES) -> Instance | None:
    """Return the pinned size, else the smallest that fits, else nothing.

    >>> pick(Compute(cpus=2, memory_gb=8)).name, pick(Compute(accelerator="T4:1")).name
    ('Standard_D2as_v4', 'Standard_NC4as_T4_v3')
    """
    if compute.pin and (name := compute.pin.get("azure")):
        return next((one for one in (*INSTANCES, *TRAINERS) if one.name == name), Instance(name, 0, 0))
    return machines.smallest(among, compute)
