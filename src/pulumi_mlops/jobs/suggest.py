r"""Choose the values of one trial of a search, by Optuna, from what the trials before it measured.

    python suggest.py 7 HISTORY FOLDER

``MLOPS_SEARCH`` says what is searched, as JSON: ``{"over": {"lr": {"log_uniform": [1e-5, 0.01]}}, "metric": "auc",
"sign": "max", "trials": 20, "parallel": 4, "seed": "retrain/best"}``. The history is a folder with the values that each
trial was given (``asked-3.json``) and what it measured (``told-3.json``). A trial of which nothing is told goes on, or
has failed: others keep away from its values. The folder gets ``asked.json``, and a file with the value of each
parameter. There is no database, and nothing that two trials write.
"""

# pyright: reportMissingImports=false
# The image has Optuna, and this environment does not.

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import optuna

_FIRST = 10
"""The most trials that are chosen by chance, before there is something to learn from."""


def distribution(search: dict[str, Any]) -> optuna.distributions.BaseDistribution:
    """Say where a parameter is searched, in Optuna's words."""
    ((kind, values),) = search.items()
    if kind == "choice":
        return optuna.distributions.CategoricalDistribution(values)
    low, high = values
    if kind == "integer":
        return optuna.distributions.IntDistribution(low, high)
    return optuna.distributions.FloatDistribution(low, high, log=kind == "log_uniform")


def history(folder: Path, trial: int) -> dict[int, tuple[dict[str, Any], dict[str, float] | None]]:
    """Read the values of each other trial, and what it measured."""
    found = {}
    for path in folder.glob("asked-*.json"):
        number = int(path.stem.partition("-")[2])
        told = folder / f"told-{number}.json"
        if number != trial:
            found[number] = (json.loads(path.read_text()), json.loads(told.read_text()) if told.is_file() else None)
    return dict(sorted(found.items()))


def suggested(search: dict[str, Any], trial: int, folder: Path) -> dict[str, Any]:
    """Choose the values of a trial: the same history gives the same ones."""
    over = {name: distribution(one) for name, one in sorted(search["over"].items())}
    seed = int(hashlib.sha256(f"{search['seed']}/{trial}".encode()).hexdigest()[:8], 16)
    sampler = optuna.samplers.TPESampler(
        seed=seed,
        multivariate=True,
        constant_liar=True,  # trials that go on count as bad ones, so that none is tried twice at a time
        n_startup_trials=min(_FIRST, max(search["parallel"], search["trials"] // 4)),
    )
    study = optuna.create_study(direction="maximize" if search["sign"] == "max" else "minimize", sampler=sampler)
    for values, measured in history(folder, trial).values():
        done = measured is not None
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.RUNNING,
                params=values,
                distributions=over,
                value=measured[search["metric"]] if measured is not None else None,
            )
        )
    return dict(study.ask(over).params)


def text(value: object) -> str:
    """Write a value as the training finds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def main(trial: str, folder: str, to: str) -> int:
    """Choose, and write it down."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    values = suggested(json.loads(os.environ["MLOPS_SEARCH"]), int(trial), Path(folder))
    Path(to).mkdir(parents=True, exist_ok=True)
    (Path(to) / "asked.json").write_text(json.dumps(values))
    for name, value in values.items():
        (Path(to) / name).write_text(text(value))
    sys.stdout.write(f"suggest: trial {trial}: {json.dumps(values)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
