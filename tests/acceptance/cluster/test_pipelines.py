"""Pipelines on containers that run: trained on one machine and on two, searched, judged, registered, begun again."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes import client

from pulumi_mlops.backends.kubernetes.runtime import MLSERVER_IMAGE
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded
from pulumi_mlops_sandbox.kubernetes.nodes.published import TORCH
from pulumi_mlops_sandbox.kubernetes.registry import Registry
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.kept import kept
from support.e2e.outside import shown, succeeded
from support.e2e.real import inside, nothing_is_left, project, timed
from support.e2e.runs import Run, at_once, found, start
from support.waiting import until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(2400)]

SPACE = "learn-dev"
ROWS = """
import os, pathlib, torch
torch.manual_seed(1)
x = torch.randn(400, 3)
y = (x @ torch.tensor([1.0, -2.0, 0.5]) > 0).float()
torch.save({"x": x, "y": y}, pathlib.Path(os.environ["MLOPS_OUTPUT_ROWS"], "rows.pt"))
"""
FIT = """
import json, os, pathlib, torch
rows = torch.load(pathlib.Path(os.environ["MLOPS_INPUT_ROWS"], "rows.pt"))
place = pathlib.Path(os.environ["MLOPS_CHECKPOINTS"], "state.pt")
state = torch.load(place) if place.exists() else {"round": 0, "weights": torch.zeros(3)}
began, rate = state["round"], float(os.environ["MLOPS_PARAMETER_RATE"])
weights = state["weights"].requires_grad_()
for round in range(began, 20):
    loss = torch.nn.functional.binary_cross_entropy_with_logits(rows["x"] @ weights, rows["y"])
    loss.backward()
    with torch.no_grad():
        weights -= rate * weights.grad
        weights.grad = None
    torch.save({"round": round + 1, "weights": weights.detach()}, place)
    if began == 0 and round == 9:
        raise SystemExit("this attempt fails in its tenth round")
torch.save(weights.detach(), pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "weights.pt"))
with open(os.environ["MLOPS_METRICS"], "w") as file:
    json.dump({"loss": loss.item(), "began": began}, file)
"""
"""Fails once, and goes on from its checkpoint."""
JUDGE = """
import json, os, pathlib, torch
rows = torch.load(pathlib.Path(os.environ["MLOPS_INPUT_ROWS"], "rows.pt"))
weights = torch.load(pathlib.Path(os.environ["MLOPS_INPUT_MODEL"], "weights.pt"))
right = ((rows["x"] @ weights > 0).float() == rows["y"]).float().mean().item()
with open(os.environ["MLOPS_METRICS"], "w") as file:
    json.dump({"accuracy": right}, file)
"""
BOTH = """
import json, os, pathlib, socket, torch, torch.distributed as together
together.init_process_group("gloo")
mine = torch.tensor([together.get_rank() + 1.0])
together.all_reduce(mine)
print("rank", together.get_rank(), "of", together.get_world_size(), "on", socket.gethostname(), "sum", mine.item())
if together.get_rank() == 0:
    pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "sum").write_text(str(mine.item()))
    with open(os.environ["MLOPS_METRICS"], "w") as file:
        json.dump({"sum": mine.item(), "processes": together.get_world_size()}, file)
"""
PATIENT = """
import json, os, pathlib, time
place = pathlib.Path(os.environ["MLOPS_CHECKPOINTS"], "round")
began = int(place.read_text()) if place.exists() else 0
for round in range(began, 120):
    time.sleep(1)
    part = place.with_suffix(".part")
    part.write_text(str(round + 1))
    part.replace(place)
pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "rounds").write_text("120")
with open(os.environ["MLOPS_METRICS"], "w") as file:
    json.dump({"began": began}, file)
"""
"""Takes two minutes in all, however often its machine is taken away."""
REACHED = {
    "learn-store:8333": True,
    "runs-tracker:5000": True,
    "learn-store:9333": False,
    "models-mlflow:5000": False,
    "models-mlflow-db-rw:5432": False,
    "runs-tracker-db-rw:5432": False,
}
"""What a step is let to that reads data and records, and what not."""
NOTED = f"""
import json, os, pathlib, socket, mlflow
def reached(place):
    host, port = place.split(":")
    address = socket.gethostbyname(host)
    try:
        socket.create_connection((address, int(port)), 5).close()
    except OSError:
        return False
    return True
found = dict((place, reached(place)) for place in {list(REACHED)!r})
(rows,) = [one.stat().st_size for one in pathlib.Path(os.environ["MLOPS_INPUT_ROWS"]).rglob("rows.pt")][-1:]
with mlflow.start_run():
    mlflow.log_metric("bytes", rows)
pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "reached.json").write_text(json.dumps(found))
"""
"""Records by MLflow's own client what it has read of a dataset, and says what it reaches."""
SHORT = """
import os, pathlib
pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "done").write_text("yes")
"""
TRIAL = """
import json, os, pathlib, time
rate = float(os.environ["MLOPS_PARAMETER_RATE"])
time.sleep(15)
pathlib.Path(os.environ["MLOPS_OUTPUT_MODEL"], "rate").write_text(str(rate))
with open(os.environ["MLOPS_METRICS"], "w") as file:
    json.dump({"distance": abs(rate - 0.3)}, file)
"""
"""Lasts long enough for others to go on beside it."""
PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

SMALL = dict(cpus=0.5, memory_gb=0.75)

def python(program, **where):
    return dict(image={TORCH!r}, command=["python3", "-c", program], **(where or dict(compute=SMALL)))

platform = mlops.Platform("learn", backend="kubernetes", stage="dev")
registry = mlops.ModelRegistry("models", platform=platform)
churn = mlops.Model("churn", registry=registry)
data = mlops.Dataset("data", platform=platform)
rows = mlops.prepare(**python({ROWS!r}), outputs=["rows"], publish=dict(rows=data))
fit = mlops.train(
    **python({FIT!r}), inputs=dict(rows=rows.out("rows")), metrics=["loss", "began"], checkpoints=True, retries=2,
    parameters=dict(rate=0.5),
)
judge = mlops.evaluate(
    **python({JUDGE!r}), inputs=dict(rows=rows.out("rows"), model=fit.out("model")), metrics=["accuracy"]
)
retrain = mlops.Pipeline(
    "retrain",
    platform=platform,
    parameters=dict(floor=0.9),
    steps=dict(
        rows=rows,
        fit=fit,
        judge=judge,
        register=mlops.register(
            churn, fit.out("model"), when=judge.metric("accuracy") >= mlops.parameter("floor"),
            metrics=[fit.metric("began")],
        ),
    ),
)
both = mlops.train(**python({BOTH!r}), metrics=["sum", "processes"], nodes=2, launcher="torchrun")
mlops.Pipeline("both", platform=platform, steps=dict(both=both, register=mlops.register(churn, both.out("model"))))
trial = mlops.train(**python({TRIAL!r}), metrics=["distance"])
best = mlops.tune(trial, minimize="distance", over=dict(rate=dict(uniform=[0.0, 1.0])), trials=8, parallel=4)
mlops.Pipeline(
    "search", platform=platform, steps=dict(tune=best, register=mlops.register(churn, best.out("model")))
)
night = mlops.TrainingCluster("night", platform=platform, compute=SMALL, nodes=dict(max=1), priority="low")
patient = mlops.train(**python({PATIENT!r}, cluster=night), metrics=["began"], checkpoints=True)
mlops.Pipeline(
    "patient",
    platform=platform,
    steps=dict(
        fit=patient, register=mlops.register(churn, patient.out("model"), metrics=[patient.metric("began")])
    ),
)
urgent = mlops.TrainingCluster("urgent", platform=platform, compute=SMALL, shares=night, priority="high")
mlops.Pipeline(
    "hurry", platform=platform, steps=dict(fit=mlops.train(**python({SHORT!r}, cluster=urgent), outputs=["model"]))
)
runs = mlops.ExperimentTracker("runs", platform=platform)
noted = mlops.train(
    image={MLSERVER_IMAGE!r}, command=["python3", "-c", {NOTED!r}], compute=SMALL, tracker=runs,
    inputs=dict(rows=data.latest()),
)
mlops.Pipeline("noted", platform=platform, steps=dict(fit=noted, register=mlops.register(churn, noted.out("model"))))
pulumi.export("retrain", retrain.ref.export())
pulumi.export("models", dict(churn=churn.ref.export()))
"""
WITHIN = 900.0
LEFT_OUT = 3
"""The exit code where a condition left steps out."""


@dataclass
class Learning:
    """The stack, and runs of its pipelines."""

    stack: Stack
    cluster: Cluster
    figures: list[str]

    def asked(self, *words: str, code: int = 0) -> Any:
        """Ask by the library's own command, which prints JSON."""
        command = [sys.executable, "-m", "pulumi_mlops", *words, "--output", "json"]
        done = self.stack.sandbox.run(command, cwd=self.stack.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def begun(self, pipeline: str) -> Run:
        """Start a pipeline."""
        return start(self.cluster, SPACE, pipeline)

    def ended(self, run: Run) -> Run:
        """Wait until a run has succeeded."""
        run.ended(WITHIN)
        self.figures.append(f"pipelines: {run.name.rpartition('-')[0]}: {run.seconds:.0f} s")
        assert run.phase == "Succeeded", run.told() + self.logs(run)
        return run

    def logs(self, run: Run) -> str:
        """Read what the steps of a run have printed."""
        with kept(self.cluster, SPACE, "learn") as store:
            found = [key for key in store.keys("pipelines/") if f"/{run.uid}/" in key and "/logs/" in key]
            return "".join(f"\n{key}:\n{store.read(key).decode(errors='replace')[-4000:]}" for key in found)

    def versions(self) -> dict[int, dict[str, str]]:
        """List the versions of the model with what is written down of each."""
        login = self.cluster.secret(SPACE, "models-mlflow")
        with forwarded(self.cluster.kubeconfig, SPACE, "service/models-mlflow", 5000) as port:
            asked = Registry(f"http://127.0.0.1:{port}", ("admin", login["password"]))
            return asked.versions("churn")

    def version(self, run: str) -> dict[str, str]:
        """Find what is written down of the one version that a run made."""
        (found,) = [tags for tags in self.versions().values() if tags["mlops-run"] == run]
        return found

    def made(self, run: Run) -> dict[str, str]:
        """Read what a run has left in the object store, by the paths within it."""
        with kept(self.cluster, SPACE, "learn") as store:
            found = [key for key in store.keys("pipelines/") if f"/{run.uid}/" in key and "/logs/" not in key]
            return {key.partition(f"/{run.uid}/")[2]: store.read(key).decode(errors="replace") for key in found}


@pytest.fixture(scope="module")
def learning(
    real: Sandbox, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, figures: list[str]
) -> Iterator[Learning]:
    stack, began = project(real, tmp_path_factory.mktemp("learn"), "learn", PROGRAM), time.monotonic()
    try:
        succeeded(stack.up())
        figures.append(timed("pipelines: up from nothing", began))
        yield Learning(stack, cluster, figures)
    finally:
        succeeded(stack.destroy())


def test_a_training_fails_once_goes_on_and_is_registered(learning: Learning) -> None:
    began = time.monotonic()
    told = learning.asked("run", "dev", "retrain")
    learning.figures.append(timed("pipelines: retrain", began))
    (run,) = found(learning.cluster, SPACE, "retrain")
    attempts = sorted(run.pods("step-fit"), key=lambda one: str(one["startedAt"]))
    assert [one["phase"] for one in attempts][-2:] == ["Failed", "Succeeded"]
    written = learning.version(run.uid)
    assert float(written["began"]) == 10
    assert float(written["accuracy"]) >= 0.9
    assert (written["mlops-pipeline"], written["mlops-code"]) == ("retrain", TORCH)
    assert written["approval"] == "Pending"
    assert told["state"] == "succeeded"
    (number,) = [number for number, tags in learning.versions().items() if tags["mlops-run"] == run.uid]
    said = json.dumps(learning.asked("lineage", "dev", f"churn:{number}"))
    for word in ("retrain", run.name, TORCH, "floor", "rate"):
        assert word in said, (word, said)


def test_a_condition_stops(learning: Learning) -> None:
    before = learning.versions()
    learning.asked("run", "dev", "retrain", "-p", "floor=1.5", code=LEFT_OUT)
    assert learning.versions() == before


def test_torchs_launcher_on_two_machines(learning: Learning) -> None:
    run = learning.ended(learning.begun("both"))
    assert learning.version(run.uid)
    assert learning.made(run)["both/model/sum"] == "3.0"


def test_a_search_with_four_trials_at_once(learning: Learning) -> None:
    run = learning.ended(learning.begun("search"))
    trials = run.pods("try-tune")
    assert len(trials) == 8
    assert at_once(trials) == 4
    assert learning.version(run.uid)


def test_a_run_whose_machine_is_taken_goes_on_from_its_checkpoint(learning: Learning) -> None:
    """As when its node is drained: Kueue has given it a machine, and its pod has to leave it."""
    run = learning.begun("patient")
    core: Any = client.CoreV1Api(learning.cluster.api)

    def working() -> list[str]:
        pods = core.list_namespaced_pod(SPACE, label_selector="pulumi-mlops/training-cluster=night").items
        return [str(pod.metadata.name) for pod in pods if pod.status.phase == "Running"]

    until(lambda: bool(working()), "it has its machine", WITHIN)
    (pod,) = working()
    until(
        lambda: "round" in inside(learning.cluster, SPACE, pod, "node", "ls", "/mnt/checkpoints"), "it goes on", WITHIN
    )
    core.create_namespaced_pod_eviction(
        pod, SPACE, client.V1Eviction(metadata=client.V1ObjectMeta(name=pod, namespace=SPACE))
    )
    learning.ended(run)
    assert float(learning.version(run.uid)["began"]) > 0


def test_an_urgent_run_takes_the_machine_of_another_which_goes_on_afterwards(learning: Learning) -> None:
    """There is one machine: Kueue takes it from who has the lower priority, whose training then waits for it."""
    run = learning.begun("patient")
    core: Any = client.CoreV1Api(learning.cluster.api)

    def working() -> list[Any]:
        pods = core.list_namespaced_pod(SPACE, label_selector="pulumi-mlops/training-cluster=night").items
        return [pod for pod in pods if pod.status.phase == "Running"]

    until(lambda: bool(working()), "it has its machine", WITHIN)
    (pod,) = working()
    name, uid = str(pod.metadata.name), pod.metadata.uid
    until(
        lambda: "round" in inside(learning.cluster, SPACE, name, "node", "ls", "/mnt/checkpoints"), "it goes on", WITHIN
    )
    learning.ended(learning.begun("hurry"))
    assert uid not in {pod.metadata.uid for pod in working()}, "its machine was taken"
    learning.ended(run)
    assert float(learning.version(run.uid)["began"]) > 0


def test_a_step_records_by_the_trackers_own_client_and_lineage_names_the_version_of_its_data(
    learning: Learning,
) -> None:
    run = learning.ended(learning.begun("noted"))
    login = learning.cluster.secret(SPACE, "runs-tracker")
    with forwarded(learning.cluster.kubeconfig, SPACE, "service/runs-tracker", 5000) as port:
        asked = Registry(f"http://127.0.0.1:{port}", ("admin", login["password"]))
        (noted,) = asked.runs()
    assert noted["metrics"]["bytes"] > 0
    assert noted["tags"]["mlops.pipeline"] == "noted"
    newest = f"data@{len(found(learning.cluster, SPACE, 'retrain'))}"  # each of these runs has published one
    assert noted["tags"]["mlops.data.rows"] == newest
    assert learning.version(run.uid)["mlops-data-rows"] == newest
    (number,) = [number for number, tags in learning.versions().items() if tags["mlops-run"] == run.uid]
    said = json.dumps(learning.asked("lineage", "dev", f"churn:{number}"))
    assert '"data"' in said, said
    assert json.loads(learning.made(run)["fit/model/reached.json"]) == REACHED


def test_nobody_who_runs_steps_reads_a_secret(learning: Learning) -> None:
    """What a step needs is mounted for it: no account of a pipeline may read a Secret, its own among them."""
    core: Any = client.CoreV1Api(learning.cluster.api)
    secrets = [one.metadata.name for one in core.list_namespaced_secret(SPACE).items]
    accounts = [one.metadata.name for one in core.list_namespaced_service_account(SPACE).items]
    names = ("retrain", "both", "search", "patient", "hurry", "noted")
    runs = [name for name in accounts if name.startswith(names)]
    assert secrets
    assert len(runs) >= len(names)
    for name in runs:
        account = learning.cluster.as_account(SPACE, name)
        assert account.tries("list", "", "secrets", "", SPACE) == 403
        assert {account.tries("get", "", "secrets", secret, SPACE) for secret in secrets} == {403}


def test_it_goes_without_a_trace(learning: Learning, figures: list[str]) -> None:
    assert shown(learning.stack.up()) == []
    began = time.monotonic()
    succeeded(learning.stack.destroy())
    figures.append(timed("pipelines: destroy", began))
    nothing_is_left(learning.cluster, SPACE)
