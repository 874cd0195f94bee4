"""`stacks/kubernetes` as a user runs it: up, unchanged, each edit with just its steps, down without a trace."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.registry import Registry, serving
from pulumi_mlops_sandbox.stack import Result, Stack
from support.e2e.inside import Cluster, differences, objects
from support.e2e.outside import shown, succeeded, taken_down

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]

STATEFUL = {"Namespace", "StatefulSet", "Cluster", "Secret", "Deployment"}
REPLACED = ["create-replacement", "delete-replaced", "replace"]
REVISION = [
    "InferenceService score-*",
    "ServingRuntime score-*-runtime",
    "ScaledObject score-*-scaling",
    "Job score-release-*",
]
RELEASED = sorted(
    [
        *(f"{op} {part}" for op in ("create", "delete") for part in REVISION),
        "update ConfigMap score-release",
        "update Endpoint score",
        "update HTTPRoute score-route",
        "update Role score-role-release",
        "update Service score-service",
    ]
)


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("kubernetes",)


@pytest.fixture
def registry(empty_sandbox: Sandbox) -> Iterator[Registry]:
    """Stand behind the port of the registry's pods, which run nothing here."""
    with serving(empty_sandbox) as found:
        yield found


def steps(result: Result) -> list[str]:
    """Tell the steps in words, sorted, without the digests of contents."""
    return sorted(re.sub(r"-[0-9a-f]{8}(-\d+$)?", "-*", step) for step in shown(result))


def replaced(name: str) -> list[str]:
    return [f"{op} {name}" for op in REPLACED]


@pytest.mark.long
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stack_lives_and_dies(stage: str, stack_of: StackOf, cluster_inside: Cluster, registry: Registry) -> None:
    cluster, stack = cluster_inside, stack_of("stacks/kubernetes", stage)
    before = cluster.everything()
    if stage == "prod":  # where Weights & Biases tracks the runs
        stack.configure_secret("wandb_api_key", "not-a-key-of-anybody")

    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []

    number = registry.register("churn", auc=0.94)
    waiting = succeeded(stack.preview())
    assert "waits for the first approved version of churn" in waiting.output
    assert stack.outputs()["status"] == "waiting"

    registry.approve("churn", number)
    assert set(succeeded(stack.up()).counts) <= {"create", "update"}
    assert stack.outputs()["status"] == "live"
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_all_found(stack, cluster)

    if stage == "dev":
        each_edit_has_its_steps(stack, registry)
    stack.configure(tags=json.dumps({"team": "growth"}))
    tagged = succeeded(stack.up())
    assert set(tagged.counts) <= {"update", *REPLACED}
    assert not {step.type.rsplit(":", 1)[-1] for step in tagged.changes if step.op != "update"} - {"Job"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_all_found(stack, cluster)

    registry.forget()
    taken_down(stack)
    assert cluster.everything() == before


def each_edit_has_its_steps(stack: Stack, registry: Registry) -> None:
    stack.configure(cpus="3", memory_gb="6")
    assert steps(stack.up()) == RELEASED

    stack.configure(canary_percent="25")
    assert steps(stack.up()) == ["update ConfigMap score-release", "update Endpoint score"]

    registry.approve("churn", registry.register("churn", auc=0.96))
    scored = ["update BatchInference nightly", "update WorkflowTemplate nightly-pipeline"]
    assert steps(stack.up()) == sorted([*RELEASED, *scored])

    stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
    assert steps(stack.up()) == sorted(
        [*replaced("Job profile-apply"), "update ConfigMap profile-definition", "update FeatureGroup profile"]
    )
    assert shown(stack.refresh()) == []

    stack.configure(quota=json.dumps({"cpus": 240, "memory_gb": 900}))
    assert steps(stack.up()) == ["update Platform churn", "update ResourceQuota churn-quota"]


def assert_all_found(stack: Stack, cluster: Cluster) -> None:
    """Look up every object of the state by the Python client, and compare what the stack says of it."""
    seen = set()
    for name, said in objects(stack):
        metadata = said["metadata"]
        found = cluster.get(said["apiVersion"], said["kind"], metadata["name"], metadata.get("namespace"))
        assert found, f"{name}: the cluster has no {said['kind']} {metadata['name']}"
        assert list(differences(said, found)) == [], name
        seen.add(said["kind"])
    assert seen >= STATEFUL | {"InferenceService", "HTTPRoute", "ScaledObject", "NetworkPolicy", "Job", "CronJob"}


def test_what_others_change_is_not_overwritten_and_found(
    stack_of: StackOf, cluster_inside: Cluster, registry: Registry
) -> None:
    """Somebody else raised the quota: the next change of it says who, and leaves it; a refresh finds all there is."""
    cluster, stack = cluster_inside, stack_of("stacks/kubernetes")
    registry.approve("churn", registry.register("churn"))
    succeeded(stack.up())
    succeeded(stack.up())
    policies, quotas = cluster.kind("networking.k8s.io/v1", "NetworkPolicy"), cluster.kind("v1", "ResourceQuota")
    body = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": "churn-dev"},
        "spec": {"hard": {"requests.cpu": "999"}},
    }
    quotas.server_side_apply(body=body, field_manager="somebody-else", force_conflicts=True)
    stack.configure(quota=json.dumps({"cpus": 40, "memory_gb": 64}))
    refused = stack.up()
    assert refused.code != 0
    assert "somebody-else" in refused.output
    assert "requests.cpu" in refused.output
    found = cluster.get("v1", "ResourceQuota", "quota", "churn-dev")
    assert found
    assert found["spec"]["hard"]["requests.cpu"] == "999"

    policies.delete(name="default-deny", namespace="churn-dev")
    quotas.patch(
        name="quota",
        namespace="churn-dev",
        body={"spec": {"hard": {"requests.cpu": "998"}}},
        content_type="application/merge-patch+json",
    )
    assert shown(stack.refresh()) == ["delete NetworkPolicy churn-net-deny", "update ResourceQuota churn-quota"]
