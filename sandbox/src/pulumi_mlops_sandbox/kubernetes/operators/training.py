"""What runs pipelines and trainings on a real node: Argo Workflows, Kueue, Kubeflow Trainer with JobSet.

Each by its own manifests or chart, with the rights that these give it.
"""

from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.kubernetes.operators import table
from pulumi_mlops_sandbox.kubernetes.operators.charts import Object, documents, namespace, render
from pulumi_mlops_sandbox.kubernetes.operators.table import Module

ARGO, KUEUE, TRAINER = "argo", "kueue-system", "kubeflow-system"
"""The namespaces in which they are."""
_OF_THE_CLUSTER = ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PriorityClass")


def argo_workflows(folder: Path) -> list[Object]:
    """Take what its installation for a whole cluster lists, but for the server with its pages."""
    manifests = folder / "manifests"
    parts = (
        # The full definitions say of each field what it may be, which a server with two cores reads for a minute.
        "base/crds/minimal",
        "base/workflow-controller",
        "cluster-install-no-crds/workflow-controller-rbac",
    )
    found = [
        one
        for part in parts
        for path in sorted((manifests / part).glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for one in documents(path.read_text())
    ]
    full = manifests / "base" / "crds" / "full" / "argoproj.io_workflowtaskresults.yaml"
    found = [each for each in found if each["metadata"]["name"] != "workflowtaskresults.argoproj.io"]
    found += documents(full.read_text())
    for each in found:
        if each["kind"] not in _OF_THE_CLUSTER:
            each["metadata"]["namespace"] = ARGO
        for subject in each.get("subjects", ()):
            subject["namespace"] = ARGO
        if each["kind"] == "Deployment":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["image"] = table.ARGO_WORKFLOWS.programs[0].image
    return [namespace(ARGO), *found]


def kueue(folder: Path) -> list[Object]:
    """Take its chart, which has it make its own certificate."""
    image = _image(table.KUEUE)
    found = render(folder / "charts" / "kueue", "kueue", KUEUE, {"controllerManager": {"manager": {"image": image}}})
    return [namespace(KUEUE), *found]


def trainer(folder: Path, jobset: Path) -> list[Object]:
    """Take its chart, and that of JobSet, which it depends on; the runtimes of its own are for machines with GPUs."""
    found = [
        one
        for chart in (jobset / "charts" / "jobset", folder / "charts" / "kubeflow-trainer")
        for path in sorted((chart / "crds").glob("*.yaml"))
        for one in documents(path.read_text())
    ]
    found += render(jobset / "charts" / "jobset", "jobset", TRAINER, {"image": _image(table.JOBSET)})
    found += render(folder / "charts" / "kubeflow-trainer", "kubeflow-trainer", TRAINER)
    for each in found:
        # As Helm does: the chart leaves it out where it is the release's.
        if each["kind"] in ("Role", "RoleBinding"):
            each["metadata"].setdefault("namespace", TRAINER)
    return [namespace(TRAINER), *found]


def _image(module: Module) -> dict[str, Any]:
    """Name a program's published image, as charts take it; in its module a chart names one that nobody keeps."""
    repository, _, tag = module.programs[0].image.rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}
