"""Workflows of Logic Apps: what Azure does by itself while no program runs, written as JSON.

https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulumi import Input

if TYPE_CHECKING:  # the client reads constants of here, without the provider's SDK
    from pulumi_mlops.backends.azure.access import Identity

NAME = 43
"""Characters of a workflow's name."""
MANAGEMENT = "https://management.azure.com"
ML, ALERTS, LOGIC = "2025-12-01", "2023-07-12-preview", "2019-05-01"
"""Versions of the APIs that workflows call."""
Action = dict[str, Any]


def identity(who: "Identity") -> Any:
    """Run as somebody who has the rights for it."""
    return {"type": "UserAssigned", "user_assigned_identities": [who.id]}


def every(minutes: int) -> Action:
    """Write the recurrence of what looks again and again."""
    return {"frequency": "Minute", "interval": minutes}


def definition(
    recurrence: Action, actions: Mapping[str, Action], parameters: Mapping[str, Any] | None = None
) -> Action:
    """Write a workflow that runs again and again, one run at a time."""
    return {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
        "workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "parameters": dict(parameters or {}),
        "triggers": {
            "every": {
                "type": "Recurrence",
                "recurrence": recurrence,
                "runtimeConfiguration": {"concurrency": {"runs": 1}},
            }
        },
        "actions": dict(actions),
        "outputs": {},
    }


def call(
    method: str,
    uri: Input[str],
    who: Input[str] | None,
    *,
    body: Any = None,
    after: Sequence[str] = (),
    pages: bool = False,
    secret: bool = False,
    audience: str = f"{MANAGEMENT}/",
) -> Action:
    """Send a request, as the workflow's identity where one is named.

    :param audience: for whom the identity's token is.
    :param secret: whether who looks at the runs must not see what was sent, and where.
    """
    inputs: Action = {"method": method, "uri": uri}
    if who is not None:
        inputs["authentication"] = {
            "type": "ManagedServiceIdentity",
            "identity": who,
            "audience": audience,
        }
    if body is not None:
        inputs["body"] = body
    found: Action = {"type": "Http", "inputs": inputs, "runAfter": _after(after)}
    if pages:
        found["runtimeConfiguration"] = {"paginationPolicy": {"minimumItemCount": 1000}}
    if secret:
        found["runtimeConfiguration"] = {"secureData": {"properties": ["inputs"]}}
    return found


def chosen(of: str, where: Input[str], after: Sequence[str] = ()) -> Action:
    """Choose the items of a list of which an expression holds."""
    return {"type": "Query", "inputs": {"from": of, "where": where}, "runAfter": _after(after)}


def condition(
    expression: Any, then: Mapping[str, Action], otherwise: Mapping[str, Action], after: Sequence[str]
) -> Action:
    """Do one thing or the other."""
    return {
        "type": "If",
        "expression": expression,
        "actions": dict(then),
        "else": {"actions": dict(otherwise)},
        "runAfter": _after(after),
    }


def each(of: str, actions: Mapping[str, Action], after: Sequence[str]) -> Action:
    """Do something with each item of a list, one after the other."""
    return {
        "type": "Foreach",
        "foreach": of,
        "actions": dict(actions),
        "runAfter": _after(after),
        "runtimeConfiguration": {"concurrency": {"repetitions": 1}},
    }


def _after(names: Sequence[str]) -> dict[str, list[str]]:
    return {name: ["Succeeded"] for name in names}
