"""ExperimentTracker on Azure: the workspace's MLflow, and a role that records in it."""

from dataclasses import replace
from typing import Any

import pulumi_mlops as mlops
from support.changes.common import WANDB, hidden
from support.facts.azure import HUB, SETTINGS
from support.mocks import Cloud

ROLE = "azure-native:authorization:RoleDefinition"
ASSIGNED = "authorization/RoleAssignment"
SPACE = "Microsoft.MachineLearningServices/workspaces"


def build(cloud: Cloud, on: mlops.PlatformRef = HUB, **args: Any) -> dict[str, Any]:
    found: dict[str, Any] = cloud.run(
        lambda: {"ref": mlops.ExperimentTracker("runs", platform=on, **args).ref.export()}, **SETTINGS
    )["ref"]
    return found


def test_nothing_is_made_but_a_role(cloud: Cloud) -> None:
    ref = build(cloud, managed={"experiment": "churn"})
    workspace = HUB.address["workspace_id"]
    assert [one.type for one in cloud.registered if one.custom and not one.type.startswith("pulumi:")] == [ROLE]
    assert ref["environment"] == {
        "MLFLOW_TRACKING_URI": f"azureml://{HUB.address['location']}.api.azureml.ms/mlflow/v1.0{workspace}",
        "MLFLOW_EXPERIMENT_NAME": "churn",
    }
    assert ref["url"].startswith("https://ml.azure.com/experiments?wsid=/subscriptions/")
    assert (ref["engine"], ref["keys"]) == ("mlflow", {})


def test_the_address_is_the_workspaces_own_where_it_is_known(cloud: Cloud) -> None:
    told = "azureml://westeurope.api.azureml.ms/mlflow/v1.0/subscriptions/s/one"
    on = replace(HUB, address={**HUB.address, "tracking": told})
    assert build(cloud, on)["environment"]["MLFLOW_TRACKING_URI"] == told


def test_the_role_records_and_does_nothing_else(cloud: Cloud) -> None:
    build(cloud)
    (permission,) = cloud.one("authorization/RoleDefinition").inputs["permissions"]
    assert sorted(permission["actions"]) == [
        *(f"{SPACE}/experiments/{verb}" for verb in ("read", "runs/read", "runs/write", "write")),
        *(f"{SPACE}/metadata/artifacts/{verb}" for verb in ("read", "write")),
        f"{SPACE}/read",
    ]
    assert not permission["dataActions"]


def test_who_records_gets_the_role_of_its_tracker(cloud: Cloud) -> None:
    def program() -> None:
        runs = [mlops.ExperimentTracker(name, platform=HUB) for name in ("runs", "others", "third")]
        mlops.Identity("trainer", platform=HUB, records=runs[:2])

    cloud.run(program, **SETTINGS)
    given = cloud.all(ASSIGNED)
    assert {one.inputs["scope"] for one in given} == {HUB.address["workspace_id"]}
    assert len({one.inputs["roleDefinitionId"] for one in given}) == len(given) == 2, "Azure takes a role once"
    assert not [one for one in given if "third" in one.inputs["roleDefinitionId"]]


def test_who_records_in_an_engine_reads_its_key_and_no_other(cloud: Cloud) -> None:
    def program() -> None:
        runs, _ = (
            mlops.ExperimentTracker(name, platform=HUB, **hidden({"wandb": WANDB})) for name in ("runs", "others")
        )
        mlops.Identity("trainer", platform=HUB, records=[runs])

    cloud.run(program, **SETTINGS)
    (given,) = cloud.all(ASSIGNED)
    assert given.inputs["scope"].endswith("/secrets/experiment-tracker-runs-wandb-api-key")
    assert given.inputs["roleDefinitionId"].endswith("/4633458b-17de-408a-b874-0445c86b69e6")
