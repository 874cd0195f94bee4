"""Every example on Azure is run: up, unchanged, down without a trace, beside what other teams run in the same place."""

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import shown, succeeded
from support.e2e.tenant import Tenant
from support.sandbox.arm_good import MODEL, WORKSPACE

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]  # a whole stack, on a busy machine
StackOf = Callable[..., Stack]
TOKEN = "hf_not-in-any-state"


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


@pytest.fixture
def tenant(empty_sandbox: Sandbox) -> Tenant:
    """Look at Azure's control plane in the fresh sandbox."""
    return Tenant(empty_sandbox)


def approved(tenant: Tenant, number: int, auc: float) -> None:
    """Have a version of the other team's model, as its training registers it, and approved."""
    properties: dict[str, Any] = {
        "modelUri": f"azureml://datastores/workspaceblobstore/paths/models/churn/{number}/",
        "modelType": "custom_model",
        "properties": {"auc": str(auc)},
        "tags": {"approval": "approved"},
    }
    tenant.done("PUT", f"{MODEL}/versions/{number}", {"properties": properties})


def test_existing_workspace(stack_of: StackOf, tenant: Tenant) -> None:
    stack = stack_of("examples/existing_workspace")
    stack.configure(workspace="churn", model="churn", endpoint="churn-live")
    stack.configure_secret("hub_token", TOKEN)
    refused = stack.preview()
    assert refused.code != 0
    assert "existing.workspace: there is no workspace 'churn' in subscription" in refused.output
    assert "Traceback" not in refused.output

    tenant.furnish()
    for number, auc in {7: 0.94, 8: 0.7}.items():  # the newest one misses the gate
        approved(tenant, number, auc)
    before, written = tenant.everything(), tenant.written()
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    assert_beside(stack, tenant)
    assert tenant.written() == written
    assert TOKEN not in stack.export()
    assert set(succeeded(stack.destroy()).counts) == {"delete"}
    assert tenant.everything() == before
    assert tenant.written() == written


def assert_beside(stack: Stack, tenant: Tenant) -> None:
    """Find the platform in the workspace, with a container of its own in the storage account that is there."""
    found = {item["type"].rpartition(":")[2] for item in stack.state()["resources"]}
    assert not found & {"ResourceGroup", "StorageAccount", "Vault", "Registry"}
    assert stack.outputs()["artifacts"] == "https://churnfiles.blob.core.windows.net/legacy-dev/"
    (score,) = (
        one
        for one in tenant.done("GET", f"{WORKSPACE}/onlineEndpoints")["value"]
        if one.get("tags", {}).get("component") == "Endpoint/score"
    )
    (deployment,) = tenant.done("GET", f"{score['id']}/deployments")["value"]
    assert deployment["properties"]["model"].endswith("/workspaces/churn/models/churn/versions/7")
    assert score["properties"]["traffic"] == {deployment["name"]: 100}
