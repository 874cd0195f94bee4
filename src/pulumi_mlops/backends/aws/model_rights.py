"""Rights on models: to read and pull versions, to register, approve and deploy them."""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.aws.addresses import ModelAddress, ModelVersionAddress, PlatformAddress, package_arn
from pulumi_mlops.backends.aws.image_rights import pull_any, pull_image
from pulumi_mlops.backends.aws.places import objects, read_files, read_place, through
from pulumi_mlops.backends.aws.policy import Late, Statement, allow, arn
from pulumi_mlops.components.model import ModelRef, ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import Image, Place

REGISTRY = "mlops-registry"
"""Tag of a model package group, which its versions have as well: the prefix of the registry that it belongs to. Names
alone do not tell: the groups of ``models-eu`` begin as those of ``models`` do."""


def _folder(platform: PlatformRef, group: str) -> Output[str]:
    """Return the folder of an artifact store with the files of a group's versions: no other group has its name."""
    return Output.format("s3://{0}/models/{1}/", PlatformAddress.of(platform).bucket, group)


def _of_its_model(version: ModelVersionRef) -> Output[str]:
    """Return the folder with the files of all versions beside this one."""
    return _folder(version.platform, ModelVersionAddress.of(version).group)


def read_version(version: ModelVersionRef, here: PlatformRef) -> list[Statement]:
    """Read the files of a version, or the folder of its model where the registry was not asked for them."""
    at, address, theirs = PlatformAddress.of(here), ModelVersionAddress.of(version), version.platform
    files: Sequence[Input[str]] = address.files or [_of_its_model(version)]
    used: Sequence[Input[str]] = address.keys or [PlatformAddress.of(theirs).key]
    return [
        *(right for uri in files for right in read_files(Place(uri), at)),
        *(allow(["kms:Decrypt"], key, through(at, "s3")) for key in used),
    ]


def pull_version(version: ModelVersionRef, here: PlatformRef) -> list[Statement]:
    """Pull the images that a version names; any of its platform where the registry was not asked for them."""
    images, theirs = ModelVersionAddress.of(version).images, PlatformAddress.of(version.platform)
    if not images:
        return pull_any(theirs)
    return [right for image in images for right in pull_image(Image(image), here)]


def later_versions(version: ModelVersionRef, here: PlatformRef) -> list[Statement]:
    """Allow what versions need that are deployed by somebody else: the folder of the model, the platform's images."""
    theirs = PlatformAddress.of(version.platform)
    return [*read_place(Place(_of_its_model(version)), here), *pull_any(theirs)]


def _versions(model: ModelRef) -> Late:
    group = ModelAddress.of(model).arn
    return Late(lambda known: package_arn(known, "*"), (group,))


def _look_up(model: ModelRef) -> list[Statement]:
    return [
        allow(["sagemaker:DescribeModelPackageGroup"], ModelAddress.of(model).arn),
        # What is listed are versions: IAM asks for the right on those, and not on their group.
        allow(["sagemaker:ListModelPackages", "sagemaker:DescribeModelPackage"], _versions(model)),
    ]


def _model_files(model: ModelRef) -> Place:
    address = ModelAddress.of(model)
    return Place(_folder(model.platform, address.name) if address.files is None else address.files)


def model_folder(model: ModelRef) -> Input[str]:
    """Return the folder with the files of a model's versions."""
    return _model_files(model).uri


def _files_key(model: ModelRef, at: PlatformAddress, actions: Sequence[str]) -> Statement:
    key = ModelAddress.of(model).files_key
    return allow(actions, at.key if key is None else key, through(at, "s3"))


def register(model: ModelRef, here: PlatformRef) -> list[Statement]:
    """Allow to make versions of a model, none of which is approved thereby."""
    at = PlatformAddress.of(here)
    files = _model_files(model)
    return [
        *_look_up(model),
        allow(
            ["sagemaker:CreateModelPackage"],
            [ModelAddress.of(model).arn, _versions(model)],
            {"StringNotEqualsIfExists": {"sagemaker:ModelApprovalStatus": "Approved"}},
        ),
        *read_files(files, at),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], Late(objects, (files.uri, at.partition))),
        _files_key(model, at, ["kms:Decrypt", "kms:GenerateDataKey"]),
    ]


_METADATA = "sagemaker:CustomerMetadataProperties"


def approval() -> Mapping[str, Any]:
    """Write the condition that an update says what becomes of a version, and takes nothing away that is known of it."""
    return {
        "StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected", "PendingManualApproval"]},
        "Null": {f"{_METADATA}ToRemove": "true"},
    }


def approve(model: ModelRef, _: PlatformRef) -> list[Statement]:
    """Allow to decide about the versions of a model, and to change nothing that its gate judges."""
    untouched = {f"{_METADATA}/{metric}": "true" for metric in sorted(model.gate)}
    condition = approval()
    condition = {**condition, "Null": {**condition["Null"], **untouched}}
    return [*_look_up(model), allow(["sagemaker:UpdateModelPackage"], _versions(model), condition)]


def keep_metrics(group: Input[str], metrics: Sequence[str]) -> list[Statement]:
    """Forbid to write what a gate judges; a statement for each metric, since conditions of one must all hold."""
    versions = Late(lambda known: package_arn(known, "*"), (group,))
    return [
        {
            **allow(["sagemaker:UpdateModelPackage"], versions, {"Null": {f"{_METADATA}/{metric}": "false"}}),
            "Effect": "Deny",
        }
        for metric in metrics
    ]


def approve_all(prefix: str, at: PlatformAddress) -> list[Statement]:
    """Allow to approve the versions of every model of a registry, and of no other whose name begins alike."""
    where = (at.partition, at.region, at.account)
    ours = {"StringEquals": {f"aws:ResourceTag/{REGISTRY}": prefix}}
    groups = arn(f"arn:{{0}}:sagemaker:{{1}}:{{2}}:model-package-group/{prefix}-*", *where)
    versions = arn(f"arn:{{0}}:sagemaker:{{1}}:{{2}}:model-package/{prefix}-*/*", *where)
    condition = approval()
    return [
        allow(["sagemaker:DescribeModelPackageGroup"], groups, ours),
        allow(["sagemaker:ListModelPackages", "sagemaker:DescribeModelPackage"], versions, ours),
        allow(
            ["sagemaker:UpdateModelPackage"],
            versions,
            {**condition, "StringEquals": {**condition["StringEquals"], **ours["StringEquals"]}},
        ),
    ]


def deploy(model: ModelRef, here: PlatformRef) -> list[Statement]:
    """Allow to make a version of a model ready to be served."""
    at = PlatformAddress.of(here)
    own = {"StringEquals": {f"aws:RequestTag/{model.platform.tag_prefix}project": model.platform.name}}
    return [
        *_look_up(model),
        allow(["sagemaker:CreateModel"], _versions(model)),
        # A Model's name is not known before it exists: the tag keeps it within the platform.
        allow(["sagemaker:CreateModel", "sagemaker:AddTags"], _any_model(at), own),
        *read_files(_model_files(model), at),
        _files_key(model, at, ["kms:Decrypt"]),
        *pull_any(at),
    ]


def _any_model(at: PlatformAddress) -> Late:
    return arn("arn:{0}:sagemaker:{1}:{2}:model/*", at.partition, at.region, at.account)
