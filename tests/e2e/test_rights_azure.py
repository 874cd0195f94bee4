"""Every role that a full platform on Azure assigns is needed: without it a call of who has it is refused.

What holds for more than a resource says why.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER, SUBSCRIPTION
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import succeeded
from support.e2e.tenant import Tenant
from support.e2e.uses import (
    ELSEWHERE,
    LEAD,
    MODEL,
    RANKER,
    RIGHTS,
    SHOP,
    TEAM,
    TRAINED,
    VERSIONS,
    WEB,
    Use,
    World,
    uses,
)
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
tag = pulumi.Config().require("tag")
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
# One of files that no version names.
mlops.Endpoint(
    "plain",
    platform=hub,
    model={{"image": hub.image("serve", tag), "artifact": hub.artifacts.apply(lambda files: files + "models/plain/")}},
    release=release,
)
# One out of a registry that workspaces share.
shared = mlops.ModelRegistry(
    "shared",
    platform=hub,
    regions=["westeurope", "northeurope"],
    approvers=[{{"user": "{LEAD}"}}],
    consumers=[{{"application": "{SHOP}"}}],
    events={{"deploy": {{"to": "https://ci.example.com/hook"}}}},
)
ranker = mlops.Model("{RANKER}", registry=shared)
mlops.Endpoint(
    "rank",
    platform=hub,
    model=ranker.approved(otherwise="wait"),
    serve={{"image": hub.image("serve", "1")}},
    release=release,
)
mlops.Identity("sharer", platform=hub, registers=[ranker])
mlops.Identity("judge", platform=hub, approves=[ranker])
mlops.Identity("follower", platform=hub, deploys=[ranker])
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
    """Bring everything up, with its releases under way."""
    folder = project(PROGRAM, name="whole")
    tenant, stack = Tenant(empty_sandbox), Stack(empty_sandbox, folder)
    found = World(tenant, stack)
    for path, body, version in (
        (KEYS, {"location": "westeurope"}, "2024-03-01"),
        (VAULT, {**GOOD["vault"].body, "location": "westeurope"}, GOOD["vault"].version),
        (f"{VAULT}/keys/disk", GOOD["key"].body, GOOD["key"].version),
    ):
        assert found.may(DEPLOYER, "PUT", path, body, version)
    stack.configure(live="false", tag="0")
    succeeded(stack.up())
    container = found.id(":RegistryModelContainer", f"{RANKER}-container")
    for number in (1, 2):
        version = {"modelUri": f"{ELSEWHERE}{number}", "modelType": "custom_model", "tags": {"approval": "approved"}}
        assert found.may(DEPLOYER, "PUT", f"{container}/versions/{number}", {"properties": version})
        workspace = tenant.workspace(stack)
        workspace.approve(MODEL, workspace.register(MODEL, "serve", auc=0.94))
        workspace.approve(TRAINED, workspace.register(TRAINED, "serve", auc=0.9, store="workspaceblobstore"))
        stack.configure(live="true", tag=str(number))
        succeeded(stack.up())
    tenant.admin("latency", {"seconds": 0})
    yield found
    tenant.admin("latency", {"seconds": 0.3})


def test_every_assignment_is_needed(world: World) -> None:
    wide = world.tenant.wide()
    assert len(wide) == len(world.all(":OnlineEndpoint")), "the workflow of each release alone has a right on the group"
    assert all(wide.values()), "a reason stands beside it"

    done, needless = uses(world), []
    assignments = world.all(RIGHTS)
    assert len(assignments) > 60, "the platform is a full one"
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


def refused(several: Sequence[Use]) -> list[bool]:
    """Do all of it, and say of each whether it was refused."""
    return [not use() for use in several]


GIVEN = ("roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion")
"""What is said of an assignment when it is made."""
