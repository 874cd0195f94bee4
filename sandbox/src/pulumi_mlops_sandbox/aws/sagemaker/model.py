"""Models: CreateModel, DeleteModel.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

import re
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import invalid
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import MODEL, MODEL_PACKAGE

MAX_CONTAINERS = 15
_ANY_IMAGE = re.compile(r"^\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.")
_OWN_IMAGE = re.compile(rf"^{ACCOUNT}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)")


@own("sagemaker", "CreateModel")
def create(call: Call) -> dict[str, Any]:
    """Keep a new model after judging its containers."""
    params = call.params
    primary, containers = params.get("PrimaryContainer"), params.get("Containers")
    if (primary is None) == (not containers):
        raise invalid("Exactly one of PrimaryContainer and Containers must be given")
    every = [primary] if primary is not None else list(containers or [])
    if params.get("InferenceExecutionConfig", {}).get("Mode") == "Direct" and len(every) < 2:  # noqa: PLR2004 - said in the message
        raise invalid("InferenceExecutionConfig.Mode Direct needs at least two containers")
    hostnames = [container["ContainerHostname"] for container in every if "ContainerHostname" in container]
    if len(set(hostnames)) != len(hostnames):
        raise invalid("Every ContainerHostname must be unique within a model")
    for container in every:
        _check_container(call, container)
    references.require_role(params.get("ExecutionRoleArn"))
    references.require_network(call, params.get("VpcConfig"))
    record = call.plane.store.create(MODEL, call.region, call.params)
    record.setdefault("EnableNetworkIsolation", False)
    for container in every:
        container.setdefault("Mode", "SingleModel")
    return {"ModelArn": record["ModelArn"]}


@own("sagemaker", "DeleteModel")
def delete(call: Call) -> dict[str, Any]:
    """Delete a model; AWS does not mind that an endpoint configuration names it."""
    call.plane.store.delete(MODEL, call.region, call.params["ModelName"])
    return {}


def _check_container(call: Call, container: dict[str, Any]) -> None:
    image, package = container.get("Image"), container.get("ModelPackageName")
    if (image is None) == (package is None):
        raise invalid("A container needs exactly one of Image and ModelPackageName")
    if package is not None:
        found = call.plane.store.get(MODEL_PACKAGE, call.region, package)
        if found.get("ModelApprovalStatus") not in {None, "Approved"}:
            status = found["ModelApprovalStatus"]
            raise invalid(
                f"Cannot create a model from the model package {found['ModelPackageArn']}: "
                f"its approval status is {status}"
            )
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise invalid("ModelDataUrl and ModelDataSource exclude each other")
    references.require_bucket(container.get("ModelDataUrl"))
    references.require_bucket(container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri"))
    if container.get("Mode") == "MultiModel" and not str(container.get("ModelDataUrl", "/")).endswith("/"):
        raise invalid("The ModelDataUrl of a MultiModel container must be an S3 prefix that ends with a slash")
    _check_region(call, container, image)
    own_image = _OWN_IMAGE.match(image or "")
    if own_image is not None and own_image["name"] not in accounts.backend("ecr", own_image["region"]).repositories:
        raise invalid(f"Requested image {image} not found.")


def _check_region(call: Call, container: dict[str, Any], image: str | None) -> None:
    """Refuse an image, and files, of another region than the model's (API_ContainerDefinition, ModelDataUrl)."""
    of = _ANY_IMAGE.match(image or "")
    if of is not None and of["region"] != call.region:
        raise invalid(f"Image {image} must be in region {call.region}, where the model is created")
    for uri in (
        container.get("ModelDataUrl"),
        container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri"),
    ):
        where = accounts.bucket_region(uri)
        if where not in (None, call.region):
            raise invalid(f"The model data {uri} is in region {where}; it must be in {call.region}")
