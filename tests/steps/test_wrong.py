"""Wrong pipelines: each is refused by one error, which names the field and what to write, before anything is made."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from support.facts import kubernetes as k8s
from support.facts.aws import HUB, IMAGE, MODEL, hub
from support.mocks import Cloud

RUN: Any = {"image": IMAGE, "command": ["run"]}
OVER: Any = {"lr": {"log_uniform": [1e-5, 1e-2]}}
GPUS = mlops.TrainingClusterRef(
    name="gpus",
    backend="aws",
    platform=HUB,
    accelerators=4,
    nodes_max=2,
    cpus=8,
    memory_gb=32,
    address={},
)
ITSELF = mlops.PipelineRef(
    name="retrain", backend="aws", platform=HUB, runs="s3://a/", address={"name": "n", "arn": "a"}
)
ROWS = mlops.DatasetRef(
    name="rows", backend="aws", platform=HUB, location="s3://rows/", address={"key": "k", "database": None}
)
WANDB = mlops.ExperimentTrackerRef(
    name="runs", backend="aws", platform=HUB, engine="wandb", url="https://wandb.ai/acme", project="churn"
)
NO_WAIT: Any = {}
NOT_YET = mlops.ModelVersionRef(name="churn", backend="aws", platform=HUB)
AWAY = mlops.ModelVersionRef(name="churn", backend="azure", platform=HUB, version=3, files="https://a.blob/x/")


def fit(**args: Any) -> mlops.TrainStep:
    return mlops.train(**(RUN | args))


def judge(model: mlops.TrainStep, **args: Any) -> mlops.EvaluateStep:
    return mlops.evaluate(**(RUN | {"inputs": {"model": model.out("model")}, "metrics": ["auc"]} | args))


def pipeline(steps: Any = None, on: Any = HUB, **args: Any) -> mlops.Pipeline:
    return mlops.Pipeline("retrain", platform=on, steps=steps or {"fit": fit()}, alerts=False, **args)


def a_circle() -> object:
    first = fit()
    rows = mlops.prepare(**RUN, inputs={"model": first.out("model")}, outputs=["rows"])
    first.inputs["rows"] = rows.out("rows")
    return pipeline({"fit": first, "rows": rows})


def registered(**args: Any) -> dict[str, mlops.Step]:
    model = fit()
    return {"fit": model, "register": mlops.register(MODEL, model.out("model"), **args)}


def under_two_conditions() -> object:
    model = fit()
    one, two = judge(model), judge(model)
    first = mlops.prepare(**RUN, outputs=["a"], when=one.metric("auc") > 0.5)
    second = mlops.prepare(**RUN, outputs=["b"], when=two.metric("auc") > 0.5)
    last = mlops.prepare(**RUN, outputs=["c"], inputs={"a": first.out("a"), "b": second.out("b")})
    return pipeline({"fit": model, "one": one, "two": two, "first": first, "second": second, "last": last})


def tune(**args: Any) -> object:
    return mlops.tune(fit(), **({"maximize": "auc", "trials": 2, "over": OVER} | args))


def twice() -> object:
    model = fit()
    return pipeline({"fit": model, "again": model})


def score(model: Any, **inputs: Any) -> object:
    first = fit()
    taken = inputs or {"rows": first.out("model")}
    return pipeline({"fit": first, "score": mlops.batch(model, **RUN, inputs=taken)})


def beyond_the_quota() -> object:
    hub = replace(k8s.HUB, address={**k8s.HUB.address, "quota": {"cpus": 64, "memory_gb": 256.0, "accelerators": 4}})
    return pipeline({"fit": fit(image="r.example.com/a:1", compute={"accelerator": "A100:8"})}, hub)


WRONG: dict[str, tuple[Callable[[], object], str, str]] = {
    "steps in a circle": (
        a_circle,
        "steps",
        "fit: waits for itself (fit after rows after fit); take one of these inputs",
    ),
    "an output that is not there": (
        lambda: fit().out("modle"),
        "out",
        "'modle' is no output of this step; did you mean 'model'?",
    ),
    "a metric that is not there": (
        lambda: fit().metric("auc"),
        "metric",
        "it has none; write metrics=[…] in mlops.train(…)",
    ),
    "a condition that is no comparison": (
        lambda: judge(fit(), when=fit().out("model")),
        "when",
        "write judge.metric('auc') >= 0.9",
    ),
    "a condition that is judged at once": (
        lambda: bool(judge(fit()).metric("auc") > 1),
        "when",
        "join conditions with `&`",
    ),
    "spot without a longest wait": (
        lambda: mlops.TrainingCluster("gpus", platform=HUB, spot=NO_WAIT),
        "spot.max_wait_hours",
        "is required",
    ),
    "8 GPUs where machines have 4": (
        lambda: pipeline({"fit": fit(compute={"accelerator": "T4:6"})}),
        "steps.fit.compute.accelerator",
        "T4",
    ),
    "more machines than the cluster has": (lambda: fit(cluster=GPUS, nodes=4), "nodes", "4 nodes are more than the 2"),
    "more than the quota": (
        beyond_the_quota,
        "steps.fit.compute",
        "needs 8 accelerators, and the platform's quota is 4",
    ),
    "a cron that never fires": (lambda: pipeline(schedule={"cron": "0 3 30 2 *"}), "schedule.cron", "never happens"),
    "a cron of four fields": (lambda: pipeline(schedule={"cron": "0 3 * *"}), "schedule.cron", "write five"),
    "no such time zone": (
        lambda: pipeline(schedule={"cron": "0 3 * * *", "timezone": "Berlin"}),
        "schedule.timezone",
        "IANA database",
    ),
    "a search without bounds": (lambda: tune(over={"lr": {}}), "over.lr", "none is given"),
    "a search with one bound": (lambda: tune(over={"lr": {"uniform": [1]}}), "over.lr.uniform", "needs at least 2"),
    "a search from high to low": (
        lambda: tune(over={"lr": {"uniform": [2, 1]}}),
        "over.lr.uniform",
        "lower bound first",
    ),
    "a search for nothing": (lambda: tune(maximize=None), "", "takes exactly one of 'maximize' and 'minimize'"),
    "more trials at a time than in all": (lambda: tune(parallel=3), "parallel", "write at most 2"),
    "a step without a program": (lambda: fit(command=[]), "command", "needs at least 1"),
    "a step that is not among them": (lambda: pipeline({"judge": judge(fit())}), "steps", "add it there under a name"),
    "a step that is there twice": (twice, "steps", "call mlops.train(…) once for each"),
    "a parameter that nobody declared": (
        lambda: pipeline({"fit": fit(parameters={"days": mlops.parameter("days")})}),
        "steps",
        "add it with its default",
    ),
    "a parameter that nobody uses": (
        lambda: pipeline(parameters={"days": 3}),
        "steps",
        "write mlops.parameter('days')",
    ),
    "an approval of its own version": (
        lambda: pipeline(registered(image=IMAGE), triggers=[{"approval": MODEL}]),
        "triggers[0].approval",
        "would start itself",
    ),
    "after itself": (lambda: pipeline(triggers=[{"pipeline": ITSELF}]), "triggers[0].pipeline", "would start itself"),
    "one trigger twice": (
        lambda: pipeline(triggers=[{"alarm": "drift"}, {"alarm": "drift"}]),
        "triggers[1].alarm",
        "leave one out",
    ),
    "nothing to skip": (lambda: pipeline(overlap="skip"), "overlap", "leave it out"),
    "a version without its image": (
        lambda: pipeline(registered()),
        "steps.register.image",
        "write image=… in mlops.register(…)",
    ),
    "two conditions that cross": (under_two_conditions, "steps.last", "give both the same condition"),
    "a model that is not approved": (lambda: score(NOT_YET), "model", "no version of 'churn' is approved yet"),
    "a model of another cloud": (
        lambda: score(AWAY),
        "steps",
        "score.inputs.model: version 3 of 'churn' lives on 'azure'",
    ),
    "nothing to score": (lambda: mlops.batch(fit().out("model"), **RUN), "inputs", "is required"),
    "an output that is published and not made": (
        lambda: fit(publish={"modle": ROWS}),
        "publish",
        "'modle' is no output of this step; did you mean 'model'? (it has: model)",
    ),
    "two outputs in one dataset": (
        lambda: fit(outputs=["a", "b"], publish={"a": ROWS, "b": ROWS}),
        "publish",
        "'a' and 'b' would be two versions of 'rows' at one time",
    ),
    "a dataset whose versions are entered elsewhere": (
        lambda: fit(publish={"model": replace(ROWS, tracker=WANDB)}),
        "publish",
        "enters its versions in wandb as well, which no step does by itself; publish in the command",
    ),
    "trials that publish": (
        lambda: mlops.tune(fit(publish={"model": ROWS}), maximize="auc", trials=2, over=OVER),
        "fit",
        "every trial would; publish in another step",
    ),
    "a dataset of another platform": (
        lambda: pipeline({"fit": fit(publish={"model": replace(ROWS, platform=hub("other"))})}),
        "steps.fit.publish.model",
        "'rows' is of platform 'other' (dev, aws); publish into a Dataset of 'churn'",
    ),
    "a pipeline that is started by what it publishes": (
        lambda: pipeline({"fit": fit(publish={"model": ROWS})}, triggers=[{"data": ROWS}]),
        "triggers[0].data",
        "would start itself, since step 'fit' publishes versions of it",
    ),
    "a longest time of nothing": (lambda: fit(max_hours=0), "max_hours", "must be above 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_by_one_error_before_anything_is_made(name: str) -> None:
    build, field, told = WRONG[name]
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: build() and None)
    (problem,) = caught.value.problems
    assert (problem.field, told in problem.message) == (field, True), problem
    assert not cloud.registered
