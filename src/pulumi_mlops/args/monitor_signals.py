"""What monitor_signals accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["MonitorSignal"]


class MonitorSignal(TypedDict, total=False):
    """One thing that is measured of each window, and how far it may go."""

    kind: Required[
        Literal["data_drift", "data_quality", "prediction_drift", "model_quality", "bias", "attribution_drift"]
    ]
    """What is looked at: the values of features (``data_drift``), whether they can be values at all (``data_quality``),
    the answers (``prediction_drift``), the answers beside the truth (``model_quality``), beside each other for two
    groups of people (``bias``), or which features the answers depend on (``attribution_drift``)."""
    metric: (
        Literal[
            "psi",
            "jensen_shannon",
            "wasserstein",
            "bad_values",
            "accuracy",
            "precision",
            "recall",
            "f1",
            "roc_auc",
            "r2",
            "mae",
            "rmse",
            "parity",
            "opportunity",
            "impact",
            "ndcg",
        ]
        | None
    )
    """How it is measured. Drift: ``psi`` unless told, ``jensen_shannon``, or ``wasserstein`` in standard deviations.
    Model quality: ``accuracy`` unless told, ``precision``, ``recall``, ``f1``, ``roc_auc``, and of numbers ``r2``,
    ``mae`` and ``rmse``. Bias: ``parity`` unless told, the difference between the groups' shares of positive answers;
    ``impact``, the ratio of these; ``opportunity``, the difference among those whose truth is positive."""
    threshold: float | None
    """Past this it is a breach; below it, of a metric of which more is better. Drift: 0.2 for ``psi`` and
    ``wasserstein``, 0.1 for ``jensen_shannon``; 0.05 of a feature's values for data quality, 0.1 for ``parity`` and
    ``opportunity``, 0.8 for ``impact``, 0.9 for attribution drift. Model quality has none of itself."""
    features: Sequence[str]
    """Which features are looked at; all that the baseline has unless told."""
    prediction: str | None
    """Which field of the answer is looked at; ``prediction`` unless told, which also stands for an answer that is
    nothing but a value."""
    group: str | None
    """The feature that says to which group a row belongs. Only ``bias`` has it, and needs it."""
    positive: str | bool | int | float | None
    """The answer that counts as positive; 1, or true, unless told."""
