"""POST actions, and lists that are made rather than kept."""

from collections.abc import Callable

from pulumi_mlops_sandbox.azure.call import Answer, Call
from pulumi_mlops_sandbox.azure.errors import ArmError

Action = Callable[[Call], Answer]
ACTIONS: dict[tuple[str, str], Action] = {}
LISTS: dict[str, Action] = {}
TABLES: dict[str, Action] = {}


def action(kind: str, *names: str) -> Callable[[Action], Action]:
    """Name a function that answers a POST."""

    def keep(function: Action) -> Action:
        for name in names:
            ACTIONS[kind.lower(), name.lower()] = function
        return function

    return keep


def lists(kind: str) -> Callable[[Action], Action]:
    """Name a function that answers the GET of a collection."""

    def keep(function: Action) -> Action:
        LISTS[kind.lower()] = function
        return function

    return keep


def table(kind: str) -> Callable[[Action], Action]:
    """Name a function that answers the GET of what nobody put there, such as a built-in role."""

    def keep(function: Action) -> Action:
        TABLES[kind.lower()] = function
        return function

    return keep


def run(call: Call, verb: str) -> Answer:
    """Answer a POST."""
    found = ACTIONS.get((call.kind.type.lower(), verb.lower()))
    if found is None:
        raise ArmError("HttpMethodNotSupported", f"'{call.kind.type}' has no action '{verb}' in the sandbox.", 405)
    return found(call)


def listed(call: Call) -> Answer | None:
    """Answer the GET of a collection that nobody puts into, such as role definitions; nothing for all others."""
    found = LISTS.get(call.kind.type.lower())
    return found(call) if found is not None else None
