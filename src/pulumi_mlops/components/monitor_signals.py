"""What a monitor can look for: one table of signals, with what each measures and which bounds make sense."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from pulumi_mlops.core.inputs import Number, Spec, nearest, refuse
from pulumi_mlops.steps.step import Plain

Kind = Literal["data_drift", "data_quality", "prediction_drift", "model_quality", "bias", "attribution_drift"]
Measured = Literal[
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


@dataclass(frozen=True)
class Range:
    """What a threshold of one metric can be."""

    low: float
    """It is greater than this."""
    high: float | None
    """It is less than this, or has no end."""
    default: float | None
    """None where nobody but the team knows it."""
    above: bool
    """Whether values above the threshold breach it, or values below."""
    truth: bool = False
    """Whether it needs ground truth."""

    def holds(self, value: float) -> bool:
        """Tell whether a threshold makes sense."""
        return self.low < value and (self.high is None or value < self.high)

    @property
    def told(self) -> str:
        """The range in words."""
        return f"above {self.low:g}" if self.high is None else f"between {self.low:g} and {self.high:g}"


_DISTANCES = {
    "psi": Range(0, 10, 0.2, above=True),
    "jensen_shannon": Range(0, 1, 0.1, above=True),
    "wasserstein": Range(0, None, 0.2, above=True),
}


@dataclass(frozen=True)
class Row:
    """One kind of signal."""

    metrics: Mapping[str, Range]
    """What it can measure; the first is the default."""
    fields: tuple[str, ...] = ()
    """Which of the other fields it takes."""


KINDS: Mapping[str, Row] = {
    "data_drift": Row(_DISTANCES, ("features",)),
    "data_quality": Row({"bad_values": Range(0, 1, 0.05, above=True)}, ("features",)),
    "prediction_drift": Row(_DISTANCES, ("prediction",)),
    "model_quality": Row(
        {
            **{
                name: Range(0, 1, None, above=False, truth=True)
                for name in ("accuracy", "precision", "recall", "f1", "roc_auc", "r2")
            },
            **{name: Range(0, None, None, above=True, truth=True) for name in ("mae", "rmse")},
        },
        ("prediction", "positive"),
    ),
    "bias": Row(
        {
            "parity": Range(0, 1, 0.1, above=True),
            "opportunity": Range(0, 1, 0.1, above=True, truth=True),
            "impact": Range(0, 1, 0.8, above=False),
        },
        ("group", "prediction", "positive"),
    ),
    "attribution_drift": Row({"ndcg": Range(0, 1, 0.9, above=False)}, ("features", "prediction")),
}
"""Each kind of signal. Of distances and of bias, a breach is also more than chance makes of a window of this size."""


class MonitorSignal(Spec):
    """One thing that is measured of each window, and how far it may go."""

    kind: Kind
    """What is looked at: the values of features (``data_drift``), whether they can be values at all (``data_quality``),
    the answers (``prediction_drift``), the answers beside the truth (``model_quality``), beside each other for two
    groups of people (``bias``), or which features the answers depend on (``attribution_drift``)."""
    metric: Measured | None = None
    """How it is measured. Drift: ``psi`` unless told, ``jensen_shannon``, or ``wasserstein`` in standard deviations.
    Model quality: ``accuracy`` unless told, ``precision``, ``recall``, ``f1``, ``roc_auc``, and of numbers ``r2``,
    ``mae`` and ``rmse``. Bias: ``parity`` unless told, the difference between the groups' shares of positive answers;
    ``impact``, the ratio of these; ``opportunity``, the difference among those whose truth is positive."""
    threshold: Number | None = None
    """Past this it is a breach; below it, of a metric of which more is better. Drift: 0.2 for ``psi`` and
    ``wasserstein``, 0.1 for ``jensen_shannon``; 0.05 of a feature's values for data quality, 0.1 for ``parity`` and
    ``opportunity``, 0.8 for ``impact``, 0.9 for attribution drift. Model quality has none of itself."""
    features: list[str] = []
    """Which features are looked at; all that the baseline has unless told."""
    prediction: str | None = None
    """Which field of the answer is looked at; ``prediction`` unless told, which also stands for an answer that is
    nothing but a value."""
    group: str | None = None
    """The feature that says to which group a row belongs. Only ``bias`` has it, and needs it."""
    positive: Plain | None = None
    """The answer that counts as positive; 1, or true, unless told."""

    @field_validator("metric")
    @classmethod
    def _of_the_kind(cls, value: str | None, info: ValidationInfo) -> str | None:
        row = KINDS.get(info.data.get("kind", ""))
        if row and value is not None and value not in row.metrics:
            told = ", ".join(map(repr, row.metrics))
            raise refuse(f"{value!r} is no metric of {info.data['kind']}; it has {told}{nearest(value, row.metrics)}")
        return value

    @field_validator("threshold")
    @classmethod
    def _in_range(cls, value: float | None, info: ValidationInfo) -> float | None:
        row = KINDS.get(info.data.get("kind", ""))
        if row is None or "metric" not in info.data:
            return value
        metric = info.data["metric"] or next(iter(row.metrics))
        bounds = row.metrics[metric]
        if value is None and bounds.default is None:
            raise refuse(f"is needed for {metric}: nobody but you knows what is good; write one {bounds.told}")
        if value is not None and not bounds.holds(value):
            raise refuse(f"{value:g} is outside of what {metric} can tell; write one {bounds.told}")
        return value

    @field_validator("features", "prediction", "group", "positive")
    @classmethod
    def _has_it(cls, value: Any, info: ValidationInfo) -> Any:
        row, name = KINDS.get(info.data.get("kind", "")), str(info.field_name)
        if row is None:
            return value
        if name not in row.fields and value not in (None, []):
            known = ", ".join(kind for kind, one in KINDS.items() if name in one.fields)
            raise refuse(f"{info.data['kind']} does not look at it; leave it out, or ask for {known}")
        if name == "group" and "group" in row.fields and value is None:
            raise refuse("is needed: it is the feature that says to which group a row belongs; write its name")
        return value

    @field_validator("features")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if twice := sorted({one for one in value if value.count(one) > 1}):
            raise refuse(f"{', '.join(map(repr, twice))} stands here twice; leave one out")
        return value

    @property
    def measured(self) -> str:
        """How it is measured."""
        return self.metric or next(iter(KINDS[self.kind].metrics))

    @property
    def range(self) -> Range:
        """What its threshold can be."""
        return KINDS[self.kind].metrics[self.measured]

    @property
    def bound(self) -> float:
        """Its threshold, also where none was written."""
        bound = self.range.default if self.threshold is None else self.threshold
        assert bound is not None  # noqa: S101 (a spec without it was refused)
        return bound

    @property
    def needs_truth(self) -> bool:
        """Whether it is measured beside ground truth."""
        return self.range.truth


def names(signals: Sequence[MonitorSignal]) -> list[str]:
    """Name the measurement of each signal: its kind, and a number where one kind is there more than once.

    >>> one, other = MonitorSignal(kind="bias", group="sex"), MonitorSignal(kind="bias", group="age")
    >>> names([MonitorSignal(kind="data_drift"), one, other])
    ['data_drift', 'bias_1', 'bias_2']
    """
    kinds: list[str] = [one.kind for one in signals]
    return [
        kind if kinds.count(kind) == 1 else f"{kind}_{kinds[: place + 1].count(kind)}"
        for place, kind in enumerate(kinds)
    ]


def written(signals: Sequence[MonitorSignal]) -> list[dict[str, Any]]:
    """Write signals as the program reads them, which is given every default."""
    return [
        {
            "name": name,
            "kind": one.kind,
            "metric": one.measured,
            "threshold": one.bound,
            "above": one.range.above,
            "truth": one.needs_truth,
            "features": one.features,
            "prediction": one.prediction,
            "group": one.group,
            "positive": one.positive,
        }
        for name, one in zip(names(signals), signals, strict=True)
    ]
