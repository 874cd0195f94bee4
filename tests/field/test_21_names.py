"""One name was two things: objects that collide in the middle of an `up`, and one host for two at the gateway."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live, operators
from pulumi_mlops.backends.kubernetes.names import PARTS
from support.facts.kubernetes import GROUP, IMAGE, hub
from support.mocks import Cloud

GATEWAY = {"name": "gateways/public", "domain": "ml.example.com"}
SHOP = [{"namespace": "shop"}]
FILES: Any = {"image": IMAGE}


def platform(name: str = "churn", **args: Any) -> mlops.Platform:
    return mlops.Platform(name, backend="kubernetes", existing={"gateway": GATEWAY}, **args)


PAIRS: dict[str, tuple[Callable[[mlops.Platform], object], Callable[[mlops.Platform], object], str]] = {
    "registry and endpoint": (
        lambda on: mlops.ModelRegistry("models", platform=on),
        lambda on: mlops.Endpoint("models", platform=on, model=FILES),
        "ModelRegistry 'models' has NetworkPolicy 'models-callers' as well",
    ),
    "platform and registry": (
        lambda _: None,
        lambda on: mlops.ModelRegistry("churn", platform=on),
        "Platform 'churn' has Role 'churn-consumer-shop' as well",
    ),
    "store and endpoint": (
        lambda on: mlops.FeatureStore("features", platform=on),
        lambda on: mlops.Endpoint("features-feast", platform=on, model=FILES),
        "FeatureStore 'features' has Service 'features-feast' and ServiceAccount 'features-feast' as well",
    ),
    "endpoint and identity": (
        lambda on: mlops.Endpoint("score", platform=on, model=FILES),
        lambda on: mlops.Identity("score", platform=on, reads=[GROUP.online]),
        "Endpoint 'score' has ServiceAccount 'score'",
    ),
    "endpoint and another's release": (
        lambda on: mlops.Endpoint("score", platform=on, model=FILES),
        lambda on: mlops.Endpoint("score-release", platform=on, model=FILES),
        "Endpoint 'score' has ServiceAccount 'score-release'",
    ),
    "endpoint and platform's store": (
        lambda _: None,
        lambda on: mlops.Endpoint("churn-store", platform=on, model=FILES),
        "Platform 'churn' has Service 'churn-store' as well",
    ),
    "two platforms on one domain": (
        lambda on: mlops.Endpoint("score", platform=on, model=FILES),
        lambda _: mlops.Endpoint("score", platform=platform("vision"), model=FILES),
        "has host 'score.ml.example.com' as well",
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_that_meet_are_refused(pair: str) -> None:
    first, second, says = PAIRS[pair]
    cloud = Cloud(preview=True, first=True)

    def program() -> None:
        on = platform(consumers=SHOP)
        first(on)
        second(on)

    with pytest.raises(mlops.InvalidArgs) as caught:
        cloud.run(program)
    assert says in str(caught.value)
    assert "give one of the two another name" in str(caught.value)


def test_what_does_not_meet_is_taken() -> None:
    """The program of the README calls a platform and a model alike."""
    cloud = Cloud()

    def program() -> None:
        on = platform()
        store = mlops.FeatureStore("churn", platform=on)
        features = {"id": "string", "at": "timestamp"}
        mlops.FeatureGroup("churn", store=store, keys=["id"], event_time="at", features=features)
        mlops.Model("churn", registry=mlops.ModelRegistry("models", platform=on))
        mlops.Endpoint("churn-model", platform=on, model=FILES)

    cloud.run(program)


def test_every_object_is_in_the_table() -> None:
    """An object that a noun makes from now on, and the table does not know, could meet another one."""
    cloud = Cloud()

    def program() -> None:
        parts = {"images": {"address": "r.example.com", "username": "u", "password": "p"}, "gateway": GATEWAY}
        database = {"host": "db.example.com", "username": "u", "password": "p"}
        on = mlops.Platform("p", backend="kubernetes", existing=parts)
        mlops.Platform("p", stage="prod", backend="kubernetes", existing={"database": database}, opts=None)
        store = mlops.FeatureStore("s", platform=on)
        features = {"id": "string", "at": "timestamp"}
        group = mlops.FeatureGroup("g", store=store, keys=["id"], event_time="at", features=features, online={})
        events = {"told": {"to": "https://ci.example.com"}}
        registry = mlops.ModelRegistry("r", platform=on, events=events, published=True)
        mlops.Model("m", registry=registry)
        endpoint = mlops.Endpoint("e", platform=on, model=FILES, reads=[group.online], invokers=SHOP)
        mlops.Endpoint("e2", platform=on, model=FILES, isolated=False)
        reads = [group.online, group.as_of(days=9)]
        mlops.Identity("i", platform=on, reads=reads, invokes=[endpoint], trusts={"namespace": "shop"})

    cloud.run(program)
    nouns = {"p": "Platform", "s": "FeatureStore", "g": "FeatureGroup", "r": "ModelRegistry", "m": "Model"}
    nouns |= {"e": "Endpoint", "e2": "Endpoint", "i": "Identity"}
    for made in cloud.registered:
        kind, name = made.type.rpartition(":")[2], made.inputs.get("metadata", {}).get("name", "")
        whose, _, part = name.partition("-")
        if not made.custom or whose not in nouns or kind not in {one for parts in PARTS.values() for one in parts}:
            continue
        if part.startswith(("calls-to-", "reads-to-", "trusted-to-")):  # after the name of another component
            continue
        assert part in PARTS[nouns[whose]].get(kind, ()), (kind, name)


class Asked:
    """A cluster in which other stacks have made something."""

    server, uid = "https://cluster", "1"

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        if path.endswith("/v1/httproutes"):
            meta = {"namespace": "vision-dev", "name": "score"}
            return {"items": [{"metadata": meta, "spec": {"hostnames": ["score.ml.example.com"]}}]}
        if path.endswith("/churn-dev/services/models-mlflow"):
            return {"metadata": {"labels": {"app.kubernetes.io/component": "ModelRegistry.models"}}}
        return None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("score", "HTTPRoute vision-dev/score has host 'score.ml.example.com' as well"),
        ("models-mlflow", "Service 'models-mlflow' is ModelRegistry.models's; take another name"),
    ],
)
def test_what_other_stacks_have_is_looked_up(
    name: str, says: str, monkeypatch: pytest.MonkeyPatch, refused_at_preview: Callable[..., str]
) -> None:
    monkeypatch.setattr(live, "of", lambda _: Asked())
    monkeypatch.setattr(live, "cluster", lambda _: Asked())
    monkeypatch.setattr(operators, "require", lambda *_, **__: None)
    assert says in refused_at_preview(lambda: mlops.Endpoint(name, platform=hub(), model=FILES))
