"""What each operator installs: its own chart or manifests, with its own rights, adapted to one small machine.

What is adapted is said in docs/sandbox.md: images are those of the machine, probes begin at once, nothing limits an
operator's CPU, and an authority of the sandbox's own stands for cert-manager.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.operators import charts, table, training
from pulumi_mlops_sandbox.kubernetes.operators.charts import Object, documents, namespace, render
from pulumi_mlops_sandbox.kubernetes.operators.table import Module

GATEWAYS = "gateways"
ENVOY_IMAGE = "docker.io/envoyproxy/envoy:v1.40.0"
METRICS = "http://prometheus-operated.monitoring.svc:9090"
"""Where Prometheus answers, as ``existing={"metrics": …}`` takes it."""


@dataclass(frozen=True)
class Operator:
    """Software that an admin installs once, by the name that ``Platform(addons=[…])`` has for it."""

    name: str
    modules: tuple[Module, ...]
    describe: Callable[..., list[Object]]
    """Reads its manifests out of the folder of its first module, and of as many further ones as it reads."""
    reads: int = 1


def _kserve(folder: Path) -> list[Object]:
    """Take KServe's two charts, with the settings that the library's own installation gives them."""
    standard = {"kserve": {"controller": {"deploymentMode": "Standard", "gateway": {"disableIstioVirtualHost": True}}}}
    found = [
        *render(folder / "charts" / "kserve-crd", "kserve-crd", "kserve"),
        *render(folder / "charts" / "kserve-resources", "kserve", "kserve", standard),
    ]
    kept = [each for each in found if not each["apiVersion"].startswith("cert-manager.io/")]
    for each in kept:
        if each["kind"] == "Deployment":
            # The proxy in front of its metrics is a program of another project, and nobody reads them here.
            containers = each["spec"]["template"]["spec"]["containers"]
            each["spec"]["template"]["spec"]["containers"] = [one for one in containers if one["name"] == "manager"]
        if each["kind"] == "ConfigMap":
            each["data"].pop("_example", None)
    return [namespace("kserve"), *kept]


def _gateway(folder: Path) -> list[Object]:
    """Take Envoy Gateway's chart, the definitions it comes with, and the Gateway that the stacks name."""
    chart = folder / "charts" / "gateway-helm"
    image = next(program.image for program in table.ENVOY_GATEWAY.programs)
    values = documents(
        (chart / "values.tmpl.yaml")
        .read_text()
        .replace("${GatewayImage}", image)
        .replace("${GatewayImagePullPolicy}", "IfNotPresent")
    )[0]
    # One node has one zone: nobody needs to be told which.
    found = render(chart, "eg", "envoy-gateway-system", values | {"topologyInjector": {"enabled": False}})
    crds = chart / "charts" / "crds" / "crds"
    api = documents((crds / "gatewayapi-crds.yaml").read_text())
    own = [one for path in sorted((crds / "generated").glob("*.yaml")) for one in documents(path.read_text())]
    groups = ("gateway.networking.k8s.io", "gateway.envoyproxy.io")  # not those of further experiments
    standing = [
        one for one in (*api, *own) if one["kind"] == "CustomResourceDefinition" and one["spec"]["group"] in groups
    ]
    return [namespace("envoy-gateway-system"), *standing, *found, *_way_in()]


def _way_in() -> Iterator[Object]:
    proxy = {
        "envoyService": {"type": "ClusterIP"},
        "envoyDeployment": {
            "container": {"image": ENVOY_IMAGE, "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}}}
        },
    }
    yield namespace(GATEWAYS)
    yield {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyProxy",
        "metadata": {"name": "small", "namespace": "envoy-gateway-system"},
        "spec": {"provider": {"type": "Kubernetes", "kubernetes": proxy}},
    }
    yield {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "envoy"},
        "spec": {
            "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
            "parametersRef": {
                "group": "gateway.envoyproxy.io",
                "kind": "EnvoyProxy",
                "name": "small",
                "namespace": "envoy-gateway-system",
            },
        },
    }
    listener = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "All"}}}
    yield {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "public", "namespace": GATEWAYS},
        "spec": {"gatewayClassName": "envoy", "listeners": [listener]},
    }


def _cloudnative_pg(folder: Path) -> list[Object]:
    """Take the manifest of the release."""
    return documents((folder / "releases" / f"cnpg-{table.CNPG.version}.yaml").read_text())


def _keda(folder: Path) -> list[Object]:
    """Take what the module's own minimal installation lists, in its release's images."""
    config = folder / "config"
    parts = ("general", "crd/bases", "service_account", "rbac", "manager", "metrics-server")
    found = [
        one
        for part in parts
        for path in sorted((config / part).glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for one in documents(path.read_text())
    ]
    for each in found:
        if each["kind"] == "Deployment":
            for container in each["spec"]["template"]["spec"]["containers"]:
                container["image"] = f"{container['image'].rpartition(':')[0]}:{table.KEDA.version}"
    return found


def _prometheus(folder: Path) -> list[Object]:
    """Take the operator's own example of an installation, in a namespace of its own, a Prometheus, an Alertmanager."""
    example, space = folder / "example", "monitoring"
    parts = ("prometheus-operator-crd", "rbac/prometheus-operator", "rbac/prometheus")
    found = [
        one for part in parts for path in sorted((example / part).glob("*.yaml")) for one in documents(path.read_text())
    ]
    kept = [one for one in found if one["kind"] not in ("Prometheus", "ServiceMonitor")]
    for each in kept:
        if each["kind"] not in ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"):
            each["metadata"]["namespace"] = space  # not all of them name one
        for subject in each.get("subjects", ()):
            subject["namespace"] = space
    return [namespace(space), *kept, _server(space), _alertmanager(space)]


def _server(space: str) -> Object:
    """Have a Prometheus of every namespace, as the library's installation sets it."""
    kinds = ("podMonitor", "serviceMonitor", "rule")
    return _one(
        "Prometheus",
        space,
        table.PROMETHEUS,
        **{f"{kind}{which}": {} for kind in kinds for which in ("Selector", "NamespaceSelector")},
        serviceAccountName="prometheus",
        alerting={"alertmanagers": [{"namespace": space, "name": "alertmanager-operated", "port": "web"}]},
    )


def _alertmanager(space: str) -> Object:
    """Have what sends alerts on, each by the AlertmanagerConfig of its own namespace."""
    return _one(
        "Alertmanager", space, table.ALERTMANAGER, alertmanagerConfigSelector={}, alertmanagerConfigNamespaceSelector={}
    )


def _one(kind: str, space: str, module: Module, **spec: Any) -> Object:
    """Describe one small server that the Prometheus operator runs."""
    (program,) = module.programs
    common = {
        "image": program.image,
        "version": program.image.rpartition(":v")[2],
        "replicas": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"memory": "100Mi"}},
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": {"name": "main", "namespace": space},
        "spec": common | spec,
    }


OPERATORS = (
    Operator("kserve", (table.KSERVE,), _kserve),
    Operator("gateway", (table.ENVOY_GATEWAY,), _gateway),
    Operator("cloudnative-pg", (table.CNPG,), _cloudnative_pg),
    Operator("keda", (table.KEDA,), _keda),
    Operator("prometheus", (table.PROMETHEUS_OPERATOR, table.PROMETHEUS, table.ALERTMANAGER), _prometheus),
    Operator("argo-workflows", (table.ARGO_WORKFLOWS,), training.argo_workflows),
    Operator("kueue", (table.KUEUE,), training.kueue),
    Operator("trainer", (table.TRAINER, table.JOBSET), training.trainer, reads=2),
)
NAMES = tuple(operator.name for operator in OPERATORS)
SETS = {
    "serving": ("kserve", "gateway", "cloudnative-pg", "keda", "prometheus"),
    "training": ("gateway", "cloudnative-pg", "prometheus", "argo-workflows", "kueue", "trainer"),
    "loop": ("kserve", "gateway", "cloudnative-pg", "prometheus", "argo-workflows"),
}
"""What belongs together, by a name of its own: what models are served by, what they are trained by, and the least that
goes once round the loop."""
NAMESPACES = (
    *("kserve", "envoy-gateway-system", GATEWAYS, "cnpg-system", "keda", "monitoring"),
    *(training.ARGO, training.KUEUE, training.TRAINER),
)
"""Where they are."""


def chosen(names: Sequence[str]) -> list[Operator]:
    """Find operators by their names and those of sets; refuse a name that is none of theirs."""
    if unknown := set(names) - {*NAMES, *SETS}:
        *others, last = SETS
        sets = f"{', '.join(others)} and {last}"
        raise SandboxError(
            f"No such operator: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}, and the sets {sets}."
        )
    wanted = {one for name in names for one in SETS.get(name, (name,))}
    return [operator for operator in OPERATORS if operator.name in wanted]


def described(operator: Operator, *folders: Path) -> list[Object]:
    """Return what an operator installs, as it fits one small machine; the folders are those of its modules."""
    found = [_slim(each) for each in operator.describe(*folders)]
    for each in found:
        if each["kind"] == "Deployment":
            _fit(each["spec"]["template"]["spec"]["containers"])
        _without_empty(each)
    return found


def _slim(each: Object) -> Object:
    """Leave descriptions out of definitions: they check nothing, and cost the apiserver memory."""
    if each["kind"] != "CustomResourceDefinition":
        return each
    each.pop("status", None)
    (each["metadata"].get("annotations") or {}).pop("cert-manager.io/inject-ca-from", None)
    schemas = each["spec"]["versions"]
    each["spec"]["versions"] = [charts.without_descriptions(version) for version in schemas]
    return each


def _fit(containers: Sequence[Any]) -> None:
    """Let containers start as soon as they can, from the images that are there, on whatever CPU is free."""
    for container in containers:
        container["imagePullPolicy"] = "IfNotPresent"
        container["image"] = qualified(container["image"])
        resources = container.setdefault("resources", {})
        (resources.get("limits") or {}).pop("cpu", None)
        resources["requests"] = (resources.get("requests") or {}) | {"cpu": "10m"}
        if "readinessProbe" in container:
            container["readinessProbe"] |= {"initialDelaySeconds": 1, "periodSeconds": 2, "failureThreshold": 90}
        if "livenessProbe" in container:
            container["livenessProbe"] |= {"initialDelaySeconds": 60}
        if "startupProbe" in container:
            container["startupProbe"] |= {"failureThreshold": 120}


def qualified(image: str) -> str:
    """Write an image's name with its registry, as containerd does."""
    first, _, rest = image.partition("/")
    if not rest:
        return f"docker.io/library/{image}"
    return image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"


def _without_empty(each: Object) -> None:
    """Leave out fields that charts leave empty, which the apiserver takes for another type."""
    metadata = each["metadata"]
    metadata.pop("creationTimestamp", None)
    for field in ("annotations", "labels"):
        if field in metadata and not metadata[field]:
            del metadata[field]
