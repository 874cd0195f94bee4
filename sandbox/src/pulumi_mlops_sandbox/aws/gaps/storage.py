"""S3 and Glue: the defaults of a new bucket, bucket names, bucket policies, database names.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

import re
from collections.abc import Iterator
from typing import Any

from moto.s3.models import PublicAccessBlock

from pulumi_mlops_sandbox.aws import accounts, policies
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import after, before, own

_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_ADDRESS = re.compile(r"^\d+\.\d+\.\d+\.\d+$")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_ENFORCED = "BucketOwnerEnforced"


def _bucket(call: Call) -> Any | None:
    return accounts.backend("s3", "aws").buckets.get(call.params["Bucket"])


def _default_encryption() -> dict[str, Any]:
    algorithm = {"SSEAlgorithm": "AES256"}
    return {"Rule": {"ApplyServerSideEncryptionByDefault": algorithm, "BucketKeyEnabled": "false"}}


@before("s3", "CreateBucket")
def check_name(call: Call) -> None:
    """Refuse names against the rules, and access control lists that a new bucket does not have."""
    name = call.params["Bucket"]
    wrong = not _NAME.match(name) or ".." in name or _ADDRESS.match(name)
    if wrong or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400)
    lists = call.params.get("ACL", "private") != "private"
    if lists and call.params.get("ObjectOwnership", _ENFORCED) == _ENFORCED:
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            f"Bucket cannot have ACLs set with ObjectOwnership's {_ENFORCED} setting",
            400,
        )
    call.notes["existed"] = _bucket(call) is not None


@after("s3", "CreateBucket")
def set_defaults(call: Call) -> None:
    """Give a new bucket what AWS gives it: encryption, no public access, its owner's objects."""
    bucket = _bucket(call)
    if bucket is not None and not call.notes["existed"]:
        bucket.encryption = bucket.encryption or _default_encryption()
        bucket.public_access_block = bucket.public_access_block or PublicAccessBlock(True, True, True, True)
        bucket.ownership_rule = bucket.ownership_rule or _ENFORCED


@after("s3", "DeleteBucketEncryption")
def reset_encryption(call: Call) -> None:
    """Fall back to S3's own keys: a bucket is never without encryption."""
    bucket = _bucket(call)
    if bucket is not None:
        bucket.encryption = _default_encryption()


@before("s3", "PutBucketAcl")
def check_acl(call: Call) -> None:
    """Refuse access control lists where the owner is enforced."""
    bucket = _bucket(call)
    if bucket is not None and bucket.ownership_rule == _ENFORCED and call.params.get("ACL", "private") != "private":
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


@before("s3", "PutBucketPolicy")
def check_policy(call: Call) -> None:
    """Refuse a malformed policy, one about other buckets, and a public one where that is blocked."""
    bucket, name = _bucket(call), call.params["Bucket"]
    if bucket is None:
        return
    text = call.params["Policy"]
    statements = policies.parse(text, "MalformedPolicy", needs=("Principal", "Resource"))
    for statement in statements:
        for resource in policies.as_list(statement.get("Resource", statement.get("NotResource"))):
            path = str(resource).split(":::", 1)[-1]
            if not re.match(r"^arn:aws[a-z-]*:s3:::", str(resource)) or path.split("/")[0] != name:
                raise AwsError("MalformedPolicy", "Policy has invalid resource", 400)
    block = bucket.public_access_block
    if block is not None and block.block_public_policy and policies.is_public(statements):
        raise AwsError("AccessDenied", "Access Denied: the policy is public and BlockPublicPolicy is on", 403)


@own("s3", "GetBucketNotificationConfiguration")
def get_notifications(call: Call) -> dict[str, Any] | None:
    """Say that EventBridge is told, which moto keeps but does not return."""
    found = getattr(_bucket(call), "notification_configuration", None)
    if found is None or found.event_bridge is None or found.topic or found.queue or found.cloud_function:
        return None
    return {"EventBridgeConfiguration": {}}


@before("s3", "PutBucketLifecycleConfiguration")
def check_lifecycle(call: Call) -> None:
    """Refuse doubled rule ids and days that are not positive."""
    rules = call.params.get("LifecycleConfiguration", {}).get("Rules", [])
    identities = [rule["ID"] for rule in rules if "ID" in rule]
    if len(set(identities)) != len(identities):
        raise AwsError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule", 400)
    for rule in rules:
        if rule.get("Expiration", {}).get("Days", 1) < 1:
            raise AwsError("InvalidArgument", "'Days' for Expiration action must be a positive integer", 400)


@after("glue", "CreateDatabase")
def fold_name(call: Call) -> None:
    """Keep the name in lower case, as Glue does for Hive's sake."""
    name = call.params["DatabaseInput"]["Name"]
    databases = accounts.backend("glue", call.region).databases
    if name != name.lower() and name in databases:
        database = databases.pop(name)
        database.name = database.input["Name"] = name.lower()
        databases[name.lower()] = database


_PROJECTED = ("enum", "integer", "date", "injected")
_WHOLE_DAYS = ("yyyy-MM-dd", "yyyyMMdd", "yyyy-MM", "yyyyMM")
"""Formats of dates whose steps Athena knows by itself."""


@before("glue", "CreateTable", "UpdateTable")
def check_projection(call: Call) -> None:
    """Refuse a projection of partitions that Athena would refuse with the first query: Glue itself takes any.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
    """
    table = call.params["TableInput"]
    said = table.get("Parameters") or {}
    if said.get("projection.enabled") != "true":
        return
    template = said.get("storage.location.template")
    for key in (found["Name"] for found in table.get("PartitionKeys") or []):
        for problem in _projected(key, said):
            raise AwsError("InvalidInputException", f"projection.{key}: {problem}", 400)
        if template is not None and f"${{{key}}}" not in template:
            told = f"storage.location.template has no ${{{key}}}"
            raise AwsError("InvalidInputException", told, 400)
    if template is not None and not (template.startswith("s3://") and template.endswith("/")):
        raise AwsError("InvalidInputException", "storage.location.template is no folder of S3 that ends in /", 400)


def _projected(key: str, said: dict[str, str]) -> Iterator[str]:
    """Say what is missing of the projection of one partition key."""
    kind = said.get(f"projection.{key}.type")
    if kind not in _PROJECTED:
        yield f"type is {kind!r}; it is one of {', '.join(_PROJECTED)}"
    elif kind == "enum" and not said.get(f"projection.{key}.values"):
        yield "an enum has values"
    elif kind in ("integer", "date") and said.get(f"projection.{key}.range", "").count(",") != 1:
        yield "range is two values with a comma between them"
    elif kind == "date":
        form = said.get(f"projection.{key}.format")
        if not form:
            yield "a date has a format"
        elif form not in _WHOLE_DAYS and not said.get(f"projection.{key}.interval.unit"):
            yield f"interval.unit is required, since {form} is neither of days nor of months"
