"""How an endpoint is: what Prometheus scrapes of it, what it is asked, and the alerts that follow."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops.backends.kubernetes.objects import App, Fields, custom
from pulumi_mlops.backends.kubernetes.runtime import Server, selector, server_of
from pulumi_mlops.components.endpoint import MAIN, EndpointSpec, Health

VARIANT = "pulumi-mlops/variant"
"""The label of a pod that says which variant of the endpoint it serves."""
REVISION = "serving.kserve.io/inferenceservice"
"""The label of a pod that says which InferenceService it belongs to; KServe sets it."""
_WINDOW = "2m"
_SCRAPED_EVERY = "15s"
_MISSING_FOR = "10m"  # a new replica may take that long to load its model
# Labels of pods, as metrics have them: Prometheus takes no dots and slashes, and its operator uses "endpoint" itself.
_LABELS = {
    "mlops_endpoint": "app_kubernetes_io_instance",
    "mlops_variant": "pulumi_mlops_variant",
    "mlops_revision": "serving_kserve_io_inferenceservice",
}


PODS = "<pods>"
"""Where the release job puts the matchers of those pods whose requests it counts."""


@dataclass(frozen=True)
class Check:
    """A question to Prometheus, and the answer that is too much."""

    name: str
    query: str
    above: float
    means: str
    """What it means, for people; ``{value}`` stands for the answer."""

    def settings(self) -> Fields:
        """Return it for the release job."""
        return {"name": self.name, "query": self.query, "above": self.above, "means": self.means}


def checks(server: Server, health: Health, **labels: str) -> Iterator[Check]:
    """Ask of some pods what ``health`` bounds; what nobody measured is no answer, and no answer is not too much."""
    failed = f"sum(rate({server.requests}{selector(server, server.failed, **labels)}[{_WINDOW}]))"
    every = f"sum(rate({server.requests}{selector(server, **labels)}[{_WINDOW}]))"
    yield Check(
        "errors",
        f"100 * {failed} / {every}",
        health.errors_percent,
        f"{{value}} per cent of requests fail, more than {health.errors_percent:g}",
    )
    if health.latency_ms is not None:
        rate = f"sum by (le) (rate({server.seconds}_bucket{selector(server, **labels)}[{_WINDOW}]))"
        yield Check(
            "latency",
            f"1000 * histogram_quantile(0.99, {rate})",
            health.latency_ms,
            f"the slowest hundredth of answers takes {{value}} ms, more than {health.latency_ms:g}",
        )


def comparison(server: Server, health: Health, *, namespace: str, revision: str, variant: str) -> Fields:
    """Say how a new revision is compared with what served before, for the release job.

    A server answers 4xx to a caller's mistakes, and some answer so when a model fails as well. Both revisions get the
    same traffic: what callers do wrong shows in both, and what the new one alone refuses is its own fault. There is no
    alert of this: outside of a release there is nothing to compare with.
    """
    return {
        "name": f"refusals of {variant}",
        "revision": revision,
        "new": f'mlops_revision="{revision}"',
        "old": f'mlops_variant="{variant}"',
        "every": server.requests + selector(server, PODS, namespace=namespace),
        "refused": server.requests + selector(server, f"{PODS},{server.refused}", namespace=namespace),
        "above": health.errors_percent,
    }


def requests_a_minute(server: Server, **labels: str) -> str:
    """Count the requests that some pods get."""
    return f"60 * sum(rate({server.requests}{selector(server, **labels)}[{_WINDOW}]))"


def counted_requests(server: Server, **labels: str) -> str:
    """Count the series in which some pods count requests, those of health checks too: whether anything is measured."""
    matchers = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"count({server.requests}{{{matchers}}})"


def metrics_ports(spec: EndpointSpec) -> list[int]:
    """Return the ports at which its servers are measured."""
    return sorted({server_of(part.model, spec.serve).metrics_port for part in spec.parts})


def monitor(app: App, spec: EndpointSpec) -> None:
    """Have the pods scraped, and people told (https://prometheus-operator.dev/docs/api-reference/api/)."""
    scope = app.scope
    relabelings = [
        {"sourceLabels": [f"__meta_kubernetes_pod_label_{found}"], "targetLabel": wanted}
        for wanted, found in _LABELS.items()
    ]
    custom(
        scope.child("monitor"),
        "monitoring.coreos.com/v1",
        "PodMonitor",
        metadata=app.metadata(app.name()),
        spec={
            "selector": {"matchLabels": app.selector},
            "podMetricsEndpoints": [
                {"portNumber": port, "path": "/metrics", "interval": _SCRAPED_EVERY, "relabelings": relabelings}
                for port in metrics_ports(spec)
            ],
        },
        opts=scope.opts,
    )
    rules = [
        {
            "alert": f"Endpoint{check.name.capitalize()}",
            "expr": f"{check.query} > {check.above:g}",
            "for": _WINDOW,
            # Alertmanager's configuration of this namespace sees the alerts that carry its name.
            "labels": {"severity": "warning", "namespace": app.namespace, "endpoint": scope.name, "variant": part.name},
            "annotations": {
                "summary": f"{scope.name}, {part.name}: " + check.means.format(value="{{ $value | humanize }}")
            },
        }
        for part in spec.served
        for check in checks(server_of(part.model, spec.serve), spec.health, **of_variant(app, part.name))
    ]
    rules += [_missing(app, part.name) for part in spec.parts]
    custom(
        scope.child("alerts"),
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        metadata=app.metadata(app.name()),
        spec={"groups": [{"name": app.name(), "rules": rules}]},
        opts=scope.opts,
    )


def _missing(app: App, variant: str) -> Fields:
    """Tell of replicas that are not ready: kube-state-metrics, of the Prometheus operator's chart, counts them.

    Where no Deployment is counted, there is none: that is told as well.
    """
    where = f'{{namespace="{app.namespace}",deployment=~"{stem(app.scope.name, variant)}-[0-9a-f]{{8}}-predictor"}}'
    short = f"kube_deployment_spec_replicas{where} - kube_deployment_status_replicas_available{where}"
    return {
        "alert": "EndpointReplicas",
        "expr": f"sum({short}) > 0 or absent(kube_deployment_spec_replicas{where})",
        "for": _MISSING_FOR,
        "labels": {"severity": "warning", "namespace": app.namespace, "endpoint": app.scope.name, "variant": variant},
        "annotations": {"summary": f"{app.scope.name}, {variant}: {{{{ $value }}}} replicas do not answer"},
    }


def stem(endpoint: str, variant: str) -> str:
    """Name a variant of an endpoint within the namespace; the only one needs no name of its own."""
    return endpoint if variant == MAIN else f"{endpoint}-{variant}"


def of_variant(app: App, variant: str) -> dict[str, str]:
    """Return the labels of a variant's metrics, whichever revision serves."""
    return {"namespace": app.namespace, "mlops_endpoint": app.scope.name, "mlops_variant": variant}


def of_revision(app: App, revision: str) -> dict[str, str]:
    """Return the labels of a revision's metrics."""
    return {"namespace": app.namespace, "mlops_revision": revision}
