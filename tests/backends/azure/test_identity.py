"""Identity on Azure: exactly the rights of its arguments, and exactly the tokens that it is had by."""

from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import Unsupported
from support.facts.azure import HUB, IMAGE, SETTINGS, VAULT
from support.mocks import Cloud

SECRET = mlops.SecretRef(name="token", backend="azure", address={"id": f"{VAULT}/secrets/token"})
CLUSTER: Any = {"issuer": "https://oidc.example.com/cluster", "subject": "system:serviceaccount:ranking:web"}
ROLES = "/providers/Microsoft.Authorization/roleDefinitions/"


def build(cloud: Cloud, **args: Any) -> Any:
    return cloud.run(lambda: {"ref": mlops.Identity("team", platform=HUB, **args).ref.export()}, **SETTINGS)["ref"]


def test_a_secret_is_read_and_no_other(cloud: Cloud) -> None:
    build(cloud, secrets=[SECRET])
    (given,) = cloud.all("authorization/RoleAssignment")
    assert given.inputs["scope"] == f"{VAULT}/secrets/token"
    assert given.inputs["roleDefinitionId"].partition(ROLES)[2] == "4633458b-17de-408a-b874-0445c86b69e6"
    assert given.inputs["principalType"] == "ServicePrincipal"


def test_models_of_one_name_in_two_registries_keep_their_files_apart(cloud: Cloud) -> None:
    """A platform is shared by teams, each with a registry of its own."""

    def program() -> None:
        for team in ("ranking", "fraud"):
            registry = mlops.ModelRegistry(team, platform=HUB)
            model = mlops.Model("churn", registry=registry, opts=pulumi.ResourceOptions(parent=registry))
            mlops.Identity(f"{team}-trainer", platform=HUB, registers=[model])

    cloud.run(program, **SETTINGS)
    bounds = [
        given.inputs["condition"] for given in cloud.all("authorization/RoleAssignment") if "condition" in given.inputs
    ]
    assert ["models/ranking-churn/*" in bound for bound in bounds].count(True) == 1
    assert ["models/fraud-churn/*" in bound for bound in bounds].count(True) == 1


def test_an_identity_and_an_endpoint_of_one_name_do_not_meet(cloud: Cloud) -> None:
    """Both have a managed identity in one resource group."""
    cloud.run(
        lambda: [
            mlops.Identity("score", platform=HUB).principal,
            mlops.Endpoint("score", platform=HUB, model={"image": IMAGE}, compute={"cpus": 2}).url,
        ],
        **SETTINGS,
    )
    named = [item.inputs["resourceName"] for item in cloud.all("managedidentity/UserAssignedIdentity")]
    assert len(set(named)) == len(named) >= 2


def test_without_arguments_it_may_do_nothing(cloud: Cloud) -> None:
    build(cloud)
    assert not cloud.all("authorization/RoleAssignment")
    assert not cloud.all("managedidentity/FederatedIdentityCredential")


@pytest.mark.parametrize(
    ("where", "subject"),
    [
        ({"branch": "main"}, "repo:acme/churn:ref:refs/heads/main"),
        ({"environment": "prod"}, "repo:acme/churn:environment:prod"),
    ],
)
def test_jobs_of_a_repository_are_trusted(cloud: Cloud, where: dict[str, str], subject: str) -> None:
    build(cloud, trusts={"github": {"repository": "acme/churn", **where}})
    said = cloud.one("managedidentity/FederatedIdentityCredential").inputs
    assert (said["issuer"], said["subject"]) == ("https://token.actions.githubusercontent.com", subject)
    assert said["audiences"] == ["api://AzureADTokenExchange"]


def test_credentials_of_one_identity_are_written_one_after_the_other(cloud: Cloud) -> None:
    """Azure refuses two at one time."""
    build(cloud, trusts={"github": {"repository": "acme/churn", "branch": "main"}, "token": CLUSTER})
    second = cloud.one("managedidentity/FederatedIdentityCredential", "team-trusts-token")
    assert second.inputs["subject"] == CLUSTER["subject"]
    assert "team-trusts-github" in second.depends_on


def test_its_address_is_known_when_it_has_its_rights(cloud: Cloud) -> None:
    def program() -> Any:
        team = mlops.Identity("team", platform=HUB, secrets=[SECRET])
        return mlops.Platform("other", backend="azure", consumers=[team]).ref.consumers[0]["application"]

    cloud.run(program, **SETTINGS)
    given = cloud.one("authorization/RoleAssignment", "other-consumer-identity-team-acrpull-images")
    assert "team-right-key-vault-secrets-user-secret-token" in given.depends_on


@pytest.mark.parametrize("kind", ["namespace", "service_account"])
def test_a_workload_of_a_cluster_is_trusted_by_its_token(cloud: Cloud, kind: str) -> None:
    with pytest.raises(Unsupported, match="system:serviceaccount"):
        build(cloud, trusts={kind: "ranking/web" if kind == "service_account" else "ranking"})
