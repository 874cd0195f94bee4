"""What is kept is encrypted, what is sent too, and secrets are in no plain place."""

import re
from collections.abc import Iterator

from pulumi_mlops.policies.model import Change, Mending, Predicate, Problem, Rule, across, on
from pulumi_mlops.policies.predicates import at_least, equals, is_not, is_set, one_of
from pulumi_mlops.policies.resources import Part, Resource, Stack
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.rules.kinds import each_container
from pulumi_mlops.policies.settings import Settings

ENCRYPTION = "aws:s3:BucketServerSideEncryptionConfiguration"
BUCKET_POLICY = "aws:s3:BucketPolicy"
SECRET = re.compile(r"(passw(or)?d|secret|token|api_?key|access_?key|private_?key|credential)s?$", re.IGNORECASE)
ADDRESS = re.compile(r"^(arn:|[a-z]+://|\$\(|\{\{|@Microsoft\.KeyVault|/)")
TLS_OF_FILES, TLS_OF_REDIS = ("TLS1_2", "TLS1_3"), "1.2"
LOCAL_DISK = re.compile(r"^ml\.(g\dn?|p\dd|m5d|c5d|r5d|m6id|c6id|r6id|g4dn|g6e|trn\dn?)[.]")
"""Machines with a disk of their own, which is encrypted by its hardware and refuses a key."""


def _kms_in_bucket(bucket: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    def with_key(one: Resource, path: str = "rules") -> bool:
        used = [rule.texts("applyServerSideEncryptionByDefault.sseAlgorithm") for rule in one.each(path)]
        return any(each and each[0].startswith("aws:kms") for each in used)

    own = bucket.get("serverSideEncryptionConfiguration")
    if own and with_key(bucket, "serverSideEncryptionConfiguration.rule"):
        return
    if not stack.has((ENCRYPTION,), "bucket", bucket, with_key):
        said = "has no encryption with a key of KMS"
        fix = 'aws.s3.BucketServerSideEncryptionConfiguration with sse_algorithm="aws:kms" and a key'
        yield Problem("serverSideEncryptionConfiguration", said, fix)


def _tls_in_bucket(bucket: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    def denies(policy: Resource) -> bool:
        return any(_denies_plain(each) for each in policy.document("policy").each("Statement"))

    if not denies(bucket) and not stack.has((BUCKET_POLICY,), "bucket", bucket, denies):
        said = "does not refuse requests without TLS"
        yield Problem("policy", said, 'a statement that denies s3:* where "aws:SecureTransport" is "false"')


def _denies_plain(statement: Part) -> bool:
    conditions = statement.get("Condition", {})
    bools = conditions.get("Bool", {}) if isinstance(conditions, dict) else {}
    return statement.get("Effect") == "Deny" and str(bools.get("aws:SecureTransport", "")).lower() == "false"


def _with_tls(account: Resource, _: Settings) -> Iterator[Change]:
    if account.get("enableHttpsTrafficOnly") is False:
        yield ("enableHttpsTrafficOnly",), True
    if account.get("minimumTlsVersion") not in TLS_OF_FILES:
        yield ("minimumTlsVersion",), TLS_OF_FILES[0]


def _redis_with_tls(store: Resource, _: Settings) -> Iterator[Change]:
    if store.get("enableNonSslPort") is True:
        yield ("enableNonSslPort",), False
    if store.get("minimumTlsVersion") != TLS_OF_REDIS:
        yield ("minimumTlsVersion",), TLS_OF_REDIS


def _served_features(model: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    """Find groups without a key that the role of a served model may read."""
    for role in (one for one in stack.all(kinds.ROLE) if stack.means(model, "executionRoleArn", one)):
        for rights in stack.whose(("aws:iam:RolePolicy",), "role", role):
            for group in stack.all(kinds.FEATURES):
                if stack.mentions(rights, "policy", group) and not group.get(
                    "onlineStoreConfig.securityConfig.kmsKeyId"
                ):
                    said = "is not set, and an endpoint reads the group"
                    yield Problem("onlineStoreConfig.securityConfig.kmsKeyId", said, "the key of the platform", group)


def _no_key_without_disk(resource: Resource, _: Settings) -> Iterator[Problem]:
    instances = [str(each.get("instanceType", "")) for each in resource.each("productionVariants")]
    if any(each and not LOCAL_DISK.match(each) for each in instances) and not resource.get(
        "kmsKeyArn", resource.get("kmsKeyId")
    ):
        yield Problem("kmsKeyArn", "is not set", "kms_key_arn=key.arn")


def _capture_key(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("dataCaptureConfig.enableCapture") and not resource.get("dataCaptureConfig.kmsKeyId"):
        yield Problem("dataCaptureConfig.kmsKeyId", "is not set", "kms_key_id=key.arn in data_capture_config")


def _repository_key(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not any(each.get("kmsKey") for each in resource.each("encryptionConfigurations")):
        fix = "encryption_configurations=[{'encryption_type': 'KMS', 'kms_key': key.arn}]"
        yield Problem("encryptionConfigurations", "names no key", fix)


def _plain(part: Part, path: str) -> Iterator[tuple[str, str]]:
    """Find variables whose name says secret and whose value is neither empty nor an address."""
    for name in part.get(path) or ():
        if SECRET.search(name) and (value := str(part.get(path, "", key=name))) and not ADDRESS.match(value):
            yield name, f"{part.at(path)}.{name}"


def _in_environment(*paths: str) -> Predicate:
    def predicate(resource: Resource, _: Settings) -> Iterator[Problem]:
        for path in paths:
            for name, where in _plain(resource, path):
                yield Problem(where, "has a secret in the clear", f"the address of {name} in a store of secrets")

    return predicate


def _in_models(resource: Resource, _: Settings) -> Iterator[Problem]:
    for container in [resource.part("primaryContainer"), *resource.each("containers")]:
        for name, where in _plain(container, "environment"):
            yield Problem(where, "has a secret in the clear", f"the ARN of {name} in Secrets Manager")


def _in_container(container: Part, _: Part) -> Iterator[Problem]:
    for variable in container.each("env"):
        if (
            SECRET.search(str(variable.get("name", "")))
            and (value := variable.get("value"))
            and not ADDRESS.match(str(value))
        ):
            yield Problem(variable.at("value"), "has a secret in the clear", "value_from={'secret_key_ref': …}")


def _network(member: str) -> Predicate:
    paths = ("networkConfig", "monitoringScheduleConfig.monitoringJobDefinition.networkConfig")

    def predicate(resource: Resource, _: Settings) -> Iterator[Problem]:
        if resource.get("monitoringScheduleConfig.monitoringJobDefinitionName"):
            return  # the definition that it names is judged
        path = paths[1] if resource.type == kinds.SCHEDULE else paths[0]
        if resource.get(f"{path}.{member}") is not True:
            yield Problem(f"{path}.{member}", "is not true", f"{member}=true")

    return predicate


RULES = (
    Rule(
        "encryption.artifact-store",
        "Files are encrypted with a key",
        "high",
        "With a key, who reads models and training data is decided twice, and is in the audit log.",
        ("AWS Security Hub S3.17", "AWS Config s3-default-encryption-kms", "NIST 800-53 SC-28"),
        (
            across(kinds.BUCKET, _kms_in_bucket),
            on(
                kinds.STORAGE,
                is_not("encryption.services.blob.enabled", [False], "encryption.services.blob.enabled=true"),
            ),
            on(
                "kubernetes:storage.k8s.io:StorageClass",
                equals("parameters.encrypted", True, when=lambda r: "ebs" in str(r.get("provisioner"))),
            ),
        ),
    ),
    Rule(
        "encryption.customer-key",
        "Workspaces, notebooks and storage use a key of one's own",
        "medium",
        "Who must prove that data can be made unreadable needs the key in their own hands.",
        ("AWS Security Hub SageMaker.21", "checkov CKV_AWS_22", "checkov CKV_AWS_187", "Azure Policy ba769a63"),
        (
            on((kinds.NOTEBOOK, kinds.DOMAIN), is_set("kmsKeyId", "kms_key_id=key.arn")),
            on(kinds.WORKSPACE, equals("encryption.status", "Enabled")),
            on(kinds.STORAGE, equals("encryption.keySource", "Microsoft.Keyvault")),
        ),
    ),
    Rule(
        "encryption.endpoint-volume",
        "The disk of an endpoint is encrypted with a key",
        "medium",
        "The model and what is captured are on it.",
        ("checkov CKV_AWS_98", "AWS Config sagemaker-endpoint-configuration-kms-key-configured"),
        (on(kinds.CONFIGURATION, _no_key_without_disk),),
    ),
    Rule(
        "encryption.feature-store",
        "Features are encrypted with a key",
        "medium",
        "Features are about people more often than not, and are kept twice: for reading at once and for training.",
        ("AWS Security Hub SageMaker.17", "AWS Security Hub SageMaker.18"),
        (
            on(
                kinds.FEATURES,
                is_set(
                    "onlineStoreConfig.securityConfig.kmsKeyId",
                    "security_config={'kms_key_id': key.arn}",
                    when=lambda r: bool(r.get("onlineStoreConfig.enableOnlineStore")),
                ),
                is_set(
                    "offlineStoreConfig.s3StorageConfig.kmsKeyId",
                    "s3_storage_config={…, 'kms_key_id': key.arn}",
                    when=lambda r: bool(r.get("offlineStoreConfig")),
                ),
            ),
            on(
                "azure-native:redis:Redis",
                is_not("enableNonSslPort", [True], "enable_non_ssl_port=False"),
                one_of("minimumTlsVersion", (TLS_OF_REDIS,)),
            ),
        ),
        mendings=(Mending(("azure-native:redis:Redis",), _redis_with_tls),),
    ),
    Rule(
        "encryption.served-features",
        "What an endpoint reads is encrypted with a key",
        "high",
        "A group without a key that a served model may read leaves the account with the first leaked role.",
        ("AWS Security Hub SageMaker.18", "AWS Well-Architected ML Lens: security"),
        (across(kinds.MODEL, _served_features),),
    ),
    Rule(
        "encryption.capture",
        "Captured requests are encrypted with a key",
        "medium",
        "They are production's data, in a place where nobody looks for it.",
        ("AWS Security Hub SageMaker.24", "AWS Well-Architected ML Lens: security"),
        (on(kinds.CONFIGURATION, _capture_key),),
    ),
    Rule(
        "encryption.in-transit",
        "Nothing is reached without TLS",
        "high",
        "What goes over a network in the clear can be read and changed on the way.",
        ("AWS Security Hub S3.5", "Azure Policy 404c3081", "NIST 800-53 SC-8"),
        (
            across(kinds.BUCKET, _tls_in_bucket),
            on(
                kinds.STORAGE,
                is_not("enableHttpsTrafficOnly", [False], "enable_https_traffic_only=True"),
                one_of("minimumTlsVersion", TLS_OF_FILES),
            ),
            on("kubernetes:networking.k8s.io:Ingress", is_set("spec.tls", "tls=[{'secret_name': …}]")),
        ),
        mendings=(Mending((kinds.STORAGE,), _with_tls),),
    ),
    Rule(
        "encryption.between-machines",
        "Machines of a monitoring job talk encrypted",
        "medium",
        "Rows of production's data go from machine to machine.",
        ("AWS Security Hub SageMaker.9", "AWS Security Hub SageMaker.22", "checkov CKV_AWS_369"),
        (on((*kinds.JOBS, kinds.SCHEDULE), _network("enableInterContainerTrafficEncryption")),),
    ),
    Rule(
        "encryption.messages",
        "Topics and queues are encrypted",
        "medium",
        "Alerts and events carry names of models, metrics and the reasons of failures.",
        ("AWS Security Hub SQS.1", "AWS Security Hub SNS.1"),
        (
            on(kinds.TOPIC, is_set("kmsMasterKeyId", "kms_master_key_id=key.arn")),
            on(
                kinds.QUEUE,
                is_set(
                    "kmsMasterKeyId",
                    "sqs_managed_sse_enabled=True",
                    when=lambda r: r.get("sqsManagedSseEnabled") is not True,
                ),
            ),
        ),
    ),
    Rule(
        "encryption.logs",
        "Logs are encrypted with a key",
        "low",
        "Programs write into them what they should not.",
        ("checkov CKV_AWS_158", "NIST 800-53 AU-9"),
        (on(kinds.LOGS, is_set("kmsKeyId", "kms_key_id=key.arn")),),
    ),
    Rule(
        "encryption.images",
        "Images are encrypted with a key of one's own",
        "low",
        "A model inside an image is a model.",
        ("checkov CKV_AWS_136", "Azure Policy 5b9159ae"),
        (
            on(kinds.REPOSITORY, _repository_key),
            on(kinds.IMAGES, equals("encryption.status", "enabled")),
        ),
    ),
    Rule(
        "encryption.key-rotates",
        "Keys are rotated",
        "medium",
        "A key that was never changed opens everything that was ever kept.",
        ("AWS Security Hub KMS.4", "CIS AWS 3.0: 3.6", "checkov CKV_AWS_7"),
        (
            on(
                kinds.KEY,
                equals(
                    "enableKeyRotation",
                    True,
                    when=lambda r: r.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT",
                ),
            ),
            on(
                "azure-native:keyvault:Key",
                is_set("properties.rotationPolicy", "rotation_policy={'lifetime_actions': …}"),
            ),
        ),
    ),
    Rule(
        "encryption.key-can-come-back",
        "A deleted key or secret can be had back",
        "medium",
        "Everything under a key is gone with it.",
        ("checkov CKV_AZURE_42", "NIST 800-53 CP-9"),
        (
            on(
                kinds.KEY, at_least("deletionWindowInDays", 7, when=lambda r: r.get("deletionWindowInDays") is not None)
            ),
            on(
                "aws:secretsmanager:Secret",
                at_least("recoveryWindowInDays", 7, when=lambda r: r.get("recoveryWindowInDays") is not None),
            ),
            on(kinds.VAULT, is_not("properties.enableSoftDelete", [False], "enable_soft_delete=True")),
        ),
    ),
    Rule(
        "secrets.no-plain-values",
        "No secret is in an environment",
        "high",
        "Environments are in states, consoles, logs and core dumps.",
        ("checkov CKV_AWS_45", "NIST 800-53 IA-5"),
        (
            on(kinds.MODEL, _in_models),
            on("aws:lambda:Function", _in_environment("environment.variables")),
            on(kinds.DEPLOYMENT, _in_environment("properties.environmentVariables")),
            on(kinds.WORKLOADS, each_container(_in_container)),
            on("kubernetes:core:ConfigMap", _in_environment("data")),
        ),
    ),
)
