"""Identity on AWS: a role that is assumed by whom it trusts, with one policy of exactly its grants."""

from collections.abc import Iterator

from pulumi_mlops.backends.aws import access, names, policy
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.components.identity import IdentityRef, IdentitySpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem

_GITHUB = "token.actions.githubusercontent.com"
_LISTS = ("reads", "writes", "registers", "approves", "deploys", "invokes", "secrets", "records")
_PROVIDER = "arn:{0}:iam::{1}:oidc-provider/" + _GITHUB


def identity(scope: Scope, spec: IdentitySpec) -> IdentityRef:
    """Make the role, then its rights: others know its address when it has them."""
    made = access.role_of(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "identity"),
        "Identity",
        list(_trust(spec)),
        platform=spec.platform,
        grants=spec.grants(),
    )
    return IdentityRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        kind="role",
        principal=made.arn,
        native={"role": made.role, **({"rights": made.rights} if made.rights else {})},
    )


def _trust(spec: IdentitySpec) -> Iterator[policy.Statement]:
    at = PlatformAddress.of(spec.platform)
    if github := spec.trusts.github:
        place = f"environment:{github.environment}" if github.environment else f"ref:refs/heads/{github.branch}"
        yield {
            "Effect": "Allow",
            "Principal": {"Federated": policy.arn(_PROVIDER, at.partition, at.account)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{_GITHUB}:aud": "sts.amazonaws.com",
                    f"{_GITHUB}:sub": f"repo:{github.repository}:{place}",
                }
            },
        }
    if token := spec.trusts.token:
        issuer = token.issuer.removeprefix("https://").rstrip("/")
        yield {
            "Effect": "Allow",
            "Principal": {
                "Federated": policy.arn(f"arn:{{0}}:iam::{{1}}:oidc-provider/{issuer}", at.partition, at.account)
            },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{issuer}:aud": token.audience or "sts.amazonaws.com", f"{issuer}:sub": token.subject}
            },
        }
    if account := spec.trusts.account:
        named = {"Condition": {"StringEquals": {"sts:ExternalId": account.external_id}}}
        yield {
            "Effect": "Allow",
            "Principal": {"AWS": policy.arn("arn:{0}:iam::{1}:root", at.partition, account.id)},
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
            "is required: IAM makes no role that nobody may assume; write trusts={'github': {…}}, {'token': {…}}, "
            "{'account': {…}} or {'role': 'arn:…'}",
        )
    lists = {name: len(getattr(spec, name)) for name in _LISTS}
    yield from access.size_problems(max(lists, key=lists.__getitem__), spec.platform, spec.grants())
