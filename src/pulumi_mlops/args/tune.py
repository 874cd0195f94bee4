"""What tune accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_mlops.steps.step import Condition

__all__ = ["Search", "SearchWithChoice", "SearchWithInteger", "SearchWithLogUniform", "SearchWithUniform", "TuneArgs"]


class SearchWithUniform(TypedDict, total=False):
    """Where a parameter is searched: one of these."""

    uniform: Required[Sequence[float]]
    """Between two numbers, both ends included: ``[0.1, 0.9]``."""


class SearchWithLogUniform(TypedDict, total=False):
    """Where a parameter is searched: one of these."""

    log_uniform: Required[Sequence[float]]
    """Between two numbers above 0, every order of magnitude as likely as another: ``[1e-5, 1e-2]``."""


class SearchWithInteger(TypedDict, total=False):
    """Where a parameter is searched: one of these."""

    integer: Required[Sequence[int]]
    """A whole number between two, both ends included: ``[1, 12]``."""


class SearchWithChoice(TypedDict, total=False):
    """Where a parameter is searched: one of these."""

    choice: Required[Sequence[str | float | int]]
    """One of these: ``[4, 6, 8]`` or ``["adam", "sgd"]``."""


Search: TypeAlias = SearchWithUniform | SearchWithLogUniform | SearchWithInteger | SearchWithChoice
"""Where a parameter is searched: one of these."""


class TuneArgs(TypedDict, total=False):
    """What a search for the best parameters is asked to do."""

    when: Condition | None
    """What must hold for it to run: ``judge.metric("auc") >= 0.9``. It runs always unless told. A step that does not
    run is skipped with everything that takes from it, and the pipeline succeeds."""
    maximize: str | None
    """The metric that is to be as high as possible. Write either this or ``minimize``."""
    minimize: str | None
    """The metric that is to be as low as possible."""
    over: Required[Mapping[str, Search]]
    """Where each parameter is searched: ``{"lr": {"log_uniform": [1e-5, 1e-2]}, "depth": {"choice": [4, 6, 8]}}``. The
    training finds the value of a trial as ``MLOPS_PARAMETER_<NAME>``."""
    trials: Required[int]
    """How many trials there are in all."""
    parallel: int
    """How many trials run at a time."""
