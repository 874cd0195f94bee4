"""Schedules of a sandbox fire when somebody says so."""

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from pulumi_mlops_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pulumi_mlops_sandbox.environment import Sandbox

_HAVE = ("aws", "azure")
"""The clouds with schedules of their own; a cluster's fire by themselves."""
_SECONDS = 60


def fire(sandbox: "Sandbox", schedule: str) -> list[str]:
    """Let a schedule fire in whichever cloud has it, and return what it reached."""
    refused = []
    for status in sandbox.status():
        if not status.running or status.name not in _HAVE:
            continue
        body = json.dumps({"schedule": schedule}).encode()
        request = urllib.request.Request(f"{status.url}/_sandbox/fire", method="POST", data=body)  # noqa: S310 (localhost)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 (as above)
                reached: list[str] = json.load(answer)["reached"]
                return reached
        except urllib.error.HTTPError as error:
            refused.append(f"{status.name}: {json.load(error)['error'].partition(': ')[2]}")
    raise SandboxError("; ".join(refused) or "neither aws nor azure runs: pulumi-mlops sandbox up --plane aws")
