"""One identity a component, with just the rights of its references; and principals, as policies name them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import names, policy, rights
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.backends.aws.policy import Statement, document
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.principals import PrincipalRef, Who
from pulumi_mlops.core.workload import Grant

_ROLE = r"(arn:[a-z-]+:iam::\d{12}:role/)?[\w+=,.@/-]{1,576}"
_WRITTEN = {"account": re.compile(r"\d{12}"), "role": re.compile(_ROLE)}
_WRITE = {
    "account": "is not an AWS account; write its twelve digits",
    "role": "is not an IAM role; write its name, or its ARN where it is in another account",
}
_NOT_TAKEN = (
    "is not a role: IAM gives this right to roles of the platform's account; write {'role': …}, or make an Identity "
    "that trusts whoever it is"
)


@dataclass(frozen=True)
class Identity:
    """A role that is known only when its rights are attached, so nothing can start without them."""

    role: "aws.iam.Role"
    rights: pulumi.Resource | None
    arn: Output[str]


def identity(scope: Scope, name: str, platform: PlatformRef, service: str, *grants: Grant) -> Identity:
    """Make the one identity of a component, assumed by a service of this account only, with just the rights given."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": PlatformAddress.of(platform).account}},
    }
    return role_of(scope, name, type(scope.component).__name__, [trust], platform=platform, grants=grants)


def role_of(
    scope: Scope,
    name: str,
    what: str,
    trust: Sequence[Statement],
    *,
    platform: PlatformRef,
    grants: Sequence[Grant],
    part: str = "",
) -> Identity:
    """Make a role with one policy, with several where one cannot hold its rights, or with none where it has none.

    :param what: what kind of thing it is for, for the description.
    :param part: tells a component's second role from its first.
    """
    role = aws.iam.Role(
        scope.child(f"{part}-role" if part else "role"),
        name=name,
        assume_role_policy=document(trust),
        description=f"{what} {scope.name} of {scope.project} ({scope.stage})",
        tags=scope.tags,
        opts=names.kept_in(scope, platform.region),
    )
    allowed = rights.statements(platform, grants)
    if not allowed:
        return Identity(role, None, role.arn)
    parts = rights.policies(platform, allowed)
    made: list[pulumi.Resource]
    if len(parts) == 1:
        inline = aws.iam.RolePolicy(
            scope.child(f"{part}-rights" if part else "rights"),
            name="rights",
            role=role.name,
            policy=document(allowed, policy.INLINE),
            opts=scope.opts,
        )
        return Identity(role, inline, _with(role, [inline]))
    made = [_attached(scope, role, platform.region, (index, part)) for index, part in enumerate(parts, 1)]
    return Identity(role, made[0], _with(role, made))


def _attached(
    scope: Scope, role: "aws.iam.Role", region: str | None, numbered: tuple[int, Sequence[Statement]]
) -> "aws.iam.RolePolicyAttachment":
    index, part = numbered
    managed = aws.iam.Policy(
        scope.child(f"rights-{index}"),
        name=names.in_account(scope, region, scope.name, f"rights-{index}", limit=128),
        policy=document(part, policy.MANAGED),
        tags=scope.tags,
        opts=scope.opts,
    )
    return aws.iam.RolePolicyAttachment(
        scope.child(f"rights-{index}-attached"), role=role.name, policy_arn=managed.arn, opts=scope.opts
    )


def _with(role: "aws.iam.Role", attached: Sequence[pulumi.Resource]) -> Output[str]:
    """Return the ARN of a role once these are attached to it."""
    return Output.all(role.arn, *(one.id for one in attached if isinstance(one, pulumi.CustomResource))).apply(
        lambda known: str(known[0])
    )


def size_problems(field: str, platform: PlatformRef, grants: Sequence[Grant]) -> Iterator[Problem]:
    """Refuse more rights than one role can have."""
    parts = len(rights.policies(platform, rights.statements(platform, grants)))
    if parts > policy.ATTACHED:
        yield Problem(
            field,
            f"names so many things that their rights fill {parts} policies, and IAM attaches {policy.ATTACHED} to one "
            "role; share the things among several",
        )


def principal_arn(who: Who, partition: Input[str], account: Input[str]) -> Output[str]:
    """Return a principal as resource policies name it; an account as a whole is its root."""
    form = "arn:{0}:iam::{1}:root" if who.kind == "account" else "arn:{0}:iam::{1}:role/{2}"

    def written(known: Sequence[str]) -> str:
        value, partition, own = known
        if value.startswith("arn:"):
            return value
        return form.format(partition, value if who.kind == "account" else own, value)

    return Output.all(who.value, partition, account).apply(written)


def principal_problems(field: str, principals: Sequence[Who], takes: Sequence[str]) -> Iterator[Problem]:
    """Judge principals: their backend, their kind where one is not taken, and how they are written."""
    for index, who in enumerate(principals):
        where = f"{field}[{index}]"
        if isinstance(who, PrincipalRef) and who.backend != "aws":
            yield Problem(where, f"identity {who.name!r} lives on {who.backend!r}; give an Identity of an AWS platform")
        elif who.kind not in takes:
            yield Problem(f"{where}.{who.kind}", _NOT_TAKEN)
        elif not is_deferred(who.value) and not _WRITTEN[who.kind].fullmatch(str(who.value)):
            yield Problem(f"{where}.{who.kind}", f"{who.value!r} {_WRITE[who.kind]}")


def _role_name(role: Input[str], account: Input[str]) -> Output[str]:
    """Return the name of a role of this account; a policy cannot be attached to one of another account."""

    def named(known: Sequence[str]) -> str:
        value, own = known
        if value.startswith("arn:") and value.split(":")[4] != own:
            raise MlopsError(
                f"role {value} is not in account {own}: a policy is attached to roles of the same account only. Make "
                "an Identity that trusts it: trusts={'role': …}"
            )
        return value.rpartition("/")[2]

    return Output.all(role, account).apply(named)


def _word(index: int, who: Who) -> str:
    """Return what tells a principal's resources apart: its name where that is known, else its place in the list."""
    if isinstance(who, PrincipalRef):
        return f"identity-{who.name}"
    return str(index) if is_deferred(who.value) else str(who.value).rpartition("/")[2]


def let(
    scope: Scope, part: str, platform: PlatformRef, roles: Sequence[Who], allowed: Sequence[Statement]
) -> dict[str, pulumi.Resource]:
    """Give rights to roles that the user has: one policy, attached to each."""
    if not roles:
        return {}
    given = aws.iam.Policy(
        scope.child(part),
        name=names.in_account(scope, platform.region, scope.name, part, limit=128),
        policy=document(allowed, policy.MANAGED),
        tags=scope.tags,
        opts=names.kept_in(scope, platform.region),
    )
    account = PlatformAddress.of(platform).account
    for index, who in enumerate(roles):
        name = _word(index, who)
        plain = not isinstance(who, PrincipalRef) and who.value == name
        aws.iam.RolePolicyAttachment(
            scope.child(f"{part}-{name}"),
            role=name if plain else _role_name(who.value, account),
            policy_arn=given.arn,
            opts=scope.opts,
        )
    return {part: given}


def forbid(
    scope: Scope, part: str, platform: PlatformRef, roles: Sequence[Who], forbidden: Sequence[Statement]
) -> None:
    """Take rights from roles that the user has: a policy inside each."""
    account = PlatformAddress.of(platform).account
    for index, who in enumerate(roles if forbidden else ()):
        name = _word(index, who)
        plain = not isinstance(who, PrincipalRef) and who.value == name
        aws.iam.RolePolicy(
            scope.child(f"{part}-{name}"),
            name=scope.physical(scope.name, part, limit=128),
            role=name if plain else _role_name(who.value, account),
            policy=document(forbidden, policy.INLINE),
            opts=scope.opts,
        )
