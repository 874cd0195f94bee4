"""A tracker of our own with MLflow itself: who records logs in as a user of their own, as the workload is told to.

Server and Jobs run exactly as the pods run them; the recorder is a process that is started by `jobs/start.py`.
"""

import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi import Output

import pulumi_mlops as mlops
from pulumi_mlops.jobs import start
from pulumi_mlops_sandbox import packages
from support import services
from support.facts.kubernetes import HUB, OBJECT_STORE
from support.mlflow_here import Installation, installed, objects
from support.mocks import Cloud

pytestmark = pytest.mark.long
WHO = ("trainer", "tuner")
RECORD = """
import json, os, sys, mlflow
with mlflow.start_run(run_id=sys.argv[1] if len(sys.argv) > 1 else None) as run:
    mlflow.log_metric("auc", 0.9)
    mlflow.log_params({"lr": 0.1})
    mlflow.log_text("weights", "model/weights.txt")
    mlflow.set_tag("by", os.environ["MLFLOW_TRACKING_USERNAME"])
experiment = mlflow.get_experiment(run.info.experiment_id)
print(json.dumps([run.info.run_id, experiment.name, mlflow.get_run(run.info.run_id).data.tags["by"]]))
"""
READ = """
import json, sys, mlflow
print(json.dumps(mlflow.artifacts.load_text(f"runs:/{sys.argv[1]}/model/weights.txt")))
"""


def generated(cloud: Cloud) -> dict[str, dict[str, str]]:
    """Register a tracker and who records; return the variables of each."""

    def program() -> Any:
        runs = mlops.ExperimentTracker("runs", platform=HUB, managed={"experiment": "churn"})
        for name in WHO:
            mlops.Identity(name, platform=HUB, records=[runs])
        return Output.from_input(runs.ref.environment)

    environment: dict[str, str] = cloud.run(program)
    users = {name: settings(cloud, name)["recorders"][0]["name"] for name in WHO}
    return {name: {**environment, "MLFLOW_TRACKING_USERNAME": users[name]} for name in WHO}


def settings(cloud: Cloud, name: str) -> Any:
    return json.loads(cloud.one("ConfigMap", f"{name}-record-runs-settings").inputs["data"]["settings.json"])


class Recording:
    """A tracker that runs, and who records in it."""

    def __init__(self, server: Installation, told: dict[str, dict[str, str]]) -> None:
        self.server, self.told = server, told

    def environment(self, who: str, password_of: str | None = None) -> dict[str, str]:
        place = self.server.folder / f"password-of-{password_of or who}"
        place.write_text(self.server.secrets[f"{password_of or who}-record-runs", "value"])
        uri = {"MLFLOW_TRACKING_URI": self.server.url}
        return {**self.told[who], **uri, f"{start.PREFIX}MLFLOW_TRACKING_PASSWORD": f"file://{place}"}

    def run(self, environment: dict[str, str], program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, start.__file__, str(self.server.binaries / "python"), "-W", "ignore", "-c", program]
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.server.folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
        return subprocess.run(
            [*command, *arguments],
            env=plain | environment,
            capture_output=True,
            text=True,
            timeout=services.BOUND_SECONDS,
            check=False,
        )

    def record(self, who: str, *run: str) -> Any:
        done = self.run(self.environment(who), RECORD, *run)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    cloud = Cloud()
    told = generated(cloud)
    with installed(cloud, Installation("runs-tracker", packages.ensure(), tmp_path_factory.mktemp("tracker"))) as made:
        for job in ("runs-tracker-setup", *(f"{name}-record-runs" for name in WHO)):
            made.job(cloud, job)
        yield Recording(made, told)


def test_each_records_as_a_user_of_their_own(tracker: Recording) -> None:
    run, experiment, by = tracker.record("trainer")
    assert (experiment, by) == ("churn", "identity-trainer")
    # The experiment is the trainer's, who made it by recording; the tuner records in it, and in the same run.
    again, experiment, by = tracker.record("tuner", run)
    assert (again, experiment, by) == (run, "churn", "identity-tuner")
    _, experiment, _ = tracker.record("tuner")
    assert experiment == "churn"


def test_files_go_through_the_server_to_the_trackers_folder(tracker: Recording) -> None:
    run, _, _ = tracker.record("trainer")
    there = objects(tracker.server.store).list_objects_v2(Bucket=OBJECT_STORE["bucket"], Prefix="runs/runs/")
    assert [one["Key"] for one in there["Contents"] if one["Key"].endswith(f"{run}/artifacts/model/weights.txt")]
    done = tracker.run(tracker.environment("tuner"), READ, run)
    assert json.loads(done.stdout.splitlines()[-1]) == "weights", done.stderr


def test_nobody_comes_in_by_another_ones_password(tracker: Recording) -> None:
    done = tracker.run(tracker.environment("trainer", password_of="tuner"), RECORD)
    assert done.returncode != 0
    assert "401" in done.stderr or "not authenticated" in done.stderr


def test_who_records_is_no_admin(tracker: Recording) -> None:
    secrets = tracker.server.secrets
    for key, value in (("username", "identity-trainer"), ("password", secrets["trainer-record-runs", "value"])):
        secrets["models-user-trainer", key] = value
    ask = tracker.server.refused
    assert ask("users/create", "trainer", username="mallory", password="long-enough-for-it") == 403
    assert ask("webhooks", "trainer") == 403
    assert ask("users/update-password", "trainer", username="identity-tuner", password="long-enough-for-it") != 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        tracker.server.ask("experiments/search", max_results=1)
    with caught.value as error:
        assert error.code == 401


def test_jobs_run_again_and_a_password_is_rotated(tracker: Recording) -> None:
    cloud = Cloud()
    generated(cloud)
    tracker.server.take(cloud)
    tracker.server.job(cloud, "trainer-record-runs")
    tracker.record("trainer")
    secrets = tracker.server.secrets
    secrets["former-record-runs", "value"] = secrets["trainer-record-runs", "value"]
    secrets["trainer-record-runs", "value"] = "another-one-0123456789"
    tracker.server.job(cloud, "trainer-record-runs")
    tracker.server.job(cloud, "runs-tracker-setup")
    tracker.record("trainer")
    tracker.record("tuner")
    refused = tracker.run(tracker.environment("trainer", password_of="former"), RECORD)
    assert refused.returncode != 0
