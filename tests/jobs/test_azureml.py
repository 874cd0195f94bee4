"""The programs in front of each step on Azure, as processes, beside a workspace that a test plays."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import jobs

PROGRAMS = Path(jobs.__file__).parent
MODEL = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/churn"
WRITE = "import os, json, pathlib; "
METRIC = WRITE + "pathlib.Path(os.environ['MLOPS_METRICS']).write_text(json.dumps({'auc': 0.93})); "
RECORD: dict[str, Any] = {
    "pipeline": "retrain",
    "step": "fit",
    "trials": False,
    "made": {},
    "kept": {"model": "output_model"},
}
FILE = "pathlib.Path(os.environ['MLOPS_OUTPUT_MODEL'], 'model.bin').write_text('x'); "


class Workspace:
    """What jobs reach: tokens, MLflow, the Resource Manager and storage."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.versions: dict[str, Any] = {}
        self.taken: set[str] = set()
        """Numbers that somebody takes between a look and a registration."""
        self.busy = 0
        workspace = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                status, said = workspace.answer(self.command, self.path, body, dict(self.headers))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            do_GET = do_PUT = do_POST = _answer  # noqa: N815 (as http.server looks for them)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        self.asked.append((method, path, body, headers))
        where, _, query = path.partition("?")
        if self.busy:
            self.busy -= 1
            return 503, {}
        if where == "/token":
            assert {name.lower(): said for name, said in headers.items()}["secret"] == "s3cret"
            return 200, {"access_token": f"token {query}"}
        if where == f"{MODEL}/versions":
            return 200, {"value": [{"name": name, **said} for name, said in self.versions.items()]}
        found = where.startswith(f"{MODEL}/versions/")
        return self._version(method, where.rpartition("/")[2], body) if found else (200, {})

    def _version(self, method: str, number: str, body: bytes) -> tuple[int, Any]:
        if method == "GET":
            return (200, self.versions[number]) if number in self.versions else (404, {})
        if number in self.taken:
            self.versions[number] = {}
            return 409, {}
        self.versions[number] = json.loads(body)
        return 201, {}

    def of(self, method: str, begins: str) -> list[tuple[str, Any]]:
        return [(path, body) for how, path, body, _ in self.asked if how == method and path.startswith(begins)]


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    found = Workspace()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def run(folder: Path, settings: dict[str, Any], workspace: Workspace | None = None, **more: str) -> Any:
    """Run the program as a job does, with folders below this one."""
    given = {"MLOPS_STATE": str(folder / "state"), "MLOPS_OUTPUT_MODEL": str(folder / "model"), **more}
    if workspace is not None:
        given |= {
            "MLFLOW_TRACKING_URI": f"{workspace.url}/mlflow/v1.0/w",
            "MLFLOW_TRACKING_TOKEN": "of the run",
            "MLFLOW_RUN_ID": "run-1",
            "AZUREML_RUN_ID": "run-1",
            "MLFLOW_EXPERIMENT_ID": "0",
            "AZUREML_ROOT_RUN_ID": "whole-1",
            "MSI_ENDPOINT": f"{workspace.url}/token",
            "MSI_SECRET": "s3cret",
        }
    settings.get("record", {})["runs"] = f"{workspace.url if workspace else 'https://a'}/blob/"
    environment = {"PATH": os.environ["PATH"], **given}
    command = [sys.executable, str(PROGRAMS / "azureml.py"), json.dumps(settings)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def step(script: str, **more: Any) -> dict[str, Any]:
    wanted = {"outputs": ["model"], "metrics": ["auc"], "launcher": None, "processes": 1}
    return {"command": [sys.executable, "-c", script], "wanted": wanted, "record": dict(RECORD), **more}


def before(folder: Path, name: str, auc: float) -> dict[str, str]:
    """Have a step before that measured something; return the variable that leads to it."""
    place = folder / f"before-{name}"
    place.mkdir()
    (place / "metrics.json").write_text(json.dumps({"auc": auc}))
    return {f"MLOPS_BEFORE_{name.upper()}": str(place)}


WHEN = [{"step": "judge", "metric": "auc", "comparison": ">=", "value": 0.9}]


def test_a_step_runs_and_tells_the_workspace_what_it_measured(tmp_path: Path, workspace: Workspace) -> None:
    ended = run(tmp_path, step(METRIC + FILE), workspace)
    assert ended.returncode == 0, ended.stderr
    ((path, body),) = workspace.of("POST", "/mlflow")
    assert path == "/mlflow/v1.0/w/api/2.0/mlflow/runs/log-batch"
    said = json.loads(body)
    assert (said["run_id"], said["metrics"][0]["key"], said["metrics"][0]["value"]) == ("run-1", "auc", 0.93)
    (headers,) = [one[3] for one in workspace.asked if one[0] == "POST"]
    assert headers["Authorization"] == "Bearer of the run"
    assert (tmp_path / "state" / "done").is_file()


@pytest.mark.parametrize("trials", [False, True])
def test_the_record_of_a_step_is_kept_by_the_run_and_leads_to_what_is_before(
    tmp_path: Path, workspace: Workspace, trials: bool
) -> None:
    known = {**before(tmp_path, "prep", 0), "MLOPS_INPUT_X": "/x", "MLOPS_CODE": "image:1"}
    (tmp_path / "before-prep" / "facts.json").write_text('{"address": "https://a/prep/facts.json"}')
    settings = step(
        METRIC + FILE, record={**RECORD, "trials": trials, "made": {"x": {"step": "prep", "output": "rows"}}}
    )
    assert run(tmp_path, settings, workspace, **known).returncode == 0
    ((path, body),) = workspace.of("PUT", "/blob/")
    assert path == f"/blob/whole-1/fit{'/run-1' if trials else ''}/facts.json"
    said = json.loads(body)
    assert (said["address"], said["status"], said["metrics"]) == (workspace.url + path, "succeeded", {"auc": 0.93})
    assert (said["run"], said["trial"]) == ("whole-1", "run-1" if trials else None)
    assert said["folders"] == {"model": f"{workspace.url}/blob/run-1/output_model/"}
    assert said["inputs"] == {"x": {"step": "prep", "output": "rows", "facts": "https://a/prep/facts.json"}}
    assert json.loads((tmp_path / "state" / "facts.json").read_text()) == said


def test_the_record_of_a_step_that_failed_is_kept(tmp_path: Path, workspace: Workspace) -> None:
    settings = step("raise SystemExit(9)")
    assert run(tmp_path, settings, workspace).returncode == 9
    ((_, body),) = workspace.of("PUT", "/blob/")
    assert json.loads(body)["status"] == "failed"


SAYS = METRIC + FILE + "print(json.dumps({k: v for k, v in os.environ.items() if k[:6] in ('MLFLOW', 'WANDB_')}))"


def said(ended: Any) -> dict[str, str]:
    found: dict[str, str] = json.loads(next(line for line in ended.stdout.splitlines() if line.startswith("{")))
    return found


def test_mlflow_records_in_the_tracker_and_not_with_the_token_of_the_job(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "key").write_text("pa55")
    tracking = {
        "MLFLOW_TRACKING_URI": "https://runs.example.com",
        "MLFLOW_EXPERIMENT_NAME": "churn",
        "MLOPS_ENV_MLFLOW_TRACKING_PASSWORD": f"file://{tmp_path}/key",
    }
    settings = step(SAYS, tracking=tracking, fetches=True)
    ended = run(tmp_path, settings, workspace)
    assert ended.returncode == 0, ended.stderr
    told = said(ended)
    assert json.loads(told.pop("MLFLOW_RUN_CONTEXT"))["mlflow.runName"] == "retrain/whole-1/fit"
    assert told == {
        "MLFLOW_TRACKING_URI": "https://runs.example.com",
        "MLFLOW_EXPERIMENT_NAME": "churn",
        "MLFLOW_TRACKING_PASSWORD": "pa55",
    }
    ((path, _),) = workspace.of("POST", "/mlflow")
    assert path.startswith("/mlflow/v1.0/w/"), "a search decides by what the job itself tells the workspace"


def test_beside_another_tracker_the_jobs_own_run_is_there_too(tmp_path: Path, workspace: Workspace) -> None:
    settings = step(SAYS, tracking={"WANDB_PROJECT": "churn"})
    told = said(run(tmp_path, settings, workspace))
    assert (told["MLFLOW_RUN_ID"], told["WANDB_NAME"]) == ("run-1", "retrain/whole-1/fit")


def test_a_condition_that_does_not_hold_ends_with_success_and_leaves_word(tmp_path: Path) -> None:
    settings = step("raise SystemExit(9)", before=["judge"], when=WHEN)
    ended = run(tmp_path, settings, **before(tmp_path, "judge", 0.8))
    assert ended.returncode == 0, ended.stderr
    assert "auc of step 'judge' is 0.8, and >= 0.9 is asked for" in (tmp_path / "state" / "skipped").read_text()
    assert any((tmp_path / "model").iterdir()), "nothing empty is mounted"


def test_a_condition_that_holds_lets_the_step_run(tmp_path: Path) -> None:
    ended = run(tmp_path, step("raise SystemExit(9)", before=["judge"], when=WHEN), **before(tmp_path, "judge", 0.9))
    assert ended.returncode == 9


def test_a_condition_compares_with_a_parameter(tmp_path: Path) -> None:
    when = [{"step": "judge", "metric": "auc", "comparison": "<", "parameter": "MLOPS_BOUND_LEAST"}]
    known = before(tmp_path, "judge", 0.8)
    assert run(tmp_path, step("raise SystemExit(9)", when=when), MLOPS_BOUND_LEAST="0.7", **known).returncode == 0
    assert run(tmp_path, step("raise SystemExit(9)", when=when), MLOPS_BOUND_LEAST="0.81", **known).returncode == 9


def test_what_is_behind_a_step_that_was_skipped_is_skipped(tmp_path: Path) -> None:
    known = before(tmp_path, "fit", 1)
    (tmp_path / "before-fit" / "skipped").write_text("so")
    ended = run(tmp_path, step("raise SystemExit(9)", before=["fit"]), **known)
    assert ended.returncode == 0
    assert "step 'fit' was skipped: so" in (tmp_path / "state" / "skipped").read_text()


def test_a_trial_that_is_skipped_tells_the_search_the_worst(tmp_path: Path, workspace: Workspace) -> None:
    objective = {"metric": "auc", "goal": "maximize"}
    settings = step("raise SystemExit(9)", before=["judge"], when=WHEN, objective=objective)
    assert run(tmp_path, settings, workspace, **before(tmp_path, "judge", 0)).returncode == 0
    bodies = [json.loads(body) for _, body in workspace.of("POST", "/mlflow")]
    assert [one["metrics"][0]["value"] for one in bodies if "metrics" in one] == [-1e300]


def test_a_step_that_is_skipped_tells_whoever_looks_at_the_run(tmp_path: Path, workspace: Workspace) -> None:
    """To Azure it is a job that succeeded."""
    settings = step("raise SystemExit(9)", before=["judge"], when=WHEN)
    assert run(tmp_path, settings, workspace, **before(tmp_path, "judge", 0.8)).returncode == 0
    ((path, body),) = workspace.of("POST", "/mlflow")
    assert path.endswith("/runs/set-tag")
    reason = "auc of step 'judge' is 0.8, and >= 0.9 is asked for"
    assert json.loads(body) == {"run_id": "run-1", "key": "mlops_skipped", "value": reason}


def test_a_step_that_fails_is_begun_again_with_its_checkpoints(tmp_path: Path) -> None:
    look = "seen = pathlib.Path(os.environ['MLOPS_CHECKPOINTS'], 'seen'); again = seen.is_file(); seen.write_text(''); "
    script = METRIC + FILE + look + "raise SystemExit(0 if again else 3)"
    kept = {"MLOPS_CHECKPOINTS": str(tmp_path / "kept")}
    settings = step(script)
    assert run(tmp_path, settings, **kept).returncode == 3
    (tmp_path / "kept" / "seen").unlink()
    settings["wanted"]["attempts"] = 2
    ended = run(tmp_path, settings, **kept)
    assert ended.returncode == 0, ended.stderr
    assert "attempt 2 of 2" in ended.stderr


def test_a_machine_beside_the_first_leaves_no_files_of_its_own(tmp_path: Path, workspace: Workspace) -> None:
    ended = run(tmp_path, step(METRIC + FILE), workspace, NODE_RANK="1", MASTER_ADDR="first")
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "state").exists()
    assert not workspace.asked


def test_a_whole_number_of_a_search_is_one(tmp_path: Path) -> None:
    script = METRIC + FILE + "assert os.environ['MLOPS_PARAMETER_DEPTH'] == '4'"
    settings = step(script, whole_numbers=["MLOPS_PARAMETER_DEPTH"])
    assert run(tmp_path, settings, MLOPS_PARAMETER_DEPTH="4.0").returncode == 0


def test_what_cannot_be_told_fails_the_step() -> None:
    """A search would go on without a trial's figure, and choose another one."""
    code = (
        f"import sys; sys.path.insert(0, {str(PROGRAMS)!r}); import azureml; "
        "sys.exit(azureml.tell({'auc': 1.0}, {'MLFLOW_TRACKING_URI': 'http://127.0.0.1:9', 'MLFLOW_RUN_ID': 'r'}, 0.0))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "could not be told" in ended.stderr


def registering(workspace: Workspace, **more: Any) -> dict[str, Any]:
    register = {
        "api": "2025-12-01",
        "management": workspace.url,
        "model": MODEL,
        "store": f"{workspace.url}/blob/artifacts/",
        "folder": "models/churn/",
        "datastore": "azureml://datastores/artifacts/paths/",
        "noted": [{"step": "judge", "metric": "auc"}],
        "metadata": {"team": "growth"},
        "lineage": {"mlops-pipeline": "retrain", "mlops-step": "fit"},
        "image": "registry.example.com/serve:1",
        "pause": 0,
        **more,
    }
    return {"register": register, "before": ["judge"], "when": WHEN}


def made(folder: Path) -> dict[str, str]:
    (folder / "files" / "inner").mkdir(parents=True)
    (folder / "files" / "model.bin").write_text("x")
    (folder / "files" / "inner" / "a b.txt").write_text("y")
    known = {"MLOPS_INPUT_FILES": str(folder / "files"), **before(folder, "judge", 0.93), **before(folder, "fit", 0)}
    read = {"dataset": "rows", "version": 3}
    facts = {"address": "https://a/pipelines/retrain/whole-1/fit/facts.json", "inputs": {"y": read, "x": {}}}
    (folder / "before-fit" / "facts.json").write_text(json.dumps(facts))
    return known


def test_a_version_waits_for_its_approval_with_its_files_metrics_and_lineage(
    tmp_path: Path, workspace: Workspace
) -> None:
    workspace.versions = {"1": {}, "latest": {}}
    known = made(tmp_path)
    ended = run(tmp_path, registering(workspace), workspace, **known)
    assert ended.returncode == 0, ended.stderr
    said = workspace.versions["2"]["properties"]
    assert said["tags"] == {"approval": "pending", "serving_image": "registry.example.com/serve:1"}
    assert said["modelUri"] == "azureml://datastores/artifacts/paths/models/churn/run-1/"
    assert said["modelType"] == "custom_model"
    assert said["properties"] == {
        "auc": "0.93",
        "team": "growth",
        "mlops-pipeline": "retrain",
        "mlops-step": "fit",
        "mlops-run": "whole-1",
        "mlops-facts": "https://a/pipelines/retrain/whole-1/fit/facts.json",
        "mlops-data-y": "rows@3",
        "mlops-job": "run-1",
    }
    uploaded = dict(workspace.of("PUT", "/blob/"))
    assert uploaded == {
        "/blob/artifacts/models/churn/run-1/model.bin": b"x",
        "/blob/artifacts/models/churn/run-1/inner/a%20b.txt": b"y",
    }
    assert any("storage.azure.com" in path for path, _ in workspace.of("GET", "/token"))
    again = run(tmp_path, registering(workspace), workspace, **known)
    assert again.returncode == 0
    assert "registered version 2 already" in again.stdout
    assert "3" not in workspace.versions


def test_a_number_that_somebody_takes_meanwhile_is_left_to_them(tmp_path: Path, workspace: Workspace) -> None:
    workspace.taken, workspace.busy = {"1"}, 2
    ended = run(tmp_path, registering(workspace), workspace, **made(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert "properties" in workspace.versions["2"]


def test_nothing_is_registered_where_the_condition_does_not_hold(tmp_path: Path, workspace: Workspace) -> None:
    known = made(tmp_path)
    (tmp_path / "before-judge" / "metrics.json").write_text('{"auc": 0.1}')
    assert run(tmp_path, registering(workspace), workspace, **known).returncode == 0
    assert [path.rpartition("/")[2] for _, path, *_ in workspace.asked] == ["set-tag"]


def test_a_refusal_is_told_and_ends_the_step(tmp_path: Path, workspace: Workspace) -> None:
    known = made(tmp_path)
    settings = registering(workspace, model=MODEL, management=f"{workspace.url}/elsewhere")
    workspace.answer = lambda *_: (403, {"error": "no"})  # type: ignore[method-assign]
    ended = run(tmp_path, settings, workspace, **known)
    assert ended.returncode == 1
    assert "403" in ended.stderr


def test_large_files_go_in_blocks(tmp_path: Path, workspace: Workspace) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"a" * 70)
    code = (
        f"import sys; sys.path.insert(0, {str(PROGRAMS)!r}); import azureml_register as r, pathlib; r._BLOCK = 32; "
        f"azure = r.Azure({{'MSI_ENDPOINT': '{workspace.url}/token', 'MSI_SECRET': 's3cret'}}, 0); "
        f"azure.upload('{workspace.url}/blob/c/big', pathlib.Path({str(big)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
    sent = workspace.of("PUT", "/blob/c/big")
    assert [len(body) for _, body in sent[:-1]] == [32, 32, 6]
    assert sent[-1][0].endswith("comp=blocklist")
    assert sent[-1][1].count(b"<Latest>") == 3
