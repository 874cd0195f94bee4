"""The operators that this backend stands on: what they bring, since which version, and how they are installed."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.objects import after
from pulumi_mlops.core import prerequisites
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MissingRequirements


@dataclass(frozen=True)
class Chart:
    """A Helm chart of the project's own."""

    name: str
    version: str
    repository: str | None = None
    """None where the name is an OCI address."""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Operator:
    """Software that an admin installs once for a cluster."""

    title: str
    version: str
    """The oldest version that this backend writes for."""
    provides: str
    """Group and version of its API, such as ``keda.sh/v1alpha1``."""
    kinds: tuple[str, ...]
    """The kinds of it that are used."""
    purpose: str
    charts: tuple[Chart, ...]
    namespace: str
    after: tuple[str, ...] = ()
    """Further operators that it needs beside it."""
    marker: tuple[str, str] | None = None
    """A kind and a dotted field of it that only a version new enough has: the definitions carry no version."""


_SELECT_ALL = [
    f"{kind}SelectorNilUsesHelmValues" for kind in ("podMonitor", "probe", "rule", "scrapeConfig", "serviceMonitor")
]
OPERATORS = {
    "kserve": Operator(
        title="KServe",
        version="0.20",
        provides="serving.kserve.io/v1beta1",
        kinds=("InferenceService",),
        purpose="serves models",
        charts=(
            Chart("oci://ghcr.io/kserve/charts/kserve-crd", "v0.20.0"),
            Chart(
                "oci://ghcr.io/kserve/charts/kserve-resources",
                "v0.20.0",
                values={
                    "kserve": {
                        "controller": {"deploymentMode": "Standard", "gateway": {"disableIstioVirtualHost": True}}
                    }
                },
            ),
        ),
        namespace="kserve",
        after=("cert-manager",),
        marker=("InferenceService", "spec.canary"),
    ),
    "cert-manager": Operator(
        title="cert-manager",
        version="1.18",
        provides="cert-manager.io/v1",
        kinds=("Certificate",),
        purpose="gives KServe's webhooks their certificates",
        charts=(Chart("cert-manager", "v1.21.2", "https://charts.jetstack.io", values={"crds": {"enabled": True}}),),
        namespace="cert-manager",
    ),
    "gateway": Operator(
        title="Gateway API with Envoy Gateway",
        version="1.4",
        provides="gateway.networking.k8s.io/v1",
        kinds=("HTTPRoute",),
        purpose="divides traffic between versions",
        charts=(Chart("oci://docker.io/envoyproxy/gateway-helm", "v1.6.0"),),
        namespace="envoy-gateway-system",
    ),
    "keda": Operator(
        title="KEDA",
        version="2.17",
        provides="keda.sh/v1alpha1",
        kinds=("ScaledObject",),
        purpose="counts replicas by requests",
        charts=(Chart("keda", "2.18.0", "https://kedacore.github.io/charts"),),
        namespace="keda",
    ),
    "cloudnative-pg": Operator(
        title="CloudNativePG",
        version="1.26",
        provides="postgresql.cnpg.io/v1",
        kinds=("Cluster",),
        purpose="runs Postgres",
        charts=(Chart("cloudnative-pg", "0.26.0", "https://cloudnative-pg.github.io/charts"),),
        namespace="cnpg-system",
    ),
    "kueue": Operator(
        title="Kueue",
        version="0.17",  # the first that starts runs of a Trainer that patches runtimes
        provides="kueue.x-k8s.io/v1beta2",
        kinds=("ClusterQueue", "LocalQueue", "ResourceFlavor", "Workload", "WorkloadPriorityClass"),
        purpose="queues runs, and starts each when it has all of its machines",
        charts=(Chart("oci://registry.k8s.io/kueue/charts/kueue", "0.17.0"),),
        namespace="kueue-system",
        marker=("Workload", "spec.preemptionGates"),
    ),
    "trainer": Operator(
        title="Kubeflow Trainer",
        version="2.2",
        provides="trainer.kubeflow.org/v1alpha1",
        kinds=("TrainingRuntime", "TrainJob"),
        purpose="starts the pods of a run",
        charts=(Chart("oci://ghcr.io/kubeflow/charts/kubeflow-trainer", "2.2.0"),),
        namespace="kubeflow-system",
        marker=("TrainJob", "spec.runtimePatches"),
    ),
    "prometheus": Operator(
        title="Prometheus operator",
        version="0.80",
        provides="monitoring.coreos.com/v1",
        kinds=("PodMonitor", "PrometheusRule"),
        purpose="measures, and tells when something is unwell",
        charts=(
            Chart(
                "kube-prometheus-stack",
                "79.0.0",
                "https://prometheus-community.github.io/helm-charts",
                # As installed it selects what has a label of its own release: of ours it would measure nothing.
                values={"prometheus": {"prometheusSpec": dict.fromkeys(_SELECT_ALL, False)}},
            ),
        ),
        namespace="monitoring",
    ),
    "argo-workflows": Operator(
        title="Argo Workflows",
        version="4.0.6",  # below it, whoever may start a workflow may do what the controller may
        provides="argoproj.io/v1alpha1",
        kinds=("Workflow", "WorkflowTemplate", "CronWorkflow", "WorkflowTaskResult"),
        purpose="runs pipelines",
        charts=(
            Chart(
                "argo-workflows",
                "2.0.1",  # of Argo Workflows 4.1.0
                "https://argoproj.github.io/argo-helm",
                values={
                    "controller": {"metricsConfig": {"enabled": True}, "serviceMonitor": {"enabled": True}},
                    "server": {"enabled": False},
                },
            ),
        ),
        namespace="argo",
        after=("prometheus",),  # its chart has the controller measured
        marker=("WorkflowTaskResult", "outputs.artifacts[].plugin"),
    ),
}
"""By the name that ``Platform(addons=[…])`` takes."""


@dataclass(frozen=True)
class Demand:
    """The operators that one component needs in a cluster."""

    noun: str
    name: str
    operators: frozenset[str]
    """Their short names, without those that the platform itself installs."""
    context: str | None

    def __str__(self) -> str:
        return f"{self.noun} {self.name!r}"


def require(noun: str, name: str, needed: Iterable[str], context: str | None, addons: Iterable[str]) -> None:
    """Refuse the program, once all of it is known, for every operator that the cluster has not, or has too old.

    What the platform itself installs is taken to be there; without a cluster to be asked nothing is judged.
    """
    prerequisites.require(judge, Demand(noun, name, frozenset(needed) - set(addons), context))


def judge(demands: Sequence[Demand]) -> None:
    """Raise one error for all that is missing for these components."""
    missing: dict[str, str] = {}
    who: dict[str, list[Demand]] = {}
    for demand in demands:
        for short in sorted(demand.operators):
            if found := _missing(OPERATORS[short], demand.context):
                missing[short] = found
                who.setdefault(short, []).append(demand)
    if not missing:
        return
    concerned = list(dict.fromkeys(str(demand) for needing in who.values() for demand in needing))
    told = [
        f"  - {operator.title} {operator.version} or newer, which {operator.purpose}: {missing[short]}"
        f"{_for(who[short], concerned)}.\n{_install(operator)}"
        for short, operator in OPERATORS.items()
        if short in missing
    ]
    needs = "need" if len(concerned) > 1 else "needs"
    raise MissingRequirements(
        f"{_listed(concerned)} {needs} software that the cluster does not have; nothing was registered.\n"
        + "\n".join(told)
        + f"\nOr have the platform install it: Platform(…, addons=[{', '.join(map(repr, missing))}])."
    )


def _missing(operator: Operator, context: str | None) -> str:
    """Say what of an operator is not there; nothing where all is, or no cluster can be asked."""
    offered = live.served(context, operator.provides)
    if offered is None:
        return ""
    absent = set(operator.kinds) - {kind["kind"] for kind in offered.get("resources", [])}
    if absent:
        return f"there is no {', '.join(sorted(absent))} in {operator.provides}"
    if operator.marker and not live.has_field(context, operator.provides, *operator.marker):
        kind, field = operator.marker
        return f"the installed version is older: its {kind} has no {field}"
    return ""


def _for(needing: Sequence[Demand], concerned: Sequence[str]) -> str:
    names = [str(demand) for demand in needing]
    return f" ({_listed(names)})" if len(concerned) > 1 else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _install(operator: Operator) -> str:
    return "\n".join(
        f"      helm install {chart.name.rsplit('/', 1)[-1]} {chart.name} --version {chart.version} "
        f"--namespace {operator.namespace} --create-namespace"
        + (f" --repo {chart.repository}" if chart.repository else "")
        + "".join(f" --set {key}={value}" for key, value in _settings(chart.values))
        for chart in operator.charts
    )


def _settings(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Write a chart's values as `helm --set` takes them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", json.dumps(value).strip('"')


def install(scope: Scope, addons: Iterable[str]) -> list[pulumi.Resource]:
    """Install operators with Helm, whose hooks these charts rely on."""
    made: dict[str, list[pulumi.Resource]] = {}
    wanted = sorted(addons, key=lambda short: len(OPERATORS[short].after))
    for short in wanted:
        operator = OPERATORS[short]
        before = [release for other in operator.after for release in made.get(other, [])]
        made[short] = []
        for chart in operator.charts:
            release = k8s.helm.v3.Release(
                scope.child(f"addon-{chart.name.rsplit('/', 1)[-1]}"),
                chart=chart.name,
                version=chart.version,
                repository_opts={"repo": chart.repository} if chart.repository else None,
                namespace=operator.namespace,
                create_namespace=True,
                atomic=True,
                values=chart.values,
                opts=after(scope.opts, *before, *made[short]),
            )
            made[short].append(release)
    return [release for releases in made.values() for release in releases]
