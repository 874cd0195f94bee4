"""Buckets: versioned, encrypted, closed to the public, by TLS only, with what becomes of old files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws.policy import Statement, document
from pulumi_mlops.core.component import Scope

PREFIX = 34  # what is left of S3's 63 characters beside account and region


def name(scope: Scope, word: str, account: Input[str], region: Input[str]) -> Output[str]:
    """Name a bucket as nobody else in the world does."""
    return Output.format("{0}-{1}-{2}", scope.physical(word, limit=PREFIX), account, region)


def superseded(days: int) -> Mapping[str, Any]:
    """Write the rule by which what was overwritten or deleted can be restored for some days."""
    return {
        "id": "superseded",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": days},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
    }


def closed(
    scope: Scope,
    part: str,
    named: Input[str],
    key: Input[str],
    *,
    rules: Sequence[Mapping[str, Any]],
    policy: Callable[["aws.s3.Bucket"], Sequence[Statement]],
    protect: bool | None = None,
    tags: Mapping[str, str] | None = None,
) -> "aws.s3.Bucket":
    """Make a bucket.

    :param part: names it in the program.
    :param rules: its lifecycle.
    :param policy: what its policy says besides that it takes TLS only.
    :param protect: whether it is protected, and never emptied; as the stage says unless told.
    :param tags: tags besides those of the component.
    """
    kept = scope.profile.protect if protect is None else protect
    bucket = aws.s3.Bucket(
        scope.child(part),
        bucket=named,
        force_destroy=not kept,
        tags={**scope.tags, **(tags or {})},
        opts=scope.guarded(protect),
    )
    aws.s3.BucketOwnershipControls(
        scope.child("owner"), bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=scope.opts
    )
    shut = aws.s3.BucketPublicAccessBlock(
        scope.child("closed"),
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=scope.opts,
    )
    versioning = aws.s3.BucketVersioning(
        scope.child("versions"), bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=scope.opts
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        scope.child("encryption"),
        bucket=bucket.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
                "bucket_key_enabled": True,
            }
        ],
        opts=scope.opts,
    )
    written: Any = [dict(rule) for rule in rules]
    aws.s3.BucketLifecycleConfiguration(
        scope.child("lifecycle"),
        bucket=bucket.bucket,
        rules=written,
        opts=pulumi.ResourceOptions.merge(scope.opts, pulumi.ResourceOptions(depends_on=[versioning])),
    )
    everything = [bucket.arn, Output.format("{0}/*", bucket.arn)]
    tls_only: Statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": everything,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    aws.s3.BucketPolicy(
        scope.child("policy"),
        bucket=bucket.bucket,
        policy=document([tls_only, *policy(bucket)]),
        opts=pulumi.ResourceOptions.merge(scope.opts, pulumi.ResourceOptions(depends_on=[shut])),
    )
    return bucket
