"""What SageMaker requires of the parts that a request names: roles, keys, buckets, networks."""

from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import invalid

PRINCIPAL = "sagemaker.amazonaws.com"
_NO_ROLE = (
    "Could not assume role {arn}. "
    "Please ensure that the role exists and allows principal '{principal}' to assume the role."
)
_NO_BUCKET = "The S3 bucket of {uri} does not exist or cannot be accessed"


def require_role(arn: str | None) -> None:
    """Refuse a role that is not there or does not trust SageMaker."""
    accounts.require_role(arn, PRINCIPAL, "ValidationException", _NO_ROLE)


def require_bucket(uri: str | None) -> None:
    """Refuse an address in a bucket that is not there."""
    accounts.require_bucket(uri, "ValidationException", _NO_BUCKET)


def require_key(call: Call, key: str | None) -> None:
    """Refuse a KMS key that is not there or about to be deleted."""
    if key is not None and not accounts.key_exists(call.region, key):
        raise invalid(f"The KMS key {key} does not exist or is not usable in this region")


def require_network(call: Call, config: dict[str, Any] | None) -> None:
    """Refuse subnets and security groups that are not there."""
    if config is None:
        return
    missing = accounts.missing_network(call.region, config.get("Subnets", []), config.get("SecurityGroupIds", []))
    if missing is not None:
        what = "subnet" if missing.startswith("subnet-") else "security group"
        raise invalid(f"The {what} ID '{missing}' does not exist")
