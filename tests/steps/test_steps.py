"""Steps as values: what they refuse, what they make, and the graph of them."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.steps.graph import Graph

IMAGE: Any = {"image": "registry.example.com/churn:1", "command": ["run"]}
FIT = mlops.train(**IMAGE, outputs=["model", "baseline"])
JUDGE = mlops.evaluate(**IMAGE, inputs={"model": FIT.out("model")}, metrics=["auc", "loss"])
OVER: Any = {"lr": {"log_uniform": [1e-5, 1e-2]}, "depth": {"choice": [4, 6]}}
CHURN = mlops.ModelRef(
    name="churn", backend="aws", platform=mlops.PlatformRef(name="hub", backend="aws", stage="dev", artifacts="s3://a/")
)


def refused(make: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidArgs) as caught:
        make()
    return [str(problem) for problem in caught.value.problems]


def test_every_problem_of_a_step_is_told_at_once() -> None:
    wrong: Any = {
        "image": 3,
        "comand": ["run"],
        "inputs": {"X": FIT.out("model"), "y": JUDGE},
        "outputs": ["a", "a"],
        "metrics": ["a-b"],
        "parameters": {"a": [1], "b": None},
        "environment": {"MLOPS_X": "1"},
        "nodes": 0,
        "when": True,
    }
    told = "\n".join(refused(lambda: mlops.train(**wrong)))
    for part in (
        "image: needs a text",
        "command: is required",
        "comand: is not an argument here; did you mean 'command'?",
        "inputs.y: needs an Out or a DatasetView or an OfflineView or a CapturedView or a ModelVersion, this is",
        "outputs: 'a' is there twice",
        "metrics: 'a-b' must be lower-case letters, digits and underscores",
        "parameters.a: takes a text, a number, True or False, or mlops.parameter('…')",
        "parameters.b: takes a text",
        "environment: 'MLOPS_X': names that begin with MLOPS_ are the library's",
        "nodes: must be at least 1",
        "when: needs a Condition, this is bool; write judge.metric('auc') >= 0.9",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: FIT.out("modl"), "'modl' is no output of this step; did you mean 'model'? (it has: model, baseline)"),
        (lambda: FIT.metric("auc"), "it has none; write metrics=[…] in mlops.train(…)"),
        (lambda: FIT.out(3), "needs"),
        (lambda: JUDGE.metric("auc") > "3", "is compared with a number or a parameter; this is of type str"),
        (lambda: bool(JUDGE.metric("auc") > 3), "join conditions with `&`"),
        (lambda: mlops.register(CHURN, FIT, when=JUDGE.metric("auc")), "needs an Out, this is TrainStep"),
        (lambda: mlops.register(CHURN, FIT.out("model"), when=FIT.out("model")), "needs a Condition, this is Out"),
        (lambda: mlops.register(FIT, FIT.out("model")), "needs a Model, this is TrainStep"),
        (lambda: mlops.register(CHURN, FIT.out("model"), files=FIT.out("model")), "is given twice"),
        (lambda: mlops.evaluate(**IMAGE), "metrics: is required"),
        (lambda: mlops.prepare(**IMAGE), "outputs: is required"),
        (lambda: mlops.parameter("Days"), "must be lower-case"),
        (lambda: mlops.tune(JUDGE, maximize="auc", trials=2, over=OVER), "needs a TrainStep, this is EvaluateStep"),
        (lambda: mlops.tune(FIT, trials=2, over=OVER), "takes exactly one of 'maximize' and 'minimize'"),
        (lambda: mlops.tune(FIT, maximize="a", minimize="b", trials=2, over=OVER), "both are given"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, parallel=3, over=OVER), "more than the 2 in all"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, over={}), "over: needs at least 1"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, over={"a": {}}), "none is given"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, over={"a": {"uniform": [1]}}), "needs at least 2"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, over={"a": {"uniform": [2, 1]}}), "lower bound first"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, over={"a": {"log_uniform": [0, 1]}}), "bounds above 0"),
        (lambda: mlops.tune(FIT, maximize="auc", trials=2, over={"a": {"choice": [4, "4"]}}), "one value twice"),
    ],
)
def test_what_is_wrong_is_said(make: Callable[[], object], told: str) -> None:
    if told == "needs":
        told = "is no output of this step"
    assert told in "\n".join(refused(make))


def test_a_search_takes_no_parameter_that_the_training_fixes() -> None:
    fixed = mlops.train(**IMAGE, parameters={"lr": 0.1})
    assert (
        "over: 'lr': the training has a value of its own"
        in refused(lambda: mlops.tune(fixed, maximize="auc", trials=2, over=OVER))[0]
    )


def test_the_best_trial_stands_for_the_training() -> None:
    best = mlops.tune(FIT, maximize="auc", trials=4, over=OVER)
    assert (best.made, best.measured) == (["model", "baseline"], ["auc"])
    assert best.trial().metrics == ["auc"]


def test_steps_run_after_what_they_take() -> None:
    register = mlops.register(CHURN, FIT.out("model"), when=JUDGE.metric("auc") >= 0.9)
    graph = Graph({"register": register, "judge": JUDGE, "fit": FIT}, {})
    assert not list(graph.problems())
    assert graph.order() == ["fit", "judge", "register"]
    assert graph.before("register") == ["fit", "judge"]
    assert [metric.name for metric in register.noted()] == ["auc"]


def test_a_condition_holds_for_what_comes_after() -> None:
    after = mlops.prepare(**IMAGE, inputs={"m": FIT.out("model")}, outputs=["x"], when=JUDGE.metric("auc") >= 0.9)
    last = mlops.prepare(**IMAGE, inputs={"x": after.out("x")}, outputs=["y"])
    graph = Graph({"fit": FIT, "judge": JUDGE, "after": after, "last": last}, {})
    assert graph.conditions("last") == [after.when]
    assert graph.conditions("judge") == []


@pytest.mark.parametrize(
    ("steps", "parameters", "told"),
    [
        ({"judge": JUDGE}, {}, "judge: takes from a step of mlops.train(…) that is not among steps"),
        ({"fit": FIT, "again": FIT}, {}, "again: is the very step that 'fit' is; call mlops.train(…) once for each"),
        ({"fit": FIT}, {"days": 3}, "days: is used by no step"),
        (
            {"fit": mlops.train(**IMAGE, parameters={"days": mlops.parameter("dais")})},
            {"days": 3},
            "uses parameter 'dais', which is not among parameters; did you mean 'days'?",
        ),
        (
            {"best": mlops.tune(FIT, maximize="auc", trials=2, over=OVER), "judge": JUDGE},
            {},
            "judge: takes from the training that 'best' tunes; take from 'best'",
        ),
        ({"Fit": FIT}, {}, "'Fit' must be lower-case"),
        ({}, {}, "needs at least 1"),
        ({"fit": "train"}, {}, "needs a Step, this is str; write a step, such as mlops.train(…)"),
    ],
)
def test_a_graph_that_cannot_run_is_refused(steps: Any, parameters: Any, told: str) -> None:
    hub = CHURN.platform
    assert told in "\n".join(
        refused(lambda: mlops.Pipeline("retrain", platform=hub, steps=steps, parameters=parameters))
    )


def test_defaults_of_parameters_stay_what_they_are() -> None:
    """0 and 1 are numbers, and no truth values; 1.0 is no whole number."""
    given = {"n": 1, "none": 0, "least": 1.0, "deep": True, "kind": "1"}
    fit = mlops.train(**IMAGE, parameters={name: mlops.parameter(name) for name in given})
    spec = PipelineSpec.model_validate({"platform": CHURN.platform, "steps": {"fit": fit}, "parameters": given})
    assert {name: (type(value), value) for name, value in spec.parameters.items()} == {
        name: (type(value), value) for name, value in given.items()
    }


def test_steps_that_many_need_are_looked_at_once() -> None:
    """Two steps on each of 24 floors, each of which takes from both below: 16 million ways lead down."""
    steps: dict[str, mlops.Step] = {}
    below: list[mlops.PrepareStep] = []
    for floor in range(24):
        inputs = {f"x{index}": step.out("rows") for index, step in enumerate(below)}
        below = [mlops.prepare(**IMAGE, inputs=inputs, outputs=["rows"]) for _ in range(2)]
        steps |= {f"{side}{floor}": step for side, step in zip("ab", below, strict=True)}
    graph = Graph(steps, {})
    assert graph.order() == list(steps)
    assert graph.conditions("a23") == []
