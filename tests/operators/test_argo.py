"""What this backend writes for Argo Workflows is judged by Argo's own linter.

Not a part of `make test`, since building it takes some minutes: `make operators`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pulumi_mlops as mlops
from support.conformance.programs import PROGRAMS
from support.conformance.running import run, working
from support.facts.kubernetes import HUB
from support.mocks import Cloud, Registration
from support.operators import argo

pytestmark = [pytest.mark.operators, pytest.mark.timeout(1800)]

KINDS = ("WorkflowTemplate", "CronWorkflow")
IMAGE = "registry.example.com/churn/train:1"
MODEL = mlops.ModelRef(
    name="churn", backend="kubernetes", platform=HUB, address={"model": "churn", "registry": "models"}
)
Steps = dict[str, mlops.Step]


def of_argo(registered: list[Registration]) -> Iterator[dict[str, Any]]:
    """Yield what Argo judges, templates before what starts them."""
    for kind in KINDS:
        yield from (whole(one.inputs) for one in registered if one.type.endswith(f":{kind}"))


def whole(value: Any) -> Any:
    """Write whole numbers without a point, as the provider sends them: the engine knows one kind of number."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fit(**args: Any) -> mlops.TrainStep:
    return mlops.train(**({"image": IMAGE, "command": ["train"]} | args))


def judge(of: mlops.Out, **args: Any) -> mlops.EvaluateStep:
    return mlops.evaluate(image=IMAGE, command=["judge"], inputs={"m": of}, metrics=["auc", "loss"], **args)


def tune(trained: mlops.TrainStep, **args: Any) -> mlops.TuneStep:
    over: Any = {"lr": {"log_uniform": [1e-5, 1e-2]}, "depth_of": {"choice": [4, 6]}, "n": {"integer": [1, 9]}}
    return mlops.tune(trained, **({"maximize": "auc", "trials": 8, "parallel": 4, "over": over} | args))


def prepared() -> Steps:
    rows = mlops.prepare(image=IMAGE, command=["select"], outputs=["train-rows", "test_rows"])
    return {"rows": rows, "fit": fit(inputs={"x": rows.out("train-rows"), "y": rows.out("test_rows")})}


def branches() -> Steps:
    first, second = fit(), fit()
    one, two = judge(first.out("model")), judge(second.out("model"))
    best = one.metric("auc") > 0.5
    return {
        "first_fit": first,
        "second-fit": second,
        "one": one,
        "two": two,
        "use": mlops.register(MODEL, first.out("model"), when=best & (two.metric("loss") <= 1e-7)),
    }


def chained() -> Steps:
    trained = fit(metrics=["auc"])
    checked = judge(trained.out("model"), when=trained.metric("auc") >= mlops.parameter("least"))
    kept = mlops.register(MODEL, trained.out("model"), when=checked.metric("loss") < 0.3, image=IMAGE)
    return {"fit": trained, "check": checked, "keep": kept}


def tuned_from_tuned() -> Steps:
    coarse = tune(fit(nodes=2, launcher="torchrun", checkpoints=True, retries=2))
    fine = tune(fit(inputs={"start": coarse.out("model")}), maximize=None, minimize="loss")
    return {"coarse": coarse, "fine": fine, "judge": judge(fine.out("model"))}


def fanned_out() -> Steps:
    rows = mlops.prepare(image=IMAGE, command=["select"], outputs=["rows"])
    fits = {f"fit-{n}": fit(inputs={"x": rows.out("rows")}, parameters={"seed": n}) for n in range(40)}
    return {"rows": rows, **fits}


GPUS = mlops.TrainingClusterRef(
    name="gpus",
    backend="kubernetes",
    platform=HUB,
    cpus=8,
    memory_gb=32,
    nodes_max=4,
    spot_wait_hours=6,
    address={"queue": "gpus", "runtime": "gpus", "priority": "churn-dev.gpus", "resources": {"cpu": "8"}},
)


TABLE = mlops.DatasetRef(name="table", backend="kubernetes", platform=HUB, location="s3://artifacts/datasets/table/")
WANDB = mlops.ExperimentTrackerRef(
    name="wandb",
    backend="kubernetes",
    platform=HUB,
    engine="wandb",
    url="https://wandb.ai/acme/churn",
    project="churn",
    environment={"WANDB_PROJECT": "churn"},
    keys={"WANDB_API_KEY": mlops.SecretRef(name="key", backend="kubernetes", address={"id": "wandb-key"})},
    servers=["https://api.wandb.ai"],
)


def recorded() -> Steps:
    trained = fit(inputs={"the-y": TABLE.latest()}, tracker=WANDB)
    best = tune(fit(cluster=GPUS, nodes=2, inputs={"y": TABLE.version(3), "start": trained.out("model")}))
    return {"fit": trained, "best": best, "keep": mlops.register(MODEL, trained.out("model"))}


def queued() -> Steps:
    rows = mlops.prepare(image=IMAGE, command=["select"], outputs=["rows"])
    alone = fit(cluster=GPUS, inputs={"x": rows.out("rows")}, retries=1)
    best = tune(fit(cluster=GPUS, nodes=2, inputs={"start": alone.out("model")}, checkpoints=True))
    return {"rows": rows, "fit": alone, "best": best, "judge": judge(best.out("model"))}


def scored() -> Steps:
    rows, trained = mlops.prepare(image=IMAGE, command=["select"], outputs=["rows"]), fit()
    score = mlops.batch(trained.out("model"), image=IMAGE, command=["score"], inputs={"rows": rows.out("rows")})
    return {"rows": rows, "fit": trained, "score": score}


WEEKLY = {"cron": "0 3 * * 5-7", "timezone": "Europe/Berlin"}
PIPELINES: dict[str, tuple[Callable[[], Steps], dict[str, Any]]] = {
    "one": (lambda: {"fit": fit()}, {}),
    "batch": (scored, {}),
    "prepared": (prepared, {"parallel": 1}),
    "branches": (branches, {}),
    "chained": (chained, {"parameters": {"least": 0.9}}),
    "tuned": (lambda: {"best": tune(fit())}, {}),
    "tuned-from-tuned": (tuned_from_tuned, {}),
    "fan-out": (fanned_out, {"parallel": 10}),
    "gpus": (
        lambda: {"fit": fit(nodes=4, compute={"accelerator": "H100:8"}, launcher="torchrun", checkpoints=True)},
        {},
    ),
    "slices": (lambda: {"fit": fit(compute={"accelerator": "A100-1g.5gb:1"}, max_hours=0.5, retries=10)}, {}),
    "scheduled": (lambda: {"fit": fit()}, {"schedule": WEEKLY, "overlap": "skip"}),
    "parameters": (
        lambda: {"fit": fit(parameters={"days": mlops.parameter("days"), "deep": True, "rate": 0.1})},
        {"parameters": {"days": 30}},
    ),
    "queued": (queued, {"parallel": 2}),
    "recorded": (recorded, {}),
    "long": (lambda: {"a" * 40: fit(outputs=["o" * 40], metrics=["m" * 40])}, {}),
}


def declare(name: str, steps: Callable[[], Steps], **args: Any) -> Any:
    return mlops.Pipeline(name, platform=HUB, steps=steps(), **args).ref.export()


@pytest.mark.parametrize("name", PIPELINES)
def test_argo_takes_a_pipeline(name: str) -> None:
    build, args = PIPELINES[name]
    cloud = Cloud()
    cloud.run(lambda: declare("p" * 40, build, **args))
    objects = list(of_argo(cloud.registered))
    assert objects
    assert argo.judged(objects) == ["ok"] * len(objects)


def test_argo_takes_every_program_of_the_conformance_suite() -> None:
    builds = {name: working(name, "kubernetes") for name in PROGRAMS if name.startswith("pipeline")}
    found = {name: list(of_argo(run(build, "kubernetes").registered)) for name, build in builds.items() if build}
    assert len(found) > 8
    for name, objects in found.items():
        assert argo.judged(objects) == ["ok"] * len(objects), name


def called(spec: Any, name: str) -> Any:
    return next(one for one in spec["templates"] if one["name"] == name)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda spec: spec["templates"][0]["dag"]["tasks"][1].update(depends="nobody.Succeeded"), "nobody"),
        (lambda spec: called(spec, "trial-fine").pop("inputs"), "from-coarse"),
        (lambda spec: spec["templates"][0]["dag"]["tasks"][0].update(template="nothing"), "nothing"),
        (lambda spec: spec.update(entrypoint="elsewhere"), "elsewhere"),
        (lambda spec: spec.update(nobodyKnows=1), "nobodyKnows"),
    ],
)
def test_the_linter_finds_faults(spoil: Callable[[Any], None], told: str) -> None:
    cloud = Cloud()
    cloud.run(lambda: declare("retrain", tuned_from_tuned))
    (template,) = of_argo([one for one in cloud.registered if one.type.endswith("WorkflowTemplate")])
    spoil(template["spec"])
    (said,) = argo.judged([template])
    assert told in said
