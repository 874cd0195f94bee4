"""AWS's errors: which mean absence, which pass by themselves, and what to tell the user."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

Result = TypeVar("Result")
THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "ProvisionedThroughputExceededException",
        "ConcurrentModification",
        "ConcurrentModificationException",
        "OperationAborted",
    }
)
EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    }
)
_ATTEMPTS = 8


def code(error: Exception) -> str:
    """Return AWS's error code, or nothing."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message(error: Exception) -> str:
    """Return AWS's message, or nothing."""
    return str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else ""


def matches(error: Exception, rules: Iterable[str]) -> bool:
    """Say whether an error is one of ``Code`` or ``Code:part of the message``."""
    for rule in rules:
        wanted, _, part = rule.partition(":")
        if code(error) == wanted and part.lower() in message(error).lower():
            return True
    return False


def patiently(call: Callable[..., Result], passing: Iterable[str], **arguments: Any) -> Result:
    """Make a call, again while the error is throttling or one that passes by itself."""
    rules = tuple(passing)
    attempts = Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, Exception) and (code(error) in THROTTLED or matches(error, rules))
        ),
        wait=wait_exponential(multiplier=0.05, max=2) + wait_random(0, 0.05),
        stop=stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )
    return attempts(call, **arguments)


_UNREACHABLE = (EndpointConnectionError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError)


def explain(error: Exception) -> str:
    """Say in one line what happened and, where the user can do something, what."""
    name = type(error).__name__
    if isinstance(error, ClientError):
        return _explain_answer(error)
    if isinstance(error, _UNREACHABLE):
        return f"{name}: the control plane does not answer; start it with `pulumi-mlops sandbox up`"
    if isinstance(error, NoCredentialsError):
        return f"{name}: no credentials; run inside `pulumi-mlops sandbox run`"
    if isinstance(error, BotoCoreError):
        return f"{name}: {error}"
    return f"defect in the stand-in provider: {name}: {error}"


def _explain_answer(error: ClientError) -> str:
    if code(error) in EXPIRED:
        renew = "start again with `pulumi-mlops sandbox run`, or renew those of the provider"
        return f"{code(error)}: the credentials are refused or have expired; {renew}"
    text = f"{code(error)}: {message(error)} (operation {error.operation_name})"
    return f"{text}; the control plane is still throttling, run again" if code(error) in THROTTLED else text
