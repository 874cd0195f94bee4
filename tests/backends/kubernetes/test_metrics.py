"""What is measured of an endpoint on Kubernetes: alerts look at what the program sends, and nothing else may send."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live, names
from pulumi_mlops.backends.kubernetes.metrics import IMAGE, LABELS, PORT
from pulumi_mlops.jobs import measure
from pulumi_mlops_sandbox.kubernetes.operators import table
from support.facts.kubernetes import HUB, NAMESPACE, version
from support.facts.kubernetes import IMAGE as SERVING
from support.mocks import Cloud
from support.watching import AT, DRIFT, sending, watched

ENDPOINT = mlops.EndpointRef(name="score", backend="kubernetes", platform=HUB, status="live", address={})


def declare(cloud: Cloud, **args: Any) -> dict[str, Any]:
    def program() -> Any:
        ref = watched(HUB, ENDPOINT, **args)
        steps = {"drift": sending(ref, SERVING), "plain": mlops.train(image=SERVING, command=["train"])}
        mlops.Pipeline("runs", platform=HUB, steps=steps)
        return {"address": ref.address, "alarms": dict(ref.alarms), "stale": ref.stale}

    found: dict[str, Any] = cloud.run(program)
    return found


def rules(cloud: Cloud) -> list[dict[str, Any]]:
    (group,) = cloud.one("PrometheusRule", "drift-watch-alerts").inputs["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def policies(cloud: Cloud) -> dict[str, dict[str, Any]]:
    return {one.inputs["metadata"]["name"]: one.inputs["spec"] for one in cloud.all("NetworkPolicy")}


def sent(monkeypatch: pytest.MonkeyPatch, address: str, **values: float) -> tuple[set[str], dict[str, str]]:
    """Return the names of what the program sends to an address, and the labels of its group."""
    bodies: list[str] = []

    def keep(url: str, body: bytes, **_how: Any) -> None:
        assert url == address
        bodies.append(body.decode())

    monkeypatch.setattr(measure, "_send", keep)
    measure.put(address, values, AT)
    _, metrics, *parts = urlsplit(address).path.split("/")
    assert metrics == "metrics"
    names = {line.split()[0] for line in bodies[0].splitlines() if not line.startswith("#")}
    return names, dict(zip(parts[::2], parts[1::2], strict=True))


def asked(expression: str) -> tuple[str, dict[str, str]]:
    """Return the name of the one series that a rule or a panel asks for, and its labels."""
    ((name, labels),) = re.findall(r"(mlops_\w+)\{(.*?)\}", expression)
    return name, dict(re.findall(r'(\w+)="(.*?)"', labels))


def test_alerts_and_dashboard_ask_for_what_is_sent(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    found = declare(cloud, stale_after_hours=3)
    names, group = sent(monkeypatch, found["address"], data_drift=0.3, model_quality=0.9, rows=7)
    (board,) = cloud.one("ConfigMap", "drift-watch-dashboard").inputs["data"].values()
    panels = json.loads(board)["panels"]
    queries = [one["expr"] for one in rules(cloud)] + [one["targets"][0]["expr"] for one in panels]
    assert len(queries) == 7
    for query in queries:
        name, labels = asked(query)
        assert name in names
        # What the pod's namespace is, Prometheus adds where it scrapes; the rest is in the group.
        assert labels == {"namespace": NAMESPACE, **{key: group[key] for key in LABELS}}
    assert group["job"]
    assert panels[0]["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "red", "value": DRIFT.threshold}


def test_numbers_are_sent_to_the_pods_that_prometheus_scrapes(cloud: Cloud) -> None:
    found = declare(cloud)
    where = urlsplit(found["address"])
    service = cloud.one("Service", "drift-watch-metrics").inputs
    server = cloud.one("Deployment", "drift-watch-server").inputs["spec"]
    assert where.hostname == f"{service['metadata']['name']}.{NAMESPACE}.svc.cluster.local"
    assert where.port == service["spec"]["ports"][0]["port"] == PORT
    labels = server["template"]["metadata"]["labels"]
    scraped = cloud.one("PodMonitor", "drift-watch-monitor").inputs["spec"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert scraped["selector"]["matchLabels"].items() <= labels.items()
    (port,) = scraped["podMetricsEndpoints"]
    assert (port["portNumber"], port["honorLabels"]) == (PORT, True), "its labels are those of what was measured"
    (container,) = server["template"]["spec"]["containers"]
    assert container["ports"][0]["containerPort"] == PORT
    assert table.PUSHGATEWAY.programs[0].image == container["image"] == IMAGE
    assert server["replicas"] == 1


def test_only_steps_that_measure_reach_it_and_prometheus(cloud: Cloud) -> None:
    declare(cloud)
    server = cloud.one("Deployment", "drift-watch-server").inputs["spec"]["template"]["metadata"]["labels"]
    into = {
        name: rule["from"]
        for name, spec in policies(cloud).items()
        if spec["podSelector"].get("matchLabels") and spec["podSelector"]["matchLabels"].items() <= server.items()
        for rule in spec.get("ingress", [])
    }
    own = {"app.kubernetes.io/name": "pipeline", "app.kubernetes.io/instance": "runs"}
    measuring = {**own, "pulumi-mlops/measures-for": "drift"}
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert into == {
        "drift-metrics": [prometheus],
        "runs-measures-drift-to-metrics": [{"podSelector": {"matchLabels": measuring}}],
    }
    out = policies(cloud)["runs-measures-drift-out"]
    assert out["podSelector"]["matchLabels"] == measuring
    templates = {one["name"]: one for one in cloud.one("WorkflowTemplate").inputs["spec"]["templates"]}
    assert templates["step-drift"]["metadata"]["labels"] == {"pulumi-mlops/measures-for": "drift"}
    assert "metadata" not in templates["step-plain"], "who does not measure does not reach it"


def test_a_step_is_told_where_it_sends(cloud: Cloud) -> None:
    found = declare(cloud)
    templates = {one["name"]: one for one in cloud.one("WorkflowTemplate").inputs["spec"]["templates"]}
    given = {one["name"]: one.get("value") for one in templates["step-drift"]["container"]["env"]}
    assert given["MLOPS_WATCH"] == found["address"]
    assert "MLOPS_WATCH" not in {one["name"] for one in templates["step-plain"]["container"]["env"]}


def test_bounds_are_alerts_that_are_told(cloud: Cloud) -> None:
    found = declare(cloud)
    drift, accuracy = rules(cloud)
    assert drift["expr"].startswith("max(mlops_data_drift{")
    assert drift["expr"].endswith("}) > 0.2")
    assert accuracy["expr"].startswith("min(mlops_model_quality{")
    assert accuracy["expr"].endswith("}) < 0.85")
    assert found["alarms"] == {"data_drift": drift["alert"], "model_quality": accuracy["alert"]}
    assert found["alarms"]["data_drift"] == f"{NAMESPACE}-drift-data-drift", "all alerts of a cluster are side by side"
    assert drift["labels"]["namespace"] == NAMESPACE, "the platform's Alertmanager configuration tells of these"
    assert found["stale"] is None


def test_nobody_is_told_where_nobody_wants_to_be(cloud: Cloud) -> None:
    declare(cloud, alerts=False, stale_after_hours=2)
    assert all("namespace" not in one["labels"] and one["labels"]["severity"] == "none" for one in rules(cloud))


def test_what_is_not_measured_is_an_alert(cloud: Cloud) -> None:
    found = declare(cloud, stale_after_hours=2.5)
    late, never = rules(cloud)[2:]
    assert late["alert"] == never["alert"] == found["stale"]
    assert late["expr"].startswith("time() - max(mlops_measured_seconds{")
    assert late["expr"].endswith("}) > 9000")
    assert (never["expr"][:7], never["for"]) == ("absent(", "9000s"), "a new one has that long for its first"
    assert late["labels"] != never["labels"], "two rules of one name and the same labels would be one"


def test_a_watch_without_bounds_has_no_rules(cloud: Cloud) -> None:
    found = declare(cloud, measures=[])
    assert found["alarms"] == {}
    assert not [one for one in cloud.all("PrometheusRule") if one.name == "drift-watch-alerts"]


def test_without_the_operator_of_prometheus_nothing_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare:
        def get(self, _path: str, **_query: str) -> None:
            return None

    live._schemas.cache_clear()
    monkeypatch.setattr(live, "cluster", lambda _: Bare())
    cloud = Cloud()
    with pytest.raises(
        mlops.MissingRequirements, match=r"Watching 'drift' .*needs? software(.|\n)*Prometheus operator"
    ):
        cloud.run(lambda: watched(HUB, ENDPOINT, alerts=False) and None)
    live._schemas.cache_clear()


def test_objects_of_another_component_are_not_taken(cloud: Cloud) -> None:
    def program() -> None:
        mlops.Endpoint("drift-metrics", platform=HUB, model=version(), compute={"cpus": 1, "memory_gb": 2})
        watched(HUB, ENDPOINT)

    with pytest.raises(mlops.InvalidArgs, match="has Service 'drift-metrics' as well"):
        cloud.run(program)


def test_names_that_are_compared_are_those_that_are_made() -> None:
    cloud = Cloud()
    cloud.run(lambda: watched(HUB, ENDPOINT) and None)
    made = {(one.type.rpartition(":")[2], one.inputs["metadata"]["name"]) for one in cloud.registered if one.custom}
    assert {(kind, f"drift-{part}") for kind, parts in names.WATCHED.items() for part in parts} == {
        (kind, name) for kind, name in made if kind in names.WATCHED
    }
