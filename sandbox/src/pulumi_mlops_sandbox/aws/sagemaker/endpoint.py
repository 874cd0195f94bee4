"""Endpoints: creation, updates with guardrails and rollback, weights and capacities, deletion.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

import copy
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import invalid
from pulumi_mlops_sandbox.aws.gaps import scaling
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import deployment
from pulumi_mlops_sandbox.aws.sagemaker.kinds import ENDPOINT, ENDPOINT_CONFIG, MODEL
from pulumi_mlops_sandbox.aws.steps import later, step
from pulumi_mlops_sandbox.aws.store import DELETED, Record, now

_UPDATE = "_update"  # what an update in progress will put in place
_VARIANTS = ("ProductionVariants", "ShadowProductionVariants")
_FROM_CONFIG = ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig")


@own("sagemaker", "CreateEndpoint")
def create(call: Call) -> dict[str, Any]:
    """Start a new endpoint."""
    config = call.plane.store.get(ENDPOINT_CONFIG, call.region, call.params["EndpointConfigName"])
    chosen = call.params.get("DeploymentConfig")
    if chosen:
        deployment.check(call, chosen, None, config)
    record = call.plane.store.create(ENDPOINT, call.region, call.params, EndpointStatus="Creating")
    record["LastDeploymentConfig"] = record.pop("DeploymentConfig", None)
    record |= _runtime(call, config)
    later(call.plane, record, "created")
    return {"EndpointArn": record["EndpointArn"]}


@step("Endpoint", "created")
def created(plane: Account, _region: str, record: Record) -> None:
    """Finish a creation, or fail where that was planned: nothing is started here that could fail by itself."""
    why = plane.faults.ending("sagemaker", "EndpointCreation")
    record["EndpointStatus"] = "InService" if why is None else "Failed"
    if why is not None:
        record["FailureReason"] = why
    record["LastModifiedTime"] = now()


@own("sagemaker", "UpdateEndpoint")
def update(call: Call) -> dict[str, Any]:
    """Start to roll an endpoint to another configuration."""
    params = call.params
    record = _at_rest(call, "update", ("InService", "UpdateRollbackFailed"))
    config = call.plane.store.get(ENDPOINT_CONFIG, call.region, params["EndpointConfigName"])
    retain, excluded = (
        params.get("RetainAllVariantProperties", False),
        params.get("ExcludeRetainedVariantProperties") or [],
    )
    if excluded and not retain:
        raise invalid("ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true")
    chosen = copy.deepcopy(params.get("DeploymentConfig"))
    if chosen is None and params.get("RetainDeploymentConfig"):
        chosen = record.get("LastDeploymentConfig")
    if chosen:
        old = call.plane.store.all(ENDPOINT_CONFIG, call.region).get(record["EndpointConfigName"])
        deployment.check(call, chosen, old or record, config)
    _refuse_scaled(
        call,
        record["EndpointName"],
        call.plane.store.all(ENDPOINT_CONFIG, call.region).get(record["EndpointConfigName"]),
        config,
    )
    target = _runtime(call, config)
    if retain:
        _retain(record, target, [item["VariantPropertyType"] for item in excluded])
    record[_UPDATE] = target | {"EndpointConfigName": config["EndpointConfigName"], "LastDeploymentConfig": chosen}
    moment = now()
    record["PendingDeploymentSummary"] = {
        "EndpointConfigName": config["EndpointConfigName"],
        "ProductionVariants": copy.deepcopy(target["ProductionVariants"]),
        "StartTime": moment,
    }
    record |= {"EndpointStatus": "Updating", "LastModifiedTime": moment}
    record.pop("FailureReason", None)
    later(call.plane, record, "updated")
    return {"EndpointArn": record["EndpointArn"]}


def _refuse_scaled(call: Call, name: str, old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    """Refuse to take away a variant that Application Auto Scaling moves, or to give it another instance type.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-delete.html
    """
    wanted = {variant["VariantName"]: variant.get("InstanceType") for variant in new["ProductionVariants"]}
    held = [
        variant["VariantName"]
        for variant in (old or {}).get("ProductionVariants", [])
        if wanted.get(variant["VariantName"]) != variant.get("InstanceType")
        and scaling.is_registered(call, f"endpoint/{name}/variant/{variant['VariantName']}")
    ]
    if held:
        raise invalid(
            f'The variant(s) "{", ".join(held)}" must be deregistered as scalable target with AutoScaling before they '
            "can be removed or have their instance type updated."
        )


@step("Endpoint", "updated")
def updated(plane: Account, region: str, record: Record) -> None:
    """Finish an update, or begin to roll it back if one of its alarms has gone off."""
    target = record[_UPDATE]
    alarms = accounts.backend("cloudwatch", region).alarms
    watched = deployment.alarm_names(target["LastDeploymentConfig"])
    ringing = [name for name in watched if name in alarms and alarms[name].state_value == "ALARM"]
    record["LastModifiedTime"] = now()
    record["LastDeploymentConfig"] = target["LastDeploymentConfig"]
    if ringing:
        record["EndpointStatus"] = "RollingBack"
        record["FailureReason"] = (
            f"One or more of the configured auto-rollback alarms are in ALARM state: {', '.join(ringing)}"
        )
        later(plane, record, "rolled_back")
        return
    for member in (*_VARIANTS, *_FROM_CONFIG, "DataCaptureConfig"):
        record.pop(member, None)
    record |= target | {"EndpointStatus": "InService"}
    del record[_UPDATE], record["PendingDeploymentSummary"]


@step("Endpoint", "rolled_back")
def rolled_back(_plane: Account, _region: str, record: Record) -> None:
    """Finish a rollback: in service again, with the configuration of before."""
    record |= {"EndpointStatus": "InService", "LastModifiedTime": now()}
    del record[_UPDATE], record["PendingDeploymentSummary"]


@own("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_weights(call: Call) -> dict[str, Any]:
    """Change weights and instance counts; this is also how autoscaling scales."""
    record = _at_rest(call, "update", ("InService",))
    variants = {variant["VariantName"]: variant for name in _VARIANTS for variant in record.get(name, [])}
    for wanted in call.params["DesiredWeightsAndCapacities"]:
        variant = variants.get(wanted["VariantName"])
        if variant is None:
            raise invalid(
                f'The variant name(s) "{wanted["VariantName"]}" is/are not present within endpoint configuration '
                f'"{record["EndpointConfigName"]}".'
            )
        if "DesiredInstanceCount" in wanted and "DesiredServerlessConfig" in variant:
            raise invalid(f"DesiredInstanceCount cannot be given for the serverless variant {wanted['VariantName']}")
    for wanted in call.params["DesiredWeightsAndCapacities"]:
        variant = variants[wanted["VariantName"]]
        variant |= {name: wanted[name] for name in ("DesiredWeight", "DesiredInstanceCount") if name in wanted}
        if "ServerlessUpdateConfig" in wanted:
            variant["DesiredServerlessConfig"] = variant["DesiredServerlessConfig"] | wanted["ServerlessUpdateConfig"]
    record |= {"EndpointStatus": "Updating", "LastModifiedTime": now()}
    later(call.plane, record, "scaled")
    return {"EndpointArn": record["EndpointArn"]}


@step("Endpoint", "scaled")
def scaled(_plane: Account, _region: str, record: Record) -> None:
    """Let what was desired become current."""
    for name in _VARIANTS:
        for variant in record.get(name, []):
            for member in ("Weight", "InstanceCount", "ServerlessConfig"):
                if f"Desired{member}" in variant:
                    variant[f"Current{member}"] = variant[f"Desired{member}"]
    record |= {"EndpointStatus": "InService", "LastModifiedTime": now()}


@own("sagemaker", "DeleteEndpoint")
def delete(call: Call) -> dict[str, Any]:
    """Start to delete an endpoint that is at rest."""
    record = _at_rest(call, "delete", ("InService", "Failed", "OutOfService", "UpdateRollbackFailed", "Deleting"))
    if record["EndpointStatus"] != "Deleting":
        record |= {"EndpointStatus": "Deleting", "LastModifiedTime": now()}
        later(call.plane, record, DELETED)
    return {}


def _at_rest(call: Call, verb: str, statuses: tuple[str, ...]) -> Record:
    record = call.plane.store.get(ENDPOINT, call.region, call.params["EndpointName"])
    if record["EndpointStatus"] not in statuses:
        raise invalid(f'Cannot {verb} endpoint "{record["EndpointArn"]}" in status {record["EndpointStatus"]}.')
    return record


def _runtime(call: Call, config: Record) -> Record:
    """Say what an endpoint looks like when it runs a configuration."""
    running: Record = {name: copy.deepcopy(config[name]) for name in _FROM_CONFIG if config.get(name)}
    for name in _VARIANTS:
        if config.get(name):
            running[name] = [_variant(call, variant) for variant in config[name]]
    capture = config.get("DataCaptureConfig")
    if capture:
        enabled = capture.get("EnableCapture", True)
        running["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return running


def _variant(call: Call, variant: Record) -> Record:
    running: Record = {"VariantName": variant["VariantName"], "DeployedImages": _images(call, variant)}
    weight = variant["InitialVariantWeight"]
    running |= {"CurrentWeight": weight, "DesiredWeight": weight}
    if "ServerlessConfig" in variant:
        config = variant["ServerlessConfig"]
        return running | {
            "CurrentServerlessConfig": dict(config),
            "DesiredServerlessConfig": dict(config),
            "CurrentInstanceCount": 0,
        }
    count = variant.get("InitialInstanceCount", 1)
    running |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    return running | {name: variant[name] for name in ("ManagedInstanceScaling", "RoutingConfig") if name in variant}


def _images(call: Call, variant: Record) -> list[Record]:
    model = call.plane.store.all(MODEL, call.region).get(variant.get("ModelName", ""))
    if model is None:
        return []
    containers = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model["Containers"]
    images = [container["Image"] for container in containers if "Image" in container]
    return [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now()} for image in images]


def _retain(record: Record, target: Record, excluded: list[str]) -> None:
    """Keep what was changed on the running variants since their configuration was written."""
    before = {variant["VariantName"]: variant for variant in record["ProductionVariants"]}
    for variant in target["ProductionVariants"]:
        known = before.get(variant["VariantName"], {})
        for property_, members in {
            "DesiredInstanceCount": ("DesiredInstanceCount", "CurrentInstanceCount"),
            "DesiredWeight": ("DesiredWeight", "CurrentWeight"),
        }.items():
            if property_ not in excluded:
                variant |= {name: known[name] for name in members if name in known and name in variant}
    if "DataCaptureConfig" not in excluded and "DataCaptureConfig" in record:
        target["DataCaptureConfig"] = copy.deepcopy(record["DataCaptureConfig"])
