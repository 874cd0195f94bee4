"""What is measured of an endpoint on Kubernetes: a Pushgateway, alerts of Prometheus, who is told, a dashboard.

What measures runs and ends, and Prometheus asks for metrics: a Pushgateway keeps the last ones between the two. Each
watch has one of its own, which nothing reaches but what measures for it, and Prometheus.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi_kubernetes as k8s

from pulumi_mlops.backends.kubernetes import access, live, names, operators
from pulumi_mlops.backends.kubernetes.addresses import Door, PlatformAddress
from pulumi_mlops.backends.kubernetes.endpoint import metrics_namespace
from pulumi_mlops.backends.kubernetes.objects import App, Fields, custom, resources
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import InvalidArgs
from pulumi_mlops.core.primitives import Measure, Watch, WatchRef
from pulumi_mlops.core.refs import HubRef
from pulumi_mlops.jobs.measure import MEASURED, PREFIX

if TYPE_CHECKING:
    import pulumi

IMAGE = "quay.io/prometheus/pushgateway:v1.11.3"
PORT = 9091
LABELS = ("mlops_endpoint", "mlops_monitor")
"""The labels of every metric beside ``namespace``; ``endpoint`` is one of Prometheus' operator's own."""
DASHBOARD = {"grafana_dashboard": "1"}
"""By this label Grafana of kube-prometheus-stack finds dashboards, in every namespace."""
_KIND, _PART, _BOARD = "pushgateway", "metrics", "dashboard"
_JOB = "mlops"
_SCRAPED_EVERY = "15s"
_WIDE, _HIGH, _ACROSS = 12, 8, 24


def watch(scope: Scope, platform: HubRef, wanted: Watch) -> WatchRef:
    """Watch what is measured of an endpoint."""
    assert isinstance(platform, PlatformRef)  # noqa: S101 (there is no other hub here)
    app = access.app_of(scope, platform, _KIND)
    noun, addons = scope.component.noun, PlatformAddress.of(platform).addons
    if taken := list(names.watched(noun, scope.name, platform)):
        raise InvalidArgs(noun, scope.name, taken)
    operators.require(noun, scope.name, ["prometheus"], live.context_of(platform), addons)
    name = app.name(_PART)
    marks: dict[str, str] = dict(zip(LABELS, (wanted.endpoint.name, wanted.name), strict=True))
    native: dict[str, pulumi.Resource] = {"server": _server(app, name)}
    access.listen(app, _PART, app.selector, PORT, [access.namespace(metrics_namespace(platform))])
    scraped: Fields = {"portNumber": PORT, "path": "/metrics", "interval": _SCRAPED_EVERY, "honorLabels": True}
    native["monitor"] = custom(
        scope.child("watch-monitor"),
        "monitoring.coreos.com/v1",
        "PodMonitor",
        metadata=app.metadata(name),
        spec={"selector": {"matchLabels": app.selector}, "podMetricsEndpoints": [scraped]},
        opts=scope.opts,
    )
    alarms = {one.name: _called(app, one.name) for one in wanted.measures if one.threshold is not None}
    stale = _called(app, "stale") if wanted.stale_after_hours is not None else None
    if rules := _rules(app, wanted, marks):
        native["alerts"] = custom(
            scope.child("watch-alerts"),
            "monitoring.coreos.com/v1",
            "PrometheusRule",
            metadata=app.metadata(name),
            spec={"groups": [{"name": name, "rules": rules}]},
            opts=scope.opts,
        )
    native["dashboard"] = k8s.core.v1.ConfigMap(
        scope.child("watch-dashboard"),
        metadata=app.metadata(app.name(_BOARD), labels=DASHBOARD),
        data={f"{app.namespace}-{scope.name}.json": json.dumps(dashboard(app, wanted, marks), indent=2)},
        opts=scope.opts,
    )
    group = "".join(f"/{key}/{value}" for key, value in marks.items())
    return WatchRef(
        name=wanted.name,
        address=f"http://{app.host(name)}:{PORT}/metrics/job/{_JOB}{group}",
        alarms=alarms,
        stale=stale,
        facts={"door": Door(_PART, PORT, app.selector).plain()},
        native=native,
    )


def _server(app: App, name: str) -> k8s.apps.v1.Deployment:
    """Run the Pushgateway; what it keeps outlives its container, and is measured anew where its pod is lost."""
    scope = app.scope
    k8s.core.v1.Service(
        scope.child("watch-metrics"),
        metadata=app.metadata(name),
        spec={"selector": app.selector, "ports": [{"name": "http", "port": PORT, "target_port": "http"}]},
        opts=scope.opts,
    )
    container: Fields = {
        "name": _KIND,
        "image": IMAGE,
        "args": [f"--web.listen-address=:{PORT}", "--persistence.file=/tmp/metrics", "--persistence.interval=10s"],
        "ports": [{"name": "http", "container_port": PORT}],
        "readiness_probe": {"http_get": {"path": "/-/ready", "port": "http"}, "period_seconds": 5},
        "liveness_probe": {"http_get": {"path": "/-/healthy", "port": "http"}, "period_seconds": 20},
        "resources": resources("10m", "64Mi"),
    }
    return k8s.apps.v1.Deployment(
        scope.child("watch-server"),
        metadata=app.metadata(name),
        spec={
            "replicas": 1,
            "selector": {"match_labels": app.selector},
            # Of two at a time, each would have some of the metrics.
            "strategy": {"type": "Recreate"},
            "template": app.pod(container),
        },
        opts=scope.opts,
    )


def _called(app: App, measure: str) -> str:
    """Name an alert: Prometheus knows all that is firing in the cluster by its name."""
    return f"{app.namespace}-{app.scope.name}-{measure.replace('_', '-')}"


def _series(app: App, marks: Mapping[str, str], measure: str) -> str:
    labels = ",".join(f'{key}="{value}"' for key, value in {"namespace": app.namespace, **marks}.items())
    return f"{PREFIX}{measure}{{{labels}}}"


def _bound(app: App, marks: Mapping[str, str], measure: Measure) -> str:
    series = _series(app, marks, measure.name)
    return f"max({series}) > {measure.threshold!r}" if measure.above else f"min({series}) < {measure.threshold!r}"


def _rules(app: App, wanted: Watch, marks: Mapping[str, str]) -> list[Fields]:
    # Alertmanager's configuration of this namespace sees the alerts that carry its name.
    told = {"severity": "warning", "namespace": app.namespace} if wanted.alerts else {"severity": "none"}
    labels = {**told, **marks}
    found: list[Fields] = [
        {
            "alert": _called(app, one.name),
            "expr": _bound(app, marks, one),
            "labels": labels,
            "annotations": {
                "summary": f"{wanted.name}: {one.name} of {wanted.endpoint.name} is {{{{ $value | humanize }}}}, "
                f"{'more' if one.above else 'less'} than {one.threshold:g}",
                **({"description": one.description} if one.description else {}),
            },
        }
        for one in wanted.measures
        if one.threshold is not None
    ]
    if wanted.stale_after_hours is None:
        return found
    seconds = round(wanted.stale_after_hours * 3600)
    when = _series(app, marks, f"{MEASURED}_seconds")
    summary = f"{wanted.name}: nothing was measured of {wanted.endpoint.name} for {wanted.stale_after_hours:g} hours"
    alert: Fields = {"alert": _called(app, "stale"), "annotations": {"summary": summary}}
    return [
        *found,
        {**alert, "expr": f"time() - max({when}) > {seconds}", "labels": {**labels, "missing": "newer"}},
        # Before the first one, and after a Pushgateway was lost, there is none to be too old.
        {**alert, "expr": f"absent({when})", "for": f"{seconds}s", "labels": {**labels, "missing": "any"}},
    ]


def dashboard(app: App, wanted: Watch, marks: Mapping[str, str]) -> dict[str, Any]:
    """Draw each measure with its bound (https://grafana.com/docs/grafana/latest/visualizations/dashboards/)."""
    source = {"type": "prometheus", "uid": "${source}"}
    panels = []
    for index, one in enumerate(wanted.measures):
        steps: list[dict[str, Any]] = [{"color": "green" if one.above else "red", "value": None}]
        if one.threshold is not None:
            steps.append({"color": "red" if one.above else "green", "value": one.threshold})
        panels.append(
            {
                "id": index + 1,
                "type": "timeseries",
                "title": one.name,
                "description": one.description,
                "datasource": source,
                "gridPos": {"x": index * _WIDE % _ACROSS, "y": index // 2 * _HIGH, "w": _WIDE, "h": _HIGH},
                "targets": [{"refId": "A", "expr": _series(app, marks, one.name), "legendFormat": one.name}],
                "fieldConfig": {
                    "defaults": {
                        "thresholds": {"mode": "absolute", "steps": steps},
                        "custom": {"thresholdsStyle": {"mode": "off" if one.threshold is None else "line"}},
                    },
                    "overrides": [],
                },
            }
        )
    return {
        "uid": app.name(_BOARD)[:40],
        "title": f"{wanted.name}: {wanted.endpoint.name} ({app.namespace})",
        "tags": ["mlops", app.scope.project, app.scope.stage],
        "schemaVersion": 39,
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }
