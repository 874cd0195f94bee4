"""Runs of pipelines on a real cluster, as Argo shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from support.e2e.inside import Cluster
from support.waiting import until

API = "argoproj.io/v1alpha1"
ENDED = ("Succeeded", "Failed", "Error")


@dataclass
class Run:
    """One run of a pipeline."""

    cluster: Cluster
    space: str
    name: str

    def seen(self) -> dict[str, Any]:
        """Read it as it is now."""
        found = self.cluster.get(API, "Workflow", self.name, self.space)
        assert found, self.name
        return found

    @property
    def phase(self) -> str:
        """What Argo says of it."""
        return str(self.seen().get("status", {}).get("phase", ""))

    def ended(self, within: float) -> "Run":
        """Wait for its end, whichever it is."""
        until(lambda: self.phase in ENDED, f"the run {self.name} ends", within)
        return self

    @property
    def seconds(self) -> float:
        """How long it took."""
        status = self.seen()["status"]
        began, ended = (datetime.fromisoformat(status[key]) for key in ("startedAt", "finishedAt"))
        return (ended - began).total_seconds()

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """List what it consists of."""
        return list(self.seen()["status"].get("nodes", {}).values())

    def named(self, name: str) -> dict[str, Any]:
        """Find a part by its name within the run."""
        (found,) = [one for one in self.nodes if one["name"] == f"{self.name}.{name}"]
        return found

    def pods(self, template: str) -> list[dict[str, Any]]:
        """List the pods of a template."""
        return [one for one in self.nodes if one["type"] == "Pod" and one.get("templateName") == template]

    def told(self) -> str:
        """Say what became of each part, for whoever reads why a test failed."""
        return "\n".join(f"{one['name']}: {one['phase']} {one.get('message', '')}" for one in self.nodes)

    @property
    def uid(self) -> str:
        """By which everything that it made is named."""
        return str(self.seen()["metadata"]["uid"])


def start(cluster: Cluster, space: str, pipeline: str, parameters: Mapping[str, str] | None = None) -> Run:
    """Start a pipeline, as `argo submit --from workflowtemplate/NAME` does."""
    given = [{"name": name, "value": value} for name, value in (parameters or {}).items()]
    body = {
        "apiVersion": API,
        "kind": "Workflow",
        "metadata": {"generateName": f"{pipeline}-"},
        "spec": {"workflowTemplateRef": {"name": pipeline}, "arguments": {"parameters": given}},
    }
    made = cluster.kind(API, "Workflow").create(body=body, namespace=space).to_dict()
    return Run(cluster, space, made["metadata"]["name"])


def found(cluster: Cluster, space: str, pipeline: str) -> list[Run]:
    """List the runs of a pipeline."""
    label = f"pulumi-mlops/pipeline={pipeline}"
    runs = cluster.kind(API, "Workflow").get(namespace=space, label_selector=label).to_dict()["items"]
    return [Run(cluster, space, one["metadata"]["name"]) for one in runs]


def at_once(pods: list[dict[str, Any]]) -> int:
    """Count how many of some pods went on at a time."""
    moments: list[tuple[datetime, int]] = []
    for pod in pods:
        moments += [(datetime.fromisoformat(pod["startedAt"]), 1), (datetime.fromisoformat(pod["finishedAt"]), -1)]
    most = now = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most
