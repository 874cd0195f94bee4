"""The model registry of the sandbox: a real MLflow server behind the port of the pods that run nothing here.

It costs nothing until somebody asks: the control plane listens, and at the first connection starts MLflow, to which it
hands the socket. Everybody may do everything in it, whatever login is sent: who may do what is the pods' business.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError

PROGRAM = Path(__file__).with_name("registry_server.py")
ANSWERS_WITHIN = 180.0
"""Seconds within which it starts and answers, on a machine that may be busy."""
_STOPS_WITHIN = 10.0
_LOOKS_EVERY = 0.5


class Standby:
    """The port, and the server that is started when somebody comes."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._listener: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; those that come before the server is up wait in the socket's queue."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
        self._over.clear()
        self._thread = threading.Thread(target=self._watch, args=(self._listener,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server, if there is one, and let the port go; what is in the registry is kept."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._end()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def forget(self) -> None:
        """Throw away what is in it. It must be stopped."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            if self._process is not None and self._process.poll() is None:
                self._over.wait(_LOOKS_EVERY)
            elif select.select([listener], [], [], _LOOKS_EVERY)[0]:
                self._end()
                self._process = self._begin(listener)

    def _begin(self, listener: socket.socket) -> "subprocess.Popen[bytes]":
        binaries = packages.ensure()
        self._folder.mkdir(parents=True, exist_ok=True)
        database = self._folder / packages.DATABASE
        if not database.exists():
            shutil.copyfile(binaries.parent / packages.DATABASE, database)
        environment = {
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self._folder),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with (self._folder / "server.log").open("wb") as log:
            # Its standard input is a pipe of ours: however we end, it closes, and the server ends too.
            return subprocess.Popen(  # noqa: S603  (our own program)
                [binaries / "python", "-W", "ignore", PROGRAM, str(listener.fileno()), str(self._folder)],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


@dataclass(frozen=True)
class Registry:
    """What a training pipeline and an approver do in the registry."""

    url: str
    login: tuple[str, str] | None = None
    """User and password, where it asks for them."""

    def register(self, model: str, auc: float = 0.94) -> int:
        """Register a version of a model, from a run with this metric; return its number."""
        if self._call("GET", f"registered-models/get?name={model}", absent=True) is None:
            self._call("POST", "registered-models/create", name=model)
        run = self._call("POST", "runs/create", experiment_id="0")["run"]["info"]
        self._call("POST", "runs/log-metric", run_id=run["run_id"], key="auc", value=auc, timestamp=run["start_time"])
        self._call("POST", "runs/update", run_id=run["run_id"], status="FINISHED")
        source = f"{run['artifact_uri']}/model"
        made = self._call("POST", "model-versions/create", name=model, source=source, run_id=run["run_id"])
        return int(made["model_version"]["version"])

    def approve(self, model: str, number: int) -> None:
        """Approve a version."""
        self.tag(model, number, "approval", "Approved")

    def tag(self, model: str, number: int, key: str, value: str) -> None:
        """Write a tag on a version."""
        self._call("POST", "model-versions/set-tag", name=model, version=str(number), key=key, value=value)

    def versions(self, model: str) -> dict[int, dict[str, str]]:
        """List the versions of a model, each with what is written down of it."""
        query = urllib.parse.urlencode({"filter": f"name = '{model}'", "max_results": 1000})
        found = self._call("GET", f"model-versions/search?{query}").get("model_versions", [])
        return {
            int(version["version"]): {tag["key"]: tag["value"] for tag in version.get("tags", [])} for version in found
        }

    def runs(self) -> list[dict[str, dict[str, Any]]]:
        """List the runs of all experiments: the metrics and the tags of each."""
        experiments = self._call("GET", "experiments/search?max_results=1000")["experiments"]
        named = [one["experiment_id"] for one in experiments]
        found = self._call("POST", "runs/search", experiment_ids=named, max_results=1000).get("runs", [])
        return [
            {kind: {one["key"]: one["value"] for one in run["data"].get(kind, [])} for kind in ("metrics", "tags")}
            for run in found
        ]

    def forget(self) -> None:
        """Delete all models and their versions."""
        for model in self._call("GET", "registered-models/search?max_results=1000").get("registered_models", []):
            self._call("DELETE", "registered-models/delete", name=model["name"])

    def _authorization(self) -> dict[str, str]:
        if self.login is None:
            return {}
        return {"Authorization": f"Basic {base64.b64encode(':'.join(self.login).encode()).decode()}"}

    def _call(self, method: str, path: str, *, absent: bool = False, **body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310  (the sandbox's own address)
            f"{self.url}/api/2.0/mlflow/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json", **self._authorization()},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=ANSWERS_WITHIN) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            if absent and "RESOURCE_DOES_NOT_EXIST" in said:
                return None
            raise SandboxError(f"The sandbox's MLflow refused {method} {path}: {error.code} {said[:300]}") from error
        except OSError as error:
            raise SandboxError(f"The sandbox's MLflow at {self.url} does not answer: {error}") from error


@contextlib.contextmanager
def serving(sandbox: Sandbox) -> Iterator[Registry]:
    """Give the registry of a sandbox whose cluster runs; it is made empty at the end."""
    told = json.loads((sandbox.home / "kubernetes.json").read_text())
    if "mlflow_port" not in told:
        raise SandboxError(
            "On real nodes MLflow is in its own pod: reach it by a forwarded port or through the gateway."
        )
    port = told["mlflow_port"]
    socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN).close()  # it starts while others work
    registry = Registry(f"http://127.0.0.1:{port}")
    yield registry
    registry.forget()
