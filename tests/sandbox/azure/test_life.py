"""What Resource Manager does with any resource: envelopes, codes, parents, regions, operations, restarts."""

from pathlib import Path

import pytest

from pulumi_mlops_sandbox.azure.facts import ELSEWHERE
from support.sandbox.arm import GROUP, ROOT, Arm

IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/trainer"
LOGS = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/churn-logs"
HERE = {"location": "eastus"}


def test_a_resource_is_created_once_and_changed_afterwards(arm: Arm) -> None:
    created = arm.ask("PUT", IDENTITY, HERE)
    again = arm.ask("PUT", IDENTITY, HERE)
    changed = arm.ask("PUT", IDENTITY, HERE | {"tags": {"team": "ml"}})
    assert (created.status, again.status, changed.status) == (201, 200, 200)
    assert created.headers["ETag"] == again.headers["ETag"] != changed.headers["ETag"]
    assert created.body["properties"] == changed.body["properties"]
    assert arm.done("GET", IDENTITY.lower())["id"] == IDENTITY
    assert arm.ask("DELETE", IDENTITY).status == 200
    assert arm.ask("DELETE", IDENTITY).status == 204
    assert arm.ask("GET", IDENTITY).code == "ResourceNotFound"


def test_a_patch_changes_a_part(arm: Arm) -> None:
    arm.done("PUT", IDENTITY, HERE | {"tags": {"team": "ml"}})
    assert arm.done("PATCH", IDENTITY, {"tags": {"team": "ops"}})["tags"] == {"team": "ops"}
    assert arm.done("GET", IDENTITY)["location"] == "eastus"


@pytest.mark.parametrize(
    ("request_line", "body", "status", "code"),
    [
        (("PUT", IDENTITY), {}, 400, "LocationRequired"),
        (("PUT", IDENTITY), {"location": "atlantis"}, 400, "LocationNotAvailableForResourceType"),
        (("PUT", GROUP), {"location": "westeurope"}, 409, "InvalidResourceGroupLocation"),
        (("PUT", IDENTITY.replace("/rg/", "/other/")), HERE, 404, "ResourceGroupNotFound"),
        (("PUT", f"{IDENTITY}/federatedIdentityCredentials/x"), {}, 404, "ParentResourceNotFound"),
        (("GET", f"{GROUP}/providers/Microsoft.Unknown/things/x"), None, 404, "InvalidResourceNamespace"),
        (("GET", f"{GROUP}/providers/Microsoft.Storage/things/x"), None, 404, "InvalidResourceType"),
        (("PUT", IDENTITY), [], 400, "InvalidRequestContent"),
        (("GET", "/subscriptions/00000000-0000-4000-8000-000000000009"), None, 404, "SubscriptionNotFound"),
        (("GET", f"/subscriptions/{ELSEWHERE}/resourceGroups/rg"), None, 403, "AuthorizationFailed"),
        (("POST", f"{IDENTITY}/listKeys"), {}, 405, "HttpMethodNotSupported"),
    ],
)
def test_what_cannot_be_is_refused(
    arm: Arm, request_line: tuple[str, str], body: object, status: int, code: str
) -> None:
    said = arm.ask(*request_line, body)
    assert (said.status, said.code) == (status, code)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "AuthenticationFailed"),
        ("expired", "ExpiredAuthenticationToken"),
        ("made-up", "InvalidAuthenticationToken"),
    ],
)
def test_without_a_good_token_nothing_is_told(arm: Arm, token: str | None, code: str) -> None:
    said = arm.ask("GET", GROUP, token=token)
    assert (said.status, said.code) == (401, code)


def test_every_request_names_its_version(arm: Arm) -> None:
    assert arm.ask("GET", GROUP, version=None).code == "MissingApiVersionParameter"
    assert arm.ask("GET", GROUP, version="latest").code == "InvalidApiVersionParameter"


def test_what_takes_its_time_can_be_followed(arm: Arm) -> None:
    arm.admin("POST", "latency", {"seconds": 0.2})
    created = arm.ask("PUT", LOGS, HERE)
    assert created.body["properties"]["provisioningState"] == "Creating"
    assert arm.ask("PUT", LOGS, HERE).code == "AnotherOperationInProgress"
    assert created.headers["Retry-After"] == "1"
    assert arm.wait(created.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    assert arm.done("GET", LOGS)["properties"]["provisioningState"] == "Succeeded"
    deleted = arm.ask("DELETE", LOGS)
    assert deleted.status == 202
    assert arm.done("GET", LOGS)["properties"]["provisioningState"] == "Deleting"
    assert arm.wait(deleted.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    assert arm.ask("GET", LOGS).status == 404


def test_a_planned_fault_comes_once(arm: Arm) -> None:
    service = "Microsoft.OperationalInsights"
    plan = {"service": service, "operation": "PUT workspaces", "error": "TooManyRequests", "status": 429}
    arm.admin("POST", "faults", plan)
    said = arm.ask("PUT", LOGS, HERE)
    assert (said.status, said.code) == (429, "TooManyRequests")
    arm.admin("POST", "faults", {"service": service, "operation": "workspaces Creation", "message": "no capacity"})
    failed = arm.ask("PUT", LOGS, HERE)
    assert failed.body["properties"]["provisioningState"] == "Failed"
    assert arm.wait(failed.headers["Azure-AsyncOperation"])["error"]["message"] == "no capacity"


def test_a_condition_on_the_content_is_kept(arm: Arm) -> None:
    made = arm.ask("PUT", IDENTITY, HERE, headers={"If-None-Match": "*"})
    assert arm.ask("PUT", IDENTITY, HERE, headers={"If-None-Match": "*"}).code == "PreconditionFailed"
    changed = arm.ask("PUT", IDENTITY, HERE | {"tags": {"a": "b"}}, headers={"If-Match": made.headers["ETag"]})
    assert changed.status == 200
    assert arm.ask("DELETE", IDENTITY, headers={"If-Match": made.headers["ETag"]}).status == 412
    assert arm.ask("HEAD", IDENTITY).status == 200


def test_lists_are_paged(arm: Arm) -> None:
    for number in range(103):
        arm.done("PUT", f"{IDENTITY}{number:03d}", HERE)
    first = arm.done("GET", f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities")
    second = arm.done("GET", first["nextLink"].removeprefix(arm.url), version=None)
    assert (len(first["value"]), len(second["value"])) == (100, 3)
    assert "nextLink" not in second
    everywhere = arm.done("GET", f"{ROOT}/providers/Microsoft.ManagedIdentity/userAssignedIdentities")
    assert everywhere["value"] == first["value"]


def test_a_group_takes_everything_with_it(arm: Arm) -> None:
    arm.done("PUT", IDENTITY, HERE)
    arm.done("PUT", LOGS, HERE)
    assert set(arm.admin("GET", "inventory")) > {"Microsoft.OperationalInsights/workspaces"}
    arm.done("DELETE", GROUP)
    assert arm.admin("GET", "inventory") == {}


def test_a_restarted_server_knows_what_it_knew(tmp_path: Path) -> None:
    arm = Arm(tmp_path)
    arm.start()
    arm.done("PUT", GROUP, HERE)
    before = arm.done("PUT", IDENTITY, HERE)
    assert arm.stop() == 0
    arm.start()
    assert arm.done("GET", IDENTITY) == before
    arm.admin("POST", "save")
    arm.kill()
    arm.start()
    assert arm.done("GET", IDENTITY) == before
    assert arm.stop() == 0
