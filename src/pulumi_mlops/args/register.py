"""What register accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.steps.step import Condition, Metric

__all__ = ["RegisterArgs"]


class RegisterArgs(TypedDict, total=False):
    """What becomes a version of a model."""

    when: Condition | None
    """What must hold for it to run: ``judge.metric("auc") >= 0.9``. It runs always unless told. A step that does not
    run is skipped with everything that takes from it, and the pipeline succeeds."""
    image: Input[str] | None
    """The image that serves it; without one whoever serves the version names it."""
    metrics: Sequence[Metric]
    """What is written down with the version, for the model's gate and for people; what ``when`` compares is written
    down too."""
    metadata: Mapping[str, str]
    """Further facts about the version."""
