"""Deployment guardrails: which DeploymentConfig fits which endpoint.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import invalid

CANARY = (1, 50)  # percent of the instances
LINEAR = (10, 50)
ROLLING = (5, 50)
_SIZES = {"CANARY": ("CanarySize", CANARY), "LINEAR": ("LinearStepSize", LINEAR)}


def check(call: Call, config: dict[str, Any], old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    """Refuse a deployment configuration that does not fit the endpoint's configurations."""
    variants = new["ProductionVariants"]
    if any("ServerlessConfig" in variant for variant in variants):
        raise invalid("DeploymentConfig is not supported for serverless endpoints")
    if old is not None and _names(old) != _names(new):
        raise invalid(
            "DeploymentConfig needs the same variant names in the current and in the new endpoint configuration"
        )
    policies = [name for name in ("BlueGreenUpdatePolicy", "RollingUpdatePolicy") if config.get(name)]
    if len(policies) != 1:
        raise invalid("DeploymentConfig needs exactly one of BlueGreenUpdatePolicy and RollingUpdatePolicy")
    count = sum(variant.get("InitialInstanceCount", 0) for variant in variants)
    if policies == ["BlueGreenUpdatePolicy"]:
        _check_routing(config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"], count)
    else:
        _check_rolling(config["RollingUpdatePolicy"], variants, count)
    missing = sorted(set(alarm_names(config)) - set(accounts.backend("cloudwatch", call.region).alarms))
    if missing:
        raise invalid(f"The alarms {missing} of AutoRollbackConfiguration do not exist")


def alarm_names(config: dict[str, Any] | None) -> list[str]:
    """Name the alarms that roll a deployment back."""
    alarms = ((config or {}).get("AutoRollbackConfiguration") or {}).get("Alarms") or []
    return [alarm["AlarmName"] for alarm in alarms]


def _check_routing(routing: dict[str, Any], count: int) -> None:
    kind = routing["Type"]
    for other, (member, _limits) in _SIZES.items():
        if other != kind and member in routing:
            raise invalid(f"{member} must not be given for traffic routing of type {kind}")
    if kind in _SIZES:
        member, limits = _SIZES[kind]
        if member not in routing:
            raise invalid(f"{member} is required for traffic routing of type {kind}")
        _check_size(member, routing[member], limits, count)


def _check_rolling(policy: dict[str, Any], variants: list[dict[str, Any]], count: int) -> None:
    if len(variants) > 1:
        raise invalid("RollingUpdatePolicy is not supported for endpoints with several variants")
    _check_size("MaximumBatchSize", policy["MaximumBatchSize"], ROLLING, count)
    if "RollbackMaximumBatchSize" in policy:
        _check_size("RollbackMaximumBatchSize", policy["RollbackMaximumBatchSize"], (ROLLING[0], 100), count)


def _check_size(member: str, size: dict[str, Any], limits: tuple[int, int], count: int) -> None:
    low, high = limits
    value = size["Value"]
    if size["Type"] == "CAPACITY_PERCENT":
        if not low <= value <= high:
            raise invalid(f"{member} must be between {low} and {high} percent of the capacity; {value} was given")
    elif count and value > max(1, count * high // 100):
        raise invalid(f"{member} must not exceed {high} percent of the {count} instances; {value} was given")


def _names(config: dict[str, Any]) -> set[str]:
    return {variant["VariantName"] for variant in config["ProductionVariants"]}
