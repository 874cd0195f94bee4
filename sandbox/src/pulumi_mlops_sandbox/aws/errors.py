"""Errors that the control plane answers with."""

from moto.core.exceptions import ServiceException


class AwsError(ServiceException):
    """An error of an AWS API: its code, its message and, where no model holds it, its HTTP status."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status


def invalid(message: str) -> AwsError:
    """Make the error that most AWS services give for parameters that do not fit together."""
    return AwsError("ValidationException", message)


def not_implemented(service: str, operation: str, why: str = "") -> AwsError:
    """Make the error for what the sandbox lacks; 501, so that no SDK retries it."""
    hint = f": {why}" if why else "; docs/sandbox.md lists what it serves"
    return AwsError("SandboxNotImplemented", f"The sandbox does not implement {service} {operation}{hint}", 501)
