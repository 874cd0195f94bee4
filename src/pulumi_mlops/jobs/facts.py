"""The record of a step: which run it belongs to, what it read, with which code and parameters, and what it measured.

``step.py`` writes it when the step begins and again when it has ended. It is a small file of JSON beside what the step
made, whose form is the same on every backend; `docs/workload.md` tells it. Only the standard library is used.

The backend says in variables what only it knows: ``MLOPS_RUN``, ``MLOPS_CODE``, ``MLOPS_FACTS`` (the file here),
``MLOPS_FACTS_AT`` (its address afterwards), ``MLOPS_KEPT_<OUTPUT>`` (the address of each output afterwards),
``MLOPS_DATASET_<INPUT>``, ``MLOPS_HISTORY_<INPUT>``, ``MLOPS_CAPTURED_<INPUT>``, ``MLOPS_BASELINE_<INPUT>``
with ``MLOPS_VERSION_<INPUT>``, ``MLOPS_MODEL_<INPUT>`` and ``MLOPS_MADE_<INPUT>``.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORM = 1
RUN, CODE, FILE, ADDRESS, READ = "MLOPS_RUN", "MLOPS_CODE", "MLOPS_FACTS", "MLOPS_FACTS_AT", "MLOPS_READ"
INPUT, DATASET, HISTORY, MADE = "MLOPS_INPUT_", "MLOPS_DATASET_", "MLOPS_HISTORY_", "MLOPS_MADE_"
MODEL, CAPTURED, BASELINE, KEPT = "MLOPS_MODEL_", "MLOPS_CAPTURED_", "MLOPS_BASELINE_", "MLOPS_KEPT_"
OF_VERSION = "MLOPS_VERSION_"
"""How the variable begins with the record of the version that a baseline is one of."""
FETCHED = {
    "datasets": (DATASET, "dataset.py", "fetch"),
    "queries": (HISTORY, "history.py", "fetch"),
    "captured": (CAPTURED, "served.py", "captured"),
    "baselines": (BASELINE, "served.py", "baseline"),
}
"""Inputs that are fetched, as ``MLOPS_STEP`` lists them: the variable of each, and the program that fetches it."""
PARAMETER = "MLOPS_PARAMETER_"
DATA = "MLOPS_DATA_"
"""How variables begin that say which data a step read, for a client that records variables."""
TAG = "mlops."
"""How the tags of a tracker's run begin."""


def variable(prefix: str, name: str) -> str:
    """Name the variable of a part of a step."""
    return prefix + name.upper().replace("-", "_")


def fetch(wanted: Mapping[str, Any], environment: Mapping[str, str]) -> int:
    """Fetch what a step reads that no service brings: versions, histories, requests, baselines; return an exit code.

    What was read is kept in a folder, a file for each input: where another container has fetched it, it is there.
    """
    kept = Path(environment[READ])
    kept.mkdir(parents=True, exist_ok=True)
    for kind, (prefix, program, verb) in FETCHED.items():
        for name in wanted.get(kind, []):
            said = kept / f"{variable('', name).lower()}.json"
            if said.is_file():
                continue
            told = environment[variable(prefix, name)]
            which, where = (environment[variable(OF_VERSION, name)], told) if kind == "baselines" else _named(told)
            folder = environment[variable(INPUT, name)]
            command = [sys.executable, str(Path(__file__).with_name(program)), verb, where, which, folder]
            done = subprocess.run(command, env=dict(environment), stdout=subprocess.PIPE, check=False)  # noqa: S603 (ours)
            if done.returncode:
                sys.stderr.write(f"step: input {name!r} could not be fetched.\n")
                return done.returncode
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
            said.write_bytes(done.stdout)
    return 0


def _named(told: str) -> tuple[str, str]:
    """Read ``rows@latest s3://…/``: which version is asked for, and where."""
    name, _, where = told.partition(" ")
    return name.rpartition("@")[2], where


class Record:
    """The record of one step, and the file that it is in."""

    def __init__(self, environment: Mapping[str, str], wanted: Mapping[str, Any]) -> None:
        pipeline, run, step, *trial = environment[RUN].split("/", 3)
        self.file = Path(environment[FILE])
        self.facts: dict[str, Any] = {
            "form": FORM,
            "address": environment.get(ADDRESS),
            "pipeline": pipeline,
            "run": run,
            "step": step,
            "trial": trial[0] if trial else None,
            "code": environment.get(CODE),
            "began": _now(),
            "ended": None,
            "status": "running",
            "parameters": _after(PARAMETER, environment),
            "inputs": inputs(environment),
            "outputs": list(wanted.get("outputs", [])),
            "folders": folders(environment, wanted),
            "metrics": {},
            "tracker": environment.get("MLOPS_TRACKER"),
        }

    def begin(self) -> None:
        """Write it down, and say to whoever reads the log which versions were read: ``mlops-version y=3;``."""
        for name, one in self.facts["inputs"].items():
            if "version" in one:
                sys.stdout.write(f"mlops-version {name}={one['version']};\n")
        sys.stdout.flush()
        self.write()

    def write(self) -> None:
        """Write it down."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.facts, indent=1))

    def end(self, code: int, metrics: Mapping[str, float]) -> None:
        """Write down what became of the step."""
        status = "succeeded" if code == 0 else "failed"
        self.facts.update(ended=_now(), status=status, metrics=dict(metrics))
        self.write()

    def told(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Name the variables by which the clients of trackers name a run, and write with it where it comes from.

        What the step's own environment says of them is left as it is.
        """
        name, found = environment[RUN], {}
        read = data(self.facts)
        if environment.get("MLFLOW_TRACKING_URI"):
            given = json.loads(environment.get("MLFLOW_RUN_CONTEXT", "{}"))
            found["MLFLOW_RUN_CONTEXT"] = json.dumps({"mlflow.runName": name, **self.tags(), **given})
        if environment.get("WANDB_PROJECT"):
            group, _, step = "/".join(name.split("/")[:3]).rpartition("/")
            usual = {"WANDB_NAME": name, "WANDB_RUN_GROUP": group, "WANDB_JOB_TYPE": step}
            # Not as settings: wandb 0.31 ends at WANDB_CONFIG_PATHS, of which it wants a list.
            usual["WANDB_NOTES"] = json.dumps(self.tags())
            found.update({key: value for key, value in usual.items() if key not in environment})
            found["WANDB_TAGS"] = _joined(environment.get("WANDB_TAGS"), read.values())
        if environment.get("CLEARML_PROJECT"):
            found |= {variable(DATA, key.partition(".")[2]): value for key, value in read.items()}
            found["CLEARML_LOG_ENVIRONMENT"] = _joined(
                environment.get("CLEARML_LOG_ENVIRONMENT"), [RUN, CODE, ADDRESS, f"{DATA}*"]
            )
        return found

    def tags(self) -> dict[str, str]:
        """Say the same in plain words, as tags."""
        facts = self.facts
        plain = {key: facts[key] for key in ("pipeline", "run", "step", "trial", "code") if facts[key]}
        plain["facts"] = facts["address"] or ""
        return {TAG + key: str(value) for key, value in {**plain, **data(facts)}.items() if value}


def data(facts: Mapping[str, Any]) -> dict[str, str]:
    """Say in a word which data a step read, by input: ``{"data.y": "rows@3"}``."""
    found = {}
    for name, one in facts["inputs"].items():
        if "dataset" in one:
            found[f"data.{name}"] = f"{one['dataset']}@{one['version']}"
        elif "model" in one:
            found[f"data.{name}"] = f"{one['model']}@{one['version']}"
        elif "features" in one:
            found[f"data.{name}"] = f"{one['features']}@{one['until']}"
    return found


def inputs(environment: Mapping[str, str]) -> dict[str, Any]:
    """Say what each input is."""
    found: dict[str, Any] = {}
    for name, folder in _after(INPUT, environment).items():
        own, said = name.upper(), Path(environment.get(READ, os.devnull), f"{name}.json")
        read = json.loads(said.read_text()) if said.is_file() else {}
        if told := environment.get(DATASET + own):
            which, where = _named(told)
            found[name] = {"dataset": told.rpartition(f"@{which} ")[0], "location": where, "asked": which}
            found[name].update(version=read["number"], time=read["time"], digest=read["digest"])
        elif told := environment.get(HISTORY + own):
            which, where = _named(told)
            found[name] = {"features": told.rpartition(f"@{which} ")[0], "location": where, "days": int(which)}
            found[name].update({"until": _now(), **read})
        elif told := environment.get(CAPTURED + own):
            which, where = _named(told)
            found[name] = {"endpoint": told.rpartition(f"@{which} ")[0], "location": where, "hours": int(which), **read}
        elif environment.get(BASELINE + own):
            found[name] = {"baseline": read}
        elif told := environment.get(MODEL + own):
            which, where = _named(told)
            found[name] = {"model": told.rpartition(f"@{which} ")[0], "files": where, "version": int(which)}
        elif told := environment.get(MADE + own):
            what, _, address = told.partition(" ")
            step, _, output = what.partition("/")
            found[name] = {"step": step, "output": output, "facts": address or None}
        else:
            found[name] = {"folder": folder}
    return found


def folders(environment: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, str]:
    """Say at which address each output is afterwards."""
    named = {name: environment.get(variable(KEPT, name)) for name in wanted.get("outputs", [])}
    return {name: address for name, address in named.items() if address}


def _after(prefix: str, environment: Mapping[str, str]) -> dict[str, str]:
    """List the variables of a prefix, by the words after it."""
    known = {key[len(prefix) :].lower(): value for key, value in environment.items() if key.startswith(prefix)}
    return dict(sorted(known.items()))


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017 (Python 3.9)


def _joined(before: str | None, more: Iterable[str]) -> str:
    """Add to what a variable lists."""
    return ",".join(filter(None, [before, *more]))


if __name__ == "__main__":
    # Before a step whose own container has no access to the store.
    sys.exit(fetch(json.loads(os.environ["MLOPS_STEP"]), os.environ))
