"""A registry that workspaces share: who may write in it, who is served from it, and where."""

from typing import Any

import pytest

from support.sandbox.arm import ROOT, Arm
from support.sandbox.arm_good import DEPLOYMENT, ENDPOINT, GOOD, ML, SERVING, Good, role
from support.sandbox.arm_world import body, furnish

REGISTRY = f"{ML}/registries/shared"
MODEL = f"{REGISTRY}/models/ranker"
VERSION = {"modelUri": "https://of-the-registry.blob.core.windows.net/ranker/1", "modelType": "custom_model"}
ROLES = {
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "AzureML Registry User": "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
}
WHO = "11111111-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    furnish(server)
    server.done("PUT", MODEL, {"properties": {"description": "what comes first"}})
    server.done("PUT", f"{MODEL}/versions/1", {"properties": VERSION})
    return server


def given(world: Arm, scope: str, name: str | None, principal: str = WHO) -> str:
    """Give a role, if any; return where the assignment is."""
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000200"
    if name is not None:
        definition = f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[name]}"
        properties = {"principalId": principal, "roleDefinitionId": definition, "principalType": "ServicePrincipal"}
        world.done("PUT", path, {"properties": properties}, version="2022-04-01")
    return path


# Method, path, body; what it is refused with for whom has nothing, may read, and may write in the registry.
REQUESTS: dict[str, tuple[str, str, Any, set[str]]] = {
    "reading the registry": ("GET", REGISTRY, None, {"Reader", "AzureML Registry User", "Contributor"}),
    "reading a version": ("GET", f"{MODEL}/versions/1", None, {"Reader", "AzureML Registry User", "Contributor"}),
    "registering a version": (
        "PUT",
        f"{MODEL}/versions/2",
        {"properties": VERSION},
        {"AzureML Registry User", "Contributor"},
    ),
    "deleting a version": ("DELETE", f"{MODEL}/versions/2", None, {"AzureML Registry User", "Contributor"}),
    "making a model": (
        "PUT",
        f"{REGISTRY}/models/other",
        {"properties": {}},
        {"AzureML Registry User", "Contributor"},
    ),
    "changing the registry": ("PUT", REGISTRY, GOOD["registry-ml"].body, {"Contributor"}),
}


@pytest.mark.parametrize("held", [None, *ROLES])
@pytest.mark.parametrize("what", REQUESTS)
def test_what_is_in_a_registry_is_an_asset(world: Arm, what: str, held: str | None) -> None:
    method, path, sent, may = REQUESTS[what]
    at = given(world, REGISTRY, held)
    said = world.ask(method, path, sent, token=f"principal:{WHO}")
    assert (said.code != "AuthorizationFailed") is (held in may), said.body
    if held is not None:
        world.done("DELETE", at, version="2022-04-01")


@pytest.mark.parametrize(
    ("scope", "held", "fine"),
    [
        (REGISTRY, None, False),
        (REGISTRY, "Reader", True),
        (REGISTRY, "AzureML Registry User", True),
        (REGISTRY, "AzureML Data Scientist", False),
        (f"{ML}/workspaces/churn", "Reader", False),
    ],
)
def test_an_endpoint_is_served_by_whoever_may_read_assets(world: Arm, scope: str, held: str | None, fine: bool) -> None:
    serving = world.done("GET", SERVING)["properties"]["principalId"]
    at = given(world, scope, held, serving)
    sent = world.sent["deployment"]
    asked = sent | {
        "properties": sent["properties"] | {"model": "azureml://registries/shared/models/ranker/versions/1"}
    }
    said = world.ask("PUT", f"{ENDPOINT}/deployments/green", asked)
    ended = world.wait(said.headers["Azure-AsyncOperation"])
    told = str(ended.get("error", {}).get("message", ""))
    assert (ended["status"] == "Succeeded") is fine, told
    assert fine or "registries/assets/read" in told
    world.done("DELETE", f"{ENDPOINT}/deployments/green")
    if held is not None:
        world.done("DELETE", at, version="2022-04-01")


def test_a_workspace_is_served_in_the_regions_of_the_registry(world: Arm) -> None:
    """And a registry whose versions are served is not deleted."""
    serving: Good = role(REGISTRY, "AzureML Data Scientist", 201, SERVING)
    sent = body(world, serving)
    sent["properties"]["roleDefinitionId"] = (
        f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/{ROLES['Reader']}"
    )
    world.done("PUT", serving.id, sent, version=serving.version)
    whole = world.sent["deployment"]
    asked = whole | {"properties": whole["properties"] | {"model": f"{MODEL}/versions/1"}}
    far = GOOD["registry-ml"].body | {"location": "westeurope"}
    far["properties"] = far["properties"] | {"regionDetails": [{"location": "westeurope"}]}
    other = f"{ML}/registries/elsewhere"
    world.done("PUT", other, far)
    world.done("PUT", f"{other}/models/ranker", {"properties": {}})
    world.done("PUT", f"{other}/models/ranker/versions/1", {"properties": VERSION})
    there = asked["properties"] | {"model": "azureml://registries/elsewhere/models/ranker/versions/1"}
    refused = world.ask("PUT", DEPLOYMENT, asked | {"properties": there})
    assert (refused.code, "supports westeurope, and the workspace is in eastus" in refused.message) == (
        "BadArgument",
        True,
    )
    said = world.ask("PUT", f"{ENDPOINT}/deployments/green", asked)
    assert world.wait(said.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    assert world.ask("DELETE", REGISTRY).code == "RegistryInUse"
