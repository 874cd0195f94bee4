"""The clients of wandb and ClearML take the environment that a tracker gives, without a server: they write to a folder.

The workload is started as it is anywhere: `jobs/start.py` reads the keys, and becomes the program.
"""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output

import pulumi_mlops as mlops
from pulumi_mlops.jobs import dataset, start, step
from pulumi_mlops_sandbox import packages
from support import clients
from support.changes.common import CLEARML, WANDB, hidden
from support.facts.aws import HUB
from support.mocks import Cloud

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
KEY = "0123456789abcdef0123456789abcdef01234567"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
WITH_WANDB = """
import hashlib, json, os, wandb
key = hashlib.sha256(os.environ["WANDB_API_KEY"].encode()).hexdigest()
run = wandb.init()
run.log({"auc": 0.9})
settings = run.settings
print(json.dumps([key, run.entity, run.project, settings.base_url]))
run.finish()
"""
WITH_CLEARML = """
import hashlib, json, os
from clearml import Task
from clearml.backend_api import Session
from clearml.backend_api.session.defs import ENV_ACCESS_KEY, ENV_SECRET_KEY
print(json.dumps([hashlib.sha256(key.get().encode()).hexdigest() for key in (ENV_ACCESS_KEY, ENV_SECRET_KEY)]))
print(json.dumps([Session.get_api_server_host(), Session.get_app_server_host(), Session.get_files_server_host()]))
task = Task.init(project_name=os.environ["CLEARML_PROJECT"], task_name="fit", auto_connect_frameworks=False)
task.get_logger().report_scalar("auc", "valid", 0.9, 1)
task.close()
print(json.dumps([task.get_project_name(), str(task.get_offline_mode_folder())]))
"""


def told(folder: Path, **engine: Any) -> dict[str, str]:
    """Return the environment of a workload that records: variables as they are, and keys in files as pods have them."""
    cloud = Cloud()

    def program() -> Any:
        runs = mlops.ExperimentTracker("runs", platform=HUB, **hidden(engine))
        return Output.all(runs.ref.environment, list(runs.ref.keys))

    environment, keys = cloud.run(program)
    found = dict(environment)
    for name in keys:
        (folder / name).write_text(KEY)
        found[f"{start.PREFIX}{name}"] = f"file://{folder}/{name}"
    return found


def ran(
    folder: Path, program: str, environment: dict[str, str], *through: str, python: Path | None = None
) -> list[str]:
    command = [sys.executable, start.__file__, *through, str(python or clients.python()), "-W", "ignore", "-c", program]
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
    done = subprocess.run(command, env=plain, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert KEY not in done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(("[", '"'))]


@pytest.mark.parametrize("base_url", [None, "https://wandb.example.com"])
def test_wandb_records_where_it_is_told(tmp_path: Path, base_url: str | None) -> None:
    environment = told(tmp_path, wandb={**WANDB, "base_url": base_url})
    offline = {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "WANDB_SILENT": "true"}
    (line,) = ran(tmp_path, WITH_WANDB, environment | offline)
    assert json.loads(line) == [DIGEST, "acme", "churn", base_url or "https://api.wandb.ai"]
    (kept,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"auc" in kept.read_bytes()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and _holds_key(path, tmp_path)]


def test_clearml_records_where_it_is_told(tmp_path: Path) -> None:
    environment = told(tmp_path, clearml=CLEARML)
    offline = {"CLEARML_OFFLINE_MODE": "1", "CLEARML_CACHE_DIR": str(tmp_path / "cache")}
    keys, hosts, task = ran(tmp_path, WITH_CLEARML, environment | offline)
    assert json.loads(keys) == [DIGEST, DIGEST]
    assert json.loads(hosts) == [CLEARML["api"], CLEARML["web"], CLEARML["files"]]
    project, folder = json.loads(task)
    assert project == "churn"
    with zipfile.ZipFile(f"{folder}.zip") as kept:
        assert any(name.endswith("task.json") for name in kept.namelist())
        assert "churn" in kept.read(next(name for name in kept.namelist() if name.endswith("task.json"))).decode()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and _holds_key(path, tmp_path)]


OF_A_STEP_WITH_WANDB = """
import json, wandb
run = wandb.init()
print(json.dumps([run.name, run.group, run.job_type, list(run.tags), json.loads(run.notes)["mlops.data.y"]]))
run.finish()
"""
OF_A_STEP_WITH_CLEARML = """
import json, os
from clearml import Task
task = Task.init(project_name=os.environ["CLEARML_PROJECT"], task_name="fit", auto_connect_frameworks=False)
task.close()
print(json.dumps([str(task.get_offline_mode_folder())]))
"""


def of_a_step(folder: Path) -> dict[str, str]:
    """Return what a step that reads a version of a dataset is told beside."""
    rows = folder / "rows"
    rows.mkdir()
    rows.joinpath("1.csv").write_text("id\n1\n")
    assert dataset.main(["publish", f"{rows}/"]) == 0
    return {
        "MLOPS_RUN": "retrain/9f2c/fit",
        "MLOPS_CODE": "image:1",
        "MLOPS_FACTS": str(folder / "facts" / "facts.json"),
        "MLOPS_READ": str(folder / "read"),
        "MLOPS_STEP": '{"datasets": ["y"]}',
        "MLOPS_DATASET_Y": f"rows@latest {rows}/",
        "MLOPS_INPUT_Y": str(folder / "y"),
    }


def test_a_run_in_wandb_says_what_its_step_has_read(tmp_path: Path) -> None:
    environment = told(tmp_path, wandb=WANDB) | of_a_step(tmp_path)
    offline = {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "WANDB_SILENT": "true", "WANDB_TAGS": "weekly"}
    (line,) = ran(tmp_path, OF_A_STEP_WITH_WANDB, environment | offline, sys.executable, step.__file__)
    assert json.loads(line) == ["retrain/9f2c/fit", "retrain/9f2c", "fit", ["weekly", "rows@1"], "rows@1"]


def test_a_run_in_clearml_says_what_its_step_has_read(tmp_path: Path) -> None:
    environment = told(tmp_path, clearml=CLEARML) | of_a_step(tmp_path)
    offline = {"CLEARML_OFFLINE_MODE": "1", "CLEARML_CACHE_DIR": str(tmp_path / "cache")}
    (line,) = ran(tmp_path, OF_A_STEP_WITH_CLEARML, environment | offline, sys.executable, step.__file__)
    task = json.loads(Path(json.loads(line)[0], "task.json").read_text())
    recorded = {name: one["value"] for name, one in task["hyperparams"]["Environment"].items()}
    assert recorded["MLOPS_RUN"] == "retrain/9f2c/fit"
    assert recorded["MLOPS_DATA_Y"] == "rows@1"
    assert not [value for value in recorded.values() if KEY in value]


OF_A_STEP_WITH_MLFLOW = """
import json, mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.9)
found = mlflow.get_run(run.info.run_id)
tags = {key: value for key, value in found.data.tags.items() if key.startswith("mlops.")}
print(json.dumps([found.info.run_name, mlflow.get_experiment(found.info.experiment_id).name, tags]))
"""


def test_a_run_in_mlflow_has_the_name_of_its_step_and_says_what_that_has_read(tmp_path: Path) -> None:
    place = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/runs.db", "MLFLOW_EXPERIMENT_NAME": "churn"}
    environment = of_a_step(tmp_path) | place | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    python = packages.ensure() / "python"
    (line,) = ran(tmp_path, OF_A_STEP_WITH_MLFLOW, environment, sys.executable, step.__file__, python=python)
    run = {"mlops.pipeline": "retrain", "mlops.run": "9f2c", "mlops.step": "fit", "mlops.code": "image:1"}
    assert json.loads(line) == ["retrain/9f2c/fit", "churn", {**run, "mlops.data.y": "rows@1"}]


def _holds_key(path: Path, folder: Path) -> bool:
    """Tell whether a client wrote the key down; the files that it was read from are the test's own."""
    return path.parent != folder and KEY.encode() in path.read_bytes()
