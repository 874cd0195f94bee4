"""A request that is held: carried out or not, and nobody is told, until a test lets go of it."""

import threading
from typing import Any

import pytest

from support.sandbox.arm import GROUP, Arm, Said
from support.waiting import until

IDENTITIES = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
PLACE = {"location": "eastus"}
MEANT = {"service": "Microsoft.ManagedIdentity", "operation": "PUT userAssignedIdentities"}


def held(arm: Arm, path: str) -> tuple[threading.Thread, list[Said]]:
    """Send a request that will be held, and wait until it is."""
    said: list[Said] = []
    thread = threading.Thread(target=lambda: said.append(arm.ask("PUT", path, PLACE)))
    thread.start()
    until(lambda: arm.admin("GET", "holds")["held"], "it is held")
    return thread, said


@pytest.mark.parametrize(("done", "status"), [(True, 201), (False, 409)])
def test_a_request_is_held_after_it_was_carried_out_or_before(arm: Arm, done: bool, status: int) -> None:
    arm.admin("POST", "holds", {**MEANT, "about": "second", "done": done})
    assert arm.ask("PUT", f"{IDENTITIES}/first", PLACE).status == 201
    thread, said = held(arm, f"{IDENTITIES}/second")
    assert said == []
    assert arm.ask("GET", f"{IDENTITIES}/second").status == (200 if done else 404)
    arm.admin("DELETE", "holds")
    thread.join()
    assert said[0].status == status
    assert arm.ask("GET", f"{IDENTITIES}/second").status == (200 if done else 404)
    assert arm.admin("GET", "holds") == {"waiting": [], "held": []}


def test_so_many_pass_before(arm: Arm) -> None:
    arm.admin("POST", "holds", {**MEANT, "skip": 1, "done": True})
    assert arm.ask("PUT", f"{IDENTITIES}/first", PLACE).status == 201
    thread, _ = held(arm, f"{IDENTITIES}/second")
    arm.admin("DELETE", "holds")
    thread.join()


def test_what_asks_how_something_goes_on_is_held_too(arm: Arm) -> None:
    arm.admin("POST", "latency", {"seconds": 60})
    path = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/heldaccount"
    body: Any = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    operation = arm.ask("PUT", path, body).headers
    where = (operation.get("Azure-AsyncOperation") or operation["Location"]).removeprefix(arm.url)
    arm.admin("POST", "holds", {"service": "Microsoft.Storage", "operation": "POLL storageAccounts"})
    said: list[Said] = []
    thread = threading.Thread(target=lambda: said.append(arm.ask("GET", where, version=None)))
    thread.start()
    until(lambda: arm.admin("GET", "holds")["held"], "it is held")
    arm.admin("DELETE", "holds")
    thread.join()
    assert said[0].code == "RequestDropped"
