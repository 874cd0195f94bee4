"""Azure Resource Manager's errors: which pass by themselves, and what to tell the user."""

from typing import Any, Final

from urllib3.exceptions import HTTPError

PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""What the real provider tries again."""
MEANWHILE: Final = "AnotherOperationInProgress"
MISSING: Final = 404
_UNAUTHENTICATED: Final = 401
_START: Final = "pulumi-mlops sandbox up --plane azure"


class ArmError(Exception):
    """Azure said no."""

    def __init__(self, status: int, code: str, message: str, request: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request = request

    @property
    def passing(self) -> bool:
        """Say whether the same request may succeed a little later."""
        return self.status in PASSING or self.code == MEANWHILE


def refusal(status: int, data: Any, request: str = "") -> ArmError:
    """Read an answer that is an error: the envelope, and what its details add."""
    error = data.get("error") if isinstance(data, dict) else None
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or f"HTTP {status}")
    for detail in error.get("details") or []:
        text = str(detail.get("message") or "") if isinstance(detail, dict) else ""
        if text and text not in message:
            message += f" {text}"
    return ArmError(status, str(error.get("code") or status), message, request)


def explain(error: Exception) -> str:
    """Say in one line what happened and, where the user can do something, what."""
    name = type(error).__name__
    if isinstance(error, ArmError):
        text = f"{error.code}: {error}"
        if error.status == _UNAUTHENTICATED:
            return f"{text}; start again with `pulumi-mlops sandbox run`, or renew the token of the provider"
        if error.passing:
            return f"{text}; Azure is still busy, run again"
        return f"{text} ({error.request})" if error.request else text
    if isinstance(error, HTTPError):
        return f"{name}: the control plane does not answer; start it with `{_START}`"
    return f"defect in the stand-in provider: {name}: {error}"
