"""The values of trials: Optuna's own, from what the trials before them measured, in an environment as its image has."""

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import best
from pulumi_mlops_sandbox.kubernetes.nodes import environments

pytestmark = [pytest.mark.timeout(900)]

SUGGEST = Path(best.__file__).with_name("suggest.py")
OVER: dict[str, Any] = {
    "lr": {"log_uniform": [1e-5, 1e-1]},
    "deep_er": {"uniform": [-1, 1]},
    "n": {"integer": [1, 9]},
    "how": {"choice": ["adam", "sgd", 3]},
}
MANY = """
import json, math, os, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import optuna, suggest
optuna.logging.set_verbosity(optuna.logging.ERROR)
search, folder = json.loads(os.environ["MLOPS_SEARCH"]), Path(sys.argv[2])

def loss(values):
    return abs(math.log10(values["lr"]) + 3) + values["deep_er"] ** 2 + abs(values["n"] - 4) / 4

asked, chance = [], random.Random(1)
for trial in range(search["trials"]):
    asked.append(suggest.suggested(search, trial, folder))
    (folder / f"asked-{trial}.json").write_text(json.dumps(asked[-1]))
    # The one before it goes on while this one is asked for, and every seventh fails.
    if trial and trial % 7:
        (folder / f"told-{trial - 1}.json").write_text(json.dumps({"loss": loss(asked[-2])}))
any_one = lambda: {"lr": 10 ** chance.uniform(-5, -1), "deep_er": chance.uniform(-1, 1), "n": chance.randint(1, 9)}
found = {"losses": [loss(one) for one in asked], "by_chance": [loss(any_one()) for _ in range(4000)]}
print(json.dumps(found))
"""


@functools.cache
def python() -> str:
    return str(environments.environment("optuna") / "bin" / "python")


def told(**more: Any) -> dict[str, str]:
    search = {
        "over": OVER,
        "metric": "loss",
        "sign": "min",
        "trials": 40,
        "parallel": 2,
        "seed": "retrain/best",
        **more,
    }
    return {"MLOPS_SEARCH": json.dumps(search)}


def suggested(history: Path, to: Path, trial: int = 0, **more: Any) -> dict[str, Any]:
    command = [python(), "-W", "error", str(SUGGEST), str(trial), str(history), str(to)]
    subprocess.run(command, env=told(**more), check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads((to / "asked.json").read_text())
    return found


def test_the_first_trial_has_values_within_the_space_in_files_of_their_own(tmp_path: Path) -> None:
    values = suggested(tmp_path / "nothing", tmp_path / "out")
    assert 1e-5 <= values["lr"] <= 1e-1
    assert -1 <= values["deep_er"] <= 1
    assert values["n"] in range(1, 10)
    assert values["how"] in ("adam", "sgd", 3)
    for name, value in values.items():
        assert (tmp_path / "out" / name).read_text() == str(value)


def test_the_same_history_gives_the_same_values_and_another_trial_others(tmp_path: Path) -> None:
    first = suggested(tmp_path, tmp_path / "one")
    assert suggested(tmp_path, tmp_path / "two") == first
    assert suggested(tmp_path, tmp_path / "three", trial=1) != first


def test_a_search_comes_closer_than_chance(tmp_path: Path) -> None:
    command = [python(), "-c", MANY, str(SUGGEST.parent), str(tmp_path)]
    found = json.loads(subprocess.run(command, env=told(), check=True, capture_output=True, text=True).stdout)
    assert len({path.read_text() for path in tmp_path.glob("asked-*.json")}) == 40
    later, by_chance = found["losses"][20:], found["by_chance"]
    assert sum(later) / len(later) < 0.75 * sum(by_chance) / len(by_chance)
    assert min(found["losses"]) < 0.4
