"""Every role that a full platform on Azure assigns is needed: without it a call of who has it is refused."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER, SUBSCRIPTION
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import succeeded
from support.e2e.tenant import Tenant
from support.e2e.uses import LEAD, MODEL, RIGHTS, SHOP, TEAM, TRAINED, VERSIONS, WEB, Use, World, uses
from support.sandbox.arm_good import GOOD

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
KEYS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/keys"
VAULT = f"{KEYS}/providers/Microsoft.KeyVault/vaults/keys-of-whole"
PROGRAM = f"""
import pulumi
import pulumi_mlops as mlops

hub = mlops.Platform(
    "whole",
    backend="azure",
    region="westeurope",
    images=["serve"],
    secrets={{"token": "t", "other": "o"}},
    consumers=[{{"group": "{TEAM}"}}],
    existing={{"key": "{VAULT}/keys/disk"}},
)
store = mlops.FeatureStore("features", platform=hub, materialize={{"cron": "0 3 * * *"}})
profile = mlops.FeatureGroup(
    "profile", store=store, keys=["id"], event_time="at", features={{"id": "string", "at": "timestamp", "n": "integer"}}
)
registry = mlops.ModelRegistry(
    "models",
    platform=hub,
    approvers=[{{"user": "{LEAD}"}}],
    consumers=[{{"application": "{SHOP}"}}],
    events={{"deploy": {{"to": "https://ci.example.com/hook"}}}},
)
churn, trained = mlops.Model("churn", registry=registry), mlops.Model("trained", registry=registry)
release = {{"canary": {{"percent": 10, "bake_minutes": 15}}}}
score = mlops.Endpoint(
    "score",
    platform=hub,
    model=churn.approved(otherwise="wait"),
    secrets={{"TOKEN": hub.secret("token")}},
    capture_percent=20,
    invokers=[{{"application": "{WEB}"}}],
    release=release,
)
# One whose files a job wrote, where the workspace keeps what jobs write.
batch = mlops.Endpoint("batch", platform=hub, model=trained.approved(otherwise="wait"), release=release)
mlops.Identity("registrar", platform=hub, registers=[churn])
mlops.Identity("approver", platform=hub, approves=[churn])
mlops.Identity("releaser", platform=hub, deploys=[churn])
mlops.Identity("reader", platform=hub, reads=[profile.as_of(days=90)])
mlops.Identity("writer", platform=hub, writes=[profile])
mlops.Identity("keeper", platform=hub, secrets=[hub.secret("other")])
if pulumi.Config().get_bool("live"):
    mlops.Identity("caller", platform=hub, invokes=[score])
pulumi.export("platform", hub.ref.export())
"""


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


@pytest.fixture
def world(empty_sandbox: Sandbox, project: Any) -> Iterator[World]:
    """Bring everything up, with two releases under way."""
    folder = project(PROGRAM, name="whole")
    tenant, stack = Tenant(empty_sandbox), Stack(empty_sandbox, folder)
    found = World(tenant, stack)
    for path, body, version in (
        (KEYS, {"location": "westeurope"}, "2024-03-01"),
        (VAULT, {**GOOD["vault"].body, "location": "westeurope"}, GOOD["vault"].version),
        (f"{VAULT}/keys/disk", GOOD["key"].body, GOOD["key"].version),
    ):
        assert found.may(DEPLOYER, "PUT", path, body, version)
    stack.configure(live="false")
    succeeded(stack.up())
    for _ in range(2):
        workspace = tenant.workspace(stack)
        workspace.approve(MODEL, workspace.register(MODEL, "serve", auc=0.94))
        workspace.approve(TRAINED, workspace.register(TRAINED, "serve", auc=0.9, store="workspaceblobstore"))
        stack.configure(live="true")
        succeeded(stack.up())
    tenant.admin("latency", {"seconds": 0})
    yield found
    tenant.admin("latency", {"seconds": 0.3})


def test_every_assignment_is_needed(world: World) -> None:
    done, needless = uses(world), []
    assignments = world.all(RIGHTS)
    assert len(assignments) > 40, "the platform is a full one"
    for who, several in done.items():
        assert not any(refused(several)), f"with all roles {who} does what is asked"
    for name, one in assignments.items():
        shown = world.ask(DEPLOYER, "GET", one["id"], version=VERSIONS["authorization"])[1]["properties"]
        who = shown["principalId"]
        assert who in done, f"nobody says what {name} is for"
        assert world.may(DEPLOYER, "DELETE", one["id"], version=VERSIONS["authorization"])
        if not any(refused(done[who])):
            needless.append(name)
        given = {key: value for key, value in shown.items() if key in GIVEN}
        assert world.may(DEPLOYER, "PUT", one["id"], {"properties": given}, VERSIONS["authorization"])
        assert not any(refused(done[who])), f"with {name} again nothing is refused"
    assert needless == []


def test_what_is_wider_than_a_resource_says_why(world: World) -> None:
    found = world.tenant.wide()
    assert len(found) == 2, "the workflows of both releases"
    assert all(found.values())


def refused(several: Sequence[Use]) -> list[bool]:
    """Do all of it, and say of each whether it was refused."""
    return [not use() for use in several]


GIVEN = ("roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion")
"""What is said of an assignment when it is made."""
