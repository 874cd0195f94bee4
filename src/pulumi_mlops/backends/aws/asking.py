"""What AWS answers to a look-up that fails, in a line that says what to do about it."""

import contextlib
import re
from collections.abc import Iterator, Mapping

from pulumi_mlops.core.errors import MlopsError, Unavailable

_NO_RIGHT = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"})
_NO_LOGIN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
TOO_FAST = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_FAILED = frozenset({"InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "500", "503"})
_WITHOUT_LOGIN = frozenset(
    {
        "CredentialRetrievalError",
        "LoginError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "RefreshWithMFAUnsupportedError",
        "SSOError",
        "TokenRetrievalError",
        "UnknownCredentialError",
    }
)
"""Classes of botocore, by name: which of them there are differs from version to version."""
_FORBIDDEN = re.compile(r"not authorized to perform:? ([\w-]+:\w+)(?: on resource:? (\S+))?")
_CREDENTIALS = "Get new ones, such as with: aws sso login; look at who you are with: aws sts get-caller-identity"


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn boto3's failures into one line: what was asked, whether it was refused or not reached, and the way out."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (only programs that ask pay for it)

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        passes = told.get("Code") in TOO_FAST | _FAILED
        raise (Unavailable if passes else MlopsError)(_refused(what, told, error.operation_name)) from error
    except BotoCoreError as error:
        unreached = {"HTTPClientError", "ConnectionError"} & {kind.__name__ for kind in type(error).__mro__}
        raise (Unavailable if unreached else MlopsError)(_unanswered(what, error)) from error


def _refused(what: str, error: Mapping[str, object], operation: str) -> str:
    code, message = str(error.get("Code", "")), str(error.get("Message", "")).rstrip(".") or "no reason given"
    if code in _NO_RIGHT:
        found = _FORBIDDEN.search(message)
        right = found[1] if found else operation
        on = f" on {found[2].rstrip('.')}" if found and found[2] else ""
        return (
            f"AWS does not let this program ask about {what}: {message}. Give {right}{on} to who deploys; "
            "docs/credentials.md lists the rights that the library's look-ups need"
        )
    if code in _NO_LOGIN:
        return f"AWS does not take the credentials with which it was asked about {what}: {message}. {_CREDENTIALS}"
    if code in TOO_FAST or "throttl" in message.lower():
        return (
            f"AWS is asked too often, and did not answer about {what}: {message}. Run pulumi up again, with fewer at a "
            "time: pulumi up --parallel 4"
        )
    if code in _FAILED:
        return f"AWS failed when it was asked about {what}: {message}. Run pulumi up again later"
    return f"AWS refused what it was asked about {what}: {message} ({code or 'no code'}, {operation})"


def _unanswered(what: str, error: Exception) -> str:
    told = str(error).rstrip(".")
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "ProfileNotFound" in kinds:
        return (
            f"AWS was not asked about {what}: {told}. Look at: aws configure list-profiles; name one with: pulumi "
            "config set aws:profile NAME"
        )
    if "NoRegionError" in kinds:
        return f"AWS was not asked about {what}: there is no region. Name one with: pulumi config set aws:region NAME"
    if kinds & _WITHOUT_LOGIN:
        return f"AWS was not asked about {what}, for want of credentials: {told}. {_CREDENTIALS}"
    if "ParamValidationError" in kinds or "ValidationError" in kinds:
        return f"AWS cannot be asked about {what}: {told}. Write a name that AWS takes"
    return (
        f"AWS does not answer when it is asked about {what}: {told}. Look at region, network, proxies and "
        "aws:endpoints; try: aws sts get-caller-identity"
    )
