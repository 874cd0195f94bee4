"""The role of docs/credentials.md covers what a stack declares, and nothing in it is a wildcard."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

import pulumi_mlops as mlops
from support.mocks import Cloud

PAGE = Path(__file__).parents[2] / "docs" / "credentials.md"
CHANGED = {"get", "create", "patch", "delete"}


@pytest.fixture
def role() -> dict[str, Any]:
    found = re.search(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    loaded: dict[str, Any] = yaml.safe_load(found[1])
    return loaded


def program() -> None:
    hub = mlops.Platform(
        "hub",
        backend="kubernetes",
        stage="prod",
        alerts=["ml@example.com"],
        quota={"cpus": 64, "memory_gb": 256},
        secrets={"token": "1"},
        consumers=[{"namespace": "search"}],
        existing={
            "gateway": {"name": "gateways/public", "domain": "ml.example.com"},
            "metrics": "http://prometheus.monitoring.svc:9090",
        },
    )
    store = mlops.FeatureStore("features", platform=hub, materialize={"cron": "0 * * * *"})
    features = {"id": "string", "at": "timestamp"}
    mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features, online={})
    models = mlops.ModelRegistry("models", platform=hub, approvers=[{"user": "lead"}])
    churn = mlops.Model("churn", registry=models)
    gpus = mlops.TrainingCluster("gpus", platform=hub)
    fit = mlops.train(image="example/churn:1", command=["train"], cluster=gpus)
    mlops.Pipeline("retrain", platform=hub, steps={"fit": fit}, schedule={"cron": "0 3 * * MON"})
    scaling = {"min": 2, "max": 4, "requests_per_replica": 100}
    mlops.Endpoint("score", platform=hub, model=churn.version(1), scaling=scaling, capture_percent=100)


def plural(kind: str) -> str:
    return re.sub(r"y$", "ie", re.sub(r"s$", "se", kind.lower())) + "s"


def test_it_covers_every_kind_that_is_declared(role: dict[str, Any]) -> None:
    granted = {
        (group, resource)
        for rule in role["rules"]
        if set(rule["verbs"]) >= CHANGED
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    cloud = Cloud()
    cloud.run(program)
    declared = set()
    for found in cloud.registered:
        if found.type.startswith("kubernetes:"):
            _, module, kind = found.type.split(":")
            group = module.rpartition("/")[0]
            declared.add(("" if group == "core" else group, plural(kind)))
    assert declared == granted  # no right too few, and none too many


def test_it_has_no_wildcard_and_is_one_that_the_api_takes(role: dict[str, Any]) -> None:
    for rule in role["rules"]:
        assert not any("*" in word for words in rule.values() for word in words)
        known = client.V1PolicyRule.attribute_map.values()
        assert set(rule) <= set(known)
