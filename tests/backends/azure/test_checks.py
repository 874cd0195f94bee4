"""What Azure refuses, refused before anything is registered: limits, forms of ids, and what is there already."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.azure import checks, leftovers, live, names, sessions
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import Problem
from support.facts.azure import HUB, SETTINGS
from support.mocks import SUBSCRIPTION, Cloud

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/churn-prod-westeurope"
VAULTS = "Microsoft.KeyVault/vaults"


def refused(**args: Any) -> dict[str, str]:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: mlops.Platform("churn", backend="azure", **args).artifacts, **SETTINGS)
    assert cloud.registered == []
    return {problem.field: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("args", "field", "told"),
    [
        ({"account": "111122223333"}, "account", "az account list"),
        ({"region": "eu-west-1"}, "region", "'westeurope'"),
        ({"log_days": 14}, "log_days", "30 to 730"),
        ({"log_days": 731}, "log_days", "30 to 730"),
        ({"network": {"private": {"zones": 3}}}, "network.private.zones", "every zone"),
        ({"tags": {"a/b": "c"}}, "tags.a/b", "'/' is not taken"),
        ({"tags": {"azure-x": "c"}}, "tags.azure-x", "Azure's own"),
        ({"tags": {"k": "v" * 257}}, "tags.k", "at most 256"),
        ({"tags": {f"k{index}": "v" for index in range(46)}}, "tags", "at most 50"),
        ({"tag_prefix": "acme.com/"}, "tag_prefix", "'/' is not taken"),
        ({"owner": "o" * 257}, "owner", "at most 256"),
        ({"existing": {"artifacts": "my-bucket"}}, "existing.artifacts", "az resource show"),
        ({"existing": {"key": "https://v.vault.azure.net/keys/k"}}, "existing.key", "az resource show"),
        ({"existing": {"alerts": "ml@example.com"}}, "existing.alerts", "actionGroups"),
        ({"existing": {"group": "a/b"}}, "existing.group", "not the name of a resource group"),
        ({"network": {"existing": {"subnets": ["subnet-1"]}}}, "network.existing.subnets", "not the id of a subnet"),
        ({"secrets": {"token": "x" * 25_601}}, "secrets.token", "25600 bytes"),
        ({"consumers": [{"group": "team"}]}, "consumers[0].group", "object id of Entra ID"),
        (
            {"alerts": ["a@example.com"], "monthly_budget": 1, "budget_thresholds": [10, 20, 30, 40, 100]},
            "budget_thresholds",
            "Azure takes 5",
        ),
    ],
)
def test_what_azure_does_not_take_is_refused(args: dict[str, Any], field: str, told: str) -> None:
    found = refused(**args)
    assert told in found[field]
    assert set(found) == {field}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert set(refused(log_days=1, region="eu-west-1", account="x")) == {"log_days", "region", "account"}


def test_an_identity_trusts_a_subject_of_some_length() -> None:
    token = {"issuer": "https://oidc.example.com/c", "subject": "s" * 601}
    with pytest.raises(InvalidArgs, match="at most 600"):
        Cloud().run(lambda: mlops.Identity("team", platform=HUB, trusts={"token": token}).principal, **SETTINGS)  # type: ignore[typeddict-item]


class Azure:
    """Plays what is there: answers by the path that is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there: dict[str, Any] = {
            f"/subscriptions/{SUBSCRIPTION}": {"subscriptionId": SUBSCRIPTION},
            f"/subscriptions/{SUBSCRIPTION}/locations": {"value": [{"name": "westeurope"}, {"name": "northeurope"}]},
        }
        self.taken: dict[str, str] = {}
        monkeypatch.setattr(private, "mocked", lambda: False)
        monkeypatch.setattr(private, "once", lambda _, make: make())
        monkeypatch.setattr(sessions, "ask", self.ask)
        monkeypatch.setattr(sessions, "_settings", lambda _: {})

    def ask(self, _: Any, method: str, path: str, version: str, **more: Any) -> sessions.Answer:
        assert version
        if method == "POST":
            why = self.taken.get(more["body"]["type"])
            return sessions.Answer(200, {"nameAvailable": why is None, "message": why})
        found = self.there.get(path)
        return sessions.Answer(200, found) if found is not None else sessions.Answer(404, {})


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    return Azure(monkeypatch)


def judged(**args: Any) -> list[Problem]:
    spec = PlatformSpec(stage="prod", account=SUBSCRIPTION, **({"region": "westeurope"} | args))
    return list(checks.misplaced("churn", spec, None))


def vault(life: str = "") -> str:
    return names.everywhere(SUBSCRIPTION, "churn", "prod", "westeurope", limit=24, life=life)


def kept(azure: Azure, *lives: str) -> None:
    """Have vaults of earlier platforms that wait for their purge."""
    listed = [{"name": vault(life), "properties": {"scheduledPurgeDate": "2027-01-01"}} for life in lives]
    azure.there[f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults"] = {"value": listed}


def test_a_new_platform_is_taken(azure: Azure) -> None:
    assert azure.there
    assert judged() == []


def test_a_subscription_that_is_not_seen_is_told(azure: Azure) -> None:
    del azure.there[f"/subscriptions/{SUBSCRIPTION}"]
    (problem,) = judged()
    assert problem.field == "account"


def test_a_region_that_the_subscription_lacks_is_told_with_the_nearest(azure: Azure) -> None:
    assert azure.there
    (problem,) = judged(region="westeurop")
    assert problem.field == "region"
    assert "'westeurope'" in problem.message


def test_somebody_elses_group_is_not_taken_over(azure: Azure) -> None:
    azure.there[GROUP] = {"tags": {"team": "search"}}
    (problem,) = judged()
    assert "is not one of ours" in problem.message
    azure.there[GROUP] = {"tags": {"component": "Platform/churn"}}
    assert judged() == []


NET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/ours"


def in_subnet(name: str = "private") -> list[Problem]:
    return judged(network={"existing": {"subnets": [f"{NET}/subnets/{name}"]}})


def test_a_subnet_for_private_endpoints_is_there_and_in_the_platforms_region(azure: Azure) -> None:
    (problem,) = in_subnet()
    assert problem.field == "network.existing.subnets"
    assert "there is no " in problem.message
    azure.there |= {NET: {"location": "North Europe"}, f"{NET}/subnets/private": {}}
    (problem,) = in_subnet()
    assert "is in northeurope, and the platform is in westeurope" in problem.message
    azure.there[NET]["location"] = "westeurope"
    assert in_subnet() == []
    (problem,) = in_subnet("other")
    assert f"there is no {NET}/subnets/other" in problem.message


def test_private_endpoints_are_in_one_subnet() -> None:
    two = [f"{NET}/subnets/{name}" for name in ("a", "b")]
    assert refused(network={"existing": {"subnets": two}}) == {
        "network.existing.subnets": "private endpoints are in one subnet; write one"
    }


def test_a_group_that_is_to_be_there_is_looked_for(azure: Azure) -> None:
    (problem,) = judged(existing={"group": "theirs"})
    assert problem.field == "existing.group"
    azure.there[f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs"] = {}
    assert judged(existing={"group": "theirs"}) == []


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("Microsoft.Storage/storageAccounts", "storage account"),
        (VAULTS, "key vault"),
        ("Microsoft.ContainerRegistry/registries", "container registry"),
    ],
)
def test_a_name_that_somebody_else_has_is_told(azure: Azure, kind: str, what: str) -> None:
    azure.taken = {kind: "The name is already taken."}
    (problem,) = judged()
    assert problem.field == "name"
    assert what in problem.message
    azure.there[f"{GROUP}/resources"] = {"value": [{"type": kind, "name": vault()}]}
    assert judged() == [], "our own is taken by us"


def test_a_production_platform_is_not_made_beside_the_vault_of_a_deleted_one(azure: Azure) -> None:
    kept(azure, "")
    (problem,) = judged()
    assert f"az keyvault recover --name {vault()}" in problem.message
    assert "2027-01-01" in problem.message
    azure.there[f"{GROUP}/resources"] = {"value": [{"type": VAULTS, "name": vault("2")}]}
    assert judged() == [], "a platform that lives goes on"


@pytest.mark.parametrize(
    ("deleted", "there", "life"),
    [([], "", ""), ([""], None, "2"), (["", "2"], None, "3"), ([], "2", "2"), (["", "3"], "2", "2")],
)
def test_a_platform_that_is_made_again_has_other_names_and_keeps_them(
    azure: Azure, deleted: list[str], there: str | None, life: str
) -> None:
    kept(azure, *deleted)
    if there is not None:
        azure.there[f"{GROUP}/resources"] = {"value": [{"type": VAULTS, "name": vault(there)}]}
    at = leftovers.Where(SUBSCRIPTION, "churn", "prod", "westeurope", "churn-prod-westeurope")
    assert leftovers.life(None, at) == life


def test_a_managed_network_is_not_opened_again(azure: Azure) -> None:
    path = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/churn-prod"
    azure.there[path] = {"properties": {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}}
    (problem,) = judged()
    assert problem.field == "network"
    assert judged(network={"private": {}}) == []
    assert live.ML
