"""What changes by itself: steps that a record takes when its time has come (Creating → InService)."""

import time
from collections.abc import Callable

from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.store import STEPS, Record

Step = Callable[[Account, str, Record], None]
_STEPS: dict[tuple[str, str], Step] = {}


def step(kind: str, name: str) -> Callable[[Step], Step]:
    """Name a function that changes a record when its time has come."""

    def register(function: Step) -> Step:
        _STEPS[kind, name] = function
        return function

    return register


def later(account: Account, record: Record, do: str) -> None:
    """Let a step happen after the account's latency."""
    record.setdefault(STEPS, []).append({"at": time.time() + account.latency, "do": do})


def settle(account: Account, *, hurry: bool = False) -> None:
    """Apply the steps that are due; in a hurry, the next one of each record whether due or not."""

    def apply(kind: str, do: str, region: str, record: Record) -> None:
        _STEPS[kind, do](account, region, record)

    if account.store.settle(apply, hurry=hurry):
        account.saver.soon()
