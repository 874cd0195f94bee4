"""Changes of a platform that stands on Azure: the control plane takes each, and nothing with data is made again."""

import json
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

given = pulumi.Config().get_object("given", {})
platform = mlops.Platform(
    "flow", backend="azure", region="westeurope", stage="blue", secrets={"token": "t"}, **given.get("Platform", {})
)
store = mlops.FeatureStore("features", platform=platform, **given.get("FeatureStore", {}))
mlops.FeatureGroup(
    "profile",
    store=store,
    keys=["id"],
    event_time="at",
    **{"features": {"id": "string", "at": "timestamp"}, **given.get("FeatureGroup", {})},
)
registry = mlops.ModelRegistry("models", platform=platform, **given.get("ModelRegistry", {}))
mlops.Model("churn", registry=registry, **given.get("Model", {}))
mlops.Endpoint(
    "score", platform=platform, model={"image": platform.image("serve", "1")}, **given.get("Endpoint", {})
)
"""
SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"
DEV: dict[str, dict[str, Any]] = {"Platform": {"profile": "dev", "images": ["serve"]}}
SCALED = {"min": 1, "max": 4, "requests_per_replica": 100}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("Platform", {"profile": "prod", "alerts": ["ml@example.com"], "monthly_budget": 100}),
    ("Platform", {"log_days": 90, "images": ["serve", "train"], "consumers": [{"group": SOMEBODY}]}),
    ("Platform", {"owner": "ml-team", "tags": {"cost-center": "4711"}}),
    ("FeatureStore", {"materialize": {"cron": "0 * * * *"}}),
    ("FeatureGroup", {"features": {"id": "string", "at": "timestamp", "age": "integer"}}),
    ("FeatureGroup", {"description": "Who buys what.", "tags": {"team": "growth"}}),
    ("ModelRegistry", {"events": {"deploy": {"to": "https://ci.example.com/hook"}}, "approvers": [{"user": SOMEBODY}]}),
    ("Model", {"description": "Who leaves.", "metadata": {"team": "growth"}}),
    ("Endpoint", {"scaling": SCALED, "invokers": [{"group": SOMEBODY}]}),
    ("Endpoint", {"scaling": {**SCALED, "schedules": [{"name": "night", "cron": "0 22 * * *", "min": 1, "max": 2}]}}),
    ("Endpoint", {"health": {"errors_percent": 1, "latency_ms": 300}, "tags": {"team": "growth"}}),
    ("Endpoint", {"capture_percent": 20}),
    ("Endpoint", {"compute": {"cpus": 16}}),
    ("Platform", {"network": {"private": {}}}),
    # Down from what protects: nothing is given up that cannot be.
    ("Platform", {"profile": "staging"}),
]
KEPT = (
    "resources:ResourceGroup",
    "storage:StorageAccount",
    "keyvault:Vault",
    "containerregistry:Registry",
    "machinelearningservices:Workspace",
    "machinelearningservices:OnlineEndpoint",
    "machinelearningservices:ModelContainer",
    "machinelearningservices:FeaturesetContainerEntity",
)
QUIET = ("--stack", "dev", "--color", "never", "--yes", "--skip-preview")


def test_each_change_is_taken_and_nothing_with_data_is_made_again(tenant: Sandbox, project: Any) -> None:
    folder = project(PROGRAM, name="flow")
    given = {noun: dict(args) for noun, args in DEV.items()}

    def pulumi(*arguments: str) -> str:
        done = tenant.run(["pulumi", *arguments], cwd=folder)
        assert done.returncode == 0, f"{given}\npulumi {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up() -> None:
        pulumi("config", "set", "given", json.dumps(given), "--stack", "dev")
        pulumi("up", *QUIET)

    def kept() -> dict[str, str]:
        there = json.loads(pulumi("stack", "export", "--stack", "dev"))["deployment"]["resources"]
        return {one["urn"]: one["id"] for one in there if one["type"].partition(":")[2] in KEPT}

    up()
    before = kept()
    assert len(before) == len(KEPT) + 2, "an account and a workspace more are the feature store's"
    for noun, change in CHANGES:
        given.setdefault(noun, {}).update(change)
        up()
        assert kept().items() >= before.items(), change
        pulumi("preview", "--expect-no-changes", "--stack", "dev", "--color", "never")
    pulumi("destroy", *QUIET)
