"""What starts a pipeline on Kubernetes: what the program that looks is told, and what it may reach."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import DatasetRef, InvalidArgs
from pulumi_mlops.backends.kubernetes.workflows import owner
from support.facts.kubernetes import HUB
from support.mocks import Cloud

IMAGE = "registry.example.com/churn/train:1"
UNMEASURED = replace(HUB, address={**HUB.address, "metrics": None})
BUCKET = HUB.address["store"]["bucket"]
ROWS = DatasetRef(name="rows", backend="kubernetes", platform=HUB, location=f"s3://{BUCKET}/datasets/rows/", address={})


def declare(cloud: Cloud, **args: Any) -> None:
    def program() -> Any:
        steps = {"fit": mlops.train(image=IMAGE, command=["train"])}
        given = {"platform": HUB, "steps": steps, "alerts": False} | args
        return mlops.Pipeline("retrain", **given) and None

    cloud.run(program)


def starter(cloud: Cloud) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the container of the program, and its settings."""
    (container,) = cloud.one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    return container, json.loads(cloud.one("ConfigMap", "retrain-starter").inputs["data"]["settings.json"])


def test_it_looks_for_versions_with_a_key_that_may_read(cloud: Cloud) -> None:
    declare(cloud, triggers=[{"data": ROWS}])
    container, settings = starter(cloud)
    assert settings["owner"] | {"uid": ""} == owner("retrain", ""), "who deletes the pipeline ends its runs"
    assert settings["datasets"] == {"rows": f"s3://{BUCKET}/datasets/rows/"}
    keys = {one["name"]: one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"] if "valueFrom" in one}
    assert set(keys.values()) == {HUB.address["store"]["reader"]}
    assert "mlflow" in container["image"], "it has boto3"
    assert "dataset.py" in cloud.one("ConfigMap", "retrain-starter").inputs["data"]


def test_it_asks_prometheus_for_alerts_and_holds_no_key(cloud: Cloud) -> None:
    declare(cloud, triggers=[{"alarm": "Drift"}])
    container, settings = starter(cloud)
    assert (settings["alarms"], settings["metrics"]) == (["Drift"], HUB.address["metrics"])
    assert not container.get("env")
    assert "dataset.py" not in cloud.one("ConfigMap", "retrain-starter").inputs["data"]
    policies = [item.inputs["spec"] for item in cloud.registered if item.type.endswith(":NetworkPolicy")]
    assert str(urlsplit(HUB.address["metrics"]).port) in json.dumps(policies)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"triggers": [{"data": replace(ROWS, location="s3://theirs/rows/")}]}, "outside of the platform's object"),
        ({"platform": UNMEASURED, "triggers": [{"alarm": "Drift"}]}, "needs a Prometheus to ask"),
        ({"triggers": [{"data": replace(ROWS, platform=replace(HUB, name="other"))}]}, "events are not seen here"),
    ],
    ids=["elsewhere", "no Prometheus", "of another platform"],
)
def test_what_is_not_seen_from_here_is_refused(cloud: Cloud, args: Any, told: str) -> None:
    with pytest.raises(InvalidArgs, match=told):
        declare(cloud, **args)
