"""What starts a step in a job of Azure Machine Learning, beside ``step.py``.

A job there has no conditions. So this program judges the condition of a step, ends with success where it does not hold,
and tells the workspace what was measured, by which a search decides. It needs nothing but Python 3.9.

    python3 azureml.py SETTINGS

The settings are JSON. Folders come as variables: ``MLOPS_STATE`` for what steps tell those behind them,
``MLOPS_BEFORE_<STEP>`` for that of a step before.
"""

# pyright: reportMissingImports=false
# The other program is beside this one where both run.

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import azureml_register

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

BESIDE = Path(__file__).parent
SKIPPED, DONE = "skipped", "done"
"""Files in the folder of a step: the first one says why it did not run."""
SKIPPED_TAG = "mlops_skipped"
"""The tag of a run of which nothing was done, with the reason."""
PLACEHOLDER = ".skipped"
"""A file in each output of such a step: Azure mounts no folder that is empty."""
MEASURED, FACTS = "metrics.json", "facts.json"
_OF_THE_JOB = (
    *("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_RUN_ID"),
    *("MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"),
)
"""What the workspace tells MLflow's client of the job's own run."""
_TIMEOUT_SECONDS = 60
_TRIES, _PAUSE_SECONDS = 5, 3.0
_WORST = 1e300


def main(settings: Mapping[str, Any], environment: Mapping[str, str]) -> int:
    """Run a step, or skip it; return its exit code."""
    given = {**environment, **settings.get("environment", {})}
    state = Path(given["MLOPS_STATE"])
    first = given.get("NODE_RANK", "0") == "0"
    for name in settings.get("whole_numbers", []):
        given[name] = str(round(float(given[name])))
    if reason := skipped(settings, given):
        if first:
            skip(reason, state, settings, given)
        return 0
    if register := settings.get("register"):
        noted = {one["metric"]: metric(given, one) for one in register["noted"]}
        return ended(
            azureml_register.main(register, noted, given, facts(given, register["lineage"]["mlops-step"])), state
        )
    if not first:
        aside(settings, given)
        state = Path(given["MLOPS_STATE"])
    given["MLOPS_STEP"] = json.dumps(settings["wanted"])
    given["MLOPS_METRICS"] = str(state / MEASURED)
    given.update(recorded(settings["record"], given, state))
    code = start([*fetching(settings), *settings["command"]], tracked(settings, given))
    if first:
        keep(given)
    if code != 0 or not first:
        return code
    wanted = settings["wanted"].get("metrics", [])
    found = json.loads((state / MEASURED).read_text()) if wanted else {}
    return ended(tell({name: found[name] for name in wanted}, given), state)


def aside(settings: Mapping[str, Any], given: dict[str, str]) -> None:
    """Have a machine beside the first one write into folders that are thrown away: each would upload its own."""
    root = Path(tempfile.mkdtemp())
    for name in settings["wanted"].get("outputs", []):
        given[output(name)] = str(root / name)
    given["MLOPS_STATE"] = str(root / "state")


def ended(code: int, state: Path) -> int:
    """Leave no folder empty, which could not be mounted by those behind."""
    if code == 0:
        state.mkdir(parents=True, exist_ok=True)
        (state / DONE).write_text("")
    return code


def skipped(settings: Mapping[str, Any], given: Mapping[str, str]) -> str:
    """Say why a step is not to run, or nothing."""
    for name in settings.get("before", []):
        said = Path(given[before(name)]) / SKIPPED
        if said.is_file():
            return f"step {name!r} was skipped: {said.read_text()}"
    for one in settings.get("when", []):
        value = metric(given, one)
        bound = float(given[one["parameter"]] if "parameter" in one else one["value"])
        how = one["comparison"]
        holds = {">=": value >= bound, ">": value > bound, "<=": value <= bound, "<": value < bound}[how]
        if not holds:
            return f"{one['metric']} of step {one['step']!r} is {value:g}, and {how} {bound:g} is asked for"
    return ""


def metric(given: Mapping[str, str], one: Mapping[str, str]) -> float:
    """Read what a step before has measured."""
    found = json.loads((Path(given[before(one["step"])]) / MEASURED).read_text())
    return float(found[one["metric"]])


def before(step: str) -> str:
    """Name the variable with the folder of a step before."""
    return f"MLOPS_BEFORE_{word(step)}"


def word(name: str) -> str:
    """Write a name as it is part of a variable."""
    return name.upper().replace("-", "_")


def skip(reason: str, state: Path, settings: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Tell those behind that a step did not run, and leave no output empty."""
    sys.stdout.write(f"step: skipped, {reason}\n")
    state.mkdir(parents=True, exist_ok=True)
    (state / SKIPPED).write_text(reason)
    for folder in outputs(settings, given):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PLACEHOLDER).write_text(reason)
    # Whoever looks at the run sees a job that succeeded: this says that nothing was done.
    mlflow("set-tag", {"key": SKIPPED_TAG, "value": reason}, given)
    if objective := settings.get("objective"):
        # A search fails whose trials tell nothing.
        tell({objective["metric"]: -_WORST if objective["goal"] == "maximize" else _WORST}, given)


def outputs(settings: Mapping[str, Any], given: Mapping[str, str]) -> list[Path]:
    """List the folders that a step fills."""
    names = settings.get("wanted", {}).get("outputs", [])
    return [Path(given[output(name)]) for name in names]


def output(name: str) -> str:
    """Name the variable with the folder of an output."""
    return f"MLOPS_OUTPUT_{word(name)}"


def recorded(record: Mapping[str, Any], given: Mapping[str, str], state: Path) -> dict[str, str]:
    """Say which run this is, where its record is, and which records lead to what it takes."""
    run, own = given.get("AZUREML_ROOT_RUN_ID", "local"), given.get("AZUREML_RUN_ID", "local")
    parts = [run, record["step"], *([own] if record["trials"] else [])]
    found = {
        "MLOPS_RUN": "/".join([record["pipeline"], *parts]),
        "MLOPS_FACTS": str(state / FACTS),
        "MLOPS_FACTS_AT": record["runs"] + "/".join([*parts, FACTS]),
        "MLOPS_READ": tempfile.mkdtemp(),
        **{f"MLOPS_KEPT_{word(name)}": f"{record['runs']}{own}/{place}/" for name, place in record["kept"].items()},
    }
    for name, one in record["made"].items():
        address = facts(given, one["step"]).get("address", "")
        found[f"MLOPS_MADE_{word(name)}"] = f"{one['step']}/{one['output']} {address}"
    return found


def facts(given: Mapping[str, str], step: str) -> dict[str, Any]:
    """Read the record of a step before; one of a run that began with an older program has none."""
    file = Path(given[before(step)]) / FACTS
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return found


def keep(given: Mapping[str, str]) -> None:
    """Put the record where it is found by the run and the step: the folder of a job has the name of the job alone."""
    file = Path(given["MLOPS_FACTS"])
    if file.is_file() and "MSI_ENDPOINT" in given:
        azureml_register.Azure(given).upload(given["MLOPS_FACTS_AT"], file)


def fetching(settings: Mapping[str, Any]) -> list[str]:
    """Return what reads the keys of a tracker before the command."""
    return [sys.executable, str(BESIDE / "start.py")] if settings.get("fetches") else []


def tracked(settings: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Lead MLflow's client to the tracker of the step, as the job's identity, and not to the job's own run."""
    tracking = settings.get("tracking", {})
    jobs = _OF_THE_JOB if "MLFLOW_TRACKING_URI" in tracking else ()
    return {**{key: value for key, value in given.items() if key not in jobs}, **tracking}


def start(command: list[str], environment: Mapping[str, str]) -> int:
    """Have ``step.py`` run the command, handing on the signals that ask it to stop."""
    sys.stdout.flush()
    whole = [sys.executable, str(BESIDE / "step.py"), *command]
    with subprocess.Popen(whole, env=dict(environment)) as process:  # noqa: S603 (the user's own)

        def pass_on(number: int, _frame: FrameType | None) -> None:
            process.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, pass_on)
        code = process.wait()
    return code if code >= 0 else 128 - code


def tell(metrics: Mapping[str, float], given: Mapping[str, str], pause: float = _PAUSE_SECONDS) -> int:
    """Tell the workspace what was measured, as MLflow does, which a search decides by; return an exit code.

    https://learn.microsoft.com/azure/machine-learning/how-to-log-view-metrics
    """
    now = int(time.time() * 1000)
    told = [{"key": name, "value": value, "timestamp": now, "step": 0} for name, value in metrics.items()]
    return mlflow("log-batch", {"metrics": told}, given, pause) if told else 0


def mlflow(call: str, body: Mapping[str, Any], given: Mapping[str, str], pause: float = _PAUSE_SECONDS) -> int:
    """Tell the workspace something about the run, as MLflow does; return an exit code."""
    address, run = given.get("MLFLOW_TRACKING_URI", ""), given.get("MLFLOW_RUN_ID") or given.get("AZUREML_RUN_ID")
    if not address or not run:
        return 0
    if address.startswith("azureml://"):
        address = "https://" + address.partition("://")[2].partition("?")[0]
    request = urllib.request.Request(  # noqa: S310 (the workspace's own address)
        f"{address.rstrip('/')}/api/2.0/mlflow/runs/{call}",
        data=json.dumps({"run_id": run, **body}).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {given.get('MLFLOW_TRACKING_TOKEN', '')}",
        },
        method="POST",
    )
    said = ""
    for number in range(_TRIES):
        if number:
            time.sleep(pause)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
                return 0
        except OSError as error:
            said = str(error)
    sys.stderr.write(f"step: the workspace could not be told ({call}): {said}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), os.environ))
