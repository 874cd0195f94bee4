"""Changes of a platform that stands, asked of the control planes: each is taken, and nothing with data is made again.

tests/examples/test_updates.py judges single changes by what is registered; here they meet a control plane that says no.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import succeeded
from support.e2e.tenant import STATEFUL

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

given = pulumi.Config().require_object("given")
platform = mlops.Platform("flow", stage="blue", secrets={"token": "t"}, **given["Platform"])
store = mlops.FeatureStore("features", platform=platform, **given.get("FeatureStore", {}))
profile = {"features": {"id": "string", "at": "timestamp"}, **given.get("FeatureGroup", {})}
mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", **profile)
registry = mlops.ModelRegistry("models", platform=platform, **given.get("ModelRegistry", {}))
mlops.Model("churn", registry=registry, **given.get("Model", {}))
served = {"model": {"image": platform.image("serve", "1")}, **given.get("Endpoint", {})}
mlops.Endpoint("score", platform=platform, **served)
"""
SCALED = {"min": 1, "max": 4, "requests_per_replica": 100}
NIGHT = {"name": "night", "cron": "0 22 * * *", "min": 1, "max": 2}
SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"
ACCOUNT = "444455556666"
HOOK = "https://ci.example.com/hook"
Changes = list[tuple[str, dict[str, Any]]]


def changes(backend: str) -> Changes:
    """Give the changes that a backend takes; the first protects, and the last gives up what can be given up."""
    return [
        ("Platform", {"profile": "prod", "alerts": ["ml@example.com"]}),
        ("Platform", {"images": ["serve", "train"], "consumers": [CASES[backend].reader], "owner": "ml-team"}),
        ("Platform", {"tags": {"cost-center": "4711"}}),
        ("FeatureGroup", {"features": {"id": "string", "at": "timestamp", "age": "integer"}}),
        ("FeatureGroup", {"tags": {"team": "growth"}}),
        ("Model", {"metadata": {"team": "growth"}, "gate": {"auc": ">=0.9"}}),
        ("Endpoint", {"scaling": SCALED, "tags": {"team": "growth"}}),
        ("Endpoint", {"health": {"errors_percent": 1, "latency_ms": 300}}),
        ("Endpoint", {"capture_percent": 20, "environment": {"LOG_LEVEL": "debug"}}),
        ("Endpoint", {"compute": {"cpus": 4}}),
        *ONLY[backend],
        ("Platform", {"profile": "staging"}),
    ]


ONLY: dict[str, Changes] = {
    "aws": [
        ("Platform", {"monthly_budget": 100, "log_days": 90}),
        ("Endpoint", {"scaling": {**SCALED, "schedules": [NIGHT]}}),
    ],
    "azure": [
        ("Platform", {"monthly_budget": 100, "log_days": 90}),
        ("Endpoint", {"scaling": {**SCALED, "schedules": [NIGHT]}}),
        ("FeatureStore", {"materialize": {"cron": "0 * * * *"}}),
        ("FeatureGroup", {"description": "Who buys what."}),
        ("ModelRegistry", {"events": {"deploy": {"to": HOOK}}, "approvers": [{"user": SOMEBODY}]}),
        ("Endpoint", {"invokers": [{"group": SOMEBODY}]}),
        ("Platform", {"network": {"private": {}}}),
    ],
    "kubernetes": [
        ("FeatureGroup", {"description": "Who buys what."}),
        ("ModelRegistry", {"events": {"deploy": {"to": HOOK}}, "approvers": [{"user": "lead"}]}),
    ],
}


@dataclass(frozen=True)
class Case:
    """A backend: what its platform needs, who reads, and the types that hold data or an address."""

    platform: dict[str, Any]
    reader: dict[str, str]
    kept: tuple[str, ...]


CASES = {
    "aws": Case(
        {"region": "us-east-1"},
        {"account": ACCOUNT},
        (
            "aws:s3/bucket:Bucket",
            "aws:kms/key:Key",
            "aws:sagemaker/featureGroup:FeatureGroup",
            "aws:ecr/repository:Repository",
        ),
    ),
    "azure": Case(
        {"region": "westeurope"},
        {"group": SOMEBODY},
        tuple(STATEFUL),
    ),
    "kubernetes": Case(
        {
            "quota": {"cpus": 40, "memory_gb": 160, "storage_gb": 1000},
            "existing": {
                "gateway": {"name": "gateways/public", "domain": "ml.example.com"},
                "metrics": "http://prometheus.monitoring.svc:9090",
                "images": {"address": "registry.example.com/flow"},
            },
        },
        {"namespace": "team-a"},
        (
            "kubernetes:core/v1:Namespace",
            "kubernetes:core/v1:PersistentVolumeClaim",
            "kubernetes:postgresql.cnpg.io/v1:Cluster",
        ),
    ),
}


@pytest.fixture(params=CASES)
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.param,)


def test_each_change_is_taken_and_nothing_with_data_is_made_again(
    planes: tuple[str, ...], empty_sandbox: Sandbox, tmp_path: Path
) -> None:
    (backend,) = planes
    case, folder = CASES[backend], tmp_path / "flow"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: flow\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    stack = Stack(empty_sandbox, folder)
    given: dict[str, dict[str, Any]] = {
        "Platform": {"backend": backend, "profile": "dev", "images": ["serve"], **case.platform}
    }

    def up() -> dict[str, str]:
        stack.configure(given=json.dumps(given))
        succeeded(stack.up())
        there = stack.state()["resources"]
        return {one["urn"]: one["id"] for one in there if one["type"] in case.kept}

    before = up()
    assert len(before) >= len(case.kept)
    for noun, change in changes(backend):
        given.setdefault(noun, {}).update(change)
        assert up().items() >= before.items(), change
        assert stack.preview().changes == [], change
    stack.destroy()
