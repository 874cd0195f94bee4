"""examples/closed_loop lives in the sandbox: up, a version approved, unchanged, edited, down without a trace."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pulumi_mlops_sandbox.azure.registering import sent
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import Cloud, shown, succeeded
from support.e2e.tenant import Tenant
from support.sandbox.arm_good import GOOD, GROUP, P

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
StackOf = Callable[..., Stack]
EXAMPLE, IMAGE = "examples/closed_loop", "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"
PARTS = {
    *("Loop", "ExperimentTracker", "ModelRegistry", "Model", "Pipeline", "Endpoint", "Monitor"),
    *("Platform", "Dataset"),
}
RECORD = "pipelines/churn-retrain/r1/fit/facts.json"
"""Of the step that made the version, as a run would leave it."""


@pytest.fixture
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.node.name.rpartition("_")[2],)


def waiting(stack: Stack) -> str:
    """Bring it up: every part is there, and nothing is served. Return where the platform keeps files."""
    assert set(succeeded(stack.up()).counts) == {"create"}
    ours = {one["type"].rpartition(":")[2] for one in stack.state()["resources"] if "pulumi-mlops:" in one["type"]}
    assert ours == PARTS
    assert statuses(stack) == ("waiting", "waiting")
    unchanged(stack)
    return str(stack.outputs()["platform"]["artifacts"])


def statuses(stack: Stack) -> tuple[str, str]:
    """Tell whether it serves, and whether it watches."""
    loop = stack.outputs()["churn"]
    return loop["status"], loop["monitor"]["status"]


def unchanged(stack: Stack) -> None:
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []


def served(stack: Stack) -> None:
    """Bring it up once a version is approved: it is served and watched, and an edit changes what it is about."""
    succeeded(stack.up())
    assert statuses(stack) == ("live", "live")
    assert stack.outputs()["churn"]["url"]
    unchanged(stack)
    edited(stack, "churn-drift", cooldown_hours="48")


def edited(stack: Stack, part: str, **configured: str) -> None:
    """Edit the program: the part that it is about is changed, the others are not, and nothing that keeps data is."""
    stack.configure(**configured)
    changes = succeeded(stack.up()).changes
    parts = {step.name for step in changes if "pulumi-mlops:" in step.type}
    assert part in parts
    assert parts <= {"churn", part, f"{part}-monitor"}, parts
    unchanged(stack)


def test_on_aws(stack_of: StackOf, cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName="churn")
    before = cloud.everything()
    stack = stack_of(EXAMPLE, "aws")
    files = waiting(stack)
    edited(stack, "churn-retrain", retrain="0 4 * * MON")
    cloud.client("s3").put_object(
        Bucket=files.removeprefix("s3://").rstrip("/"), Key="models/churn/1/model.tar.gz", Body=b"x"
    )
    sagemaker = cloud.client("sagemaker")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="churn-dev-churn-models-churn",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"auc": "0.94", "mlops-facts": f"{files}{RECORD}"},
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"{files}models/churn/1/model.tar.gz"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    served(stack)
    sagemaker.delete_model_package(ModelPackageName=package)
    succeeded(stack.destroy())
    assert {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind} == before


def test_on_azure(stack_of: StackOf, tenant: Tenant) -> None:
    registry = f"{P}/Microsoft.ContainerRegistry/registries/imagesofours"
    for path, kind in {GROUP: "group", registry: "registry"}.items():
        tenant.done("PUT", path, GOOD[kind].body)
    before = tenant.everything()
    stack = stack_of(EXAMPLE, "azure")
    files = waiting(stack)
    edited(stack, "churn-retrain", retrain="0 4 * * MON")
    workspace = replace(tenant.workspace(stack), images={"churn": "imagesofours.azurecr.io/churn"})
    number = workspace.register("churn-models-churn", "churn", auc=0.94)
    version = f"{workspace.id}/models/churn-models-churn/versions/{number}"
    told = workspace.at(version)["properties"]
    told = {name: told[name] for name in ("modelUri", "modelType", "properties", "tags")}
    told["tags"] |= {"mlops-facts": f"{files}{RECORD}"}
    sent(tenant.url, "PUT", version, {"properties": told})
    workspace.approve("churn-models-churn", number)
    served(stack)
    succeeded(stack.destroy())
    assert tenant.everything() == before


def test_on_kubernetes(stack_of: StackOf, cluster_inside: Cluster) -> None:
    """Nothing runs in this cluster, so that nobody approves a version there."""
    before = cluster_inside.everything()
    stack = stack_of(EXAMPLE, "kubernetes")
    waiting(stack)
    edited(stack, "churn-retrain", retrain="0 4 * * MON")
    succeeded(stack.destroy())
    assert cluster_inside.everything() == before
