"""A registry that platforms share: what is made of it, who gets which right on it, and what it cannot bridge."""

from dataclasses import replace

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.azure.rights import ROLES
from pulumi_mlops.core.errors import InvalidArgs, Unsupported
from support.facts.azure import HUB, IMAGE, SETTINGS, hub
from support.mocks import Cloud

SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "00000000-0000-4000-8000-000000000002"
ROOT = f"/subscriptions/{OTHER}/resourceGroups/central/providers/Microsoft.MachineLearningServices/registries/central"
NORTH = hub("edge", location="northeurope", region="northeurope")


def shared(on: mlops.PlatformRef = HUB) -> mlops.ModelVersionRef:
    registry = mlops.ModelRegistry("models", platform=on, regions=["northeurope"])
    return mlops.Model("churn", registry=registry).version(3)


def serve(version: mlops.ModelVersionRef, on: mlops.PlatformRef = NORTH) -> mlops.Endpoint:
    return mlops.Endpoint("score", platform=on, model=version, serve={"image": IMAGE})


def roles(cloud: Cloud) -> set[tuple[str, str]]:
    """Return the roles that are given, and the last word of the place."""
    known = {value: name for name, value in ROLES.items()}
    given = [one.inputs for one in cloud.all("authorization/RoleAssignment")]
    return {(known.get(one["roleDefinitionId"].rpartition("/")[2], "own"), one["scope"]) for one in given}


def test_it_keeps_versions_in_its_own_region_and_in_those_that_are_asked_for(cloud: Cloud) -> None:
    def program() -> None:
        mlops.ModelRegistry("models", platform=HUB, regions=["North Europe", "westeurope"])

    cloud.run(program, **SETTINGS)
    made = cloud.one("machinelearningservices/Registry").inputs
    assert made["location"] == "westeurope"
    assert [one["location"] for one in made["regionDetails"]] == ["westeurope", "northeurope"]
    assert len(made["registryName"]) <= 32


def test_models_are_in_it_under_their_own_name(cloud: Cloud) -> None:
    cloud.run(lambda: {"version": shared().address["id"]}, **SETTINGS)
    assert cloud.one("machinelearningservices/RegistryModelContainer").inputs["modelName"] == "churn"
    assert cloud.all("machinelearningservices/ModelContainer") == []


def test_whoever_registers_and_approves_writes_in_it_and_consumers_read(cloud: Cloud) -> None:
    def program() -> None:
        registry = mlops.ModelRegistry(
            "models",
            platform=HUB,
            regions=["northeurope"],
            approvers=[{"user": SOMEBODY}],
            consumers=[{"group": SOMEBODY}],
        )
        models = [mlops.Model(name, registry=registry) for name in ("churn", "ranker")]
        mlops.Identity("job", platform=HUB, registers=models, trusts={"github": {"repository": "a/b", "branch": "m"}})

    cloud.run(program, **SETTINGS)
    given = [one.inputs for one in cloud.all("authorization/RoleAssignment")]
    assert len({str(one["scope"]) for one in given}) == 1, "the registry: Azure knows no narrower place in it"
    if all(isinstance(one["roleDefinitionId"], str) for one in given):  # known with the registry
        assert {role for role, _ in roles(cloud)} == {"AzureML Registry User", "Reader"}
    assert len(given) == 3, "once for each, whatever the number of models"


def test_an_endpoint_of_another_region_is_let_read_it_and_nothing_else_of_its_platform(cloud: Cloud) -> None:
    def program() -> None:
        central = mlops.ModelRegistry.existing("central", platform=NORTH, called=ROOT)
        serve(mlops.Model.existing("churn", registry=central).version(3))

    cloud.run(program, **SETTINGS)
    given = [one.inputs for one in cloud.all("authorization/RoleAssignment") if one.inputs["scope"] == ROOT]
    assert [one["roleDefinitionId"] for one in given] == [
        f"/subscriptions/{OTHER}/providers/Microsoft.Authorization/roleDefinitions/{ROLES['Reader']}"
    ], "a role of the registry's own subscription"
    deployment = cloud.one("machinelearningservices/OnlineDeployment").inputs["properties"]
    assert deployment["model"] == "azureml://registries/central/models/churn/versions/3"
    assert not [scope for role, scope in roles(cloud) if role.startswith("Storage")]


def test_a_version_of_a_workspace_is_not_served_by_another_one(cloud: Cloud) -> None:
    def program() -> None:
        registry = mlops.ModelRegistry("models", platform=HUB)
        serve(mlops.Model("churn", registry=registry).version(3))

    with pytest.raises(Unsupported, match=r"ModelRegistry\(regions=\[…\]\)"):
        cloud.run(program, **SETTINGS)


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (hub("edge", location="uksouth", region="uksouth"), "is kept in westeurope, northeurope, and the platform is"),
        (replace(NORTH, private=True), "which has a public address, and the platform is private"),
    ],
)
def test_a_platform_that_does_not_reach_it_is_told_so(cloud: Cloud, on: mlops.PlatformRef, told: str) -> None:
    with pytest.raises(InvalidArgs, match=told):
        cloud.run(lambda: {"url": serve(shared(), on).url}, **SETTINGS)


def test_a_private_platform_makes_none(cloud: Cloud) -> None:
    with pytest.raises(InvalidArgs, match="regions: make a registry on a public address"):
        cloud.run(lambda: {"id": shared(replace(HUB, private=True)).address["id"]}, **SETTINGS)
