"""The sandbox's Azure as somebody outside a stack sees it."""

import json
import urllib.request
from typing import Any

from pulumi_mlops_sandbox.azure.facts import TOKEN
from pulumi_mlops_sandbox.azure.registering import Workspace, sent
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack, inventory
from support.sandbox.arm_good import GOOD
from support.sandbox.arm_world import body

STATEFUL = {
    "azure-native:resources:ResourceGroup",
    "azure-native:storage:StorageAccount",
    "azure-native:keyvault:Vault",
    "azure-native:containerregistry:Registry",
    "azure-native:machinelearningservices:Workspace",
    "azure-native:machinelearningservices:OnlineEndpoint",
    "azure-native:machinelearningservices:ModelContainer",
    "azure-native:machinelearningservices:FeaturesetContainerEntity",
}
"""Types of what holds data, or has an address: no change makes one again."""
SOFTLY = "deleted softly"
"""What Azure keeps of a deleted vault or workspace for a while."""


class ActingAs(Sandbox):
    """The sandbox as somebody else than its owner deploys to it."""

    def __init__(self, sandbox: Sandbox, principal: str) -> None:
        super().__init__(sandbox.home)
        self.principal = principal

    def env(self) -> dict[str, str]:
        """Say who asks."""
        return super().env() | {"PULUMI_MLOPS_ARM_TOKEN": f"principal:{self.principal}"}


class Tenant:
    """The control plane, by its requests and its administration."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = next(status.url for status in sandbox.status() if status.name == "azure" and status.url)

    def everything(self) -> dict[str, list[str]]:
        """List the whole store, without what Azure keeps of what was deleted."""
        return {kind: ids for kind, ids in inventory(self.url).items() if SOFTLY not in kind}

    def done(self, method: str, path: str, body: Any = None, principal: str | None = None) -> Any:
        """Send a request to Azure Resource Manager, as the deployer unless told."""
        return sent(self.url, method, path, body, TOKEN if principal is None else f"principal:{principal}")

    def served(self) -> dict[str, str]:
        """Return the models of all deployments, by the region of their workspace."""
        deployments = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
        found = [self.done("GET", path) for path in self.everything().get(deployments, [])]
        return {one["location"]: one["properties"]["model"] for one in found}

    def give(self, scope: str, role: str, principal: str, number: int) -> None:
        """Give somebody one of Azure's roles."""
        root = "/".join(scope.split("/")[:3])
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-9000-{number:012d}"
        properties = {
            "principalId": principal,
            "principalType": "User",
            "roleDefinitionId": f"{root}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        }
        self.done("PUT", path, {"properties": properties})

    def furnish(self) -> None:
        """Have what another team runs: one of each resource, the first workspace of them `churn`."""
        self.admin("latency", {"seconds": 0})
        for good in GOOD.values():
            self.done("PUT", good.id, body(self, good))

    def written(self) -> dict[str, Any]:
        """Read what that team wrote, and what Azure made of it."""
        return {name: self.done("GET", good.id) for name, good in GOOD.items()}

    def workspace(self, stack: Stack) -> Workspace:
        """Return the workspace of a stack's platform."""
        return Workspace.of(self.url, stack.outputs()["platform"])

    def endpoint(self, stack: Stack) -> dict[str, Any]:
        """Return the one endpoint that there is."""
        (found,) = self.workspace(stack).get("onlineEndpoints")["value"]
        return dict(found)

    def deployments(self, stack: Stack) -> dict[str, dict[str, Any]]:
        """Return its deployments by name."""
        name = self.endpoint(stack)["name"]
        found = self.workspace(stack).get(f"onlineEndpoints/{name}/deployments")["value"]
        return {one["name"]: one for one in found}

    def root(self, stack: Stack) -> str:
        """Return the id of the workspace of a stack that exports no platform."""
        found = (one["id"] for one in stack.state()["resources"] if one["type"].endswith(":OnlineEndpoint"))
        return str(next(found)).partition("/onlineEndpoints/")[0]

    def newest(self, stack: Stack) -> list[dict[str, Any]]:
        """Return the deployments of the one endpoint that the program asks for now."""
        (endpoint,) = self.done("GET", f"{self.root(stack)}/onlineEndpoints")["value"]
        wanted = endpoint["tags"]["mlops-release"].split(" ")
        there = self.done("GET", f"{endpoint['id']}/deployments")["value"]
        return [one for one in there if one["name"] in wanted]

    def wide(self) -> dict[str, str]:
        """List the role assignments that hold for more than one resource, each with the reason beside it."""
        found: dict[str, str] = {}
        for one in self.everything().get("Microsoft.Authorization/roleAssignments", []):
            said = self.done("GET", one)["properties"]
            if "/providers/" not in said["scope"]:
                found[one] = str(said.get("description", "")).partition("): ")[2]
        return found

    def shown(self) -> str:
        """Read everything that Azure shows to who may read all, but objects in storage."""
        ids = [one for kind, several in self.everything().items() if kind != "blobs" for one in several]
        return json.dumps([self.done("GET", one) for one in ids])

    def run(self, workflow: str, later: float) -> dict[str, Any]:
        """Play one run of a workflow, as if it were so many seconds later."""
        return dict(self.admin("run", {"id": workflow, "later": later}))

    def held(self) -> list[dict[str, str]]:
        """List the requests that are held."""
        return list(self.admin("holds", method="GET")["held"])

    def let_go(self) -> None:
        """Let go of them."""
        self.admin("holds", method="DELETE")

    def admin(self, route: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """Have something happen that only Azure or others can do."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{route}", content, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
