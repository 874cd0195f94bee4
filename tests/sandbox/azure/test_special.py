"""What some services do beyond keeping what they were given: soft deletion, templates, keys, locks, networks."""

from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import SUBSCRIPTION
from support.sandbox.arm import GROUP, Arm
from support.sandbox.arm_good import (
    ALARM,
    DEPLOYMENT,
    ENDPOINT,
    GOOD,
    IDENTITY,
    NETWORK,
    REGISTRY,
    STORAGE,
    VAULT,
    WORKSPACE,
    P,
)
from support.sandbox.arm_world import furnish

DELETED = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults"


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    furnish(server)
    return server


def _vault(arm: Arm, name: str, *, protected: bool) -> str:
    path, body = f"{P}/Microsoft.KeyVault/vaults/{name}", GOOD["vault"].body
    properties = {
        key: value for key, value in body["properties"].items() if key != "enablePurgeProtection" or protected
    }
    arm.done("PUT", path, body | {"properties": properties})
    return path


def test_a_deleted_vault_is_in_the_way_until_it_is_purged(world: Arm) -> None:
    path = _vault(world, "first-vault", protected=False)
    world.done("PUT", f"{path}/secrets/token", {"properties": {"value": "x"}})
    world.done("DELETE", path)
    refused = world.ask("PUT", path, GOOD["vault"].body)
    assert (refused.status, refused.code) == (409, "ConflictError")
    assert "az keyvault purge --name first-vault" in refused.message
    told = world.done("GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults")["value"]
    assert [one["properties"]["vaultId"] for one in told] == [path]
    recovered = world.done(
        "PUT",
        path,
        GOOD["vault"].body
        | {"properties": GOOD["vault"].body["properties"] | {"createMode": "recover", "enablePurgeProtection": None}},
    )
    assert "createMode" not in recovered["properties"]
    assert world.ask("GET", f"{path}/secrets/token").status == 200
    world.done("DELETE", path)
    assert world.ask("POST", f"{DELETED}/first-vault/purge").status == 200
    assert world.ask("POST", f"{DELETED}/first-vault/purge").code == "VaultNotFound"
    _vault(world, "first-vault", protected=False)


def test_purge_protection_protects(world: Arm) -> None:
    path = _vault(world, "second-vault", protected=True)
    world.done("DELETE", path)
    assert world.ask("POST", f"{DELETED}/second-vault/purge").code == "MethodNotAllowed"


def test_a_deleted_workspace_is_in_the_way_until_it_is_purged(world: Arm) -> None:
    path, body = f"{WORKSPACE}-2", world.sent["workspace"]
    world.done("PUT", path, body)
    world.done("DELETE", path)
    refused = world.ask("PUT", path, body)
    assert (refused.status, refused.code) == (400, "BadRequest")
    assert "Soft-deleted workspace exists" in refused.message
    assert world.ask("DELETE", path).status == 204
    assert world.ask("DELETE", f"{path}?forceToPurge=true").status == 200
    world.done("PUT", path, body)
    world.done("DELETE", f"{path}?forceToPurge=true")
    world.done("PUT", path, body)
    world.done("DELETE", f"{path}?forceToPurge=true")


def _template(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    endpoint = {
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "apiVersion": "2025-12-01",
        "name": "churn/churn-live",
        **GOOD["endpoint"].body,
        "properties": GOOD["endpoint"].body["properties"] | properties,
        **more,
    }
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [endpoint],
    }
    return {"properties": {"mode": "Incremental", "template": template}}


def test_a_template_moves_traffic(world: Arm) -> None:
    path = f"{P}/Microsoft.Resources/deployments/traffic"
    said = world.ask("PUT", path, _template({"traffic": {"blue": 100}}))
    assert world.wait(said.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    assert said.body["properties"]["outputResources"] == [{"id": ENDPOINT}]
    assert world.done("GET", ENDPOINT)["properties"]["traffic"] == {"blue": 100}
    assert world.ask("DELETE", DEPLOYMENT).code == "BadArgument"  # it serves
    failed = world.ask("PUT", path, _template({"traffic": {"blue": 110}}))
    error = world.wait(failed.headers["Azure-AsyncOperation"])["error"]
    assert (error["code"], error["details"][0]["code"]) == ("DeploymentFailed", "ValidationError")
    assert world.done("GET", ENDPOINT)["properties"]["traffic"] == {"blue": 100}
    world.done("PUT", ENDPOINT, GOOD["endpoint"].body)  # a body without traffic takes it away
    assert world.done("GET", ENDPOINT)["properties"]["traffic"] == {}
    again = world.ask("PUT", path, _template({"traffic": {"blue": 100}}))
    assert again.status == 200
    assert world.done("GET", ENDPOINT)["properties"]["traffic"] == {"blue": 100}
    world.done("PUT", ENDPOINT, GOOD["endpoint"].body)


def test_a_template_with_expressions_is_refused(world: Arm) -> None:
    said = world.ask(
        "PUT", f"{P}/Microsoft.Resources/deployments/x", _template({}, location="[resourceGroup().location]")
    )
    assert (said.code, "location" in said.message) == ("InvalidTemplate", True)


def test_keys_are_told_where_there_are_some(world: Arm) -> None:
    assert world.ask("POST", f"{ENDPOINT}/listKeys", {}).code == "BadArgument"
    path = f"{WORKSPACE}/onlineEndpoints/by-key"
    body = GOOD["endpoint"].body
    given = {"authMode": "Key", "keys": {"primaryKey": "given-by-hand"}}
    made = world.done("PUT", path, body | {"properties": given})
    assert "given-by-hand" not in str(made)
    keys = world.done("POST", f"{path}/listKeys", {})
    assert keys["primaryKey"] == "given-by-hand" != keys["secondaryKey"]
    world.done("POST", f"{path}/regenerateKeys", {"keyType": "Secondary"})
    world.done("PUT", path, body | {"properties": given, "tags": {"a": "b"}})
    renewed = world.done("POST", f"{path}/listKeys", {})
    assert renewed["secondaryKey"] != keys["secondaryKey"]
    taken = world.ask("PUT", path.replace("/churn/", "/churn-features/"), body)
    assert (taken.status, taken.code) == (409, "Conflict")
    world.done("DELETE", path)
    assert world.ask("POST", f"{REGISTRY}/listCredentials", {}).code == "UnAuthorizedForCredentialOperations"


def test_a_lock_holds_what_is_in_it(world: Arm) -> None:
    lock = f"{IDENTITY}/providers/Microsoft.Authorization/locks/keep"
    world.done("PUT", lock, {"properties": {"level": "CanNotDelete"}}, version="2020-05-01")
    assert world.ask("DELETE", IDENTITY).code == "ScopeLocked"
    assert world.ask("DELETE", GROUP).code == "ScopeLocked"
    world.done("DELETE", lock)


def test_a_network_that_lists_its_subnets_has_those(world: Arm) -> None:
    subnets = [{"name": "one", "properties": {"addressPrefix": "10.1.1.0/24"}}]
    path = f"{NETWORK}-2"
    properties: dict[str, Any] = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}
    world.done("PUT", path, {"location": "eastus", "properties": properties | {"subnets": subnets}})
    assert world.ask("GET", f"{path}/subnets/one").status == 200
    world.done("PUT", path, {"location": "eastus", "properties": properties | {"subnets": []}})
    assert world.ask("GET", f"{path}/subnets/one").status == 404


def test_an_alert_says_what_somebody_set(world: Arm) -> None:
    path = GOOD["alert"].id
    assert world.done("GET", f"{path}/status")["value"][0]["properties"]["status"] == "Healthy"
    world.admin("POST", "alerts", {"id": path, "status": "Unhealthy"})
    assert world.done("GET", f"{path}/status")["value"][0]["properties"]["status"] == "Unhealthy"
    assert world.ask("GET", f"{ALARM}/status").code == "InvalidResourceType"


def test_names_are_asked_for_before_they_are_taken(world: Arm) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability"

    def free(name: str) -> bool:
        body = {"name": name, "type": "Microsoft.Storage/storageAccounts"}
        return bool(world.done("POST", path, body)["nameAvailable"])

    world.admin("POST", "taken", {"type": "Microsoft.Storage/storageAccounts", "name": "somebodys"})
    assert [free(name) for name in ("free123", "churnfiles", "somebodys", "UPPER")] == [True, False, False, False]
    taken = world.ask("PUT", STORAGE.replace("churnfiles", "somebodys"), GOOD["storage"].body)
    assert taken.code == "StorageAccountAlreadyTaken"


def test_tables_are_listed(world: Arm) -> None:
    root = f"/subscriptions/{SUBSCRIPTION}"
    sizes = world.done("GET", f"{root}/providers/Microsoft.MachineLearningServices/locations/eastus/vmSizes")["value"]
    assert {"Standard_DS3_v2", "Standard_NC4as_T4_v3"} <= {one["name"] for one in sizes}
    used = world.done("GET", f"{root}/providers/Microsoft.MachineLearningServices/locations/eastus/usages")["value"]
    assert {one["family"] for one in sizes} <= {one["name"]["value"] for one in used}
    assert all(one["limit"] >= one["currentValue"] >= 0 for one in used)
    assert "westeurope" in {one["name"] for one in world.done("GET", f"{root}/locations")["value"]}
    assert [one["name"] for one in world.done("GET", f"{root}/resourceGroups")["value"]] == ["rg"]
    assert len(world.done("GET", f"{GROUP}/resources")["value"]) > 15
    definition = GOOD["role-pull"].body["properties"]["roleDefinitionId"]
    assert world.done("GET", definition)["properties"]["roleName"] == "AcrPull"
    assert VAULT in {one["id"] for one in world.done("GET", f"{P}/Microsoft.KeyVault/vaults")["value"]}


def test_a_private_endpoint_is_where_its_network_is(world: Arm) -> None:
    sent = world.sent["private"] | {"location": "westeurope"}
    refused = world.ask("PUT", f"{GOOD['private'].id}-2", sent)
    assert (refused.code, "the network of the subnet is in 'eastus'" in refused.message) == (
        "InvalidResourceReference",
        True,
    )


def test_a_network_asks_one_zone_of_a_name(world: Arm) -> None:
    link = {"location": "global", "properties": {"registrationEnabled": False, "virtualNetwork": {"id": NETWORK}}}
    other = f"{GROUP}-dns"
    world.done("PUT", other, {"location": "eastus"})
    zone = GOOD["zone"].id
    elsewhere = zone.replace("/resourceGroups/rg/", "/resourceGroups/rg-dns/")
    world.done("PUT", elsewhere, {"location": "global"})
    world.done("PUT", f"{zone}/virtualNetworkLinks/first", link)
    refused = world.ask("PUT", f"{elsewhere}/virtualNetworkLinks/second", link)
    assert (refused.code, "overlapping namespaces" in refused.message) == ("BadRequest", True)
    world.done("DELETE", f"{zone}/virtualNetworkLinks/first")
    world.done("PUT", f"{elsewhere}/virtualNetworkLinks/second", link)
