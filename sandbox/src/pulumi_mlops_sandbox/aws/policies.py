"""Policy documents, as far as services refuse them: grammar, principals that do not exist, public access.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.errors import AwsError

Statement = dict[str, Any]
Refuse = Callable[[str], AwsError]
VERSIONS = ("2012-10-17", "2008-10-17")
STATEMENT_MEMBERS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
_SERVICE = re.compile(r"^[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)$")
_OWN_ROLE = re.compile(rf"^arn:aws[a-z-]*:iam::{ACCOUNT}:role/")
# Conditions with which AWS no longer calls a statement for everybody public (S3, "The meaning of public").
_CLOSING_KEYS = {
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount",
    "aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:userid",
    "kms:calleraccount", "kms:viaservice", "s3:dataaccesspointarn", "s3:dataaccesspointaccount", "aws:sourceowner",
}  # fmt: skip


def parse(text: str, code: str, *, needs: tuple[str, ...] = ("Principal",)) -> list[Statement]:
    """Read a policy, or raise `code` with the reason; `needs` are members that every statement must have."""

    def refuse(reason: str) -> AwsError:
        return AwsError(code, reason, 400)

    try:
        document = json.loads(text)
    except ValueError:
        raise refuse("Policies must be valid JSON and the first byte must be '{'") from None
    if not isinstance(document, dict) or "Statement" not in document:
        raise refuse("Missing required field Statement")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise refuse(f"The policy must contain a valid version string, one of {', '.join(VERSIONS)}")
    statements = as_list(document["Statement"])
    for statement in statements:
        _check_statement(statement, needs, refuse)
        _check_principals(statement, refuse)
    return statements


def _check_statement(statement: Any, needs: tuple[str, ...], refuse: Refuse) -> None:
    if not isinstance(statement, dict):
        raise refuse("A statement must be an object")
    unknown = sorted(set(statement) - STATEMENT_MEMBERS)
    if unknown:
        raise refuse(f"Syntax error in policy: unknown field {unknown[0]}")
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise refuse("Invalid effect: it must be Allow or Deny")
    for member in (*needs, "Action"):
        if member not in statement and f"Not{member}" not in statement:
            raise refuse(f"Missing required field {member}")
    wrong = next((action for action in actions(statement) if action != "*" and ":" not in str(action)), None)
    if wrong is not None:
        raise refuse(f"Policy has invalid action: {wrong}")


def as_list(value: Any) -> list[Any]:
    """Make a list of what may be one thing or a list."""
    return value if isinstance(value, list) else [value]


def actions(statement: Statement) -> list[Any]:
    """List the actions of a statement."""
    return as_list(statement.get("Action", statement.get("NotAction", [])))


def principals(statement: Statement) -> Iterator[tuple[str, str]]:
    """Go through the principals: kind and name."""
    named: Any = statement.get("Principal") or statement.get("NotPrincipal") or {}
    if isinstance(named, str):
        yield "*", named
        return
    for kind, names in named.items():
        for name in as_list(names):
            yield kind, str(name)


def _check_principals(statement: Statement, refuse: Refuse) -> None:
    for kind, name in principals(statement):
        if kind == "*" and name != "*":
            raise refuse("Invalid principal in policy")
        if kind not in {"*", "AWS", "Service", "Federated", "CanonicalUser"}:
            raise refuse(f"Invalid principal in policy: {kind}")
        if kind == "Service" and not _SERVICE.match(name):
            raise refuse(f'Invalid principal in policy: "SERVICE":"{name}"')
        if kind == "AWS" and _OWN_ROLE.match(name) and accounts.role(name) is None:
            raise refuse(f'Invalid principal in policy: "AWS":"{name}"')


def is_public(statements: list[Statement]) -> bool:
    """Say whether a policy lets everybody in, in S3's sense."""
    for statement in statements:
        if statement["Effect"] != "Allow" or not any(name == "*" for _kind, name in principals(statement)):
            continue
        keys = {key.lower() for operator in statement.get("Condition", {}).values() for key in operator}
        if not keys & _CLOSING_KEYS:
            return True
    return False


def allows_account(statements: list[Statement], wanted: str) -> bool:
    """Say whether this account may do an action (such as `kms:PutKeyPolicy`) by its root or the sandbox's user."""
    service = wanted.split(":", maxsplit=1)[0]
    own = {"*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:user/moto"}
    for statement in statements:
        if statement["Effect"] != "Allow" or not any(name in own for _kind, name in principals(statement)):
            continue
        if {"*", f"{service}:*", wanted} & {str(action) for action in as_list(statement.get("Action", []))}:
            return True
    return False


def names_service(statements: list[Statement], service: str) -> bool:
    """Say whether a policy allows a service principal anything."""
    allowing = [statement for statement in statements if statement["Effect"] == "Allow"]
    return any(name in {service, "*"} for statement in allowing for _kind, name in principals(statement))
