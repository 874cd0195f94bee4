"""Endpoint configurations: CreateEndpointConfig, DeleteEndpointConfig.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
"""

from typing import Any

from pulumi_mlops.backends.aws.instances import LOCAL_DISK, family
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import invalid
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import ENDPOINT, ENDPOINT_CONFIG, MODEL

MEMORY_STEP = 1024
# What a serverless variant must not have (guide "serverless-endpoints", section "How it works", and the API page).
SERVERLESS_EXCLUDES = (
    "InitialInstanceCount",
    "InstanceType",
    "AcceleratorType",
    "VolumeSizeInGB",
    "ManagedInstanceScaling",
    "RoutingConfig",
    "EnableSSMAccess",
    "CoreDumpConfig",
)


@own("sagemaker", "CreateEndpointConfig")
def create(call: Call) -> dict[str, Any]:
    """Keep a new configuration after judging its variants and what they are combined with."""
    params = call.params
    production, shadow = params["ProductionVariants"], params.get("ShadowProductionVariants") or []
    every = [*production, *shadow]
    names = [variant["VariantName"] for variant in every]
    if len(set(names)) != len(names):
        raise invalid("Variant names must be unique within an endpoint configuration")
    if shadow and (len(production), len(shadow)) != (1, 1):
        raise invalid(
            "With ShadowProductionVariants there must be exactly one ProductionVariant and one ShadowProductionVariant"
        )
    for variant in every:
        _check_variant(call, variant)
    serverless = [variant for variant in every if "ServerlessConfig" in variant]
    if serverless:
        _check_serverless(params, every)
    elif params.get("KmsKeyId") and any(family(variant.get("InstanceType", "")) in LOCAL_DISK for variant in every):
        raise invalid("KmsKeyId cannot be given for instance types with local storage, which is always encrypted")
    _check_references(call)
    record = call.plane.store.create(ENDPOINT_CONFIG, call.region, call.params)
    for variant in [*record["ProductionVariants"], *record.get("ShadowProductionVariants", [])]:
        variant.setdefault("InitialVariantWeight", 1.0)
    record.setdefault("EnableNetworkIsolation", False)
    return {"EndpointConfigArn": record["EndpointConfigArn"]}


@own("sagemaker", "DeleteEndpointConfig")
def delete(call: Call) -> dict[str, Any]:
    """Delete a configuration, unless an endpoint is on its way to or from it."""
    name = call.params["EndpointConfigName"]
    for endpoint in call.plane.store.all(ENDPOINT, call.region).values():
        pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        moving = endpoint["EndpointStatus"] in {"Creating", "Updating", "RollingBack"}
        if moving and name in {endpoint["EndpointConfigName"], pending}:
            raise invalid(
                f"Cannot delete endpoint configuration {name}: "
                f"endpoint {endpoint['EndpointName']} is {endpoint['EndpointStatus']}"
            )
    call.plane.store.delete(ENDPOINT_CONFIG, call.region, name)
    return {}


def _check_variant(call: Call, variant: dict[str, Any]) -> None:
    name = variant["VariantName"]
    if "ModelName" in variant:
        call.plane.store.get(MODEL, call.region, variant["ModelName"])
    elif call.params.get("ExecutionRoleArn") is None:
        raise invalid(f"Variant {name} names no model, so ExecutionRoleArn is required for its inference components")
    if "ServerlessConfig" in variant:
        return
    if "InstanceType" not in variant and "InstancePools" not in variant:
        raise invalid(f"Variant {name} needs InstanceType, or a ServerlessConfig")
    if "InitialInstanceCount" not in variant:
        raise invalid(f"Variant {name} needs InitialInstanceCount, or a ServerlessConfig")
    scaling = variant.get("ManagedInstanceScaling") or {}
    low, high = scaling.get("MinInstanceCount"), scaling.get("MaxInstanceCount")
    if low is not None and high is not None and low > high:
        raise invalid(f"ManagedInstanceScaling of variant {name}: MinInstanceCount must not exceed MaxInstanceCount")


def _check_serverless(params: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    if len(variants) > 1:
        raise invalid("A serverless endpoint has exactly one variant, and no shadow variant")
    variant = variants[0]
    name, config = variant["VariantName"], variant["ServerlessConfig"]
    excluded = [member for member in SERVERLESS_EXCLUDES if member in variant]
    if excluded:
        raise invalid(f"Variant {name} has a ServerlessConfig, which excludes {', '.join(excluded)}")
    if config["MemorySizeInMB"] % MEMORY_STEP:
        raise invalid("ServerlessConfig.MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120 and 6144")
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise invalid("ServerlessConfig.ProvisionedConcurrency must not exceed MaxConcurrency")
    for member in ("AsyncInferenceConfig", "DataCaptureConfig", "KmsKeyId", "VpcConfig"):
        if params.get(member) and not (member == "DataCaptureConfig" and not params[member].get("EnableCapture", True)):
            raise invalid(f"{member} is not supported for serverless endpoints")


def _check_references(call: Call) -> None:
    params = call.params
    capture, asynchronous = params.get("DataCaptureConfig") or {}, params.get("AsyncInferenceConfig") or {}
    output = asynchronous.get("OutputConfig", {})
    for uri in (capture.get("DestinationS3Uri"), output.get("S3OutputPath"), output.get("S3FailurePath")):
        references.require_bucket(uri)
    for key in (params.get("KmsKeyId"), capture.get("KmsKeyId"), output.get("KmsKeyId")):
        references.require_key(call, key)
    references.require_role(params.get("ExecutionRoleArn"))
    references.require_network(call, params.get("VpcConfig"))
