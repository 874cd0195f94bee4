"""Every role that a workspace's identity gets is needed: the emulated Azure refuses the workspace without it."""

import json
import uuid
from collections.abc import Iterator

import pytest

from pulumi_mlops.backends.azure import platform, rights
from pulumi_mlops.backends.azure.rights import Right
from support.sandbox.arm import ROOT, Arm
from support.sandbox.arm_good import GOOD, IDENTITY, INSIGHTS, REGISTRY, STORAGE, VAULT, WORKSPACE

NEEDED = platform.needed(STORAGE, VAULT, REGISTRY, INSIGHTS)
PARTS = ("group", "identity", "storage", "vault", "logs", "registry", "insights")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    arm = Arm(tmp_path_factory.mktemp("azure"))
    arm.start()
    yield arm
    assert arm.stop() == 0


@pytest.fixture
def principal(server: Arm) -> str:
    """Make what a workspace stands on, and return the principal of its identity."""
    server.admin("POST", "reset")
    server.admin("POST", "latency", {"seconds": 0})
    for part in PARTS:
        server.done("PUT", GOOD[part].id, GOOD[part].body, version=GOOD[part].version)
    found: str = server.done("GET", IDENTITY, version="2023-01-31")["properties"]["principalId"]
    return found


def assign(arm: Arm, principal: str, right: Right) -> None:
    role = f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/{rights.ROLES[right.role]}"
    properties = {"principalId": principal, "principalType": "ServicePrincipal", "roleDefinitionId": role}
    path = f"{right.scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    arm.done("PUT", path, {"properties": properties}, version="2022-04-01")


def test_with_all_of_them_it_is_made(server: Arm, principal: str) -> None:
    for right in NEEDED:
        assign(server, principal, right)
    said = server.ask("PUT", WORKSPACE, GOOD["workspace"].body)
    assert said.status < 300, json.dumps(said.body)


@pytest.mark.parametrize("left_out", NEEDED, ids=lambda right: f"{right.role} on {right.where}")
def test_without_one_of_them_it_is_not(server: Arm, principal: str, left_out: Right) -> None:
    for right in NEEDED:
        if right is not left_out:
            assign(server, principal, right)
    said = server.ask("PUT", WORKSPACE, GOOD["workspace"].body)
    assert said.status == 403
    assert left_out.scope in said.message
