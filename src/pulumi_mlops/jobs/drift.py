"""Compare what an endpoint was asked with a baseline, and say what is past its bounds: the program of a monitor.

    python3 drift.py

``MLOPS_MONITOR`` says what is looked at, as JSON: ``{"monitor": "drift", "endpoint": "score", "signals": […],
"truth": {"join": "id", "label": "churned"}, "window": {"hours": 24, "minimum_rows": 200}}``. It reads the captured
files in ``MLOPS_INPUT_CAPTURED``, the rows in ``MLOPS_INPUT_BASELINE``, the labels in ``MLOPS_INPUT_TRUTH``. It writes
``report.html`` and ``result.json`` into ``MLOPS_OUTPUT_REPORT``, and numbers into ``MLOPS_METRICS``: ``breached``,
``rows``, and one for each signal, which is -1 where it was not judged. Measurements go to ``MLOPS_WATCH``, and on a
breach ``MLOPS_START_RETRAIN`` is started, with the parameters in ``MLOPS_RETRAIN``, unless it was within
``MLOPS_COOLDOWN_HOURS``.
"""

# pyright: reportMissingImports=false
# The other programs are beside this one where all run.

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import captures
import page
import signals
import windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_mlops.jobs.signals import Judged, Truth
    from pulumi_mlops.jobs.windows import Baseline, Window

NOT_JUDGED = -1
"""What the metric of a signal is that was not judged, which is no value of any of them."""


def looked_at(monitor: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the signals, each with the field of the answer that it is about."""
    usual = (monitor.get("truth") or {}).get("prediction") or captures.PREDICTION
    return [{**one, "prediction": one.get("prediction") or usual} for one in monitor["signals"]]


def normal(monitor: Mapping[str, Any], asked: list[dict[str, Any]], folder: Path) -> Baseline:
    """Read the baseline, and judge whether the signals can be measured beside it."""
    answers = {captures.PREDICTION, *(one["prediction"] for one in asked)}
    truth = monitor.get("truth") or {}
    others = {captures.ID, *(truth[one] for one in ("join", "label") if truth.get(one))}
    baseline: Baseline = windows.Baseline.of(folder, answers, others)
    problems = []
    for signal in asked:
        there = ", ".join(map(repr, baseline.features))
        problems += [
            f"{signal['name']}: the baseline has no feature {name!r}; it has {there}"
            for name in signal.get("features") or ()
            if name not in baseline.features
        ]
        of_answers = signal["kind"] in ("prediction_drift", "attribution_drift")
        if of_answers and signal["prediction"] not in baseline.answers:
            answer = signal["prediction"]
            problems.append(f"{signal['name']}: the baseline has no column {answer!r}; write the model's answers there")
        if signal["truth"] and not (truth.get("join") and truth.get("label")):
            problems.append(f"{signal['name']}: {signal['metric']} needs ground truth")
    if problems:
        raise windows.Unusable("; ".join(problems))
    return baseline


def labelled(monitor: Mapping[str, Any], window: Window) -> Truth | None:
    """Put ground truth beside the rows of the window that have any."""
    folder, truth = os.environ.get("MLOPS_INPUT_TRUTH"), monitor.get("truth")
    if not folder or not truth or window.frame.empty:
        return None
    found: Truth = signals.Truth(*windows.with_truth(window.frame, Path(folder), truth, captures.ID))
    return found


def judged(signal: dict[str, Any], baseline: Baseline, window: Window, truth: Truth | None, least: int) -> Judged:
    """Measure a signal, if there are rows enough."""
    if signal["truth"]:
        rows = 0 if truth is None else len(truth.frame)
        if rows < least:
            few: Judged = signals.Judged(reason=f"{rows} rows have a label, and {least} are needed", rows=rows)
            return few
    found: Judged = signals.measured(signal, baseline, window, truth)
    return found


def told(signal: Mapping[str, Any], found: Judged) -> dict[str, Any]:
    """Write down what was found."""
    return {
        **{key: signal[key] for key in ("name", "kind", "metric", "threshold", "above")},
        "status": "insufficient" if found.value is None else "judged",
        "value": found.value,
        "chance": found.chance,
        "breached": found.breached(signal["threshold"], above=signal["above"]),
        "reason": found.reason,
        "features": found.parts,
        **({"rows": found.rows} if found.rows is not None else {}),
    }


def compared(monitor: Mapping[str, Any], now: dt.datetime) -> tuple[dict[str, Any], Baseline, Window]:
    """Compare a window with the baseline."""
    asked, settings, unread = looked_at(monitor), monitor["window"], captures.Told()
    baseline = normal(monitor, asked, Path(os.environ["MLOPS_INPUT_BASELINE"]))
    since, least = now - dt.timedelta(hours=settings["hours"]), settings["minimum_rows"]
    calls = captures.rows(Path(os.environ["MLOPS_INPUT_CAPTURED"]), list(baseline.features), unread, since)
    window: Window = windows.gathered(calls, baseline, kept(monitor, asked))
    if unread.unread and not window.rows:
        raise windows.Unusable(f"none of {unread.unread} captured calls could be read; the first: {unread.first}")
    reason = f"{window.rows} rows are too few: {least} are needed" if window.rows < least else ""
    if reason:
        found = [told(one, signals.Judged(reason=reason)) for one in asked]
    else:
        truth = labelled(monitor, window)
        found = [told(one, judged(one, baseline, window, truth, least)) for one in asked]
    result = {
        "form": 1,
        "monitor": monitor["monitor"],
        "endpoint": monitor["endpoint"],
        "status": "insufficient" if reason else "judged",
        "reason": reason,
        "breached": any(one["breached"] for one in found),
        "rows": window.rows,
        "compared": len(window.frame),
        "window": {"from": written(since), "to": written(now), "hours": settings["hours"]},
        "baseline": {"rows": baseline.rows},
        "signals": found,
        "unread": unread.unread,
        "unread_first": unread.first,
        "unanswered": unread.unanswered,
    }
    return result, baseline, window


def kept(monitor: Mapping[str, Any], asked: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the columns that are kept beside features: what rows are joined and grouped by, and answers."""
    truth = monitor.get("truth") or {}
    names = [*([truth["join"], captures.ID] if truth else []), *(one["prediction"] for one in asked)]
    return list(dict.fromkeys([*names, *(one["group"] for one in asked if one.get("group"))]))


def written(when: dt.datetime) -> str:
    """Write a moment."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def measurements(result: Mapping[str, Any]) -> dict[str, float]:
    """Return what was measured: nothing of signals that were not judged.

    Whoever watches the numbers knows their thresholds alone: one that is past it by chance is told as the threshold.
    """
    values: dict[str, float] = {}
    for one in result["signals"]:
        if one["value"] is not None:
            within = min if one["above"] else max
            values[one["name"]] = float(one["value"] if one["breached"] else within(one["value"], one["threshold"]))
    return {"breached": float(result["breached"]), "rows": float(result["rows"]), **values}


def tell(result: dict[str, Any], now: dt.datetime) -> list[str]:
    """Hand measurements on, and have a model trained on a breach; return what did not work of it.

    What became of the training is added to the result.
    """
    problems = []
    if address := os.environ.get("MLOPS_WATCH"):
        import measure  # noqa: PLC0415 (it is there where something watches)

        try:
            measure.put(address, measurements(result), now)
        except measure.MeasureError as error:
            problems.append(str(error))
    if result["breached"] and (pipeline := os.environ.get("MLOPS_START_RETRAIN")):
        import starting  # noqa: PLC0415 (it is there where something is started)

        past = ", ".join(one["name"] for one in result["signals"] if one["breached"])
        try:
            run = starting.started(
                pipeline,
                json.loads(os.environ.get("MLOPS_RETRAIN") or "{}"),
                cooldown_hours=float(os.environ.get("MLOPS_COOLDOWN_HOURS") or 0),
                reason=f"{result['monitor']}: {past}",
            )
        except starting.NotStartedError as error:
            result["started"] = {"run": None, "reason": str(error)}
            problems.append(f"nothing was started: {error}")
        else:
            result["started"] = {"run": run, "reason": "" if run else "it runs, or has just run"}
            said = f"started {run}" if run else f"nothing was started: {result['started']['reason']}"
            sys.stdout.write(f"drift: {said}\n")
    return problems


def main() -> int:
    """Compare, write it down, and tell who wants to know."""
    now, monitor = dt.datetime.now(dt.UTC), json.loads(os.environ["MLOPS_MONITOR"])
    try:
        result, baseline, window = compared(monitor, now)
    except windows.Unusable as error:
        sys.stderr.write(f"drift: {error}.\n")
        return 1
    folder = Path(os.environ["MLOPS_OUTPUT_REPORT"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page.page(result, baseline, window), encoding="utf-8")
    (folder / "result.json").write_text(json.dumps(result, indent=1))
    absent = {one["name"]: NOT_JUDGED for one in result["signals"]}
    Path(os.environ["MLOPS_METRICS"]).write_text(json.dumps({**absent, **measurements(result)}))
    for one in result["signals"]:
        said = one["reason"] or f"{one['metric']} {one['value']:.4g}, threshold {one['threshold']:g}"
        sys.stdout.write(f"drift: {one['name']}: {'BREACHED: ' if one['breached'] else ''}{said}\n")
    problems = tell(result, now)
    # Again, with what became of the training: what was found is kept also where telling of it fails.
    (folder / "result.json").write_text(json.dumps(result, indent=1))
    sys.stderr.writelines(f"drift: {one}\n" for one in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
