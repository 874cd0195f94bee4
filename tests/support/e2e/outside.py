"""A stack and its control plane, as somebody outside sees them."""

import shutil
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3

from pulumi_mlops_sandbox.aws.evaluation import allowed
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Result, Stack, inventory
from support.e2e.emptied import emptied

ROOT = Path(__file__).parents[3]
GROUP = "churn-{stage}-models-churn"
DEPLOYER = "deployer"
"""The beginning of the names of roles that deploy, and of their policies (see `deploying`)."""


class Cloud:
    """The sandbox's control plane as an outside client sees it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = next(status.url for status in sandbox.status() if status.name == "aws" and status.url)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Return a plain boto3 client."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
        )

    def acting_as(self, role: str, service: str) -> Any:
        """Return a client with the credentials of a role, which is judged by its own policies."""
        arn = f"arn:aws:iam::123456789012:role/{role}"
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.client(  # type: ignore[call-overload]  # a plain name
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def everything(self) -> dict[str, list[str]]:
        """List the whole store, without who deploys."""
        found = {kind: [one for one in ids if DEPLOYER not in one] for kind, ids in inventory(self.url).items()}
        return {kind: ids for kind, ids in found.items() if ids}

    def allows(self, role: str, action: str, resource: str, **facts: str) -> bool:
        """Judge by its policies, all of which are its own, whether a role may do something."""
        iam = self.client("iam")
        assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        statements = [
            statement
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
            for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
        ]
        return allowed(statements, action, resource, facts)

    def register(self, stage: str, bucket: str, auc: float = 0.94) -> str:
        """Register a version of the stack's model, as a training job would; it waits for approval."""
        created = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=GROUP.format(stage=stage),
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties={"auc": str(auc)},
            InferenceSpecification={
                "Containers": [
                    {
                        "Image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-{stage}/churn:1.0.0",
                        "ModelDataUrl": f"{bucket}churn/model.tar.gz",
                    }
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        return str(created["ModelPackageArn"])

    def approve(self, package: str) -> None:
        """Approve a version."""
        self.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")

    def forget_versions(self, stage: str) -> None:
        """Delete all versions, which a group has to be rid of before it can go."""
        sagemaker = self.client("sagemaker")
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=GROUP.format(stage=stage))
        for version in [version for page in pages for version in page["ModelPackageSummaryList"]]:
            sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])


def empty(sandbox: Sandbox) -> None:
    """Make a sandbox as new: a cluster by a reset only where deleting what a test has left is not enough."""
    for plane in sandbox.status():
        if plane.url and (plane.name != "kubernetes" or not emptied(sandbox.home / "kubeconfig", plane.url)):
            reset(plane.url)
    for kept in ("state/.pulumi", "creates"):
        shutil.rmtree(sandbox.home / kept, ignore_errors=True)


def reset(url: str) -> None:
    """Throw away all that is in a control plane."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_sandbox/reset", method="POST"), timeout=120) as answer:
        answer.read()


def succeeded(result: Result) -> Result:
    """Fail with what Pulumi printed when a command did not succeed."""
    assert result.code == 0, result.output
    return result


def taken_down(stack: Stack) -> None:
    """Destroy a stack; a stage that protects what holds data refuses first."""
    if stack.name == "prod":
        refused = stack.destroy()
        assert refused.code != 0
        assert "protected" in refused.output
        stack.unprotect()
    assert set(succeeded(stack.destroy()).counts) == {"delete"}


def shown(result: Result) -> list[str]:
    """Tell the steps in words, sorted."""
    return sorted(map(str, succeeded(result).changes))


def resources(stack: Stack) -> Sequence[dict[str, Any]]:
    """List the resources in the state."""
    found: Sequence[dict[str, Any]] = stack.state().get("resources", ())
    return found
