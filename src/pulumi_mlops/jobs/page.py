"""The report of a monitor, for people: what was judged, and below it how each feature is spread, drawn by Evidently.

One file of HTML that loads nothing from anywhere. Distances in it are those of the monitor: Evidently is given them.
"""

# pyright: reportMissingImports=false
# The image has Evidently, and this environment does not.

from __future__ import annotations

import html
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import signals
import windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_mlops.jobs.windows import Baseline, Feature, Window

_ROWS, _FEATURES = 20_000, 30
"""As much as a page shows: an even part of the rows, and the features that are furthest from the baseline."""
_STYLE = """
.mlops{font:14px/1.5 system-ui,sans-serif;margin:24px;color:#1d2433}
.mlops h1{font-size:22px;margin:0 0 4px}
.mlops table{border-collapse:collapse;margin:16px 0}
.mlops td,.mlops th{padding:6px 14px;border-bottom:1px solid #d9dee8;text-align:left}
.mlops .breached{color:#b3261e;font-weight:600}
.mlops .fine{color:#1b6e3c}
.mlops .insufficient{color:#8a5a00}
.mlops .number{text-align:right;font-variant-numeric:tabular-nums}
"""
_EMPTY = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title></title></head><body></body></html>'
_OTHER = "(another)"
_TITLES = ("Signal", "Metric", "Value", "Threshold", "By chance", "", "Most of it")
_WORDS = {"breached": "breached", "fine": "within bounds", "insufficient": "not judged"}


def head(result: Mapping[str, Any]) -> str:
    """Write what was judged."""
    about = html.escape(f"{result['monitor']}: endpoint {result['endpoint']}")
    window = result["window"]
    since, beside = window["from"] or "an unknown time", result["baseline"]["rows"]
    lines = [f"{result['rows']:,} rows of {since} to {window['to']}, beside {beside:,} of the baseline."]
    if result["reason"]:
        lines.append(result["reason"])
    if result["unread"]:
        lines.append(f"{result['unread']:,} captured calls could not be read; the first: {result['unread_first']}")
    told = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    titles = "".join(f"<th>{title}</th>" for title in _TITLES)
    table = f"<table><tr>{titles}</tr>{''.join(_row(one) for one in result['signals'])}</table>"
    return f'<section class="mlops" id="mlops"><style>{_STYLE}</style><h1>{about}</h1>{told}{table}</section>'


def _row(signal: Mapping[str, Any]) -> str:
    state = "insufficient" if signal["value"] is None else "breached" if signal["breached"] else "fine"
    parts = sorted(signal["features"].items(), key=lambda one: -one[1])[:3]
    most = ", ".join(f"{name} {value:.3g}" for name, value in parts) or signal["reason"]
    numbers = [signal["value"], signal["threshold"], signal["chance"]]
    cells = "".join(f'<td class="number">{"" if one is None else f"{one:.4g}"}</td>' for one in numbers)
    name, metric = html.escape(signal["name"]), html.escape(signal["metric"])
    return (
        f'<tr id="signal-{name}"><td>{name}</td><td>{metric}</td>{cells}'
        f'<td class="{state}">{_WORDS[state]}</td><td>{html.escape(most)}</td></tr>'
    )


def page(result: Mapping[str, Any], baseline: Baseline, window: Window) -> str:
    """Write the whole page; where nothing was judged, it has no drawings."""
    whole, failed = _EMPTY, ""
    if result["status"] == "judged":
        try:
            whole = _drawn(result, baseline, window)
        except Exception as error:  # noqa: BLE001 (whatever Evidently raises: what was judged is no less so)
            failed = f"<p>Nothing could be drawn: {html.escape(f'{type(error).__name__}: {error}')}</p>"
    return whole.replace("<body>", f"<body>{head(result)}{failed}", 1)


def _drawn(result: Mapping[str, Any], baseline: Baseline, window: Window) -> str:
    os.environ["DO_NOT_TRACK"] = "1"  # which keeps Evidently from telling its makers that it is used
    shown = _shown(result, baseline, window)
    names, numeric = [one.name for one in shown], [one.name for one in shown if one.numeric]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is deprecated in the packages that it needs
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 (seconds, which few rows do not need)
        from evidently.metrics import ValueDrift  # noqa: PLC0415

        definition = DataDefinition(
            numerical_columns=numeric, categorical_columns=[name for name in names if name not in numeric]
        )
        now, before = (
            Dataset.from_pandas(_part(one.frame, shown), data_definition=definition) for one in (window, baseline)
        )
        bounds = {kind: _bound(result, kind) for kind in ("data_drift", "prediction_drift")}
        metrics = []
        for name in names:
            metric, threshold = bounds["prediction_drift" if name in baseline.answers else "data_drift"]
            metrics.append(ValueDrift(column=name, method=_method(metric), threshold=threshold))
        return str(Report(metrics).run(now, before).get_html_str(as_iframe=False))


def _bound(result: Mapping[str, Any], kind: str) -> tuple[str, float]:
    """Say how a kind of drift is measured, and what is too far."""
    found = [(one["metric"], one["threshold"]) for one in result["signals"] if one["kind"] == kind]
    return found[0] if found else ("psi", 0.2)


def _shown(result: Mapping[str, Any], baseline: Baseline, window: Window) -> list[Feature]:
    """Choose what is drawn: the answers, and the features that are furthest away."""
    far: dict[str, float] = {}
    for signal in result["signals"]:
        if signal["kind"] in ("data_drift", "data_quality"):
            for name, value in signal["features"].items():
                far[name] = max(far.get(name, 0), value)
    features = sorted(baseline.features.values(), key=lambda one: -far.get(one.name, 0))
    usable = [one for one in (*baseline.answers.values(), *features) if one.comparable]
    both = [one for one in usable if all(frame[one.name].notna().any() for frame in (baseline.frame, window.frame))]
    return both[: _FEATURES + len(baseline.answers)]


def _part(frame: Any, shown: Sequence[Feature]) -> Any:
    """Take what is drawn: of words only those that the baseline has, since anybody may send others."""
    names = [one.name for one in shown]
    part = frame[names] if len(frame) <= _ROWS else frame[names].iloc[np.linspace(0, len(frame) - 1, _ROWS).astype(int)]
    known = {one.name: one.known for one in shown if one.known is not None}
    others = {
        name: part[name].where(part[name].isin(words) | part[name].isna(), _OTHER) for name, words in known.items()
    }
    return part.assign(**others)


def _method(metric: str) -> str:
    """Give Evidently a distance of ours, by its name."""
    from evidently.legacy.calculations.stattests.registry import StatTest, register_stattest  # noqa: PLC0415
    from evidently.legacy.core import ColumnType  # noqa: PLC0415

    name = metric.replace("_", " ") + " of tenths"

    def measure(before: Any, now: Any, kind: Any, threshold: float) -> tuple[float, bool]:
        feature = windows.Feature.of("", before)
        del kind
        found = signals.drifted(metric, [feature], {"": before}, {"": now}, np.random.default_rng(0))
        value = found.value or 0.0
        return value, value > threshold

    kinds = [ColumnType.Numerical, ColumnType.Categorical]
    register_stattest(StatTest(name, name, kinds), measure)
    return name
