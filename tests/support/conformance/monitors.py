"""Programs that differ in one argument of a monitor."""

from collections.abc import Mapping
from typing import Any

from support.conformance.programs import Build, monitor


def changed(**args: Any) -> tuple[Build, Build]:
    """Compare a monitor with one that has no more than it must."""
    return lambda w: monitor(w, **args), monitor


def signals(field: str, one: Any, other: Any, **least: Any) -> tuple[Build, Build]:
    """Compare two values of a field of a signal; None is that it is left out."""
    first, second = ({**least, **({} if value is None else {field: value})} for value in (one, other))
    return lambda w: monitor(w, signals=[first]), lambda w: monitor(w, signals=[second])


ARGUMENTS: Mapping[str, tuple[Build, Build]] = {
    "Monitor.baseline": changed(baseline=lambda rows: rows.version(3)),
    "Monitor.signals.kind": signals("kind", "data_quality", "data_drift"),
    "Monitor.signals.metric": signals("metric", "jensen_shannon", None, kind="data_drift"),
    "Monitor.signals.threshold": signals("threshold", 0.5, None, kind="data_drift"),
    "Monitor.signals.features": signals("features", ["age"], None, kind="data_drift"),
    "Monitor.signals.prediction": signals("prediction", "score", None, kind="prediction_drift"),
    "Monitor.signals.group": signals("group", "age", "sex", kind="bias"),
    "Monitor.signals.positive": signals("positive", "yes", None, kind="bias", group="sex"),
    "Monitor.ground_truth.join": (lambda w: monitor(w, truth={"join": "call"}), lambda w: monitor(w, truth={})),
    "Monitor.ground_truth.label": (lambda w: monitor(w, truth={"label": "left"}), lambda w: monitor(w, truth={})),
    "Monitor.schedule.cron": changed(schedule={"cron": "30 * * * *"}),
    "Monitor.schedule.timezone": (
        lambda w: monitor(w, schedule={"cron": "0 3 * * *", "timezone": "Europe/Berlin"}),
        lambda w: monitor(w, schedule={"cron": "0 3 * * *"}),
    ),
    "Monitor.window_hours": changed(window_hours=6),
    "Monitor.minimum_rows": changed(minimum_rows=50),
    "Monitor.image": (lambda w: monitor(w, image=f"{w.image}-2"), monitor),
    "Monitor.on_breach.cooldown_hours": (
        lambda w: monitor(w, breach={"cooldown_hours": 48}),
        lambda w: monitor(w, breach={}),
    ),
    "Monitor.on_breach.parameters": (
        lambda w: monitor(w, breach={"parameters": {"days": 3}}),
        lambda w: monitor(w, breach={}),
    ),
    "Monitor.alerts": changed(alerts=False),
    "Monitor.compute.cpus": changed(compute={"cpus": 16, "memory_gb": 8}),
    "Monitor.compute.memory_gb": changed(compute={"cpus": 2, "memory_gb": 64}),
    "Monitor.max_hours": changed(max_hours=2),
    "Monitor.tags": changed(tags={"tier": "gold"}),
}
ASKED = {
    "Monitor.managed": "monitor.managed",
    "Monitor.endpoint": "monitor",
    "Monitor.ground_truth.dataset": "monitor.ground_truth",
    "Monitor.on_breach.run": "monitor.on_breach",
    "Monitor.compute.accelerator": "accelerator",
}
WORDS_OF_ONE = ("Monitor.compute.pin",)
