"""Which key a file, a topic or a secret is encrypted with, where the program does not say: asked of AWS.

Whoever reads a thing needs the right to use its key. What these credentials may not look up has no answer, and a key of
AWS's own needs no right.
"""

from collections.abc import Callable
from typing import Any

from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private

_NO_ANSWER = (
    "403",
    "404",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "InvalidParameter",
    "NoSuchBucket",
    "NotFound",
    "ResourceNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
)


def of_file(platform: PlatformRef, uri: str) -> str | None:
    """Return the key of a file or folder, or else the one that its bucket has for what comes into it."""
    found = live.key_of(platform, uri)
    if found is not None or private.mocked():
        return found
    bucket = uri.removeprefix("s3://").partition("/")[0]
    rules = _asked(
        f"the encryption of bucket {bucket}",
        lambda: live.client(platform, "s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"],
    )
    for rule in (rules or {}).get("Rules", []):
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
        if key is not None:
            return _arn(platform, key)
    return None


def of_topic(platform: PlatformRef, topic: str) -> str | None:
    """Return the key of a topic."""
    if private.mocked():
        return None
    found = _asked(
        f"the key of {topic}",
        lambda: live.client(platform, "sns").get_topic_attributes(TopicArn=topic)["Attributes"],
    )
    return _arn(platform, (found or {}).get("KmsMasterKeyId"))


def secret(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Describe a secret by its ARN, its name or a part of its ARN; None where that is not answered."""
    if private.mocked():
        return None
    client = live.client(platform, "secretsmanager")
    found: dict[str, Any] | None = _asked(f"secret {name}", lambda: client.describe_secret(SecretId=name))
    return found


def of_secret(platform: PlatformRef, name: str, otherwise: str) -> str | None:
    """Return the key of a secret; ``otherwise`` where that is not answered."""
    found = secret(platform, name)
    return otherwise if found is None else _arn(platform, found.get("KmsKeyId"))


def _arn(platform: PlatformRef, key: str | None) -> str | None:
    if key is None or "alias/aws/" in key:
        return None
    found: str | None = _asked(f"key {key!r}", lambda: live.key_arn(platform, key))
    return found


def _asked(what: str, ask: Callable[[], Any]) -> Any:
    """Ask, and take a refusal as no answer."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 (only programs that ask pay for it)

    with asking(what):
        try:
            return ask()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _NO_ANSWER:
                return None
            raise
