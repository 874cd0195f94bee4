"""What else exists in the account: questions to moto's backends that several rules ask.

A name in another account cannot be looked up; it is taken as existing.
"""

import json
import re
from typing import Any

import moto.backends
from moto.core.base_backend import BackendDict

from pulumi_mlops_sandbox.aws.errors import AwsError

ACCOUNT = "123456789012"  # moto's, and therefore everybody's here
_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[^/]+)$")
_S3 = re.compile(r"^(?:s3|https)://(?P<bucket>[^/]+)")
_GLOBAL = {"s3", "iam", "budgets", "sts"}


def backend(service: str, region: str) -> Any:
    """Get moto's backend of a service, untyped as moto's attributes are."""
    backends: Any = moto.backends.get_backend(service)  # type: ignore[call-overload]  # a plain name
    return backends[ACCOUNT]["aws" if service in _GLOBAL else region]


def all_backends() -> list[Any]:
    """List moto's backends that anybody has used, a BackendDict for each service; moto has no public list of them."""
    return list(vars(BackendDict)["_instances"])


def role(arn: str) -> Any | None:
    """Find a role of this account by its ARN."""
    match = _ROLE.match(arn)
    if match is None or match["account"] != ACCOUNT:
        return None
    found = backend("iam", "aws").roles.values()
    return next((candidate for candidate in found if candidate.arn == arn), None)


def trusts(role_found: Any, principal: str) -> bool:
    """Say whether a role's trust policy lets a service assume it."""
    document = role_found.assume_role_policy_document
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        services = statement.get("Principal", {})
        named = services.get("Service", []) if isinstance(services, dict) else services
        if statement.get("Effect") == "Allow" and (principal in named or named == principal or "*" in named):
            return True
    return False


def require_role(arn: str | None, principal: str, code: str, message: str) -> None:
    """Refuse a role of this account that does not exist or cannot be assumed by the service."""
    if arn is None:
        return
    match = _ROLE.match(arn)
    if match is not None and match["account"] != ACCOUNT:
        return
    found = role(arn)
    if found is None or not trusts(found, principal):
        raise AwsError(code, message.format(arn=arn, principal=principal))


def key_exists(region: str, identity: str) -> bool:
    """Say whether a KMS key (id, ARN, alias or alias ARN) is there and usable."""
    kms = backend("kms", region)
    if identity.startswith("arn:") and f":{ACCOUNT}:" not in identity:
        return True
    if identity.startswith("alias/aws/") or ":alias/aws/" in identity:
        return True
    plain = identity.rsplit(":key/", maxsplit=1)[-1]
    if "alias/" in identity:
        found = kms.get_key_id_from_alias("alias/" + identity.split("alias/", 1)[1])
        if found is None:
            return False
        plain = found
    key = kms.keys.get(plain)
    return key is not None and key.key_state != "PendingDeletion"


def bucket_exists(uri: str) -> bool:
    """Say whether the bucket of an S3 address exists here; names of AWS's own buckets are believed."""
    match = _S3.match(uri)
    if match is None:
        return True
    name = match["bucket"]
    return name in backend("s3", "aws").buckets or name.startswith(("jumpstart-", "sagemaker-sample-", "aws-"))


def require_bucket(uri: str | None, code: str, message: str) -> None:
    """Refuse an S3 address whose bucket does not exist."""
    if uri is not None and not bucket_exists(uri):
        raise AwsError(code, message.format(uri=uri))


def bucket_region(uri: str | None) -> str | None:
    """Return the region of the bucket of an S3 address; None where it is not a bucket of this account."""
    name = (uri or "").removeprefix("s3://").partition("/")[0]
    found = backend("s3", "aws").buckets.get(name)
    return None if found is None else str(found.region_name)


def missing_network(region: str, subnets: list[str], groups: list[str]) -> str | None:
    """Name the first subnet or security group that does not exist."""
    if not subnets and not groups:
        return None
    ec2 = backend("ec2", region)
    known = {identity for zone in ec2.subnets.values() for identity in zone}
    known |= {identity for vpc in ec2.groups.values() for identity in vpc}
    return next((identity for identity in [*subnets, *groups] if identity not in known), None)


def session_role(access_key: str) -> Any | None:
    """Find the role that a caller has assumed; None for any other caller."""
    if not access_key.startswith("ASIA"):
        return None
    session = backend("sts", "aws").get_assumed_role_from_access_key(access_key)
    return None if session is None else role(session.role_arn)


def secret(region: str, identity: str) -> Any | None:
    """Find a secret by its name or ARN."""
    try:
        return backend("secretsmanager", region).secrets.get(identity)
    except KeyError:
        return None


def key_of_file(bucket: str, path: str) -> str | None:
    """Return the key of KMS that a file is encrypted with, or that its bucket has for what comes."""
    found = backend("s3", "aws").buckets.get(bucket)
    if found is None:
        return None
    there = found.keys.get(path)
    if there is not None and there.kms_key_id:
        return str(there.kms_key_id)
    encryption: Any = found.encryption or {}
    given = encryption.get("Rule") if there is None or there.encryption == "aws:kms" else None
    rule: Any = given[0] if isinstance(given, list) and given else given
    key = (rule.get("ApplyServerSideEncryptionByDefault") or {}).get("KMSMasterKeyID") if rule else None
    return None if key is None else str(key)


def key_of_topic(region: str, arn: str) -> str | None:
    """Return the key of KMS that a topic is encrypted with, where that is not AWS's own."""
    found = backend("sns", region).topics.get(arn)
    key = None if found is None else getattr(found, "kms_master_key_id", None)
    return None if not key or "alias/aws/" in str(key) else str(key)
