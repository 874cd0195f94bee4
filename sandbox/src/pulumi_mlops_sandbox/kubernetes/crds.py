"""The custom resource definitions that the sandbox's cluster has, taken from the Go modules of the projects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import step

WHAT = "the custom resource definitions"


@dataclass(frozen=True)
class Source:
    """A project, and which of its kinds are wanted."""

    module: str
    version: str
    folder: str
    """Where in the module the files lie, one for each kind."""
    names: tuple[str, ...]
    """Names of the definitions: plural, dot, group."""
    serves: str | None = None
    """The version that is kept, where that is not the one that the project stores by now."""


ARGO = "github.com/argoproj/argo-workflows/v4"
SOURCES = (
    Source(
        "github.com/kserve/kserve",
        "0.20.0",
        "config/crd/full",
        ("inferenceservices.serving.kserve.io", "servingruntimes.serving.kserve.io"),
    ),
    Source(
        "github.com/cloudnative-pg/cloudnative-pg",
        "1.28.0",
        "config/crd/bases",
        ("clusters.postgresql.cnpg.io", "databases.postgresql.cnpg.io"),
    ),
    Source(
        "github.com/kedacore/keda/v2",
        "2.21.0",
        "config/crd/bases",
        ("scaledobjects.keda.sh", "triggerauthentications.keda.sh"),
    ),
    Source(
        "sigs.k8s.io/gateway-api",
        "1.4.0",
        "config/crd/standard",
        (
            "gatewayclasses.gateway.networking.k8s.io",
            "gateways.gateway.networking.k8s.io",
            "httproutes.gateway.networking.k8s.io",
        ),
    ),
    Source(
        "github.com/prometheus-operator/prometheus-operator",
        "0.85.0",
        "example/prometheus-operator-crd",
        (
            "prometheusrules.monitoring.coreos.com",
            "podmonitors.monitoring.coreos.com",
            "servicemonitors.monitoring.coreos.com",
            "alertmanagerconfigs.monitoring.coreos.com",
        ),
    ),
    Source(
        "sigs.k8s.io/kueue",
        "0.17.0",
        "config/components/crd/bases",
        (
            "clusterqueues.kueue.x-k8s.io",
            "localqueues.kueue.x-k8s.io",
            "resourceflavors.kueue.x-k8s.io",
            "workloadpriorityclasses.kueue.x-k8s.io",
            "workloads.kueue.x-k8s.io",
        ),
        serves="v1beta2",  # without its webhook the API server prunes what only this version has
    ),
    Source(
        "github.com/kubeflow/trainer/v2",
        "2.2.0",
        "manifests/base/crds",
        ("trainingruntimes.trainer.kubeflow.org", "trainjobs.trainer.kubeflow.org"),
    ),
    Source(
        ARGO,
        "4.0.5",  # the newest that is published as a module
        "manifests/base/crds/full",
        ("workflowtemplates.argoproj.io", "cronworkflows.argoproj.io", "workflowtaskresults.argoproj.io"),
    ),
    # What Argo writes into a run itself is not for us to be judged: its full schema is as large as both others.
    Source(ARGO, "4.0.5", "manifests/base/crds/minimal", ("workflows.argoproj.io",)),
)


class _Loader(yaml.CSafeLoader):
    """Reads YAML in which a plain ``=`` stands for itself, as in Prometheus' lists of operators."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: str(node.value))


def fetch(work: Path) -> list[dict[str, Any]]:
    """Read the definitions, made slim."""
    definitions = []
    for source in SOURCES:
        with step(f"Fetching the definitions of {source.module} v{source.version} (once)") as progress:
            folder = building.module(source.module, source.version, work, progress, what=WHAT) / source.folder
        for name in source.names:
            plural, _, group = name.partition(".")
            path = folder / f"{group}_{plural}.yaml"
            if not path.is_file():
                raise SandboxError(f"{source.module} v{source.version} has no {source.folder}/{path.name}.")
            loaded = yaml.load(path.read_text(), _Loader)  # noqa: S506  (a safe loader)
            definitions.append(slim(loaded, source.serves))
    return definitions


def slim(definition: dict[str, Any], serves: str | None = None) -> dict[str, Any]:
    """Leave out what checks nothing, and what needs an operator: the apiserver then needs a fifth of the memory.

    :param serves: the version to keep, where it is not the one that is stored.
    """
    spec = definition["spec"]
    spec["versions"] = [_without_descriptions(version) for version in spec["versions"]]
    if serves is not None:
        spec["versions"] = [{**version, "storage": True} for version in spec["versions"] if version["name"] == serves]
    if spec.pop("conversion", {}).get("strategy") == "Webhook":
        # Nobody is there to convert: keep the version that is stored.
        spec["versions"] = [version for version in spec["versions"] if version["storage"]]
    definition.pop("status", None)
    return definition


def _without_descriptions(schema: Any) -> Any:
    """Leave out the texts; a property that is called description is a mapping, and stays."""
    if isinstance(schema, dict):
        return {
            key: _without_descriptions(value)
            for key, value in schema.items()
            if not (key == "description" and isinstance(value, str))
        }
    return [_without_descriptions(item) for item in schema] if isinstance(schema, list) else schema
