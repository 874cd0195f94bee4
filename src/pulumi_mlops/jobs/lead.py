"""Lead a training: make its TrainJob, hand its machines their files, take what they made, and delete it again.

    python lead.py

Argo brings a step's files into this pod and takes them away, as it does with every step; the pods of a TrainJob it does
not know. They run ``follow.py``, which gets the files from here, says that it lives, and brings what was made. So they
hold no key of the object store, and a run that is stopped leaves no TrainJob behind. Kueue may take the machines away
and give others later: then the training begins again, and time is counted on: how long it ran, and how long it waited.

``MLOPS_LEAD`` says what to do, as JSON; :class:`Lead` reads it. It needs ``cluster.py`` and ``release.py`` beside it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import signal
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_mlops.jobs.cluster import Cluster
else:  # it is beside this file where it runs
    from cluster import Cluster

GROUP = "trainer.kubeflow.org"
API = f"{GROUP}/v1alpha1"
PATCHES = "pulumi-mlops/lead"
"""Who patches the runtime."""
NODE = "node"
"""The job and the container of a TrainJob's machines."""
NOT_HANDED_OVER, TOO_LATE, GONE, STOPPED = 70, 74, 75, 143
_EVERY_SECONDS = 5.0
_SILENT_SECONDS = 30
"""How long the first machine may say nothing and still counts as running."""
_GONE_SECONDS = 300
"""How long the TrainJob of an earlier attempt may take to go."""
_CHUNK = 1 << 20

Fields = dict[str, Any]


class Files:
    """What machines are given, what they bring, and when they were last heard of."""

    def __init__(self, settings: Fields, now: Callable[[], float] = time.monotonic) -> None:
        self.given = {name: Path(path) for name, path in settings["given"].items()}
        self.taken = {name: Path(path) for name, path in settings["taken"].items()}
        self.several = settings["nodes"] > 1
        self.now, self.lock = now, threading.Lock()
        self.heard: float | None = None
        """When the first machine was last heard of."""
        self.failed: int | None = None
        """With which code the first one that failed did so."""
        self.done = False

    def listed(self) -> Fields:
        """List what there is to fetch, path and size of each file of each folder, and what is to be brought."""
        given = {
            name: [
                [str(path.relative_to(folder)), path.stat().st_size]
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            ]
            for name, folder in self.given.items()
        }
        return {"given": given, "taken": list(self.taken)}

    def begun(self, node: str) -> None:
        """Note that a machine begins: what the first one brought before it was taken away is of no use."""
        with self.lock:
            self.failed = None
            if node == "0":
                self.done = False
                for path in self.taken.values():
                    if path.is_dir():
                        for inside in path.iterdir():
                            shutil.rmtree(inside) if inside.is_dir() else inside.unlink()
                    else:
                        path.unlink(missing_ok=True)
        self.beat(node, b"")

    def beat(self, node: str, log: bytes) -> None:
        """Note that a machine lives, and write down what its program said."""
        if node == "0":
            self.heard = self.now()
        with self.lock:
            for line in log.decode(errors="replace").splitlines():
                sys.stdout.write(f"[{node}] {line}\n" if self.several else f"{line}\n")
            sys.stdout.flush()

    def ended(self, node: str, code: int) -> None:
        """Note how a machine's program ended."""
        with self.lock:
            if code and self.failed is None:
                self.failed = code
            if node == "0":
                self.done = not code

    def found(self, parts: list[str]) -> Path | None:
        """Find the file that is meant; none outside of the folders."""
        known = self.given if parts[0] == "given" else self.taken if parts[0] == "taken" else {}
        if len(parts) < 2 or parts[1] not in known:  # noqa: PLR2004
            return None
        folder = known[parts[1]].resolve()
        path = folder.joinpath(*parts[2:]).resolve()
        return path if path.is_relative_to(folder) else None


class Door(BaseHTTPRequestHandler):
    """Where machines knock."""

    files: Files
    key: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say which files there are, or give one."""
        if not self._known():
            return
        parts = self._parts()
        if parts == ["files"]:
            self._answer(HTTPStatus.OK, json.dumps(self.files.listed()).encode())
            return
        path = self.files.found(parts) if parts[0] == "given" else None
        if path is None or not path.is_file():
            self._answer(HTTPStatus.NOT_FOUND)
            return
        with path.open("rb") as file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(file, self.wfile, _CHUNK)

    def do_PUT(self) -> None:
        """Take a file."""
        if not self._known():
            return
        parts = self._parts()
        path = self.files.found(parts) if parts[0] == "taken" else None
        if path is None or path.is_dir():
            self._answer(HTTPStatus.NOT_FOUND)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        left = int(self.headers["Content-Length"])
        with path.open("wb") as file:
            while left and (chunk := self.rfile.read(min(left, _CHUNK))):
                file.write(chunk)
                left -= len(chunk)
        if left:
            path.unlink()
            self.close_connection = True
            return
        self._answer(HTTPStatus.NO_CONTENT)

    def do_POST(self) -> None:
        """Hear that a machine begins, lives, or has ended."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._known():
            return
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        parts = self._parts()
        if parts == ["begin"]:
            self.files.begun(query["node"])
        elif parts == ["beat"]:
            self.files.beat(query["node"], body)
        elif parts == ["end"]:
            self.files.ended(query["node"], int(query["code"]))
        else:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        self._answer(HTTPStatus.NO_CONTENT)

    def _known(self) -> bool:
        if hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {self.key}".encode()):
            return True
        self.close_connection = True
        self._answer(HTTPStatus.FORBIDDEN)
        return False

    def _parts(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base has it)
        """Say nothing of each request."""


class Lead:
    """One attempt of one training."""

    def __init__(
        self,
        settings: Fields,
        api: Any,
        files: Files,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings, self.api, self.files, self.now, self.sleep = settings, api, files, now, sleep
        mark = hashlib.sha256(f"{settings['run']}/{settings['trial']}".encode()).hexdigest()[:10]
        self.name = f"{settings['called']}-{mark}"
        self.all = f"/apis/{API}/namespaces/{settings['namespace']}/trainjobs"
        self.one = f"{self.all}/{self.name}"
        self.told = ""

    def job(self) -> Fields:
        """Write the TrainJob: all that it may be told is in the runtime that the program declared."""
        handed = {**self.settings["handed"], "MLOPS_LEAD": self.settings["address"]}
        spec: Fields = {
            "runtimeRef": {
                "apiGroup": API.partition("/")[0],
                "kind": "TrainingRuntime",
                "name": self.settings["runtime"],
            },
            "trainer": {
                "numNodes": self.settings["nodes"],
                "env": [{"name": name, "value": value} for name, value in sorted(handed.items())],
            },
        }
        if claim := self.settings["claim"]:
            # The volume is the run's, which a runtime cannot know.
            volumes = [{"name": claim["volume"], "persistentVolumeClaim": {"claimName": claim["name"]}}]
            patch = {"name": NODE, "template": {"spec": {"template": {"spec": {"volumes": volumes}}}}}
            patched = {"template": {"spec": {"replicatedJobs": [patch]}}}
            spec["runtimePatches"] = [{"manager": PATCHES, "trainingRuntimeSpec": patched}]
        return {
            "apiVersion": API,
            "kind": "TrainJob",
            "metadata": {
                "name": self.name,
                "labels": self.settings["labels"],
                "ownerReferences": [self.settings["owner"]],
            },
            "spec": spec,
        }

    def run(self) -> int:
        """Bring the training to its end; return its exit code."""
        self._clear()
        try:
            self.api.create(self.all, self.job())
        except HTTPError as error:
            with error:
                self._say(f"TrainJob {self.name} is refused: {error.code} {error.read().decode(errors='replace')}")
            return 1
        self._say(f"TrainJob {self.name} is made, of {self.settings['nodes']} machine(s)")
        try:
            return self._watch()
        finally:
            self.api.delete(self.one)

    def _clear(self) -> None:
        """Take away what an attempt has left whose own pod was lost."""
        end = self.now() + _GONE_SECONDS
        while self.api.get(self.one) is not None:
            if self.now() > end:
                raise TimeoutError(f"TrainJob {self.name} of an earlier attempt does not go")
            self.api.delete(self.one)
            self.sleep(_EVERY_SECONDS)

    def _watch(self) -> int:
        ran = waited = 0.0
        last = self.now()
        while True:
            self.sleep(_EVERY_SECONDS)
            passed, last = self.now() - last, self.now()
            running = self.files.heard is not None and last - self.files.heard < _SILENT_SECONDS
            ran, waited = (ran + passed, waited) if running else (ran, waited + passed)
            try:
                job = self.api.get(self.one)
            except (HTTPError, URLError, TimeoutError, ConnectionError) as error:
                self._say(f"cannot look: {error}")
                continue
            if job is None:
                self._say("somebody has deleted the TrainJob")
                return GONE
            held = {one["type"]: one for one in job.get("status", {}).get("conditions", []) if one["status"] == "True"}
            if "Complete" in held:
                return self._complete()
            if "Failed" in held:
                self._say(f"failed: {held['Failed'].get('message') or held['Failed'].get('reason', '')}")
                return self.files.failed or 1
            self._tell(running=running, before=ran > 0, queued="Suspended" in held)
            if ran > self.settings["run_seconds"]:
                self._say(f"ended, since it has run for {ran / 3600:.2f} hours")
                return TOO_LATE
            if self.settings["wait_seconds"] is not None and waited > self.settings["wait_seconds"]:
                self._say(f"ended, since it has waited for machines for {waited / 3600:.2f} hours in all")
                return TOO_LATE

    def _complete(self) -> int:
        if self.files.done:
            return 0
        self._say("it has succeeded, but its first machine handed nothing over")
        return NOT_HANDED_OVER

    def _tell(self, *, running: bool, before: bool, queued: bool) -> None:
        """Say what goes on, once."""
        where = "in the queue" if queued else "for its machines"
        now = "it runs" if running else f"its machines are gone: it waits {where}" if before else f"it waits {where}"
        if now != self.told:
            self.told = now
            self._say(now)

    def _say(self, line: str) -> None:
        with self.files.lock:
            sys.stdout.write(f"lead: {line}\n")
            sys.stdout.flush()


def stop(number: int, _frame: object) -> None:
    """End as Python does, so that the TrainJob is deleted."""
    sys.exit(STOPPED if number == signal.SIGTERM else 128 + number)


def opened(files: Files, key: str, port: int) -> ThreadingHTTPServer:
    """Open the door, on every address of this pod."""
    handler = type("OpenDoor", (Door,), {"files": files, "key": key})
    server = ThreadingHTTPServer(("", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    """Lead what the variables say."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    settings = json.loads(os.environ["MLOPS_LEAD"])
    # What Argo puts in stands in variables of its own: within JSON its quotes would end a text.
    settings["handed"] = {name: os.environ[name] for name in settings["handed"]}
    settings["trial"] = os.environ.get("MLOPS_TRIAL", "")
    here = os.environ["MLOPS_ADDRESS"]
    settings["address"] = f"http://{f'[{here}]' if ':' in here else here}:{settings['port']}"
    files = Files(settings)
    opened(files, Path(settings["key"]).read_text().strip(), settings["port"])
    return Lead(settings, Cluster.of_this_pod(), files).run()


if __name__ == "__main__":
    sys.exit(main())
