"""An address became a policy without asking what stands behind it: too little was open, and too much."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live, operators
from pulumi_mlops.core.errors import MlopsError
from support.facts.kubernetes import version
from support.mocks import Cloud

STORE = {"bucket": "ml", "access_key": "i", "secret_key": "k"}
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
ANY = {"0.0.0.0/0", "::/0"}


def service(port: int, target: int | str, **selector: str) -> dict[str, Any]:
    ports = [{"name": "metrics", "port": 9999, "targetPort": 1}, {"name": "x", "port": port, "targetPort": target}]
    return {"spec": {"selector": selector or None, "ports": ports}}


def slices(*addresses: str, port: int = 6443) -> dict[str, Any]:
    return {"items": [{"ports": [{"port": port}], "endpoints": [{"addresses": [one]} for one in addresses]}]}


class Asked:
    """A cluster that holds some objects."""

    server, uid = "https://cluster", "1"

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self.objects = objects

    def get(self, path: str, **_: str) -> Any:
        found = self.objects.get(path)
        if isinstance(found, Exception):
            raise found
        return found


PODS = {"items": [{"spec": {"containers": [{"ports": [{"name": "api", "containerPort": 9000}]}]}}]}
CLUSTER = {
    "/api/v1/namespaces/storage/services/minio": service(443, 9000, app="minio"),
    "/api/v1/namespaces/storage/services/named": service(80, "api", app="minio"),
    "/api/v1/namespaces/storage/pods": PODS,
    "/api/v1/namespaces/monitoring/services/prometheus": service(80, 9090, app="prometheus"),
    "/api/v1/namespaces/databases/services/pg-rw": service(5432, 5433, role="primary"),
    "/api/v1/namespaces/ci/services/hook": service(80, 8000, app="hook"),
    "/api/v1/namespaces/storage/services/filer": service(443, 443),
    "/apis/gateway.networking.k8s.io/v1/namespaces/gateways/gateways/public": {
        "spec": {
            "listeners": [{"name": "https", "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}}}]
        }
    },
    SLICES.format("storage"): slices("203.0.113.5", "2001:db8::5", port=8443),
    "/api/v1/namespaces/default/services/kubernetes": {"spec": {"clusterIPs": ["10.96.0.1", "fd00::1"]}},
    SLICES.format("default"): slices("192.0.2.10", "192.0.2.11", port=16443),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def there(objects: Mapping[str, Any] = CLUSTER) -> None:
        found: Any = Asked(objects)
        monkeypatch.setattr(live, "cluster", lambda _context: found)
        monkeypatch.setattr(live, "context_of", lambda _platform: None)
        monkeypatch.setattr(live, "of", lambda _platform: None)
        monkeypatch.setattr(operators, "require", lambda *_, **__: None)

    return there


def everything(**existing: Any) -> Cloud:
    """Make one of each noun that calls something outside of itself."""
    cloud = Cloud()

    def program() -> None:
        hub = mlops.Platform(
            "churn", backend="kubernetes", existing={"images": {"address": "r.example.com"}, **existing}
        )
        mlops.FeatureStore("features", platform=hub)
        mlops.ModelRegistry("models", platform=hub, events={"deploy": {"to": "http://hook.ci.svc/told"}})
        gateway = "gateway" in existing
        mlops.Endpoint("score", platform=hub, model=version(platform=hub.ref)) if gateway else None

    cloud.run(program)
    return cloud


def ways_out(cloud: Cloud, name: str) -> list[tuple[set[str], set[int]]]:
    """Return to whom a policy opens the way out, and at which ports; nothing stands for all ports."""
    found = cloud.one("NetworkPolicy", name).inputs["spec"]["egress"]
    return [
        ({_peer(one) for one in rule["to"]}, {int(port["port"]) for port in rule.get("ports", [])}) for rule in found
    ]


def _peer(peer: Mapping[str, Any]) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    space = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name", "here")
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    return "/".join([space, *(f"{key}={value}" for key, value in labels.items())])


@pytest.mark.parametrize(
    ("url", "to", "ports"),
    [
        ("https://minio.storage.svc", {"storage/app=minio"}, {9000}),
        ("https://minio.storage.svc.cluster.local", {"storage/app=minio"}, {9000}),
        ("https://minio.storage", {"storage/app=minio"}, {9000}),
        ("http://named.storage.svc", {"storage/app=minio"}, {9000}),
        ("https://filer.storage.svc", {"203.0.113.5/32", "2001:db8::5/128"}, {8443}),
        ("https://not-yet.storage.svc", {"storage"}, set()),
        ("https://s3.example.com:9443", ANY, {9443}),
        ("https://example.com", ANY, {443}),
        ("https://192.0.2.7", {"192.0.2.7/32"}, {443}),
    ],
)
def test_object_stores(url: str, to: set[str], ports: set[int], asked: Callable[..., None]) -> None:
    """Further instances: a port with a name, a Service without pods, a domain of two labels, a number."""
    asked()
    cloud = everything(object_store={**STORE, "url": url})
    assert (to, ports) in ways_out(cloud, "models-net-mlflow-out")


def test_prometheus_databases_and_receivers(asked: Callable[..., None]) -> None:
    asked()
    cloud = everything(
        metrics="http://prometheus.monitoring.svc",
        database={"host": "pg-rw.databases.svc", "username": "ml", "password": "x"},
        gateway={"name": "gateways/public", "domain": "ml.example.com"},
    )
    assert ({"monitoring/app=prometheus"}, {9090}) in ways_out(cloud, "score-net-release")
    assert ({"databases/role=primary"}, {5433}) in ways_out(cloud, "models-net-mlflow-out")
    assert ways_out(cloud, "models-net-events") == [({"ci/app=hook"}, {8000})]


def test_the_api_server_is_reached_at_its_addresses(asked: Callable[..., None]) -> None:
    asked()
    found = ways_out(everything(), "features-net-feast-db")
    assert ({"192.0.2.10/32", "192.0.2.11/32"}, {16443}) in found
    assert ({"10.96.0.1/32", "fd00::1/128"}, {443}) in found, "some plugins judge before the Service, some behind it"
    assert not any(to & ANY for to, _ in found)


@pytest.mark.parametrize("objects", [{}, {SLICES.format("default"): MlopsError("403")}], ids=["none", "no right"])
def test_an_api_server_that_is_not_told(objects: Mapping[str, Any], asked: Callable[..., None]) -> None:
    asked(objects)
    assert (ANY, {443, 6443, 8443, 16443}) in ways_out(everything(), "features-net-feast-db")


def test_cilium_knows_the_api_server_by_no_address(asked: Callable[..., None]) -> None:
    kinds = {"resources": [{"kind": "CiliumNetworkPolicy"}]}
    asked({**CLUSTER, "/apis/cilium.io/v2": kinds})
    policy = next(one for one in everything().all("CiliumNetworkPolicy") if one.name == "features-net-feast-db-api")
    assert policy.inputs["spec"]["egress"] == [{"toEntities": ["kube-apiserver"]}]
    assert policy.inputs["spec"]["endpointSelector"]["matchLabels"] == {"cnpg.io/cluster": "features-feast-db"}
    asked()
    assert not everything().all("CiliumNetworkPolicy")


def test_names_are_asked_of_a_nodes_own_cache_as_well() -> None:
    found = ways_out(everything(), "churn-net-names")
    usual = {"kube-system/k8s-app=kube-dns", "kube-system/k8s-app=node-local-dns", "169.254.20.10/32"}
    assert usual <= found[0][0]
    assert found[1][1] == {5353}, "OpenShift's listens there"


PRIVATE: dict[str, Any] = {"backend": "kubernetes", "network": {"private": {}}}


@pytest.mark.parametrize(
    ("existing", "field"),
    [
        ({"object_store": {**STORE, "url": "https://s3.example.com"}}, "existing.object_store.url"),
        ({"database": {"host": "db.example.com", "username": "ml", "password": "x"}}, "existing.database.host"),
        ({"metrics": "https://prometheus.example.com"}, "existing.metrics"),
    ],
)
def test_a_private_platform_does_not_reach_the_whole_internet(
    existing: dict[str, Any], field: str, refused_at_preview: Callable[..., str]
) -> None:
    said = refused_at_preview(lambda: mlops.Platform("churn", existing=existing, **PRIVATE))
    assert f"{field}: " in said
    assert "existing={'cidrs': ['192.0.2.0/24']}" in said


def test_ranges_are_all_that_is_reached() -> None:
    cloud = Cloud()

    def program() -> None:
        parts = {"object_store": {**STORE, "url": "https://s3.example.com"}, "cidrs": ["192.0.2.0/24", "2001:db8::/32"]}
        hub = mlops.Platform("churn", existing=parts, **PRIVATE)
        mlops.Endpoint("score", platform=hub, model={"image": "r.example.com/a:1"}, isolated=True)

    cloud.run(program)
    assert ways_out(cloud, "score-net-calls-out") == [({"192.0.2.0/24", "2001:db8::/32"}, {443})]


@pytest.mark.parametrize("cidr", ["192.0.2.1/24", "everything", "10.0.0.0/33"])
def test_ranges_that_are_none(cidr: str, refused_at_preview: Callable[..., str]) -> None:
    existing = {"cidrs": [cidr]}
    assert "existing.cidrs: " in refused_at_preview(lambda: mlops.Platform("churn", existing=existing, **PRIVATE))


def test_receivers_beyond_a_private_platform_are_refused(refused_at_preview: Callable[..., str]) -> None:
    def program() -> None:
        hub = mlops.Platform("churn", **PRIVATE)
        mlops.ModelRegistry("models", platform=hub, events={"deploy": {"to": "https://ci.example.com/hook"}})

    assert "events.deploy.to: 'https://ci.example.com/hook' is outside" in refused_at_preview(program)


@pytest.mark.parametrize("model", [{"image": "r.example.com/a:1"}])
def test_the_internet_has_two_families(model: dict[str, str]) -> None:
    cloud = Cloud()

    def program() -> None:
        hub = mlops.Platform("churn", backend="kubernetes")
        mlops.Endpoint("score", platform=hub, model=model, isolated=False)

    cloud.run(program)
    (rule,) = cloud.one("NetworkPolicy", "score-net-internet").inputs["spec"]["egress"]
    blocks = {peer["ipBlock"]["cidr"]: peer["ipBlock"]["except"] for peer in rule["to"]}
    assert blocks.keys() == ANY
    assert "fc00::/7" in blocks["::/0"]
    assert "169.254.0.0/16" in blocks["0.0.0.0/0"]
