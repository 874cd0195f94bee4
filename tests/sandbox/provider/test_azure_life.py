"""The table of Azure before the control plane: create, refresh, import, update, replace, adopt, refuse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from pulumi_mlops_sandbox.azure.facts import SUBSCRIPTION
from pulumi_mlops_sandbox.azure.provider.cloud import Azure
from pulumi_mlops_sandbox.azure.registering import sent
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret, receive, send
from support.engine_calls import Engine
from support.sandbox.fake_cloud import serving

NONE = provider_pb2.DiffResponse.DIFF_NONE
GROUP = {"resourceGroupName": "life"}


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:dev::p::azure-native:{token}::{name}"


@pytest.fixture
def url(tenant: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in tenant.env().items():
        monkeypatch.setenv(name, value)
    return tenant.env()["PULUMI_MLOPS_ARM_ENDPOINT"]


@pytest.fixture
def azure(url: str, tmp_path: Path) -> Iterator[Engine]:
    """Serve the provider, with a resource group in which a test makes its things."""
    for engine in serving(Azure(), tmp_path / "creates"):
        engine.configure()
        place = urn("resources:ResourceGroup", "life")
        group, _ = engine.check({**GROUP, "location": "westeurope"}, urn=place)
        object_id, _ = engine.create(group, place)
        yield engine
        engine.delete(object_id, group, place)


def made(azure: Engine, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    checked, failures = azure.check(inputs, urn=urn(token))
    assert failures == {}
    object_id, state = azure.create(checked, urn(token))
    return object_id, state, checked


# Each: token, inputs, the inputs after an edit that is an update in place.
LIVES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "storage:StorageAccount",
        {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "minimumTlsVersion": "TLS1_2", "tags": {"a": "b"}},
        {"kind": "StorageV2", "sku": {"name": "Standard_ZRS"}, "minimumTlsVersion": "TLS1_2", "tags": {"a": "c"}},
    ),
    ("managedidentity:UserAssignedIdentity", {"tags": {"a": "b"}}, {"tags": {"a": "c", "d": "e"}}),
    (
        "operationalinsights:Workspace",
        {"sku": {"name": "PerGB2018"}, "retentionInDays": 30},
        {"sku": {"name": "PerGB2018"}, "retentionInDays": 60, "tags": {"a": "b"}},
    ),
    (
        "monitor:ActionGroup",
        {"groupShortName": "churn", "enabled": True, "location": "Global"},
        {"groupShortName": "churn", "enabled": False, "location": "Global"},
    ),
]


@pytest.mark.parametrize(("token", "inputs", "edited"), LIVES, ids=[token for token, _, _ in LIVES])
def test_a_life(azure: Engine, token: str, inputs: dict[str, Any], edited: dict[str, Any]) -> None:
    """Create, unchanged, refresh, import, update in place, delete, gone."""
    place = urn(token)
    object_id, state, checked = made(azure, token, {**GROUP, **inputs})
    assert checked["location"] in {"westeurope", "Global"}, "the group's, unless the program says another"
    again, _ = azure.check({**GROUP, **inputs}, checked, place)
    assert azure.diff(checked, again, object_id, place).changes == NONE
    refreshed = azure.read(object_id, checked, state, place)
    assert receive(refreshed.inputs) == checked, "refresh finds no drift"
    assert receive(refreshed.properties) == state, "nor other outputs"

    imported = receive(azure.read(object_id.lower(), urn=place).inputs)
    name = next(iter(checked["__defaults"]))
    assert imported[name] == checked[name].lower()
    assert imported.items() >= inputs.items()

    wanted, failures = azure.check({**GROUP, **edited}, checked, place)
    assert failures == {}
    change = azure.diff(checked, wanted, object_id, place)
    assert change.changes != NONE
    assert list(change.replaces) == []
    updated = azure.update(object_id, checked, wanted, place)
    assert receive(azure.read(object_id, wanted, updated, place).inputs) == wanted, "the edit has arrived"

    azure.delete(object_id, wanted, place)
    assert azure.read(object_id, wanted, urn=place).id == ""
    azure.delete(object_id, wanted, place)


def test_what_is_there_already_is_not_taken_over(azure: Engine) -> None:
    identity = {**GROUP, "resourceName": "mine"}
    made(azure, "managedidentity:UserAssignedIdentity", identity)
    checked, _ = azure.check(identity, urn=urn("managedidentity:UserAssignedIdentity", "another"))
    with pytest.raises(grpc.RpcError, match="cannot create already existing resource"):
        azure.create(checked, urn("managedidentity:UserAssignedIdentity", "another"))


def test_what_was_made_and_never_recorded_is_adopted(azure: Engine) -> None:
    token, inputs = "managedidentity:UserAssignedIdentity", {**GROUP, "resourceName": "mine", "tags": {"a": "b"}}
    object_id, _, checked = made(azure, token, inputs)
    again, state = azure.create({**checked, "tags": {"a": "c"}}, urn(token))
    assert again == object_id, "the engine that asked first was killed before it wrote it down"
    assert state["tags"] == {"a": "c"}
    other, _ = azure.create({**checked, "resourceName": "other"}, urn(token))
    assert other.endswith("/other")
    assert azure.read(object_id, checked, urn=urn(token)).id == "", "what could not become the wanted is deleted"


def test_what_a_killed_provider_had_asked_for_is_adopted(azure: Engine, url: str, tmp_path: Path) -> None:
    """Nobody heard that it was made, but its id was known before: it is sent again, and waited for."""
    token, inputs = "managedidentity:UserAssignedIdentity", {**GROUP, "resourceName": "mine", "tags": {"a": "b"}}
    checked, _ = azure.check({**inputs, "location": "westeurope"}, urn=urn(token))
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/life/providers/Microsoft.ManagedIdentity"
    intended = f"{path}/userAssignedIdentities/mine"
    Journal(tmp_path / "creates").begin(urn(token), intended)
    sent(url, "PUT", intended, {"location": "westeurope", "tags": {"a": "c"}})
    object_id, state = azure.create(checked, urn(token))
    assert (object_id, state["tags"]) == (intended, {"a": "b"})


@pytest.mark.parametrize(
    ("named", "first"), [({}, False), ({"resourceName": "mine"}, True)], ids=["made at random", "given"]
)
def test_an_object_goes_before_its_successor_unless_chance_named_it(
    azure: Engine, named: dict[str, str], first: bool
) -> None:
    token = "managedidentity:UserAssignedIdentity"
    object_id, _, checked = made(azure, token, {**GROUP, **named, "location": "westeurope"})
    moved, _ = azure.check({**GROUP, **named, "location": "eastus"}, checked, urn(token))
    change = azure.diff(checked, moved, object_id, urn(token))
    assert list(change.replaces) == ["location"]
    assert change.deleteBeforeReplace is first
    same, _ = azure.check({**GROUP, **named, "location": "West Europe"}, checked, urn(token))
    assert azure.diff(checked, same, object_id, urn(token)).changes == NONE, "spelt in another way"


def test_drift_is_found_and_only_drift(azure: Engine, url: str) -> None:
    token, inputs = "managedidentity:UserAssignedIdentity", {**GROUP, "tags": {"a": "b"}}
    object_id, state, checked = made(azure, token, inputs)
    sent(url, "PUT", object_id, {"location": "westeurope", "tags": {"a": "b", "by": "hand"}})
    found = receive(azure.read(object_id, checked, state, urn(token)).inputs)
    assert found == {**checked, "tags": {"a": "b", "by": "hand"}}


def test_a_secret_is_hidden_and_stays(azure: Engine) -> None:
    vault = {
        "tenantId": "00000000-0000-4000-8000-00000000000a",
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
    }
    made(azure, "keyvault:Vault", {**GROUP, "vaultName": "life-of-a-secret", "properties": vault})
    inputs = {
        **GROUP,
        "vaultName": "life-of-a-secret",
        "secretName": "s",
        "properties": {"value": Secret("hunter2"), "contentType": "text/plain"},
    }
    place = urn("keyvault:Secret")
    checked, failures = azure.check(inputs, urn=place)
    assert failures == {}
    object_id, state = azure.create(checked, place)
    assert "hunter2" not in str(state)
    found = receive(azure.read(object_id, checked, state, place).inputs)
    assert found["properties"] == {"value": Secret("hunter2"), "contentType": "text/plain"}


def test_what_is_not_known_yet_stays_unknown(azure: Engine) -> None:
    place = urn("machinelearningservices:Workspace")
    inputs = {
        "resourceGroupName": UNKNOWN,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [UNKNOWN]},
        "keyVault": UNKNOWN,
    }
    checked, failures = azure.check(inputs, urn=place)
    assert failures == {}
    assert checked["location"] is UNKNOWN
    _, state = azure.create(checked, place, preview=True)
    assert state["keyVault"] is UNKNOWN
    assert state["workspaceId"] is UNKNOWN
    assert state["identity"]["principalId"] is UNKNOWN
    assert state["workspaceName"] == checked["workspaceName"]


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        (
            "storage:StorageAccount",
            {**GROUP, "accountName": "takenelsewhere", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
            "StorageAccountAlreadyTaken",
        ),
        (
            "storage:StorageAccount",
            {**GROUP, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "minimumTlsVersion": "TLS9"},
            "minimumTlsVersion",
        ),
        ("managedidentity:UserAssignedIdentity", {"resourceGroupName": "nowhere", "location": "eastus"}, "nowhere"),
    ],
    ids=["a name of somebody else", "a value that is none", "no group"],
)
def test_what_azure_refuses_is_one_line(azure: Engine, token: str, inputs: dict[str, Any], said: str) -> None:
    checked, failures = azure.check(inputs, urn=urn(token))
    assert failures == {}, "the real provider leaves it to Azure"
    with pytest.raises(grpc.RpcError) as caught:
        azure.create(checked, urn(token))
    told = str(caught.value.details())
    assert said in told
    assert told.startswith("sandbox azure-native: ")
    assert "\n" not in told


def test_misspelt_and_missing_properties_are_named_at_preview(azure: Engine) -> None:
    _, failures = azure.check({"kindd": "StorageV2", **GROUP}, urn=urn("storage:StorageAccount"))
    assert set(failures) == {"kindd", "kind", "sku"}
    assert "did you mean 'kind'" in failures["kindd"]


def test_who_calls_is_told(azure: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = azure.stub.Invoke(
        provider_pb2.InvokeRequest(tok="azure-native:authorization:getClientConfig", args=send({}))
    )
    found = receive(getattr(answer, "return"))
    assert found["subscriptionId"].endswith("01")
    assert found["objectId"].endswith("d0")
    monkeypatch.setenv("PULUMI_MLOPS_ARM_TOKEN", "expired")
    for engine in serving(Azure(), tmp_path / "other"):
        engine.configure()
        with pytest.raises(grpc.RpcError, match=r"ExpiredAuthenticationToken.*renew the token"):
            engine.create(
                {**GROUP, "resourceName": "mine", "location": "eastus"}, urn("managedidentity:UserAssignedIdentity")
            )


def test_a_group_is_looked_up(azure: Engine) -> None:
    answer = azure.stub.Invoke(
        provider_pb2.InvokeRequest(tok="azure-native:resources:getResourceGroup", args=send(GROUP))
    )
    assert receive(getattr(answer, "return"))["location"] == "westeurope"
    with pytest.raises(grpc.RpcError, match="has no function"):
        azure.stub.Invoke(provider_pb2.InvokeRequest(tok="azure-native:resources:getResourceGroups", args=send({})))
