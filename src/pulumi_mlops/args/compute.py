"""What compute accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["Compute"]


class Compute(TypedDict, total=False):
    """What one machine, or one replica, must have at least; the backend picks the smallest that fits."""

    cpus: float | None
    """Virtual CPUs; half of one is ``0.5``."""
    memory_gb: float | None
    """Memory in GiB."""
    accelerator: str | None
    """Accelerators as ``"model:count"``, such as ``"A10G:1"`` or ``"H100:8"``; slices of one as
    ``"model-slice:count"``, such as ``"A100-1g.5gb:1"``."""
    pin: Mapping[str, str] | None
    """The machine by its own name, a backend each: ``{"<backend>": "<machine>"}``. Wins over the other fields there. On
    AWS: ``{"aws": "ml.p5.48xlarge"}``. On Azure: ``{"azure": "Standard_NC24ads_A100_v4"}``."""
