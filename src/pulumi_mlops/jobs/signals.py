"""What a monitor measures of a window beside its baseline, and what chance alone would make of it.

A distance is never negative, and neither is a difference between groups: of a window in which nothing has changed they
are above zero too, and the more the fewer rows it has. So what such a window would give is drawn by lot a thousand
times, and a breach is past the threshold and past all of these; what is too dear for that is drawn some times, and a
breach is far from their average.
"""

# pyright: reportMissingImports=false
# The image has numpy, scipy and scikit-learn, and this environment does not.

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance
from sklearn import metrics
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from windows import word, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pulumi_mlops.jobs.windows import Baseline, Feature, Window

_DRAWS = 1000
_RARE = 0.01
"""Words that fewer rows of the baseline have are compared together."""
_BINS = 10
_LONG = 5000
"""Rows that a distance of whole distributions, drawn by lot, looks at."""
_DRAWS_OF_LONG = 50
_SURROGATE, _DRAWS_OF_SURROGATES = 2000, 20
_WIDE = 4
"""Standard deviations from the average of what is drawn only some times."""
_FEW = 30
"""Rows that a group needs to be compared."""
_GROUPS = 20
_CLASSES = 10
_EVEN = 0.5
_NONE_POSITIVE = "no answer and no label is positive; write which one is, such as positive='yes'"

_SCORES: Mapping[str, Callable[[Any, Any], float]] = {
    "accuracy": metrics.accuracy_score,
    **{
        name: functools.partial(score, zero_division=0)
        for name, score in (
            ("precision", metrics.precision_score),
            ("recall", metrics.recall_score),
            ("f1", metrics.f1_score),
        )
    },
}
"""How answers that are positive or not are measured."""


@dataclass
class Judged:
    """What was found of one signal."""

    value: float | None = None
    chance: float | None = None
    """What windows in which nothing changed reach; past it a value is no chance."""
    parts: dict[str, float] = field(default_factory=dict)
    """The value of each feature, or of each group."""
    reason: str = ""
    """Why there is no value."""
    rows: int | None = None
    """How many rows it was measured of, where these are not those of the window."""

    def breached(self, threshold: float, *, above: bool) -> bool:
        """Tell whether it is past its threshold, and past what chance makes."""
        if self.value is None:
            return False
        values = [threshold, *([self.chance] if self.chance is not None else [])]
        return self.value > max(values) if above else self.value < min(values)


class Bins:
    """The parts into which the values of a feature fall: a tenth of the baseline each, or a word each."""

    def __init__(self, feature: Feature, column: Any) -> None:
        self.numeric = feature.numeric
        if self.numeric:
            there = column[np.isfinite(column)]
            tenths = np.linspace(0, 1, _BINS + 1)[1:-1]
            self.edges = np.unique(np.quantile(there, tenths)) if len(there) else np.array([])
        else:
            shares = column.value_counts(normalize=True)
            self.words = {one: place for place, one in enumerate(shares[shares >= _RARE].index)}

    def counts(self, column: Any) -> Any:
        """Count the values of a column by part; those that are missing, and other words, are a part of their own."""
        if self.numeric:
            values = np.asarray(column, dtype=float)
            places = np.where(np.isnan(values), len(self.edges) + 1, np.searchsorted(self.edges, values))
            return np.bincount(places, minlength=len(self.edges) + 2)
        other = len(self.words)
        places = column.map(lambda one: self.words.get(one, other) if one is not None else other + 1)
        return np.bincount(places.astype(int), minlength=other + 2)


def shares(counts: Any) -> Any:
    """Turn counts into shares, none of them zero."""
    counts = counts + _EVEN
    return counts / counts.sum(axis=-1, keepdims=True)


def distance(metric: str, first: Any, second: Any) -> Any:
    """Return how far shares are from each other, for each row of them."""
    if metric == "psi":
        return ((first - second) * np.log(first / second)).sum(axis=-1)
    if metric == "jensen_shannon":
        middle = (first + second) / 2
        both = [(one * np.log2(one / middle)).sum(axis=-1) for one in (first, second)]
        return np.sqrt(np.clip(sum(both) / 2, 0, None))
    return np.abs(first - second).sum(axis=-1) / 2  # words have no order: what would have to change its word


def drifted(
    metric: str, features: Sequence[Feature], baseline: Any, window: Any, random: np.random.Generator
) -> Judged:
    """Measure how far the values of features are from those of the baseline; the furthest counts."""
    found, most = Judged(), 0.0
    for feature in features:
        if not feature.comparable:
            continue
        before, now = baseline[feature.name], window[feature.name]
        if metric == "wasserstein" and feature.numeric:
            value, by_chance = _moved(before, now, random)
        else:
            value, by_chance = _parted(metric, Bins(feature, before), before, now, random)
        if value is not None:
            found.parts[feature.name] = value
            most = max(most, by_chance)
    if not found.parts:
        found.reason = "no feature has values that can be compared"
        return found
    found.value, found.chance = max(found.parts.values()), most
    return found


def _parted(metric: str, bins: Bins, before: Any, now: Any, random: np.random.Generator) -> tuple[float, float]:
    old, new = bins.counts(before), bins.counts(now)
    alike = shares(old)
    drawn = [shares(random.multinomial(counts.sum(), alike, _DRAWS)) for counts in (old, new)]
    return float(distance(metric, alike, shares(new))), float(distance(metric, *drawn).max())


def _moved(before: Any, now: Any, random: np.random.Generator) -> tuple[float | None, float]:
    """Measure by how many standard deviations values have moved."""
    old, new = (np.asarray(one[np.isfinite(one)], dtype=float) for one in (before, now))
    if not len(old) or not len(new):
        return None, 0.0
    scale = float(old.std()) or 1.0
    few = [one if len(one) <= _LONG else random.choice(one, _LONG, replace=False) for one in (old, new)]
    # Both together are shared out anew: a value that few rows have is in one part by chance, and the other lacks it.
    both, drawn = np.concatenate(few), np.empty(_DRAWS_OF_LONG)
    for place in range(_DRAWS_OF_LONG):
        random.shuffle(both)
        drawn[place] = wasserstein_distance(both[: len(few[0])], both[len(few[0]) :])
    return float(wasserstein_distance(old, new)) / scale, float(drawn.mean() + _WIDE * drawn.std()) / scale


def bad_values(features: Sequence[Feature], window: Window, random: np.random.Generator) -> Judged:
    """Measure the share of values that cannot be, beyond those that the baseline lacks too; the largest counts."""
    found, most = Judged(), 0.0
    for feature in features:
        share = sum(window.wrong.get(feature.name, {}).values()) / window.rows
        found.parts[feature.name] = max(0.0, share - feature.bad)
        drawn = random.binomial(window.rows, feature.bad, _DRAWS) / window.rows - feature.bad
        most = max(most, float(drawn.max()))
    found.value, found.chance = max(found.parts.values()), most
    return found


def positive(column: Any, what: Any) -> Any:
    """Tell which answers are positive: the one that is named, else 1 and true, or a probability of a half and more."""
    if what is not None:
        return words(column) == word(what)
    if _probable(column):
        return pd.to_numeric(column) >= _EVEN
    return words(column).isin(("1", "true"))


def _probable(column: Any) -> bool:
    """Tell whether answers are probabilities."""
    numbers = pd.to_numeric(column, errors="coerce")
    return bool(((numbers >= 0) & (numbers <= 1)).all() and (numbers % 1 != 0).any())


def quality(metric: str, answers: Any, truth: Any, what: Any) -> Judged:
    """Measure answers beside the truth."""
    if metric in ("mae", "rmse", "r2"):
        return _quality_of_numbers(metric, answers, truth)
    if metric == "accuracy" and not _probable(answers):
        return Judged(float((words(answers) == words(truth)).mean()))
    was = positive(truth, what)
    if metric == "roc_auc":
        said = pd.to_numeric(answers, errors="coerce")
        if was.nunique() < 2 or said.isna().any():  # noqa: PLR2004 (two classes)
            return Judged(reason="roc_auc needs both classes among the labels, and numbers as answers")
        return Judged(float(metrics.roc_auc_score(was, said)))
    said = positive(answers, what)
    if metric != "accuracy" and not (was.any() or said.any()):
        return Judged(reason=_NONE_POSITIVE)
    return Judged(float(_SCORES[metric](was, said)))


def _quality_of_numbers(metric: str, answers: Any, truth: Any) -> Judged:
    said, was = (pd.to_numeric(one, errors="coerce") for one in (answers, truth))
    there = said.notna() & was.notna()
    if not there.any():
        return Judged(reason=f"{metric} needs answers and labels that are numbers")
    said, was = said[there], was[there]
    if metric == "r2":
        return Judged(float(metrics.r2_score(was, said)))
    apart = (said - was).astype(float)
    return Judged(float(apart.abs().mean() if metric == "mae" else math.sqrt((apart**2).mean())))


def bias(metric: str, groups: Any, said: Any, random: np.random.Generator) -> Judged:
    """Measure how differently groups are answered.

    :param groups: the group of each row, as a word.
    :param said: whether its answer was positive.
    """
    sizes = groups.value_counts()
    if len(sizes) > _GROUPS:
        return Judged(reason=f"there are {len(sizes)} groups; take a feature that has at most {_GROUPS} values")
    large = sizes[sizes >= _FEW]
    if len(large) < 2:  # noqa: PLR2004 (a difference is of two)
        return Judged(reason=f"fewer than two groups have {_FEW} rows")
    if not said.any():
        return Judged(reason=_NONE_POSITIVE)
    rates = {str(one): float(said[groups == one].mean()) for one in large.index}
    pooled = float(said[groups.isin(large.index)].mean())
    drawn = np.stack([random.binomial(size, pooled, _DRAWS) / size for size in large])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    least, most = min(rates.values()), max(rates.values())
    if metric == "impact":
        by_chance = np.where(high > 0, low / np.where(high > 0, high, 1), 1)
        return Judged(least / most if most else 1.0, float(by_chance.min()), rates)
    return Judged(most - least, float((high - low).max()), rates)


def attributed(
    features: Sequence[Feature], answer: str, baseline: Any, window: Any, random: np.random.Generator
) -> Judged:
    """Measure whether answers depend on the features as they did: by the order of what small models need of them."""
    usable = [feature for feature in features if feature.comparable]
    if len(usable) < 2:  # noqa: PLR2004 (an order is of two)
        return Judged(reason="an order of features needs two of them that can be compared")
    window = window[window[answer].notna()]
    baseline = baseline[baseline[answer].notna()]
    size = min(len(window), len(baseline), _SURROGATE)
    if size < 2 * _FEW:
        return Judged(reason=f"it needs {2 * _FEW} rows with an answer")

    def weights(frame: Any) -> Any:
        return _weights(usable, answer, frame.iloc[random.choice(len(frame), size, replace=False)])

    drawn = [weights(baseline) for _ in range(_DRAWS_OF_SURROGATES)]
    normal, now = np.mean(drawn, axis=0), weights(window)
    gains = np.array([_gain(normal, one) for one in drawn])
    parts = {feature.name: float(weight) for feature, weight in zip(usable, now, strict=True)}
    return Judged(_gain(normal, now), float(gains.mean() - _WIDE * gains.std()), parts)


def _weights(features: Sequence[Feature], answer: str, rows: Any) -> Any:
    """Fit a small model to the answers, and return how much it needs each feature."""
    known = [
        rows[one.name].fillna(rows[one.name].median()) if one.numeric else rows[one.name].astype("category").cat.codes
        for one in features
    ]
    inputs = np.nan_to_num(np.column_stack(known).astype(float))
    said = rows[answer]
    number = pd.api.types.is_numeric_dtype(said) and said.nunique() > _CLASSES
    options: Mapping[str, Any] = {"n_estimators": 20, "max_depth": 6, "max_features": 0.5, "random_state": 0}
    model = ExtraTreesRegressor(**options) if number else ExtraTreesClassifier(**options)
    model.fit(inputs, said.astype(float) if number else words(said))
    return model.feature_importances_


def _gain(normal: Any, now: Any) -> float:
    """Return the normalized discounted cumulative gain of the order that features have now."""
    places = np.log2(np.arange(2, len(normal) + 2))
    best = float((np.sort(normal)[::-1] / places).sum())
    return float((normal[np.argsort(-now, kind="stable")] / places).sum()) / best if best else 1.0


@dataclass(frozen=True)
class Truth:
    """The rows of a window that have a label."""

    frame: Any
    column: str
    """Where the label is."""


def measured(signal: Mapping[str, Any], baseline: Baseline, window: Window, truth: Truth | None) -> Judged:
    """Measure one signal."""
    kind, answer = signal["kind"], signal["prediction"]
    features = [one for name, one in baseline.features.items() if name in (signal["features"] or baseline.features)]
    random = np.random.default_rng(0)
    if kind == "data_drift":
        return drifted(signal["metric"], features, baseline.frame, window.frame, random)
    if kind == "data_quality":
        return bad_values(features, window, random)
    if answer not in window.answered:
        there = ", ".join(sorted(window.answered)) or "nothing"
        return Judged(reason=f"no answer has the field {answer!r}; they have {there}")
    if kind == "prediction_drift":
        return drifted(signal["metric"], [baseline.answers[answer]], baseline.frame, window.frame, random)
    if kind == "attribution_drift":
        usable = [feature for feature in features if feature.comparable]
        return attributed(usable, answer, baseline.frame, window.frame, random)
    return _of_answers(signal, window, truth, random)


def _of_answers(signal: Mapping[str, Any], window: Window, truth: Truth | None, random: np.random.Generator) -> Judged:
    """Measure what is in the answers alone, or beside the truth."""
    labelled = truth if signal["truth"] else None
    rows = labelled.frame if labelled else window.frame
    rows = rows[rows[signal["prediction"]].notna()]
    answers, what = rows[signal["prediction"]], signal["positive"]
    if signal["kind"] == "model_quality" and labelled:
        found = quality(signal["metric"], answers, rows[labelled.column], what)
    else:
        said = positive(answers, what)
        entitled = positive(rows[labelled.column], what) if labelled else pd.Series(data=True, index=rows.index)
        found = bias(signal["metric"], words(rows[signal["group"]])[entitled], said[entitled], random)
    found.rows = len(rows)
    return found
