"""Missing operators were told one noun at a time: a program's needs are one error before the first resource."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from support.facts.kubernetes import IMAGE
from support.mocks import Cloud

FILES: Any = {"image": IMAGE}
GATEWAY = {"name": "gateways/public", "domain": "ml.example.com"}
LISTENER = {"name": "https", "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}}}


class Bare:
    """A cluster without any operator."""

    server, uid = "https://cluster", "1"

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        return {"spec": {"listeners": [LISTENER]}} if path.endswith("/gateways/public") else None


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "cluster", lambda _: Bare())
    monkeypatch.setattr(live, "of", lambda _: None)


def told(program: Callable[[], object]) -> tuple[str, set[str], int]:
    """Return the error, the charts that it names, and how many resources were registered before it."""
    cloud = Cloud(preview=True, first=True)
    with pytest.raises(mlops.MissingRequirements) as caught:
        cloud.run(lambda: program() and None)
    said = str(caught.value)
    charts = {"kserve-resources", "cloudnative-pg", "kube-prometheus-stack", "keda", "gateway-helm"}
    return said, {chart for chart in charts if f"helm install {chart} " in said}, len(cloud.registered)


def whole() -> None:
    hub = mlops.Platform(
        "churn", backend="kubernetes", existing={"gateway": GATEWAY, "metrics": "http://p.monitoring:90"}
    )
    store = mlops.FeatureStore("features", platform=hub)
    mlops.FeatureGroup("g", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "timestamp"})
    registry = mlops.ModelRegistry("models", platform=hub)
    churn = mlops.Model("churn", registry=registry)
    scaling = {"min": 1, "max": 3, "requests_per_replica": 100}
    mlops.Endpoint("score", platform=hub, model=churn.approved(otherwise="wait"), scaling=scaling)
    mlops.Endpoint("fast", platform=hub, model=FILES, scaling={"min": 1, "max": 3, "requests_per_replica": 100})


def test_all_needs_are_one_error_before_the_first_resource() -> None:
    said, charts, registered = told(whole)
    assert charts == {"kserve-resources", "cloudnative-pg", "kube-prometheus-stack", "keda", "gateway-helm"}
    assert registered == 0
    assert said.startswith(
        "FeatureStore 'features', ModelRegistry 'models', Endpoint 'score' and Endpoint 'fast' need "
    )
    assert "no InferenceService in serving.kserve.io/v1beta1 (Endpoint 'score' and Endpoint 'fast')." in said
    assert said.count("Or have the platform install it: ") == 1


def conditional() -> None:
    hub = mlops.Platform("churn", backend="kubernetes")
    mlops.ModelRegistry("models", platform=hub)
    if hub.ref.name == "churn":
        mlops.Endpoint("score", platform=hub, model=FILES)
    if hub.ref.name == "another":
        mlops.FeatureStore("features", platform=hub)


def in_a_loop() -> None:
    for stage in ("dev", "prod"):
        hub = mlops.Platform(f"churn-{stage}", backend="kubernetes", stage=stage)
        mlops.Endpoint(f"score-{stage}", platform=hub, model=FILES)


def by_helpers() -> None:
    hub = made()
    house(hub)


class House(mlops.Endpoint):
    """An endpoint of a team's own."""


def house(hub: mlops.Platform) -> House:
    return House("score", platform=hub, model=FILES)


def made() -> mlops.Platform:
    return mlops.Platform("churn", backend="kubernetes")


def on_another() -> None:
    hub = mlops.Platform("churn", backend="kubernetes", alerts=["ml@example.com"])
    other = mlops.Platform("rank", backend="kubernetes", addons=["kserve"])
    mlops.Endpoint("score", platform=other, model=FILES)
    mlops.ModelRegistry("models", platform=hub)


def with_a_database() -> None:
    database = {"host": "192.0.2.7", "username": "ml", "password": "pw"}
    hub = mlops.Platform("churn", backend="kubernetes", existing={"database": database})
    mlops.ModelRegistry("models", platform=hub)
    mlops.Endpoint("score", platform=hub, model=FILES)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (conditional, {"cloudnative-pg", "kserve-resources", "kube-prometheus-stack"}),
        (in_a_loop, {"kserve-resources", "kube-prometheus-stack"}),
        (by_helpers, {"kserve-resources", "kube-prometheus-stack"}),
        (on_another, {"cloudnative-pg", "kube-prometheus-stack"}),
        (with_a_database, {"kserve-resources", "kube-prometheus-stack"}),
    ],
)
def test_all_that_is_made_is_asked_for_and_nothing_else(program: Callable[[], None], expected: set[str]) -> None:
    _, charts, registered = told(program)
    assert (charts, registered) == (expected, 0)


def test_a_component_that_is_refused_is_told_with_what_is_missing() -> None:
    def program() -> None:
        hub = mlops.Platform("churn", backend="kubernetes")
        mlops.ModelRegistry("models", platform=hub)
        mlops.Endpoint("score", platform=hub, model=FILES, capture_percent=101)

    said, charts, registered = told(program)
    assert (charts, registered) == ({"cloudnative-pg"}, 0)
    assert "Endpoint 'score': 1 problem; nothing was registered.\n  - capture_percent: " in said


def test_what_is_made_later_is_judged_then() -> None:
    """What stands in an ``apply`` runs when the engine has answered: a second error, as there is no earlier moment."""

    def program() -> pulumi.Output[None]:
        hub = mlops.Platform("churn", backend="kubernetes")

        def later(_: str) -> None:
            mlops.ModelRegistry("models", platform=hub)

        return hub.urn.apply(later)

    cloud = Cloud()
    with pytest.raises(mlops.MissingRequirements, match="ModelRegistry 'models' needs software"):
        cloud.run(program)
    assert "models" not in {found.name for found in cloud.registered}


@pytest.mark.parametrize("count", [1, 4])
def test_what_a_component_needs_is_asked_for_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Endpoints wait for their names, which must not ask again for all that came before."""
    asked: list[str] = []

    def there(_: str | None, group_version: str) -> dict[str, Any]:
        asked.append(group_version)
        return {"resources": [{"kind": kind} for operator in OPERATORS.values() for kind in operator.kinds]}

    monkeypatch.setattr(live, "served", there)
    monkeypatch.setattr(live, "has_field", lambda *_: True)

    def program() -> None:
        hub = mlops.Platform("churn", backend="kubernetes")
        for index in range(count):
            mlops.Endpoint(f"score-{index}", platform=hub, model=FILES)

    Cloud(preview=True, first=True).run(program)
    assert asked.count("serving.kserve.io/v1beta1") == count
