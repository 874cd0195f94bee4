"""What cannot be made again is not lost, and what is not needed goes."""

from collections.abc import Iterator

from pulumi_mlops.core.replaceable import REPLACEABLE, named
from pulumi_mlops.policies.model import Change, Mending, Problem, Rule, across, on
from pulumi_mlops.policies.predicates import equals, is_not, is_set, number
from pulumi_mlops.policies.resources import Resource, Stack
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.settings import Settings

STATEFUL = (
    kinds.BUCKET, kinds.FEATURES, kinds.GROUP, "aws:rds:Instance", "aws:rds:Cluster", "aws:dynamodb:Table",
    "aws:efs:FileSystem", kinds.DOMAIN,
)  # fmt: skip
AZURE_STATEFUL = (kinds.STORAGE, kinds.WORKSPACE, kinds.VAULT, kinds.POSTGRES, "azure-native:redis:Redis")
KUBERNETES_STATEFUL = (kinds.CLAIM, kinds.DATABASE)
LOST = (*STATEFUL, kinds.KEY, kinds.REPOSITORY, "aws:secretsmanager:Secret", "aws:ebs:Volume")
AZURE_LOST = (*AZURE_STATEFUL, kinds.IMAGES, "azure-native:keyvault:Key", f"{kinds.AZURE_ML}Registry")
KUBERNETES_LOST = (*KUBERNETES_STATEFUL, kinds.VOLUME, kinds.NAMESPACE)
DONE = {"replace": "replaces it", "delete": "deletes it"}
VERSIONING, CLOSED = "aws:s3:BucketVersioning", "aws:s3:BucketPublicAccessBlock"
LIFECYCLE = "aws:s3:BucketLifecycleConfiguration"
BLOBS, AZURE_LIFECYCLE = "azure-native:storage:BlobServiceProperties", "azure-native:storage:ManagementPolicy"
BACKUP = "kubernetes:postgresql.cnpg.io:ScheduledBackup"
SHUT = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
DATABASES = ("aws:rds:Instance", "aws:rds:Cluster")


def _protected(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not resource.protect:
        yield Problem("protect", "is not set", "opts=pulumi.ResourceOptions(protect=True)")


def _meant(resource: Resource, settings: Settings) -> Iterator[Problem]:
    component = resource.parent.rpartition("::")[2]
    globs = settings.replaceable
    if resource.step and not named(globs, resource.name, resource.urn) and not named(globs, component, resource.parent):
        fix = f"[{resource.name}] as {REPLACEABLE} in the stack's settings, if that is meant"
        yield Problem("this change", f"{DONE[resource.step]}, with what is in it", fix)


def _versioned(bucket: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    def on(one: Resource) -> bool:
        return bool(one.get("versioningConfiguration.status") == "Enabled")

    if bucket.get("versioning.enabled") is not True and not stack.has((VERSIONING,), "bucket", bucket, on):
        yield Problem("versioning", "is off", "aws.s3.BucketVersioning with status Enabled")


def _azure_versioned(account: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if account.get("isHnsEnabled") is True:
        return  # Azure has no versions there
    if not stack.has((BLOBS,), "accountName", account, lambda one: one.get("isVersioningEnabled") is True):
        fix = "azure_native.storage.BlobServiceProperties with is_versioning_enabled=True"
        yield Problem("isVersioningEnabled", "is off", fix)


def _comes_back(account: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    def on(one: Resource) -> bool:
        return one.get("deleteRetentionPolicy.enabled") is True

    if account.get("isHnsEnabled") is not True and not stack.has((BLOBS,), "accountName", account, on):
        fix = "azure_native.storage.BlobServiceProperties with delete_retention_policy"
        yield Problem("deleteRetentionPolicy", "is off", fix)


def _closed(bucket: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not stack.has((CLOSED,), "bucket", bucket, lambda block: all(block.get(key) is True for key in SHUT)):
        fix = f"aws.s3.BucketPublicAccessBlock with {', '.join(SHUT)}"
        yield Problem("publicAccessBlock", "is not whole", fix)


def _shut(block: Resource, _: Settings) -> Iterator[Change]:
    yield from (((key,), True) for key in SHUT if block.get(key) is not True)


def _shut_blobs(account: Resource, _: Settings) -> Iterator[Change]:
    if account.get("allowBlobPublicAccess") is not False:
        yield ("allowBlobPublicAccess",), False


def _lifecycle(bucket: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not bucket.get("lifecycleRules") and not stack.has((LIFECYCLE,), "bucket", bucket):
        yield Problem("lifecycle", "is not set", "aws.s3.BucketLifecycleConfiguration")


def _azure_lifecycle(account: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not stack.has((AZURE_LIFECYCLE,), "accountName", account):
        yield Problem("lifecycle", "is not set", "azure_native.storage.ManagementPolicy")


def _final(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("skipFinalSnapshot") is True:
        yield Problem("skipFinalSnapshot", "is true", "skip_final_snapshot=False")


def _backed_up(resource: Resource, settings: Settings) -> Iterator[Problem]:
    if (number(resource.get("backupRetentionPeriod")) or 0) < settings.backup_days:
        said = f"is below {settings.backup_days}"
        yield Problem("backupRetentionPeriod", said, f"backup_retention_period={settings.backup_days}")


def _azure_backed_up(resource: Resource, settings: Settings) -> Iterator[Problem]:
    path = "backup.backupRetentionDays"
    days = number(resource.get(path))
    if days is not None and days < settings.backup_days:  # seven unless told
        yield Problem(
            path, f"is below {settings.backup_days}", f"backup={{'backup_retention_days': {settings.backup_days}}}"
        )


def _database_backed_up(database: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    def same(backup: Resource) -> bool:
        return backup.namespace == database.namespace

    if not stack.has((BACKUP,), "spec.cluster.name", database, same):
        yield Problem("spec.backup", "has no schedule", "a ScheduledBackup of it")


def _logs_kept(resource: Resource, settings: Settings) -> Iterator[Problem]:
    path = "retentionInDays"
    days = number(resource.get(path)) or 0
    if days < settings.log_days:
        yield Problem(path, f"is {days:g}" if days else "is not set", f"{path}={settings.log_days} or more")


def _tidied(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.type.endswith(":CronJob"):
        if number(resource.get("spec.successfulJobsHistoryLimit", 3)) is None:
            yield Problem("spec.successfulJobsHistoryLimit", "is not set", "successful_jobs_history_limit=3")
    elif resource.get("spec.ttlSecondsAfterFinished") is None and resource.get("spec.activeDeadlineSeconds") is None:
        yield Problem("spec.ttlSecondsAfterFinished", "is not set", "ttl_seconds_after_finished=86400")


RULES = (
    Rule(
        "data.stateful-protected",
        "What holds data cannot be deleted by mistake",
        "high",
        "`pulumi destroy` in the wrong terminal has happened to everybody.",
        ("NIST 800-53 CP-9", "AWS Well-Architected ML Lens: reliability"),
        (on(STATEFUL, _protected), on(AZURE_STATEFUL, _protected), on(KUBERNETES_STATEFUL, _protected)),
    ),
    Rule(
        "data.replacement-named",
        "A change that loses data says so",
        "high",
        "One letter of a name replaces a bucket, and nobody reads the twentieth line of a preview.",
        ("NIST 800-53 CP-9", "NIST 800-53 CM-3", "AWS Well-Architected ML Lens: reliability"),
        (on(LOST, _meant), on(AZURE_LOST, _meant), on(KUBERNETES_LOST, _meant)),
    ),
    Rule(
        "data.versioned",
        "Files are kept with their versions",
        "high",
        "A training that writes over its own data cannot be repeated, nor can who encrypts it be undone.",
        ("AWS Security Hub S3.14", "checkov CKV_AWS_21"),
        (across(kinds.BUCKET, _versioned), across(kinds.STORAGE, _azure_versioned)),
    ),
    Rule(
        "data.no-public-access",
        "Files cannot be made public",
        "critical",
        "One policy or one list of rights is enough otherwise.",
        ("AWS Security Hub S3.8", "Azure Policy 4fa4b6c0", "checkov CKV_AZURE_190"),
        (across(kinds.BUCKET, _closed), on(kinds.STORAGE, equals("allowBlobPublicAccess", False))),
        mendings=(Mending((CLOSED,), _shut), Mending((kinds.STORAGE,), _shut_blobs)),
    ),
    Rule(
        "data.no-force-destroy",
        "What is deleted is not emptied first",
        "high",
        "A name that changes replaces the thing, and what is in it is gone.",
        ("checkov CKV_AZURE_110", "NIST 800-53 CP-9"),
        (
            on(kinds.BUCKET, is_not("forceDestroy", [True], "force_destroy=False")),
            on(kinds.REPOSITORY, is_not("forceDelete", [True], "force_delete=False")),
            on(DATABASES, _final),
            on(kinds.VAULT, equals("properties.enablePurgeProtection", True)),
            on(
                kinds.VOLUME,
                is_not("spec.persistentVolumeReclaimPolicy", ["Delete"], "persistent_volume_reclaim_policy='Retain'"),
            ),
        ),
    ),
    Rule(
        "data.deleted-comes-back",
        "A deleted file can be had back",
        "medium",
        "Most files are deleted by mistake, and missed a week later.",
        ("checkov CKV2_AZURE_38", "NIST 800-53 CP-9"),
        (across(kinds.STORAGE, _comes_back),),
    ),
    Rule(
        "data.backed-up",
        "Databases are backed up",
        "medium",
        "A replica repeats a mistake at once.",
        ("AWS Security Hub RDS.11", "checkov CKV_AWS_133", "NIST 800-53 CP-9"),
        (on(DATABASES, _backed_up), on(kinds.POSTGRES, _azure_backed_up), across(kinds.DATABASE, _database_backed_up)),
    ),
    Rule(
        "data.database-protected",
        "A database refuses to be deleted",
        "medium",
        "Also by who does it in a console.",
        ("AWS Security Hub RDS.8", "checkov CKV_AWS_293"),
        (on(DATABASES, equals("deletionProtection", True)),),
    ),
    Rule(
        "data.logs-kept",
        "Logs are kept, and not for ever",
        "low",
        "Without a number they are kept for ever and paid for, or too short for who asks after an incident.",
        ("AWS Security Hub CloudWatch.16", "NIST 800-53 AU-11"),
        (
            on(kinds.LOGS, _logs_kept),
            on("azure-native:operationalinsights:Workspace", _logs_kept),
            on("kubernetes:batch:Job", _tidied),
        ),
    ),
    Rule(
        "data.lifecycle",
        "Old files go or get cheaper",
        "low",
        "Checkpoints and captured requests are most of a store after a year.",
        ("AWS Security Hub S3.13", "AWS Well-Architected ML Lens: cost"),
        (across(kinds.BUCKET, _lifecycle), across(kinds.STORAGE, _azure_lifecycle)),
    ),
    Rule(
        "data.features-expire",
        "Features that are read at once end some day",
        "low",
        "Rows of people who left are served for ever otherwise.",
        ("GDPR Article 5 (1) e", "AWS Well-Architected ML Lens: security"),
        (
            on(
                kinds.FEATURES,
                is_set(
                    "onlineStoreConfig.ttlDuration",
                    "ttl_duration={'unit': 'Days', 'value': …}",
                    when=lambda r: bool(r.get("onlineStoreConfig.enableOnlineStore")),
                ),
            ),
        ),
    ),
)
