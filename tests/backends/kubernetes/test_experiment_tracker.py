"""ExperimentTracker on Kubernetes: an MLflow server of its own, a user for each who records, and the ways between."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from support.changes.common import BY_TOKEN, WANDB, hidden
from support.facts.kubernetes import HUB, hub
from support.mocks import Cloud

LABEL = "pulumi-mlops/tracker"


def build(cloud: Cloud, on: mlops.PlatformRef = HUB, **args: Any) -> dict[str, Any]:
    found: dict[str, Any] = cloud.run(
        lambda: {"ref": mlops.ExperimentTracker("runs", platform=on, **args).ref.export()}
    )["ref"]
    return found


def settings(cloud: Cloud, name: str) -> Any:
    return json.loads(cloud.one("ConfigMap", name).inputs["data"]["settings.json"])


def test_a_server_of_its_own(cloud: Cloud) -> None:
    ref = build(cloud)
    (container,) = cloud.one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    assert f"--artifacts-destination=s3://{HUB.address['store']['bucket']}/runs/runs" in container["args"]
    assert ref["environment"] == {
        "MLFLOW_TRACKING_URI": "http://runs-tracker.churn-dev.svc.cluster.local:5000",
        "MLFLOW_EXPERIMENT_NAME": "runs",
    }
    assert ref["url"] == ref["environment"]["MLFLOW_TRACKING_URI"]
    assert (ref["engine"], ref["keys"], ref["servers"]) == ("mlflow", {}, [])
    assert settings(cloud, "runs-tracker-setup-settings") == {"url": "http://runs-tracker:5000", "recorders": []}


def test_published_at_the_gateway(cloud: Cloud) -> None:
    ref = build(cloud, managed={"published": True})
    assert ref["url"] == "https://runs.ml.example.com"
    assert ref["environment"]["MLFLOW_TRACKING_URI"].startswith("http://runs-tracker."), "pods stay inside"
    assert cloud.one("HTTPRoute").inputs["spec"]["hostnames"] == ["runs.ml.example.com"]


def test_publishing_needs_a_gateway(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs, match=r"managed\.published: needs a gateway"):
        build(cloud, replace(HUB, address={**HUB.address, "gateway": None}), managed={"published": True})


def test_a_registry_and_a_tracker_of_one_name_do_not_share_an_object(cloud: Cloud) -> None:
    def program() -> None:
        mlops.ModelRegistry("runs", platform=HUB)
        mlops.ExperimentTracker("runs", platform=HUB)

    with pytest.raises(InvalidArgs, match="ModelRegistry 'runs' has NetworkPolicy 'runs-callers'"):
        cloud.run(program)


def test_pods_of_a_registry_are_not_those_of_a_tracker(cloud: Cloud) -> None:
    def program() -> None:
        mlops.ModelRegistry("models", platform=HUB)
        mlops.ExperimentTracker("runs", platform=HUB)

    cloud.run(program)
    selectors = [json.dumps(one.inputs["spec"]["selector"], sort_keys=True) for one in cloud.all("Deployment")]
    assert len(set(selectors)) == 2


def recorded(cloud: Cloud, **args: Any) -> None:
    def program() -> None:
        runs, _ = (mlops.ExperimentTracker(name, platform=HUB, **hidden(args)) for name in ("runs", "others"))
        for name in ("trainer", "tuner"):
            mlops.Identity(name, platform=HUB, records=[runs])
        mlops.Identity("watcher", platform=HUB)

    cloud.run(program)


def test_each_who_records_is_a_user_of_their_own(cloud: Cloud) -> None:
    recorded(cloud)
    passwords = {}
    for name in ("trainer", "tuner"):
        assert settings(cloud, f"{name}-record-runs-settings") == {
            "url": "http://runs-tracker:5000",
            "recorders": [{"name": f"identity-{name}", "password": "RECORDER"}],
        }
        login = cloud.one("Secret", f"{name}-record-runs").inputs
        passwords[name] = base64.b64decode(login["data"]["value"])
        (rule,) = cloud.one("Role", f"{name}-role-reads").inputs["rules"]
        assert (rule["resourceNames"], rule["verbs"]) == ([login["metadata"]["name"]], ["get"])
        job = cloud.one("Job", f"{name}-record-runs").inputs["spec"]["template"]
        assert job["metadata"]["labels"][LABEL] == "runs"
        assert passwords[name].decode() not in json.dumps(job)
    assert passwords["trainer"] != passwords["tuner"]
    assert not [one for one in cloud.all("Role") if one.name.startswith("watcher")]


def test_who_records_reaches_this_server_and_no_other(cloud: Cloud) -> None:
    recorded(cloud)
    (way,) = cloud.one("NetworkPolicy", "trainer-net-calls-out").inputs["spec"]["egress"]
    assert [one["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] for one in way["to"]] == ["runs"]
    assert [one["port"] for one in way["ports"]] == [5000]
    into = cloud.one("NetworkPolicy", "trainer-net-calls-to-runs").inputs["spec"]
    assert into["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "tracker"
    assert into["ingress"][0]["from"][0]["podSelector"]["matchLabels"] == {"pulumi-mlops/account": "trainer"}
    jobs = cloud.one("NetworkPolicy", "runs-net-setup-to-tracker").inputs["spec"]["ingress"][0]["from"]
    assert jobs == [{"podSelector": {"matchLabels": {LABEL: "runs"}}}]


def test_who_records_in_an_engine_reads_its_key_and_reaches_its_server(cloud: Cloud) -> None:
    recorded(cloud, wandb=WANDB)
    (rule,) = cloud.one("Role", "trainer-role-reads").inputs["rules"]
    assert rule["resourceNames"] == ["runs-experiment-tracker-wandb-api-key"]
    (way,) = cloud.one("NetworkPolicy", "trainer-net-calls-out").inputs["spec"]["egress"]
    assert [one["port"] for one in way["ports"]] == [443]
    assert not cloud.all("Job")


def test_a_server_within_the_cluster_is_reached_by_its_namespace(cloud: Cloud) -> None:
    recorded(cloud, mlflow={**BY_TOKEN, "url": "http://mlflow.tools.svc:8080"})
    (way,) = cloud.one("NetworkPolicy", "trainer-net-calls-out").inputs["spec"]["egress"]
    (peer,) = way["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "tools"}
    assert [one["port"] for one in way["ports"]] == [8080]


def test_a_private_platform_wants_to_know_where_an_engine_is(cloud: Cloud) -> None:
    on = hub(private=True)

    def program() -> None:
        runs = mlops.ExperimentTracker("runs", platform=on, **hidden({"wandb": WANDB}))
        mlops.Identity("trainer", platform=on, records=[runs])

    with pytest.raises(InvalidArgs, match=r"records\[0\]: 'https://api.wandb.ai' is outside of the cluster"):
        cloud.run(program)


def test_a_quota_that_cannot_hold_it_is_refused(cloud: Cloud) -> None:
    small = replace(HUB, address={**HUB.address, "quota": {"cpus": 1, "memory_gb": 1}})
    with pytest.raises(InvalidArgs, match=r"platform: needs [\d.]+ memory_gb at least"):
        build(cloud, small)
