"""Programs that differ in one argument of a pipeline, of one of its steps, or of a tracker."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi_mlops as mlops
from support.changes.common import BY_TOKEN, CLEARML, MLFLOW, WANDB, hidden
from support.conformance.programs import (
    SECRET,
    Build,
    model,
    pipeline,
    platform,
    registry,
    several,
    tracker,
    training,
)
from support.conformance.words import Words

Args = Mapping[str, Any]
OVER = {"lr": {"uniform": [0.1, 0.9]}}
OTHER = "another-one"


def step(words: Words, kind: str, **args: Any) -> mlops.Step:
    """Make a step with what it must have."""
    made: dict[str, Any] = {
        "prepare": {"outputs": ["rows"]},
        "train": {},
        "evaluate": {"metrics": ["auc"]},
    }[kind]
    found: mlops.Step = getattr(mlops, kind)(**({"image": words.image, "command": ["run"], **made} | args))
    return found


def after_one(kind: str, change: Callable[[mlops.EvaluateStep, mlops.Platform], Args]) -> tuple[Build, Build]:
    """Compare a step after another with the same one that names it."""

    def build(words: Words, *, named: bool) -> mlops.Pipeline:
        hub = platform(words, secrets={"token": SECRET})
        first = mlops.evaluate(image=words.image, command=["first"], outputs=["seen"], metrics=["ready"])
        args = change(first, hub) if named else {}
        return pipeline(words, hub, steps={"first": first, "it": step(words, kind, **args)})

    return lambda words: build(words, named=True), lambda words: build(words, named=False)


def alone(kind: str, **args: Any) -> tuple[Build, Build]:
    """Compare a step with the same one without something."""
    return (
        lambda words: pipeline(words, steps={"it": step(words, kind, **args)}),
        lambda words: pipeline(words, steps={"it": step(words, kind)}),
    )


def work(noun: str) -> dict[str, tuple[Build, Build]]:
    """Try what every step that runs a container takes."""
    kind = noun.lower()
    made = {"prepare": "rows", "train": "model", "evaluate": "page"}[kind]
    measured = ["auc", "seconds"] if kind == "evaluate" else ["seconds"]
    found = {
        "when": after_one(kind, lambda first, _: {"when": first.metric("ready") >= 1}),
        "inputs": after_one(kind, lambda first, _: {"inputs": {"x": first.out("seen")}}),
        "secrets": after_one(kind, lambda _, hub: {"secrets": {"token": hub.secret("token")}}),
        "image": alone(kind, image="registry.example.com/other:1"),
        "command": alone(kind, command=["run", "--more"]),
        "outputs": alone(kind, outputs=[made, "further"]),
        "metrics": alone(kind, metrics=measured),
        "parameters": alone(kind, parameters={"days": 90}),
        "environment": alone(kind, environment={"LEVEL": "debug"}),
        "compute.cpus": alone(kind, compute={"cpus": 16, "memory_gb": 4}),
        "compute.memory_gb": alone(kind, compute={"cpus": 2, "memory_gb": 64}),
        "compute.accelerator": alone(kind, compute={"accelerator": "T4:1"}),
        "max_hours": alone(kind, max_hours=2),
    }
    return {f"{noun}.{field}": pair for field, pair in found.items()}


def searched(words: Words, **args: Any) -> mlops.Pipeline:
    """Declare a search."""
    fit = training(words, metrics=["auc", "loss"])
    least: dict[str, Any] = {"over": OVER, "trials": 4}
    goal = {} if "minimize" in args else {"maximize": "auc"}
    return pipeline(words, steps={"tune": mlops.tune(fit, **(least | goal | args))})


def searches(**args: Any) -> tuple[Build, Build]:
    """Compare a search with the same one that differs in something."""
    return lambda words: searched(words, **args), searched


def searched_if(words: Words, *, asked: bool) -> mlops.Pipeline:
    """Declare a search under a condition."""
    first = step(words, "evaluate")
    when = {"when": first.metric("auc") >= 0.5} if asked else {}
    best = mlops.tune(training(words), maximize="auc", over=OVER, trials=4, **when)  # type: ignore[arg-type]
    return pipeline(words, steps={"first": first, "tune": best})


def registers(change: Callable[[mlops.EvaluateStep, mlops.TrainStep, mlops.Model], Args]) -> tuple[Build, Build]:
    """Compare a registration with the same one that differs in something."""

    def build(words: Words, *, changed: bool) -> mlops.Pipeline:
        hub = platform(words)
        models = registry(words, hub)
        churn, other = model(words, models), mlops.Model("other", registry=models)
        judge, fit = mlops.evaluate(image=words.image, command=["run"], metrics=["auc"]), training(words)
        spare = training(words)
        args = {"model": churn, "files": fit.out("model"), "image": words.image}
        args |= change(judge, spare, other) if changed else {}
        keep = mlops.register(args.pop("model"), args.pop("files"), **args)  # type: ignore[arg-type]
        return pipeline(words, hub, steps={"judge": judge, "fit": fit, "spare": spare, "keep": keep})

    return lambda words: build(words, changed=True), lambda words: build(words, changed=False)


def with_parameter(words: Words, days: int = 30) -> mlops.Pipeline:
    """Declare a pipeline that is started with a number."""
    fit = training(words, parameters={"days": mlops.parameter("days")})
    return pipeline(words, parameters={"days": days}, steps={"fit": fit})


def recorded(**given: Any) -> Build:
    """Declare a tracker; keys become secrets within the program."""
    return lambda words: tracker(words, **hidden(given))


def of_engine(name: str, given: Args, *fields: str) -> dict[str, tuple[Build, Build]]:
    """Try arguments of an engine that are addresses, names or keys."""
    urls = ("url", "api", "web", "files", "base_url")
    values = {field: f"https://{OTHER}.example.com" if field in urls else OTHER for field in fields}
    return {
        f"ExperimentTracker.{name}.{field}": (recorded(**{name: {**given, field: value}}), recorded(**{name: given}))
        for field, value in values.items()
    }


TRACKERS: Mapping[str, tuple[Build, Build]] = {
    "ExperimentTracker.managed.experiment": (lambda w: tracker(w, managed={"experiment": OTHER}), tracker),
    **of_engine("mlflow", MLFLOW, "url", "experiment", "username", "password"),
    **of_engine("mlflow", BY_TOKEN, "token"),
    **of_engine("wandb", WANDB, "entity", "project", "api_key", "base_url"),
    **of_engine("clearml", CLEARML, *CLEARML),
    "ExperimentTracker.tags": (recorded(wandb=WANDB, tags={"tier": "gold"}), recorded(wandb=WANDB)),
}
"""Most of these are in no resource: what others are told of a tracker follows from its ref."""
STEPS: Mapping[str, tuple[Build, Build]] = {
    **work("Prepare"),
    **work("Evaluate"),
    **work("Train"),
    "Tune.when": (lambda w: searched_if(w, asked=True), lambda w: searched_if(w, asked=False)),
    "Tune.fit": (searched, lambda w: pipeline(w, steps={"tune": training(w)})),
    "Tune.maximize": searches(maximize="loss"),
    "Tune.minimize": searches(minimize="auc"),
    "Tune.over.uniform": searches(over={"lr": {"uniform": [0.1, 0.8]}}),
    "Tune.over.log_uniform": searches(over={"lr": {"log_uniform": [0.1, 0.9]}}),
    "Tune.over.integer": searches(over={"lr": {"integer": [1, 9]}}),
    "Tune.over.choice": searches(over={"lr": {"choice": [0.1, 0.9]}}),
    "Tune.trials": searches(trials=8),
    "Tune.parallel": searches(parallel=2),
    "Register.when": registers(lambda judge, _, __: {"when": judge.metric("auc") >= 0.9}),
    "Register.model": registers(lambda _, __, other: {"model": other}),
    "Register.files": registers(lambda _, spare, __: {"files": spare.out("model")}),
    "Register.metrics": registers(lambda judge, _, __: {"metrics": [judge.metric("auc")]}),
    "Register.metadata": registers(lambda _, __, ___: {"metadata": {"license": "internal"}}),
    "Pipeline.parameters": (lambda w: with_parameter(w, 90), with_parameter),
    "Pipeline.steps": (several, pipeline),
    "Pipeline.tags": (lambda w: pipeline(w, tags={"tier": "gold"}), pipeline),
}
ASKED = {
    "ExperimentTracker.managed.published": "experiment_tracker.published",
    "ExperimentTracker.managed.size": "experiment_tracker.size",
    "ExperimentTracker.platform": "experiment_tracker",
    **{
        f"{noun}.{field}": f"pipeline.{field}"
        for noun in ("Prepare", "Evaluate", "Train")
        for field in ("retries", "tracker", "publish")
    },
    "Train.cluster": "pipeline.cluster",
    "Train.nodes": "pipeline.distributed",
    "Train.launcher": "pipeline.distributed",
    "Train.checkpoints": "pipeline.checkpoints",
    "Register.image": "pipeline.register.image",
    "Pipeline.platform": "pipeline",
    "Pipeline.schedule.cron": "pipeline.schedule",
    "Pipeline.schedule.timezone": "pipeline.schedule",
    "Pipeline.triggers.alarm": "pipeline.triggers.alarm",
    "Pipeline.triggers.data": "pipeline.triggers.data",
    "Pipeline.triggers.approval": "pipeline.triggers.approval",
    "Pipeline.triggers.pipeline": "pipeline.triggers.pipeline",
    "Pipeline.overlap": "pipeline.overlap.skip",
    "Pipeline.parallel": "pipeline.parallel",
    "Pipeline.alerts": "pipeline.alerts",
}
"""As ``ASKED`` of tests/conformance/test_arguments.py."""
