"""`stacks/azure` as a user runs it: up, unchanged, each edit with just its steps, down without a trace."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import resources, shown, succeeded, taken_down
from support.e2e.tenant import STATEFUL, Tenant

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]

MODEL, IMAGE = "models-churn", "churn"
LONGEST = 10
"""Hours after which a release is through: its steps are of minutes."""
TOKEN = "hunter2hunter2hunter2"
PARTS = (":Blob", ":BlobServiceProperties")
"""What is no resource of its own: an object, and the settings of an account."""
LET_GO = "azure-native:machinelearningservices:OnlineEndpoint"
"""What changes about an endpoint is sent by a template, with its traffic."""


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stack_lives_and_dies(stage: str, stack_of: StackOf, tenant: Tenant) -> None:
    stack, before = stack_of("stacks/azure", stage), tenant.everything()
    stack.configure_secret("hub_token", TOKEN)

    assert set(succeeded(stack.up()).counts) == {"create"}
    workspace = tenant.workspace(stack)
    number = workspace.register(MODEL, IMAGE, auc=0.94)
    waiting = stack.preview_and_up("--refresh")
    assert shown(waiting) == []
    assert "waits for the first approved version of churn" in waiting.output
    assert stack.outputs()["status"] == "waiting"

    workspace.approve(MODEL, number)
    assert told_of(tenant, stack) == ["approved"]
    assert set(succeeded(stack.up()).counts) <= {"create", "update"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_all_found(stack, tenant)
    wide = tenant.wide()
    assert len(wide) == 1, "the workflow of a release alone has a right on the group"
    assert all(wide.values()), "a reason stands beside it"
    assert list(tenant.endpoint(stack)["properties"]["traffic"].values()) == [100]
    assert TOKEN not in json.dumps(stack.state())

    if stage == "dev":
        each_edit_has_its_steps(stack, tenant)
    stack.configure(tags=json.dumps({"team": "growth"}))
    tagged = succeeded(stack.up())
    assert not [step for step in tagged.changes if "replace" in step.op]
    updated = {step.type for step in tagged.changes if step.op == "update"}
    assert updated >= STATEFUL - {LET_GO}
    assert tenant.endpoint(stack)["tags"]["team"] == "growth"
    assert sum(tenant.endpoint(stack)["properties"]["traffic"].values()) == 100
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []

    taken_down(stack)
    assert tenant.everything() == before


def each_edit_has_its_steps(stack: Stack, tenant: Tenant) -> None:
    """Edit by edit, the steps are just these: what an edit left to be done would be among those of the next."""
    stack.configure(canary_percent="20")
    assert shown(stack.up()) == ["update Endpoint score"]

    (old,) = tenant.deployments(stack)
    stack.configure(cpus="4", memory_gb="8")
    assert not {step.type for step in stack.preview().changes if step.op == "replace"} & STATEFUL
    moved = succeeded(stack.up()).changes
    assert [step.op for step in moved if step.type.endswith(":OnlineDeployment")] == ["create", "delete"]
    assert not {step.type for step in moved} & STATEFUL
    (new,) = set(tenant.deployments(stack)) - {old}
    assert tenant.endpoint(stack)["properties"]["traffic"] == {new: 20, old: 80}
    assert shown(stack.up()) == [], "a release under way is left alone"

    through(tenant, stack, {new: 100})
    assert set(tenant.deployments(stack)) == {new}, "the loser is gone"
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []

    sets = versions(tenant, stack)
    stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
    added = shown(stack.up())
    assert [step.split(" ")[:2] for step in added if "FeaturesetVersion" in step] == [
        ["create", "FeaturesetVersion"],
        ["delete", "FeaturesetVersion"],
    ]
    assert not [step for step in added if "replace" in step]
    assert set(sets) < set(versions(tenant, stack)), "the version before stays"


def through(tenant: Tenant, stack: Stack, traffic: dict[str, int]) -> None:
    """Let the release's workflow run, an hour later each time, until the traffic is as wanted and it has ended."""
    (flow,) = (one for one in flows(stack) if "-release-" in one)
    hour = 0
    while tenant.workspace(stack).at(flow)["properties"]["state"] == "Enabled":
        hour += 1
        assert hour < LONGEST, "a release ends by itself"
        assert tenant.run(flow, 3600.0 * hour)["status"] == "Succeeded"
    assert tenant.endpoint(stack)["properties"]["traffic"] == traffic


def told_of(tenant: Tenant, stack: Stack) -> list[Any]:
    """Let the workflow of the registry run, and return what it tells CI of approvals."""
    (flow,) = (one for one in flows(stack) if one.endswith("-deploy"))
    return [one["body"]["approval"] for one in tenant.run(flow, 0.0)["told"]]


def flows(stack: Stack) -> list[str]:
    """List the ids of the stack's workflows."""
    return [item["id"] for item in resources(stack) if item["type"] == "azure-native:logic:Workflow"]


def versions(tenant: Tenant, stack: Stack) -> list[str]:
    """List the versions of the feature set."""
    store = next(item for item in resources(stack) if item["type"].endswith(":FeaturesetContainerEntity"))
    found = tenant.workspace(stack).at(f"{store['id']}/versions")["value"]
    return [one["name"] for one in found]


def assert_all_found(stack: Stack, tenant: Tenant) -> None:
    """Look up every resource of the state in the control plane's whole store."""
    ids = {one.lower() for found in tenant.everything().values() for one in found}
    ours = {
        item["id"].lower()
        for item in resources(stack)
        if item.get("custom") and item["type"].startswith("azure-native:") and not item["type"].endswith(PARTS)
    }
    assert ours - ids == set()
