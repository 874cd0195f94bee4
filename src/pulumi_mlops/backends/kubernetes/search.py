"""Searches in Argo's words: each trial asks Optuna for its values, runs with them, and tells what it measured.

What was asked and told are files of the run, one a trial, so that there is neither a database nor a program that has to
live as long as the search. As many trials as are wanted go on at a time; each begins when another has ended.
"""

import json
from collections.abc import Sequence

from pulumi_mlops.backends.kubernetes import argo
from pulumi_mlops.backends.kubernetes.objects import Fields
from pulumi_mlops.steps.tune import TuneStep

IMAGE = "docker.io/optuna/optuna:v5.0.0-py3.13"
PROGRAM = "suggest.py"
TRIALS = "/mnt/trials.json"
_HISTORY = "/mnt/history"
_TRIAL = "{{inputs.parameters.trial}}"
ARGS = [_TRIAL, _HISTORY, argo.TMP]
"""What the program is told: which trial, where the others are, and where it leaves the values."""


def templates(name: str, step: TuneStep, handed: Sequence[str], tried: str) -> list[Fields]:
    """Write the search, and one trial of it.

    :param handed: what the trials are handed of other steps.
    :param tried: the prefix of the template that runs a trial.
    """
    through = {word: f"{{{{inputs.parameters.{word}}}}}" for word in handed}
    trials = {
        "name": "trials",
        "template": argo.called("trial", name),
        # A sequence would be shorter, and Argo's linter knows of none what its parts give.
        "withItems": [str(number) for number in range(step.trials)],
        **argo.given({**through, "trial": "{{item}}"}),
    }
    best = {
        "name": "best",
        "template": argo.called("best", name),
        "depends": "trials.Succeeded || trials.AnySucceeded",
        **argo.given({"trials": "{{tasks.trials.outputs.parameters}}"}),
    }
    ask = {"name": "ask", "template": argo.called("ask", name), **argo.given({"trial": _TRIAL})}
    values = {one: f"{{{{tasks.ask.outputs.parameters.{one}}}}}" for one in map(argo.set_of, step.over)}
    attempt = {
        "name": "try",
        "template": argo.called(tried, name),
        "depends": "ask.Succeeded",
        **argo.given({**through, "trial": _TRIAL, **values}),
    }
    fit = step.trial()
    return [
        {
            "name": argo.called("step", name),
            **argo.inputs(list(handed)),
            "parallelism": step.parallel,
            # A trial that fails is one of which nothing is known: the others go on.
            "dag": {"failFast": False, "tasks": [trials, best]},
            **argo.outputs("best", fit, trial=True),
        },
        {
            "name": argo.called("trial", name),
            **argo.inputs([*handed, "trial"]),
            "dag": {"tasks": [ask, attempt]},
            **argo.outputs("try", fit, trial=True),
        },
    ]


def asks(seed: str, step: TuneStep) -> list[Fields]:
    """Return the variable that tells the program what is searched."""
    told = {
        "over": {name: one.model_dump(exclude_none=True) for name, one in step.over.items()},
        "metric": step.objective,
        "sign": "max" if step.maximize else "min",
        "trials": step.trials,
        "parallel": step.parallel,
        "seed": seed,
    }
    # It is no place of the run's in which Argo would look for something to put in: names have no braces.
    return [{"name": "MLOPS_SEARCH", "value": json.dumps(told, sort_keys=True)}, {"name": "HOME", "value": argo.TMP}]


def asking(name: str, step: TuneStep, history: str) -> Fields:
    """Say what the program reads and leaves, in a pod that is written elsewhere.

    :param history: where in the bucket the files of all trials are.
    """
    read = {"name": "history", "path": _HISTORY, "optional": True, "s3": {"key": history}, "archive": {"none": {}}}
    return {
        "name": argo.called("ask", name),
        **argo.inputs(["trial"], [read]),
        "outputs": {
            "parameters": [{"name": argo.set_of(one), "valueFrom": {"path": f"{argo.TMP}/{one}"}} for one in step.over],
            "artifacts": [_kept("asked", f"{argo.TMP}/asked.json", history)],
        },
    }


def telling(template: Fields, measured: str, history: str) -> Fields:
    """Have a trial leave what it measured beside what it was asked for."""
    out = template["outputs"]
    return {**template, "outputs": {**out, "artifacts": [*out["artifacts"], _kept("told", measured, history)]}}


def choosing(name: str) -> Fields:
    """Say what the program that chooses the best trial reads and leaves, in a pod that is written elsewhere."""
    given = {"name": "trials", "path": TRIALS, "raw": {"data": "{{inputs.parameters.trials}}"}}
    left = (("metrics", "metrics.json"), ("trial", "trial"))
    return {
        "name": argo.called("best", name),
        **argo.inputs(["trials"], [given]),
        "outputs": {"parameters": [{"name": one, "valueFrom": {"path": f"{argo.TMP}/{file}"}} for one, file in left]},
    }


def _kept(word: str, path: str, history: str) -> Fields:
    return {
        "name": f"search-{word}",
        "path": path,
        "s3": {"key": f"{history}/{word}-{_TRIAL}.json"},
        "archive": {"none": {}},
    }
