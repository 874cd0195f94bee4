"""Logs: retention, and keys of log groups."""

from typing import Any

from pulumi_mlops_sandbox.aws import accounts, policies
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import before, own

RETENTION = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}


@before("logs", "PutRetentionPolicy")
def check_retention(call: Call) -> None:
    """Refuse a number of days that Logs does not offer."""
    if call.params["retentionInDays"] not in RETENTION:
        allowed = ", ".join(str(days) for days in sorted(RETENTION))
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{call.params['retentionInDays']}' at 'retentionInDays' failed to "
            f"satisfy constraint: Member must satisfy enum value set: [{allowed}]",
        )


@before("logs", "CreateLogGroup")
def check_group_key(call: Call) -> None:
    """Refuse a key that Logs may not use."""
    _check_key(call, call.params.get("kmsKeyId"), call.params["logGroupName"])


@own("logs", "AssociateKmsKey")
def associate(call: Call) -> dict[str, Any]:
    """Give a log group a key."""
    group = _group(call)
    _check_key(call, call.params["kmsKeyId"], group.name)
    group.kms_key_id = call.params["kmsKeyId"]
    return {}


@own("logs", "DisassociateKmsKey")
def disassociate(call: Call) -> dict[str, Any]:
    """Take a log group's key away."""
    _group(call).kms_key_id = None
    return {}


def _group(call: Call) -> Any:
    name = call.params.get("logGroupName") or call.params.get("resourceIdentifier", "").split(":log-group:")[-1]
    found = accounts.backend("logs", call.region).groups.get(name)
    if found is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return found


def _check_key(call: Call, key: str | None, group: str) -> None:
    """Refuse a key that does not exist, or whose policy does not let the region's Logs service in."""
    if key is None:
        return
    allowed = accounts.key_exists(call.region, key)
    if allowed and key.startswith(f"arn:aws:kms:{call.region}:"):
        found = accounts.backend("kms", call.region).keys.get(key.split(":key/")[-1])
        statements = policies.parse(found.policy, "InvalidParameterException") if found is not None else []
        allowed = found is None or policies.names_service(statements, f"logs.{call.region}.amazonaws.com")
    if not allowed:
        raise AwsError(
            "InvalidParameterException",
            "The specified KMS key does not exist or is not allowed to be used with Arn "
            f"'{call.arn(f'log-group:{group}')}'",
        )
