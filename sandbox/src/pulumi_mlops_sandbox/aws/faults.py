"""Faults on demand, as AWS words them."""

import time

from pulumi_mlops_sandbox import faults
from pulumi_mlops_sandbox.aws.errors import AwsError

# Message and HTTP status of the errors that any service may answer with.
COMMON = {
    "ThrottlingException": ("Rate exceeded", 400),
    "Throttling": ("Rate exceeded", 400),
    "ExpiredTokenException": ("The security token included in the request is expired", 400),
    "ExpiredToken": ("The security token included in the request is expired", 403),
    "AccessDeniedException": ("User is not authorized to perform this action", 400),
    "AccessDenied": ("Access Denied", 403),
    "UnrecognizedClientException": ("The security token included in the request is invalid.", 400),
    "InternalFailure": ("The request processing has failed because of an unknown error.", 500),
    "ServiceUnavailable": ("The service is unavailable. Please retry.", 503),
}


class Faults(faults.Faults):
    """The faults that are waiting for their calls."""

    def apply(self, service: str, operation: str) -> None:
        """Delay or refuse the call if a fault was planned for it."""
        fault = self.take(service, operation)
        if fault is None:
            return
        if fault.latency:
            time.sleep(fault.latency)
        if fault.error:
            text, status = COMMON.get(fault.error, ("Injected by the sandbox", 400))
            raise AwsError(fault.error, fault.message or text, fault.status or status)
