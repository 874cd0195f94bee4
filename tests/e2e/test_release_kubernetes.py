"""Releases on Kubernetes through the engine: one that goes back, another try at it, and the way back in the program."""

from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SPACE = "churn-dev"
PROGRAM = '''
import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()


def failing(args):
    """Have the sandbox fail the release Job, as an unwell revision would."""
    if not config.get_bool("unwell") or "-release-" not in args.name or not args.type_.endswith(":Job"):
        return None
    metadata = dict(args.props["metadata"], annotations={"sandbox.pulumi-mlops/fail": "errors of main: 7 per cent"})
    return pulumi.ResourceTransformResult(dict(args.props, metadata=metadata), args.opts)


platform = mlops.Platform(
    "churn",
    backend="kubernetes",
    images=["serve"],
    existing={
        "gateway": {"name": "gateways/public", "domain": "ml.example.com"},
        "metrics": "http://prometheus.monitoring.svc:9090",
        "images": {"address": "registry.example.com/churn"},
        "object_store": {
            "url": "https://s3.example.com", "bucket": "ml", "access_key": "key", "secret_key": "secret",
        },
    },
)
mlops.Endpoint(
    "score",
    platform=platform,
    model={"image": platform.image("serve", config.require("tag"))},
    scaling={"min": 2, "max": 4, "requests_per_replica": 400},
    release={"canary": {"percent": 10, "bake_minutes": 5}},
    opts=pulumi.ResourceOptions(transforms=[failing]),
)
'''


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("kubernetes",)


@pytest.fixture
def stack(empty_sandbox: Sandbox, tmp_path: Path) -> Stack:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: release\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    made = Stack(empty_sandbox, folder)
    made._pulumi("stack", "init")
    return made


def serves(cluster: Cluster) -> str:
    """Return the revision that both ways in lead to."""
    route = cluster.get("gateway.networking.k8s.io/v1", "HTTPRoute", "score", SPACE)
    service = cluster.get("v1", "Service", "score", SPACE)
    assert route
    assert service
    (backend,) = route["spec"]["rules"][0]["backendRefs"]
    name = str(service["spec"]["selector"]["serving.kserve.io/inferenceservice"])
    assert backend["name"] == f"{name}-predictor"
    return name


def revisions(cluster: Cluster) -> set[str]:
    found: dict[str, Any] = cluster.kind("serving.kserve.io/v1beta1", "InferenceService").get(namespace=SPACE).to_dict()
    return {one["metadata"]["name"] for one in found["items"]}


def kinds(steps: list[str]) -> set[str]:
    return {" ".join(step.split()[:2]) for step in steps}


@pytest.mark.long
def test_a_release_that_goes_back(stack: Stack, cluster_inside: Cluster) -> None:
    cluster = cluster_inside
    before = cluster.everything()
    stack.configure(tag="1", unwell="false")
    succeeded(stack.up())
    assert shown(stack.up()) == []
    first = serves(cluster)
    assert revisions(cluster) == {first}

    stack.configure(tag="2", unwell="true")
    failed = stack.up()
    assert failed.code != 0
    assert "errors of main: 7 per cent" in failed.output
    assert serves(cluster) == first, "the old revision still serves"
    assert len(revisions(cluster)) == 2

    stack.configure(unwell="false")
    planned = stack.preview()
    assert "the last release was rolled back" in planned.output
    assert "this is attempt 2 at this one" in planned.output
    assert kinds(shown(stack.up())) == {
        "create Job", "update HTTPRoute", "update Service", "delete Job", "delete InferenceService",
        "delete ScaledObject",
    }  # fmt: skip
    second = serves(cluster)
    assert revisions(cluster) == {second} != {first}
    assert shown(stack.up()) == []

    stack.configure(tag="3", unwell="true")
    assert stack.up().code != 0
    stack.configure(tag="2", unwell="false")
    assert kinds(shown(stack.up())) == {
        "update Endpoint", "update Role", "update ConfigMap", "delete Job", "delete InferenceService",
        "delete ScaledObject",
    }  # fmt: skip
    assert revisions(cluster) == {serves(cluster)} == {second}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert stack.state().get("pending_operations") in (None, [])

    succeeded(stack.destroy())
    assert cluster.everything() == before
