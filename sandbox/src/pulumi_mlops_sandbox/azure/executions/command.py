"""A command of a pipeline: what its machines have, and what becomes of what it leaves."""

import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call, Tenant, dig
from pulumi_mlops_sandbox.azure.executions import history
from pulumi_mlops_sandbox.azure.executions.files import Files, RunError
from pulumi_mlops_sandbox.azure.kinds import KINDS
from pulumi_mlops_sandbox.azure.proxy import Proxy
from pulumi_mlops_sandbox.azure.rules import assets, rights
from pulumi_mlops_sandbox.azure.rules.components import SPEC, of_node
from pulumi_mlops_sandbox.azure.rules.keys import assigned_to
from pulumi_mlops_sandbox.azure.store import Record, Run
from pulumi_mlops_sandbox.running import jobs
from pulumi_mlops_sandbox.running.container import Container, Ended
from pulumi_mlops_sandbox.running.images import StandIn

_BOUND = re.compile(r"\$\{\{\s*(inputs|outputs|search_space)\.(\w+)\s*\}\}")
_LITERALS = ("string", "number", "integer", "boolean")
_DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Context:
    """What all runs of a job share."""

    tenant: Tenant
    proxy: Proxy
    job: Record
    space: Record
    stop: threading.Event

    def call(self) -> Call:
        """Make the request as which rules look at the account."""
        kind = KINDS[self.job.type.lower()]
        return Call(self.tenant, "GET", ids.parse(self.job.id), kind, existing=self.job)


@dataclass
class Command:
    """One run of a component."""

    context: Context
    node: Mapping[str, Any]
    run: Run
    taken: Mapping[str, str]
    """What its inputs are: addresses of folders, or values."""

    def act(self) -> None:
        """Run it to its end; a `RunError` says why it failed."""
        with self.context.tenant.lock:
            call, spec = self.context.call(), self._spec()
            identity = self._identify(call)
            image = self._image(call, spec, identity)
            code = assets.asset(call, str(spec["code"])) if spec.get("code") else None
        files = Files(self.context.call(), self.context.space, self.run.principal)
        root = self.context.tenant.jobs.scratch()
        try:
            count = int(dig(spec, "resources.instance_count", 1))
            machines = [self._machine(root / f"{rank}", rank, count, image, spec) for rank in range(count)]
            for machine in machines:
                self._furnish(machine, files, spec, code)
            with ThreadPoolExecutor(count) as pool:
                ended = list(pool.map(Container.run, machines))
            self._log(files)
            failed = next((one for one in ended if one.code), None)
            for machine in machines:
                self._keep(machine, files, spec, failed=failed is not None)
            self._judge(ended, failed)
        finally:
            jobs.remove(root)

    def _spec(self) -> dict[str, Any]:
        found = of_node(self.context.call(), self.node)
        if found is None:
            raise RunError("The component of the step is gone.")
        spec: dict[str, Any] = found.at(SPEC)
        return spec

    def _identify(self, call: Call) -> Record:
        """Find as whom it runs: one of the identities of its machines."""
        held = _identities(call, self.node)
        self.run.identities = {
            str(one.at("properties.clientId")): str(one.at("properties.principalId")) for one in held
        }
        client = str(dig(self.node, "identity.client_id") or next(iter(self.run.identities), ""))
        found = next((one for one in held if str(one.at("properties.clientId")).lower() == client.lower()), None)
        if found is None:
            raise RunError("The machines of the step have no identity as which it could run.")
        self.run.principal, self.run.key = str(found.at("properties.principalId")), uuid.uuid4().hex
        return found

    def _image(self, call: Call, spec: Mapping[str, Any], identity: Record) -> StandIn:
        environment = assets.asset(call, str(spec.get("environment")))
        address = str(environment.properties.get("image") or "") if isinstance(environment, Record) else ""
        for action, scope, data, role in rights.image(call, self.context.space, spec.get("environment")):
            if not rights.may(call, identity.id, action, scope, data=data):
                raise RunError(str(rights.denied(identity.id, action, scope, role)))
        return self.context.tenant.images.of(address or str(spec.get("environment")))

    def _machine(self, root: Path, rank: int, count: int, image: StandIn, spec: Mapping[str, Any]) -> Container:
        folders = {("inputs", name): str(root / "inputs" / name) for name in spec.get("inputs") or {}}
        folders |= {("outputs", name): str(root / "outputs" / name) for name in spec.get("outputs") or {}}
        plain = {
            ("inputs", name): value
            for name, value in self.taken.items()
            if dig(spec, f"inputs.{name}.type") in _LITERALS
        }
        known = {**folders, **plain, **{("search_space", key): str(value) for key, value in self.taken.items()}}
        container = Container(image, [], {}, root, _seconds(self.node), self.context.stop)
        text = container.inside(str(spec["command"]))
        container.words = ["bash", "-c", _BOUND.sub(lambda found: known.get((found[1], found[2]), ""), text)]
        container.placed = True
        container.more = {**self._variables(), **_distributed(rank, count)}
        container.say = self.run.lines.extend if rank == 0 else lambda _lines: None
        return container

    def _furnish(self, machine: Container, files: Files, spec: Mapping[str, Any], code: object) -> None:
        for name, declared in (spec.get("inputs") or {}).items():
            if declared["type"] not in _LITERALS and self.taken.get(name):
                files.fetch(self.taken[name], machine.root / "inputs" / name)
        for name in spec.get("outputs") or {}:
            files.fetch(self.run.places[name], machine.root / "outputs" / name, empty=True)
        if isinstance(code, Record):
            files.fetch(f"{str(code.properties.get('codeUri')).rstrip('/')}/", machine.prepare())

    def _keep(self, machine: Container, files: Files, spec: Mapping[str, Any], *, failed: bool) -> None:
        for name in spec.get("outputs") or {}:
            mounted = dig(self.node, f"outputs.{name}.mode") == "ReadWriteMount"
            if mounted or not failed:
                files.keep(machine.root / "outputs" / name, self.run.places[name])

    def _log(self, files: Files) -> None:
        place = f"azureml://datastores/workspaceblobstore/paths/ExperimentRun/dcid.{self.run.id}/user_logs/std_log.txt"
        files.write(place, "".join(f"{line}\n" for line in self.run.lines).encode(), "text/plain")

    def _judge(self, ended: Sequence[Ended], failed: Ended | None) -> None:
        if any(one.late for one in ended):
            raise RunError("The run was canceled: it took longer than its timeout.")
        if failed is not None:
            raise RunError(
                f"Execution failed. User process 'bash' exited with status code {failed.code}. Please check log file "
                f"'user_logs/std_log.txt' for error details. Error: {failed.last}"
            )

    def _variables(self) -> dict[str, str]:
        """Tell what Azure tells: https://learn.microsoft.com/azure/machine-learning/how-to-use-mlflow-cli-runs."""
        run, space = self.run, self.context.space
        address = ids.parse(space.id)
        where = str(space.at("properties.mlFlowTrackingUri", ""))
        own = next((one for one, principal in run.identities.items() if principal == run.principal), "")
        return {
            "AZUREML_RUN_ID": run.id,
            "AZUREML_ROOT_RUN_ID": run.root,
            "AZUREML_EXPERIMENT_NAME": run.experiment,
            "AZUREML_ARM_SUBSCRIPTION": address.subscription,
            "AZUREML_ARM_RESOURCEGROUP": address.group,
            "AZUREML_ARM_WORKSPACE_NAME": space.name,
            "MLFLOW_TRACKING_URI": where,
            "MLFLOW_TRACKING_TOKEN": f"principal:{run.principal}",
            "MLFLOW_RUN_ID": run.id,
            "MLFLOW_EXPERIMENT_NAME": run.experiment,
            "MSI_ENDPOINT": f"{self.context.tenant.url}{history.TOKENS}{run.id}",
            "MSI_SECRET": run.key,
            "DEFAULT_IDENTITY_CLIENT_ID": own,
            **self.context.proxy.variables,
        }


def _identities(call: Call, node: Mapping[str, Any]) -> list[Record]:
    """List the identities of a step's machines."""
    machines = call.store.get(str(node.get("computeId")))
    return [found for one in assigned_to(machines) if (found := call.store.get(one))] if machines else []


def _seconds(node: Mapping[str, Any]) -> float:
    said = dig(node, "limits.timeout") or dig(node, "limits.trial_timeout")
    if isinstance(said, int | float):
        return float(said)
    return assets.seconds(said) if isinstance(said, str) and said else _DAY_SECONDS


def _distributed(rank: int, count: int) -> dict[str, str]:
    """Tell each machine of the others, as PyTorch's distribution does: they are all this one."""
    if count == 1:
        return {}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "6105"}
    return {"NODE_RANK": str(rank), "RANK": str(rank), "LOCAL_RANK": "0", "WORLD_SIZE": str(count), **place}
