"""What Azure answers to a look-up that fails, in a line that says what to do about it."""

import contextlib
import re
from collections.abc import Iterator

from pulumi_mlops.backends.azure.sessions import Answer
from pulumi_mlops.core.errors import MlopsError, Unavailable

_LOGIN = "Log in with: az login; look at who you are with: az account show"
_ACTION = re.compile(r"perform action '([^']+)'(?: over scope '([^']+)')?")
_TOO_MANY, _FORBIDDEN, _UNKNOWN, _BROKEN = 429, 403, 401, 500
NO_SUBSCRIPTION = ("SubscriptionNotFound", "InvalidSubscriptionId")


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn the client's failures into one line: what was asked, why nothing came back, and the way out."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415 (as in sessions)

    try:
        yield
    except ClientAuthenticationError as error:
        told = _first(error)
        raise MlopsError(f"Azure was not asked about {what}, for want of credentials: {told}. {_LOGIN}") from error
    except AzureError as error:
        raise Unavailable(
            f"Azure does not answer when it is asked about {what}: {_first(error)}. Look at network and proxies; "
            "try: az account show"
        ) from error


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def refused(what: str, answer: Answer) -> MlopsError:
    """Say why a request was refused."""
    told = answer.body.get("error") or {}
    code, message = str(told.get("code") or answer.status), str(told.get("message") or "no reason given").rstrip(".")
    if answer.status == _UNKNOWN:
        return MlopsError(
            f"Azure does not take the credentials with which it was asked about {what}: {message}. {_LOGIN}"
        )
    if code in NO_SUBSCRIPTION:
        return MlopsError(
            f"Azure does not know the subscription in which it was asked about {what}: {message}. Look at: az account "
            "list; name one with: pulumi config set azure-native:subscriptionId ID"
        )
    if answer.status == _FORBIDDEN:
        found = _ACTION.search(message)
        right = f"{found[1]}{f' on {found[2]}' if found[2] else ''}" if found else "the right to read it"
        return MlopsError(
            f"Azure does not let this program ask about {what}: {message}. Give {right} to who deploys; "
            "docs/credentials.md lists the rights that the library's look-ups need"
        )
    if answer.status == _TOO_MANY:
        return Unavailable(
            f"Azure is asked too often, and did not answer about {what}: {message}. Run pulumi up again, with fewer at "
            "a time: pulumi up --parallel 4"
        )
    if answer.status >= _BROKEN:
        return Unavailable(f"Azure failed when it was asked about {what}: {message}. Run pulumi up again later")
    return MlopsError(f"Azure refused what it was asked about {what}: {message} ({code})")
