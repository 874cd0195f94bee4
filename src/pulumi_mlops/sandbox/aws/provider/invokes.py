"""Data sources."""

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_mlops.sandbox.aws.provider.session import Session
from pulumi_mlops.sandbox.provider.check import nearest
from pulumi_mlops.sandbox.provider.contract import ProviderError, Values


def _caller(session: Session, arguments: Values) -> Values:
    found = session.client("sts").get_caller_identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"], "id": found["Account"]}


FUNCTIONS: Mapping[str, Callable[[Session, Values], Values]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
}


def answer(session: Session, token: str, arguments: Values) -> Values:
    """Answer a data source, or name the unknown one."""
    if token not in FUNCTIONS:
        raise ProviderError(f"the sandbox's table has no function {token!r}{nearest(token, sorted(FUNCTIONS))}")
    return FUNCTIONS[token](session, arguments)
