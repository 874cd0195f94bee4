"""Calls of AWS's data planes: each is sent once by boto3, and again by the client's own patience where that may be."""

import contextlib
from collections.abc import Iterator
from typing import Any

from pulumi_mlops.backends.aws import live, sessions
from pulumi_mlops.backends.aws.asking import TOO_FAST, asking
from pulumi_mlops.clients.patience import PassingError, Patience
from pulumi_mlops.components.platform import PlatformRef

BUSY = (429, 503)
"""Statuses that say there is no room now."""
_BROKEN = 500
_NOT_SENT = {"ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError", "SSLError"}


def client(platform: PlatformRef, service: str, patience: Patience) -> Any:
    """Return a client that sends a request once, and waits as long for an answer as the client's user does."""
    given = next(iter(platform.providers), None)
    return sessions.client(given, service, platform.region or live.default_region(), patience.seconds)


@contextlib.contextmanager
def passing(what: str) -> Iterator[None]:
    """Part what may be over the next time from what is refused.

    :param what: what is asked about, for people.
    """
    from botocore import exceptions  # noqa: PLC0415 (only programs that ask pay for it)

    with asking(what):
        try:
            yield
        except exceptions.ReadTimeoutError as error:
            raise PassingError("late", "it takes longer") from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            unsent = any(kind.__name__ in _NOT_SENT for kind in type(error).__mro__)
            raise PassingError("unreached" if unsent else "broken", f"does not answer: {error}") from error
        except exceptions.ClientError as error:
            told = error.response.get("Error", {})
            code, status = told.get("Code", ""), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            said = f"{told.get('Message', '')} ({code})"
            if code in TOO_FAST or status in BUSY or code == "ModelNotReadyException":
                raise PassingError("busy", f"is busy: {said}") from error
            if status >= _BROKEN and code != "ModelError":
                raise PassingError("broken", f"failed: {said}") from error
            raise
