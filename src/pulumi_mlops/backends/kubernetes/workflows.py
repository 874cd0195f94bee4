"""A run of Argo Workflows, read out of its object (https://argo-workflows.readthedocs.io/en/latest/fields/)."""

import base64
import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.clients.runs import Run, State, StepState
from pulumi_mlops.components.platform import PlatformRef

Json = Mapping[str, Any]
T = TypeVar("T")
API, WORKFLOWS, TEMPLATES = "argoproj.io/v1alpha1", "workflows", "workflowtemplates"
PIPELINE = "pulumi-mlops/pipeline"
"""The label of runs."""
_STATES: Mapping[str, State] = {
    "": "waiting",
    "Pending": "running",
    "Running": "running",
    "Succeeded": "succeeded",
    "Failed": "failed",
    "Error": "failed",
    "Skipped": "skipped",
    "Omitted": "stopped",
}
_STOPPED = ("Stop", "Terminate")
_COMPARED = re.compile(r"'\$\.([a-z0-9_]+)'\)\) (>=|>|<=|<) ([^&}]+)")
_PARAMETER = re.compile(r"asFloat\(workflow\.parameters\['([^']+)'\]\)")
_TRIALS = "trials("
_REGISTER = "register.py"
_RUNS = "run"
"""The task of a step that publishes in which its own container runs."""


def owner(template: str, uid: T) -> dict[str, str | T]:
    """Write that a run is a template's: who deletes the pipeline ends its runs, and with them their TrainJobs."""
    return {"apiVersion": API, "kind": "WorkflowTemplate", "name": template, "uid": uid}


@dataclass(frozen=True)
class Workflow:
    """A run."""

    found: Json

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.found["metadata"]["name"])

    @property
    def uid(self) -> str:
        """What versions and folders name it by."""
        return str(self.found["metadata"].get("uid", ""))

    @property
    def status(self) -> Json:
        """What the controller says of it; nothing until that has seen it."""
        found: Json = self.found.get("status") or {}
        return found

    @cached_property
    def nodes(self) -> Mapping[str, Json]:
        """What it consists of, by id; many are kept compressed."""
        if packed := self.status.get("compressedNodes"):
            found: Mapping[str, Json] = json.loads(gzip.decompress(base64.b64decode(packed)))
            return found
        return self.status.get("nodes") or {}

    @cached_property
    def templates(self) -> Mapping[str, Json]:
        """What it was started with, by name; nothing until the controller has kept that."""
        spec = self.status.get("storedWorkflowTemplateSpec") or self.found.get("spec") or {}
        return {one["name"]: one for one in spec.get("templates", [])}

    @cached_property
    def tasks(self) -> Mapping[str, Json]:
        """Its steps by name, each after all that it needs."""
        graph = self.templates.get("graph", {})
        return {one["name"]: one for one in graph.get("dag", {}).get("tasks", [])}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """What it was started with, defaults included."""
        kept, own = self.status.get("storedWorkflowTemplateSpec") or {}, self.found.get("spec") or {}
        listed = [one for spec in (kept, own) for one in (spec.get("arguments") or {}).get("parameters", [])]
        return {one["name"]: str(one["value"]) for one in listed if "value" in one}

    def run(self, pipeline: str) -> Run:
        """Return it as the client tells of it."""
        state = _STATES.get(str(self.status.get("phase", "")), "waiting")
        if state == "failed" and (self.found.get("spec") or {}).get("shutdown") in _STOPPED:
            state = "stopped"
        return Run(
            id=self.name,
            pipeline=pipeline,
            state=state,
            began=moment(self.status.get("startedAt")),
            ended=moment(self.status.get("finishedAt")),
            reason=str(self.status.get("message") or ""),
            steps=tuple(self._steps(state)),
            parameters=self.parameters,
        )

    def _steps(self, state: State) -> Iterator[StepState]:
        left_out: set[str] = set()
        for name, task in self.tasks.items():
            step = self._step(name, task, state)
            needed = [one.strip().removesuffix(".Succeeded") for one in str(task.get("depends", "")).split("&&")]
            if step.state == "stopped" and any(one in left_out for one in needed):
                reason = f"it takes from {next(one for one in needed if one in left_out)}, which did not run"
                step = StepState(name=name, state="skipped", reason=reason, registers=step.registers)
            if step.state == "skipped":
                left_out.add(name)
            yield step

    def _step(self, name: str, task: Json, run: State) -> StepState:
        registers = self._registers(task)
        node = self._node(name)
        if node is None:
            over = run in ("failed", "stopped")
            return StepState(name=name, state="stopped" if over else "waiting", registers=registers)
        state = _STATES.get(str(node.get("phase", "")), "waiting")
        broken = self._broken(node) if state == "failed" else None
        reason = str((broken or node).get("message") or node.get("message") or "")
        if state == "skipped":
            reason = f"{self._said(task)} did not hold"
        return StepState(
            name=name,
            state=state,
            began=moment(node.get("startedAt")) if state not in ("skipped", "stopped") else None,
            ended=moment(node.get("finishedAt")) if state not in ("skipped", "stopped") else None,
            reason=reason if state in ("failed", "skipped") else "",
            detail=self._detail(node),
            registers=registers,
            address=str((broken or {}).get("id", "")),
        )

    def _node(self, task: str) -> Json | None:
        """Return the node of a step: of one that is begun again, that which holds the attempts."""
        for node in self.nodes.values():
            if node.get("displayName") == task and node.get("boundaryID") == self.name:
                return node
        return None

    def _broken(self, node: Json) -> Json | None:
        """Return the last pod below a node that failed."""
        waiting, seen, found = [str(node["id"])], set[str](), None
        while waiting:
            one = waiting.pop()
            here = self.nodes.get(one)
            if here is None or one in seen:
                continue
            seen.add(one)
            failed = here.get("type") == "Pod" and here.get("phase") in ("Failed", "Error")
            if failed and (found is None or str(here.get("startedAt")) >= str(found.get("startedAt"))):
                found = here
            waiting += here.get("children", [])
        return found

    def _detail(self, node: Json) -> str:
        """Tell of attempts and of trials."""
        again = next((one for one in [node, *self._within(node)] if one.get("type") == "Retry"), {})
        attempts = len(again.get("children", []))
        if attempts > 1:
            return f"attempt {attempts}"
        trials = [
            one
            for one in self.nodes.values()
            if one.get("boundaryID") == node.get("id") and str(one.get("displayName", "")).startswith(_TRIALS)
        ]
        ended = sum(1 for one in trials if _STATES.get(str(one.get("phase", ""))) in ("succeeded", "failed"))
        return f"{ended} of {len(trials)} trials" if trials else ""

    def _within(self, node: Json) -> Iterator[Json]:
        """Yield what runs the container of a step that is more than that, since it publishes."""
        for one in self.nodes.values():
            if one.get("boundaryID") == node.get("id") and one.get("displayName") == _RUNS:
                yield one

    def _registers(self, task: Json) -> bool:
        container = self.templates.get(str(task.get("template")), {}).get("container", {})
        return any(str(word).endswith(f"/{_REGISTER}") for word in container.get("command", []))

    def _said(self, task: Json) -> str:
        """Write the condition of a step as a program has it."""
        found = _COMPARED.findall(str(task.get("when", "")))
        bounds = [_PARAMETER.sub(r"\1", bound.strip()) for *_, bound in found]
        return " & ".join(f"{metric} {how} {bound}" for (metric, how, _), bound in zip(found, bounds, strict=True)) or (
            "its condition"
        )


def moment(written: str | None) -> dt.datetime | None:
    """Read a time as the API writes it."""
    return dt.datetime.fromisoformat(written) if written else None


def since_epoch(milliseconds: int) -> dt.datetime:
    """Read a time as MLflow writes it."""
    return dt.datetime.fromtimestamp(milliseconds / 1000, tz=dt.UTC)


def read(platform: PlatformRef, pipeline: str, run: str) -> Workflow | None:
    """Read a run by its name, or by its uid; nothing where the pipeline has none."""
    found = live.namespaced(platform, API, WORKFLOWS, run)
    if found is not None and (found["metadata"].get("labels") or {}).get(PIPELINE) == pipeline:
        return Workflow(found)
    return next((one for one in _listed(platform, pipeline) if one.uid == run), None)


def newest(platform: PlatformRef, pipeline: str, most: int) -> list[Run]:
    """List the newest runs of a pipeline."""
    found = sorted(_listed(platform, pipeline), key=lambda one: str(one.found["metadata"].get("creationTimestamp")))
    return [one.run(pipeline) for one in reversed(found[-most:])]


def _listed(platform: PlatformRef, pipeline: str) -> list[Workflow]:
    found = live.namespaced(platform, API, WORKFLOWS, labelSelector=f"{PIPELINE}={pipeline}") or {}
    return [Workflow(one) for one in found.get("items", [])]
