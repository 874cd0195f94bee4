"""Limits of AWS and Azure that an `up` would find out in the middle: they are judged at preview."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import feature_store, limits, live
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from support.facts.aws import HUB, REGISTRY, STORE, hub
from support.mocks import Cloud

QUEUE = "arn:aws:sqs:us-east-1:111122223333:approvals"


def platform(**args: Any) -> mlops.Platform:
    return mlops.Platform("churn", backend="aws", **args)


def endpoint(**args: Any) -> mlops.Endpoint:
    return mlops.Endpoint("score", platform=HUB, **{"model": {"image": "a/b:1"}, "compute": {"cpus": 2}, **args})


def group(**args: Any) -> mlops.FeatureGroup:
    features = {"id": "string", "at": "timestamp"}
    return mlops.FeatureGroup("g", store=STORE, **{"keys": ["id"], "event_time": "at", "features": features, **args})


def model(**args: Any) -> mlops.Model:
    return mlops.Model("m", registry=REGISTRY, **args)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "value": (lambda: endpoint(environment={"A": "x" * 1025}), "environment.A: 1025 characters: AWS takes at most"),
    "entries": (lambda: endpoint(environment={f"A{i}": "" for i in range(101)}), "environment: 101 entries"),
    "with secrets": (
        lambda: endpoint(
            environment={f"A{i}": "" for i in range(100)},
            secrets={"token": mlops.SecretRef(name="t", backend="aws", address={"id": "arn"})},
        ),
        "environment: 101 variables with those of reads and secrets",
    ),
    "owner": (lambda: platform(owner="R&D (EU)"), "owner: '&', '(', ')' is not taken by AWS here; it takes letters"),
    "long owner": (lambda: platform(owner="x" * 257), "owner: 257 characters"),
    "tag": (lambda: platform(tags={"cost": "50%"}), "tags.cost: '%' is not taken"),
    "key of a tag": (lambda: mlops.FeatureStore("f", platform=HUB, tags={"a#b": "1"}), "tags.a#b: '#' is not taken"),
    "metadata": (lambda: model(metadata={"gate": "auc > 0.9"}), "metadata.gate: '>' is not taken"),
    "too many tags": (lambda: platform(tags={f"k{i}": "" for i in range(44)}), "tags: 51 tags"),
    "with the platform's": (
        lambda: mlops.FeatureStore("f", platform=hub(tags={f"a{i}": "" for i in range(40)}), tags={"b": "", "c": "",
            "d": "", "e": ""}), "tags: 51 tags"),
    "description": (lambda: model(description="x" * 1025), "description: 1025 characters"),
    "control": (lambda: model(description="one\ttwo"), "description: '\\t' is not taken"),
    "of a group": (lambda: group(description="x" * 129), "description: 129 characters"),
    "features": (
        lambda: group(features={"id": "string", "at": "timestamp", **{f"f{i}": "float" for i in range(2499)}}),
        "features: 2501: AWS takes at most 2500",
    ),
    "image": (lambda: endpoint(model={"image": f"a/{'b' * 260}:1"}), "model.image: 264 characters"),
    "artifact": (
        lambda: endpoint(model={"image": "a/b:1", "artifact": f"s3://a/{'b' * 1024}.tar.gz"}),
        "model.artifact: 1038 characters",
    ),
    "start": (lambda: endpoint(serve={"startup_minutes": 61}), "serve.startup_minutes: must be at most 60"),
    "secret": (lambda: platform(secrets={"token": "x" * 65537}), "secrets.token: 65537 characters"),
    "empty secret": (lambda: platform(secrets={"token": ""}), "secrets.token: 0 characters"),
    "notices": (
        lambda: platform(alerts=["a@b.co"], monthly_budget=1, budget_thresholds=list(range(1, 12))),
        "budget_thresholds: 11: AWS takes at most 10",
    ),
    "event": (
        lambda: mlops.ModelRegistry("models", platform=HUB, events={"a b": {"to": QUEUE}}),
        "events.a b: ' ' is not taken",
    ),
    "word": (
        lambda: mlops.Identity("i", platform=HUB, trusts={"account": {"id": "111122223333", "external_id": "a b"}}),
        "trusts.account.external_id: ' ' is not taken",
    ),
}  # fmt: skip


def on_azure(**args: Any) -> mlops.Platform:
    return mlops.Platform("churn", backend="azure", **args)


AZURE: dict[str, tuple[Callable[[], object], str]] = {
    "retention": (lambda: on_azure(log_days=14), "log_days: 14 is not a retention that Log Analytics has"),
    "notices": (
        lambda: on_azure(alerts=["a@b.co"], monthly_budget=1, budget_thresholds=[10, 20, 30, 40, 100]),
        "budget_thresholds: 6 messages",
    ),
    "secret": (lambda: on_azure(secrets={"token": "x" * 25_601}), "secrets.token: is longer than the 25600 bytes"),
    "owner": (lambda: on_azure(owner="x" * 257), "owner: 257 characters"),
    "key of a tag": (lambda: on_azure(tags={"a/b": "1"}), "tags.a/b: '/' is not taken"),
    "too many tags": (lambda: on_azure(tags={f"k{i}": "" for i in range(46)}), "tags: 51 tags"),
    "zones": (lambda: on_azure(network={"private": {"zones": 3}}), "network.private.zones: a subnet of Azure"),
    "a bucket's name": (lambda: on_azure(existing={"artifacts": "files"}), "existing.artifacts: 'files' is not the id"),
}  # fmt: skip


@pytest.mark.parametrize("case", AZURE)
def test_what_azure_would_refuse_is_refused_at_preview(case: str, refused_at_preview: Callable[..., str]) -> None:
    program, said = AZURE[case]
    assert said in refused_at_preview(program)


@pytest.mark.parametrize("case", REFUSED)
def test_what_aws_would_refuse_is_refused_at_preview(case: str, refused_at_preview: Callable[..., str]) -> None:
    program, said = REFUSED[case]
    assert said in refused_at_preview(program)


TAKEN: dict[str, Callable[[], object]] = {
    "letters of every script": lambda: platform(owner="Étude 数据 +-=._:/@", tags={"größe": "ß"}),
    "value": lambda: endpoint(environment={"A": "x" * 1024, "B": "R&D (EU)\n"}),
    "tags": lambda: platform(tags={f"k{i}": "" for i in range(43)}),
    "signs": lambda: model(description="R&D (EU) > 0.9 = ok"),
    "start": lambda: endpoint(serve={"startup_minutes": 60}),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_aws_takes_is_taken(case: str) -> None:
    Cloud(preview=True, first=True).run(lambda: TAKEN[case]() and None)


@pytest.mark.parametrize(("dollars", "written"), [(10_000_000, "10000000"), (1234567.5, "1234567.5"), (100, "100")])
def test_large_budgets_are_written_as_budgets_takes_them(dollars: float, written: str) -> None:
    cloud = Cloud()
    cloud.run(lambda: platform(alerts=["a@b.co"], monthly_budget=dollars) and None)
    amount = cloud.one("budgets/budget").inputs["limitAmount"]
    assert amount == written
    assert limits.fits(amount, limits.told("budgets", "NumericValue")["pattern"])


def test_the_table_of_shapes_says_what_botocore_says() -> None:
    for service, name in limits.used():
        kept, told = limits.shape(service, name), limits.told(service, name)
        assert {"min", "max", "pattern"} & set(kept), name
        assert all(kept.get(key) == told.get(key) for key in ("type", "min", "max", "pattern")), (
            f"{name}: run tools/generate_limits.py"
        )


def test_a_newer_botocore_takes_what_the_table_does_not_know_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = limits.shape("sagemaker", "FeatureDefinitions")
    monkeypatch.setattr(limits, "SHAPES", {**limits.SHAPES, "sagemaker.FeatureDefinitions": {**kept, "max": 2}})
    monkeypatch.setattr(limits, "_MACHINES", dict.fromkeys(limits._MACHINES, frozenset()))
    features = {"id": "string", "at": "timestamp", "more": "float"}
    spec = FeatureGroupSpec(store=STORE, keys=["id"], event_time="at", features=features)  # type: ignore[arg-type]
    assert list(limits.limit_problems(spec)) == []
    for purpose in (limits.HOSTING, limits.TRAINING, limits.CLUSTER):
        assert "ml.m5.large" in limits.machines("ml.m5.large", purpose)
    monkeypatch.setattr(limits, "told", limits.shape)
    assert [problem.field for problem in limits.limit_problems(spec)] == ["features"]


def test_more_features_than_one_call_takes_are_sent_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    class Client:
        def update_feature_group(self, **asked: Any) -> None:
            sent.append(len(asked["FeatureAdditions"]))

    there = {"FeatureDefinitions": [], "LastUpdateStatus": {"Status": "Successful"}}
    monkeypatch.setattr(live, "feature_group", lambda *_: there)
    monkeypatch.setattr(live, "client", lambda *_: Client())
    features = {"id": "string", "at": "timestamp", **{f"f{i}": "float" for i in range(248)}}
    spec = FeatureGroupSpec(store=STORE, keys=["id"], event_time="at", features=features)  # type: ignore[arg-type]
    scope: Any = type("Scope", (), {"name": "g"})()
    added = asyncio.run(asyncio.to_thread(feature_store._add_missing, scope, spec, "g"))
    assert (sent, len(added)) == ([100, 100, 50], 250)
