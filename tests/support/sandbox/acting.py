"""The role of the tests' world: what it may do, and clients of whoever acts as it."""

import json
from typing import Any

import boto3

from support.sandbox.control_plane import ControlPlane

ACCOUNT, REGION = "123456789012", "us-east-1"
LOOK = {"Effect": "Allow", "Action": ["kms:ListAliases"], "Resource": "*"}


def give(plane: ControlPlane, *statements: dict[str, Any]) -> None:
    """Give the role these rights, and no other."""
    document = json.dumps({"Version": "2012-10-17", "Statement": [LOOK, *statements]})
    plane.client("iam").put_role_policy(RoleName="platform", PolicyName="rights", PolicyDocument=document)


def allow(action: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | ({"Condition": condition} if condition else {})


def acting(plane: ControlPlane, service: str, role: str) -> Any:
    """Return a client of whoever assumed the role."""
    found = plane.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    return boto3.client(  # type: ignore[call-overload,no-any-return]  # a plain name
        service,
        endpoint_url=plane.url,
        region_name=REGION,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )
