"""Changes of a monitor, in words that every backend takes: a row is as in the backends' own files."""

from collections.abc import Mapping
from typing import Any

import pulumi_mlops as mlops
from support.changes.pipelines import HUBS, IMAGES, SMALL, Change

DRIFT = {"kind": "data_drift"}
QUALITY = {"kind": "model_quality", "threshold": 0.9}


def monitor(backend: str, given: Mapping[str, Any]) -> None:
    """Declare the monitor with other arguments, those of its parts under names of their own."""
    hub, image, args = HUBS[backend], IMAGES[backend], dict(given)

    def trained() -> mlops.TrainStep:
        return mlops.train(image=image, command=["fit"], compute=SMALL, parameters={"days": mlops.parameter("days")})

    retrain, another = (
        mlops.Pipeline(name, platform=hub, alerts=False, parameters={"days": 7}, steps={"fit": trained()})
        for name in ("retrain", "another")
    )
    place = {"platform": hub, "backend": backend}
    rows = mlops.DatasetRef(name="rows", location=f"{hub.artifacts}datasets/rows/", **place)
    labels = {
        name: mlops.DatasetRef(name=name, location=f"{hub.artifacts}datasets/{name}/", **place)
        for name in ("labels", "others")
    }
    called = args.pop("endpoint", "score")
    score = mlops.EndpointRef(
        name=called,
        status="live",
        captured=f"{hub.artifacts}captured/{called}/",
        address={"name": called, "id": f"/subscriptions/1/onlineEndpoints/{called}"},
        **place,
    )
    truth = {"dataset": labels[args.pop("labels", "labels")].latest(), "join": "id", "label": "churned"}
    truth |= args.pop("truth", {})
    breach = {"run": another if args.pop("other", False) else retrain, **args.pop("breach", {})}
    least: dict[str, Any] = {"baseline": rows.version(args.pop("version", 3)), "signals": [DRIFT], "image": image}
    if args.pop("labelled", False):
        least |= {"signals": [DRIFT, QUALITY], "ground_truth": truth}
    if args.pop("breached", False):
        least["on_breach"] = breach
    mlops.Monitor("drift", endpoint=score, **(least | args))


def part(field: str, one: Any, other: Any, **least: Any) -> Change:
    """Change one field of a signal; None is that it is left out."""
    before, after = ({**least, **({} if value is None else {field: value})} for value in (one, other))
    return (f"MonitorSignal.{field}", "Monitor", {"signals": [before]}, {"signals": [after]})


LABELLED, BREACHED = {"labelled": True}, {"breached": True}
MONITORS: list[Change] = [
    ("Monitor.endpoint", "Monitor", {}, {"endpoint": "other"}),
    ("Monitor.baseline", "Monitor", {}, {"version": 4}),
    ("Monitor.signals", "Monitor", {}, {"signals": [DRIFT, {"kind": "data_quality"}]}),
    ("Monitor.ground_truth", "Monitor", {}, LABELLED),
    ("Monitor.schedule", "Monitor", {}, {"schedule": {"cron": "30 * * * *"}}),
    ("Monitor.window_hours", "Monitor", {}, {"window_hours": 6}),
    ("Monitor.minimum_rows", "Monitor", {}, {"minimum_rows": 50}),
    ("Monitor.image", "Monitor", {}, {"image": "registry.example.com/drift:2"}),
    ("Monitor.on_breach", "Monitor", {}, BREACHED),
    ("Monitor.alerts", "Monitor", {}, {"alerts": False}),
    ("Monitor.compute", "Monitor", {}, {"compute": {"cpus": 8, "memory_gb": 32}}),
    ("Monitor.max_hours", "Monitor", {}, {"max_hours": 2}),
    ("Monitor.tags", "Monitor", {}, {"tags": {"team": "search"}}),
    ("GroundTruth.dataset", "Monitor", LABELLED, {"labels": "others"}),
    ("GroundTruth.join", "Monitor", LABELLED, {"truth": {"join": "call"}}),
    ("GroundTruth.label", "Monitor", LABELLED, {"truth": {"label": "left"}}),
    ("OnBreach.run", "Monitor", BREACHED, {"other": True}),
    ("OnBreach.cooldown_hours", "Monitor", BREACHED, {"breach": {"cooldown_hours": 48}}),
    ("OnBreach.parameters", "Monitor", BREACHED, {"breach": {"parameters": {"days": 3}}}),
    part("kind", "data_drift", "data_quality"),
    part("metric", None, "jensen_shannon", kind="data_drift"),
    part("threshold", None, 0.5, kind="data_drift"),
    part("features", None, ["age"], kind="data_drift"),
    part("prediction", None, "score", kind="prediction_drift"),
    part("group", "sex", "age", kind="bias"),
    part("positive", None, "yes", kind="bias", group="sex"),
]
"""What each backend takes."""
