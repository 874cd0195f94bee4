"""Programs that differ in one argument of a loop; what is within compute, scaling and so on is tried of its parts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pulumi_mlops as mlops
from support.conformance.programs import Build, dataset, endpoint, model, platform, registry
from support.conformance.words import Words

Beside = Callable[[Words, mlops.Platform], Mapping[str, Any]]
BOTH = [{"kind": "data_drift"}, {"kind": "model_quality", "threshold": 0.9}]


def looping(
    words: Words,
    *,
    command: str = "fit",
    files: str = "model",
    baseline: str = "baseline",
    beside: Beside = lambda _, __: {},
    **args: Any,
) -> mlops.Loop:
    """Declare a loop that serves an approved version, so that each part of it is made.

    :param beside: makes what arguments are given that are nouns of the program's own.
    """
    hub = platform(words)
    fit = mlops.train(
        image=words.image,
        command=[command],
        outputs=["model", "baseline", "other"],
        parameters={"days": mlops.parameter("days")},
    )
    judge = mlops.evaluate(image=words.image, command=["judge"], inputs={"m": fit.out("model")}, metrics=["auc"])
    least: dict[str, Any] = {
        "steps": {"fit": fit, "judge": judge},
        "files": fit.out(files),
        "baseline": fit.out(baseline),
        "parameters": {"days": 7},
        "image": words.image,
        "monitor_image": words.image,
    }
    given = {**args, **beside(words, hub)}

    def approved(found: mlops.ModelRef, **_: Any) -> mlops.ModelVersionRef:
        """Return what a registry would."""
        return replace(found.version(3), record=f"{words.rows.replace('theirs/rows', 'models/3')}facts.json")

    with patch.object(mlops.ModelRef, "approved", approved):
        return mlops.Loop("loop", platform=hub, **(least | ({} if "endpoint" in given else {"release": {}}) | given))


def changed(**args: Any) -> tuple[Build, Build]:
    """Compare a loop with one that has no more than it must."""
    return lambda w: looping(w, **args), looping


def of_ones_own(**parts: Callable[[Words, mlops.Platform], Any]) -> tuple[Build, Build]:
    """Compare a loop that is given nouns with one that makes its own."""
    return changed(beside=lambda words, hub: {name: part(words, hub) for name, part in parts.items()})


def served(words: Words, hub: mlops.Platform) -> dict[str, Any]:
    return {"endpoint": endpoint(words, hub, capture_percent=100)}


def rows(words: Words, hub: mlops.Platform) -> dict[str, Any]:
    """Have a baseline that is of no run."""
    return {"baseline": dataset(words, hub).latest()}


def truth(words: Words, hub: mlops.Platform, *, label: str) -> dict[str, Any]:
    labels = dataset(words, hub, "labels").latest()
    return {"signals": BOTH, "ground_truth": {"dataset": labels, "join": "id", "label": label}}


ARGUMENTS: Mapping[str, tuple[Build, Build]] = {
    "Loop.steps": changed(command="fit-deeper"),
    "Loop.files": changed(files="other"),
    "Loop.baseline": changed(baseline="other"),
    "Loop.parameters": changed(parameters={"days": 14}),
    "Loop.schedule": changed(schedule={"cron": "0 4 * * MON"}),
    "Loop.gate": changed(gate={"auc": ">=0.9"}),
    "Loop.image": (lambda w: looping(w, image=f"{w.image}-2"), looping),
    "Loop.compute": changed(compute={"cpus": 16, "memory_gb": 64}),
    "Loop.scaling": changed(scaling={"min": 2, "max": 2}),
    "Loop.serve": (lambda w: looping(w, serve={"image": f"{w.image}-2"}), looping),
    "Loop.signals": changed(signals=[]),
    "Loop.ground_truth": (
        lambda w: looping(w, beside=lambda words, hub: truth(words, hub, label="left")),
        lambda w: looping(w, beside=lambda words, hub: truth(words, hub, label="stayed")),
    ),
    "Loop.monitor_image": (lambda w: looping(w, monitor_image=f"{w.image}-2"), looping),
    "Loop.cooldown_hours": changed(cooldown_hours=48),
    "Loop.tracker": of_ones_own(tracker=lambda _, hub: mlops.ExperimentTracker("mine", platform=hub)),
    "Loop.registry": of_ones_own(registry=registry),
    "Loop.model": of_ones_own(model=lambda words, hub: model(words, registry(words, hub))),
    "Loop.endpoint": (
        lambda w: looping(w, beside=lambda words, hub: {**served(words, hub), **rows(words, hub)}),
        lambda w: looping(w, beside=rows),
    ),
    "Loop.tags": changed(tags={"tier": "gold"}),
}
ASKED = {
    "Loop.platform": "loop",
    "Loop.approvers": "model_registry.approvers",
    "Loop.release": "endpoint.release.canary",
    "Loop.reads": "endpoint.reads",
    "Loop.invokers": "endpoint.invokers",
    "Loop.capture_percent": "endpoint.capture.sampled",
}
