"""An Azure with one of each resource in it."""

import copy
import json
from typing import Any, Protocol

from support.sandbox.arm import Arm
from support.sandbox.arm_good import GOOD, Good


class Asks(Protocol):
    """Who sends requests that must be accepted."""

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """Return what a request was answered with."""


def body(arm: Asks, good: Good) -> dict[str, Any]:
    """Write the principal of an identity where its id stands."""
    sent: dict[str, Any] = copy.deepcopy(good.body)
    properties = sent.get("properties", {})
    if "/userAssignedIdentities/" in str(properties.get("principalId", "")):
        properties["principalId"] = arm.done("GET", properties["principalId"])["properties"]["principalId"]
    return sent


def furnish(arm: Arm) -> None:
    """Make all that is good, in its order."""
    arm.admin("POST", "reset")
    arm.admin("POST", "latency", {"seconds": 0})
    arm.sent = {}
    for name, good in GOOD.items():
        arm.sent[name] = body(arm, good)
        said = arm.ask("PUT", good.id, arm.sent[name], version=good.version)
        assert said.status < 300, f"{name}: {said.status} {json.dumps(said.body, indent=1)}"
        if operation := said.headers.get("Azure-AsyncOperation"):
            assert arm.wait(operation)["status"] == "Succeeded", f"{name}: {arm.wait(operation)}"
