"""The model registry: groups, their policies, and the versions in them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

import copy
import json
from typing import Any

from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.events import announce
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import MODEL_PACKAGE, MODEL_PACKAGE_GROUP
from pulumi_mlops_sandbox.aws.store import TAGS, Record, listing, now

EVENT = "SageMaker Model Package State Change"
_POLICY, _NEXT = "_policy", "_next_version"
# What the event tells of a package, as the guide "automating-sagemaker-with-eventbridge" shows it.
_EVENT_MEMBERS = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "ModelApprovalStatus",
    "CustomerMetadataProperties",
)


@own("sagemaker", "CreateModelPackageGroup")
def create_group(call: Call) -> dict[str, Any]:
    """Keep a new group."""
    record = call.plane.store.create(MODEL_PACKAGE_GROUP, call.region, call.params, ModelPackageGroupStatus="Completed")
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


@own("sagemaker", "DeleteModelPackageGroup")
def delete_group(call: Call) -> dict[str, Any]:
    """Delete a group that holds no version."""
    name = call.params["ModelPackageGroupName"]
    group = call.plane.store.get(MODEL_PACKAGE_GROUP, call.region, name)
    if _versions(call, group["ModelPackageGroupName"]):
        raise AwsError(
            "ConflictException",
            "Model Package Group cannot be deleted because it still contains Model Packages: "
            f"{group['ModelPackageGroupArn']}",
        )
    call.plane.store.delete(MODEL_PACKAGE_GROUP, call.region, name)
    return {}


@own("sagemaker", "PutModelPackageGroupPolicy")
def put_policy(call: Call) -> dict[str, Any]:
    """Keep a group's resource policy."""
    group = call.plane.store.get(MODEL_PACKAGE_GROUP, call.region, call.params["ModelPackageGroupName"])
    _check_policy(call.params["ResourcePolicy"])
    group[_POLICY] = call.params["ResourcePolicy"]
    return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}


@own("sagemaker", "GetModelPackageGroupPolicy", "DeleteModelPackageGroupPolicy")
def get_or_delete_policy(call: Call) -> dict[str, Any]:
    """Read or remove a group's resource policy."""
    group = call.plane.store.get(MODEL_PACKAGE_GROUP, call.region, call.params["ModelPackageGroupName"])
    if _POLICY not in group:
        raise invalid(f"Cannot find resource policy for model package group {group['ModelPackageGroupArn']}")
    if call.operation.startswith("Get"):
        return {"ResourcePolicy": group[_POLICY]}
    del group[_POLICY]
    return {}


@own("sagemaker", "CreateModelPackage")
def create_package(call: Call) -> dict[str, Any]:
    """Register a version in a group, or a package of its own name."""
    params = call.params
    group_name, name = params.get("ModelPackageGroupName"), params.get("ModelPackageName")
    if (group_name is None) == (name is None):
        raise invalid("Exactly one of ModelPackageName and ModelPackageGroupName must be given")
    _check_containers(params.get("InferenceSpecification"))
    for metrics in (params.get("ModelMetrics") or {}).values():
        for part in metrics.values():
            references.require_bucket(part.get("S3Uri"))
    members: dict[str, Any] = {
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "ModelApprovalStatus": params.get("ModelApprovalStatus", "PendingManualApproval") if group_name else None,
    }
    identity = name
    if group_name is not None:
        group = call.plane.store.get(MODEL_PACKAGE_GROUP, call.region, group_name)
        if params.get("Tags"):
            raise invalid("Tags cannot be given for a versioned model package; tag its group")
        plain, version = group["ModelPackageGroupName"], group.get(_NEXT, 1)
        group[_NEXT] = version + 1
        identity = f"{plain}/{version}"
        members |= {"ModelPackageGroupName": plain, "ModelPackageVersion": version, "ModelPackageName": identity}
    record = call.plane.store.create(MODEL_PACKAGE, call.region, call.params, identity, **members)
    if group_name is not None:
        _announce(call, record)
    return {"ModelPackageArn": record["ModelPackageArn"]}


@own("sagemaker", "UpdateModelPackage")
def update_package(call: Call) -> dict[str, Any]:
    """Change a version's approval, stage or metadata, and tell EventBridge."""
    params = copy.deepcopy(call.params)
    record = call.plane.store.get(MODEL_PACKAGE, call.region, params.pop("ModelPackageArn"))
    before = record.get("ModelApprovalStatus")
    if params.get("ModelApprovalStatus") and "ModelPackageVersion" not in record:
        raise invalid("ModelApprovalStatus can be changed for versioned model packages only")
    metadata = record.setdefault("CustomerMetadataProperties", {}) | params.pop("CustomerMetadataProperties", {})
    for key in params.pop("CustomerMetadataPropertiesToRemove", []):
        metadata.pop(key, None)
    added = params.pop("AdditionalInferenceSpecificationsToAdd", [])
    params.pop("ClientToken", None)
    record |= params
    record["CustomerMetadataProperties"] = metadata
    if added:
        record["AdditionalInferenceSpecifications"] = [*record.get("AdditionalInferenceSpecifications", []), *added]
    record["LastModifiedTime"] = now()
    if before != record.get("ModelApprovalStatus") or "ModelLifeCycle" in params:
        _announce(call, record)
    return {"ModelPackageArn": record["ModelPackageArn"]}


@own("sagemaker", "DeleteModelPackage")
def delete_package(call: Call) -> dict[str, Any]:
    """Delete a version; its number is never given again."""
    call.plane.store.delete(MODEL_PACKAGE, call.region, call.params["ModelPackageName"])
    return {}


@own("sagemaker", "ListModelPackages")
def list_packages(call: Call) -> dict[str, Any]:
    """List the versions of a group, or the packages of their own name."""
    group_name = call.params.get("ModelPackageGroupName")
    if group_name is None:
        versioned = call.params.get("ModelPackageType", "Unversioned")
        every = call.plane.store.all(MODEL_PACKAGE, call.region).values()
        wanted = {"Versioned": (True,), "Unversioned": (False,), "Both": (True, False)}[versioned]
        chosen = [record for record in every if ("ModelPackageVersion" in record) in wanted]
        return listing(MODEL_PACKAGE, call.params, chosen)
    group = call.plane.store.get(MODEL_PACKAGE_GROUP, call.region, group_name)
    return listing(MODEL_PACKAGE, call.params, _versions(call, group["ModelPackageGroupName"]))


@own("sagemaker", "BatchDescribeModelPackage")
def batch_describe(call: Call) -> dict[str, Any]:
    """Describe several versions at once."""
    found: dict[str, Any] = {}
    failed: dict[str, Any] = {}
    for arn in call.params["ModelPackageArnList"]:
        try:
            found[arn] = call.plane.store.get(MODEL_PACKAGE, call.region, arn)
        except AwsError as error:
            failed[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}


def _versions(call: Call, group_name: str) -> list[Record]:
    every = call.plane.store.all(MODEL_PACKAGE, call.region).values()
    return [record for record in every if record.get("ModelPackageGroupName") == group_name]


def _check_containers(specification: dict[str, Any] | None) -> None:
    for container in (specification or {}).get("Containers", []):
        references.require_bucket(container.get("ModelDataUrl"))
        references.require_bucket(container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri"))


def _check_policy(text: str) -> None:
    try:
        document = json.loads(text)
    except ValueError:
        raise invalid("The resource policy is not valid JSON") from None
    if not isinstance(document, dict) or not document.get("Statement"):
        raise invalid("The resource policy has no Statement")
    for statement in document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]:
        lacking = [name for name in ("Effect", "Principal", "Action", "Resource") if name not in statement]
        if lacking:
            raise invalid(f"A statement of the resource policy lacks {', '.join(lacking)}")


def _announce(call: Call, record: Record) -> None:
    """Put the event on the default bus, as SageMaker does."""
    detail = {name: record[name] for name in _EVENT_MEMBERS if record.get(name) is not None}
    detail |= {
        "CreationTime": record["CreationTime"],
        "Tags": {tag["Key"]: tag["Value"] for tag in record[TAGS]},
    }
    announce(call.region, EVENT, detail, [record["ModelPackageArn"]])
