"""A workspace that is there is taken over as it is, and refused for what it cannot give."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi import Output

import pulumi_mlops as mlops
from pulumi_mlops.backends.azure import checks, live, workspace
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import InvalidArgs
from support.facts.azure import SETTINGS, hub
from support.mocks import SUBSCRIPTION, Cloud

ROOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
SPACES = "providers/Microsoft.MachineLearningServices/workspaces"
PARTS = f"{ROOT}/shared/providers"
PATH, OTHER = f"{ROOT}/rg-ml/{SPACES}/ours", f"{ROOT}/rg-two/{SPACES}/ours"
VAULT = f"{PARTS}/Microsoft.KeyVault/vaults/vault"
CONTAINER = f"{PARTS}/Microsoft.Storage/storageAccounts/lake/blobServices/default/containers/ml"
IDENTITY = f"{PARTS}/Microsoft.ManagedIdentity/userAssignedIdentities/ml"
RECORD: dict[str, Any] = {
    "id": PATH,
    "kind": "Default",
    "location": "West Europe",
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY.upper(): {"principalId": "somebody"}}},
    "properties": {
        "provisioningState": "Succeeded",
        "storageAccount": f"{PARTS}/Microsoft.Storage/storageAccounts/files",
        "keyVault": VAULT,
        "containerRegistry": f"{PARTS}/Microsoft.ContainerRegistry/registries/images",
        "applicationInsights": f"{PARTS}/Microsoft.Insights/components/insights",
        "primaryUserAssignedIdentity": IDENTITY,
        "publicNetworkAccess": "Enabled",
    },
}


class Azure:
    """A subscription with a workspace in it."""

    def __init__(self) -> None:
        self.there: dict[str, Any] = {
            f"/subscriptions/{SUBSCRIPTION}": {},
            VAULT: {"properties": {"enableRbacAuthorization": True}},
        }
        self.have(PATH)

    def have(self, path: str, **changed: Any) -> None:
        """Have a workspace; a value of None takes a property away."""
        record = copy.deepcopy(RECORD) | {"id": path}
        for key, value in changed.items():
            into: Any = record if key in ("kind", "identity", "location") else record["properties"]
            into[key] = value
        self.there[path] = record
        listed = [one for key, one in self.there.items() if f"/{SPACES}/" in key]
        self.there[f"/subscriptions/{SUBSCRIPTION}/{SPACES}"] = {"value": listed}

    def get(self, _given: Any, _what: str, path: str, _version: str, **_query: str) -> Any:
        return self.there.get(path)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    found = Azure()
    monkeypatch.setattr(live, "get", found.get)
    monkeypatch.setattr(live, "subscription", lambda _given, name: found.there.get(f"/subscriptions/{name}"))
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(private, "once", lambda _key, ask: ask())
    return found


def judged(called: str = PATH, group: str | None = None, **args: Any) -> list[tuple[str, str]]:
    parts = {"workspace": called, **({"group": group} if group else {}), **args.pop("existing", {})}
    spec = PlatformSpec.model_validate({"stage": "dev", "account": SUBSCRIPTION, "existing": parts, **args})
    return [(problem.field, problem.message) for problem in checks.misplaced("churn", spec, None)]


def taken() -> workspace.Workspace:
    spec = PlatformSpec.model_validate({"stage": "dev", "account": SUBSCRIPTION, "existing": {"workspace": PATH}})
    found = workspace.taken_over(None, "churn", spec, SUBSCRIPTION)
    assert found is not None
    return found


@pytest.mark.parametrize(("called", "group"), [(PATH, None), ("ours", None), ("ours", "rg-ml"), (PATH, "RG-ml")])
def test_it_is_found_by_its_id_and_by_its_name(azure: Azure, called: str, group: str | None) -> None:
    assert azure.there
    assert judged(called, group) == []
    assert judged(called, group, region="westeurope", images=["server"], secrets={"token": "1"}) == []


REFUSED: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], str, str]] = {
    "a hub": ({"kind": "Hub"}, {}, "existing.workspace", "is of kind 'Hub'"),
    "a feature store": ({"kind": "FeatureStore"}, {}, "existing.workspace", "FeatureStore.existing(…)"),
    "one that failed": ({"provisioningState": "Failed"}, {}, "existing.workspace", "is Failed now"),
    "one of the first version": ({"v1LegacyMode": True}, {}, "existing.workspace", "v1LegacyMode"),
    "another region": ({}, {"region": "northeurope"}, "region", "is not the workspace's, 'westeurope'"),
    "private, and it is public": ({}, {"network": {"private": {}}}, "network", "answers on public addresses"),
    "private, and it is private": (
        {"publicNetworkAccess": "Disabled"},
        {"network": {"private": {}}},
        "network",
        "has no public address",
    ),
    "images without a registry": (
        {"containerRegistry": None},
        {"images": ["server"]},
        "images",
        "--container-registry",
    ),
    "a key": ({}, {"existing": {"key": f"{VAULT}/keys/mine"}}, "existing.key", "leave key out"),
    "another group than its own": ({}, {"existing": {"group": "rg-two"}}, "existing.group", "is in 'rg-ml'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_cannot_give_is_refused_in_one_line(azure: Azure, what: str) -> None:
    has, asked, field, told = REFUSED[what]
    azure.have(PATH, **has)
    ((where, said),) = judged(**asked)
    assert where == field
    assert told in said


def test_a_container_of_somebody_elses_is_not_taken_over(azure: Azure) -> None:
    path = f"{RECORD['properties']['storageAccount']}/blobServices/default/containers/churn-dev"
    azure.there[path] = {"properties": {"publicAccess": "None"}}
    ((field, told),) = judged()
    assert field == "name"
    assert f"existing={{'artifacts': '{path}'}}" in told
    assert judged(existing={"artifacts": path}) == []
    azure.there[path]["properties"]["metadata"] = {"platform": "churn"}
    assert judged() == [], "the platform's own"


def test_secrets_need_a_vault_that_goes_by_roles(azure: Azure) -> None:
    azure.there[VAULT] = {"properties": {"enableRbacAuthorization": False}}
    assert judged() == [], "a platform without secrets has no use for it"
    ((field, told),) = judged(secrets={"token": "1"})
    assert field == "secrets"
    assert "vault 'vault' of the workspace goes by access policies" in told
    assert not taken().vault_roles


def test_one_that_is_not_there_is_told_with_the_nearest(azure: Azure) -> None:
    assert azure.there
    ((field, told),) = judged("our")
    assert field == "existing.workspace"
    assert "there is no workspace 'our'" in told
    assert "'ours'" in told


def test_a_name_that_two_groups_have_needs_its_group(azure: Azure) -> None:
    azure.have(OTHER)
    ((field, told),) = judged("ours")
    assert field == "existing.workspace"
    assert "'rg-ml', 'rg-two'" in told
    assert judged("ours", "rg-two") == []


def test_one_of_another_subscription_is_refused(azure: Azure) -> None:
    assert azure.there
    there = "00000000-0000-4000-8000-000000000002"
    ((field, told),) = judged(PATH.replace(SUBSCRIPTION, there))
    assert field == "existing.workspace"
    assert f"write account='{there}'" in told


def test_its_parts_are_asked_of_it(azure: Azure) -> None:
    found = taken()
    assert (found.group, found.location, found.principal) == ("rg-ml", "westeurope", "somebody")
    assert (found.storage, found.vault) == (RECORD["properties"]["storageAccount"], VAULT)
    assert not found.own_identity
    azure.have(PATH, identity={"type": "SystemAssigned", "principalId": "itself"}, primaryUserAssignedIdentity=None)
    assert (taken().principal, taken().own_identity) == ("itself", True)


@pytest.mark.parametrize("called", ["a b", "x", "/subscriptions/1/resourceGroups/rg/providers/Other/workspaces/x"])
def test_what_is_no_workspace_is_refused(called: str) -> None:
    spec = PlatformSpec.model_validate({"stage": "dev", "existing": {"workspace": called}})
    assert [problem.field for problem in checks.problems("churn", spec)] == ["existing.workspace"]


def test_parts_in_other_groups_are_reached_there(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vault, and the account, of a workspace are often in a group of their own; what the platform makes is not."""
    monkeypatch.setattr(workspace, "_believed", lambda *_: BELIEVED)

    def program() -> None:
        mlops.Platform("churn", backend="azure", secrets={"token": "1"}, existing={"workspace": PATH})

    cloud.run(program, **SETTINGS)
    assert cloud.one("storage/BlobContainer").inputs["resourceGroupName"] == "shared"
    assert cloud.one("keyvault/Secret").inputs["resourceGroupName"] == "shared"
    store = cloud.one("machinelearningservices/Datastore").inputs
    assert store["resourceGroupName"] == "rg-ml"
    assert store["name"] == "churn_dev_artifacts"
    assert store["properties"]["serviceDataAccessAuthIdentity"] == "WorkspaceSystemAssignedIdentity"
    assert cloud.all("monitor/DiagnosticSetting") == [], "settings are the owner's"


def test_its_identity_is_let_into_a_container_of_another_account(cloud: Cloud) -> None:
    def program() -> None:
        mlops.Platform("churn", backend="azure", existing={"workspace": PATH, "artifacts": CONTAINER})

    cloud.run(program, **SETTINGS)
    given = cloud.one("authorization/RoleAssignment").inputs
    assert given["scope"] == CONTAINER
    assert given["principalId"] == "ours-principal"


def test_a_feature_store_stands_on_what_the_workspace_has(cloud: Cloud) -> None:
    def program() -> None:
        here = hub(storage_group="shared", insights=None)
        store = mlops.FeatureStore("features", platform=here)
        columns: Any = {"id": "string", "at": "timestamp"}
        mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=columns)

    cloud.run(program, **SETTINGS)
    assert cloud.one("storage/Blob").inputs["resourceGroupName"] == "shared"
    assert "applicationInsights" not in cloud.one("machinelearningservices/Workspace").inputs


def test_an_engine_keeps_no_secret_where_roles_open_nothing(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs, match="goes by access policies"):
        cloud.run(
            lambda: (
                mlops.ExperimentTracker(
                    "runs",
                    platform=hub(vault_roles=False),
                    wandb={"entity": "acme", "project": "churn", "api_key": Output.secret("one")},
                ).ref.project
            ),
            **SETTINGS,
        )


BELIEVED = workspace.Workspace(
    id=PATH,
    location="westeurope",
    storage=RECORD["properties"]["storageAccount"],
    vault=VAULT,
    registry=None,
    insights=None,
    principal="itself",
    own_identity=True,
    closed=False,
    vault_roles=True,
    tracking=None,
)
