"""What the demonstration shows of `stacks/aws`."""

import json

import boto3

from pulumi_mlops_sandbox.demo import Demo, only
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.stack import inventory

_GROUP = "churn-dev-models-churn"


def show(demo: Demo, url: str) -> None:
    """Show it."""
    stack = demo.stack
    sagemaker = boto3.client(
        "sagemaker",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 (made up)
    )
    before = inventory(url)

    demo.show("up", stack.up, lambda result: set(result.counts) == {"create"}, "everything created")
    demo.show("up again", stack.up, lambda result: not result.changes, "nothing to do")
    demo.show("refresh", stack.refresh, lambda result: not result.changes, "no drift")

    stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
    demo.show(
        "a feature is added", stack.up, only("update", "profile"), "the group is kept; AWS adds the feature in place"
    )

    artifacts = stack.outputs()["platform"]["artifacts"]
    package = sagemaker.create_model_package(
        ModelPackageGroupName=_GROUP,
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"auc": "0.94"},
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-dev/churn:1.0.0",
                    "ModelDataUrl": f"{artifacts}churn/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    demo.show(
        "a version is registered", stack.up, lambda result: not result.changes, "the endpoint waits for an approval"
    )
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    demo.show(
        "and approved",
        stack.up,
        lambda result: "create" in result.counts and "delete" not in result.counts,
        "the endpoint appears",
    )
    stack.configure(canary_percent="20")
    demo.show("another canary", stack.up, only("update", "score", "score-endpoint"), "the endpoint is updated in place")
    stack.configure(cpus="4", memory_gb="8")
    demo.show(
        "a larger machine",
        stack.up,
        lambda result: "score-endpoint" in {change.name for change in result.changes if change.op == "update"},
        "a new configuration is released, the old one goes",
    )
    for version in sagemaker.list_model_packages(ModelPackageGroupName=_GROUP)["ModelPackageSummaryList"]:
        sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])
    demo.show("destroy", stack.destroy, lambda result: set(result.counts) == {"delete"}, "everything deleted")
    # AWS keeps a deleted key for at least a week, in which it can still be brought back.
    left = {kind: ids for kind, ids in inventory(url).items() if ids != before.get(kind) and "Pending" not in kind}
    if left:
        raise SandboxError(f"The control plane still holds {left}")
    nothing = "nothing is left, but for the key that AWS keeps for a week"
    demo.rows.append(("the control plane's whole store is listed", nothing, nothing, 0.0))
    demo.once_round("aws")
