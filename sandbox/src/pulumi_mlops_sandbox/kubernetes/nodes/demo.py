"""What the demonstration shows of `stacks/kubernetes` where pods run: a model from its training to a rollback."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.demo import Demo
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import gateways
from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded, told
from pulumi_mlops_sandbox.kubernetes.load import OK, Load, Phase
from pulumi_mlops_sandbox.kubernetes.operators import running
from pulumi_mlops_sandbox.kubernetes.registry import Registry
from pulumi_mlops_sandbox.progress import step
from pulumi_mlops_sandbox.stack import Result

SPACE, MODEL = "churn-dev", "churn"
ASKED = {"inputs": [[0.5, -1.0, 2.0]]}
PROGRAM = Path(__file__).with_name("train.py")
SMALL = {
    "cpus": "1",
    "memory_gb": "2",
    "canary_bake_minutes": "1",
    "gateway": json.dumps({"name": "gateways/public", "domain": "ml-dev.example.com", "tls": False}),
}
"""What differs from the stack's own settings: one machine holds all of it, and a canary is watched for a minute."""
ANSWERS_WITHIN = 300.0
TRAINED_WITHIN = 300.0


class Training:
    """Who trains and approves, by a forwarded port of MLflow and as its admin."""

    def __init__(self, kubeconfig: Path, home: Path) -> None:
        self._kubeconfig, self._home = kubeconfig, home

    @contextmanager
    def _way(self) -> Iterator[tuple[str, dict[str, str]]]:
        lacking = "The registry's login cannot be read"
        secret = told(self._kubeconfig, SPACE, "get", "secret", "models-mlflow", "--output=json", lacking=lacking)
        found = json.loads(secret)["data"]
        login = {key: base64.b64decode(found[key]).decode() for key in ("username", "password")}
        with forwarded(self._kubeconfig, SPACE, "service/models-mlflow", 5000) as port:
            yield f"http://127.0.0.1:{port}", login

    def train(self, kind: str) -> int:
        """Train a version and register it; return its number."""
        with self._way() as (url, login), step(f"Training a {kind} version"):
            environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(self._home),
                "MLFLOW_TRACKING_URI": url,
                "MLFLOW_TRACKING_USERNAME": login["username"],
                "MLFLOW_TRACKING_PASSWORD": login["password"],
                "MLFLOW_DISABLE_TELEMETRY": "true",
            }
            done = subprocess.run(  # noqa: S603  (our own program)
                [str(packages.ensure() / "python"), "-W", "ignore", PROGRAM, MODEL, kind],
                env=environment,
                capture_output=True,
                text=True,
                timeout=TRAINED_WITHIN,
                check=False,
            )
            if done.returncode:
                raise SandboxError(f"The training failed:\n{done.stderr}")
        return int(done.stdout.split()[-1])

    def approve(self, number: int) -> None:
        """Approve a version."""
        with self._way() as (url, login):
            Registry(url, (login["username"], login["password"])).approve(MODEL, number)


def show(demo: Demo, url: str) -> None:
    """Show it."""
    del url
    stack = demo.stack
    running.install(stack.sandbox)
    training = Training(stack.sandbox.home / "kubeconfig", stack.sandbox.home)
    stack.configure(**SMALL)
    demo.show("up", stack.up, lambda result: set(result.counts) == {"create"}, "everything runs")
    demo.show("up again", stack.up, lambda result: not result.changes, "nothing to do")

    number = training.train("good")
    demo.show("a version is trained and registered", stack.up, lambda result: not result.changes, "it is not approved")
    training.approve(number)
    demo.show("and approved", stack.up, lambda result: "create" in result.counts, "the endpoint appears")
    where, address = gateways.address(stack.sandbox.home / "kubeconfig"), str(stack.outputs()["url"])
    _answers(demo, lambda: gateways.ask(where, address, ASKED)[0])

    with Load(where, address, body=ASKED) as load:
        training.approve(training.train("good"))
        _released(demo, load, "another version is released", stack.up, wanted=True)
        training.approve(training.train("failing"))
        _released(demo, load, "a version that fails is rolled back", stack.up, wanted=False)
        with load.phase("after it") as phase:
            load.keep_up(10)
        _figures(demo, phase, lost=0)
    demo.show("destroy", stack.destroy, lambda result: set(result.counts) == {"delete"}, "everything deleted")


def _answers(demo: Demo, asked: Callable[[], int]) -> None:
    started = time.monotonic()
    with step("Asking the endpoint"):
        while asked() != OK:
            if time.monotonic() - started > ANSWERS_WITHIN:
                raise SandboxError(f"The endpoint does not answer within {ANSWERS_WITHIN:.0f} s.")
            time.sleep(0.5)
    demo.rows.append(("it is asked through the gateway", "an answer", "an answer", time.monotonic() - started))


def _released(demo: Demo, load: Load, title: str, up: Callable[[], Result], *, wanted: bool) -> None:
    """Bring a version up under load. One that fails costs no more than the canary's share."""
    with load.phase(title) as phase:
        result = up()
        load.keep_up(10)
    if bool(result.code) == wanted:
        raise SandboxError(f"{title}: `up` ended with {result.code}:\n{result.output}")
    share = int(demo.stack.get("canary_percent")) / 100
    _figures(demo, phase, lost=0 if wanted else share)


def _figures(demo: Demo, phase: Phase, lost: float) -> None:
    failed = len(phase.failed)
    said = f"{len(phase.answers)} requests, {failed} failed"
    if failed > lost * len(phase.answers):
        raise SandboxError(f"{phase.name}: {said}: {phase.failed[0].said}")
    seconds = phase.answers[-1].sent - phase.answers[0].sent
    demo.rows.append((phase.name, f"at most {lost:.0%} failed" if lost else "none failed", said, seconds))
