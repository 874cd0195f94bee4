"""Machines said without a cloud's word: CPUs and memory, or an accelerator; a pin where that is not enough."""

import re
from typing import Annotated

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
