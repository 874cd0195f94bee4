"""The yardstick on Azure: what `library_azure` of programs.py declares, written by hand in plain pulumi-azure-native.

The same resources with the same inputs, which `run.py` checks, and nothing of this library. It is a program as an
engineer writes it who knows the subscription and the services: functions where something is repeated, no components,
identifiers handed on as Outputs.
"""

import workflows
from common import config, let, location, person, tags
from endpoint import endpoint
from hub import Hub, hub
from pulumi import Output, ResourceOptions
from pulumi_azure_native import logic
from pulumi_azure_native import machinelearningservices as ml


def registry(at: Hub) -> None:
    """Declare the workflow that tells of approvals."""
    component = "ModelRegistry/models"
    teller = person("models-events", "churn-dev-model-registry-models-events", component, at.group)
    reads = let(teller, component, "models-events-reader-workspace", "reader", at.workspace.id)
    logic.Workflow(
        "models-event-deploy",
        workflow_name="churn-dev-models-deploy",
        resource_group_name=at.group.name,
        location=location,
        identity={"type": "UserAssigned", "user_assigned_identities": [teller.id]},
        state="Enabled",
        definition=workflows.approvals(at.workspace.id, teller),
        parameters={"to": {"type": "SecureString", "value": Output.secret(config.require("approvals"))}},
        tags=tags(component),
        opts=ResourceOptions(depends_on=[reads]),
    )


def model(at: Hub) -> None:
    """Declare the model's container, and who registers its versions."""
    container = ml.ModelContainer(
        "churn-container",
        name="models-churn",
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        properties={
            "description": "Probability that a customer leaves",
            "tags": {**tags("Model/churn"), "mlops-registry": "models"},
            "is_archived": False,
        },
    )
    component = "Identity/trainer"
    trainer = person("trainer-identity", "churn-dev-identity-trainer", component, at.group)
    right = "trainer-right-azureml-data-scientist-model-models-churn"
    let(trainer, component, right, "azureml-data-scientist", container.id)
    files = "trainer-right-storage-blob-data-contributor-artifacts"
    let(trainer, component, files, "storage-blob-data-contributor", at.container_id, below="models/models-churn/")


def main() -> None:
    """Declare the stack."""
    at = hub()
    registry(at)
    model(at)
    endpoint(at)


if __name__ == "__main__":
    main()
