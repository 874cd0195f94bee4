"""A release on Azure, played to its end: on when nothing fires, back when an alert does, and said by the next up."""

import json
import urllib.request
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1200)]
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform("flow", backend="azure", region="westeurope", images=["serve"])
mlops.Endpoint(
    "score",
    platform=platform,
    model={"image": platform.image("serve", pulumi.Config().require("revision"))},
    release={"canary": {"percent": 10, "bake_minutes": 15}},
)
"""
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/flow-dev-westeurope/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/flow-dev"
STACK = ("--stack", "dev", "--color", "never")
QUIET = ("--yes", "--skip-preview")


class Azure:
    """What the sandbox's Azure has, and what happens there while no program runs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.url = sandbox, sandbox.env()["PULUMI_MLOPS_ARM_ENDPOINT"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def endpoint(self) -> tuple[dict[str, int], dict[str, str], list[str]]:
        (found,) = self.ask("GET", f"{WORKSPACE}/onlineEndpoints?api-version=2025-12-01")["value"]
        there = self.ask("GET", f"{found['id']}/deployments?api-version=2025-12-01")["value"]
        return found["properties"]["traffic"], found["tags"], sorted(one["name"] for one in there)

    def workflow(self) -> Any:
        (found,) = self.ask("GET", f"{GROUP}/Microsoft.Logic/workflows?api-version=2019-05-01")["value"]
        return found

    def look(self, minutes: int, done: str = "Succeeded") -> None:
        said = self.ask("POST", "/_sandbox/run", {"id": self.workflow()["id"], "later": minutes * 60})
        assert said["status"] == done, said

    def deletion_fails(self) -> None:
        """Have the next deletion of a deployment fail."""
        kind = "Microsoft.MachineLearningServices", "DELETE workspaces/onlineEndpoints/deployments"
        self.ask("POST", "/_sandbox/faults", {"service": kind[0], "operation": kind[1], "error": "InternalServerError"})


@pytest.fixture
def planes() -> tuple[str, ...]:
    return ("azure",)


def test_a_release_goes_on_or_back_by_itself(empty_sandbox: Sandbox, project: Any) -> None:
    folder = project(PROGRAM, name="flow")
    azure = Azure(empty_sandbox)

    def pulumi(*arguments: str, fine: bool = True) -> str:
        done = empty_sandbox.run(["pulumi", *arguments, *STACK], cwd=folder)
        assert (done.returncode == 0) is fine, f"pulumi {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return f"{done.stdout}{done.stderr}"

    pulumi("config", "set", "revision", "1")
    pulumi("up", *QUIET)
    (first,) = azure.endpoint()[0]

    pulumi("config", "set", "revision", "2")
    pulumi("up", *QUIET)
    (second,) = set(azure.endpoint()[0]) - {first}
    assert azure.endpoint()[0] == {first: 90, second: 10}
    azure.look(1)
    assert azure.endpoint()[0] == {first: 90, second: 10}, "it is watched for 15 minutes"
    pulumi("up", "--expect-no-changes", *QUIET)
    azure.look(16)
    assert azure.endpoint()[0] == {second: 100}
    assert azure.endpoint()[2] == sorted([first, second]), "the old one is kept for a while"
    azure.deletion_fails()
    azure.look(40, done="Failed")
    assert azure.endpoint()[2] == sorted([first, second])
    azure.look(41)
    assert azure.endpoint()[2] == [second], "what one look could not do is done by the next"
    assert azure.workflow()["properties"]["state"] == "Disabled"
    pulumi("up", "--expect-no-changes", *QUIET)

    pulumi("config", "set", "revision", "3")
    pulumi("up", *QUIET)
    (third,) = set(azure.endpoint()[0]) - {second}
    rule = f"{GROUP}/Microsoft.Insights/scheduledQueryRules/flow-dev-score-errors"
    azure.ask("POST", "/_sandbox/alerts", {"id": rule, "status": "Unhealthy"})
    azure.deletion_fails()
    azure.look(1, done="Failed")
    assert azure.endpoint()[0] == {second: 100}
    azure.ask("POST", "/_sandbox/alerts", {"id": rule, "status": "Healthy"})
    azure.look(2)
    assert azure.endpoint()[0] == {second: 100}, "it does not go on where the alert is over meanwhile"
    assert azure.endpoint()[2] == [second]
    assert f"release of {third} was rolled back" in pulumi("preview", fine=False)
    pulumi("destroy", *QUIET)
