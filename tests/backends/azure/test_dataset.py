"""Dataset on Azure: its account, what becomes of old files, the ways to it, and rights that end at its container."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.backends.azure import live
from support.facts.azure import GROUP_PATH, HUB, SETTINGS, hub
from support.mocks import Cloud, Registration

ROWS = mlops.DatasetRef(
    name="rows",
    backend="azure",
    platform=HUB,
    location="https://rows.blob.core.windows.net/files/",
    address={"container": "/container", "asset": "/workspace/data/rows"},
)
FOLDER = "https://theirs.blob.core.windows.net/sales/rows/"
BRANCH: Any = {"github": {"repository": "acme/churn", "branch": "main"}}


def make(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> None:
    cloud.run(lambda: mlops.Dataset("rows", platform=platform, **args) and None, **SETTINGS)


def of(cloud: Cloud, kind: str) -> list[Registration]:
    return [one for one in cloud.registered if one.type.endswith(f":{kind}")]


def rights(cloud: Cloud, **args: Any) -> dict[str, tuple[str, Any]]:
    cloud.run(lambda: mlops.Identity("etl", platform=HUB, trusts=BRANCH, **args) and None, **SETTINGS)
    made = of(cloud, "RoleAssignment")
    return {one.name: (one.inputs["scope"], one.inputs.get("condition")) for one in made}


def rules(cloud: Cloud) -> dict[str, Any]:
    (policy,) = of(cloud, "ManagementPolicy")
    return {rule["name"]: rule["definition"] for rule in policy.inputs["policy"]["rules"]}


def test_the_account_is_closed_as_the_artifact_store_is(cloud: Cloud) -> None:
    make(cloud, format="parquet", partition="day")
    (account,), (container,) = of(cloud, "StorageAccount"), of(cloud, "BlobContainer")
    assert account.inputs["allowSharedKeyAccess"] is False
    assert account.inputs["isHnsEnabled"] is False, "an account with folders keeps no versions of files"
    (settings,) = of(cloud, "BlobServiceProperties")
    assert settings.inputs["isVersioningEnabled"] is True
    assert (container.inputs["containerName"], container.inputs["publicAccess"]) == ("files", "None")


def test_a_data_asset_says_what_the_files_are(cloud: Cloud) -> None:
    raw = mlops.DatasetRef(name="raw", backend="azure", platform=HUB, location=FOLDER)
    make(cloud, format="csv", partition="month", columns={"id": "string"}, parents=[raw], description="Who pays")
    (asset,) = of(cloud, "DataContainer")
    said = asset.inputs["properties"]
    assert (said["dataType"], said["description"]) == ("uri_folder", "Who pays")
    assert said["tags"]["mlops-dataset"] == "csv/month"
    assert said["properties"] == {"mlops-columns": '{"id": "string"}', "mlops-parents": '["raw"]'}


def test_partitions_are_deleted_by_age_and_versions_are_not(cloud: Cloud) -> None:
    make(cloud, format="parquet", partition="day", retention_days=400)
    found = rules(cloud)
    assert found["partitions"]["filters"]["prefixMatch"] == ["files/dt="]
    assert found["partitions"]["actions"] == {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 400}}}
    assert found["superseded"]["actions"]["version"]["delete"] == {"daysAfterCreationGreaterThan": 7}


def test_without_partitions_what_was_replaced_is_deleted(cloud: Cloud) -> None:
    make(cloud, retention_days=30)
    assert list(rules(cloud)) == ["superseded"]
    assert rules(cloud)["superseded"]["actions"]["version"]["delete"] == {"daysAfterCreationGreaterThan": 30}


def test_a_dataset_and_a_feature_store_of_one_name_have_accounts_of_their_own(cloud: Cloud) -> None:
    def program() -> None:
        mlops.Dataset("rows", platform=HUB)
        mlops.FeatureStore("rows", platform=HUB)

    cloud.run(program, **SETTINGS)
    assert len({one.inputs["accountName"] for one in of(cloud, "StorageAccount")}) == 2


def test_in_a_private_platform_the_account_is_reached_by_private_endpoints(cloud: Cloud) -> None:
    net = f"{GROUP_PATH}/providers/Microsoft.Network/virtualNetworks/churn-dev"
    make(cloud, hub(private=True, network=net, subnets=[f"{net}/subnets/endpoints"]))
    (account,), (door,) = of(cloud, "StorageAccount"), of(cloud, "PrivateEndpoint")
    assert account.inputs["publicNetworkAccess"] == "Disabled"
    assert door.inputs["privateEndpointName"] == "churn-dev-rows-dataset-blob"
    assert door.inputs["subnet"]["id"] == f"{net}/subnets/endpoints"
    (named,) = of(cloud, "PrivateDnsZoneGroup")
    (zone,) = named.inputs["privateDnsZoneConfigs"]
    assert zone["privateDnsZoneId"].endswith("/privateDnsZones/privatelink.blob.core.windows.net")
    (rule,) = of(cloud, "ManagedNetworkSettingsRule")
    assert rule.inputs["properties"]["destination"]["subresourceTarget"] == "blob"


def test_in_a_network_of_somebody_elses_nothing_is_made(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs, match="whose network is its owner's"):
        make(cloud, hub(private=True))
    assert not cloud.registered


@pytest.mark.parametrize("read", [ROWS, ROWS.latest()], ids=["dataset", "view"])
def test_a_reader_gets_roles_on_the_container_and_the_asset(cloud: Cloud, read: Any) -> None:
    assert rights(cloud, reads=[read]) == {
        "etl-right-storage-blob-data-reader-dataset-rows": ("/container", None),
        "etl-right-reader-dataset-rows-asset": ("/workspace/data/rows", None),
    }


def test_a_writer_registers_versions_too(cloud: Cloud) -> None:
    assert rights(cloud, writes=[ROWS]) == {
        "etl-right-storage-blob-data-contributor-dataset-rows": ("/container", None),
        "etl-right-azureml-data-scientist-dataset-rows-asset": ("/workspace/data/rows", None),
    }


def test_of_a_folder_that_was_there_a_reader_reads_the_folder(cloud: Cloud) -> None:
    theirs = mlops.DatasetRef(name="sales", backend="azure", platform=HUB, location=FOLDER)
    ((scope, condition),) = rights(cloud, reads=[theirs]).values()
    assert scope.endswith("/storageAccounts/theirs/blobServices/default/containers/sales")
    assert "StringLike 'rows/*'" in condition


def test_what_lies_in_a_format_does_not_become_another(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"properties": {"tags": {"mlops-dataset": "jsonl"}}}
    monkeypatch.setattr(live, "of_workspace", lambda _platform, _what, path: there if path == "data/rows" else None)
    with pytest.raises(InvalidArgs) as refused:
        make(cloud, format="csv", partition="day")
    assert [one.field for one in refused.value.problems] == ["format", "partition"]
    assert not cloud.registered
    make(cloud, format="jsonl", retention_days=3)


@pytest.mark.parametrize("location", ["s3://acme/rows/", "https://acme.example.com/rows/", "abfss://rows@acme/rows/"])
def test_a_folder_of_another_cloud_is_refused(cloud: Cloud, location: str) -> None:
    with pytest.raises(InvalidArgs, match="is no folder of Azure Storage"):
        cloud.run(lambda: mlops.Dataset.existing("sales", platform=HUB, location=location) and None, **SETTINGS)


def test_the_key_of_a_folder_is_its_accounts_business(cloud: Cloud) -> None:
    with pytest.raises(Unsupported, match=r"dataset\.existing\.key"):
        cloud.run(
            lambda: mlops.Dataset.existing("sales", platform=HUB, location=FOLDER, key="mine") and None, **SETTINGS
        )
