"""Changes of a loop, in words that every backend takes: a row is as in the backends' own files."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pulumi_mlops as mlops
from support.changes.monitors import DRIFT, QUALITY
from support.changes.pipelines import HUBS, IMAGES, SMALL, Change
from support.conformance.words import WORDS


def loop(backend: str, given: Mapping[str, Any]) -> None:
    """Declare a loop whose model has an approved version, with other arguments; parts have words of their own."""
    hub, image, args = HUBS[backend], IMAGES[backend], dict(given)
    fit = mlops.train(
        image=image,
        command=args.pop("command", ["fit"]),
        compute=SMALL,
        outputs=["model", "baseline", "other"],
        parameters={"days": mlops.parameter("days")},
    )
    judge = mlops.evaluate(
        image=image, command=["judge"], inputs={"m": fit.out("model")}, metrics=["auc"], compute=SMALL
    )
    place: dict[str, Any] = {"platform": hub, "backend": backend}
    labels = mlops.DatasetRef(name="labels", location=f"{hub.artifacts}datasets/labels/", **place)
    truth = {"dataset": labels.latest(), "join": "id", "label": "churned"}
    if args.pop("labelled", False):
        args |= {"signals": [DRIFT, QUALITY], "ground_truth": truth}
    if args.pop("reading", False):
        group = mlops.FeatureGroup(
            "profile",
            store=mlops.FeatureStore("features", platform=hub),
            keys=["id"],
            event_time="at",
            features={"id": "string", "at": "timestamp"},
            online={"ttl_hours": 72},
        )
        args["reads"] = [group.online]
    if args.pop("tracked", False):
        args["tracker"] = mlops.ExperimentTracker("mine", platform=hub)
    if args.pop("kept", False):
        args["registry"] = mlops.ModelRegistry("mine", platform=hub)
    if args.pop("modelled", False):
        args["model"] = mlops.Model("mine", registry=mlops.ModelRegistry("mine", platform=hub))
    record = f"{hub.artifacts}models/churn/9f2c/fit/facts.json"
    if args.pop("served", False):
        args["endpoint"] = mlops.EndpointRef(
            name="mine",
            status="live",
            captured=f"{hub.artifacts}captured/mine/",
            capture_percent=100,
            records={"main": record},
            address={"name": "mine", "id": "/subscriptions/1/onlineEndpoints/mine"},
            **place,
        )
    for field, word in (("approvers", WORDS[backend].approver), ("invokers", WORDS[backend].invoker)):
        if args.pop(f"with_{field}", False):
            args[field] = [word]
    least: dict[str, Any] = {
        "steps": {"fit": fit, "judge": judge},
        "files": fit.out(args.pop("files", "model")),
        "baseline": fit.out(args.pop("baseline", "baseline")),
        "image": image,
        "monitor_image": image,
        "parameters": {"days": 7},
        **({} if "endpoint" in args else {"release": {}}),
    }

    def approved(model: mlops.ModelRef, **_: Any) -> mlops.ModelVersionRef:
        """Return what a registry would."""
        return replace(model.version(3), record=record)

    with patch.object(mlops.ModelRef, "approved", approved):
        mlops.Loop("churn", platform=hub, **(least | args))


GATED = {"gate": {"auc": ">=0.9"}}
LOOPS: list[Change] = [
    ("Loop.steps", "Loop", {}, {"command": ["fit", "--deep"]}),
    ("Loop.files", "Loop", {}, {"files": "other"}),
    ("Loop.baseline", "Loop", {}, {"baseline": "other"}),
    ("Loop.parameters", "Loop", {}, {"parameters": {"days": 14}}),
    ("Loop.schedule", "Loop", {}, {"schedule": {"cron": "0 4 * * MON"}}),
    ("Loop.gate", "Loop", {}, GATED),
    ("Loop.image", "Loop", {}, {"image": "registry.example.com/serve:2"}),
    ("Loop.approvers", "Loop", {}, {"with_approvers": True}),
    ("Loop.compute", "Loop", {}, {"compute": {"cpus": 8, "memory_gb": 32}}),
    ("Loop.scaling", "Loop", {}, {"scaling": {"min": 2, "max": 2}}),
    ("Loop.serve", "Loop", {}, {"serve": {"image": "registry.example.com/serve:3"}}),
    ("Loop.release", "Loop", {}, {"release": {"canary": {"percent": 10, "bake_minutes": 15}}}),
    ("Loop.reads", "Loop", {}, {"reading": True}),
    ("Loop.invokers", "Loop", {}, {"with_invokers": True}),
    ("Loop.capture_percent", "Loop", {}, {"capture_percent": 50}),
    ("Loop.signals", "Loop", {}, {"signals": []}),
    ("Loop.ground_truth", "Loop", {}, {"labelled": True}),
    ("Loop.monitor_image", "Loop", {}, {"monitor_image": "registry.example.com/drift:2"}),
    ("Loop.cooldown_hours", "Loop", {}, {"cooldown_hours": 48}),
    ("Loop.tracker", "Loop", {}, {"tracked": True}),
    ("Loop.registry", "Loop", {}, {"kept": True}),
    ("Loop.model", "Loop", {}, {"modelled": True}),
    ("Loop.endpoint", "Loop", {}, {"served": True}),
    ("Loop.tags", "Loop", {}, {"tags": {"team": "search"}}),
]
"""What each backend takes."""
