"""The platform that ``pulumi-mlops verify`` brings up: all nouns of the loop, as small as they go.

It is an ordinary program. What the command was told is in the stack's configuration, under ``settings``.
"""

from typing import Any

import pulumi

import pulumi_mlops as mlops
from pulumi_mlops.components.batch_inference import SERVER
from pulumi_mlops.core import registry as backends
from pulumi_mlops.jobs import toy
from pulumi_mlops.steps.prepare import PrepareStep
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.verify import ground

PIPELINE, MODEL, ENDPOINT, MONITOR, BATCH, SCORES = "learn", "toy", "answer", "drift", "score", "scores"
PREDICTION = toy.PREDICTION
LOOK, SCORING = "look", "scoring"
"""The outputs with the pipelines of the monitor and of the batch."""
SETTINGS = "settings"
MINIMUM_ROWS = 200
"""Rows that the monitor needs to say anything."""
TOY = "toy.py"
_SCORES = ["sh", "-c", f'exec python3 "$MLOPS_INPUT_MODEL/{TOY}" score']
"""What scores where no model server does: the model brings its program."""


class Rows(PrepareStep):
    """Writes the rows."""

    programs = (TOY,)


class Fit(TrainStep):
    """Fits the toy model."""

    programs = (TOY,)


def declare() -> None:
    """Declare it."""
    told: dict[str, Any] = pulumi.Config().require_object(SETTINGS)
    image: str = told["image"]
    existing: Any = told.get("existing") or {}
    every: int = told["every_minutes"]
    pace = ground.pace(told["backend"])
    small: Any = dict(pace.step)
    serving: Any = dict(pace.serving)
    # Where the backend has no model server of its own, the image that trains the model answers and scores as well.
    own: Any = {} if server(told["backend"]) else {"image": image}
    scored: Any = {**own, "command": _SCORES} if own else {}
    platform = mlops.Platform(
        told["name"],
        backend=told["backend"],
        region=told.get("region"),
        stage=ground.STAGE,
        existing=existing,
        tags={"purpose": "verify"},
    )
    registry = mlops.ModelRegistry("models", platform=platform)
    model = mlops.Model(MODEL, registry=registry, gate={"accuracy": ">=0.9"})
    rows = mlops.Dataset("rows", platform=platform, format="csv")
    scores = mlops.Dataset(SCORES, platform=platform, format="csv")
    drawn = Rows.made_by(
        {
            "image": image,
            "command": _runs("rows"),
            "outputs": ["seen", "scored"],
            "publish": {"scored": rows},
            "compute": small,
        }
    )
    fit = Fit.made_by(
        {
            "image": image,
            "command": _runs("fit"),
            "inputs": {"rows": drawn.out("seen")},
            "outputs": ["model", "baseline"],
            "metrics": ["accuracy"],
            "parameters": {"flaw": mlops.parameter("flaw")},
            "compute": small,
        }
    )
    learn = mlops.Pipeline(
        PIPELINE,
        platform=platform,
        parameters={"flaw": False},
        steps={
            "rows": drawn,
            "fit": fit,
            "register": mlops.register(model, fit.out("model"), metrics=[fit.metric("accuracy")], **own),
        },
    )
    version = model.approved(otherwise="wait")
    answer = mlops.Endpoint(
        ENDPOINT,
        platform=platform,
        model=version,
        serve=own,
        compute=serving,
        scaling={"min": pace.replicas, "max": pace.replicas},
        capture_percent=100,
        release={"canary": {"percent": pace.canary_percent, "bake_minutes": pace.bake_minutes}},
    )
    drift = mlops.Monitor(
        MONITOR,
        endpoint=answer,
        baseline=fit.out("baseline"),
        image=told["drift_image"],
        signals=[{"kind": "data_drift", "threshold": 0.2}],
        minimum_rows=MINIMUM_ROWS,
        schedule={"cron": f"*/{every} * * * *"},
        on_breach={"run": learn, "cooldown_hours": every / 60},
        compute=small,
    )
    score = mlops.BatchInference(
        BATCH,
        platform=platform,
        model=version,
        input=rows.latest(),
        output=scores,
        keep=["id"],
        compute=small,
        **scored,
    )
    for one in (platform, model, learn, answer, drift, score):
        pulumi.export(one.ref.name, one.ref.export())
    for output, pipeline in ((LOOK, drift.ref.pipeline), (SCORING, score.ref.pipeline)):
        if pipeline is not None:
            pulumi.export(output, pipeline.export())


def server(backend: str) -> str | None:
    """Name the image of a backend's own model server, where it has one: it has numpy and MLflow."""
    found = backends.load(backend).find(SERVER)
    return found() if found else None


def _runs(word: str) -> list[str]:
    return ["python3", f"$(MLOPS_PROGRAMS)/{TOY}", word]
