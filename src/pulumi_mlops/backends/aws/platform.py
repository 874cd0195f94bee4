"""Platform on AWS: key, bucket, repositories, logs, alerts, budget, secrets, network, in the order of making."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output

from pulumi_mlops.backends.aws import buckets, live, names, network, providers
from pulumi_mlops.backends.aws.access import principal_arn
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.backends.aws.image_rights import PULL
from pulumi_mlops.backends.aws.policy import Statement, allow, document
from pulumi_mlops.backends.aws.secrets import secret
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.principals import Who, plain


@dataclass(frozen=True)
class Account:
    """Where this is."""

    id: Output[str]
    region: Output[str]
    partition: Output[str]
    domain: Output[str]
    """What the addresses of services end in."""
    named: str | None
    """The region as the program knows it."""

    @property
    def root(self) -> Output[str]:
        """The account as a whole: its own IAM policies decide who in it."""
        return Output.format("arn:{0}:iam::{1}:root", self.partition, self.id)

    def principals(self, given: Sequence[Who]) -> list[Output[str]]:
        """Return principals as resource policies name them."""
        return [principal_arn(who, self.partition, self.id) for who in given]


def platform(scope: Scope, spec: PlatformSpec) -> PlatformRef:
    """Build the hub."""
    native: dict[str, pulumi.Resource] = {}
    given = scope.component.get_provider("aws:index:any")
    here = spec.region or (providers.region_of(given) if given else live.default_region())
    if given is None and (spec.region or spec.account):
        scope = replace(scope, provider=providers.make(scope.child("aws"), here, spec.account, scope.opts))
    partition = aws.get_partition_output(opts=scope.invoke)
    account = Account(
        aws.get_caller_identity_output(opts=scope.invoke).account_id,
        aws.get_region_output(opts=scope.invoke).region,
        partition.partition,
        partition.dns_suffix,
        here,
    )
    key = spec.existing.key or _key(scope, spec, account, native)
    bucket = spec.existing.artifacts or _bucket(scope, spec, account, key, native)
    repositories = {name: _repository(scope, spec, account, key, name) for name in spec.images}
    logs = _logs(scope, spec, key)
    topic = spec.existing.alerts or _topic(scope, account, key, native)
    for email in spec.alerts:  # named by the address: its neighbours come and go without a new confirmation
        mark = hashlib.sha256(email.encode()).hexdigest()[:6]
        aws.sns.TopicSubscription(
            scope.child(f"alerts-{mark}"), topic=topic, protocol="email", endpoint=email, opts=scope.opts
        )
    if spec.monthly_budget:
        native["budget"] = _budget(scope, spec, account, topic)
    secrets = {name: secret(scope, key, f"secret-{name}", name, value).arn for name, value in spec.secrets.items()}
    place = network.Place(account.region, account.partition, account.named, account.id, bucket)
    where = _network(scope, spec, place, logs, native)
    native |= {"logs": logs, **{f"repository.{name}": repository for name, repository in repositories.items()}}

    return PlatformRef(
        name=scope.name,
        backend="aws",
        stage=spec.stage,
        profile=scope.profile.name,
        region=here,
        owner=spec.owner,
        tags=spec.tags,
        tag_prefix=spec.tag_prefix,
        artifacts=Output.format("s3://{0}/", bucket),
        images={name: repository.repository_url for name, repository in repositories.items()},
        secrets=secrets,
        consumers=plain(spec.consumers),
        private=where is not None,
        providers=tuple(found for found in [scope.provider or given] if found),
        native=native,
        address=PlatformAddress(
            account=account.id,
            region=account.region,
            partition=account.partition,
            domain=account.domain,
            key=key,
            bucket=bucket,
            logs=logs.name,
            log_days=logs.retention_in_days,
            topic=topic,
            repositories={name: repository.arn for name, repository in repositories.items()},
            subnets=where.subnets if where else [],
            security_groups=where.security_groups if where else [],
            vpc=where.vpc if where else None,
        ).plain(),
    )


def _key(scope: Scope, spec: PlatformSpec, account: Account, native: dict[str, pulumi.Resource]) -> Output[str]:
    here = {"StringEquals": {"aws:SourceAccount": account.id}}
    use = ["kms:Decrypt", "kms:GenerateDataKey*"]
    log_service = Output.format("logs.{0}.{1}", account.region, account.domain)
    statements: list[Statement] = [
        {**allow(["kms:*"], "*"), "Sid": "IamDecides", "Principal": {"AWS": account.root}},
        {
            **allow(
                [*use, "kms:Encrypt", "kms:ReEncrypt*", "kms:DescribeKey"],
                "*",
                {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": Output.format(
                            "arn:{0}:logs:{1}:{2}:*", account.partition, account.region, account.id
                        )
                    }
                },
            ),
            "Sid": "Logs",
            "Principal": {"Service": log_service},
        },
        {
            **allow(use, "*", here),
            "Sid": "Alerts",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com"]},
        },
    ]
    if spec.consumers:
        readers = account.principals(spec.consumers)
        through_s3 = Output.format("s3.{0}.amazonaws.com", account.region)
        statements.append(
            {
                **allow(["kms:Decrypt", "kms:DescribeKey"], "*", {"StringEquals": {"kms:ViaService": through_s3}}),
                "Sid": "Consumers",
                "Principal": {"AWS": readers},
            }
        )
    key = aws.kms.Key(
        scope.child("key"),
        description=f"Everything of platform {scope.project} ({scope.stage})",
        policy=document(statements),
        enable_key_rotation=True,
        deletion_window_in_days=max(7, scope.profile.recovery_days),
        tags=scope.tags,
        opts=scope.guarded(),
    )
    aws.kms.Alias(scope.child("alias"), name=f"alias/{scope.physical()}", target_key_id=key.key_id, opts=scope.opts)
    native["key"] = key
    return key.arn


def _bucket(
    scope: Scope, spec: PlatformSpec, account: Account, key: Any, native: dict[str, pulumi.Resource]
) -> Output[str]:
    def policy(bucket: aws.s3.Bucket) -> list[Statement]:
        if not spec.consumers:
            return []
        readers = account.principals(spec.consumers)
        # What is shared are the files of versions; features, answers and captured data stay with the platform.
        return [
            {
                **allow(["s3:GetObject", "s3:GetObjectVersion"], Output.format("{0}/models/*", bucket.arn)),
                "Sid": "Consumers",
                "Principal": {"AWS": readers},
            },
            {
                **allow(["s3:ListBucket"], bucket.arn, {"StringLike": {"s3:prefix": ["models/*"]}}),
                "Sid": "ConsumersList",
                "Principal": {"AWS": readers},
            },
        ]

    bucket = buckets.closed(
        scope,
        "artifacts",
        buckets.name(scope, "artifacts", account.id, account.region),
        key,
        rules=[buckets.superseded(scope.profile.version_days)],
        policy=policy,
    )
    native["artifacts"] = bucket
    return bucket.bucket


def _repository(scope: Scope, spec: PlatformSpec, account: Account, key: Any, name: str) -> aws.ecr.Repository:
    repository = aws.ecr.Repository(
        scope.child(f"image-{name}"),
        name=f"{scope.physical()}/{name}",
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration={"scan_on_push": True},
        encryption_configurations=[{"encryption_type": "KMS", "kms_key": key}],
        force_delete=not scope.profile.protect,
        tags=scope.tags,
        opts=scope.guarded(),
    )
    untagged = {
        "rulePriority": 1,
        "description": "Layers that no tag holds",
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
        "action": {"type": "expire"},
    }
    aws.ecr.LifecyclePolicy(
        scope.child(f"image-{name}-lifecycle"),
        repository=repository.name,
        policy=Output.json_dumps({"rules": [untagged]}),
        opts=scope.opts,
    )
    if spec.consumers:
        pull = {
            "Sid": "Consumers",
            "Effect": "Allow",
            "Principal": {"AWS": account.principals(spec.consumers)},
        }
        aws.ecr.RepositoryPolicy(
            scope.child(f"image-{name}-policy"),
            repository=repository.name,
            policy=document([{**pull, "Action": PULL}]),
            opts=scope.opts,
        )
    return repository


def _logs(scope: Scope, spec: PlatformSpec, key: Any) -> aws.cloudwatch.LogGroup:
    return aws.cloudwatch.LogGroup(
        scope.child("logs"),
        name=f"/mlops/{scope.physical()}",
        retention_in_days=spec.log_days or scope.profile.log_days,
        kms_key_id=key,
        tags=scope.tags,
        opts=scope.opts,
    )


def _topic(scope: Scope, account: Account, key: Any, native: dict[str, pulumi.Resource]) -> Output[str]:
    topic = aws.sns.Topic(
        scope.child("alerts"),
        name=names.of_stack(scope, "alerts"),
        kms_master_key_id=key,
        tags=scope.tags,
        opts=names.kept(scope),
    )
    services = {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com"]}
    publish = {
        **allow(["sns:Publish"], topic.arn, {"StringEquals": {"aws:SourceAccount": account.id}}),
        "Sid": "OwnAlarms",
        "Principal": services,
    }
    aws.sns.TopicPolicy(scope.child("alerts-policy"), arn=topic.arn, policy=document([publish]), opts=scope.opts)
    native["alerts"] = topic
    return topic.arn


def _budget(scope: Scope, spec: PlatformSpec, account: Account, topic: Any) -> aws.budgets.Budget:
    def notice(percent: int, kind: str) -> aws.budgets.BudgetNotificationArgsDict:
        return {
            "comparison_operator": "GREATER_THAN",
            "threshold": percent,
            "threshold_type": "PERCENTAGE",
            "notification_type": kind,
            "subscriber_sns_topic_arns": [topic],
        }

    notices = [notice(percent, "ACTUAL") for percent in spec.budget_thresholds]
    notices += [notice(percent, "FORECASTED") for percent in spec.budget_thresholds if percent == 100]  # noqa: PLR2004 (the whole budget)
    return aws.budgets.Budget(
        scope.child("budget"),
        name=names.in_account(scope, account.named, limit=100),
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=f"{spec.monthly_budget:.2f}".rstrip("0").rstrip("."),
        limit_unit="USD",
        cost_filters=[{"name": "TagKeyValue", "values": [f"user:{spec.tag_prefix}project${scope.project}"]}],
        notifications=notices,
        tags=scope.tags,
        opts=names.kept_in(scope, account.named),
    )


def _network(
    scope: Scope,
    spec: PlatformSpec,
    place: network.Place,
    logs: aws.cloudwatch.LogGroup,
    native: dict[str, pulumi.Resource],
) -> network.Network | None:
    if spec.network is None:
        return None
    if spec.network.existing:
        return network.Network(spec.network.existing.subnets, spec.network.existing.security_groups, {})
    assert spec.network.private is not None  # noqa: S101 (Network holds exactly one of the two)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
    }
    role = aws.iam.Role(
        scope.child("flow-role"),
        name=names.in_account(scope, place.named, "flow-logs"),
        assume_role_policy=document([trust]),
        tags=scope.tags,
        opts=names.kept_in(scope, place.named),
    )
    write = [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], Output.format("{0}:log-stream:*", logs.arn)),
        allow(["logs:DescribeLogStreams"], [logs.arn, Output.format("{0}:*", logs.arn)]),
        allow(["logs:DescribeLogGroups"], "*"),  # takes no resource
    ]
    rights = aws.iam.RolePolicy(
        scope.child("flow-rights"), name="rights", role=role.name, policy=document(write), opts=scope.opts
    )
    arn = Output.all(role.arn, rights.id).apply(lambda known: str(known[0]))
    made = network.private(scope, spec.network.private, place, logs.arn, arn)
    native.update(made.native)
    return made
