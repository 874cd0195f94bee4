"""What goes wrong while a stack runs on Azure, and that the next `up` recovers."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.killing import ML, Point, killed, recovered
from support.e2e.outside import ROOT, resources, shown, succeeded
from support.e2e.tenant import Tenant

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
StackOf = Callable[..., Stack]

ALONE = ("--protect=false", "--generate-code=false")
"""Of an import: the program has it already."""
THERE = re.compile(r"(azure-native:[\w:]+) \((.+)\):\n\s+error: .*cannot create already existing resource '(.+?)'")
"""What an `up` says of something that it finds there: type, name and id."""
SECRET = "hunter2-the-token-nobody-may-see"
HOOK = "https://ci.example.com/hook?sig=hunter3-nobody-may-see"
MODEL, IMAGE = "models-churn", "churn"
ENDPOINTS, TEMPLATES = f"{ML}/workspaces/onlineEndpoints", "Microsoft.Resources"
BEGINNINGS = {
    "a role is assigned, and nobody yet acts by it": Point(
        "Microsoft.Authorization", "PUT roleAssignments", about="Microsoft.ContainerRegistry/registries", done=True
    ),
    "the workspace is on its way": Point(ML, "POLL workspaces", about="/workspaces/churn-dev", all=True),
    "the specification of features is being uploaded": Point("blob", "PUT", about="/specifications/"),
}
"""Points of the first `up`, each in a life of its own."""
FIRST = Point(ML, "PUT workspaces/onlineEndpoints", done=True)
"""The endpoint is there, without traffic."""
UPDATES = {
    "the new deployment is on its way, beside the old one": Point(
        ML, "POLL workspaces/onlineEndpoints/deployments", all=True
    ),
    "the new deployment is there, and has no traffic yet": Point(TEMPLATES, "PUT deployments"),
    "the template runs that sets the traffic": Point(TEMPLATES, "POLL deployments"),
    "the template is through, and the engine does not know it": Point(
        TEMPLATES, "GET deployments", done=True, skip=1, all=True
    ),
    "the workflow of the release before is being deleted": Point("Microsoft.Logic", "DELETE workflows"),
}
"""Points of an `up` that releases another version."""
ENDINGS = {
    "rights go": Point("Microsoft.Authorization", "DELETE roleAssignments", done=True, all=True),
    "the workspace is on its way out": Point(ML, "POLL workspaces", about="/workspaces/churn-dev", all=True),
}
"""Points of a `destroy`."""


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


def test_a_killed_up_is_recovered_by_the_next(stack_of: StackOf, tenant: Tenant) -> None:
    """At each point: the next `up` succeeds, nothing is there twice, and the one after it changes nothing."""
    stack, before = stack_of("stacks/azure"), tenant.everything()
    stack.configure_secret("hub_token", "hunter2hunter2")
    for point in BEGINNINGS.values():
        if tenant.everything() != before:
            succeeded(stack.destroy())
            assert tenant.everything() == before, "nothing outlives a life that was interrupted"
        killed(stack, tenant, point)
        brought_back(stack, tenant)

    workspace = tenant.workspace(stack)
    for releases, point in enumerate([FIRST, *UPDATES.values()], 1):
        workspace.approve(MODEL, workspace.register(MODEL, IMAGE, auc=0.94))
        served = tenant.deployments(stack) if point is not FIRST else {}
        killed(stack, tenant, point)
        a_minute_passes(tenant)
        assert all(tenant.endpoint(stack)["properties"]["traffic"].get(name) for name in served), "the old one serves"
        brought_back(stack, tenant, releases=releases, serving=len(served))
        through(stack, tenant)

    for point in ENDINGS.values():
        killed(stack, tenant, point, "destroy")
    recovered(stack, "destroy")
    assert tenant.everything() == before
    assert not resources(stack)


def test_what_the_real_provider_finds_there_is_imported(stack_of: StackOf, tenant: Tenant) -> None:
    """Without the sandbox's memory of what was asked for: docs/recovery.md is followed, by its own commands."""
    stack = stack_of("stacks/azure")
    stack.configure(owner="somebody")
    killed(stack, tenant, Point(ML, "PUT workspaces", about="/workspaces/churn-dev", done=True, all=True))
    shutil.rmtree(stack.sandbox.home / "creates")
    assert followed(stack, "pulumi refresh --clear-pending-creates").returncode == 0
    imported: list[str] = []
    while (done := followed(stack, "pulumi up --continue-on-error")).returncode != 0:
        there = THERE.findall(done.stdout)
        assert {object_id for _, _, object_id in there} - set(imported), f"nothing new is told:\n{done.stdout}"
        ours = [one for one in resources(stack) if one["type"].startswith("pulumi-mlops:")]
        # A platform and a model have one name; what was begun beside the workspace is the platform's.
        ours.sort(key=lambda one: one["type"].endswith(":Platform"))
        urns = {one["urn"].rpartition("::")[2]: one["urn"] for one in ours}
        for token, name, object_id in there:
            component = f"component={urns[name.partition('-')[0]]}"
            done = followed(stack, "pulumi import", token, name, object_id, "--parent", component, *ALONE)
            assert done.returncode == 0, done.stdout + done.stderr
            imported.append(object_id)
    assert imported
    assert shown(stack.up()) == []
    succeeded(stack.destroy())


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_secrets_are_nowhere_in_clear(stack_of: StackOf, empty_sandbox: Sandbox, tenant: Tenant, stage: str) -> None:
    """Neither what a user gave nor the address that CI is told at, but in the vault, and with who may read it."""
    stack = stack_of("stacks/azure", stage)
    stack.configure_secret("hub_token", SECRET)
    stack.configure_secret("approvals", HOOK)
    said = [succeeded(stack.preview_and_up("--diff")).output]
    workspace = tenant.workspace(stack)
    for _ in range(2):  # the second is released beside the first, by a template and a workflow
        workspace.approve(MODEL, workspace.register(MODEL, IMAGE, auc=0.94))
        said += [stack.preview("--diff").output, succeeded(stack.up("--diff")).output]
        said += [json.dumps(tenant.run(flow, 60.0)["actions"]) for flow in flows(tenant)]
    said += [succeeded(stack.refresh()).output, stack.export(), json.dumps(stack.outputs()), tenant.shown()]
    said += [json.dumps(tenant.admin("requests", method="GET")), json.dumps(empty_sandbox.env()), empty_sandbox.shell()]
    # All but what Azure itself keeps, which is the vault and the secure parameters of workflows.
    files = [one for one in empty_sandbox.home.rglob("*") if one.is_file() and not one.name.startswith("azure-state")]
    files += [path for path in stack.folder.rglob("*") if path.is_file()]
    for secret in (SECRET, HOOK):
        for text in (secret, base64.b64encode(secret.encode()).decode()):
            assert [words[:200] for words in said if text in words] == []
            assert [path for path in files if text.encode() in path.read_bytes()] == []
    assert tenant.endpoint(stack)["properties"]["traffic"], "it is all there"
    tenant.admin("save")
    kept = (empty_sandbox.home / "azure-state.json").read_text()
    assert SECRET in kept
    assert HOOK in kept


def flows(tenant: Tenant) -> list[str]:
    """List the workflows that something starts."""
    found = tenant.everything().get("Microsoft.Logic/workflows", [])
    return [one for one in found if tenant.done("GET", one)["properties"]["state"] == "Enabled"]


def followed(stack: Stack, said: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a command that the page has."""
    assert said in (ROOT / "docs/recovery.md").read_text()
    command = [*said.split(), *more, "--yes", "--skip-preview", "-s", stack.name, "--color", "never"]
    return stack.sandbox.run(command, cwd=stack.folder)


def brought_back(stack: Stack, tenant: Tenant, releases: int = 0, serving: int = 0) -> None:
    """Bring the stack up: everything is there, once, and the next `up` finds nothing to do.

    :param releases: how many versions were released so far.
    :param serving: how many deployments served before.
    """
    recovered(stack)
    assert shown(stack.up()) == []
    urns = [one["urn"] for one in resources(stack)]
    assert len(urns) == len(set(urns)), "something is in the state twice"
    assert not stack.state().get("pending_operations")
    known = {one["id"].lower() for one in resources(stack) if one.get("custom")}
    left = {kind: [one for one in ids if one.lower() not in known] for kind, ids in tenant.everything().items()}
    # Versions of environments are kept for what still serves, and one that nobody recorded is none's: it is a name for
    # an image, costs nothing, and goes with the endpoint.
    named = len(left.pop(f"{ML}/workspaces/environments/versions", []))
    assert max(releases - 1, 0) <= named <= 2 * releases
    assert {kind: len(ids) for kind, ids in left.items() if ids} == {
        kind: count
        for kind, count in {
            f"{ML}/workspaces/models/versions": releases,  # registered by training
            # Of what scores each night, the step and the whole: each version of the model makes others, and those
            # before are left to the runs that have begun.
            f"{ML}/workspaces/components/versions": 2 * max(releases - 1, 0),
            f"{ENDPOINTS}/deployments": serving,  # until the release is through
            "blobs": sum(one["type"].endswith(":Blob") for one in resources(stack)),  # in the state by other ids
        }.items()
        if count
    }, left


def a_minute_passes(tenant: Tenant) -> None:
    """Let every workflow that looks all the time have a look, whether or not its rights are there yet.

    What starts runs by a schedule is left alone: its hour has not come, and a job is nothing that an `up` leaves.
    """
    for flow in flows(tenant):
        triggers = tenant.done("GET", flow)["properties"]["definition"]["triggers"]
        if all(one["recurrence"]["frequency"] == "Minute" for one in triggers.values()):
            tenant.run(flow, 60.0)


def through(stack: Stack, tenant: Tenant) -> None:
    """Let the release's workflow come to its end: the old deployment is gone then."""
    (flow,) = (one["id"] for one in resources(stack) if one["type"].endswith(":Workflow") and "-release-" in one["id"])
    hour = 0
    while tenant.done("GET", flow)["properties"]["state"] == "Enabled":
        hour += 1
        assert hour < 10, "a release ends by itself"
        assert tenant.run(flow, 3600.0 * hour)["status"] == "Succeeded"
    assert len(tenant.deployments(stack)) == 1
