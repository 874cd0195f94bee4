"""The first program of each step's container: it runs the command, and judges what that left.

With ``facts.py`` beside it it needs nothing but Python 3.9, so that it runs in any image:

    python3 step.py COMMAND ARGUMENT…

The backend says in variables what the container is given, ``MLOPS_INPUT_<NAME>``, ``MLOPS_OUTPUT_<NAME>``,
``MLOPS_PARAMETER_<NAME>``, ``MLOPS_METRICS`` and ``MLOPS_CHECKPOINTS``; and in ``MLOPS_STEP``, as JSON, what it has to
leave.
"""

# pyright: reportMissingImports=false
# The other program is beside this one where both run.

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from pulumi_mlops.jobs.facts import Record

STEP = "MLOPS_STEP"
"""What it has to leave, and how: ``{"outputs": ["model"], "metrics": ["auc"], "launcher": "torchrun", "processes": 1,
"attempts": 2, "datasets": ["y"], "queries": ["x"]}``; the last two are inputs that are fetched, and so are
``captured`` and ``baselines``; outputs that are published are listed as ``publish``."""
FETCHED = ("datasets", "queries", "captured", "baselines")
"""How inputs are listed there that ``facts.py`` fetches."""
COMMAND = "MLOPS_COMMAND"
"""The command, as JSON, where the service starts this program by itself: with nothing, or with ``train``."""
_CONFIG = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "input/config"  # as SageMaker's own toolkits have it
SETTINGS = _CONFIG / "hyperparameters.json"
"""Where SageMaker writes the values of a trial."""
HOSTS = _CONFIG / "resourceconfig.json"
"""Where SageMaker writes which machines there are."""
PROGRAMS = "MLOPS_PROGRAMS"
"""The folder with the library's programs, for a command that is one of them."""
PART = re.compile(r"MLOPS_PART_(\d+)_(\w+)")
"""How a variable is called that holds a part of another one."""
PORT = 29500
"""Where processes on several machines meet."""
NOT_DONE = 65
"""The exit code where the command succeeded and did not leave what it has to."""
REPORT = "mlops-metric"
"""How a line begins that says a metric to whoever reads the log: ``mlops-metric auc=0.93;``."""


def main(command: list[str]) -> int:
    """Run a step; return its exit code."""
    if COMMAND in os.environ and command in ([], ["train"]):
        command = json.loads(os.environ[COMMAND])
    if not command:
        sys.stderr.write("step: no command was given.\n")
        return 64
    environment = {**whole(os.environ), PROGRAMS: str(Path(__file__).parent)}
    environment.update(settings(SETTINGS))
    environment.update(nodes(environment, HOSTS))
    wanted = json.loads(environment.get(STEP, "{}"))
    folders = {name: Path(environment[variable("MLOPS_OUTPUT_", name)]) for name in wanted.get("outputs", [])}
    measured = Path(environment["MLOPS_METRICS"]) if wanted.get("metrics") else None
    if kept := environment.get("MLOPS_CHECKPOINTS"):
        environment["MLOPS_CHECKPOINTS"] = kept = filled(kept, environment)
    for folder in (*folders.values(), *([measured.parent] if measured else []), *([Path(kept)] if kept else [])):
        folder.mkdir(parents=True, exist_ok=True)
    code, record = begun(environment, wanted)
    if code:
        return code
    words = [filled(word, environment) for word in command]
    if wanted.get("launcher") == "torchrun":
        words = torchrun(environment, int(wanted.get("processes", 1))) + words
    code, metrics = again(words, environment, int(wanted.get("attempts", 1))), dict[str, float]()
    if environment["MLOPS_NODE_RANK"] != "0":
        return code
    if code == 0:
        code, metrics = judge(folders, measured, wanted.get("metrics", []))
        code = code or published(wanted, environment)
    if record is not None:
        record.end(code, metrics)
    return code


def whole(environment: Mapping[str, str]) -> dict[str, str]:
    """Put variables together whose values are longer than the service takes: ``MLOPS_PART_0_STEP`` and so on."""
    found = {name: value for name, value in environment.items() if not PART.fullmatch(name)}
    cut = sorted((part[2], int(part[1]), name) for name in environment if (part := PART.fullmatch(name)))
    for name, _, variable_of_part in cut:
        found[f"MLOPS_{name}"] = found.get(f"MLOPS_{name}", "") + environment[variable_of_part]
    return found


def begun(environment: dict[str, str], wanted: Mapping[str, Any]) -> tuple[int, Record | None]:
    """Fetch what is to be fetched, and begin the record of the step, which the first of several machines writes."""
    fetched = any(wanted.get(kind) for kind in FETCHED)
    if "MLOPS_RUN" not in environment and not fetched:
        return 0, None
    import facts  # noqa: PLC0415 (it is beside this file where it runs)

    if fetched and (code := facts.fetch(wanted, environment)):
        return int(code), None
    if "MLOPS_RUN" not in environment:
        return 0, None
    for name in (facts.RUN, facts.ADDRESS, *(one for one in environment if one.startswith(facts.KEPT))):
        environment[name] = filled(environment.get(name, ""), environment)
    record: Record = facts.Record(environment, wanted)
    environment.update(record.told(environment))
    if environment["MLOPS_NODE_RANK"] != "0":
        return 0, None
    record.begin()
    return 0, record


def published(wanted: Mapping[str, Any], environment: Mapping[str, str]) -> int:
    """Make outputs the next version of datasets, where it is this container that does."""
    if not wanted.get("publish"):
        return 0
    import publish  # noqa: PLC0415 (it is beside this file where a step publishes)

    return int(publish.main(wanted["publish"], environment))


def judge(folders: Mapping[str, Path], measured: Path | None, names: list[str]) -> tuple[int, dict[str, float]]:
    """Say what was measured, and what is missing of what the command had to leave."""
    problems, metrics = missing(folders), dict[str, float]()
    if measured is not None:
        metrics, wrong = read(measured, names)
        problems += wrong
        for name, value in metrics.items():
            sys.stdout.write(f"{REPORT} {name}={value!r};\n")
    for problem in problems:
        sys.stderr.write(f"step: {problem}\n")
    return (NOT_DONE if problems else 0), metrics


def settings(path: Path) -> dict[str, str]:
    """Read the values of a trial, where the service writes them into a file."""
    if not path.is_file():
        return {}
    given = json.loads(path.read_text())
    return {variable("MLOPS_PARAMETER_", name): value.strip('"') for name, value in given.items() if name[:1] != "_"}


def nodes(environment: Mapping[str, str], hosts: Path) -> dict[str, str]:
    """Find how many machines there are, which of them this is, and the host of the first."""
    found = {
        "MLOPS_NODES": environment.get("MLOPS_NODES") or environment.get("PET_NNODES") or "1",
        "MLOPS_NODE_RANK": environment.get("MLOPS_NODE_RANK")
        or environment.get("PET_NODE_RANK")
        or environment.get("NODE_RANK")
        or "0",
        "MLOPS_MAIN_NODE": environment.get("MLOPS_MAIN_NODE")
        or environment.get("PET_MASTER_ADDR")
        or environment.get("MASTER_ADDR")
        or "localhost",
    }
    if hosts.is_file():
        told = json.loads(hosts.read_text())
        names = sorted(told["hosts"])
        found["MLOPS_NODES"] = str(len(names))
        found["MLOPS_NODE_RANK"] = str(names.index(told["current_host"]))
        found["MLOPS_MAIN_NODE"] = names[0]
    return found


def variable(prefix: str, name: str) -> str:
    """Name the variable of a part of a step."""
    return prefix + name.upper().replace("-", "_")


def filled(word: str, environment: Mapping[str, str]) -> str:
    """Put variables into a word: ``$(NAME)``; one that is not there stays as it is written."""
    return re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", lambda found: environment.get(found[1], found[0]), word)


def torchrun(environment: Mapping[str, str], processes: int) -> list[str]:
    """Return the beginning of a command that runs processes which know of each other.

    Torch before 2.0 knows these words by underscores only, and every later one knows them too.
    """
    return [
        "torchrun",
        f"--nnodes={environment['MLOPS_NODES']}",
        f"--node_rank={environment['MLOPS_NODE_RANK']}",
        f"--master_addr={environment['MLOPS_MAIN_NODE']}",
        f"--master_port={PORT}",
        f"--nproc_per_node={processes}",
        "--no_python",
    ]


def run(command: list[str], environment: Mapping[str, str]) -> tuple[int, bool]:
    """Run a command to its end, handing on the signals that ask it to stop; tell whether one did."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        sys.stderr.write(f"step: there is no program {command[0]!r} in the image.\n")
        return 127, True
    with subprocess.Popen([program, *command[1:]], env=dict(environment)) as process:  # noqa: S603 (the user's own)
        asked: list[int] = []

        def pass_on(number: int, _frame: FrameType | None) -> None:
            asked.append(number)
            process.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, pass_on)
        code = process.wait()
    return (code if code >= 0 else 128 - code), bool(asked)


def again(command: list[str], environment: Mapping[str, str], attempts: int) -> int:
    """Run a command until it succeeds, or has been run so often; one that was asked to stop is not run again."""
    code = 0
    for attempt in range(1, attempts + 1):
        code, asked = run(command, environment)
        if code == 0 or asked:
            break
        if attempt < attempts:
            sys.stderr.write(f"step: the command ended with {code}; attempt {attempt + 1} of {attempts} begins.\n")
    return code


def missing(folders: Mapping[str, Path]) -> list[str]:
    """Say which outputs are empty."""
    return [
        f"output {name!r} is empty: the command wrote no file below {folder}."
        for name, folder in folders.items()
        if not any(path.is_file() for path in folder.rglob("*"))
    ]


def read(path: Path, names: list[str]) -> tuple[dict[str, float], list[str]]:
    """Read what was measured; say what is missing, or is no number."""
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        return {}, [f"the metrics in {path} cannot be read: {error}."]
    if not isinstance(said, dict):
        return {}, [f'the metrics in {path} are not an object of JSON, such as {{"auc": 0.93}}.']
    found: dict[str, float] = {}
    problems = []
    for name in names:
        value = said.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = value
        else:
            problems.append(f"metric {name!r} in {path} is {value!r}, and a number is needed.")
    return found, problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
