"""ModelRegistry and Model on AWS."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output

from pulumi_mlops.backends.aws import access, live, model_rights, names, policy
from pulumi_mlops.backends.aws.addresses import (
    ModelAddress,
    ModelRegistryAddress,
    ModelVersionAddress,
    PlatformAddress,
    package_arn,
)
from pulumi_mlops.components.model import ModelRef, ModelSpec, ModelVersionRef, no_version
from pulumi_mlops.components.model_registry import ModelRegistryRef, ModelRegistrySpec
from pulumi_mlops.core import principals, private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.gates import missed
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import RECORD_OF_VERSION

_STATUS = {"approved": "Approved", "rejected": "Rejected", "pending": "PendingManualApproval"}
_PREFIX = 40  # leaves room for a model's name in the 63 characters of a group's


def prefix(project: str, stage: str, registry: str) -> str:
    """Return what the names of a registry's groups start with, and its event rule looks for."""
    return physical(project, stage, registry, limit=_PREFIX)


def model_registry(scope: Scope, spec: ModelRegistrySpec) -> ModelRegistryRef:
    """Make the rights of approvers and the rules that announce approvals. The groups come with the models."""
    start = prefix(scope.project, scope.stage, scope.name)
    native: dict[str, pulumi.Resource] = {}
    allowed = model_rights.approve_all(start, PlatformAddress.of(spec.platform))
    native |= access.let(scope, "approve", spec.platform, spec.approvers, allowed)
    for name, notice in spec.events.items():
        detail: dict[str, Any] = {
            "ModelPackageGroupName": [{"prefix": f"{start}-"}],
            "ModelApprovalStatus": [_STATUS[status] for status in notice.on],
        }
        rule = aws.cloudwatch.EventRule(
            scope.child(f"event-{name}"),
            name=names.of_stack(scope, scope.name, name),
            description=f"Approvals in registry {scope.name} for {name}",
            event_pattern=Output.json_dumps(
                {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"], "detail": detail}
            ),
            tags=scope.tags,
            opts=scope.opts,
        )
        aws.cloudwatch.EventTarget(
            scope.child(f"event-{name}-target"), rule=rule.name, target_id=name, arn=notice.to, opts=scope.opts
        )
        native[f"event.{name}"] = rule
    return ModelRegistryRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        approvers=principals.plain(spec.approvers),
        consumers=principals.plain(spec.readers),
        address=ModelRegistryAddress(prefix=start).plain(),
        native=native,
    )


def model_group_name(registry: ModelRegistryRef, name: str) -> str:
    """Name the group of a model."""
    return physical(ModelRegistryAddress.of(registry).prefix, name)


def model(scope: Scope, spec: ModelSpec) -> ModelRef:
    """Make the group, and let the consumers read and deploy its versions."""
    name = model_group_name(spec.registry, scope.name)
    platform = spec.registry.platform
    group = aws.sagemaker.ModelPackageGroup(
        scope.child("group"),
        model_package_group_name=name,
        model_package_group_description=spec.description,
        tags={**spec.metadata, **scope.tags, model_rights.REGISTRY: ModelRegistryAddress.of(spec.registry).prefix},
        opts=scope.guarded(spec.protect),
    )
    access.forbid(
        scope,
        "keep-metrics",
        platform,
        principals.read(spec.registry.approvers),
        model_rights.keep_metrics(group.arn, sorted(spec.gate)),
    )
    arn = names.as_made(scope, group.arn, group.model_package_group_name, name, "modelPackageGroupName")
    if spec.registry.consumers:
        where = PlatformAddress.of(platform)
        readers = {
            "AWS": [
                access.principal_arn(who, where.partition, where.account)
                for who in principals.read(spec.registry.consumers)
            ]
        }
        packages = group.arn.apply(lambda arn: package_arn(arn, "*"))
        statements = [
            {
                **policy.allow(["sagemaker:DescribeModelPackageGroup"], group.arn),
                "Sid": "ReadGroup",
                "Principal": readers,
            },
            {
                **policy.allow(
                    ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages", "sagemaker:CreateModel"], packages
                ),
                "Sid": "DeployVersions",
                "Principal": readers,
            },
        ]
        aws.sagemaker.ModelPackageGroupPolicy(
            scope.child("consumers"),
            model_package_group_name=group.model_package_group_name,
            resource_policy=policy.document(statements),
            opts=scope.opts,
        )
    return ModelRef(
        name=scope.name,
        backend="aws",
        platform=platform,
        gate=spec.gate,
        address=ModelAddress(group=name, arn=arn).plain(),
        native={"group": group},
    )


def approved(model: ModelRef) -> ModelVersionRef | None:
    """Return the newest approved version whose metadata pass the gate."""
    for package in live.approved_packages(model.platform, _group(model)):
        short = missed(model.gate, package.get("CustomerMetadataProperties", {}))
        if not short:
            return _version(model, package)
        pulumi.log.warn(
            f"Model {model.name!r}: version {package['ModelPackageVersion']} is approved but misses its gate "
            f"({'; '.join(short)}); looking at the one before"
        )
    return None


def version(model: ModelRef, number: int) -> ModelVersionRef:
    """Return one version, which has to be there: what it is made of is known to the registry alone."""
    package = live.package(model.platform, _group(model), number)
    if package is not None:
        return _version(model, package)
    if not private.mocked():
        raise no_version(model, number, f"group {ModelAddress.of(model).group!r}")
    arn = Output.from_input(ModelAddress.of(model).arn).apply(lambda arn: package_arn(arn, number))
    address = ModelVersionAddress(arn=arn, group=ModelAddress.of(model).name).plain()
    return ModelVersionRef(name=model.name, backend="aws", platform=model.platform, version=number, address=address)


def _group(model: ModelRef) -> str:
    """Return how a group is asked for: by its ARN where that is known, since it may be in another account."""
    address = ModelAddress.of(model)
    return address.arn if isinstance(address.arn, str) else address.group


def _version(model: ModelRef, package: dict[str, Any]) -> ModelVersionRef:
    containers: list[dict[str, Any]] = package.get("InferenceSpecification", {}).get("Containers", [])
    images = [container["Image"] for container in containers if "Image" in container]
    files = [uri for container in containers for uri in _files(container)]
    address = ModelAddress.of(model)
    named = address.files_key
    seen = {key for uri in files if named is None and (key := live.key_of(model.platform, uri))}
    only = containers[0] if len(containers) == 1 else {}
    return ModelVersionRef(
        name=model.name,
        backend="aws",
        platform=model.platform,
        version=package["ModelPackageVersion"],
        files=files[0] if only and len(files) == 1 else None,
        image=only.get("Image"),
        digest=only.get("ImageDigest"),
        flavour=only.get("Framework"),
        record=package.get("CustomerMetadataProperties", {}).get(RECORD_OF_VERSION),
        address=ModelVersionAddress(
            arn=package["ModelPackageArn"],
            group=address.name,
            images=images,
            files=files,
            keys=sorted(seen) if named is None else [named],
        ).plain(),
    )


def _files(container: dict[str, Any]) -> Iterator[str]:
    """Find where the files of a container are; a prefix is taken as a folder."""
    if "ModelDataUrl" in container:
        yield container["ModelDataUrl"]
    for source in ("ModelDataSource", "AdditionalS3DataSource"):
        data = container.get(source, {})
        data = data.get("S3DataSource", data)
        if uri := data.get("S3Uri"):
            yield uri if data.get("S3DataType") != "S3Prefix" or uri.endswith("/") else f"{uri}/"
