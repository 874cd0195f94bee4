"""Schedules of a sandbox fire when somebody says so."""

import json
import urllib.error
from typing import TYPE_CHECKING

from pulumi_mlops_sandbox.administering import administer
from pulumi_mlops_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pulumi_mlops_sandbox.environment import Sandbox

_HAVE = ("aws", "azure")
"""The clouds with schedules of their own; a cluster's fire by themselves."""


def fire(sandbox: "Sandbox", schedule: str) -> list[str]:
    """Let a schedule fire in whichever cloud has it, and return what it reached."""
    refused = []
    for status in sandbox.status():
        if not status.url or status.name not in _HAVE:
            continue
        try:
            reached: list[str] = administer(status.url, "fire", {"schedule": schedule})["reached"]
        except urllib.error.HTTPError as error:
            refused.append(f"{status.name}: {json.load(error)['error'].partition(': ')[2]}")
        else:
            return reached
    raise SandboxError("; ".join(refused) or "neither aws nor azure runs: pulumi-mlops sandbox up --plane aws")
