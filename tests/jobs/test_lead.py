"""Who leads a training, and its machines: as processes that talk to each other, beside an API server that is played."""

import http.client
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from pulumi_mlops.jobs import follow

JOBS = Path(follow.__file__).parent
KEY = "opens-the-door"
TRAIN = """
import json, os, pathlib, sys
said = pathlib.Path(os.environ["MLOPS_INPUT_X"], "deep/rows.csv").read_text()
kept = pathlib.Path(os.environ["MLOPS_CHECKPOINTS"], "steps-" + os.environ["MLOPS_NODE_RANK"])
print("rows", said, "node", os.environ["MLOPS_NODE_RANK"], "of", os.environ["MLOPS_NODES"], flush=True)
if os.environ.get("DAEMON"):
    import subprocess
    subprocess.Popen(["sleep", "60"])
if os.environ.get("WAIT") and not kept.exists():
    kept.write_text("1")
    sys.stdin.read()
pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "weights.bin").write_text("lr " + os.environ["MLOPS_PARAMETER_LR"])
pathlib.Path(os.environ["MLOPS_METRICS"]).write_text(json.dumps({"auc": 0.9}))
sys.exit(int(os.environ.get("CODE", "0")))
"""


class Trainer:
    """An API server, and what starts and stops the machines of a TrainJob."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment
        self.job: dict[str, Any] | None = None
        self.made: list[dict[str, Any]] = []
        self.machines: list[subprocess.Popen[bytes]] = []
        self.queued = self.unreachable = self.refuses = self.complete = False
        self.held = False
        self.deleted: list[str] = []

    def create(self, path: str, body: dict[str, Any]) -> None:
        if self.refuses:
            raise HTTPError(path, 403, "Forbidden", None, None)  # type: ignore[arg-type]  # as urllib does
        self.job = body
        self.made.append(body)
        if not self.held:
            self.begin()

    def begin(self) -> None:
        assert self.job is not None
        trainer = self.job["spec"]["trainer"]
        told = {one["name"]: one["value"] for one in trainer["env"]}
        nodes = trainer["numNodes"]
        self.machines = [self._machine(told, node, nodes) for node in range(nodes)]

    def _machine(self, told: dict[str, str], node: int, nodes: int) -> subprocess.Popen[bytes]:
        here = self.folder / f"node-{node}"
        own = {
            "PET_NNODES": str(nodes),
            "PET_NODE_RANK": str(node),
            "MLOPS_LEAD_KEY": str(self.folder / "key"),
            "MLOPS_INPUT_X": str(here / "inputs" / "x"),
            "MLOPS_OUTPUT_MODEL": str(here / "outputs" / "model"),
            "MLOPS_METRICS": str(here / "metrics.json"),
            "MLOPS_CHECKPOINTS": str(self.folder / "kept"),
            "MLOPS_STEP": json.dumps({"outputs": ["model"], "metrics": ["auc"]}),
        }
        command = [sys.executable, str(JOBS / "follow.py"), sys.executable, str(JOBS / "step.py")]
        return subprocess.Popen(
            [*command, sys.executable, "-c", TRAIN],
            env={"PATH": os.environ["PATH"], **own, **told, **self.environment},
            stdin=subprocess.PIPE,
        )

    def preempt(self) -> None:
        for machine in self.machines:
            machine.terminate()
        assert [machine.wait() for machine in self.machines] == [143] * len(self.machines)
        self.end()
        self.machines, self.queued = [], True

    def get(self, _path: str) -> dict[str, Any] | None:
        if self.unreachable:
            raise ConnectionError
        if self.job is None:
            return None
        codes = [machine.poll() for machine in self.machines]
        conditions = [{"type": "Suspended", "status": str(self.queued)}]
        if any(codes):
            conditions.append({"type": "Failed", "status": "True", "message": "a machine failed"})
        elif self.complete or (codes and all(code == 0 for code in codes)):
            conditions.append({"type": "Complete", "status": "True"})
        return {"status": {"conditions": conditions}}

    def delete(self, path: str) -> None:
        self.deleted.append(path)
        self.job = None
        self.end()

    def end(self) -> None:
        for machine in self.machines:
            machine.kill()
            machine.wait()
            assert machine.stdin is not None
            machine.stdin.close()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(JOBS))
    return importlib.import_module("lead")


class Led:
    """A training, and who leads it."""

    def __init__(
        self, module: Any, folder: Path, nodes: int = 1, wait: float | None = None, **environment: str
    ) -> None:
        (folder / "key").write_text(KEY)
        (folder / "in" / "deep").mkdir(parents=True)
        (folder / "in" / "deep" / "rows.csv").write_text("1,2")
        self.folder, self.looks = folder, 0
        self.each: Callable[[], None] = lambda: None
        self.settings: dict[str, Any] = {
            "namespace": "churn-dev",
            "called": "retrain-fit",
            "run": "u-1",
            "trial": "",
            "runtime": "retrain-fit-run",
            "nodes": nodes,
            "labels": {"kueue.x-k8s.io/queue-name": "gpus"},
            "owner": {"kind": "Workflow", "name": "retrain-1", "uid": "u-1"},
            "claim": {"volume": "checkpoints-fit", "name": "retrain-1-checkpoints-fit"},
            "handed": {"MLOPS_PARAMETER_LR": "0.1"},
            "given": {"MLOPS_INPUT_X": str(folder / "in")},
            "taken": {"MLOPS_OUTPUT_MODEL": str(folder / "out"), "MLOPS_METRICS": str(folder / "metrics.json")},
            "run_seconds": 3600,
            "wait_seconds": wait,
        }
        self.trainer = Trainer(folder, **environment)
        self.moment = 0.0
        self.files = module.Files(self.settings, lambda: self.moment)
        self.door = module.opened(self.files, KEY, 0)
        self.settings["address"] = f"http://127.0.0.1:{self.door.server_port}"
        self.lead = module.Lead(self.settings, self.trainer, self.files, lambda: self.moment, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.moment += seconds
        self.looks += 1
        self.each()
        if self.files.heard is not None and any(one.poll() is None for one in self.trainer.machines):
            # The clock of this test goes a hundred times as fast as that of the machines.
            self.files.beat("0", b"")
        threading.Event().wait(0.05)

    def close(self) -> None:
        self.door.shutdown()
        self.door.server_close()
        self.trainer.end()


@pytest.fixture
def led(module: Any, tmp_path: Path) -> Iterator[Callable[..., Led]]:
    found: list[Led] = []

    def make(**args: Any) -> Led:
        found.append(Led(module, tmp_path, **args))
        return found[-1]

    yield make
    for one in found:
        one.close()


def test_machines_are_given_files_and_the_first_ones_count(
    led: Callable[..., Led], capfd: pytest.CaptureFixture[str]
) -> None:
    one = led(nodes=2)
    assert one.lead.run() == 0
    assert (one.folder / "out" / "weights.bin").read_text() == "lr 0.1"
    assert json.loads((one.folder / "metrics.json").read_text()) == {"auc": 0.9}
    said = capfd.readouterr().out
    assert "[0] rows 1,2 node 0 of 2\n" in said
    assert "[1] rows 1,2 node 1 of 2\n" in said
    assert one.trainer.deleted == [one.lead.one]


def test_a_job_is_what_the_runtime_says_and_goes_with_its_run(led: Callable[..., Led]) -> None:
    one = led(nodes=2)
    job = one.lead.job()
    assert job["metadata"]["name"].startswith("retrain-fit-")
    assert job["metadata"]["ownerReferences"] == [one.settings["owner"]]
    assert job["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "gpus"}
    assert set(job["spec"]) == {"runtimeRef", "trainer", "runtimePatches"}
    assert job["spec"]["runtimeRef"]["name"] == "retrain-fit-run"
    assert set(job["spec"]["trainer"]) == {"numNodes", "env"}
    assert KEY not in json.dumps(job)


def test_a_command_that_fails_fails_the_step_with_its_code(led: Callable[..., Led]) -> None:
    one = led(CODE="3")
    assert one.lead.run() == 3
    assert one.trainer.job is None


def test_what_a_command_leaves_behind_holds_nobody_up(led: Callable[..., Led]) -> None:
    one = led(DAEMON="1")
    began = time.monotonic()
    assert one.lead.run() == 0
    assert time.monotonic() - began < 30


def test_a_training_whose_machines_are_taken_away_goes_on_from_its_checkpoint(
    led: Callable[..., Led], capfd: pytest.CaptureFixture[str]
) -> None:
    one = led(WAIT="1", wait=120)
    taken: list[int] = []

    def each() -> None:
        if not taken and (one.folder / "kept" / "steps-0").exists():
            taken.append(one.looks)
            one.trainer.preempt()
        elif taken and one.looks == taken[0] + 10:
            one.trainer.queued = False
            one.trainer.begin()

    one.each = each
    assert one.lead.run() == 0
    assert (one.folder / "out" / "weights.bin").exists()
    said = [line for line in capfd.readouterr().out.splitlines() if line.startswith("lead: ")]
    assert said[-3:] == ["lead: it runs", "lead: its machines are gone: it waits in the queue", "lead: it runs"]


@pytest.mark.parametrize("before", [False, True])
def test_all_waits_together_are_bounded(
    led: Callable[..., Led], before: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    one = led(wait=100, WAIT="1" if before else "")
    one.trainer.held = one.trainer.queued = not before

    def each() -> None:
        if before and one.trainer.machines and (one.folder / "kept" / "steps-0").exists():
            one.trainer.preempt()

    one.each = each
    assert one.lead.run() == 74
    assert one.moment >= 100
    assert "since it has waited for machines" in capfd.readouterr().out
    assert one.trainer.job is None


def test_a_run_is_bounded_and_waiting_does_not_count(led: Callable[..., Led]) -> None:
    one = led(WAIT="1")
    one.settings["run_seconds"] = 40
    one.trainer.held = one.trainer.queued = True

    def each() -> None:
        if one.looks == 20:
            one.trainer.queued = False
            one.trainer.begin()

    one.each = each
    assert one.lead.run() == 74
    assert one.moment > 100


def test_a_run_that_is_stopped_leaves_nothing(led: Callable[..., Led]) -> None:
    one = led(WAIT="1")

    def each() -> None:
        if one.looks == 3:
            sys.exit(143)

    one.each = each
    with pytest.raises(SystemExit):
        one.lead.run()
    assert one.trainer.job is None


def test_what_an_earlier_attempt_left_goes_first(led: Callable[..., Led]) -> None:
    one = led()
    one.trainer.job = {"left": True}
    assert one.lead.run() == 0
    assert len(one.trainer.deleted) == 2
    assert "left" not in one.trainer.made[0]


def test_an_api_server_that_is_away_for_a_while_ends_nothing(led: Callable[..., Led]) -> None:
    one = led()

    def each() -> None:
        one.trainer.unreachable = one.looks < 5

    one.each = each
    assert one.lead.run() == 0


def test_a_training_that_handed_nothing_over_has_not_succeeded(led: Callable[..., Led]) -> None:
    one = led()
    one.trainer.held = one.trainer.complete = True
    assert one.lead.run() == 70


def test_a_job_that_is_refused_says_why(led: Callable[..., Led], capfd: pytest.CaptureFixture[str]) -> None:
    one = led()

    one.trainer.refuses = True
    assert one.lead.run() == 1
    assert "is refused: 403" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/files", "wrong", 403),
        ("PUT", "/taken/MLOPS_OUTPUT_MODEL/a", "wrong", 403),
        ("POST", "/end?node=0&code=0", "", 403),
        ("GET", "/given/MLOPS_INPUT_X/deep/rows.csv", KEY, 200),
        ("GET", "/given/MLOPS_INPUT_X/..%2F..%2Fkey", KEY, 404),
        ("GET", "/given/MLOPS_INPUT_X/../key", KEY, 404),
        ("GET", "/taken/MLOPS_OUTPUT_MODEL/a", KEY, 404),
        ("PUT", "/given/MLOPS_INPUT_X/a", KEY, 404),
        ("PUT", "/taken/MLOPS_OUTPUT_MODEL/..%2Fa", KEY, 404),
        ("PUT", "/taken/MLOPS_OUTPUT_OTHER/a", KEY, 404),
        ("PUT", "/taken/MLOPS_OUTPUT_MODEL/a%20b", KEY, 204),
        ("PUT", "/taken/MLOPS_METRICS", KEY, 204),
        ("POST", "/other", KEY, 404),
    ],
)
def test_the_door_opens_for_the_key_and_for_its_own_folders(
    led: Callable[..., Led], method: str, path: str, key: str, status: int
) -> None:
    one = led()
    connection = http.client.HTTPConnection(urlsplit(one.settings["address"]).netloc)
    connection.request(method, path, b"text" if method == "PUT" else None, {"Authorization": f"Bearer {key}"})
    assert connection.getresponse().status == status
    connection.close()
    assert (one.folder / "key").read_text() == KEY
    assert not (one.folder / "a").exists()


def test_a_machine_that_is_left_alone_ends() -> None:
    left: list[str] = []

    class Nobody:
        def tell(self, what: str, _body: bytes, tries: int) -> None:
            raise ConnectionError(f"{what} {tries}")

    report = follow.Report(Nobody(), lambda: left.append("alone"), every=0.01, patience=0.1)  # type: ignore[arg-type]
    report.thread.start()
    report.thread.join(10)
    assert left == ["alone"]
