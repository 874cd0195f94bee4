"""A gateway published everything: endpoints without a login, MLflow's admin; an unattached route was a success."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.core.errors import MlopsError
from support.facts.kubernetes import GATEWAY, HUB, IMAGE, hub, version
from support.mocks import Cloud, Registration

GIVEN = {"name": "gateways/public", "domain": "ml.example.com"}
TOKENS = {"issuer": "https://login.example.com/", "audiences": ["ml"], "keys": "https://login.example.com/keys"}
OPEN = {"namespaces": {"from": "All"}}
HTTP = {"name": "plain", "protocol": "HTTP", "port": 80, "allowedRoutes": OPEN}
HTTPS = {"name": "web-tls", "protocol": "HTTPS", "port": 443, "allowedRoutes": OPEN}


class Asked:
    """A cluster with one Gateway."""

    server, uid = "https://cluster", "1"

    def __init__(self, listeners: list[dict[str, Any]] | None, kinds: tuple[str, ...] = ("SecurityPolicy",)) -> None:
        self.listeners, self.kinds = listeners, kinds

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        if path.endswith("/namespaces/gateways/gateways/public"):
            return None if self.listeners is None else {"spec": {"listeners": self.listeners}}
        if path == "/apis/gateway.envoyproxy.io/v1alpha1":
            return {"resources": [{"kind": kind} for kind in self.kinds]}
        return None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    def there(cluster: Any) -> None:
        monkeypatch.setattr(live, "cluster", lambda _context: cluster)

    return there


def platform(**gateway: Any) -> mlops.Platform:
    return mlops.Platform("churn", backend="kubernetes", existing={"gateway": {**GIVEN, **gateway}})


def exported(cloud: Cloud, **gateway: Any) -> dict[str, Any]:
    def program() -> Any:
        return platform(**gateway).ref.export()

    found: dict[str, Any] = cloud.run(program)["address"]["gateway"]
    return found


def endpoint(on: Any = HUB, **args: Any) -> mlops.Endpoint:
    return mlops.Endpoint("score", platform=on, **({"model": version()} | args))


def route(cloud: Cloud) -> Registration:
    return cloud.one("HTTPRoute")


def section(cloud: Cloud) -> str:
    (parent,) = route(cloud).inputs["spec"]["parentRefs"]
    return str(parent["sectionName"])


@pytest.mark.parametrize(
    ("told", "named"),
    [({}, "https"), ({"tls": False}, "http"), ({"listener": "internal"}, "internal")],
)
def test_the_listener_is_named_and_the_route_is_waited_for(told: dict[str, Any], named: str) -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(platform(**told)) and None)
    assert section(cloud) == named
    waited = route(cloud).inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    assert waited == 'jsonpath={.status.parents[*].conditions[?(@.type == "Accepted")].status}=True'


def test_a_ref_of_before_names_the_usual_listener() -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(hub(gateway=GATEWAY)) and None)
    assert section(cloud) == "https"


@pytest.mark.parametrize(
    ("listeners", "told", "named"),
    [
        ([HTTP, HTTPS], {}, "web-tls"),
        ([HTTP, HTTPS], {"tls": False}, "plain"),
        ([{**HTTPS, "name": "shop", "hostname": "*.shop.com"}, {**HTTPS, "hostname": "*.example.com"}], {}, "web-tls"),
    ],
    ids=["https first", "http", "by host"],
)
def test_the_listener_is_looked_up(
    listeners: list[dict[str, Any]], told: dict[str, Any], named: str, asked: Callable[[Any], None]
) -> None:
    asked(Asked(listeners))
    cloud = Cloud()
    assert exported(cloud, **told)["listener"] == named


def test_who_may_not_read_the_gateway_is_believed(asked: Callable[[Any], None]) -> None:
    class Forbidden(Asked):
        def get(self, path: str, **query: str) -> dict[str, Any] | None:
            if "/gateways/" in path:
                raise MlopsError("403")
            return super().get(path, **query)

    asked(Forbidden(None))
    cloud = Cloud()
    assert exported(cloud)["listener"] == "https"


@pytest.mark.parametrize(
    ("listeners", "told", "says"),
    [
        (None, {}, "existing.gateway.name: the cluster has no Gateway gateways/public"),
        ([HTTP], {}, "existing.gateway.listener: no listener of gateways/public speaks HTTPS for *.ml.example.com"),
        ([HTTP, HTTPS], {"listener": "web-tsl"}, "did you mean 'web-tls'?"),
        (
            [{**HTTPS, "allowedRoutes": {}}],
            {},
            "takes routes of its own namespace only",
        ),
        ([{**HTTPS, "hostname": "*.shop.com"}], {"listener": "web-tls"}, "existing.gateway.domain: listener 'web-tls'"),
    ],
    ids=["none", "plain only", "misspelt", "own namespace", "other hosts"],
)
def test_a_route_that_nobody_would_take_is_refused(
    listeners: list[dict[str, Any]] | None,
    told: dict[str, Any],
    says: str,
    asked: Callable[[Any], None],
    refused_at_preview: Callable[..., str],
) -> None:
    asked(Asked(listeners))
    assert says in refused_at_preview(lambda: platform(**told))


def test_callers_bring_a_token_before_the_route_is_there() -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(platform(tokens=TOKENS)) and None)
    policy = cloud.one("SecurityPolicy")
    (target,) = policy.inputs["spec"]["targetRefs"]
    assert target == {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "score"}
    (provider,) = policy.inputs["spec"]["jwt"]["providers"]
    assert (provider["issuer"], provider["audiences"]) == (TOKENS["issuer"], ["ml"])
    assert provider["remoteJWKS"] == {"uri": TOKENS["keys"]}
    assert policy.name in route(cloud).depends_on


@pytest.mark.parametrize(
    ("tokens", "kinds", "says"),
    [
        (TOKENS, (), "existing.gateway.tokens: needs Envoy Gateway"),
        ({**TOKENS, "keys": "http://login.example.com/keys"}, ("SecurityPolicy",), "existing.gateway.tokens.keys:"),
        ({**TOKENS, "audiences": []}, ("SecurityPolicy",), "existing.gateway.tokens.audiences:"),
    ],
)
def test_tokens_that_nobody_would_judge_are_refused(
    tokens: dict[str, Any],
    kinds: tuple[str, ...],
    says: str,
    asked: Callable[[Any], None],
    refused_at_preview: Callable[..., str],
) -> None:
    asked(Asked([HTTPS], kinds))
    assert says in refused_at_preview(lambda: platform(tokens=tokens))


def test_an_open_endpoint_is_told_of() -> None:
    cloud = Cloud(preview=True)
    cloud.run(lambda: endpoint(invokers=[{"namespace": "shop"}]) and None)
    assert any("is open to whoever reaches listener 'https'" in line for line in cloud.infos)


@pytest.mark.parametrize("published", [None, False])
def test_a_registry_is_not_published_unless_told(published: bool | None) -> None:
    cloud = Cloud()
    args = {} if published is None else {"published": published}

    def program() -> Any:
        return mlops.ModelRegistry("models", platform=HUB, **args).ref.export()

    ref = cloud.run(program)
    assert not cloud.all("HTTPRoute")
    assert ref["address"]["url"] == "http://models-mlflow.churn-dev.svc.cluster.local:5000"
    for policy in cloud.all("NetworkPolicy"):
        assert "gateways" not in str(policy.inputs["spec"].get("ingress"))


def test_a_published_registry_keeps_its_users_and_its_uploads() -> None:
    cloud = Cloud()
    cloud.run(lambda: mlops.ModelRegistry("models", platform=HUB, published=True) and None)
    first, shut = route(cloud).inputs["spec"]["rules"]
    assert first["timeouts"] == {"request": "0s"}, "the proxy's own 15 seconds would cut an upload off"
    paths = {match["path"]["value"] for match in shut["matches"]}
    assert {"/api/2.0/mlflow/users", "/ajax-api/2.0/mlflow/users", "/signup"} <= paths
    assert "backendRefs" not in shut


def test_publishing_without_a_gateway_is_refused(refused_at_preview: Callable[..., str]) -> None:
    said = refused_at_preview(lambda: mlops.ModelRegistry("models", platform=hub(gateway=None), published=True))
    assert "published: needs a gateway" in said


@pytest.mark.parametrize("seconds", [60, 600])
def test_the_time_limit_is_the_arguments(seconds: int) -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(model={"image": IMAGE}, serve={"timeout_seconds": seconds}) and None)
    assert route(cloud).inputs["spec"]["rules"][0]["timeouts"] == {"request": f"{seconds}s"}
