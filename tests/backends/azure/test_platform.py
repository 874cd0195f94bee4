"""Platform on Azure: closed by default, protected in prod, with the rights that its workspace needs and no more."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.azure import names
from support.facts.azure import SETTINGS
from support.mocks import SUBSCRIPTION, TENANT, Cloud

MINE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mine/providers"
CONTAINER = f"{MINE}/Microsoft.Storage/storageAccounts/theirs/blobServices/default/containers/files"
KEY = f"{MINE}/Microsoft.KeyVault/vaults/theirs/keys/disk"
SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"


def build(cloud: Cloud, **args: Any) -> Any:
    return cloud.run(lambda: {"ref": mlops.Platform("churn", backend="azure", **args).ref.export()}, **SETTINGS)["ref"]


def test_everything_is_in_one_group_of_its_region(cloud: Cloud) -> None:
    build(cloud)
    group = cloud.one("resources/ResourceGroup").inputs
    assert (group["resourceGroupName"], group["location"]) == ("churn-dev-westeurope", "westeurope")
    placed = {item.inputs["resourceGroupName"] for item in cloud.registered if "resourceGroupName" in item.inputs}
    assert placed == {"churn-dev-westeurope"}


def test_the_store_has_no_keys_and_keeps_versions(cloud: Cloud) -> None:
    build(cloud, stage="prod")
    account = cloud.one("storage/StorageAccount")
    said = account.inputs
    assert said["allowSharedKeyAccess"] is False
    assert said["allowBlobPublicAccess"] is False
    assert said["allowCrossTenantReplication"] is False
    assert said["isLocalUserEnabled"] is False
    assert (said["minimumTlsVersion"], said["enableHttpsTrafficOnly"]) == ("TLS1_2", True)
    assert said["sku"] == {"name": "Standard_ZRS"}
    settings = cloud.one("storage/BlobServiceProperties").inputs
    assert settings["isVersioningEnabled"] is True
    assert settings["deleteRetentionPolicy"] == {"enabled": True, "days": 90, "allowPermanentDelete": False}
    (rule,) = cloud.one("storage/ManagementPolicy").inputs["policy"]["rules"]
    assert rule["definition"]["actions"] == {"version": {"delete": {"daysAfterCreationGreaterThan": 90}}}
    assert cloud.one("storage/BlobContainer").inputs["publicAccess"] == "None"


@pytest.mark.parametrize(("stage", "purge", "days"), [("dev", None, 15), ("staging", None, 15), ("prod", True, 30)])
def test_the_vault_goes_by_roles_and_is_purged_by_nobody_in_prod(
    cloud: Cloud, stage: str, purge: bool | None, days: int
) -> None:
    build(cloud, stage=stage)
    said = cloud.one("keyvault/Vault").inputs["properties"]
    assert said["enableRbacAuthorization"] is True
    assert said["tenantId"] == TENANT
    assert said.get("enablePurgeProtection") is purge
    assert said["softDeleteRetentionInDays"] == days


def test_the_workspace_waits_for_its_rights(cloud: Cloud) -> None:
    build(cloud)
    workspace = cloud.one("machinelearningservices/Workspace")
    said = workspace.inputs
    assert said["systemDatastoresAuthMode"] == "Identity"
    assert said["v1LegacyMode"] is False
    assert said["identity"]["type"] == "UserAssigned"
    assert said["managedNetwork"] == {"isolationMode": "AllowInternetOutbound"}
    assigned = {item.name for item in cloud.all("authorization/RoleAssignment")}
    assert {name for name in assigned if name.startswith("churn-workspace-")} <= workspace.depends_on


def test_no_right_is_wider_than_a_resource(cloud: Cloud) -> None:
    build(cloud, consumers=[{"group": SOMEBODY}])
    for item in cloud.all("authorization/RoleAssignment"):
        if "scope" in item.unknown:
            continue
        assert item.inputs["scope"].count("/providers/") == 1, item.name
        assert item.inputs["principalType"] in {"ServicePrincipal", "Group"}


def test_consumers_read_the_files_of_versions_and_nothing_else(cloud: Cloud) -> None:
    build(cloud, consumers=[{"group": SOMEBODY}])
    given = cloud.one(
        "authorization/RoleAssignment", "churn-consumer-group-0f8fad5b-storage-blob-data-reader-artifacts"
    )
    assert given.inputs["principalId"] == SOMEBODY
    assert "StringLike 'models/*'" in given.inputs["condition"]
    assert given.inputs["conditionVersion"] == "2.0"


def test_a_private_platform_shuts_every_public_door(cloud: Cloud) -> None:
    build(cloud, network={"private": {"cidr": "10.32.0.0/16"}})
    assert cloud.one("storage/StorageAccount").inputs["publicNetworkAccess"] == "Disabled"
    assert cloud.one("storage/StorageAccount").inputs["networkRuleSet"]["defaultAction"] == "Deny"
    assert cloud.one("keyvault/Vault").inputs["properties"]["publicNetworkAccess"] == "Disabled"
    registry = cloud.one("containerregistry/Registry").inputs
    assert (registry["publicNetworkAccess"], registry["sku"]) == ("Disabled", {"name": "Premium"})
    workspace = cloud.one("machinelearningservices/Workspace").inputs
    assert workspace["publicNetworkAccess"] == "Disabled"
    assert workspace["managedNetwork"] == {"isolationMode": "AllowOnlyApprovedOutbound"}
    doors = {
        item.name: item.inputs["privateLinkServiceConnections"][0]["groupIds"]
        for item in cloud.all("network/PrivateEndpoint")
    }
    assert doors == {
        "churn-door-blob": ["blob"],
        "churn-door-vault": ["vault"],
        "churn-door-registry": ["registry"],
        "churn-door-workspace": ["amlworkspace"],
    }
    assert cloud.one("network/Subnet").inputs["addressPrefix"] == "10.32.0.0/24"


def test_the_users_container_takes_the_place_of_the_store(cloud: Cloud) -> None:
    out = build(cloud, existing={"artifacts": CONTAINER})
    assert not cloud.all("storage/StorageAccount")
    said = cloud.one("machinelearningservices/Workspace").inputs
    assert said["storageAccount"] == CONTAINER.partition("/blobServices")[0]
    assert out["artifacts"] == "https://theirs.blob.core.windows.net/files/"


def test_the_users_key_encrypts_what_the_identity_may_use_it_for(cloud: Cloud) -> None:
    build(cloud, existing={"key": KEY})
    account = cloud.one("storage/StorageAccount")
    assert account.inputs["encryption"]["keySource"] == "Microsoft.Keyvault"
    assert account.inputs["encryption"]["keyVaultProperties"] == {
        "keyName": "disk",
        "keyVaultUri": "https://theirs.vault.azure.net",
    }
    (given,) = [name for name in account.depends_on if "encryption" in name]
    assert cloud.one("authorization/RoleAssignment", given).inputs["scope"] == KEY


def test_a_group_of_the_users_is_neither_made_nor_counted_as_a_whole(cloud: Cloud) -> None:
    build(cloud, existing={"group": "theirs"}, alerts=["ml@example.com"], monthly_budget=10)
    assert not cloud.all("resources/ResourceGroup")
    budget = cloud.one("consumption/Budget").inputs
    assert budget["scope"] == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs"
    assert budget["filter"]["tags"] == {"name": "project", "operator": "In", "values": ["churn"]}


def test_a_budget_tells_of_cost_and_forecast_and_keeps_its_month(cloud: Cloud) -> None:
    build(cloud, alerts=["ml@example.com"], monthly_budget=10)
    budget = cloud.one("consumption/Budget")
    assert set(budget.inputs["notifications"]) == {"Actual50", "Actual80", "Actual100", "Forecasted100"}
    assert budget.inputs["timePeriod"]["startDate"].endswith("-01T00:00:00Z")
    assert budget.ignore_changes == ["timePeriod"]


def test_names_that_the_whole_cloud_shares_are_short_and_its_own(cloud: Cloud) -> None:
    long = "a" * 20 + "-" + "b" * 19
    out = cloud.run(lambda: {"ref": mlops.Platform(long, backend="azure", stage="prod").ref.export()}, **SETTINGS)[
        "ref"
    ]
    address = out["address"]
    for limit, name in ((24, address["storage"]), (24, address["vault"]), (50, address["registry"])):
        assert 5 <= len(name) <= limit
        assert name.isalnum()
        assert name == name.lower()
    other = [names.everywhere("0", "churn", "dev", place, limit=24) for place in ("westeurope", "northeurope")]
    assert len({*other, names.everywhere("1", "churn", "dev", "westeurope", limit=24)}) == 3
    if not cloud.preview:
        assert len(address["workspace"]) <= names.WORKSPACE


def test_an_image_is_named_in_the_platforms_registry(cloud: Cloud) -> None:
    out = cloud.run(
        lambda: mlops.Platform("churn", backend="azure", images=["score"]).image("score", "1.0"), **SETTINGS
    )
    assert out.endswith(".azurecr.io/churn-dev/score:1.0")
