"""Addresses that the user wrote are called at preview, so that a slip of the pen is seen before a run fails by it."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

import pulumi
from pulumi import Input

from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.inputs import is_deferred

SECONDS = 5.0
"""How long a preview waits for all answers together; looking a name up cannot be cut short otherwise."""


def warn(scope: Scope, addresses: Mapping[str, Input[str] | None]) -> None:
    """Warn of addresses, by argument, at which nothing answers; one that is known later is not called.

    Whatever answers is there, also by refusing: who may use it, nobody here can tell.
    """
    if not pulumi.runtime.is_dry_run() or private.mocked():
        return
    wanted = {field: str(url) for field, url in addresses.items() if url is not None and not is_deferred(url)}
    said: dict[str, str | None] = {}
    calls = [
        threading.Thread(target=lambda url=url: said.setdefault(url, _call(url)), daemon=True)
        for url in sorted(set(wanted.values()))
    ]
    for call in calls:
        call.start()
    deadline = time.monotonic() + SECONDS
    for call in calls:
        call.join(max(0, deadline - time.monotonic()))
    for field, url in wanted.items():
        if why := said.get(url, f"no answer within {SECONDS:g} seconds"):
            pulumi.log.warn(
                f"{field}: {url} does not answer from here ({why}); look at the address. What records has to reach it, "
                "and this is said of nothing else.",
                scope.component,
            )


def _call(url: str) -> str | None:
    """Return why nobody answers."""
    try:
        # A proxy that the user has is used, as it is by whatever else calls addresses.
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=SECONDS):  # noqa: S310 (http)
            return None
    except urllib.error.HTTPError as answered:
        answered.close()
        return None
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, ValueError) as error:
        return str(error) or type(error).__name__
