"""Changes of a pipeline and its steps, in words that every backend takes: a row is as in the backends' own files.

The arguments of the noun are those of each step by its name, and the pipeline's own under ``pipeline``. What a program
has to make before it can be named is a function of :class:`Around`, called within the program.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pulumi_mlops as mlops
from support.conformance.words import WORDS
from support.facts import aws, azure, kubernetes
from support.mocks import ACCOUNT, REGION

Change = tuple[str, str, dict[str, Any], dict[str, Any]]
Triggers = Callable[["Around"], list[dict[str, Any]]]
SMALL = {"cpus": 2, "memory_gb": 4}
IMAGES = {"aws": aws.IMAGE, "azure": azure.IMAGE, "kubernetes": kubernetes.IMAGE}
HUBS = {
    "aws": aws.hub("hub", secrets={"token": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-dev/token-AbCdEf"}),
    "azure": azure.hub("hub", secrets={"token": f"{azure.VAULT}/secrets/token"}),
    "kubernetes": kubernetes.hub("hub", secrets={"token": "hub-token"}),
}
"""Platforms that another stack has made."""


@dataclass(frozen=True)
class Around:
    """What stands around the pipeline; each is made when it is first named."""

    platform: mlops.PlatformRef
    steps: dict[str, mlops.Step]
    """The steps that were made so far, by name."""

    @cached_property
    def gpus(self) -> mlops.TrainingCluster:
        """Machines."""
        return mlops.TrainingCluster("gpus", platform=self.platform, compute={"cpus": 4, "memory_gb": 16})

    @cached_property
    def runs(self) -> mlops.ExperimentTracker:
        """A tracker."""
        return mlops.ExperimentTracker("runs", platform=self.platform)

    @cached_property
    def registry(self) -> mlops.ModelRegistry:
        """A registry."""
        return mlops.ModelRegistry("models", platform=self.platform)

    @cached_property
    def churn(self) -> mlops.Model:
        """The model that is registered."""
        return mlops.Model("churn", registry=self.registry)

    @cached_property
    def other(self) -> mlops.Model:
        """Another model."""
        return mlops.Model("other", registry=self.registry)

    @cached_property
    def third(self) -> mlops.Model:
        """A third model."""
        return mlops.Model("third", registry=self.registry)

    @cached_property
    def visits(self) -> mlops.Dataset:
        """Rows."""
        return mlops.Dataset("visits", platform=self.platform)

    @cached_property
    def orders(self) -> mlops.Dataset:
        """Other rows."""
        return mlops.Dataset("orders", platform=self.platform)

    @property
    def alarm(self) -> str:
        """An alarm."""
        return str(WORDS[self.platform.backend].alarm)

    @cached_property
    def one(self) -> mlops.Pipeline:
        """Another pipeline."""
        return self._first("one")

    @cached_property
    def two(self) -> mlops.Pipeline:
        """A third one."""
        return self._first("two")

    def _first(self, name: str) -> mlops.Pipeline:
        step = mlops.train(image=self.image, command=["first"], compute=SMALL)
        return mlops.Pipeline(name, platform=self.platform, alerts=False, steps={"fit": step})

    @property
    def image(self) -> str:
        """The image of the first step."""
        return IMAGES[self.platform.backend]


def pipeline(backend: str, given: Mapping[str, Mapping[str, Any]]) -> None:
    """Declare the pipeline, with other arguments for some of its steps."""
    platform = HUBS[backend]
    around = Around(platform, {})

    def args(name: str, **usual: Any) -> dict[str, Any]:
        found = {**usual, **given.get(name, {})}
        return {key: value(around) if callable(value) else value for key, value in found.items()}

    def work(name: str, **usual: Any) -> dict[str, Any]:
        return args(name, **{"image": around.image, "command": [name], **usual})

    steps = around.steps
    steps["check"] = mlops.evaluate(**work("check", outputs=["seen"], metrics=["ready"]))
    steps["rows"] = rows = mlops.prepare(**work("rows", outputs=["rows"]))
    steps["fit"] = fit = mlops.train(**work("fit", inputs={"rows": rows.out("rows")}))
    tuned = mlops.train(**work("tuned", inputs={"rows": rows.out("rows")}, metrics=["auc", "f1", "loss"]))
    over = {"lr": {"log_uniform": [1e-5, 1e-2]}, "depth": {"integer": [2, 9]}, "kind": {"choice": ["a", "b"]}}
    searched = args("tune", maximize="auc", trials=4, parallel=2, over={**over, "keep": {"uniform": [0.1, 0.9]}})
    steps["tune"] = mlops.tune(tuned, **searched)
    steps["judge"] = judge = mlops.evaluate(**work("judge", inputs={"model": fit.out("model")}, metrics=["auc"]))
    scored = {"model": fit.out("model"), **work("score", inputs={"rows": rows.out("rows")})}
    steps["score"] = mlops.batch(scored.pop("model"), **scored)
    kept = {"model": around.churn, "files": fit.out("model"), "image": around.image, **args("register")}
    good = judge.metric("auc") >= mlops.parameter("least")
    steps["register"] = mlops.register(kept.pop("model"), kept.pop("files"), **{"when": good, **kept})
    if "more" in given:
        steps["more"] = mlops.prepare(**work("more", outputs=["more"]))
    _ = [build(around) for build in given.get("beside", {}).values()]
    whole = args("pipeline", parameters={"least": 0.9}, schedule={"cron": "0 3 * * MON"})
    mlops.Pipeline("retrain", platform=platform, steps=steps, **whole)


def metric(step: str, name: str, bound: float) -> Callable[[Around], mlops.Condition]:
    """Ask for a number of another step."""
    return lambda around: around.steps[step].metric(name) >= bound


def out(step: str, name: str) -> Callable[[Around], mlops.Out]:
    """Take what another step makes."""
    return lambda around: around.steps[step].out(name)


def part(entry: str, step: str, before: dict[str, Any] | None = None, **change: Any) -> Change:
    """Change one field of a step."""
    (field,) = change
    old = before or {}
    return (f"{entry}.{field}", "Pipeline", {step: old} if old else {}, {step: {**old, **change}})


def whole(field: str, before: Any, after: Any, entry: str | None = None) -> Change:
    """Change one field of the pipeline."""
    return (entry or f"Pipeline.{field}", "Pipeline", {"pipeline": {field: before}}, {"pipeline": {field: after}})


def refused(changes: list[Change]) -> list[tuple[str, str, dict[str, Any]]]:
    """Have a backend refuse what others take."""
    return [(entry, noun, after) for entry, noun, _, after in changes]


def watched(entry: str, before: Triggers, after: Triggers) -> Change:
    """Have something else start the pipeline; what either names is there before and after."""
    beside = {"before": before, "after": after}
    return (
        entry,
        "Pipeline",
        {"beside": beside, "pipeline": {"triggers": before}},
        {"pipeline": {"triggers": after}},
    )


def _of_work(entry: str, step: str) -> Iterator[Change]:
    made = {"Prepare": "rows", "Evaluate": "page", "Train": "model", "Batch": "scores"}[entry]
    measured = {"Prepare": [], "Evaluate": ["auc"], "Train": [], "Batch": []}[entry]
    yield part(entry, step, when=metric("check", "ready", 1))
    yield part(entry, step, {"when": metric("check", "ready", 1)}, when=metric("check", "ready", 2))
    yield part(entry, step, image=lambda around: around.image + "-2")
    yield part(entry, step, command=[step, "--more"])
    yield part(entry, step, inputs=lambda around: {"seen": around.steps["check"].out("seen")})
    yield part(entry, step, outputs=[made, "further"])
    yield part(entry, step, metrics=[*measured, "seconds"])
    yield part(entry, step, parameters={"days": 90})
    yield part(entry, step, {"parameters": {"days": 90}}, parameters={"days": 30})
    yield part(entry, step, environment={"LEVEL": "debug"})
    yield part(entry, step, secrets=lambda around: {"token": around.platform.secret("token")})
    yield part(entry, step, max_hours=2)
    yield part(entry, step, retries=2)


SCHEDULE = {"cron": "0 3 * * MON"}
PIPELINES: list[Change] = [
    *_of_work("Prepare", "rows"),
    *_of_work("Evaluate", "judge"),
    *_of_work("Train", "fit"),
    *_of_work("Batch", "score"),
    part("Batch", "score", model=out("tune", "model")),
    *(
        part(entry, step, compute={"cpus": 8, "memory_gb": 32})
        for entry, step in (("Prepare", "rows"), ("Train", "fit"), ("Batch", "score"))
    ),
    part("Evaluate", "judge", compute={"cpus": 8, "memory_gb": 32}),
    part("Train", "fit", nodes=2),
    part("Train", "fit", {"nodes": 2}, nodes=3),
    part("Train", "fit", {"nodes": 2}, launcher="torchrun"),
    part("Train", "fit", checkpoints=True),
    part("Tune", "tune", when=metric("check", "ready", 1)),
    ("Tune.fit", "Pipeline", {}, {"tuned": {"command": ["tuned", "--more"]}}),
    part("Tune", "tune", maximize="f1"),
    ("Tune.minimize", "Pipeline", {}, {"tune": {"maximize": None, "minimize": "loss"}}),
    part("Tune", "tune", over={"lr": {"log_uniform": [1e-5, 1e-2]}}),
    part("Tune", "tune", trials=8),
    part("Tune", "tune", parallel=4),
    *(
        (f"Search.{kind}", "Pipeline", {"tune": {"over": {"x": {kind: old}}}}, {"tune": {"over": {"x": {kind: new}}}})
        for kind, old, new in (
            ("uniform", [0.1, 0.9], [0.1, 0.8]),
            ("log_uniform", [0.001, 0.9], [0.001, 0.8]),
            ("integer", [2, 9], [2, 10]),
            ("choice", [4, 6], [4, 6, 8]),
        )
    ),
    part("Register", "register", when=lambda around: around.steps["judge"].metric("auc") > mlops.parameter("least")),
    (
        "Register.model",
        "Pipeline",
        {"beside": {"other": lambda around: around.other}},
        {"register": {"model": lambda around: around.other}},
    ),
    part("Register", "register", files=out("tune", "model")),
    part("Register", "register", image=lambda around: around.image + "-2"),
    part("Register", "register", metrics=lambda around: [around.steps["tune"].metric("f1")]),
    part("Register", "register", metadata={"license": "internal"}),
    whole("parameters", {"least": 0.9}, {"least": 0.8}),
    ("Pipeline.steps", "Pipeline", {}, {"more": {}}),
    whole("schedule", None, SCHEDULE),
    whole("schedule", SCHEDULE, {"cron": "0 4 * * *"}),
    whole("schedule", SCHEDULE, None),
    whole("schedule", SCHEDULE, {"cron": "0 4 * * *"}, "Schedule.cron"),
    whole("schedule", SCHEDULE, {**SCHEDULE, "timezone": "Europe/Berlin"}, "Schedule.timezone"),
    whole("parallel", None, 2),
    whole("alerts", True, False),
    whole("tags", {}, {"team": "search"}),
    watched("Pipeline.triggers", lambda _: [], lambda around: [{"approval": around.other}]),
    watched("Pipeline.triggers", lambda _: [], lambda around: [{"data": around.visits}]),
    watched(
        "Trigger.approval",
        lambda around: [{"approval": around.other}],
        lambda around: [{"approval": around.third}],
    ),
    watched("Trigger.data", lambda around: [{"data": around.visits}], lambda around: [{"data": around.orders}]),
    watched("Trigger.alarm", lambda around: [{"alarm": around.alarm}], lambda around: [{"alarm": f"{around.alarm}-2"}]),
]
"""What each backend takes."""

TRACKED: list[Change] = [
    (
        f"{entry}.tracker",
        "Pipeline",
        {"beside": {"runs": lambda around: around.runs}},
        {step: {"tracker": lambda around: around.runs}},
    )
    for entry, step in (("Prepare", "rows"), ("Evaluate", "judge"), ("Train", "fit"), ("Batch", "score"))
]
"""Where steps record."""
PUBLISHED: list[Change] = [
    (
        f"{entry}.publish",
        "Pipeline",
        {"beside": {"visits": lambda around: around.visits}, step: {"outputs": [made]}},
        {step: {"outputs": [made], "publish": lambda around, made=made: {made: around.visits}}},
    )
    for entry, step, made in (
        ("Prepare", "rows", "rows"),
        ("Evaluate", "judge", "page"),
        ("Train", "fit", "model"),
        ("Batch", "score", "scores"),
    )
]
"""Where outputs become versions of a dataset."""
CLUSTERED: list[Change] = [
    (
        "Train.cluster",
        "Pipeline",
        {"beside": {"gpus": lambda around: around.gpus}},
        {"fit": {"cluster": lambda around: around.gpus}},
    )
]
"""Where trainings run on the machines of a cluster."""
AFTER_ANOTHER: list[Change] = [
    watched("Trigger.pipeline", lambda around: [{"pipeline": around.one}], lambda around: [{"pipeline": around.two}])
]
"""Where the success of a pipeline starts another."""
