"""Changes of a batch inference, in words that every backend takes: a row is as in the backends' own files."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi_mlops as mlops
from support.changes.pipelines import HUBS, IMAGES, SCHEDULE
from support.conformance.words import WORDS

Change = tuple[str, str, dict[str, Any], dict[str, Any]]
NOUN = "BatchInference"


def batch(backend: str, given: Mapping[str, Any]) -> None:
    """Declare it, with other arguments; a function of them is given the datasets by their names."""
    hub = HUBS[backend]
    rows = {name: mlops.Dataset(name, platform=hub, format="csv") for name in ("rows", "other", "scores", "more")}
    args: dict[str, Any] = {
        "model": {"image": IMAGES[backend], "artifact": folder(backend, 1)},
        "command": ["score"],
        "input": rows["rows"].latest(),
        "output": rows["scores"],
    }
    args |= {key: value(rows, hub) if callable(value) else value for key, value in given.items()}
    mlops.BatchInference("nightly", platform=hub, **args)


def folder(backend: str, number: int) -> str:
    """Name a folder with a model's files that steps of the backend reach."""
    return f"{WORDS[backend].rows}models/{number}/"


def one(field: str, before: Any, after: Any, entry: str | None = None) -> Change:
    """Change one argument."""
    old = {} if before is None else {field: before}
    return (entry or f"{NOUN}.{field}", NOUN, old, {field: after})


def read(name: str) -> Callable[[Any, Any], mlops.DatasetView]:
    """Read a dataset."""
    return lambda rows, _: rows[name].latest()


def changes(backend: str) -> list[Change]:
    """List what a backend takes."""
    image = IMAGES[backend]
    model = {"image": image, "artifact": folder(backend, 1)}
    return [
        one("model", model, {**model, "artifact": folder(backend, 2)}),
        one("command", ["score"], ["score", "--more"]),
        one("input", None, read("other")),
        one("output", None, lambda rows, _: rows["more"]),
        one("keep", [], ["id"]),
        one("tolerate_percent", 0, 1),
        one("schedule", None, SCHEDULE),
        one("schedule", SCHEDULE, {"cron": "0 4 * * *"}),
        (f"{NOUN}.overlap", NOUN, {"schedule": SCHEDULE}, {"schedule": SCHEDULE, "overlap": "skip"}),
        one("environment", {}, {"LEVEL": "debug"}),
        one("secrets", None, lambda _, hub: {"token": hub.secret("token")}),
        one("compute", None, {"cpus": 8, "memory_gb": 32}),
        one("max_hours", 24, 2),
        one("retries", 0, 2),
        one("alerts", True, False),
        one("tags", {}, {"team": "search"}),
        (f"{NOUN}.image", NOUN, {"model": {"image": image}}, {"model": {"image": f"{image}-2"}}),
    ]
