"""Machines said without a cloud's word: CPUs and memory, or an accelerator; a pin where that is not enough."""

import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeVar

from pydantic import Field, field_validator

from pulumi_mlops.core.inputs import Needs, Number, Spec, refuse

ACCELERATOR = re.compile(
    r"(?P<model>(?P<whole>[A-Za-z0-9]+)(-(?P<slice>[1-9]g\.[1-9][0-9]{0,2}gb))?):(?P<count>[1-9][0-9]?)"
)


class Compute(Spec):
    """What one machine, or one replica, must have at least; the backend picks the smallest that fits."""

    cpus: Annotated[Number, Field(gt=0)] | None = None
    """Virtual CPUs; half of one is ``0.5``."""
    memory_gb: Annotated[Number, Field(gt=0)] | None = None
    """Memory in GiB."""
    accelerator: Annotated[str | None, Needs("accelerator")] = None
    """Accelerators as ``"model:count"``, such as ``"A10G:1"`` or ``"H100:8"``; slices of one as
    ``"model-slice:count"``, such as ``"A100-1g.5gb:1"``."""
    pin: dict[str, str] | None = None
    """The machine by its own name, a backend each: ``{"<backend>": "<machine>"}``. Wins over the other fields there."""

    @field_validator("accelerator")
    @classmethod
    def _well_formed(cls, value: str | None) -> str | None:
        if value is not None and not ACCELERATOR.fullmatch(value):
            raise refuse(f"{value!r} must be 'model:count', such as 'A10G:1'")
        return value


class Machine(NamedTuple):
    """What a machine of a backend has."""

    name: str
    cpus: int
    memory_gb: int
    accelerator: str = ""
    accelerators: int = 0


M = TypeVar("M", bound=Machine)


def counts(machines: Sequence[Machine], model: str) -> list[int]:
    """Return how many accelerators of a model a machine has, from the smallest."""
    return sorted({one.accelerators for one in machines if model and one.accelerator.lower() == model.lower()})


def smallest(machines: Sequence[M], compute: Compute) -> M | None:
    """Return the smallest machine that fits a wish, whatever is pinned.

    >>> machines = [Machine("big", 8, 32), Machine("small", 2, 8), Machine("fast", 4, 28, "T4", 1)]
    >>> smallest(machines, Compute(cpus=2)).name, smallest(machines, Compute(accelerator="T4:1")).name
    ('small', 'fast')
    """
    wanted = ACCELERATOR.fullmatch(compute.accelerator or "")
    model, count = (wanted["model"].lower(), int(wanted["count"])) if wanted else ("", 0)
    fitting = [
        machine
        for machine in machines
        if machine.accelerator.lower() == model
        and machine.accelerators == count
        and machine.cpus >= (compute.cpus or 1)
        and machine.memory_gb >= (compute.memory_gb or 0)
    ]
    return min(fitting, key=lambda one: (one.accelerators, one.cpus, one.memory_gb), default=None)
