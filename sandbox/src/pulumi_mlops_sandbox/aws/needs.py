"""Which rights a request needs: actions, the resources that they are about, and the facts that conditions ask for.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.sagemaker.kinds import MODEL_PACKAGE_GROUP
from pulumi_mlops_sandbox.aws.store import TAGS

_PREFIXES = {
    "cloudcontrol": "cloudformation",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
    "sagemaker-runtime": "sagemaker",
    "sagemaker-featurestore-runtime": "sagemaker",
}
"""What a service is called in policies, where that is not its name."""
FREE = {("sts", "GetCallerIdentity"), ("sts", "AssumeRole"), ("sts", "AssumeRoleWithWebIdentity")}
"""What needs no right of the caller's, or is judged by the trust of a role."""
_ACTIONS = {
    "s3": {
        "CompleteMultipartUpload": "PutObject",
        "CopyObject": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "DeleteBucketTagging": "PutBucketTagging",
        "DeleteObjects": "DeleteObject",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
        "GetBucketCors": "GetBucketCORS",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "GetBucketReplication": "GetReplicationConfiguration",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "HeadBucket": "ListBucket",
        "HeadObject": "GetObject",
        "ListBuckets": "ListAllMyBuckets",
        "ListObjectVersions": "ListBucketVersions",
        "ListObjects": "ListBucket",
        "ListObjectsV2": "ListBucket",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "UploadPart": "PutObject",
    },
    "budgets": {
        "CreateBudget": "ModifyBudget",
        "CreateNotification": "ModifyBudget",
        "CreateSubscriber": "ModifyBudget",
        "DeleteBudget": "ModifyBudget",
        "DeleteNotification": "ModifyBudget",
        "DescribeBudget": "ViewBudget",
        "DescribeNotificationsForBudget": "ViewBudget",
        "DescribeSubscribersForNotification": "ViewBudget",
        "UpdateBudget": "ModifyBudget",
        "UpdateNotification": "ModifyBudget",
    },
}
"""Operations whose action has another name."""
_NAMED: dict[str, dict[str, str]] = {
    "sagemaker": {
        "ClusterName": "sagemaker:{r}:{a}:cluster/{v}",
        "ModelName": "sagemaker:{r}:{a}:model/{v}",
        "EndpointConfigName": "sagemaker:{r}:{a}:endpoint-config/{v}",
        "EndpointName": "sagemaker:{r}:{a}:endpoint/{v}",
        "FeatureGroupName": "sagemaker:{r}:{a}:feature-group/{v}",
        "ModelPackageGroupName": "sagemaker:{r}:{a}:model-package-group/{v}",
        "ModelPackageName": "{v}",
        "ModelPackageArn": "{v}",
        "ResourceArn": "{v}",
        "TrackingServerName": "sagemaker:{r}:{a}:mlflow-tracking-server/{v}",
        "TrainingJobName": "sagemaker:{r}:{a}:training-job/{v}",
        "ProcessingJobName": "sagemaker:{r}:{a}:processing-job/{v}",
        "HyperParameterTuningJobName": "sagemaker:{r}:{a}:hyper-parameter-tuning-job/{v}",
        "TransformJobName": "sagemaker:{r}:{a}:transform-job/{v}",
        "MonitoringScheduleName": "sagemaker:{r}:{a}:monitoring-schedule/{v}",
        "JobDefinitionName": "sagemaker:{r}:{a}:data-quality-job-definition/{v}",
        "PipelineName": "sagemaker:{r}:{a}:pipeline/{v}",
        "PipelineExecutionArn": "{v}",
        "Arn": "{v}",
    },
    "iam": {"RoleName": "iam::{a}:role/{v}", "PolicyArn": "{v}", "PolicyName": "iam::{a}:policy/{v}"},
    "sns": {"TopicArn": "{v}", "ResourceArn": "{v}", "Name": "sns:{r}:{a}:{v}"},
    "ecr": {"repositoryName": "ecr:{r}:{a}:repository/{v}", "resourceArn": "{v}"},
    "secretsmanager": {
        "SecretId": "secretsmanager:{r}:{a}:secret:{v}",
        "Name": "secretsmanager:{r}:{a}:secret:{v}-AbCdEf",
    },
    "events": {"Rule": "events:{r}:{a}:rule/{v}", "Name": "events:{r}:{a}:rule/{v}", "ResourceARN": "{v}"},
    "cloudwatch": {
        "AlarmName": "cloudwatch:{r}:{a}:alarm:{v}",
        "DashboardName": "cloudwatch::{a}:dashboard/{v}",
        "ResourceARN": "{v}",
    },
    "application-autoscaling": {"ResourceARN": "{v}"},
    "sqs": {"QueueName": "sqs:{r}:{a}:{v}"},
    "states": {"name": "states:{r}:{a}:stateMachine:{v}", "stateMachineArn": "{v}", "resourceArn": "{v}"},
}
"""Members of requests that name a resource, by service; the first that is there counts."""
_LISTED = {"repositoryNames": "repositoryName", "AlarmNames": "AlarmName", "DashboardNames": "DashboardName"}
"""Members that name several."""
_NO_RESOURCE = {
    ("logs", "DescribeLogGroups"),
    ("iam", "ListPolicies"),
    ("sns", "ListTopics"),
    ("sns", "GetSubscriptionAttributes"),
    ("sns", "Unsubscribe"),
    ("kms", "CreateKey"),
    ("kms", "ListAliases"),
    ("ecr", "GetAuthorizationToken"),
}
"""Operations that take no resource, although their requests name one."""
_FEATURE_STORE_KEY = (
    "Encrypt", "Decrypt", "DescribeKey", "CreateGrant", "RetireGrant", "ReEncryptFrom", "ReEncryptTo",
    "GenerateDataKey", "ListGrants", "RevokeGrant",
)  # fmt: skip
"""What who makes a feature group must be allowed of its key (API_OnlineStoreSecurityConfig)."""


@dataclass(frozen=True)
class Need:
    """One right that a request needs."""

    action: str
    resource: str = "*"
    facts: dict[str, Any] = field(default_factory=dict)


def of(call: Call) -> list[Need]:
    """List what a caller needs for a request."""
    if (call.service, call.operation) in FREE:
        return []
    action = _ACTIONS.get(call.service, {}).get(call.operation, call.operation)
    if action == "DeleteObject" and _of_versions(call.params):
        action = "DeleteObjectVersion"
    named = f"{_PREFIXES.get(call.service, call.service)}:{action}"
    facts = _facts(call)
    return [*(Need(named, resource, facts) for resource in _resources(call)), *_behind(call)]


def _arn(call: Call, template: str, value: str) -> str:
    return value if value.startswith("arn:") else f"arn:aws:{template.format(r=call.region, a=ACCOUNT, v=value)}"


def _resources(call: Call) -> Iterator[str]:
    """Name what a request is about."""
    service, params = _PREFIXES.get(call.service, call.service), call.params
    own = _OWN.get(call.service)
    if (service, call.operation) in _NO_RESOURCE:
        yield "*"
    elif own is not None:
        yield from own(call)
    else:
        templates = _NAMED.get(service, {})
        several = [
            _arn(call, templates[single], str(value))
            for member, single in _LISTED.items()
            for value in params.get(member) or []
            if single in templates
        ]
        one = next((_arn(call, text, str(params[name])) for name, text in templates.items() if params.get(name)), "*")
        yield from several or [one]


def _of_versions(params: dict[str, Any]) -> bool:
    """Whether a deletion names versions, which is another right."""
    return any(one.get("VersionId") for one in (params, *params.get("Delete", {}).get("Objects", [])))


def _s3(call: Call) -> Iterator[str]:
    bucket = call.params.get("Bucket")
    if bucket is None:
        yield "*"
        return
    keys = [one["Key"] for one in call.params.get("Delete", {}).get("Objects", [])] or [call.params.get("Key")]
    for key in keys:
        yield f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")


def _kms(call: Call) -> Iterator[str]:
    name = call.params.get("KeyId") or call.params.get("TargetKeyId")
    if alias := call.params.get("AliasName"):
        yield f"arn:aws:kms:{call.region}:{ACCOUNT}:{alias}"
        if call.operation == "DeleteAlias":
            name = accounts.backend("kms", call.region).get_key_id_from_alias(alias)
    if name:
        yield key_arn(call, str(name))


def key_arn(call: Call, key: str) -> str:
    """Return the ARN of a key that is named by its id, its ARN or an alias."""
    if "alias/" in key:
        key = accounts.backend("kms", call.region).get_key_id_from_alias(f"alias/{key.partition('alias/')[2]}") or key
    return key if key.startswith("arn:") else f"arn:aws:kms:{call.region}:{ACCOUNT}:key/{key}"


def _glue(call: Call) -> Iterator[str]:
    here = f"arn:aws:glue:{call.region}:{ACCOUNT}"
    if "ResourceArn" in call.params:
        yield str(call.params["ResourceArn"])
        return
    database = call.params.get("DatabaseName") or call.params.get("DatabaseInput", {}).get("Name")
    database = database or (call.params.get("Name") if "Database" in call.operation else None)
    yield f"{here}:catalog"
    if database:
        yield f"{here}:database/{database}"
    if "Table" in call.operation:
        table = call.params.get("Name") or call.params.get("TableInput", {}).get("Name", "*")
        yield f"{here}:table/{database}/{table}"


def _ec2(call: Call) -> Iterator[str]:
    # Requests name many things, in many ways: what is written belongs to this account and region.
    read = call.operation.startswith(("Describe", "Get"))
    yield "*" if read else f"arn:aws:ec2:{call.region}:{ACCOUNT}:*/*"


def _budgets(call: Call) -> Iterator[str]:
    name = call.params.get("BudgetName") or call.params.get("Budget", {}).get("BudgetName")
    yield str(call.params.get("ResourceARN") or f"arn:aws:budgets::{ACCOUNT}:budget/{name}")


def _autoscaling(call: Call) -> Iterator[str]:
    if call.operation.startswith("Describe"):
        yield "*"
    else:
        yield str(
            call.params.get("ResourceARN")
            or f"arn:aws:application-autoscaling:{call.region}:{ACCOUNT}:scalable-target/*"
        )


def _sagemaker(call: Call) -> Iterator[str]:
    params = call.params
    if call.operation.startswith("List") and call.operation not in _LISTS_OF_ONE:
        yield "*"
        return
    group = str(params.get("ModelPackageGroupName", ""))
    group = _arn(call, _NAMED["sagemaker"]["ModelPackageGroupName"], group) if group else ""
    versions = group.replace(":model-package-group/", ":model-package/") + "/*"
    if call.operation == "ListModelPackages":
        yield versions
    elif call.operation == "CreateModelPackage" and group:
        yield from (group, versions)
    elif call.operation == "CreateMlflowApp":  # its id is not known before it is there
        yield f"arn:aws:sagemaker:{call.region}:{ACCOUNT}:mlflow-app/app-NEW"
    else:
        named = [(text, params[name]) for name, text in _NAMED["sagemaker"].items() if params.get(name)]
        both = call.operation in {"CreateEndpoint", "UpdateEndpoint"}
        yield from (_arn(call, text, str(value)) for text, value in (named if both else named[:1])) if named else ["*"]


def _scheduler(call: Call) -> Iterator[str]:
    name, here = call.params.get("Name"), f"arn:aws:scheduler:{call.region}:{ACCOUNT}:schedule"
    group = call.params.get("GroupName") or "default"
    yield str(call.params.get("ResourceArn") or (f"{here}/{group}/{name}" if name else "*"))


def _logs(call: Call) -> Iterator[str]:
    """Name a stream where a request is about one: so do the policies that AWS itself writes.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
    """
    group, stream = call.params.get("logGroupName"), call.params.get("logStreamName")
    below = f":log-stream:{stream}" if stream else ""
    named = _arn(call, "logs:{r}:{a}:log-group:{v}", str(group)) if group else call.params.get("resourceArn")
    yield f"{named}{below}" if named else "*"


_OWN: dict[str, Callable[[Call], Iterator[str]]] = {
    "application-autoscaling": _autoscaling,
    "budgets": _budgets,
    "ec2": _ec2,
    "glue": _glue,
    "kms": _kms,
    "logs": _logs,
    "s3": _s3,
    "sagemaker": _sagemaker,
    "scheduler": _scheduler,
}


def _facts(call: Call) -> dict[str, Any]:
    """Say of a request what conditions ask for."""
    params, found = call.params, dict[str, Any]()
    tags = params.get("Tags") or params.get("tags") or []
    if isinstance(tags, list):
        tags = {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in tags}
    found |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if call.service == "iam" and "PolicyArn" in params:
        found["iam:PolicyARN"] = params["PolicyArn"]
    if (call.service, call.operation) == ("cloudwatch", "PutMetricData"):
        found["cloudwatch:namespace"] = params["Namespace"]
    if "Prefix" in params:
        found["s3:prefix"] = params["Prefix"]
    if "ModelApprovalStatus" in params:
        found["sagemaker:ModelApprovalStatus"] = params["ModelApprovalStatus"]
    for key, value in (params.get("CustomerMetadataProperties") or {}).items():
        found[f"sagemaker:CustomerMetadataProperties/{key}"] = value
    if params.get("CustomerMetadataPropertiesToRemove"):
        found["sagemaker:CustomerMetadataPropertiesToRemove"] = params["CustomerMetadataPropertiesToRemove"]
    if call.service == "sagemaker":
        found |= {f"aws:ResourceTag/{key}": value for key, value in _group_tags(call).items()}
    return found


def _group_tags(call: Call) -> dict[str, str]:
    """Return the tags of a model package group, which its versions have as well."""
    named = next(
        (str(call.params[key]) for key in ("ModelPackageGroupName", "ModelPackageArn", "ModelPackageName")
         if call.params.get(key)), "",
    )  # fmt: skip
    name = (
        named.rpartition(":")[2].removeprefix("model-package-group/").removeprefix("model-package/").partition("/")[0]
    )
    group = call.plane.store.all(MODEL_PACKAGE_GROUP, call.region).get(name) or {}
    return {tag["Key"]: tag["Value"] for tag in group.get(TAGS, [])}


def _behind(call: Call) -> Iterator[Need]:
    """List what a service does in the caller's name: it passes roles on, and uses keys."""
    for member, service in (("ExecutionRoleArn", "sagemaker"), ("DeliverLogsPermissionArn", "vpc-flow-logs")):
        if role := call.params.get(member):
            yield Need("iam:PassRole", str(role), {"iam:PassedToService": f"{service}.amazonaws.com"})
    if call.service == "sagemaker" and (role := call.params.get("RoleArn")):
        yield Need("iam:PassRole", str(role), {"iam:PassedToService": "sagemaker.amazonaws.com"})
    if call.service == "stepfunctions" and (role := call.params.get("roleArn")):
        yield Need("iam:PassRole", str(role), {"iam:PassedToService": "states.amazonaws.com"})
    targets = {"events": call.params.get("Targets"), "scheduler": [call.params.get("Target")]}.get(call.service) or []
    for role in {target.get("RoleArn") for target in targets if target} - {None}:
        yield Need("iam:PassRole", str(role), {"iam:PassedToService": f"{call.service}.amazonaws.com"})
    for key, service, actions in _keys(call):
        facts = {"kms:ViaService": f"{service}.{call.region}.amazonaws.com", "kms:GrantIsForAWSResource": "true"}
        yield from (Need(f"kms:{action}", key_arn(call, key), facts) for action in actions)
    if call.service == "cloudcontrol" and (kind := _HANDLED.get(str(call.params.get("TypeName")))):
        yield from _handled(call, kind)


def _keys(call: Call) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Find the keys that a service uses for a request: key, service and what it does with it."""
    params, key = call.params, call.params.get("KmsKeyId")
    if call.service == "sagemaker" and call.operation == "CreateFeatureGroup":
        online = (params.get("OnlineStoreConfig") or {}).get("SecurityConfig") or {}
        offline = (params.get("OfflineStoreConfig") or {}).get("S3StorageConfig") or {}
        for one in {online.get("KmsKeyId"), offline.get("KmsKeyId")} - {None}:
            yield str(one), "sagemaker", _FEATURE_STORE_KEY
    elif call.service == "sagemaker" and call.operation == "CreateEndpointConfig" and key:
        yield key, "sagemaker", ("DescribeKey", "CreateGrant")
    elif call.service == "secretsmanager" and key:
        yield key, "secretsmanager", ("GenerateDataKey", "Decrypt")
    elif call.service == "secretsmanager" and call.operation in {"GetSecretValue", "PutSecretValue"}:
        secret = accounts.secret(call.region, params["SecretId"])
        if secret is not None and secret.kms_key_id:
            actions = ("Decrypt",) if call.operation == "GetSecretValue" else ("GenerateDataKey", "Decrypt")
            yield secret.kms_key_id, "secretsmanager", actions
    elif call.service == "ecr" and (own := (params.get("encryptionConfiguration") or {}).get("kmsKey")):
        yield own, "ecr", ("DescribeKey", "CreateGrant")
    elif call.service == "s3":
        yield from _keys_of_files(params, call.operation)


def _keys_of_files(params: dict[str, Any], operation: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if given := params.get("SSEKMSKeyId"):
        yield given, "s3", ("GenerateDataKey", "Decrypt")
    elif operation in _OF_FILES:
        kept = accounts.key_of_file(str(params.get("Bucket")), str(params.get("Key")))
        if kept is not None:
            yield kept, "s3", _OF_FILES[operation]


_LISTS_OF_ONE = {
    *("ListModelPackages", "ListTags", "ListPipelineExecutions", "ListPipelineExecutionSteps"),
    *("ListPipelineParametersForExecution", "ListTrainingJobsForHyperParameterTuningJob"),
}
"""Lists of what one thing has, which policies name."""
_OF_FILES = {"GetObject": ("Decrypt",), "PutObject": ("GenerateDataKey",)}
"""What S3 does with the key of a file, or of its bucket, in the name of who reads or writes the file."""
_HANDLED = {"AWS::SageMaker::Endpoint": "Endpoint", "AWS::SageMaker::Cluster": "Cluster"}
_HANDLERS = {
    "CreateResource": ("Create{}", "Describe{}", "AddTags"),
    "UpdateResource": ("Update{}", "Describe{}", "AddTags", "DeleteTags", "ListTags"),
    "DeleteResource": ("Delete{}", "Describe{}"),
    "GetResource": ("Describe{}", "ListTags"),
}
"""What Cloud Control calls for a thing, with the caller's rights (the handlers of its type's schema)."""


def _handled(call: Call, kind: str) -> Iterator[Need]:
    try:
        state = json.loads(call.params.get("DesiredState") or "{}")
        changes = json.loads(call.params.get("PatchDocument") or "[]")
        state |= {change["path"].strip("/"): change.get("value") for change in changes}
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # the operation says what is wrong with it
    where = state.get(f"{kind}Name") or str(call.params.get("Identifier", "*")).rpartition("/")[2]
    root = f"arn:aws:sagemaker:{call.region}:{ACCOUNT}"
    for action in _HANDLERS.get(call.operation, ()):
        yield Need(f"sagemaker:{action.format(kind)}", f"{root}:{kind.lower()}/{where}")
    if configuration := state.get("EndpointConfigName"):
        action = "CreateEndpoint" if call.operation == "CreateResource" else "UpdateEndpoint"
        yield Need(f"sagemaker:{action}", f"{root}:endpoint-config/{configuration}")
    for role in {group.get("ExecutionRole") for group in state.get("InstanceGroups") or []} - {None}:
        yield Need("iam:PassRole", str(role), {"iam:PassedToService": "sagemaker.amazonaws.com"})
