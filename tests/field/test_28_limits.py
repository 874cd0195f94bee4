"""Quotas below the platform's own needs, and quantities, names, hosts, keys and labels at their limits."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import quota
from pulumi_mlops.backends.kubernetes.database import database_name
from pulumi_mlops.core.stages import PROFILES
from support.facts.kubernetes import HUB, REGISTRY, hub, version
from support.mocks import Cloud

Refused = Callable[..., str]
STORE = {"url": "https://s3.example.com", "bucket": "b", "access_key": "a", "secret_key": "s"}
LONG = "a" * 40


def platform(**args: Any) -> mlops.Platform:
    return mlops.Platform("churn", **({"backend": "kubernetes"} | args))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"cpus": 8, "memory_gb": 1}, "quota.memory_gb"),
        ({"cpus": 8, "memory_gb": 0.25}, "quota.memory_gb"),
        ({"cpus": 8, "memory_gb": 16, "storage_gb": 10}, "quota.storage_gb"),
        ({"cpus": 8, "memory_gb": 16, "storage_gb": 0}, "quota.storage_gb"),
    ],
)
def test_a_quota_below_the_platforms_own_needs(refused_at_preview: Refused, given: dict[str, Any], field: str) -> None:
    assert f"{field}: " in refused_at_preview(lambda: platform(quota=given))
    Cloud(preview=True).run(
        lambda: platform(quota={"cpus": 1, "memory_gb": 2}, existing={"object_store": STORE}) and None
    )


@pytest.mark.parametrize(
    ("noun", "given", "word"),
    [
        ("FeatureStore", {"cpus": 1, "memory_gb": 32}, "cpus"),
        ("FeatureStore", {"cpus": 8, "memory_gb": 4}, "memory_gb"),
        ("ModelRegistry", {"cpus": 1, "memory_gb": 32}, "cpus"),
        ("ModelRegistry", {"cpus": 8, "memory_gb": 32, "storage_gb": 25}, "storage_gb"),
    ],
)
def test_a_quota_that_a_component_does_not_fit_into(
    refused_at_preview: Refused, noun: str, given: dict[str, Any], word: str
) -> None:
    hold = hub(quota={"accelerators": 0, "storage_gb": None} | given)
    said = refused_at_preview(lambda: getattr(mlops, noun)("x", platform=hold))
    assert re.search(rf"platform: needs [\d.]+ {word} at least", said)


def amount(text: str) -> float:
    for unit, factor in (("Gi", 1.0), ("Mi", 1 / 1024), ("m", 0.001)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_the_needs_are_those_of_what_is_made(stage: str) -> None:
    """Summed from the objects themselves: another size there fails here."""

    def made(program: Callable[[], object]) -> quota.Need:
        cloud = Cloud()
        cloud.run(lambda: program() and None)
        total = quota.Need()
        for found in cloud.registered:
            spec = found.inputs.get("spec") or {}
            copies = int(spec.get("replicas") or spec.get("instances") or 1)
            if found.type.endswith(":Cluster"):
                sizes, disks = [spec["resources"]["requests"]], [spec["storage"]["size"]]
            elif "template" in spec:
                sizes = [box["resources"]["requests"] for box in spec["template"]["spec"]["containers"]]
                claims = spec.get("volumeClaimTemplates", [])
                disks = [claim["spec"]["resources"]["requests"]["storage"] for claim in claims]
            else:
                continue
            for size in sizes:
                total += quota.Need(amount(size["cpu"]), amount(size["memory"])).times(copies)
            total += quota.Need(storage_gb=sum(map(amount, disks))).times(copies)
        return total

    profile, where = PROFILES[stage], hub(stage=stage)
    group: dict[str, Any] = {"keys": ["id"], "event_time": "at", "features": {"id": "string", "at": "timestamp"}}

    def features() -> object:
        store = mlops.FeatureStore("x", platform=where)
        return mlops.FeatureGroup("y", store=store, **group)

    for found, wanted in (
        (made(lambda: platform(stage=stage)), quota.object_store(profile)),
        (made(features), quota.feature_store(profile, own_database=True, materializes=False)),
        (
            made(lambda: mlops.ModelRegistry("x", platform=where)),
            quota.mlflow(profile, own_database=True),
        ),
    ):
        assert (found.cpus, found.memory_gb, found.storage_gb) == pytest.approx(
            (wanted.cpus, wanted.memory_gb, wanted.storage_gb)
        )


def endpoint(name: str = "score", **args: Any) -> Cloud:
    cloud = Cloud()
    wanted: dict[str, Any] = {"platform": HUB} | ({} if "variants" in args else {"model": version()}) | args
    cloud.run(lambda: mlops.Endpoint(name, **wanted) and None)
    return cloud


@pytest.mark.parametrize(
    ("compute", "cpu", "memory"),
    [
        ({"cpus": 0.5, "memory_gb": 0.5}, "0.5", "512Mi"),
        ({"cpus": 0.001, "memory_gb": 1.5}, "0.001", "1536Mi"),
        ({"cpus": 9999, "memory_gb": 999999}, "9999", "999999Gi"),
    ],
)
def test_quantities_are_written_without_an_exponent(compute: dict[str, Any], cpu: str, memory: str) -> None:
    model = endpoint(compute=compute).one("InferenceService").inputs["spec"]["predictor"]["model"]
    assert model["resources"]["requests"] == {"cpu": cpu, "memory": memory}


def variants(*weights: float) -> dict[str, Any]:
    return {
        "variants": [{"name": f"v{at}", "model": version(at), "weight": weight} for at, weight in enumerate(weights)]
    }


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"compute": {"cpus": 0.0001, "memory_gb": 1}}, "compute.cpus"),
        ({"compute": {"cpus": 1, "memory_gb": 0.0001}}, "compute.memory_gb"),
        ({"compute": {"cpus": 1e7, "memory_gb": 1}}, "compute.cpus"),
        ({"compute": {"cpus": 1, "memory_gb": 1e12}}, "compute.memory_gb"),
        ({"scaling": {"min": 1, "max": 2**31, "requests_per_replica": 1}}, "scaling.max"),
        ({"shadow": {"model": version(4), "percent": 0.001}}, "shadow.percent"),
        (variants(1e-5, 1e6), "variants[0].weight"),
    ],
)
def test_amounts_beyond_reading(refused_at_preview: Refused, args: dict[str, Any], field: str) -> None:
    wanted: dict[str, Any] = {"platform": HUB} | ({} if "variants" in args else {"model": version()}) | args
    assert f"{field}: " in refused_at_preview(lambda: mlops.Endpoint("score", **wanted))


@pytest.mark.parametrize("weights", [(0.8, 0.2), (5000.5, 1), (3_000_000, 1_000_000), (80, 20)])
def test_weights_are_what_a_route_takes(weights: tuple[float, ...]) -> None:
    (rule,) = endpoint(**variants(*weights)).one("HTTPRoute").inputs["spec"]["rules"]
    found = [one["weight"] for one in rule["backendRefs"]]
    assert all(0 < weight <= 1_000_000 for weight in found)
    assert found[0] / found[1] == pytest.approx(weights[0] / weights[1], rel=0.01)


def test_a_name_of_forty_characters_makes_names_that_kubernetes_takes() -> None:
    """Names of the user's together: 40 of a platform and 40 of its secret, 40 of a registry and 30 of its approver."""

    def program() -> None:
        home = mlops.Platform(LONG, backend="kubernetes", secrets={"b" * 40: "value"})
        mlops.ModelRegistry("c" * 40, platform=home, approvers=[{"user": "d" * 30}])
        mlops.FeatureStore("e" * 40, platform=home, materialize={"cron": "0 * * * *"})
        mlops.Endpoint("f" * 40, platform=HUB, model=version())

    cloud = Cloud()
    cloud.run(program)
    names = {found.name: found.inputs["metadata"]["name"] for found in cloud.registered if "metadata" in found.inputs}
    assert {len(name) for name in names.values() if len(name) > 63} == set()
    assert len(cloud.one("CronJob").inputs["metadata"]["name"]) <= 52
    assert all(len(found.inputs["metadata"]["name"]) <= 50 for found in cloud.all("Cluster"))


def test_a_shadow_whose_service_would_be_too_long(refused_at_preview: Refused) -> None:
    shadow: Any = {"model": version(4)}
    said = refused_at_preview(lambda: mlops.Endpoint(LONG, platform=HUB, model=version(), shadow=shadow))
    assert "shadow: makes the name of a Service of 66 characters" in said


def test_databases_are_told_apart_within_what_postgres_keeps() -> None:
    one, other = (database_name(hub(LONG), "b" * 39 + last, "mlflow") for last in "xy")
    assert len(one) <= 63
    assert one != other
    assert database_name(hub(), "models", "mlflow") == "churn_dev_models_mlflow"


@pytest.mark.parametrize(
    "host", ["postgres://db.example.com", "db.example.com:5432", "db example", "", "a" * 64, "db/x"]
)
def test_hosts(refused_at_preview: Refused, host: str) -> None:
    database: Any = {"host": host, "username": "u", "password": "p"}
    assert "existing.database.host" in refused_at_preview(lambda: platform(existing={"database": database}))


@pytest.mark.parametrize("host", ["fd00::5", "10.0.0.5", "db", "db.example.com"])
def test_hosts_that_are_some(host: str) -> None:
    given = {"secret": "churn-database", "host": host, "port": 5432, "tls": "require"}
    cloud = Cloud()
    cloud.run(lambda: mlops.ModelRegistry("models", platform=hub(database=given)) and None)
    text = json.dumps(cloud.one("Deployment").inputs)
    assert (f"@[{host}]:5432/" if ":" in host else f"@{host}:5432/") in text


@pytest.mark.parametrize("url", ["http://prometheus:99999", "http://prometheus:0", "http://-x", "http://a..b"])
def test_ports_and_hosts_of_addresses(refused_at_preview: Refused, url: str) -> None:
    assert "existing.metrics" in refused_at_preview(lambda: platform(existing={"metrics": url}))


def test_a_domain_beside_which_no_name_has_room(refused_at_preview: Refused) -> None:
    for domain in (".".join(["a" * 60] * 4), "a" * 64 + ".example.com"):
        gateway: Any = {"name": "a/b", "domain": domain}
        assert "existing.gateway.domain" in refused_at_preview(lambda: platform(existing={"gateway": gateway}))  # noqa: B023


@pytest.mark.parametrize(
    "key", ["cost centre", "-a", "a" * 64, "Acme.com/a", ".a/b", "a/b/c", "kubernetes.io/x", "pulumi.com/skipAwait"]
)
def test_keys_of_tags(refused_at_preview: Refused, key: str) -> None:
    assert f"tags.{key}" in refused_at_preview(lambda: platform(tags={key: "1"}))


@pytest.mark.parametrize("key", ["a" * 63, "acme.com/cost-centre", "Cost_Centre.1", f"{'a' * 63}.com/x"])
def test_keys_at_their_limit(key: str) -> None:
    cloud = Cloud()
    cloud.run(lambda: platform(tags={key: "1"}) and None)
    assert cloud.one("Namespace").inputs["metadata"]["labels"][key] == "1"


@pytest.mark.parametrize("metadata", [{"a" * 251: "x"}, {"a": "x" * 5001}, {"a?": "x"}])
def test_what_mlflow_takes_as_metadata(refused_at_preview: Refused, metadata: dict[str, str]) -> None:
    def program() -> object:
        return mlops.Model("churn", registry=REGISTRY, metadata=metadata)

    assert "metadata." in refused_at_preview(program)
