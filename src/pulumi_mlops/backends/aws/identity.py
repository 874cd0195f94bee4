"""Identity on AWS: a role that is assumed by whom it trusts, with one policy of exactly its grants."""

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws

from pulumi_mlops.backends.aws import access
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.components.identity import IdentityRef, IdentitySpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem

_GITHUB = "token.actions.githubusercontent.com"
_PROVIDER = "arn:{0}:iam::{1}:oidc-provider/" + _GITHUB


def identity(scope: Scope, spec: IdentitySpec) -> IdentityRef:
    """Make the role, then its rights: others know its address when it has them."""
    role = aws.iam.Role(
        scope.child("role"),
        name=scope.physical(scope.name, "identity", limit=64),
        assume_role_policy=access.document(list(_trust(spec))),
        description=f"Identity {scope.name} of {scope.project} ({scope.stage})",
        tags=scope.tags,
        opts=scope.opts,
    )
    native: dict[str, pulumi.Resource] = {"role": role}
    address = role.arn
    if grants := spec.grants():
        rights = native["rights"] = aws.iam.RolePolicy(
            scope.child("rights"),
            name="rights",
            role=role.name,
            policy=access.document(access.statements(spec.platform, grants)),
            opts=scope.opts,
        )
        address = pulumi.Output.all(role.arn, rights.id).apply(lambda known: str(known[0]))
    return IdentityRef(
        name=scope.name, backend="aws", platform=spec.platform, kind="role", principal=address, native=native
    )


def _trust(spec: IdentitySpec) -> Iterator[access.Statement]:
    at = PlatformAddress.of(spec.platform)
    if github := spec.trusts.github:
        place = f"environment:{github.environment}" if github.environment else f"ref:refs/heads/{github.branch}"
        yield {
            "Effect": "Allow",
            "Principal": {"Federated": access.arn(_PROVIDER, at.partition, at.account)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{_GITHUB}:aud": "sts.amazonaws.com",
                    f"{_GITHUB}:sub": f"repo:{github.repository}:{place}",
                }
            },
        }
    if account := spec.trusts.account:
        named = {"Condition": {"StringEquals": {"sts:ExternalId": account.external_id}}}
        yield {
            "Effect": "Allow",
            "Principal": {"AWS": access.arn("arn:{0}:iam::{1}:root", at.partition, account.id)},
            "Action": "sts:AssumeRole",
            **(named if account.external_id is not None else {}),
        }
    if spec.trusts.role is not None:
        yield {"Effect": "Allow", "Principal": {"AWS": spec.trusts.role}, "Action": "sts:AssumeRole"}


def identity_problems(spec: IdentitySpec) -> Iterator[Problem]:
    """Refuse a role that nobody could assume: IAM makes none."""
    if not spec.trusts.model_fields_set:
        yield Problem(
            "trusts",
            "is required: IAM makes no role that nobody may assume; write trusts={'github': {…}}, {'account': {…}} "
            "or {'role': 'arn:…'}",
        )
