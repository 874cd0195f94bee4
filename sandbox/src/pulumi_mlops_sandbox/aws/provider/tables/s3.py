"""S3: the bucket, and the resources that each set one thing on it."""

from typing import Any

from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws.provider import failures
from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, Values

ABSENT = ("NoSuchBucket", "404", "NotFound")
OWN = "use the resource of its own: the classic property is deprecated"
_MOST_KEYS = 1000  # of one call
HOSTED_ZONES = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-west-2": "Z3BJ6K6RIION7M",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-central-1": "Z21DNDUVLTQW6Q",
}


class BucketKind(RowKind):
    """A bucket: its tags are one document, and it may be emptied before it is deleted."""

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Name the region, which S3 wants everywhere but in the first one."""
        return (
            {}
            if scope["region"] == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": scope["region"]}}
        )

    def fetch_tags(self, scope: Values) -> dict[str, str]:
        """Read the document of tags."""
        try:
            found = self.invoke("get_bucket_tagging", scope, Bucket=scope["id"])["TagSet"]
        except ClientError as error:
            if failures.matches(error, ("NoSuchTagSet",)):
                return {}
            raise
        return {item["Key"]: item["Value"] for item in found}

    def retag(self, scope: Values, before: Any, after: Any) -> None:
        """Write the document of tags anew."""
        if not after:
            self.invoke("delete_bucket_tagging", scope, Bucket=scope["id"])
            return
        tags = [{"Key": key, "Value": item} for key, item in after.items()]
        self.invoke("put_bucket_tagging", scope, Bucket=scope["id"], Tagging={"TagSet": tags})

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Add the addresses of the bucket."""
        region = state.get("bucketRegion") or inputs.get("region") or self.session.region
        name = state["bucket"]
        return {
            **state,
            "bucketRegion": region,
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "hostedZoneId": HOSTED_ZONES.get(region),
        }

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Empty the bucket where the program says so."""
        if not inputs.get("forceDestroy"):
            return
        keys = _versions(self, scope, object_id)
        for start in range(0, len(keys), _MOST_KEYS):
            batch = {"Objects": keys[start : start + _MOST_KEYS], "Quiet": True}
            self.ask("delete_objects", scope, Bucket=object_id, Delete=batch)


def _versions(kind: RowKind, scope: Values, bucket: str, prefix: str = "") -> list[dict[str, str]]:
    """List each version and each marker of a bucket."""
    page = kind.listed("list_object_versions", scope, Bucket=bucket, Prefix=prefix)
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]


class ObjectKind(RowKind):
    """An object, which goes with all that it ever was, as the real provider has it: a marker would keep the bucket."""

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Delete its versions; one of a bucket without them is called null."""
        bucket, _, key = object_id.partition("/")
        for version in _versions(self, scope, bucket, key):
            if version["Key"] == key:
                self.ask("delete_object", scope, Bucket=bucket, **version)


class NotificationKind(RowKind):
    """A bucket's notifications, where EventBridge is a member that is there or not."""

    def settings(self, values: Values) -> Values:
        """Return the switch for EventBridge."""
        return {"NotificationConfiguration": {"EventBridgeConfiguration": {}} if values.get("eventbridge") else {}}

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Send the switch with the rest."""
        return self.settings(inputs)

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Write the whole document anew."""
        self.call(self.row.create, {**news, "bucket": object_id}, scope, self.settings(news))

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Read the switch."""
        data = self.invoke(
            "get_bucket_notification_configuration", {"region": inputs.get("region")}, Bucket=state["bucket"]
        )
        lists = {name: state.get(name) or None for name in ("lambdaFunctions", "queues", "topics")}
        return {**state, **lists, "eventbridge": "EventBridgeConfiguration" in data}

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Write an empty document."""
        self.invoke("put_bucket_notification_configuration", scope, Bucket=object_id, NotificationConfiguration={})


def _setting(
    token: str, put: Call, get: Get, delete: Call | None, on: tuple[str, ...], *absent: str, **more: Any
) -> Row:
    """Make the row of a resource that sets one thing on a bucket."""
    return Row(
        resource=f"aws:s3/{token}",
        service="s3",
        id="{bucket}",
        create=put,
        reads=(get,),
        delete=delete,
        parts=(Part(put, on=on),),
        absent=(*ABSENT, *absent),
        replace=("bucket",),
        identity=("bucket",),
        **more,
    )


AT = {"Bucket": "{bucket}"}
OBJECT = {"Bucket": "{bucket}", "Key": "{key}"}
COPY = Call(
    "copy_object",
    {**OBJECT, "CopySource": "{source}"},
    rename={"kmsKeyId": "SSEKMSKeyId"},
    only=("kmsKeyId", "serverSideEncryption", "taggingDirective"),
)
WRITE = Call(
    "put_object",
    OBJECT,
    rename={"content": "Body", "kmsKeyId": "SSEKMSKeyId"},
    only=("content", "contentType", "kmsKeyId", "serverSideEncryption"),
)
GET = {"Bucket": "{id}"}
_NOT_COPIED = (
    "acl",
    "bucketKeyEnabled",
    "cacheControl",
    "checksumAlgorithm",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "copyIfMatch",
    "copyIfModifiedSince",
    "copyIfNoneMatch",
    "copyIfUnmodifiedSince",
    "customerAlgorithm",
    "customerKey",
    "customerKeyMd5",
    "expectedBucketOwner",
    "expectedSourceBucketOwner",
    "expires",
    "forceDestroy",
    "grants",
    "kmsEncryptionContext",
    "metadata",
    "metadataDirective",
    "objectLockLegalHoldStatus",
    "objectLockMode",
    "objectLockRetainUntilDate",
    "overrideProvider",
    "requestPayer",
    "sourceCustomerAlgorithm",
    "sourceCustomerKey",
    "sourceCustomerKeyMd5",
    "storageClass",
    "tags",
    "websiteRedirect",
)
"""What a copy may be told beside where from, where to, and the key; the sandbox carries none of it."""
_NOT_WRITTEN = (
    "acl",
    "bucketKeyEnabled",
    "cacheControl",
    "checksumAlgorithm",
    "contentBase64",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "etag",
    "forceDestroy",
    "metadata",
    "objectLockLegalHoldStatus",
    "objectLockMode",
    "objectLockRetainUntilDate",
    "overrideProvider",
    "source",
    "sourceHash",
    "storageClass",
    "tags",
    "websiteRedirect",
)
"""What a text may be told beside its content, where to, and the key."""
FUNCTION = "lambdaFunctions"
ROWS = (
    Row(
        resource="aws:s3/bucket:Bucket",
        service="s3",
        id="{bucket}",
        name=AutoName("bucket", limit=63, lower=True, prefix="bucketPrefix"),
        create=Call(
            "create_bucket", AT, rename={"objectLockEnabled": "ObjectLockEnabledForBucket"}, only=("objectLockEnabled",)
        ),
        reads=(Get("head_bucket", GET, only=("bucketRegion",)),),
        outputs={"bucket": "{id}", "arn": "arn:{partition}:s3:::{id}"},
        delete=Call("delete_bucket", GET),
        absent=ABSENT,
        tags=TagApi(ident="Bucket", at_create=""),
        replace=("bucket", "bucketPrefix", "objectLockEnabled"),
        identity=("bucket",),
        local=("forceDestroy",),
        defaults={"forceDestroy": False},
        refused={
            **dict.fromkeys(
                (
                    "accelerationStatus",
                    "acl",
                    "corsRules",
                    "grants",
                    "lifecycleRules",
                    "logging",
                    "objectLockConfiguration",
                    "policy",
                    "replicationConfiguration",
                    "requestPayer",
                    "serverSideEncryptionConfiguration",
                    "versioning",
                    "website",
                ),
                OWN,
            ),
            "bucketNamespace": "account-regional namespaces are not in the table",
        },
        kind=BucketKind,
    ),
    _setting(
        "bucketVersioning:BucketVersioning",
        Call("put_bucket_versioning", AT, only=("versioningConfiguration", "mfa", "expectedBucketOwner")),
        Get(
            "get_bucket_versioning",
            GET,
            into="versioningConfiguration",
            rename={"versioningConfiguration.mfaDelete": "MFADelete"},
        ),
        Call("put_bucket_versioning", {**GET, "VersioningConfiguration": {"Status": "Suspended"}}),
        ("versioningConfiguration", "mfa"),
        outputs={"bucket": "{id}"},
        sensitive=("mfa",),
        local=("expectedBucketOwner",),
    ),
    _setting(
        "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        Call(
            "put_bucket_encryption",
            AT,
            at="ServerSideEncryptionConfiguration",
            only=("rules",),
            rename={"rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID"},
        ),
        Get(
            "get_bucket_encryption",
            GET,
            at="ServerSideEncryptionConfiguration",
            rename={"rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID"},
        ),
        Call("delete_bucket_encryption", GET),
        ("rules",),
        "ServerSideEncryptionConfigurationNotFoundError",
        outputs={"bucket": "{id}"},
        refused={"expectedBucketOwner": "deprecated in the real provider"},
    ),
    _setting(
        "bucketPublicAccessBlock:BucketPublicAccessBlock",
        Call(
            "put_public_access_block",
            AT,
            at="PublicAccessBlockConfiguration",
            only=("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
        ),
        Get("get_public_access_block", GET, at="PublicAccessBlockConfiguration"),
        Call("delete_public_access_block", GET),
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
        "NoSuchPublicAccessBlockConfiguration",
        outputs={"bucket": "{id}"},
        refused={"skipDestroy": "the stand-in always removes what it made"},
    ),
    _setting(
        "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        Call(
            "put_bucket_lifecycle_configuration",
            AT,
            at="LifecycleConfiguration",
            only=("rules",),
            rename={"rules.id": "ID"},
        ),
        Get("get_bucket_lifecycle_configuration", GET, only=("rules",), rename={"rules.id": "ID"}),
        Call("delete_bucket_lifecycle", GET),
        ("rules",),
        "NoSuchLifecycleConfiguration",
        outputs={"bucket": "{id}"},
        refused={
            "expectedBucketOwner": "deprecated in the real provider",
            "transitionDefaultMinimumObjectSize": "not in the table",
        },
    ),
    _setting(
        "bucketPolicy:BucketPolicy",
        Call("put_bucket_policy", AT, only=("policy",)),
        Get("get_bucket_policy", GET),
        Call("delete_bucket_policy", GET),
        ("policy",),
        "NoSuchBucketPolicy",
        outputs={"bucket": "{id}"},
        retry=("MalformedPolicy:Invalid principal",),
    ),
    _setting(
        "bucketOwnershipControls:BucketOwnershipControls",
        Call("put_bucket_ownership_controls", AT, at="OwnershipControls", only=("rule",)),
        Get("get_bucket_ownership_controls", GET, at="OwnershipControls", only=("rule",)),
        Call("delete_bucket_ownership_controls", GET),
        ("rule",),
        "OwnershipControlsNotFoundError",
        outputs={"bucket": "{id}"},
    ),
    Row(
        resource="aws:s3/objectCopy:ObjectCopy",
        service="s3",
        kind=ObjectKind,
        delete=None,  # version by version
        id="{bucket}/{key}",
        create=COPY,
        reads=(
            Get(
                "head_object",
                OBJECT,
                only=("kmsKeyId", "serverSideEncryption"),
                rename={"kmsKeyId": "SSEKMSKeyId"},
            ),
        ),
        parts=(Part(COPY, on=("source", "kmsKeyId", "serverSideEncryption", "taggingDirective")),),
        absent=(*ABSENT, "NoSuchKey"),
        replace=("bucket", "key"),
        identity=("bucket", "key"),
        refused=dict.fromkeys(_NOT_COPIED, "a copy is told its source, its place and its key, and nothing else"),
    ),
    Row(
        resource="aws:s3/bucketObjectv2:BucketObjectv2",
        service="s3",
        kind=ObjectKind,
        delete=None,  # version by version
        id="{bucket}/{key}",
        create=WRITE,
        reads=(
            Get(
                "head_object",
                OBJECT,
                only=("contentType", "kmsKeyId", "serverSideEncryption"),
                rename={"kmsKeyId": "SSEKMSKeyId"},
            ),
        ),
        parts=(Part(WRITE, on=("content", "contentType", "kmsKeyId", "serverSideEncryption")),),
        absent=(*ABSENT, "NoSuchKey"),
        replace=("bucket", "key"),
        identity=("bucket", "key"),
        sticky=("contentType",),
        refused=dict.fromkeys(_NOT_WRITTEN, "a text is told its content, its place and its key, and nothing else"),
    ),
    Row(
        resource="aws:s3/bucketNotification:BucketNotification",
        service="s3",
        id="{bucket}",
        create=Call(
            "put_bucket_notification_configuration",
            AT,
            at="NotificationConfiguration",
            only=("lambdaFunctions", "queues", "topics"),
            rename=(
                RENAMES := {
                    "lambdaFunctions": "LambdaFunctionConfigurations",
                    "queues": "QueueConfigurations",
                    "topics": "TopicConfigurations",
                    "lambdaFunctions.lambdaFunctionArn": "LambdaFunctionArn",
                    "queues.queueArn": "QueueArn",
                    "topics.topicArn": "TopicArn",
                    **{f"{name}.filterPrefix": "" for name in ("lambdaFunctions", "queues", "topics")},
                }
            ),
        ),
        reads=(
            Get(
                "get_bucket_notification_configuration",
                GET,
                only=("lambdaFunctions", "queues", "topics"),
                rename=RENAMES,
            ),
        ),
        outputs={"bucket": "{id}"},
        delete=None,
        absent=ABSENT,
        replace=("bucket",),
        identity=("bucket",),
        local=("eventbridge", "lambdaFunctions", "queues", "topics"),
        kind=NotificationKind,
    ),
)
