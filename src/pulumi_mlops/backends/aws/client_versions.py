"""What AWS has for the client of versions: model packages of a group, and their files in the artifact store."""

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.addresses import ModelAddress, PlatformAddress, package_arn
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.clients import records
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Approval, Decision, RegisteredVersion, Registration
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError, NotFound, Problem

APPROVALS: Mapping[str, Approval] = {
    "Approved": "approved",
    "Rejected": "rejected",
    "PendingManualApproval": "pending",
}
_TYPES = ["application/json", "text/csv"]
_VALUE = re.compile(r"[^\W_]|[\s_.:/=+\-@]")
_LONGEST, _MOST = 256, 40
"""Characters of a fact's value, and facts, of the 50 that a model package has.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""


class Versions:
    """Versions of models, as the client asks for them."""

    def caller(self, model: ModelRef) -> str:
        """Return the ARN of whoever asks."""
        with asking("who asks"):
            return str(live.client(model.platform, "sts").get_caller_identity()["Arn"])

    def register_problems(self, model: ModelRef, facts: Mapping[str, object], image: str | None) -> Iterator[Problem]:
        """Judge what a model package takes."""
        own_account(model.platform)
        if image is None:
            yield Problem("image", "is required: a model package of SageMaker names the image that serves it")
        if len(facts) > _MOST:
            yield Problem("metadata", f"are {len(facts)} facts with the metrics; a model package has {_MOST} at most")
        for name, value in facts.items():
            if isinstance(value, str) and (len(value) > _LONGEST or not all(map(_VALUE.fullmatch, value))):
                told = "letters, digits, spaces and _ . : / = + - @"
                yield Problem(f"metadata.{name}", f"a model package takes {_LONGEST} characters: {told}")

    def register(self, model: ModelRef, given: Registration, _patience: Patience) -> RegisteredVersion:
        """Upload the files below the folder of the model, and make a model package of them."""
        address, bucket = ModelAddress.of(model), PlatformAddress.of(model.platform).bucket
        folder = f"models/{address.name}/client-{uuid.uuid4().hex[:12]}/"
        s3 = live.client(model.platform, "s3")
        with asking(f"the upload to s3://{bucket}/{folder}"):
            for path in given.files:
                with path.open("rb") as file:
                    s3.upload_fileobj(file, bucket, folder + given.name_of(path))
        source = {"S3Uri": f"s3://{bucket}/{folder}", "S3DataType": "S3Prefix", "CompressionType": "None"}
        container = {"Image": given.image, "ModelDataSource": {"S3DataSource": source}}
        with asking(f"a version of model {model.name!r}"):
            # botocore gives each call a ClientToken of its own, with which it is repeated: one version is made.
            made = live.client(model.platform, "sagemaker").create_model_package(
                ModelPackageGroupName=address.group,
                ModelApprovalStatus="PendingManualApproval",
                CustomerMetadataProperties=dict(given.facts),
                InferenceSpecification={
                    "Containers": [container],
                    "SupportedContentTypes": _TYPES,
                    "SupportedResponseMIMETypes": _TYPES,
                },
            )
        return self._described(model, str(made["ModelPackageArn"]))

    def versions(self, model: ModelRef, number: int | None = None) -> Iterator[RegisteredVersion]:
        """Describe the model packages of a group, the newest first."""
        own_account(model.platform)
        address = ModelAddress.of(model)
        group = address.arn if isinstance(address.arn, str) else address.group
        if number is None:
            found = live.packages(model.platform, group)
        else:
            one = live.package(model.platform, group, number)
            found = iter(() if one is None else (one,))
        return (registered(package, model.name) for package in found)

    def decide(self, model: ModelRef, version: int, approval: Approval, decision: Decision) -> RegisteredVersion:
        """Change the status of a model package; why is its description, and who and when are facts of it."""
        address = ModelAddress.of(model)
        if not isinstance(address.arn, str):
            raise NotFound(f"Model {model.name!r} is not made yet.")
        arn = package_arn(address.arn, version)
        facts = records.facts_of(decision)
        facts.pop(records.WHY)  # its characters are not those of a fact
        facts[records.BY] = "".join(
            letter if _VALUE.fullmatch(letter) else "-" for letter in facts[records.BY][:_LONGEST]
        )
        with asking(f"version {version} of model {model.name!r}"):
            live.client(model.platform, "sagemaker").update_model_package(
                ModelPackageArn=arn,
                ModelApprovalStatus=next(status for status, word in APPROVALS.items() if word == approval),
                ApprovalDescription=decision.reason,
                CustomerMetadataProperties=facts,
            )
        return self._described(model, arn)

    def _described(self, model: ModelRef, arn: str) -> RegisteredVersion:
        with asking(f"version {arn}"):
            found = live.client(model.platform, "sagemaker").describe_model_package(ModelPackageName=arn)
        return registered(found, model.name)


def own_account(platform: PlatformRef) -> None:
    """Refuse credentials of another account: a thing of the same name there is another thing."""
    wanted, own = PlatformAddress.of(platform).account, live.account(platform)
    if own is not None and own != str(wanted):
        raise MlopsError(
            f"Platform {platform.name!r} is in AWS account {wanted}, and these credentials are of account {own}; look "
            "at who you are with: aws sts get-caller-identity"
        )


def files_of(container: Mapping[str, Any]) -> str | None:
    """Find where the files of a container are."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    found = source or container.get("ModelDataUrl")
    return str(found).rstrip("/") if found else None


def registered(package: Mapping[str, Any], model: str) -> RegisteredVersion:
    """Tell of a model package."""
    facts = package.get("CustomerMetadataProperties", {})
    measured, told = records.measured(facts)
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    only = containers[0] if len(containers) == 1 else {}
    return RegisteredVersion(
        model=model,
        version=package["ModelPackageVersion"],
        approval=APPROVALS.get(package.get("ModelApprovalStatus", ""), "none"),
        made=package.get("CreationTime"),
        files=files_of(only),
        image=only.get("Image"),
        metrics=measured,
        metadata=told,
        decision=records.decided(facts, package.get("ApprovalDescription", "")),
    )
