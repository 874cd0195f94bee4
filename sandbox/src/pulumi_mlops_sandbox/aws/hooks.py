"""Tables of what the sandbox adds to moto: own operations, checks before an operation, and actions after it."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.aws.call import Call

Operation = Callable[[Call], dict[str, Any] | None]  # None: not mine, ask moto
Check = Callable[[Call], None]

OWN: dict[tuple[str, str], Operation] = {}  # answered here
BEFORE: defaultdict[tuple[str, str], list[Check]] = defaultdict(list)  # may refuse
AFTER: defaultdict[tuple[str, str], list[Check]] = defaultdict(list)  # runs when moto said yes


def own(service: str, *operations: str) -> Callable[[Operation], Operation]:
    """Answer these operations with the decorated function."""

    def register(function: Operation) -> Operation:
        OWN.update({(service, operation): function for operation in operations})
        return function

    return register


def before(service: str, *operations: str) -> Callable[[Check], Check]:
    """Let the decorated function judge these operations first."""

    def register(function: Check) -> Check:
        for operation in operations:
            BEFORE[service, operation].append(function)
        return function

    return register


def after(service: str, *operations: str) -> Callable[[Check], Check]:
    """Run the decorated function when these operations have succeeded."""

    def register(function: Check) -> Check:
        for operation in operations:
            AFTER[service, operation].append(function)
        return function

    return register
