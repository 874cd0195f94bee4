"""The program that starts a step, run as a process with just what a container is given."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pulumi_mlops.jobs import step
from support.waiting import until

WAITS = """
import pathlib, signal, sys

def stop(number, frame):
    pathlib.Path("seen").write_text("stopped\\n")
    sys.exit(3)

signal.signal(signal.SIGTERM, stop)
pathlib.Path("ready").touch()
signal.pause()
"""


def started(folder: Path, command: str, wanted: Mapping[str, object], **more: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "MLOPS_STEP": json.dumps(wanted),
        "MLOPS_OUTPUT_MODEL": str(folder / "model"),
        "MLOPS_METRICS": str(folder / "measured" / "metrics.json"),
        **more,
    }
    words = [sys.executable, step.__file__, "sh", "-c", command]
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )


def ran(folder: Path, command: str, wanted: Mapping[str, object], **more: str) -> tuple[int, str, str]:
    with started(folder, command, wanted, **more) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_step_that_leaves_what_it_has_to(tmp_path: Path) -> None:
    command = 'echo $(LR) > $(MLOPS_OUTPUT_MODEL)/lr; echo "{\\"auc\\": 0.93}" > "$MLOPS_METRICS"; echo $(ABSENT)x'
    wanted = {"outputs": ["model"], "metrics": ["auc"]}
    code, out, err = ran(tmp_path, command.replace("$(ABSENT)x", "done"), wanted, LR="0.1")
    assert (code, err) == (0, "")
    assert out == "done\nmlops-metric auc=0.93;\n"
    assert (tmp_path / "model" / "lr").read_text() == "0.1\n"


def test_a_command_can_be_a_program_of_the_library(tmp_path: Path) -> None:
    command = 'test -f "$(MLOPS_PROGRAMS)/step.py" && cp "$MLOPS_PROGRAMS/step.py" $(MLOPS_OUTPUT_MODEL)/'
    code, _, err = ran(tmp_path, command, {"outputs": ["model"]})
    assert (code, err) == (0, "")
    assert (tmp_path / "model" / "step.py").read_bytes() == Path(step.__file__).read_bytes()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("true", "output 'model' is empty"),
        ("true", "the metrics in"),
        ('echo "{}" > "$MLOPS_METRICS"', "metric 'auc' in"),
        ('echo "{\\"auc\\": NaN}" > "$MLOPS_METRICS"', "is nan, and a number is needed"),
        ('echo "{\\"auc\\": true}" > "$MLOPS_METRICS"', "is True, and a number is needed"),
        ('echo "[1]" > "$MLOPS_METRICS"', "are not an object of JSON"),
    ],
)
def test_what_is_missing_fails_the_step(tmp_path: Path, command: str, told: str) -> None:
    code, _, err = ran(tmp_path, command, {"outputs": ["model"], "metrics": ["auc"]})
    assert code == step.NOT_DONE
    assert told in err


def test_a_failure_is_the_steps_own(tmp_path: Path) -> None:
    code, out, err = ran(tmp_path, "exit 7", {"outputs": ["model"]})
    assert (code, out, err) == (7, "", "")


def test_a_command_that_fails_is_run_again_as_often_as_told(tmp_path: Path) -> None:
    command = "echo x >> tries; [ $(wc -l < tries) -eq 3 ] && echo y > $MLOPS_OUTPUT_MODEL/y"
    assert ran(tmp_path, command, {"outputs": ["model"], "attempts": 2})[0] == 1
    (tmp_path / "tries").unlink()
    code, _, err = ran(tmp_path, command, {"outputs": ["model"], "attempts": 3})
    assert code == 0
    assert err.count("begins") == 2


def test_who_asks_the_step_to_stop_asks_the_command(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    with started(tmp_path, f"exec {sys.executable} waits.py", {"attempts": 5}) as process:
        until((tmp_path / "ready").exists)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 3
    assert (tmp_path / "seen").read_text() == "stopped\n"


def test_a_program_that_is_not_there_is_named() -> None:
    done = subprocess.run([sys.executable, step.__file__, "trian"], capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert "there is no program 'trian' in the image" in done.stderr


def test_a_service_that_starts_the_image_alone_says_the_command_in_a_variable() -> None:
    environment = {"PATH": os.environ["PATH"], "MLOPS_COMMAND": json.dumps(["sh", "-c", "echo $(GIVEN)"]), "GIVEN": "x"}
    words = [sys.executable, step.__file__, "train"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "x\n"


def test_checkpoints_of_trials_are_apart(tmp_path: Path) -> None:
    where = f"{tmp_path}/kept/$(TRAINING_JOB_NAME)"
    code, out, _ = ran(tmp_path, "echo $MLOPS_CHECKPOINTS", {}, MLOPS_CHECKPOINTS=where, TRAINING_JOB_NAME="trial-3")
    assert (code, out) == (0, f"{tmp_path}/kept/trial-3\n")
    assert (tmp_path / "kept" / "trial-3").is_dir()


def test_the_values_of_a_trial_are_variables(tmp_path: Path) -> None:
    written = tmp_path / "hyperparameters.json"
    written.write_text(json.dumps({"lr": "0.01", "kind": '"deep"', "_tuning_objective_metric": "auc"}))
    assert step.settings(written) == {"MLOPS_PARAMETER_LR": "0.01", "MLOPS_PARAMETER_KIND": "deep"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ("1", "0", "localhost")),
        ({"PET_NNODES": "2", "PET_NODE_RANK": "1", "PET_MASTER_ADDR": "first"}, ("2", "1", "first")),
        ({"MLOPS_NODES": "3", "NODE_RANK": "2", "MASTER_ADDR": "first"}, ("3", "2", "first")),
    ],
)
def test_machines_are_found_where_each_service_says_them(
    tmp_path: Path, given: dict[str, str], found: tuple[str, str, str]
) -> None:
    told = step.nodes(given, tmp_path / "none")
    assert (told["MLOPS_NODES"], told["MLOPS_NODE_RANK"], told["MLOPS_MAIN_NODE"]) == found
    hosts = tmp_path / "resourceconfig.json"
    hosts.write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]}))
    told = step.nodes({}, hosts)
    assert (told["MLOPS_NODES"], told["MLOPS_NODE_RANK"], told["MLOPS_MAIN_NODE"]) == ("2", "1", "algo-1")


def test_the_launcher_is_put_before_the_command(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "torchrun").write_text('#!/bin/sh\necho "$@"\n')
    (tools / "torchrun").chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    wanted = {"launcher": "torchrun", "processes": 4}
    code, out, _ = ran(
        tmp_path, "true", wanted, PATH=path, MLOPS_NODES="2", MLOPS_NODE_RANK="1", MLOPS_MAIN_NODE="first"
    )
    assert code == 0
    said = (
        "--nnodes=2 --node_rank=1 --master_addr=first --master_port=29500 --nproc_per_node=4 --no_python sh -c true\n"
    )
    assert out == said


def test_only_the_first_machine_is_asked_for_what_was_made(tmp_path: Path) -> None:
    assert ran(tmp_path, "true", {"outputs": ["model"]}, MLOPS_NODES="2", MLOPS_NODE_RANK="1")[0] == 0
