"""ModelRegistry and Model on Azure: rights on single models, approvals by a tag, versions with neutral facts."""

import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.azure import live, model_registry
from pulumi_mlops.core import private
from support.facts.azure import HUB, SETTINGS, WORKSPACE
from support.mocks import Cloud

SOMEBODY = "0f8fad5b-d9cb-469f-a165-70867728950e"
STORE = f"azureml:/{WORKSPACE.replace('/providers/Microsoft.MachineLearningServices', '')}/datastores/artifacts/paths"
MODEL = mlops.ModelRef(
    name="churn",
    backend="azure",
    platform=HUB,
    gate={"auc": ">=0.9"},
    address={"id": f"{WORKSPACE}/models/models-churn", "called": "models-churn"},
)


def version(number: str, approval: str | None = None, **facts: Any) -> dict[str, Any]:
    tags = {} if approval is None else {"approval": approval}
    return {"name": number, "properties": {"tags": tags | facts.pop("tags", {}), **facts}}


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(live, "versions_of_model", lambda _: found)
    monkeypatch.setattr("pulumi.log.warn", lambda *_: None)
    return found


def test_the_newest_approved_version_that_passes_the_gate_is_taken(versions: list[dict[str, Any]]) -> None:
    versions += [
        version("1", "approved", properties={"auc": "0.95"}, modelUri=f"{STORE}/models/churn/1/"),
        version("2", "approved", properties={"auc": "0.5"}),
        version("9", "approved", properties={"auc": "0.99"}, isArchived=True),
        version("10", "rejected", properties={"auc": "0.99"}),
        version("latest", "approved", properties={"auc": "0.99"}),
    ]
    found = model_registry.approved(MODEL)
    assert found is not None
    assert found.version == 1
    assert found.files == "https://churndev1.blob.core.windows.net/artifacts/models/churn/1/"


def test_nobody_raises_a_metric_by_a_tag(versions: list[dict[str, Any]]) -> None:
    versions.append(version("1", "approved", properties={"auc": "0.5"}, tags={"auc": "0.99"}))
    assert model_registry.approved(MODEL) is None


def test_a_version_carries_neutral_facts(versions: list[dict[str, Any]]) -> None:
    versions.append(
        version(
            "3",
            "approved",
            properties={"auc": "1"},
            tags={"serving_image": "churndev1.azurecr.io/serve:3"},
            modelType="mlflow_model",
            flavors={"python_function": {}, "sklearn": {}},
        )
    )
    found = model_registry.approved(MODEL)
    assert found is not None
    assert (found.image, found.flavour) == ("churndev1.azurecr.io/serve:3", "sklearn")


def test_a_version_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "of_model", lambda *_: None)
    with pytest.raises(InvalidArgs, match="has no version 7"):
        model_registry.version(MODEL, 7)


def build(cloud: Cloud, **args: Any) -> None:
    def program() -> Any:
        registry = mlops.ModelRegistry("models", platform=HUB, **args)
        return {"ref": mlops.Model("churn", registry=registry).ref.export()}

    cloud.run(program, **SETTINGS)


def of(cloud: Cloud, name: str) -> Any:
    return [item for item in cloud.registered if item.type.endswith(f":{name}")]


def test_approvers_and_consumers_have_rights_on_one_model(cloud: Cloud) -> None:
    build(cloud, approvers=[{"user": SOMEBODY}], consumers=[{"group": SOMEBODY}])
    (container,) = of(cloud, "ModelContainer")
    assert container.inputs["name"] == "models-churn"
    for given in of(cloud, "RoleAssignment"):
        narrow = "ModelContainer" in given.inputs["scope"] or "/models/" in given.inputs["scope"]
        assert narrow or "models/models-churn/*" in given.inputs["condition"]


def test_a_consumer_reads_one_model_and_its_files_and_nothing_else(cloud: Cloud) -> None:
    build(cloud, consumers=[{"group": SOMEBODY}])
    (role,) = of(cloud, "RoleDefinition")
    (permissions,) = role.inputs["permissions"]
    assert all(action.endswith("/read") for action in permissions["actions"] + permissions["dataActions"])
    given = [one.inputs for one in of(cloud, "RoleAssignment") if one.inputs["principalId"] == SOMEBODY]
    assert len(given) == 2
    assert [one["condition"].count("'models/models-churn/*'") for one in given if one.get("condition")] == [2]


@pytest.mark.parametrize("where", ["platform", "registries", "both"])
def test_nobody_is_given_a_role_twice_at_one_place(cloud: Cloud, where: str) -> None:
    """Azure refuses the second assignment of a role to somebody at one scope, whatever its condition says."""
    someone: Any = [{"group": SOMEBODY}]

    def program() -> None:
        hub = mlops.Platform("hub", backend="azure", consumers=someone if where != "registries" else [])
        for name in ("models", "trials"):
            registry = mlops.ModelRegistry(name, platform=hub, consumers=someone if where != "platform" else None)
            for model in ("churn", "fraud"):
                mlops.Model(f"{name}-{model}", registry=registry)

    cloud.run(program, **SETTINGS)
    outside = [given.inputs for given in of(cloud, "RoleAssignment") if given.inputs["principalId"] == SOMEBODY]
    told = [(given["roleDefinitionId"], given["scope"]) for given in outside]
    assert told
    assert len(told) == len(set(told))


def test_the_address_of_who_is_told_is_a_secret_of_the_workflow(cloud: Cloud) -> None:
    build(cloud, events={"ci": {"to": "https://ci.example.com/hook?token=hunter2", "on": ["approved", "rejected"]}})
    (workflow,) = of(cloud, "Workflow")
    assert "hunter2" not in json.dumps(workflow.inputs["definition"])
    assert workflow.inputs["parameters"]["to"]["type"] == "SecureString"
    assert "parameters" in workflow.secret
    chosen = json.dumps(workflow.inputs["definition"])
    assert "'approved'" in chosen
    assert "'rejected'" in chosen
    assert "'pending'" not in chosen
