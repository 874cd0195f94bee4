"""What exists in the account, so that a test can say that nothing is left.

Everything that a new account has by itself (the default VPC, the default event bus, AWS's own keys and policies) is
left out; a new control plane has an empty inventory.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pulumi_mlops_sandbox.aws.accounts import all_backends
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.sagemaker.kinds import RECORDS

Listing = Callable[[Any], Iterable[str]]


def _default_vpcs(ec2: Any) -> set[str]:
    return {identity for identity, vpc in ec2.vpcs.items() if vpc.is_default == "true" or vpc.is_default is True}


def _keys(state_is_pending: bool) -> Listing:
    def listing(kms: Any) -> Iterable[str]:
        own = [key for key in kms.keys.values() if key.key_manager == "CUSTOMER"]
        return [key.id for key in own if (key.key_state == "PendingDeletion") is state_is_pending]

    return listing


def _routes(ec2: Any) -> Iterable[str]:
    own = [table for table in ec2.route_tables.values() if table.main_association_id is None]
    return [table.id for table in own if table.vpc_id not in _default_vpcs(ec2)]


def _subnets(ec2: Any) -> Iterable[str]:
    default = _default_vpcs(ec2)
    return [subnet.id for zone in ec2.subnets.values() for subnet in zone.values() if subnet.vpc_id not in default]


def _security_groups(ec2: Any) -> Iterable[str]:
    own = [group for groups in ec2.groups.values() for group in groups.values()]
    return [group.id for group in own if group.name != "default"]


def _role_policies(iam: Any) -> Iterable[str]:
    return [f"{role.name}/{name}" for role in iam.roles.values() for name in role.policies]


def _attachments(iam: Any) -> Iterable[str]:
    return [f"{role.name}/{arn}" for role in iam.roles.values() for arn in role.managed_policies if not _linked(role)]


def _linked(role: Any) -> bool:
    return str(role.path).startswith("/aws-service-role/")


def _secret_versions(secrets: Any) -> Iterable[str]:
    return [f"{secret.name}" for secret in secrets.secrets.values()]


def _functions(functions: Any) -> Iterable[str]:
    return [function.function_name for function in functions._lambdas.all()]  # noqa: SLF001 - moto's list shows less


# Kind -> service of moto, and how to list it.
MOTO: dict[str, tuple[str, Listing]] = {
    "s3:Bucket": ("s3", lambda s3: s3.buckets),
    "s3:Object": ("s3", lambda s3: [f"{name}/{key}" for name, bucket in s3.buckets.items() for key in bucket.keys]),
    "kms:Key": ("kms", _keys(False)),
    "kms:KeyPendingDeletion": ("kms", _keys(True)),
    "kms:Alias": (
        "kms",
        lambda kms: [alias for key in kms.keys.values() for alias in key.aliases if not alias.startswith("alias/aws/")],
    ),
    "iam:Role": ("iam", lambda iam: [role.name for role in iam.roles.values() if not _linked(role)]),
    "iam:RolePolicy": ("iam", _role_policies),
    "iam:RolePolicyAttachment": ("iam", _attachments),
    "iam:Policy": ("iam", lambda iam: [arn for arn in iam.managed_policies if ":iam::aws:" not in arn]),
    "iam:User": ("iam", lambda iam: iam.users),
    "iam:OpenIdConnectProvider": ("iam", lambda iam: iam.open_id_providers),
    "ecr:Repository": ("ecr", lambda ecr: ecr.repositories),
    "logs:LogGroup": ("logs", lambda logs: logs.groups),
    "cloudwatch:Alarm": ("cloudwatch", lambda cloudwatch: cloudwatch.alarms),
    "cloudwatch:Dashboard": ("cloudwatch", lambda cloudwatch: cloudwatch.dashboards),
    "events:Bus": ("events", lambda events: [name for name in events.event_buses if name != "default"]),
    "events:Rule": ("events", lambda events: [rule for bus in events.event_buses.values() for rule in bus.rules]),
    "events:Target": (
        "events",
        lambda events: [
            f"{name}/{target['Id']}"
            for bus in events.event_buses.values()
            for name, rule in bus.rules.items()
            for target in rule.targets
        ],
    ),
    "scheduler:Schedule": (
        "scheduler",
        lambda scheduler: [name for group in scheduler.schedule_groups.values() for name in group.schedules],
    ),
    "states:StateMachine": (
        "stepfunctions",
        lambda states: [machine.name for machine in states.state_machines],
    ),
    "sns:Topic": ("sns", lambda sns: sns.topics),
    "sns:Subscription": ("sns", lambda sns: sns.subscriptions),
    "sqs:Queue": ("sqs", lambda sqs: sqs.queues),
    "budgets:Budget": ("budgets", lambda budgets: [name for account in budgets.budgets.values() for name in account]),
    "glue:Database": ("glue", lambda glue: glue.databases),
    "glue:Table": (
        "glue",
        lambda glue: [f"{name}/{table}" for name, database in glue.databases.items() for table in database.tables],
    ),
    "secretsmanager:Secret": ("secretsmanager", _secret_versions),
    "lambda:Function": ("lambda", _functions),
    "ec2:Vpc": ("ec2", lambda ec2: set(ec2.vpcs) - _default_vpcs(ec2)),
    "ec2:Subnet": ("ec2", _subnets),
    "ec2:RouteTable": ("ec2", _routes),
    "ec2:SecurityGroup": ("ec2", _security_groups),
    "ec2:VpcEndpoint": ("ec2", lambda ec2: ec2.vpc_end_points),
    "ec2:FlowLog": ("ec2", lambda ec2: ec2.flow_logs),
    "ec2:InternetGateway": ("ec2", lambda ec2: ec2.internet_gateways),
    "ec2:NatGateway": ("ec2", lambda ec2: ec2.nat_gateways),
    "ec2:NetworkInterface": ("ec2", lambda ec2: ec2.enis),
    "sagemaker:Pipeline": ("sagemaker", lambda sagemaker: sagemaker.pipelines),
    "sagemaker:Domain": ("sagemaker", lambda sagemaker: sagemaker.domains),
    "sagemaker:NotebookInstance": ("sagemaker", lambda sagemaker: sagemaker.notebook_instances),
}
SCALING = {"targets": "ScalableTarget", "policies": "ScalingPolicy", "actions": "ScheduledAction"}


def inventory(plane: Account) -> dict[str, list[str]]:
    """List the ids of everything, by kind; kinds of which there are none are left out."""
    found: dict[str, list[str]] = {}
    for kind, identity, _record in plane.store.everything():
        if kind in RECORDS:
            continue
        found.setdefault(f"sagemaker:{kind}", []).append(identity)
    for (what, _region), kept in plane.store.extra.get("scaling", {}).items():
        if what in SCALING:
            found.setdefault(f"application-autoscaling:{SCALING[what]}", []).extend("/".join(key) for key in kept)
    for instance in all_backends():
        for _account, region, backend in list(instance.iter_backends()):
            for kind, (service, listing) in MOTO.items():
                if service == instance.service_name and not region.startswith("aws-"):
                    found.setdefault(kind, []).extend(str(identity) for identity in listing(backend))
    return {kind: sorted(identities) for kind, identities in sorted(found.items()) if identities}
