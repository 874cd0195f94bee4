"""Puts operators into a cluster whose nodes are real, in the order in which they need each other, and waits."""

import json
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.operators import certificates, charts, manifests, small
from pulumi_mlops_sandbox.kubernetes.operators.charts import Object
from pulumi_mlops_sandbox.kubernetes.operators.manifests import Operator
from pulumi_mlops_sandbox.kubernetes.provider import kubeconfig
from pulumi_mlops_sandbox.kubernetes.provider.client import APPLY, Client, StatusError
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Discovery, Gvk
from pulumi_mlops_sandbox.progress import Step, step

READY_WITHIN = 300.0
POLL = 0.5
FILE = "manifests.json"
GAVE_UP = 504
"""Gateway Timeout."""

FIRST = ("Namespace",)
DEFINITIONS = ("CustomResourceDefinition",)
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
GIVEN = ("ConfigMap", "Secret", "Service")
RUNS = ("Deployment",)
ONCE = ("Job",)
"""Of which some operators, once their webhooks are there, are asked before each."""
HOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService")
"""Some operators write their authority into these when they start, and end where there are none."""
ORDER = (FIRST, DEFINITIONS, RIGHTS + GIVEN + HOOKS, RUNS, ONCE)
"""What follows needs what precedes; objects of the operators' own kinds come last."""
SETTLED = {
    "CustomResourceDefinition": "Established",
    "Job": "Complete",
    "Deployment": "Available",
    "APIService": "Available",
    "Gateway": "Programmed",
    "Prometheus": "Available",
    "Alertmanager": "Available",
}
"""The condition that says that an object of a kind does what it is for."""


def manifest(operator: Operator) -> list[Object]:
    """Find what an operator installs, or read it out of its module, once for each version."""
    module = operator.modules[0]
    read_by = ("manifests.py", "training.py", "charts.py", "table.py", "main.go")
    sources = sorted(path for path in Path(__file__).parent.rglob("*") if path.name in read_by)
    name = f"operator-{operator.name}-{module.version}-{building.digest(*sources)[:12]}"

    def find() -> list[Object] | None:
        path = building.cache() / name / FILE
        found: list[Object] | None = json.loads(path.read_text()) if path.is_file() else None
        return found

    def make(work: Path) -> None:
        product = work / "product"
        product.mkdir()
        charts.renderer()
        with step(f"Fetching the manifests of {module.path} v{module.version} (once)") as progress:
            folders = [
                building.module(read.path, read.version, work, progress, what="the operators' manifests")
                for read in operator.modules[: operator.reads]
            ]
        (product / FILE).write_text(json.dumps(manifests.described(operator, *folders)))

    return building.once(name, f"the manifests of {operator.name}", find, make)


class Installer:
    """Applies objects to one cluster."""

    def __init__(self, config: Path, ending: threading.Event) -> None:
        """Lead to the cluster of a kubeconfig, until it ends."""
        self._client = Client(kubeconfig.load({"kubeconfig": str(config)}), ending)
        self._ending = ending
        self._discovery = Discovery(self._client)

    def path(self, each: Object) -> str:
        """Say where an object is."""
        kind = self._discovery.find(Gvk(each["apiVersion"], each["kind"]))
        return kind.path(each["metadata"].get("namespace", ""), each["metadata"]["name"])

    def apply_all(self, objects: Iterable[Object], progress: Step) -> None:
        """Create objects, or bring them into their form; again, after the others, where that may succeed later.

        Who judges one may be among them: Kueue is asked before every Deployment, its own excepted.
        """
        waiting = list(objects)
        deadline = time.monotonic() + READY_WITHIN
        while waiting:
            refused: list[Object] = []
            for each in waiting:
                progress.update(f"{each['kind']} {each['metadata']['name']}")
                try:
                    query = {"fieldManager": "sandbox", "force": "true"}
                    self._client.request("PATCH", self.path(each), query, each, APPLY)
                except StatusError as error:
                    # Who judges it may just have started, and a busy API server gives up on a large definition.
                    later = error.code == GAVE_UP or "webhook" in error.message
                    if not later or time.monotonic() > deadline:
                        raise SandboxError(f"{each['kind']} {each['metadata']['name']}: {error.message}") from error
                    refused.append(each)
            waiting = refused
            if waiting:
                self._pause()

    def read(self, each: Object) -> Object:
        """Read an object; nothing where there is none (any more)."""
        try:
            return self._client.get(self.path(each))
        except StatusError as error:
            if error.code == 404:  # noqa: PLR2004  (Not Found)
                return {}
            raise

    def defines(self, each: Object) -> bool:
        """Say whether a definition is there as it is wanted: to judge a large one again takes a minute."""
        if each["kind"] not in DEFINITIONS:
            return False
        there = self.read(each)
        return bool(there) and there["spec"]["versions"] == each["spec"]["versions"]

    def settle(self, objects: Iterable[Object], progress: Step) -> None:
        """Wait until each of them does what it is for."""
        waiting = [each for each in objects if each["kind"] in SETTLED]
        deadline = time.monotonic() + READY_WITHIN
        while waiting := [each for each in waiting if not _has(self.read(each), SETTLED[each["kind"]])]:
            names = ", ".join(f"{each['kind']} {each['metadata']['name']}" for each in waiting)
            progress.update(names)
            if time.monotonic() > deadline:
                raise SandboxError(f"Not ready within {READY_WITHIN:.0f} s: {names}.")
            self._pause()

    def _pause(self) -> None:
        if self._ending.wait(POLL):
            raise SandboxError("The cluster ends, and with it the installation of operators.")


def _has(found: Object, condition: str) -> bool:
    if not found:  # a Job that was done and has been removed
        return True
    conditions: list[Any] = (found.get("status") or {}).get("conditions") or []
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def install(config: Path, names: Sequence[str], ending: threading.Event, *, on_small_machine: bool = True) -> None:
    """Install operators, by the names that the library has for them, into the cluster of a kubeconfig.

    :param ending: is set when the cluster ends: nothing is waited for any more.
    """
    wanted = manifests.chosen(names)
    objects = [each for operator in wanted for each in manifest(operator)]
    if any(operator.name == "kserve" for operator in wanted):
        objects = certificates.certified(objects)
    installer = Installer(config, ending)
    with step(f"Installing {', '.join(operator.name for operator in wanted)}") as progress:
        if on_small_machine:
            installer.apply_all(small.POLICY, progress)
        for kinds in ORDER:
            chosen = [each for each in objects if each["kind"] in kinds]
            installer.apply_all((each for each in chosen if not installer.defines(each)), progress)
            if kinds == DEFINITIONS:
                installer.settle(chosen, progress)
        custom = [each for each in objects if not any(each["kind"] in kinds for kinds in ORDER)]
        installer.apply_all(custom, progress)
        installer.settle(objects, progress)
