"""Jobs of pipelines: their steps in order, searches with their trials, and how the whole ends.

https://learn.microsoft.com/rest/api/azureml/jobs/create-or-update
"""

import datetime as dt
import math
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops_sandbox.azure.actions import action, table
from pulumi_mlops_sandbox.azure.call import Answer, Call, Tenant, dig, effect, on_delete
from pulumi_mlops_sandbox.azure.errors import ArmError, not_found
from pulumi_mlops_sandbox.azure.executions.command import Command, Context
from pulumi_mlops_sandbox.azure.executions.files import RunError
from pulumi_mlops_sandbox.azure.executions.history import ENDED
from pulumi_mlops_sandbox.azure.proxy import Proxy
from pulumi_mlops_sandbox.azure.rules import assets
from pulumi_mlops_sandbox.azure.rules.components import SPEC, of_node
from pulumi_mlops_sandbox.azure.rules.workspaces import workspace_of
from pulumi_mlops_sandbox.azure.store import Record, Run
from pulumi_mlops_sandbox.azure.view import merged
from pulumi_mlops_sandbox.running import search
from pulumi_mlops_sandbox.running.images import NoStandInError
from pulumi_mlops_sandbox.running.order import in_order

JOBS = "Microsoft.MachineLearningServices/workspaces/jobs"
_INPUT = re.compile(r"\$\{\{\s*parent\.inputs\.(\w+)\s*\}\}")
_OUTPUT = re.compile(r"\$\{\{\s*parent\.jobs\.(\w+)\.outputs\.(\w+)\s*\}\}")
_LOST = "The sandbox was stopped while it ran."
_PROXIES: dict[int, Proxy] = {}
_MAKING = threading.Lock()


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def proxy_of(tenant: Tenant) -> Proxy:
    """Return the proxy of an Azure, which is started with the first job."""
    with _MAKING:
        if id(tenant) not in _PROXIES:
            _PROXIES[id(tenant)] = Proxy(tenant)
        return _PROXIES[id(tenant)]


@effect(JOBS)
def begin(call: Call, record: Record) -> None:
    """Run a job of a pipeline; others stay as they are."""
    space = workspace_of(call)
    if record.properties.get("jobType") != "Pipeline" or space is None or record.name in call.store.runs:
        return
    experiment = str(record.properties.get("experimentName") or "Default")
    name = str(record.properties.get("displayName") or record.name)
    run = Run(record.name, space.id, name, experiment, root=record.name, kind="PipelineRun")
    call.store.runs[record.name] = run
    tenant = call.tenant
    tenant.jobs.start(_thread(record), lambda stop: _execute(tenant, record, space, run, stop))


def _thread(record: Record) -> str:
    return f"job{record.key}"


@dataclass
class _Pipeline:
    """A pipeline that runs."""

    context: Context
    run: Run
    nodes: Mapping[str, Mapping[str, Any]]
    given: Mapping[str, str]
    """The pipeline's own inputs."""
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    """Where the outputs of each step are that is done."""

    def act(self, name: str) -> bool:
        """Run a step; say whether it went well."""
        node, tenant = self.nodes[name], self.context.tenant
        run = self.child(name, self.run, "Sweep" if node.get("type") == "sweep" else "Command")
        with self.noting(run):
            taken = dict(self.taken(node))
            self.places[name] = self.sweep(node, run, taken) if run.kind == "Sweep" else self.command(node, run, taken)
        with tenant.lock:
            return run.status == "Completed"

    def child(self, name: str, parent: Run, kind: str) -> Run:
        """Note a part of a run."""
        run = Run(str(uuid.uuid4()), self.run.workspace, name, self.run.experiment, parent.id, self.run.id, kind)
        with self.context.tenant.lock:
            self.context.tenant.store.runs[run.id] = run
        return run

    def noting(self, run: Run) -> "_Noting":
        """Note when a run begins, and how it ends."""
        return _Noting(self.context, run)

    def taken(self, node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Say what the inputs of a step are: addresses of folders, or values."""
        for name, said in (node.get("inputs") or {}).items():
            value = str(said.get("uri") or said.get("value") or "")
            if found := _OUTPUT.fullmatch(value):
                yield name, self.places[found[1]][found[2]]
            else:
                yield name, _INPUT.sub(lambda one: self.given.get(one[1], ""), value)

    def command(self, node: Mapping[str, Any], run: Run, taken: Mapping[str, str]) -> dict[str, str]:
        """Run a command, and say where its outputs are."""
        with self.context.tenant.lock:
            found = of_node(self.context.call(), node)
            made = (found.at(SPEC) or {}).get("outputs") or {} if found else {}
        for name in made:
            where = str(dig(node, f"outputs.{name}.uri") or _DEFAULT.replace("{output}", name))
            run.places[name] = where.replace("${{name}}", run.id)
        Command(self.context, node, run, taken).act()
        return run.places

    def sweep(self, node: Mapping[str, Any], run: Run, taken: Mapping[str, str]) -> dict[str, str]:
        """Run trials, so many at a time, and take what the best has left."""
        limits, objective = node.get("limits") or {}, node["objective"]
        metric, trials = str(objective["primary_metric"]), list[Run]()
        lock = threading.Lock()

        def attempt(index: int) -> None:
            if self.context.stop.is_set():
                return
            values = {name: _drawn(said, index) for name, said in node["search_space"].items()}
            trial = self.child(f"{run.name}_{index}", run, "Command")
            trial.parameters = values
            with lock:
                trials.append(trial)
            with self.noting(trial):
                self.command(node, trial, {**taken, **{key: str(value) for key, value in values.items()}})

        with ThreadPoolExecutor(int(limits.get("max_concurrent_trials", 1))) as pool:
            list(pool.map(attempt, range(int(limits["max_total_trials"]))))
        measured = [one for one in trials if one.status == "Completed" and metric in one.metrics]
        choose = max if objective["goal"] == "maximize" else min
        best = choose(measured, key=lambda one: one.metrics[metric], default=None)
        if best is None:
            raise RunError(f"No trial succeeded that tells '{metric}'.")
        run.parameters, run.metrics = best.parameters, dict(best.metrics)
        run.tags["best_child_run_id"] = best.id
        run.places = dict(best.places)
        return run.places


_DEFAULT = "azureml://datastores/workspaceblobstore/paths/azureml/${{name}}/{output}/"


class _Noting:
    """While it lasts a run is Running; a failure ends it, and is no failure of whoever looks on."""

    def __init__(self, context: Context, run: Run) -> None:
        self.context, self.run = context, run

    def __enter__(self) -> None:
        self._note("Running")

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if self.context.stop.is_set():
            self._note("Canceled")
            return error is None or isinstance(error, RunError | NoStandInError)
        if error is None:
            self._note("Completed")
            return True
        self.run.error = str(error) if isinstance(error, RunError | NoStandInError) else f"The sandbox failed: {error}"
        self._note("Failed")
        return isinstance(error, RunError | NoStandInError)

    def _note(self, status: str) -> None:
        with self.context.tenant.lock:
            self.run.status = status
            if status in ENDED:
                self.run.ended = _now()
            else:
                self.run.began = _now()
            self.context.tenant.saver.soon()


def _drawn(said: Mapping[str, Any], index: int) -> Any:
    """Return the value of a trial, of a distribution of Azure's."""
    kind = said["type"]
    if kind == "choice":
        return said["values"][index % len(said["values"])]
    if kind == "randint":
        return index % int(said["upper"])
    if kind in {"normal", "lognormal"}:
        value = search.between(said["mu"] - 2 * said["sigma"], said["mu"] + 2 * said["sigma"], index)
    else:
        value = search.between(said["min_value"], said["max_value"], index)
    if "log" in kind:
        value = math.exp(value)
    return round(value / said["q"]) * said["q"] if "q" in said else value


def _execute(tenant: Tenant, job: Record, space: Record, run: Run, stop: threading.Event) -> None:
    """Run a whole pipeline."""
    context = Context(tenant, proxy_of(tenant), job, space, stop)
    _tell(tenant, job, "Running")
    try:
        with _Noting(context, run):
            _steps(context, run)
    finally:
        _tell(tenant, job, run.status)


def _steps(context: Context, run: Run) -> None:
    tenant, job = context.tenant, context.job
    with tenant.lock:
        whole = assets.asset(context.call(), str(job.properties.get("componentId")))
    if not isinstance(whole, Record):
        raise RunError("The sandbox runs jobs of a pipeline that is registered as a component.")
    spec = whole.at(SPEC)
    nodes = spec.get("jobs") or {}
    before = {name: set(_sources(node)) for name, node in nodes.items()}
    given = {
        name: str(dig(job.properties, f"inputs.{name}.value", declared.get("default", "")))
        for name, declared in (spec.get("inputs") or {}).items()
    }
    run.parameters = dict(given)
    if not in_order(before, _Pipeline(context, run, nodes, given).act, context.stop):
        parts = [one for one in tenant.store.runs.values() if one.parent == run.id]
        failed = ", ".join(one.name for one in parts if one.status == "Failed")
        raise RunError(f"Pipeline has some failed steps: {failed}. See child run for more details.")


def _sources(node: Mapping[str, Any]) -> Iterator[str]:
    """Name the steps whose outputs a step takes."""
    for one in (node.get("inputs") or {}).values():
        yield from (found[1] for found in _OUTPUT.finditer(str(one.get("value") or "")))


def _tell(tenant: Tenant, job: Record, status: str) -> None:
    with tenant.lock:
        job.made = merged(job.made, {"properties": {"status": status}})
        tenant.saver.soon()


@action(JOBS, "cancel")
def cancel(call: Call) -> Answer:
    """Stop a job and its steps."""
    if call.existing is None:
        raise not_found(call.address)
    call.tenant.jobs.stop(_thread(call.existing))
    return Answer(200)


@on_delete(JOBS)
def removal(call: Call) -> None:
    """Refuse to delete what runs; the history of what is gone goes along."""
    record = call.existing
    if record is None:
        return
    if call.tenant.jobs.runs(_thread(record)):
        raise ArmError("UserError", f"The job '{record.name}' is running: cancel it first.", 400)
    for name in [one.id for one in call.store.runs.values() if one.root == record.name]:
        del call.store.runs[name]


@table(JOBS)
def part(call: Call) -> Answer:
    """Show a step of a job: a job as well, that nobody has put there."""
    run, space = call.store.runs.get(call.address.name), workspace_of(call)
    if run is None or space is None or run.workspace != space.id:
        raise not_found(call.address)
    shown = {
        "jobType": "Sweep" if run.kind == "Sweep" else "Command",
        "displayName": run.name,
        "experimentName": run.experiment,
        "status": run.status,
        "tags": dict(run.tags),
        "properties": {"azureml.pipelinerunid": run.root, "azureml.parentRunId": run.parent},
        "outputs": {name: {"jobOutputType": "uri_folder", "uri": uri} for name, uri in run.places.items()},
    }
    return Answer(200, {"id": call.address.id, "name": run.id, "type": JOBS, "properties": shown})


def recover(tenant: Tenant) -> None:
    """Note of runs that were under way when the plane was stopped that nothing runs them any more."""
    for run in tenant.store.runs.values():
        if run.status not in ENDED:
            run.status, run.error, run.ended = "Failed", _LOST, _now()
            job = tenant.store.get(f"{run.workspace}/jobs/{run.id}")
            if job is not None:
                job.made = merged(job.made, {"properties": {"status": "Failed"}})


def fire(tenant: Tenant, name: str) -> list[str]:
    """Let a schedule start its job now; return the job."""
    found = [
        one
        for one in tenant.store.of_type("Microsoft.MachineLearningServices/workspaces/schedules")
        if name.lower() in {one.key, one.name.lower()}
    ]
    if not found:
        raise ValueError(f"there is no schedule {name!r}")
    reached = []
    for schedule in found:
        asked = schedule.properties.get("action") or {}
        if schedule.properties.get("isEnabled") is False:
            raise ValueError(f"the schedule {name} is disabled")
        if asked.get("actionType") != "CreateJob":
            raise ValueError(f"the sandbox fires schedules of jobs, and {name} is of {asked.get('actionType')}")
        job = f"{schedule.id.partition('/schedules/')[0]}/jobs/{schedule.name}-{uuid.uuid4().hex[:8]}"
        tenant.arm("PUT", job, query={"api-version": "2025-12-01"}, body={"properties": asked.get("jobDefinition")})
        reached.append(job)
    return reached
