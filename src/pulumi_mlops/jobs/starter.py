"""Start a pipeline when another one has succeeded, a model's version is approved, data is published, or an alert fires.

It looks every few seconds. What it has seen is in a ConfigMap, so that nothing is missed while it is away, and a run is
named after what started it, so that nothing starts one twice. What is there when it looks for the first time starts
nothing. It needs ``cluster.py``, ``release.py`` and ``register.py`` beside it, which talk to the API server and to
MLflow, and ``dataset.py`` with boto3 where it looks for data.

    python starter.py settings.json

    {"namespace": "churn-dev", "template": "score", "pipeline": "score", "seen": "score-seen", "overlap": "skip",
     "every_seconds": 30, "pipelines": ["retrain"], "datasets": {"rows": "s3://mlops/datasets/rows/"},
     "alarms": ["Drift"], "metrics": "http://prometheus.monitoring.svc:9090",
     "models": [{"name": "churn", "url": "http://models-mlflow:5000", "login": "LOGIN_0"}]}

A login is two variables, such as ``LOGIN_0_USERNAME`` and ``LOGIN_0_PASSWORD``.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_mlops.jobs.cluster import Cluster
    from pulumi_mlops.jobs.register import Server
else:  # they are beside this file where it runs
    from cluster import Cluster
    from register import Server

_WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/{0}/workflows"
PIPELINE, CAUSE = "pulumi-mlops/pipeline", "pulumi-mlops/started-by"
_PAGE = 100
_CONFLICT = 409
_TIMEOUT_SECONDS = 30
Seen = dict[str, "list[str]"]


class Starter:
    """What starts one pipeline."""

    def __init__(
        self,
        settings: dict[str, Any],
        api: Any,
        server: Callable[[dict[str, str]], Any],
        published: Callable[[str], list[int]],
        firing: Callable[[str, str], list[str]],
    ) -> None:
        self.settings, self.api, self.server = settings, api, server
        self.published, self.firing = published, firing
        self.workflows = _WORKFLOWS.format(settings["namespace"])
        self.kept = f"/api/v1/namespaces/{settings['namespace']}/configmaps/{settings['seen']}"

    def look(self) -> None:
        """Look once: start what is new, and write down what was seen."""
        seen = self._seen()
        found = self._found(seen)
        for cause, events in found.items():
            for event in [one for one in events if one not in seen.get(cause, events)]:
                self._start(cause, event)
        if found != seen:
            self.api.merge(self.kept, {"data": {"seen.json": json.dumps(found, sort_keys=True)}})

    def _seen(self) -> Seen:
        data = (self.api.get(self.kept) or {}).get("data") or {}
        read: Seen = json.loads(data.get("seen.json", "{}"))
        return read

    def _found(self, seen: Seen) -> Seen:
        """List what has happened, oldest first."""
        found = {}
        for name, location in self.settings["datasets"].items():
            found[f"data {name}"] = [str(number) for number in self.published(location)[-_PAGE:]]
        for name in self.settings["alarms"]:
            cause, since = f"alarm {name}", self.firing(self.settings["metrics"], name)
            # One that has fired fires until none of its series does.
            found[cause] = (seen.get(cause) or [min(since)]) if since else []
        for name in self.settings["pipelines"]:
            ended = self._listed(f"{PIPELINE}={name},workflows.argoproj.io/phase=Succeeded")
            ended.sort(key=lambda one: one["status"].get("finishedAt", ""))
            found[f"pipeline {name}"] = [one["metadata"]["uid"] for one in ended]
        for model in self.settings["models"]:
            query = {
                "filter": f"name = '{model['name']}' AND tags.approval = 'Approved'",
                "order_by": "version_number DESC",
                "max_results": _PAGE,
            }
            answer = self.server(model).call("GET", "model-versions/search", **query)
            versions = [str(one["version"]) for one in answer.get("model_versions", [])]
            found[f"model {model['name']}"] = versions[::-1]
        return found

    def _listed(self, selector: str) -> list[dict[str, Any]]:
        listed = self.api.get(f"{self.workflows}?labelSelector={quote(selector)}") or {}
        return list(listed.get("items", []))

    def _start(self, cause: str, event: str) -> None:
        name = self.settings["pipeline"]
        if self.settings["overlap"] == "skip" and self._listed(
            f"{PIPELINE}={name},workflows.argoproj.io/completed!=true"
        ):
            say(f"{cause} ({event}): a run goes on, and another is not begun")
            return
        digest = hashlib.sha256(f"{cause} {event}".encode()).hexdigest()[:10]
        run: dict[str, Any] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {
                "name": f"{self.settings['template'][:50]}-{digest}",
                "labels": {PIPELINE: name},
                "annotations": {CAUSE: f"{cause} ({event})"},
                "ownerReferences": [self.settings["owner"]],
            },
            "spec": {"workflowTemplateRef": {"name": self.settings["template"]}},
        }
        try:
            self.api.create(self.workflows, run)
        except HTTPError as error:
            with error:
                if error.code != _CONFLICT:
                    raise
        else:
            say(f"{cause} ({event}): {run['metadata']['name']} begins")


def say(line: str) -> None:
    """Write a line into the log, at once."""
    sys.stdout.write(f"starter: {line}\n")
    sys.stdout.flush()


def mlflow(model: dict[str, str]) -> Any:
    """Return the server of a model."""
    login = model["login"]
    return Server(model["url"], os.environ[f"{login}_USERNAME"], os.environ[f"{login}_PASSWORD"])


def published(location: str) -> list[int]:
    """Return the numbers of the versions of a dataset."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (only where there are datasets)

    dataset = importlib.import_module("dataset")  # beside this file
    try:
        numbers: list[int] = dataset.numbers(dataset.store_of(location))
    except (BotoCoreError, ClientError) as error:
        raise ConnectionError(str(error)) from error
    return numbers


def firing(metrics: str, name: str) -> list[str]:
    """Return since when each series of an alert has been firing, as Prometheus says."""
    with urlopen(f"{metrics.rstrip('/')}/api/v1/alerts", timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (the user's)
        alerts = json.load(answer)["data"]["alerts"]
    return [one["activeAt"] for one in alerts if one["labels"].get("alertname") == name and one["state"] == "firing"]


def main() -> None:
    """Look for ever."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    starter = Starter(settings, Cluster.of_this_pod(), mlflow, published, firing)
    while True:
        try:
            starter.look()
        except (HTTPError, URLError, TimeoutError, ConnectionError, SystemExit) as error:
            say(f"cannot look: {error}")
        time.sleep(settings["every_seconds"])


if __name__ == "__main__":
    main()
